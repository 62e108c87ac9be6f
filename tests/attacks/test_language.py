"""Attacks on the language: ways out of Python subsets that others found, through the whole road.

Each program prints ESCAPED where it got hold of something outside. Names say what is tried, `idea` where it comes from.
"""

# ruff: noqa: E501 -- one attack is one row

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.executors.local import LocalExecutor
from engine.trace import Trace
from tests.attacks.firing import Attack, fire, road, ruled, still_works

OWN = ("refused", "failed")

ATTACKS = {
    # attribute walks
    "subclasses of object": Attack("pyjail classic", "print('ESCAPED', ().__class__.__base__.__subclasses__())"),
    "bases by mro": Attack("pyjail classic", "print('ESCAPED', ''.__class__.__mro__[-1].__subclasses__())"),
    "subclasses by type": Attack("asteval issue 32", "print('ESCAPED', type(1).__subclasses__(type(1)))"),
    "type of type": Attack("asteval issue 32", "t = type(type(1))\nprint('ESCAPED', t.__subclasses__(t))"),
    "globals of a function": Attack("simpleeval issue 15", "def f(): pass\nprint('ESCAPED', f.__globals__)"),
    "code of a function": Attack("asteval 1.0.6", "def f(): pass\nprint('ESCAPED', f.__code__)"),
    "closure of a function": Attack(
        "pyjail", "def g():\n    x = 1\n    def f(): return x\n    return f\nprint('ESCAPED', g().__closure__)"
    ),
    "defaults written": Attack("pyjail", "def f(x=1): return x\nf.__defaults__ = (2,)\nprint('ESCAPED')", OWN),
    "code written": Attack("asteval 1.0.6", "def f(): pass\ndef g(): pass\nf.__code__ = g.__code__\nprint('ESCAPED')"),
    "globals of a lambda": Attack("simpleeval issue 15", "print('ESCAPED', (lambda: 0).__globals__)"),
    "globals of a library function": Attack(
        "simpleeval issue 15", "import torch\nprint('ESCAPED', torch.einsum.__globals__)"
    ),
    "globals of a method": Attack(
        "simpleeval issue 15", "from torch import nn\nprint('ESCAPED', nn.Linear.forward.__globals__)"
    ),
    "function behind a method": Attack(
        "pyjail", "from torch import nn\nprint('ESCAPED', nn.Linear(1, 1).forward.__func__.__globals__)"
    ),
    "wrapped function": Attack("pyjail", "import torch\nprint('ESCAPED', torch.no_grad().__call__.__wrapped__)", OWN),
    "what a guard is put around": Attack("pyjail", "import torch\nprint('ESCAPED', torch.empty.__wrapped__)"),
    "bases of a class of Python's": Attack("pyjail", "class A(dict): pass\nprint('ESCAPED', A.__mro__[1].__bases__)"),
    "code in the name of a field": Attack(
        "dataclasses writes field names into code",
        "import dataclasses\nclass C:\n    x: int = 0\n"
        "C.__annotations__['y: _type_x = print(1)'] = int\n"
        "assert len(C.__annotations__) > 1\nprint('ESCAPED')",
        OWN,
    ),
    "code in the body's annotations": Attack(
        "dataclasses writes field names into code",
        "import dataclasses\nclass C:\n    x: int = 0\n    __annotations__['y = print(1), z'] = int\nprint('ESCAPED')",
    ),
    "code in a class made by type": Attack(
        "dataclasses writes field names into code",
        "import dataclasses\nC = type('C', (), {'__annotations__': {'y = print(1)': int}})\nprint('ESCAPED')",
    ),
    "a kept dict of annotations": Attack(
        "dataclasses writes field names into code",
        "import dataclasses\nkept = []\nclass C:\n    x: int = 0\n    kept.append(__annotations__)\n"
        "kept[0]['(y'] = int\ndataclasses.dataclass(C)\nassert len(dataclasses.fields(C)) > 1\nprint('ESCAPED')",
        OWN,
    ),
    "the name of a field written": Attack(
        "dataclasses writes field names into code",
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    x: int = 0\n"
        "dataclasses.fields(C)[0].name = '(x'\nprint('ESCAPED')",
    ),
    "code in an annotation": Attack(
        "singledispatch runs annotations that are texts",
        "import functools\n@functools.singledispatch\ndef f(x): pass\n@f.register\n"
        "def g(x: '().__class__'): pass\nprint('ESCAPED')",
    ),
    "the state of a parameter": Attack(
        "pickle sets what __getstate__ says",
        "import torch\nclass P(torch.nn.Parameter):\n    def __getstate__(self): return {'data': torch.ones(1)}\n"
        "print('ESCAPED')",
    ),
    "the state of a module": Attack(
        "pickle sets what __getstate__ says",
        "import torch\nclass M(torch.nn.LSTM):\n    def __getstate__(self): return {'_flat_weights': []}\n"
        "print('ESCAPED')",
    ),
    "parts of a library's class": Attack(
        "pytree asks what is registered",
        "import torch\nfrom torch.utils._pytree import register_pytree_node\n"
        "register_pytree_node(torch.Tensor, lambda t: ([], None), lambda a, b: 1)\nprint('ESCAPED')",
    ),
    "bytes of another's pickle": Attack(
        "pickle runs what it reads", "import pickle\nprint('ESCAPED', pickle.loads(b'cos\\ngetpid\\n(tR.'))"
    ),
    "a function by pickle": Attack(
        "a name gives it back without its guard",
        "import pickle, torch\nprint('ESCAPED', pickle.loads(pickle.dumps(torch.empty)))",
    ),
    "an annotation of an operation": Attack(
        "infer_schema runs annotations that are texts",
        "import torch\n@torch.library.custom_op('a::b', mutates_args=())\n"
        "def f(x: '().__class__') -> torch.Tensor: return x\nprint('ESCAPED')",
    ),
    "a trace past its guard": Attack(
        "guards look at values",
        "import torch\nf = torch.jit.trace(lambda x: torch.linalg.eigvals(x), torch.eye(2))\nprint('ESCAPED')",
    ),
    "dunder by type": Attack("pyjail", "print('ESCAPED', type('A', (), {'__reduce__': lambda self: 1}))"),
    "metaclass by type": Attack("pyjail", "print('ESCAPED', type('A', (type,), {}))"),
    "an int that lies about its size": Attack(
        "guards look at values", "class A(int):\n    def bit_length(self): return 0\nprint('ESCAPED', 2 ** A(10 ** 9))"
    ),
    "a text that lies about its length": Attack(
        "guards look at values", "class A(str):\n    def __len__(self): return 0\nprint('ESCAPED', A('a') * 10 ** 9)"
    ),
    "a tuple of a text that grows": Attack(
        "guards look at values", "class A(str): pass\nprint('ESCAPED', len(A('a') * 10 ** 9))", ("stopped",)
    ),
    "a text joined by its own class": Attack(
        "guards look at values", "class A(str): pass\nprint('ESCAPED', len(A('a' * 1000).join('b' * 10 ** 5)))", ("stopped",)
    ),
    "an endless tuple": Attack(
        "guards look at values",
        "import itertools\nclass A(tuple): pass\nprint('ESCAPED', A(itertools.count()))",
        ("stopped",),
    ),
    "a method of an int written": Attack(
        "guards look at values", "class A(int): pass\na = A(3)\na.bit_length = lambda: 0\nprint('ESCAPED')"
    ),
    "owner of a builtin": Attack("asteval issue 86", "print('ESCAPED', print.__self__)"),
    "owner of len": Attack("pyjail", "print('ESCAPED', len.__self__)"),
    "reduce of a builtin": Attack("asteval issue 86", "print('ESCAPED', print.__reduce__())"),
    "reduce_ex of an object": Attack("asteval issue 86", "print('ESCAPED', (1).__reduce_ex__(4))"),
    "getattribute by hand": Attack("pyjail", "print('ESCAPED', (1).__getattribute__('__class__').__base__)"),
    "object.__getattribute__": Attack("pyjail", "print('ESCAPED', object.__getattribute__(1, '__class__'))"),
    "type.__getattribute__": Attack("pyjail", "print('ESCAPED', type.__getattribute__(int, '__subclasses__'))"),
    "dict of an object": Attack("pyjail", "class A: pass\nprint('ESCAPED', A.__dict__['__dict__'].__objclass__)"),
    "dict of a class": Attack("pyjail", "print('ESCAPED', int.__dict__['__add__'].__objclass__.__subclasses__())"),
    "module of a class": Attack("pyjail", "import torch\nprint('ESCAPED', torch.nn.Module.__init__.__globals__['sys'])"),
    "loader of a module": Attack("pyjail", "import math\nprint('ESCAPED', math.__loader__)"),
    "spec of a module": Attack("pyjail", "import math\nprint('ESCAPED', math.__spec__.loader)"),
    "dict of a module": Attack("pyjail", "import torch\nprint('ESCAPED', torch.__dict__)"),
    "builtins of a module": Attack("pyjail", "import torch\nprint('ESCAPED', torch.__builtins__)"),
    "vars of a module": Attack("pyjail", "import torch\nprint('ESCAPED', vars(torch))", OWN),
    "dir and getattr": Attack(
        "pyjail", "n = '__cla' + 'ss__'\nprint('ESCAPED', getattr(getattr(1, n), '__ba' + 'se__').__subclasses__())"
    ),
    "getattr with a made name": Attack("pyjail", "import torch\nprint('ESCAPED', getattr(torch, 'o' + 's').getcwd())"),
    "setattr on a library": Attack("asteval 1.0.10", "import torch\nsetattr(torch, 'ones', 1)\nprint('ESCAPED')"),
    "delattr on a library": Attack("asteval 1.0.10", "import torch\ndelattr(torch, 'ones')\nprint('ESCAPED')"),
    "class of an instance replaced": Attack(
        "pyjail", "class A: pass\nclass B: pass\na = A()\na.__class__ = B\nprint('ESCAPED')"
    ),
    "bases of a class replaced": Attack("pyjail", "class A: pass\nA.__bases__ = (int,)\nprint('ESCAPED')"),
    "attrgetter": Attack("pyjail", "import operator\nprint('ESCAPED', operator.attrgetter('__class__.__base__')(1))"),
    "methodcaller": Attack("pyjail", "import operator\nprint('ESCAPED', operator.methodcaller('__reduce__')(1))"),
    "getattr through map": Attack("pyjail", "print('ESCAPED', list(map(getattr, [int], ['__base__'])))"),
    "getattr through partial": Attack(
        "pyjail", "import functools\nprint('ESCAPED', functools.partial(getattr, 1)('__subclasshook__'))", OWN
    ),
    "getattr through reduce": Attack(
        "pyjail",
        "import functools\nprint('ESCAPED', functools.reduce(getattr, ['__class__', '__base__', '__subclasses__'], 1)())",
    ),
    "super to the outside": Attack(
        "pyjail", "class A:\n    def f(self): return super().__getattribute__('__class__')\nprint('ESCAPED', A().f())"
    ),
    "super with two arguments": Attack("pyjail", "print('ESCAPED', super(int, 1).__reduce_ex__(2))"),
    # frames and tracebacks
    "frame of a generator": Attack("simpleeval issue 138", "g = (x for x in [1])\nprint('ESCAPED', g.gi_frame.f_back)"),
    "frame of a generator function": Attack(
        "CVE-2023-37271", "def f():\n    yield g.gi_frame.f_back.f_back\ng = f()\nprint('ESCAPED', next(g))"
    ),
    "code of a generator": Attack("simpleeval issue 138", "g = (x for x in [1])\nprint('ESCAPED', g.gi_code)"),
    "frame of a library generator": Attack(
        "security.md R5", "from torch import nn\nprint('ESCAPED', nn.Linear(1, 1).parameters().gi_frame.f_globals)"
    ),
    "frame of a coroutine": Attack("pyjail", "async def f(): pass\nprint('ESCAPED', f().cr_frame)"),
    "traceback of an exception": Attack(
        "CVE-2023-37271", "try: 1 / 0\nexcept Exception as e: print('ESCAPED', e.__traceback__.tb_frame)"
    ),
    "traceback by with": Attack(
        "pyjail",
        "class C:\n    def __enter__(self): pass\n    def __exit__(self, t, v, tb): print('ESCAPED', tb.tb_frame)\n"
        "with C(): 1 / 0",
        OWN,
    ),
    "traceback by with_traceback": Attack("pyjail", "print('ESCAPED', Exception().with_traceback(None).__traceback__)"),
    "object of an AttributeError": Attack(
        "CVE-2024-47532",
        "import torch\ntry: torch.nothing_here\nexcept AttributeError as e: print('ESCAPED', e.obj.os)",
        (*OWN,),
    ),
    "context of an exception": Attack(
        "RestrictedPython 2025", "try: 1 / 0\nexcept Exception as e: print('ESCAPED', e.__context__.__traceback__)", OWN
    ),
    "object of a NameError": Attack(
        "CVE-2024-47532", "try: nothing\nexcept NameError as e: print('ESCAPED', e.__traceback__)", OWN
    ),
    "import of traceback": Attack("pyjail", "import traceback\nprint('ESCAPED', traceback.walk_stack(None))"),
    "except star": Attack("CVE-2025-22153", "try: 1 / 0\nexcept* ZeroDivisionError as e: print('ESCAPED', e)"),
    "inspect": Attack("pyjail", "import inspect\nprint('ESCAPED', inspect.currentframe())"),
    # format strings
    "attribute by str.format": Attack("Jinja2 2.8.1", "print('ESCAPED' + '{0.__class__.__base__}'.format(1))"),
    "globals by str.format": Attack(
        "Jinja2 2.8.1", "def f(): pass\nprint('ESCAPED' + '{0.__globals__}'.format(f))"
    ),
    "keyword by str.format": Attack("Jinja2 2.8.1", "print('ESCAPED' + '{x.__class__.__base__}'.format(x=1))"),
    "index then attribute": Attack("Jinja2 2.8.1", "print('ESCAPED' + '{0[0].__class__.__base__}'.format([1]))"),
    "attribute of a module": Attack("Jinja2 2.8.1", "import torch\nprint('ESCAPED' + '{0.os}'.format(torch))"),
    "attribute of an exception": Attack(
        "CVE-2023-41039",
        "try: 1 / 0\nexcept Exception as e: print('ESCAPED' + '{0.__traceback__.tb_frame}'.format(e))",
    ),
    "format_map": Attack("Jinja2 2.10.1", "print('ESCAPED' + '{x.__class__.__base__}'.format_map({'x': 1}))"),
    "format kept as a method": Attack("CVE-2023-41039", "f = '{0.__class__.__base__}'.format\nprint('ESCAPED' + f(1))"),
    "format through the class": Attack("CVE-2023-41039", "print('ESCAPED' + str.format('{0.__class__.__base__}', 1))"),
    "format through map": Attack("CVE-2023-41039", "print('ESCAPED', list(map('{0.__class__.__base__}'.format, [1])))"),
    "format through getattr": Attack("CVE-2023-41039", "print('ESCAPED' + getattr('{0.__class__.__base__}', 'format')(1))"),
    "nested field": Attack("CVE-2025-24359", "print('ESCAPED' + '{0:{1.__class__.__base__}}'.format(1, 2))"),
    "escaped braces in a specification": Attack(
        "CVE-2025-24359", "print('ESCAPED' + f'{1:\\x7b0.__class__\\x7d}')", (*OWN,)
    ),
    "specification from a value": Attack("CVE-2025-24359", "s = '{0.__class__}'\nprint('ESCAPED' + f'{1:{s}}')", OWN),
    "string.Formatter": Attack("CVE-2026-76825", "import string\nprint('ESCAPED' + string.Formatter().format('{0.__class__}', 1))"),
    "string.Template": Attack("RestrictedPython", "import string\nprint('ESCAPED', string.Template.__init__.__globals__)"),
    "percent with a mapping": Attack(
        "asteval", "class D(dict):\n    def __missing__(self, k): return k.__class__.__base__\nprint('ESCAPED %(x)s' % D())"
    ),
    "user __format__ sees nothing": Attack(
        "CVE-2025-24359", "class A:\n    def __format__(self, s): return s.__class__.__base__\nprint(f'ESCAPED {A():x}')"
    ),
    # builtins
    "eval": Attack("pyjail", "print('ESCAPED', eval('1'))"),
    "exec": Attack("pyjail", "exec('x = 1')\nprint('ESCAPED')"),
    "compile": Attack("pyjail", "print('ESCAPED', compile('1', '', 'eval'))"),
    "__import__": Attack("pyjail", "print('ESCAPED', __import__('os'))"),
    "__builtins__": Attack("pyjail", "print('ESCAPED', __builtins__)"),
    "globals": Attack("pyjail", "print('ESCAPED', globals()['__builtins__'])", OWN),
    "locals": Attack("pyjail", "print('ESCAPED', locals()['__builtins__'])", OWN),
    "vars": Attack("pyjail", "print('ESCAPED', vars()['__builtins__'])", OWN),
    "breakpoint": Attack("pyjail", "breakpoint()\nprint('ESCAPED')"),
    "input": Attack("pyjail", "print('ESCAPED', input())"),
    "help": Attack("pyjail", "help('modules')\nprint('ESCAPED')"),
    "memoryview": Attack("pyjail", "print('ESCAPED', memoryview(b'x').obj.__class__.__base__)"),
    "a file": Attack("pyjail", "print('ESCAPED', open('/etc/passwd').read())", OWN),
    "its own source file": Attack("pyjail", "print('ESCAPED', open('engine/interpreter.py').read())", OWN),
    "a file by descriptor": Attack("pyjail", "print('ESCAPED', open(0).read())", OWN),
    "print to a file": Attack("R15", "print('ESCAPED', file=open('/tmp/escaped', 'w'))", (*OWN, "finished")),
    "print to an object": Attack("R15", "class W:\n    def write(self, s): raise ValueError(s.__class__.__base__)\nprint('x', file=W())", OWN),
    "type makes a class": Attack("asteval issue 32", "A = type('A', (int,), {'__del__': 1})\nprint('ESCAPED')"),
    "object of a metaclass": Attack("pyjail", "class M(type): pass\nclass A(metaclass=M): pass\nprint('ESCAPED')"),
    "metaclass by call": Attack("pyjail", "class A(metaclass=lambda *a: print('ESCAPED', a)): pass"),
    "class keyword": Attack("pyjail", "class A(x=().__class__.__base__): print('ESCAPED')"),
    "subclass of type": Attack("pyjail", "class A(type): pass\nprint('ESCAPED')"),
    "subclass of a builtin function": Attack("pyjail", "class A(type(len)): pass\nprint('ESCAPED')", OWN),
    # names Python treats alike
    "full-width dunder": Attack("R3", "print('ESCAPED', ().__ｃlass__.__base__.__subclasses__())"),
    "full-width module": Attack("R3", "import ｓｕｂｐｒｏｃｅｓｓ\nprint('ESCAPED')"),
    "bold eval": Attack("R3", "print('ESCAPED', 𝐞𝐯𝐚𝐥('1'))"),
    "bold underscore": Attack("R3", "print('ESCAPED', int._＿base_＿)"),
    "ligature": Attack("R3", "print('ESCAPED', open('x').ﬁleno())", OWN),
    "long s in a keyword name": Attack("R3", "def f(**k): return k\nprint('ESCAPED', f(__claſs__=1)['__class__'].__base__)"),
    "full-width getattr name": Attack("R3", "print('ESCAPED', getattr(1, '__ｃlass__').__base__)", OWN),
    "right to left override": Attack("trojan source", "x = 1 # \u202e ESCAPED\nprint(x.__base__\u202e)", OWN),
    "zero width joiner": Attack("trojan source", "print('ESCAPED', int.__ba\u200dse__)", OWN),
    "coding cookie": Attack("R1", "# -*- coding: utf-7 -*-\n+AHAAcgBpAG4AdAAoACcARQBTAEMAQQBQAEUARAAnACk-", OWN),
    "coding cookie of rot13": Attack("R1", "# coding: rot13\ncevag('RFPNCRQ')", OWN),
    "NUL in the text": Attack("R1", "print('x')\x00print('ESCAPED')", OWN),
    "form feed": Attack("R1", "if 0:\n    pass\n\x0cprint('x'.__class__)", (*OWN, "finished")),
    "lone surrogate": Attack("R2", "print('\\ud800')\nprint('\\udfff'.__class__.__base__)", OWN),
    # syntax that reads attributes unseen
    "match class pattern": Attack("R2", "match 1:\n    case int(__class__=c): print('ESCAPED', c)"),
    "match on an attribute": Attack("R2", "match 1:\n    case int(real=r): print(r.__class__.__base__)", OWN),
    "walrus in a comprehension": Attack("pyjail", "print([y := x.__class__.__base__ for x in [1]], 'ESCAPED')"),
    "decorator expression": Attack("pyjail", "@(lambda f: f.__globals__)\ndef f(): pass\nprint('ESCAPED', f)"),
    "annotation is evaluated": Attack("R2", "x: print('ESCAPED') = 1", (*OWN, "finished")),
    "argument annotation": Attack("R2", "def f(x: ().__class__.__base__) -> f.__globals__: pass\nprint(1)", (*OWN, "finished")),
    "default argument": Attack("pyjail", "def f(x=().__class__.__base__): print('ESCAPED', x)\nf()"),
    "class body": Attack("pyjail", "class A:\n    x = ().__class__.__base__.__subclasses__()\nprint('ESCAPED')"),
    "subscript by hand": Attack("pyjail", "print('ESCAPED', {}.__class__.__base__.__getitem__)", OWN),
    "unpacked keyword": Attack("R3", "def f(**k): return k\nprint('ESCAPED', type('A', (), {'__class__': 1})().__class__.__base__)"),
    "global of a dunder": Attack("R3", "def f():\n    global __builtins__\n    __builtins__ = {}\nf()\nprint('ESCAPED')"),
    "import as a dunder": Attack("R3", "import math as __builtins__\nprint('ESCAPED')"),
    "for target attribute": Attack("CVE-2025-22153", "import torch\nfor torch.ones in [1]: pass\nprint('ESCAPED')"),
    "with target attribute": Attack("RestrictedPython", "import torch\nwith torch.no_grad() as torch.ones: pass\nprint('ESCAPED')"),
    "starred target attribute": Attack("RestrictedPython", "import torch\n*torch.ones, x = [1, 2]\nprint('ESCAPED')"),
    "except target": Attack("R3", "try: 1 / 0\nexcept Exception as __class__: print('ESCAPED')"),
    "augmented attribute": Attack("asteval 1.0.10", "import torch\ntorch.pi += 1\nprint('ESCAPED')"),
    "delete of an attribute": Attack("asteval 1.0.10", "import torch\ndel torch.Tensor.backward\nprint('ESCAPED')"),
    "await at the top": Attack("R2", "await print('ESCAPED')"),
    "async for": Attack("R2", "async def f():\n    async for x in y: pass\nprint('ESCAPED')"),
    # methods Python calls by itself
    "__del__": Attack("R3", "class A:\n    def __del__(self): print('ESCAPED', A.__del__.__globals__)\nA()"),
    "a list of one's own that doubles": Attack("R9", "class L(list): pass\nd = L([0])\nfor i in range(60): d.extend(d)\nprint('ESCAPED')", ("stopped",)),
    "a list of one's own that adds itself": Attack("R9", "class L(list): pass\nd = L([0])\nfor i in range(60): d += d\nprint('ESCAPED')", ("stopped",)),
    "a list of one's own with wide slices": Attack("R9", "class L(list): pass\nd = L([0])\nfor i in range(60): d[len(d):] = d\nprint('ESCAPED')", ("stopped",)),
    "a list of one's own repeated": Attack("R9", "class L(list): pass\nd = L([0]) * 10**9\nprint('ESCAPED')", ("stopped",)),
    "a dict of one's own fed for ever": Attack("R9", "import itertools\nclass D(dict): pass\nD().update(zip(itertools.count(), itertools.count()))\nprint('ESCAPED')", ("stopped",)),
    "the class of a dict of one's own": Attack("pyjail", "class D(dict): pass\nprint('ESCAPED', D.__base__.__subclasses__())"),
    "__del__ that never ends": Attack("R3", "class A:\n    def __del__(self):\n        while True: pass\nA()\nprint('ESCAPED')", ("stopped",)),
    "__del__ that breeds": Attack("R3", "class A:\n    def __del__(self):\n        A()\n        A()\nA()\nprint('ESCAPED')", ("stopped",)),
    "__del__ that returns from the dead": Attack("R3", "kept = []\nclass A:\n    def __del__(self): kept.append(self)\nfor i in range(10**6): A()\nprint('ESCAPED')", ("stopped",)),
    "__del__ that is refused": Attack("R3", "class A:\n    def __del__(self): open.__self__\nA()\nprint('ESCAPED')"),
    "__del__ of another's function": Attack("R3", "class A:\n    __del__ = print\nA()\nprint('ESCAPED')"),
    "__del__ in a backward": Attack("R3", "import torch\nclass A:\n    def __del__(self): torch.ones(1).__reduce__()\nx = torch.ones(1, requires_grad=True)\nx.register_hook(lambda g: A() and None)\n(x * 2).backward()\nprint('ESCAPED')"),
    "__getattribute__": Attack("R3", "class A:\n    def __getattribute__(self, n): print('ESCAPED', n)\nA().x"),
    "__reduce__ to code": Attack(
        "R18", "class A:\n    def __reduce__(self): return (print, ('ESCAPED',))\nimport copy\ncopy.copy(A())"
    ),
    "__class__ as a property": Attack(
        "R3", "class A:\n    @property\n    def __class__(self): return int\nprint('ESCAPED', isinstance(A(), int))"
    ),
    "__instancecheck__": Attack("R3", "class A:\n    def __instancecheck__(self, x): return True\nprint('ESCAPED')"),
    "__init_subclass__": Attack("pyjail", "class A:\n    def __init_subclass__(cls): print('ESCAPED', cls.__base__)\nclass B(A): pass"),
    "__set_name__": Attack("pyjail", "class D:\n    def __set_name__(self, o, n): print('ESCAPED', o.__base__)\nclass A:\n    x = D()", OWN),
    "__class_getitem__": Attack("pyjail", "class A:\n    def __class_getitem__(cls, k): return cls.__base__\nprint('ESCAPED', A[1])"),
    "__prepare__": Attack("pyjail", "class A:\n    def __prepare__(*a): return print('ESCAPED')\nclass B(metaclass=A): pass"),
    "__slots__ over a base": Attack("pyjail", "class A(tuple):\n    __slots__ = ('x',)\nprint('ESCAPED')", OWN),
    "__torch_function__": Attack("R3", "class A:\n    @classmethod\n    def __torch_function__(cls, f, t, a, k): print('ESCAPED', f.__globals__)\nimport torch\ntorch.add(A(), 1)"),
    "__torch_function__ told of more than is listed": Attack("R3", "import torch\nclass A(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, f, t, a=(), k=None): return f(*a)\nx = A([1.])\nprint('ESCAPED', x.__reduce_ex__(4))"),
    "__torch_function__ of Tensor calls anything": Attack("R8", "import torch\nT = type(type(1))\nprint('ESCAPED', torch.Tensor.__torch_function__(T, (), ('X', (), {})))"),
    "__torch_function__ of super calls anything": Attack("R8", "import torch\nclass A(torch.Tensor):\n    @classmethod\n    def g(cls): return super().__torch_function__(type(type(1)), (), ('X', (), {}))\nprint('ESCAPED', A.g())"),
    "a torch function mode that is never left": Attack("R3", "import torch\nfrom torch.overrides import TorchFunctionMode\nclass M(TorchFunctionMode):\n    def __torch_function__(self, f, t, a=(), k=None):\n        while True: pass\nwith M():\n    torch.ones(1)\nprint('ESCAPED')", ("stopped",)),
    "a torch function mode that hides": Attack("R3", "import torch\nfrom torch.overrides import TorchFunctionMode\nclass M(TorchFunctionMode):\n    def __torch_function__(self, f, t, a=(), k=None): return print('ESCAPED', f.__self__)\nwith M():\n    torch.ones(1)"),
    "__array_interface__": Attack("R3", "import numpy as np\nclass A:\n    __array_interface__ = {'shape': (9**9,), 'typestr': '|O', 'data': (1, False), 'version': 3}\nprint('ESCAPED', np.array(A()))"),
    "__array__": Attack("R3", "import numpy as np\nclass A:\n    def __array__(self): return print('ESCAPED')\nnp.array(A())", OWN),
    "__index__ that changes its mind": Attack("liar", "n = [1]\nclass A:\n    def __index__(self): n[0] += 10**9; return n[0]\nimport torch\nprint(torch.ones(A()).__class__.__base__)", (*OWN, "stopped")),
    "__len__ that lies": Attack("liar", "class A:\n    def __len__(self): return 2**62\n    def __getitem__(self, i): return 1.0\nimport torch\nprint('ESCAPED', torch.tensor(A()))", (*OWN, "stopped")),
    "__eq__ that lies to a guard": Attack("liar", "class S(str):\n    def __eq__(self, o): return True\n    def __hash__(self): return hash('ones')\nimport torch\nprint('ESCAPED', getattr(torch, S('os')))"),
    "a text subclass as a name": Attack("liar", "class S(str): pass\nprint('ESCAPED', getattr(1, S('__class__')).__base__)"),
    "__iter__ that never ends": Attack("liar", "class A:\n    def __iter__(self): return self\n    def __next__(self): return 1\nprint(sum(A()))", ("stopped",)),
}  # fmt: skip

HOLDERS = {
    "a function": ("def v(): pass", "__globals__ __code__ __closure__ __builtins__ __kwdefaults__ __subclasshook__"),
    "a generator": ("v = (x for x in [1])", "gi_frame gi_code gi_yieldfrom __reduce__"),
    "a class": ("class v: pass", "__subclasses__ __base__ __reduce_ex__ __getattribute__ __dict__"),
    "an exception": ("v = ValueError(1)", "__traceback__ __reduce__ with_traceback __setstate__"),
    "a library": ("import torch as v", "__dict__ __loader__ __spec__ __builtins__ os sys builtins ctypes importlib _C"),
    "a library method": ("from torch import nn\nv = nn.Linear(1, 1).forward", "__func__ __self__ __globals__ __code__"),
    "a tensor": ("import torch\nv = torch.ones(1)", "__reduce_ex__ __setstate__ __array_interface__ _backward_hooks"),
    "a module": ("from torch import nn\nv = nn.Linear(1, 1)", "__reduce__ __setstate__ __getattr__ _call_impl _apply"),
    "a builtin": ("v = print", "__self__ __reduce__ __module__.__class__ __text_signature__"),
}
BY_NAME = {
    f"getattr {name} of {holder}": Attack(
        "the name is made at run time", f"{setup}\nprint('ESCAPED', getattr(v, {name!r}))", ("refused", "failed")
    )
    for holder, (setup, names) in HOLDERS.items()
    for name in names.split()
    if (holder, name) not in {("a module", "__getattr__"), ("an exception", "with_traceback")}
}
ATTACKS |= BY_NAME


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    """The product, with little time."""
    yield from road()


@pytest.fixture(scope="module")
def traces(executor: LocalExecutor) -> dict[str, Trace]:
    """Every attack's run."""
    return fire(executor, {name: attack.source for name, attack in ATTACKS.items()}, deadline=4.0)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_way_out(name: str, traces: dict[str, Trace]) -> None:
    ruled(ATTACKS[name], traces[name])


def test_the_next_program_runs(executor: LocalExecutor) -> None:
    assert still_works(executor)
