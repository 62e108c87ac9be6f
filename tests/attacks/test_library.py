"""Attacks on the vocabulary: ways from PyTorch and NumPy to files, code, processes and raw memory, through the whole road.

Each program prints ESCAPED where it got hold of something outside.
"""

# ruff: noqa: E501 -- one attack is one row

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.executors.local import LocalExecutor
from engine.trace import Trace
from tests.attacks.firing import Attack, fire, road, ruled, still_works

OWN = ("refused", "failed")
IDEA = "security.md 4a"


def reach(*paths: str, idea: str = "module walk") -> dict[str, Attack]:
    """One attack for each path: merely getting hold of it is too much."""
    heads = {"torch": "import torch", "np": "import numpy as np", "nn": "from torch import nn", "math": "import math"}
    heads |= {"F": "import torch.nn.functional as F", "random": "import random", "functools": "import functools"}
    heads |= {"optim": "import torch.optim as optim", "collections": "import collections", "copy": "import copy"}
    heads |= {
        "itertools": "import itertools",
        "operator": "import operator",
        "os": "import os",
        "warnings": "import warnings",
    }
    return {
        f"reach {path}": Attack(idea, f"{heads[path.partition('.')[0]]}\nx = {path}\nprint('ESCAPED')", OWN)
        for path in paths
    }


ATTACKS = {
    **reach(
        *("torch.os", "torch.sys", "torch.builtins", "torch.ctypes", "torch.importlib", "torch.inspect"),
        *("torch.threading", "torch.platform", "torch.textwrap", "torch.functools.sys", "torch._C", "torch._ops"),
        *("torch.ops.load_library", "torch.classes", "torch.library._del_library", "torch.hub", "torch.jit.CompilationUnit"),
        *("torch.ops.aten.set_", "torch.ops.aten._embedding_bag_backward", "torch.ops.aten.native_layer_norm_backward"),
        *("torch.ops.aten.max_pool2d_with_indices_backward", "torch.ops.prim", "torch.ops.aten.add._real", "torch.package"),
        *("torch.ops.aten.add.Tensor._schema", "torch.ops.aten.add.default.py_kernels", "torch.jit.ScriptModule.define"),
        *("torch.export", "torch.onnx", "torch.fx", "torch.multiprocessing", "torch.futures.Future.__init__.__globals__", "torch.profiler.profiler"),
        *("torch.storage", "torch.overrides.functools", "torch.overrides.warnings", "torch.utils.cpp_extension"),
        *("torch.utils._pytree.SUPPORTED_NODES", "torch.utils._pytree.treespec_loads", "torch.distributed.rpc", "torch.monitor", "torch._dynamo.eval_frame", "torch._inductor"),
        *("torch.fork", "torch.wait", "torch.parse_ir", "torch.import_ir_module", "torch.CompilationUnit"),
        *("torch.PyTorchFileReader", "torch.PyTorchFileWriter", "torch.set_default_tensor_type('x')"),
        *("nn.modules.module.sys", "nn.modules.module.weakref", "nn.functional.os", "nn.parallel.replicate", "nn.Module._apply"),
        *("F.os", "F.importlib", "F.warnings.sys", "optim.os", "optim.optimizer.sys", "torch.fft.sys"),
        *("torch.distributions.constraints.sys", "torch.autograd.graph.sys", "torch.func.sys", "torch.linalg._linalg"),
        *("np.os", "np.sys", "np.ctypeslib", "np.f2py", "np.lib.format", "np.core", "np._core.umath", "np._core.multiarray.c_einsum"),
        *("np.linalg.linalg", "np.random.mtrand", "np.char", "np.rec", "np.memmap", "np.DataSource"),
        *("random._os", "random._inst.__reduce__", "collections.abc.sys", "collections._sys", "functools.GenericAlias.x"),
        *("copy.weakref", "copy.dispatch_table", "itertools.sys", "operator.sys", "warnings.sys", "warnings.linecache"),
        *("os.system", "os.popen", "os.fork", "os.kill", "os.execv", "os.sys"),
    ),
    **reach(
        *("torch.Tensor.apply_", "torch.ones(1).map_(1, 2)", "torch.ones(1).storage().resize_(9)", "torch.ones(1).set_()"),
        *("torch.ones(1).untyped_storage().resize_(0)", "torch.ones(1).share_memory_()", ),
        *("torch.ones(1).__array_interface__", "torch.ones(1).__dlpack__()", "torch.ones(1).as_subclass(int)"),
        *("torch.ones(4).as_strided((9,), (99,))", "torch.as_strided(torch.ones(1), (9**9,), (1,))", "torch.from_dlpack(object())"),
        *("torch.frombuffer", "torch.segment_reduce", ),
        *("torch.native_norm", "torch.quantize_per_tensor", ),
        *("torch._weight_norm", "torch._cummax_helper"),
        *("torch.asarray(object())", "torch.ones(1).module_load", "torch.ones(1).pin_memory()", "nn.Linear(1, 1).compile()"),
        *("nn.Linear(1, 1).share_memory()", "nn.Linear(1, 1)._modules['x'].y", "torch.utils.dlpack.DLDeviceType"),
        *("np.frombuffer(b'x')", "np.ndarray((1,), 'O', bytearray(8))", "np.lib.stride_tricks.as_strided", ),
        *("np.frompyfunc", "np.ones(1).ctypes", "np.ones(1).data", "np.ones(1).base.x", "np.ones(1).dump", "np.ones(1).tofile"),
        *("np.ones(1).setflags", "np.ones(1).resize((9,))", "np.random.set_state", "np.random.BitGenerator", "np.seterrcall"),
        *("np.array([object()])", "np.zeros(1, dtype=object)", "np.zeros(1, dtype='O')"),
        idea=IDEA,
    ),
    # files through functions that take names
    "torch.load of a system file": Attack(IDEA, "import torch\nprint('ESCAPED', torch.load('/etc/passwd'))", OWN),
    "torch.load of everything": Attack(
        "pickle", "import torch\nprint('ESCAPED', torch.load('/etc/passwd', weights_only=False))", OWN
    ),
    "torch.load with a pickle module": Attack(
        "pickle", "import torch\nclass P:\n    def load(*a, **k): print('ESCAPED')\ntorch.save(1, 'a')\ntorch.load('a', pickle_module=P)",
        (*OWN, "finished"),
    ),
    "a pickle of os.system": Attack(
        "pickle",
        "import torch, io\n"
        "b = io.BytesIO(b'cos\\nsystem\\n(S\"echo ESCAPED\"\\ntR.')\nprint('ESCAPED', torch.load(b, weights_only=False))",
        OWN,
    ),
    "a pickle of builtins.eval in a file": Attack(
        "pickle",
        "import torch\n"
        "with open('a.pt', 'wb') as f: f.write(b'cbuiltins\\neval\\n(S\"1\"\\ntR.')\nprint('ESCAPED', torch.load('a.pt', weights_only=False))",
        OWN,
    ),
    "a pickle with a harmless class of torch": Attack(
        "pickle",
        "import torch, io\n"
        "print('ESCAPED', torch.load(io.BytesIO(b'ctorch.serialization\\nos\\n.'), weights_only=False))",
        OWN,
    ),
    "import pickle": Attack("pickle", "import pickle\npickle.loads(b'cos\\nsystem\\n(S\"id\"\\ntR.')\nprint('ESCAPED')"),
    "import shelve": Attack("pickle", "import shelve\nprint('ESCAPED')"),
    "numpy load": Attack(IDEA, "import numpy as np\nprint('ESCAPED', np.load('/etc/passwd'))", OWN),
    "numpy load of pickles": Attack(IDEA, "import numpy as np\nprint('ESCAPED', np.load('a.npy', allow_pickle=True))", OWN),
    "numpy loadtxt": Attack(IDEA, "import numpy as np\nprint('ESCAPED', np.loadtxt('/etc/passwd', dtype=str))", OWN),
    "numpy genfromtxt": Attack(IDEA, "import numpy as np\nprint('ESCAPED', np.genfromtxt('/etc/passwd'))", OWN),
    "numpy fromfile": Attack(IDEA, "import numpy as np\nprint('ESCAPED', np.fromfile('/etc/passwd', dtype='u1'))", OWN),
    "torch.from_file": Attack(IDEA, "import torch\nprint('ESCAPED', torch.from_file('/etc/passwd', size=4))", OWN),
    "path out of the folder": Attack(IDEA, "print('ESCAPED', open('../../../etc/passwd').read())", OWN),
    "path with a NUL": Attack(IDEA, "print('ESCAPED', open('/etc/passwd\\x00.txt').read())", OWN),
    "a tensor type by module name": Attack(IDEA, "import torch\ntorch.set_default_tensor_type('os.system')\nprint('ESCAPED')", OWN),
    "a tensor type by name in type()": Attack(IDEA, "import torch\nprint('ESCAPED', torch.ones(1).type('os.x'))", OWN),
    "workers of a DataLoader": Attack(
        IDEA,
        "from torch.utils.data import DataLoader\n"
        "d = DataLoader([1, 2], num_workers=2, worker_init_fn=lambda i: print('ESCAPED'))\nlist(d)",
        (*OWN, "finished"),
    ),
    "multiprocessing context of a DataLoader": Attack(
        IDEA,
        "from torch.utils.data import DataLoader\nd = DataLoader([1], multiprocessing_context='fork', num_workers=1)\n"
        "print(d.multiprocessing_context.Process, 'ESCAPED')",
        OWN,
    ),
    "a submodule by text": Attack(IDEA, "from torch import nn\nprint('ESCAPED', nn.Linear(1, 1).get_submodule('__class__'))", OWN),
    "a parameter by text": Attack(
        IDEA, "from torch import nn\nprint('ESCAPED', nn.Linear(1, 1).get_parameter('forward.__func__.__globals__'))", OWN
    ),
    "a buffer named like a method": Attack(
        IDEA, "from torch import nn\nm = nn.Linear(1, 1)\nm.register_buffer('__class__', None)\nprint('ESCAPED')", OWN
    ),
    "state dict with a dunder key": Attack(
        IDEA, "from torch import nn\nnn.Linear(1, 1).load_state_dict({'__class__': 1, '__dict__': 2})\nprint('ESCAPED')", OWN
    ),
    "method of Tensor replaced": Attack("security.md 4c", "import torch\ntorch.Tensor.backward = print\nprint('ESCAPED')"),
    "method of Linear replaced": Attack("security.md 4c", "from torch import nn\nnn.Linear.forward = print\nprint('ESCAPED')"),
    "alias of Tensor written": Attack("security.md 4c", "import torch\nT = torch.Tensor\nT.sum = 1\nprint('ESCAPED')"),
    "function of torch replaced": Attack("security.md 4c", "import torch\ntorch.manual_seed = print\nprint('ESCAPED')"),
    "type(x) written": Attack("security.md 4c", "import torch\ntype(torch.ones(1)).sum = 1\nprint('ESCAPED')"),
    "Tensor data pointer": Attack("R20", "import torch\nprint(hex(torch.ones(1).data_ptr()))", (*OWN, "finished")),
    "hook of all modules": Attack(
        "security.md 4c",
        "import torch\ntorch.nn.modules.module.register_module_forward_hook(torch.os.system)\nprint('ESCAPED')",
        (*OWN, "finished"),
    ),
    "library function as a hook": Attack(
        "R7", "import torch\nx = torch.ones(1, requires_grad=True)\nx.register_hook(torch.os.system)\nprint('ESCAPED')", OWN
    ),
    "vmap over a library function": Attack("R7", "import torch\ntorch.vmap(torch.load)(torch.ones(2))\nprint('ESCAPED')", OWN),
    "map over a library class": Attack("R7", "import torch\nprint('ESCAPED', list(map(torch.hub.load, ['x'])))", OWN),
    "partial of open": Attack("R7", "import functools\nprint('ESCAPED', functools.partial(open, '/etc/passwd')().read())", OWN),
    "default_factory": Attack("R7", "import collections\nd = collections.defaultdict(open)\nprint('ESCAPED', d['/etc/passwd'])", OWN),
    "key function": Attack("R7", "print('ESCAPED', sorted(['/etc/passwd'], key=open))", OWN),
    "namedtuple with code in its name": Attack(
        "collections", "import collections\ncollections.namedtuple('A', ['__class__', 'x; import os'])\nprint('ESCAPED')", OWN
    ),
    "dataclass with code in a default": Attack(
        "dataclasses",
        "from dataclasses import make_dataclass\nmake_dataclass('A', [('x', 'print(\"ESCAPED\")')])\n"
        "make_dataclass('A', ['x=print(\"ESCAPED\")'])",
        OWN,
    ),
    "typing evaluates text": Attack(
        "typing",
        "import typing\nclass A:\n    x: \"print('ESCAPED')\"\ntyping.get_type_hints(A)",
        OWN,
    ),
    "singledispatch registry": Attack("functools", "import functools\nprint('ESCAPED', functools.singledispatch(print).registry)", OWN),
    "files by the os of the run": Attack(
        IDEA, "import os\nif 'etc' in os.listdir('/') or os.path.exists('/etc/passwd'): print('ESCAPED')", (*OWN, "finished")
    ),
    "serialization's own modules": Attack("module walk", "import torch\nprint('ESCAPED', torch.serialization.os)", OWN),
    "testing runs text": Attack(IDEA, "import numpy as np\nnp.testing.runstring('print(1)', {})\nprint('ESCAPED')", OWN),
    "a sparse tensor with indices outside": Attack(
        "security.md 5",
        "import torch\nprint(torch.sparse_coo_tensor([[999999999]], [1.0], (2,), check_invariants=False).to_dense())",
        (*OWN, "lost", "finished"),
    ),
    "environment of the app": Attack(
        "R20", "import os\nprint(os.environ)\nprint(os.environ.get('PATH'), os.getenv('AUTOGRAD_TEST_SECRET'))",
        (*OWN, "finished"),
    ),
    "deepcopy with a hook": Attack(
        "copy", "import copy\nclass A:\n    def __deepcopy__(self, memo): return memo.__class__.__base__\nprint('ESCAPED', copy.deepcopy(A()))"
    ),
    "saved_tensors_hooks with a library function": Attack(
        "R7", "import torch\nwith torch.autograd.graph.saved_tensors_hooks(torch.os.system, print): pass\nprint('ESCAPED')", OWN
    ),
    "einsum with a path": Attack("opt_einsum", "import torch\nprint('ESCAPED', torch.backends.opt_einsum.get_opt_einsum())", OWN),
    "print options with a formatter": Attack(
        "numpy", "import numpy as np\nnp.set_printoptions(formatter={'all': open})\nprint(np.ones(1))\nprint('ESCAPED')", (*OWN,)
    ),
    "warnings redirected": Attack("warnings", "import warnings\nwarnings.showwarning = print\nprint('ESCAPED')"),
    "partial of type": Attack("R8", "import functools\nT = type(type(1))\nprint('ESCAPED', functools.partial(T, 'X', (), {})())"),
    "type by its own name": Attack("R8", "import functools\nprint('ESCAPED', functools.partial(type, 'X', (), {})())"),
    "metaclass of an enumeration": Attack("R8", "import functools, enum\nM = type(enum.Enum)\nprint('ESCAPED', functools.partial(M, 'X', (), {})())"),
    "checkpoint of type": Attack("R8", "from torch.utils.checkpoint import checkpoint\nprint('ESCAPED', checkpoint(type, 'X', (), {}, use_reentrant=False))"),
    "type by a keyword": Attack("R8", "import itertools\nimport functools\nprint('ESCAPED', functools.reduce(function=type, iterable=[1]))", OWN),
    "forward is type": Attack("R8", "from torch import nn\nclass M(nn.Module):\n    forward = type\nprint('ESCAPED', M()('X', (), {}))"),
    "forward becomes type": Attack("R8", "from torch import nn\nm = nn.Linear(1, 1)\nm.forward = type\nprint('ESCAPED', m('X', (), {}))"),
    "starmap of type": Attack("R8", "import itertools\nprint('ESCAPED', list(itertools.starmap(type, [('X', (), {})])))"),
    "rearrange with code as a length": Attack("exec", "import torch\ntorch.func.rearrange(torch.ones(4), '(a b) -> a b', a='2\\n    print(1)')\nprint('ESCAPED')"),
    "rearrange with a number that writes code": Attack("exec", "import torch\nclass N(int):\n    def __str__(self): return 'print(1)'\n    __repr__ = __format__ = lambda *a: 'print(1)'\ntorch.func.rearrange(torch.ones(4), '(a b) -> a b', a=N(2))\nprint('ESCAPED')"),
    "rearrange with a tensor that lies": Attack("exec", "import torch\nclass T(torch.Tensor):\n    ndim = 'print(1)'\ntorch.func.rearrange(T([1.]), 'a -> a')\nprint('ESCAPED')"),
    "rearrange with code as the pattern": Attack("exec", "import torch\ntorch.func.rearrange(torch.ones(2, 2), 'a __import__ -> a')\nprint('ESCAPED')", OWN),
    "argparse reads a file": Attack(IDEA, "import argparse\np = argparse.ArgumentParser(fromfile_prefix_chars='@')\nprint('ESCAPED', p.parse_args(['@/etc/passwd']))"),
    "argparse opens a file": Attack(IDEA, "import argparse\nprint('ESCAPED', argparse.FileType('r')('/etc/passwd'))"),
    "argparse tells the server's arguments": Attack("R20", "import argparse\na, rest = argparse.ArgumentParser().parse_known_args()\nif rest: print('ESCAPED', rest)", ("finished",)),
    "argparse registry": Attack("module walk", "import argparse\nprint('ESCAPED', argparse.ArgumentParser()._registries)"),
    "logging to a file": Attack(IDEA, "import logging\nprint('ESCAPED', logging.FileHandler('/tmp/x'))"),
    "logging with a wide field": Attack("asteval", "import logging, sys\nlogging.basicConfig(stream=sys.stdout, format='%(message)1000000000s')\nlogging.error('x')\nprint('ESCAPED')", ("stopped",)),
    "logging with a wide message": Attack("asteval", "import logging, sys\nlogging.basicConfig(stream=sys.stdout)\nlogging.error('%1000000000d', 1)\nprint('ESCAPED')", ("stopped",)),
    "logging's manager": Attack("module walk", "import logging\nprint('ESCAPED', logging.getLogger().manager)", OWN),
    "tempfile finds a real folder": Attack(IDEA, "import tempfile\nopen(tempfile.gettempdir() + '/../etc/passwd')\nprint('ESCAPED')", OWN),
    "tempfile fills memory": Attack(IDEA, "import tempfile\nkept = [tempfile.NamedTemporaryFile() for i in range(100)]\nprint('ESCAPED')", ("stopped", "refused")),
    "redirected output calls the outside": Attack("R15", "import contextlib\nclass W:\n    def write(self, s): open.__self__\nwith contextlib.redirect_stdout(W()):\n    print('x')\nprint('ESCAPED')"),
    "redirected output that prints": Attack("R15", "import contextlib\nclass W:\n    def write(self, s): print(s)\nfor i in range(10**7):\n    with contextlib.redirect_stdout(W()): print('x')\nprint('ESCAPED')", ("stopped",)),
    "traceback of the handled exception": Attack("CVE-2023-37271", "import sys\ntry: 1 / 0\nexcept ZeroDivisionError: print('ESCAPED', sys.exc_info()[2].tb_frame)", OWN),
    "compiled module's own": Attack("module walk", "import torch\nm = torch.compile(torch.nn.Linear(1, 1))\nprint('ESCAPED', m._orig_mod.forward.__func__)"),
    "star import of what is not listed": Attack("module walk", "from torch import *\nprint('ESCAPED', _C)", OWN),
    "star import of a hidden name": Attack("module walk", "from torch.utils.data import *\nprint('ESCAPED', _DatasetKind)", OWN),
    "handle_torch_function calls anything": Attack("R8", "import torch\nfrom torch.overrides import handle_torch_function\nclass A:\n    @classmethod\n    def __torch_function__(cls, f, t, a=(), k=None): return f\nprint('ESCAPED', handle_torch_function(type(lambda: 0), (A(),), A()))"),
    "safe globals of the library": Attack("pickle", "import torch, functools\ntorch.serialization.add_safe_globals([functools.partial])\nprint('ESCAPED')"),
    "safe globals of a builtin": Attack("pickle", "import torch\nwith torch.serialization.safe_globals([getattr, print]): print('ESCAPED')"),
    "safe globals by a name": Attack("pickle", "import torch\ntorch.serialization.add_safe_globals([(print, 'os.system')])\nprint('ESCAPED')"),
    "safe globals of numpy for other bytes": Attack("pickle", "import torch, numpy as np, io\nb = io.BytesIO()\ntorch.save(np.ones(2), b)\nc = io.BytesIO(b.getvalue() + b' ')\ntorch.serialization.add_safe_globals([np._core.multiarray._reconstruct, np.ndarray, np.dtype, np.dtypes.Float64DType])\nprint('ESCAPED', torch.load(c))"),
    "numpy's memory that nobody wrote": Attack("security.md 4b", "import numpy as np\nprint('ESCAPED', np._core.multiarray._reconstruct(np.ndarray, (100,), b'd'))", OWN),
    "an array made writeable by its flags": Attack("security.md 4", "import numpy as np\na = np.broadcast_to(np.ones(1), (4,))\na.flags.writeable = True\nprint('ESCAPED')"),
    "strides of an array written": Attack("security.md 4", "import numpy as np\na = np.ones(2)\na.strides = (8000,)\nprint('ESCAPED')"),
    "arrays that overlap in a knot": Attack("endless C", "import numpy as np\na = np.zeros((2,) * 20)\nb = a[::-1].T\nfor i in range(10**6): np.shares_memory(a[..., ::-1], b, max_work=-1)\nprint('ESCAPED')", ("stopped",)),
    "a packed file that unpacks without end": Attack("memory", "import gzip\nb = gzip.compress(b'0' * 3_000_000)\nfor i in range(4): b = gzip.compress(gzip.decompress(b) * 2)\nprint('ESCAPED', len(gzip.decompress(b)))", ("stopped",)),
    "a codec that unpacks": Attack("memory", "import codecs\nprint('ESCAPED', codecs.decode(b'x', 'zip'))", OWN),
    "a codec of files": Attack(IDEA, "import codecs\nprint('ESCAPED', codecs.open('/etc/passwd').read())", OWN),
    "a packed file of the system": Attack(IDEA, "import gzip\nprint('ESCAPED', gzip.open('/etc/hostname').read())", OWN),
    "the class of an object through its attributes": Attack("pyjail", "class A: pass\na = A()\na.__dict__ = {'__class__': int}\nprint('ESCAPED')"),
    "the attributes of a module replaced": Attack("R8", "import torch\nclass M(torch.nn.Module): pass\nm = M()\nm.__dict__ = {}\nprint('ESCAPED')"),
    "masked arrays of objects": Attack("asteval", "import numpy as np\nprint('ESCAPED', np.ma.masked_array([print], [False]))", OWN),
    "masked arrays walk on": Attack("module walk", "import numpy as np\nprint('ESCAPED', np.ma.core.np)", OWN),
    "functions by the tables of overrides": Attack("R7", "import torch\nfor f in torch.overrides.get_ignored_functions():\n    if f.__name__ in ('from_file', 'set_vital', 'compile'): print('ESCAPED', f)", ("finished",)),
    "torch.load by the tables of overrides": Attack("R7", "import torch\nfor f in torch.overrides.get_ignored_functions():\n    if f.__name__ == 'load': print('ESCAPED', f('/etc/hostname'))", OWN),
    "a function without its guard by the tables of overrides": Attack("G10", "import torch\nfor f in torch.overrides.get_ignored_functions():\n    if f.__name__ == 'empty' and f(100).any(): print('ESCAPED')", ("finished",)),
    "memory of a module that is not initialized": Attack("G10", "import torch\nm = torch.nn.utils.skip_init(torch.nn.Linear, 300, 300)\nif m.weight.any(): print('ESCAPED')", ("finished",)),
    "memory behind a causal bias": Attack("G10", "import torch\nb = torch.nn.attention.bias.causal_lower_right(300, 300)\nif b.as_subclass(torch.Tensor).any(): print('ESCAPED')", ("finished", "failed", "refused")),
    "memory that a load does not write": Attack("G10", "import torch\ntorch.save(torch.zeros(1000), 'a.pt')\nwith torch.serialization.skip_data(): t = torch.load('a.pt')\nif t.any(): print('ESCAPED')", ("finished",)),
    "memory that a save does not write": Attack("G10", "import torch\nwith torch.serialization.skip_data(): torch.save(torch.ones(1000), 'a.pt')\nif torch.load('a.pt').any(): print('ESCAPED')", ("finished",)),
    "a thread that outlives the run": Attack("R19", "import threading\ndef f():\n    while True: pass\nt = threading.Thread(target=f, daemon=True)\nt.start()\nprint('ESCAPED')", ("stopped",)),
    "a thread around a library function": Attack("R7", "import threading, torch\nthreading.Thread(target=torch.hub.load, args=('x',)).start()\nprint('ESCAPED')"),
    "a list as long as a schema says": Attack("memory", "import torch\ntorch.library.define('a::b', '(int[99999999999] x=1) -> ()')\nprint('ESCAPED')"),
    "a schema with a comment in its length": Attack("memory", "import torch\ntorch.library.Library('a', 'DEF').define('b(int[#\\n99999999999] x=1) -> ()')\nprint('ESCAPED')"),
    "a schema in a default": Attack("memory", "import torch\n@torch.library.custom_op('a::b', mutates_args=())\ndef f(x: str = '\", int[99999999999] y=1, str z=\"') -> None: pass\nprint('ESCAPED')"),
    "an operation of PyTorch's defined again": Attack("R7", "import torch\ntorch.library.impl('aten::relu', 'cpu', lambda x: x)\nprint('ESCAPED')"),
    "a library of PyTorch's operations": Attack("R7", "import torch\ntorch.library.Library('aten', 'IMPL')\nprint('ESCAPED')"),
    "what an operation keeps for itself": Attack("R6", "import torch\ntorch.library.define('a::b', '() -> ()')\ntorch.ops.a.b.default._kernels = {}\nprint('ESCAPED')"),
    "masked tensor's own": Attack("module walk", "import torch\nprint('ESCAPED', torch.masked.maskedtensor.core)", OWN),
    "masked data made of lies": Attack("security.md 5", "import torch\nm = torch.masked.masked_tensor(torch.ones(2), torch.tensor([True, False]))\nprint('ESCAPED', m._masked_data.set_())"),
    "classes of the program's own swapped": Attack("confused types", "import torch\nclass A:\n    is_leaf = False\n    def _use_count(self): return 1\nclass B(torch.nn.Module):\n    is_leaf = False\n    def _use_count(self): return 1\na, b = A(), B()\ntry: torch.utils.swap_tensors(a, b)\nexcept TypeError: pass\nprint('ESCAPED', type(a))"),
    **{
        f"a trace past its guard: {idea}": Attack("guards look at values", f"import torch\n{source}\nprint('ESCAPED')", OWN)
        for idea, source in {
            "a power that is a size": "torch.jit.trace(lambda x: torch.matrix_power(torch.eye(2), x.shape[0]), torch.ones(2))(torch.empty(2**62, 0))",
            "a window that is a number given": "torch.jit.trace(lambda x, k: torch.nn.functional.max_pool2d(x, [x.shape[0], 1]), (torch.ones(1, 2, 2, 2), torch.tensor(1)))",
            "checked with other inputs": "torch.jit.trace(lambda x: torch.linalg.eigvals(x), torch.eye(2), check_inputs=[torch.full((2, 2), float('nan'))])",
            "checked with what changed meanwhile": "m = torch.eye(2)\ndef f(x):\n    e = torch.linalg.eigvals(m)\n    m.fill_(float('nan'))\n    return x\ntorch.jit.trace(f, torch.ones(1))",
            "in a method": "class M(torch.nn.Module):\n    def other(self, x): return torch.linalg.eigvals(x)\ntorch.jit.trace_module(M(), {'other': torch.eye(2)})",
            "in a part": "class A(torch.nn.Module):\n    def forward(self, x): return torch.linalg.eigvals(x)\ntorch.jit.trace(torch.nn.Sequential(A()), torch.eye(2))",
        }.items()
    },
    **{
        f"through a scripted module: {path}": Attack("module walk", f"import torch\nm = torch.nn.Linear(1, 1)\nprint('ESCAPED', {path})", OWN)
        for path in (
            *("torch.jit.script(m).compile()", "torch.compile(m).compile()", "torch.jit.script(m).share_memory()", "torch.jit.script(m)._scripted"),
            *("torch.jit.trace(m, torch.ones(1))._real", "torch.jit.trace(m, torch.ones(1))._c", "torch.jit.trace(m, torch.ones(1)).define", "torch.jit.trace(m, torch.ones(1)).graph_for"),
            *("torch.jit.trace(m, torch.ones(1)).graph.nodes", "torch.jit.trace(abs, torch.ones(1))", "torch.jit.trace_module(m, {'compile': torch.ones(1)})", "torch.jit.trace_module(m, {'__class__': torch.ones(1)})"),
            *("torch.jit.ScriptFunction(m, m)()", "torch.jit.ScriptModule().share_memory()"),
        )
    },
    "what a scripted module stands for, changed": Attack("module walk", "import torch\nm = torch.jit.script(torch.nn.Linear(1, 1))\nm._scripted = torch.nn\nprint('ESCAPED')", OWN),
    "what a scripted function calls, changed": Attack("module walk", "import torch\nf = torch.jit.script(lambda x: x)\nf._call = (f, f)\nprint('ESCAPED')", OWN),
    "a base that compiles": Attack("module walk", "import torch\nclass M(torch.jit.ScriptModule):\n    pass\nM().compile()\nprint('ESCAPED')"),
    "a base that is a trace": Attack("module walk", "import torch\nclass M(torch.jit.RecursiveScriptModule):\n    pass\nprint('ESCAPED')"),
    "rows of a nested tensor moved out of it": Attack("security.md 4b", "import torch\nn = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(1, 3)], layout=torch.jagged)\nn.offsets().fill_(10**7)\nif n.to_padded_tensor(0.0).shape != (2, 2, 3): print('ESCAPED')", ("finished",)),
    **{
        f"rows of a nested tensor by numbers: {rows}": Attack("security.md 4b", f"import torch\nprint('ESCAPED', torch.nested.nested_tensor_from_jagged(torch.ones(3, 1), {rows}))", OWN)
        for rows in (
            *("torch.tensor([0, 10**9])", "torch.tensor([1, 3])", "torch.tensor([0, 3, 1])", "torch.tensor([0., 3.])", "lengths=torch.tensor([2, 2])"),
            *("torch.tensor([0, 2**63 - 1, -2**63, -1, 3])", "lengths=torch.tensor([2**62, 2**62, 2**62, 2**62 + 3])", "lengths=torch.tensor([4, -1])"),
            *("torch.tensor([0, 2, 3]), torch.tensor([3, 1])", "torch.tensor([0, 3]), max_seqlen=1", "torch.tensor([0, 3]), min_seqlen=4"),
            *("torch.tensor([0, 3], device='meta')", "torch.tensor([0, 3]).to_sparse()"),
        )
    },
    **{
        f"rows of a nested tensor cut out: {cut}": Attack("security.md 4b", f"import torch\nprint('ESCAPED', torch.nested.narrow(torch.ones(2, 3), 1, {cut}, layout=torch.jagged))", OWN)
        for cut in ("0, torch.tensor([4, 1])", "torch.tensor([-9, 0]), 2", "2, 2", "torch.tensor([2**62, 0]), -2**62", "0, torch.tensor([1., 1.])")
    },
    "rows that are numbers of the program's own kind": Attack("security.md 4b", "import torch\nclass Rows:\n    def cumsum(self, dim): return torch.tensor([10**9])\nprint('ESCAPED', torch.nested.nested_tensor_from_jagged(torch.ones(3, 1), lengths=Rows()))", OWN),
    "a layout that is two": Attack("security.md 4b", "import torch\nclass Layout:\n    times = 0\n    def __eq__(self, other):\n        Layout.times += 1\n        return Layout.times > 1\nprint('ESCAPED', torch.nested.narrow(torch.ones(2, 3), 1, 10**9, 1, layout=Layout()))", OWN),
    "rows whose values shrink": Attack("security.md 4b", "import torch\nv = torch.ones(9, 1)\nn = torch.nested.nested_tensor_from_jagged(v, torch.tensor([0, 4, 9]))\nv.resize_(1, 1)\nif n.to_padded_tensor(0.0).sum() != 9: print('ESCAPED')", ("finished",)),
    "rows whose values are swapped": Attack("security.md 4b", "import torch\nv = torch.ones(9, 1)\nn = torch.nested.nested_tensor_from_jagged(v, torch.tensor([0, 4, 9]))\ntorch.utils.swap_tensors(v, torch.ones(1, 1))\nif n.to_padded_tensor(0.0).sum() != 9: print('ESCAPED')", ("finished", "failed")),
    "rows whose values shrink before backward": Attack("security.md 4b", "import torch\nv = torch.ones(9, 1, requires_grad=True) * 1\nn = torch.nested.nested_tensor_from_jagged(v, torch.tensor([0, 4, 9]))\nv.data = torch.ones(1, 1)\nn.mul_(2)\nv.sum().backward()\nprint('ESCAPED')", ("failed",)),
    "rows moved after they were checked": Attack("security.md 4b", "import torch\no = torch.tensor([0, 1, 3])\nn = torch.nested.nested_tensor_from_jagged(torch.ones(3, 1), o)\no.fill_(10**7)\nif n.to_padded_tensor(0.0).sum() != 3: print('ESCAPED')", ("finished",)),
    "rows given back and moved": Attack("security.md 4b", "import torch\nn = torch.nested.nested_tensor_from_jagged(torch.ones(3, 1), torch.tensor([0, 1, 3]))\no = n.offsets()\no.fill_(10**7)\nprint('ESCAPED', torch.nested.nested_tensor_from_jagged(torch.ones(3, 1), o))", OWN),
    "rows told to a dispatch mode": Attack("security.md 4b", "import torch\nfrom torch.utils._python_dispatch import TorchDispatchMode\nclass Mode(TorchDispatchMode):\n    def __torch_dispatch__(self, func, types, args=(), kwargs=None):\n        for one in args:\n            if isinstance(one, torch.Tensor) and one.dtype is torch.int64: one.fill_(10**7)\n        return func(*args, **(kwargs or {}))\nv, o = torch.ones(3, 1), torch.tensor([0, 1, 3])\nwith Mode(): n = torch.nested.nested_tensor_from_jagged(v, o)\nprint('ESCAPED')", OWN),
    "functorch walks a path of names": Attack("module walk", "import torch\nfrom torch import nn\nimport functorch\nclass M(nn.Module):\n    def named_parameters(self, *a, **k): return [('forward.__func__.__globals__', torch.ones(1))]\n    def forward(self): return 1\nf, p = functorch.make_functional(M())\nprint('ESCAPED', f(p))", OWN),
    "a collate function of the library": Attack("R7", "import torch\nfrom torch.utils.data._utils.collate import collate\nprint('ESCAPED', collate([1], collate_fn_map={int: torch.hub.load}))"),
    "super of a class and its type": Attack("module walk", "class A:\n    def f(self): return super(A).__self_class__\nprint('ESCAPED', A().f())"),
    "wrap_torch_function makes a class": Attack("R8", "from torch.overrides import wrap_torch_function\nprint('ESCAPED', wrap_torch_function(lambda *a: ())(type)('X', (), {}))"),
    "wrap_torch_function calls the outside": Attack("R8", "import torch\nfrom torch.overrides import wrap_torch_function\nprint('ESCAPED', wrap_torch_function(lambda *a: ())(torch.hub.load)('x'))"),
    "SummaryWriter": Attack(IDEA, "from torch.utils.tensorboard import SummaryWriter\nSummaryWriter('/tmp/x')\nprint('ESCAPED')", OWN),
}  # fmt: skip
_MODULES = """
subprocess socket ctypes sys importlib builtins threading multiprocessing signal shutil tempfile pathlib marshal code codeop
pty posix _posixsubprocess gc inspect types weakref asyncio http urllib sqlite3 site runpy pdb cProfile
"""
for _module in _MODULES.split():
    ATTACKS[f"import {_module}"] = Attack(
        "security.md R4", f"import {_module}\nx = {_module}.__dict__\nprint('ESCAPED')", OWN
    )


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    """The product."""
    yield from road()


@pytest.fixture(scope="module")
def traces(executor: LocalExecutor) -> dict[str, Trace]:
    """Every attack's run."""
    return fire(executor, {name: attack.source for name, attack in ATTACKS.items()})


@pytest.mark.parametrize("name", ATTACKS)
def test_no_way_out(name: str, traces: dict[str, Trace]) -> None:
    ruled(ATTACKS[name], traces[name])


def test_the_next_program_runs(executor: LocalExecutor) -> None:
    assert still_works(executor)
