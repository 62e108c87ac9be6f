"""What the interpreter promises beyond Python: limits that nothing masks, refusals by name, what it tells an
observer."""

from __future__ import annotations

import ast
import textwrap
from typing import Any

import pytest

from engine.errors import InvalidProgram, LimitReached, Refused, Stop
from engine.interpreter import Interpreter
from engine.limits import DEFAULT, Limits
from engine.messages import catalogue, render
from engine.observer import NOTHING, Observer
from engine.program import parse
from tests.doubles import Listening, OpenVocabulary

SMALL = Limits(visits=20_000, statements=2_000, text_length=2_000, container_length=1_000, range_length=5_000)


def interpreter(source: str, observer: Observer | None = None, limits: Limits = DEFAULT) -> Interpreter:
    return Interpreter(parse(textwrap.dedent(source)), OpenVocabulary(), observer or Observer(), limits)


def stopped(source: str, limits: Limits = SMALL) -> Stop:
    """The Stop that ends the program; nothing it printed after "late" may be there."""
    run = interpreter(source, limits=limits)
    with pytest.raises(Stop) as caught:
        run.run()
    assert "late" not in "".join(run.printed)
    assert caught.value.span is not None
    assert render(caught.value.code, caught.value.params)
    return caught.value


BOMBS = {
    "endless while": "while True: pass",
    "endless while in try": "while True:\n try:\n  while True: pass\n except: print('late')",
    "endless while with finally": "try:\n while True: pass\nfinally:\n print('late')",
    "endless for": "import itertools\nfor i in itertools.count(): pass",
    "endless generator": "def g():\n while True: yield 1\nfor x in g(): pass",
    "endless comprehension": "import itertools\n[i for i in itertools.count()]",
    "endless generator in list": "def g():\n while True: yield 1\nlist(g())",
    "endless list of repeat": "import itertools\nlist(itertools.repeat(1))",
    "endless sum": "import itertools\nsum(itertools.repeat(1))",
    "endless max": "import itertools\nmax(itertools.count())",
    "endless sorted": "import itertools\nsorted(itertools.count())",
    "endless any": "import itertools\nany(itertools.repeat(0))",
    "endless in": "import itertools\n-1 in itertools.count()",
    "endless join": "import itertools\n''.join(itertools.repeat('a'))",
    "endless extend": "import itertools\n[].extend(itertools.count())",
    "endless plus": "import itertools\nx = []\nx += itertools.count()",
    "endless star": "import itertools\nprint(*itertools.count())",
    "endless unpacking": "import itertools\na, *b = itertools.count()",
    "endless slice assignment": "import itertools\nx = [1]\nx[:] = itertools.count()",
    "endless iter sentinel": "list(iter(lambda: 1, 0))",
    "endless recursion": "def f(): return f()\nf()",
    "endless lambda recursion": "f = lambda: f()\nf()",
    "endless recursion caught": "def f():\n try: f()\n except: print('late')\nf()",
    "endless repr recursion": "class A:\n def __repr__(self): return repr(self)\nprint(A())",
    "endless getattr recursion": "class A:\n def __getattr__(self, n): return getattr(self, n)\nA().x",
    "endless property": "class A:\n @property\n def p(self):\n  while True: pass\nA().p",
    "endless add": "class A:\n def __add__(self, o):\n  while True: pass\nA() + 1",
    "endless bool": "class A:\n def __bool__(self):\n  while True: pass\nif A(): pass",
    "endless len": "class A:\n def __len__(self):\n  while True: pass\nlen(A())",
    "endless key": "def k(x):\n while True: pass\nsorted([1, 2], key=k)",
    "endless sort key": "def k(x):\n while True: pass\n[1, 2].sort(key=k)",
    "endless eq in index": "class A:\n def __eq__(self, o):\n  while True: pass\n[A()].index(1)",
    "endless exit": (
        "class A:\n def __enter__(self): pass\n def __exit__(self, *a):\n  while True: pass\nwith A(): pass"
    ),
    "endless init": "class A:\n def __init__(self):\n  while True: pass\nA()",
    "endless class body": "class A:\n while True: pass",
    "endless format": "class A:\n def __format__(self, s):\n  while True: pass\nf'{A()}'",
    "endless hash": "class A:\n def __hash__(self):\n  while True: pass\n{A()}",
    "exit does not swallow a limit": (
        "class A:\n def __enter__(self): pass\n def __exit__(self, *a):\n  print('late')\n  return True\n"
        "with A():\n while True: pass"
    ),
    "big power": "9 ** 9 ** 9",
    "big power of negative": "(-9) ** 9 ** 9",
    "big power in place": "x = 9\nx **= 9 ** 9",
    "big pow": "pow(9, 9 ** 9)",
    "big shift": "1 << 10 ** 10",
    "big shift in place": "x = 1\nx <<= 10 ** 10",
    "squaring": "x = 3\nwhile True: x *= x",
    "doubling": "x = 3\nwhile True: x += x",
    "long int": "int('9' * 1999)",
    "text times": "'a' * 10 ** 9",
    "times text": "10 ** 9 * 'a'",
    "text times in place": "x = 'a'\nx *= 10 ** 9",
    "bytes times": "b'a' * 10 ** 9",
    "list times": "[0] * 10 ** 9",
    "times list": "10 ** 9 * [0]",
    "tuple times": "(0,) * 10 ** 9",
    "list doubling": "x = [1]\nwhile True: x += x",
    "text doubling": "x = 'a'\nwhile True: x += x",
    "list append": "x = []\nwhile True: x.append(1)",
    "set of range": "set(range(10 ** 9))",
    "list of range": "list(range(10 ** 9))",
    "tuple of range": "tuple(range(10 ** 9))",
    "sum of range": "sum(range(10 ** 12))",
    "float in range": "0.5 in range(10 ** 12)",
    "dict comprehension": "{i: i for i in range(10 ** 9)}",
    "dict fromkeys": "dict.fromkeys(range(10 ** 9))",
    "bytes of int": "bytes(10 ** 9)",
    "to bytes": "(1).to_bytes(10 ** 9, 'big')",
    "round digits": "round(1, -10 ** 10)",
    "join": "('a' * 1000).join(['b'] * 1000)",
    "replace": "('a' * 1000).replace('a', 'b' * 1000)",
    "replace nothing": "('a' * 1000).replace('', 'b' * 1000)",
    "center": "'a'.center(10 ** 9)",
    "zfill": "'a'.zfill(10 ** 9)",
    "expandtabs": "'\\t'.expandtabs(10 ** 9)",
    "translate": "('a' * 1999).translate({97: 'b' * 1999})",
    "unbound center": "str.center('a', 10 ** 9)",
    "mapped center": "list(map(str.center, ['a'], [10 ** 9]))",
    "f-string width": "f'{1:1000000000}'",
    "f-string nested width": "w = 10 ** 9\nf'{1:{w}}'",
    "f-string precision": "f'{1.5:.1000000000f}'",
    "f-string grows": "x = 'a' * 1900\nf'{x}{x}'",
    "percent width": "'%1000000000d' % 1",
    "percent star": "'%*d' % (10 ** 9, 1)",
    "percent precision": "'%.1000000000f' % 1.5",
    "percent in place": "x = '%1000000000d'\nx %= 1",
    "str.format width": "'{:1000000000}'.format(1)",
    "str.format nested width": "'{:{}}'.format(1, 10 ** 9)",
    "str.format map": "'{a:1000000000}'.format_map({'a': 1})",
    "format width": "format(1, '1000000000')",
    "format mapped": "list(map(format, [1], ['1000000000']))",
    "shared lists printed": "a = [0] * 100\nb = [a] * 100\nc = [b] * 100\nprint(c)",
    "shared lists in str": "a = [0] * 100\nb = [a] * 100\nc = [b] * 100\nstr(c)",
    "nested maps": "x = [1]\nfor i in range(100): x = map(str, x)",
    "nested enumerates": "x = [1]\nfor i in range(100): x = enumerate(x)",
    "nested filters": "x = [1]\nfor i in range(100): x = filter(None, x)",
    "nested zips": "x = [1]\nfor i in range(100): x = zip(x)",
    "nested generator expressions": "x = [1]\nfor i in range(100): x = (a for a in x)",
    "nested generators": "def g(x): yield from x\nx = [1]\nfor i in range(100): x = g(x)",
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS.keys())
def test_bomb_ends_as_a_limit(source: str) -> None:
    assert isinstance(stopped(source), LimitReached)


REFUSED = {
    "class of": ("().__class__.__bases__", "refused.dunder"),
    "subclasses": ("object.__subclasses__()", "refused.dunder"),
    "globals of function": ("def f(): pass\nf.__globals__", "refused.dunder"),
    "code of function": ("(lambda: 0).__code__", "refused.dunder"),
    "closure": ("(lambda: 0).__closure__", "refused.dunder"),
    "builtins name": ("__builtins__", "refused.dunder"),
    "import function": ("__import__('os')", "refused.dunder"),
    "reduce": ("(5).__reduce__()", "refused.dunder"),
    "getattr dunder": ("getattr(5, '__reduce__')", "refused.dunder"),
    "getattr built dunder": ("getattr(5, '__red' + 'uce__')", "refused.dunder"),
    "hasattr dunder": ("hasattr(5, '__subclasshook__')", "refused.dunder"),
    "setattr dunder": ("class A: pass\nsetattr(A, '__del__', 5)", "refused.dunder"),
    "format attribute dunder": ("'{0.__class__.__mro__}'.format(5)", "refused.dunder"),
    "format map dunder": ("'{a.__globals__}'.format_map({'a': lambda: 0})", "refused.dunder"),
    "mapped format dunder": ("list(map(str.format, ['{0.__subclasshook__}'], [5]))", "refused.dunder"),
    "keyword dunder": ("dict(**{'__reduce__': 1})", "refused.dunder"),
    "full width dunder": ("().__ｃlass__.__ｂases__", "refused.dunder"),
    "del method read": ("class A:\n def __del__(self): pass\nA().__del__", "refused.dunder"),
    "getattribute method": ("class A:\n def __getattribute__(self, n): pass", "refused.dunder"),
    "class assignment": ("class A: pass\nA().__class__ = A", "refused.dunder"),
    "dict of class": ("class A: pass\nA.__dict__", "refused.dunder"),
    "traceback": ("try: 1/0\nexcept Exception as e: e.__traceback__", "refused.dunder"),
    "match class attribute": ("match 5:\n case int(__class__=x): pass", "refused.dunder"),
    "parameter dunder": ("def f(__class__): pass", "refused.dunder"),
    "dunder from a library": ("import math\nclass A:\n __add__ = math.sqrt", "refused.dunder"),
    "dunder lambda of library": ("import operator\nclass A:\n __len__ = operator.index", "refused.dunder"),
    "eval": ("eval('1')", "refused.builtin"),
    "exec": ("exec('1')", "refused.builtin"),
    "compile": ("compile('1', '', 'eval')", "refused.builtin"),
    "open without vocabulary": ("open('x')", "refused.builtin"),
    "breakpoint": ("breakpoint()", "refused.builtin"),
    "memoryview": ("memoryview(b'a')", "refused.builtin"),
    "bytearray": ("bytearray(5)", "refused.builtin"),
    "help": ("help()", "refused.builtin"),
    "input": ("input('?')", "refused.input"),
    "type with a dunder": ("type('A', (), {'__reduce__': lambda self: 1})", "refused.dunder"),
    "method of int": ("class A(int):\n def bit_length(self): return 0", "refused.native"),
    "property of library": ("import math\nproperty(math.sqrt)", "refused.property"),
    "metaclass": ("class M(type): pass\nclass A(metaclass=M): pass", "refused.metaclass"),
    "generator frame": ("(i for i in []).gi_frame", "refused.attribute"),
    "generator code": ("def g(): yield\ng().gi_code", "refused.attribute"),
    "async def": ("async def f(): pass", "refused.async"),
    "await": ("async def f(): await x", "refused.async"),
    "except star": ("try: pass\nexcept* ValueError: pass", "refused.syntax"),
    "yield inside": ("def f():\n print((yield))", "refused.yield"),
}


@pytest.mark.parametrize(("source", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_by_name(source: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        interpreter(source).run()
    assert caught.value.code == code
    assert caught.value.span is not None
    assert code.startswith("refused.attribute") or render(code, caught.value.params)


def test_refusal_is_not_caught_by_the_program() -> None:
    refusal = stopped("try:\n eval('1')\nexcept BaseException:\n print('late')\nfinally:\n print('late')")
    assert refusal.code == "refused.builtin"
    assert refusal.span == (2, 1, 2, 5)


TORCH = {
    "tensor hook": """
        x = torch.ones(2, requires_grad=True)
        def hook(g):
            while True: pass
        x.register_hook(hook)
        (x * 2).sum().backward()
    """,
    "vmap": """
        def f(x):
            while True: pass
        torch.vmap(f)(torch.ones(3))
    """,
    "grad of function": """
        def f(x):
            while True: pass
        torch.func.grad(f)(torch.ones(()))
    """,
    "jacobian": """
        def f(x):
            while True: pass
        torch.autograd.functional.jacobian(f, torch.ones(3))
    """,
    "backward of a Function": """
        class F(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x): return x * 2
            @staticmethod
            def backward(ctx, g):
                while True: pass
        x = torch.ones(2, requires_grad=True)
        F.apply(x).sum().backward()
    """,
    "optimizer closure": """
        w = torch.ones(2, requires_grad=True)
        def closure():
            while True: pass
        torch.optim.LBFGS([w]).step(closure)
    """,
    "module forward": """
        class M(torch.nn.Module):
            def forward(self, x):
                while True: pass
        M()(torch.ones(1))
    """,
    "module repr": """
        class M(torch.nn.Module):
            def extra_repr(self):
                while True: pass
        print(torch.nn.Sequential(M()))
    """,
    "dataset": """
        class D(torch.utils.data.Dataset):
            def __len__(self): return 3
            def __getitem__(self, i):
                while True: pass
        for batch in torch.utils.data.DataLoader(D()): pass
    """,
    "lambda scheduler": """
        o = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
        def f(e):
            while True: pass
        torch.optim.lr_scheduler.LambdaLR(o, f)
    """,
}


@pytest.mark.parametrize("source", TORCH.values(), ids=TORCH.keys())
@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "in try"])
def test_limit_comes_out_of_torch_intact(source: str, wrapped: bool) -> None:
    source = textwrap.dedent(source)
    if wrapped:
        source = (
            "try:\n"
            + textwrap.indent(source, "    ")
            + "\nexcept BaseException:\n    print('late')\nfinally:\n    print('late')"
        )
    assert stopped("import torch\n" + source).code in ("limit.statements", "limit.visits")


def test_grad_mode_is_restored_after_a_limit() -> None:
    import torch

    stopped("import torch\nwith torch.no_grad():\n while True: pass")
    assert torch.is_grad_enabled()


def test_soft_deadline_ends_the_run() -> None:
    seconds = iter(range(100))
    run = Interpreter(parse("while True: pass"), OpenVocabulary(), Observer(), clock=lambda: float(next(seconds)))
    with pytest.raises(LimitReached) as caught:
        run.run()
    assert caught.value.code == "limit.seconds"


def test_printing_is_capped_and_the_program_runs_on() -> None:
    run = interpreter("for i in range(600): print(i)\nx = 'end'")
    run.run()
    assert "".join(run.printed).count("\n") == DEFAULT.printed_lines
    assert run.globals["x"] == "end"
    assert [notice.code for notice in run.notices] == ["notice.printed"]


def test_place_of_an_error_is_the_innermost() -> None:
    run = interpreter("名 = '中文🙂'; y = 1 + (名 / 2)\n")
    with pytest.raises(TypeError) as caught:
        run.run()
    assert run.span_of(caught.value) == (1, 20, 1, 25)
    assert run.span_of(ValueError()) is None


def test_addresses_are_numbers_of_the_run() -> None:
    source = "class A: pass\na, b = A(), A()\nprint(a, b, a, id(a) == id(a), id(a) == id(b))"
    first, second = interpreter(source), interpreter(source)
    first.run()
    second.run()
    assert first.printed == second.printed
    assert hex(id(first.globals["a"])) not in "".join(first.printed)


def test_observer_is_told_in_order_and_the_walker_knows_nothing_of_gradients() -> None:
    observer = Listening()
    interpreter("def f(x):\n    return x + 1\nfor i in [3]:\n    f(i)\n", observer).run()
    assert observer.lines == [
        "1 program: def f(x):",
        "2 program: for i in [3]:",
        "3 program: for i in [3]:",
        "4 program: f(i)",
        "5 f: return x + 1",
        "x + 1 of [3, 1] = 4",
        "f(i) of [3] = 4",
    ]


class Nesting(Observer):
    """Checks that expressions pair up, and keeps what statements gave."""

    def __init__(self) -> None:
        self.open: list[ast.AST] = []
        self.values: list[Any] = []
        self.raisings: list[str] = []

    def before_expression(self, node: ast.AST, *_: object) -> None:
        self.open.append(node)

    def after_expression(self, node: ast.AST, value: object, function: object, operands: Any) -> None:
        assert self.open.pop() is node

    def failed_expression(self, node: ast.AST, error: BaseException) -> None:
        assert self.open.pop() is node

    def after_statement(self, node: ast.stmt, scope: Any, value: object) -> None:
        self.values.append(value)

    def raised(self, node: ast.stmt, scope: Any, error: BaseException) -> None:
        self.raisings.append(type(node).__name__)


def test_expressions_pair_up_also_where_they_fail() -> None:
    observer = Nesting()
    source = "def f(x): return 1 / x\nif True:\n    for i in [1, 0]:\n        f(i) + 1\n"
    with pytest.raises(ZeroDivisionError):
        interpreter(source, observer).run()
    assert observer.open == []
    assert observer.raisings == ["Return", "Expr", "For", "If"]
    assert 2.0 in observer.values


def test_values_of_bare_expressions_reach_the_observer() -> None:
    observer = Nesting()
    interpreter("None\n1 + 1\nx = 3\nx\n", observer).run()
    assert observer.values == [None, 2, NOTHING, 3]


def test_every_sentence_the_language_uses_is_in_the_catalogue() -> None:
    used = {code for _, code in REFUSED.values()} - {"refused.attribute"}
    assert used <= catalogue().keys()


@pytest.mark.parametrize(
    "source", ["return 1", "break", "def f():\n nonlocal x", "x = = 1", "f(", "'abc", "if x:\npass"]
)
def test_what_is_no_program(source: str) -> None:
    with pytest.raises(InvalidProgram) as caught:
        parse(source)
    assert caught.value.code == "invalid.syntax"
    assert render(caught.value.code, caught.value.params)
