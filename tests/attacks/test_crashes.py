"""Programs that crash, hang or exhaust: the crash census of PyTorch and NumPy, and bombs of Python's own, through the road.

Each ends with a word: refused, failed with the library's own words, stopped at a limit, or lost. `finished` is allowed
where the installed version, or a guard of ours, gives an answer. None may hang, and none may reach the next run.
"""

# ruff: noqa: E501 -- one attack is one row

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.executors.local import LocalExecutor
from engine.limits import Limits
from engine.trace import Trace
from tests.attacks.firing import Attack, fire, road, ruled, still_works

ANY = ("refused", "failed", "stopped", "lost", "finished")
BAD = ("refused", "failed", "stopped", "lost")
STOP = ("stopped", "refused")
T = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\nimport numpy as np\n"
LIMITS = Limits(memory=500_000_000, soft_deadline=1.0, deadline=1.5, processor_time=1.5, grace=1.0, queue_length=1_000)

CENSUS = {
    # ends the process in one line of public API (security.md, sections 4b and 5)
    "eigvals of NaN": Attack("G1", T + "torch.linalg.eigvals(torch.full((3, 3), float('nan')))", BAD),
    "eigvals of infinity": Attack("G1", T + "torch.linalg.eigvals(torch.full((3, 3), float('inf')))", BAD),
    "numpy roots of NaN": Attack("G1", T + "np.roots([1.0, float('nan'), 2.0])", ANY),
    "ctc_loss with a label outside": Attack("G2", T + "F.ctc_loss(torch.randn(5, 1, 3).log_softmax(2), torch.tensor([[99, 1]]), torch.tensor([5]), torch.tensor([2]))", BAD),
    "ctc_loss with a negative label": Attack("G2", T + "F.ctc_loss(torch.randn(5, 1, 3).log_softmax(2), torch.tensor([[-9, 1]]), torch.tensor([5]), torch.tensor([2]))", BAD),
    "CTCLoss with a label outside": Attack("G2", T + "nn.CTCLoss()(torch.randn(5, 1, 3).log_softmax(2), torch.tensor([[10**6, 1]]), torch.tensor([5]), torch.tensor([2]))", BAD),
    "division of the least integer": Attack("G3", T + "torch.div(torch.tensor([-2**63]), torch.tensor([-1]), rounding_mode='trunc')", BAD),
    "division of the least 32-bit integer": Attack("G3", T + "torch.div(torch.tensor([-2**31], dtype=torch.int32), torch.tensor([-1], dtype=torch.int32), rounding_mode='trunc')", BAD),
    "division by a number": Attack("G3", T + "torch.tensor([-2**63]).div(-1, rounding_mode='trunc')", BAD),
    "division in place": Attack("G3", T + "torch.tensor([-2**63]).div_(torch.tensor(-1), rounding_mode='trunc')", BAD),
    "true_divide's sibling": Attack("G3", T + "torch.divide(torch.tensor([-2**63]), -1, rounding_mode='trunc')", BAD),
    "remainder of the least integer": Attack("G3", T + "print(torch.fmod(torch.tensor([-2**63]), torch.tensor([-1])))", ANY),
    "integer division by zero": Attack("G3", T + "torch.tensor([1]) // torch.tensor([0])", BAD),
    "pool indices overwritten by data": Attack("G4", T + "x = torch.randn(1, 1, 8, requires_grad=True)\ny, i = F.max_pool1d(x, 2, return_indices=True)\ni.data.fill_(10**12)\ny.sum().backward()\nprint(x.grad.sum().item())", ("finished", "failed", "refused")),
    "pool indices overwritten by numpy": Attack("G4", T + "x = torch.randn(1, 1, 8, 8, requires_grad=True)\ny, i = F.max_pool2d(x, 2, return_indices=True)\ni.numpy()[:] = 10**12\ny.sum().backward()", ANY),
    "pool indices overwritten in place": Attack("G4", T + "x = torch.randn(1, 1, 8, requires_grad=True)\ny, i = F.max_pool1d(x, 2, return_indices=True)\ni.fill_(10**12)\ny.sum().backward()\nprint(x.grad.sum().item())", ("finished", "failed", "refused")),
    "pool indices overwritten under no_grad": Attack("G4", T + "x = torch.randn(1, 1, 8, requires_grad=True)\ny, i = F.max_pool1d(x, 2, return_indices=True)\nwith torch.no_grad(): i.mul_(10**12).add_(10**12)\ny.sum().backward()\nprint(x.grad.sum().item())", ("finished", "failed", "refused")),
    "adaptive pool indices overwritten": Attack("G4", T + "x = torch.randn(1, 1, 8, requires_grad=True)\ny, i = F.adaptive_max_pool1d(x, 2, return_indices=True)\ni.data += 10**12\ny.sum().backward()\nprint(x.grad.sum().item())", ("finished", "failed", "refused")),
    "unpool with indices outside": Attack("G4", T + "F.max_unpool1d(torch.randn(1, 1, 2), torch.tensor([[[10**9, 5]]]), 2)", BAD),
    "embedding bag indices overwritten": Attack("G4", T + "w = torch.randn(5, 3, requires_grad=True)\ni = torch.tensor([1, 2])\ny = F.embedding_bag(i, w, torch.tensor([0]))\ni.data.fill_(10**9)\ny.sum().backward()", ANY),
    "gather indices overwritten": Attack("G4", T + "x = torch.randn(5, requires_grad=True)\ni = torch.tensor([1, 2])\ny = x.gather(0, i)\ni.data.fill_(10**9)\ny.sum().backward()", BAD),
    "index_select indices overwritten": Attack("G4", T + "x = torch.randn(5, requires_grad=True)\ni = torch.tensor([1, 2])\ny = x.index_select(0, i)\ni.data.fill_(10**9)\ny.sum().backward()", BAD),
    "weights of an LSTM replaced by data": Attack("G4", T + "m = nn.LSTM(3, 4)\nm.weight_hh_l0.data = torch.randn(1, 1)\nm(torch.randn(2, 1, 3))", BAD),
    "statistics of a batch norm replaced": Attack("G4", T + "m = nn.BatchNorm1d(4)\nm.running_mean.data = torch.zeros(1)\nm.eval()(torch.randn(2, 4))", ANY),
    "a parameter resized": Attack("G4", T + "m = nn.Linear(3, 4)\nm.weight.data.resize_(999)\nm(torch.randn(2, 3))", ANY),
    "repeat_interleave overflow": Attack("G5", T + "torch.repeat_interleave(torch.ones(2), torch.tensor([2**62, 2**62]))", BAD),
    "repeat_interleave negative": Attack("G5", T + "torch.repeat_interleave(torch.ones(2), torch.tensor([-1, 5]))", BAD),
    "numpy repeat overflow": Attack("G5", T + "np.repeat(np.ones(2), np.array([2**62, 2**62]))", BAD),
    "max_pool1d dilation": Attack("G6", T + "F.max_pool1d(torch.randn(1, 1, 8), 2, dilation=2**62)", BAD),
    "max_pool1d kernel": Attack("G6", T + "F.max_pool1d(torch.randn(1, 1, 8), 10**12, padding=5 * 10**11)", BAD),
    "MaxPool1d dilation": Attack("G6", T + "nn.MaxPool1d(2, dilation=2**61)(torch.randn(1, 1, 8))", BAD),
    "conv1d with a huge stride": Attack("G6", T + "F.conv1d(torch.randn(1, 1, 8), torch.randn(1, 1, 2), stride=2**62, padding=2**62)", BAD),
    "unfold with a huge size": Attack("G6", T + "F.unfold(torch.randn(1, 1, 8, 8), 10**9)", BAD),
    "pad by a lot": Attack("G6", T + "F.pad(torch.ones(1), (2**62, 2**62))", BAD),
    "matrix_power of the least integer": Attack("G7", T + "torch.linalg.matrix_power(torch.eye(2), -2**63)", BAD),
    "matrix_power of a large integer": Attack("G7", T + "torch.matrix_power(torch.eye(2), 2**62)", BAD),
    "diff of a high order": Attack("G8", T + "torch.diff(torch.ones(5), n=10**15)", BAD),
    "legendre of a high order": Attack("G8", T + "torch.special.legendre_polynomial_p(torch.tensor(0.5), 10**18)", BAD),
    "laguerre of a high order": Attack("G8", T + "torch.special.laguerre_polynomial_l(torch.tensor(0.5), 10**18)", BAD),
    "hermite of a high order in a tensor": Attack("G8", T + "torch.special.hermite_polynomial_h(torch.tensor(0.5), torch.tensor(1e18))", BAD),
    "zeta far to the left": Attack("G8", T + "torch.special.zeta(torch.tensor(2.0), torch.tensor(-1e15 - 0.5))", BAD),
    "polygamma of a high order": Attack("G8", T + "torch.polygamma(10**9, torch.tensor(0.5))", ANY),
    "VonMises that never accepts": Attack("G9", T + "print(torch.distributions.VonMises(torch.tensor(0.0), torch.tensor(float('nan'))).sample())", BAD),
    "numpy vonmises": Attack("G9", T + "np.random.vonmises(0, float('nan'))", ANY),
    "numpy zipf": Attack("G9", T + "np.random.zipf(1.0000001)", ANY),
    "spectral_norm without end": Attack("G9", T + "torch.nn.utils.spectral_norm(nn.Linear(3, 3), n_power_iterations=10**12)(torch.ones(3))", BAD),
    "LBFGS without end": Attack("G9", T + "x = torch.ones(1, requires_grad=True)\no = torch.optim.LBFGS([x], max_iter=10**9, tolerance_grad=0, tolerance_change=0)\ndef c():\n    o.zero_grad()\n    y = x.sin().sum()\n    y.backward()\n    return y\no.step(c)", ANY),
    "lobpcg": Attack("census", T + "torch.lobpcg(torch.eye(9), niter=-1)", ANY),
    "pca_lowrank without end": Attack("census", T + "torch.pca_lowrank(torch.randn(9, 9), niter=10**12)", BAD),
    "svd_lowrank without end": Attack("census", T + "torch.svd_lowrank(torch.randn(9, 9), niter=10**12)", BAD),
    "many dimensions to a list": Attack("G11", T + "torch.ones([1] * 100000).tolist()", BAD),
    "many dimensions printed": Attack("R15", T + "print(torch.ones([2] * 20))", ANY),
    "a deep list to a tensor": Attack("G11", T + "x = []\nfor i in range(5000): x = [x]\ntorch.tensor(x)", BAD),
    "a list that holds itself": Attack("G11", T + "x = []\nx.append(x)\ntorch.tensor(x)", BAD),
    "an array that holds itself": Attack("G11", T + "x = []\nx.append(x)\nnp.array(x)", BAD),
    "sparse indices outside": Attack("census", T + "torch.sparse_coo_tensor(torch.tensor([[2**40]]), torch.ones(1), (2**41,)).to_dense()", BAD),
    "sparse rows that lie": Attack("census", T + "torch.sparse_csr_tensor(torch.tensor([0, 10**9]), torch.tensor([0]), torch.ones(1), (1, 1)).to_dense()", ANY),
    "storage shrunk under a tensor": Attack("census", T + "x = torch.ones(1000)\nx.untyped_storage().resize_(0)\nprint(x.sum())", ANY),
    "bincount of a large number": Attack("R16", T + "torch.bincount(torch.tensor([2**62]))", BAD),
    "one_hot of a large number": Attack("R16", T + "F.one_hot(torch.tensor([2**40]))", BAD),
    "embedding index outside": Attack("census", T + "F.embedding(torch.tensor([10**9]), torch.randn(3, 3))", BAD),
    "cross entropy class outside": Attack("census", T + "F.cross_entropy(torch.randn(2, 3), torch.tensor([99, 1]))", BAD),
    "grid_sample of NaN": Attack("census", T + "F.grid_sample(torch.randn(1, 1, 3, 3), torch.full((1, 2, 2, 2), float('nan')))", ANY),
    "histc of infinity": Attack("census", T + "torch.histc(torch.tensor([float('inf'), 1.0]))", BAD),
    "multinomial of NaN": Attack("census", T + "torch.multinomial(torch.tensor([float('nan'), 1.0]), 1)", BAD),
    "packed sequence with lengths that lie": Attack("census", T + "nn.utils.rnn.pad_packed_sequence(nn.utils.rnn.PackedSequence(torch.ones(3), torch.tensor([9, 9])))", ANY),
    "module that contains itself": Attack("census", T + "m = nn.Sequential()\nm.add_module('x', m)\nprint(list(m.parameters()))\nm(torch.ones(1))", ANY),
    "backward nested in hooks": Attack("nesting", T + "d = [0]\ndef h(g):\n    d[0] += 1\n    x = torch.ones(1, requires_grad=True)\n    y = x * 2\n    y.register_hook(h)\n    y.backward()\nx = torch.ones(1, requires_grad=True)\ny = x * 2\ny.register_hook(h)\ny.backward()", BAD),
    "derivative of derivative of ...": Attack("R17", T + "x = torch.ones(1, requires_grad=True)\ny = (x * x).sin().exp()\nfor i in range(40): y, = torch.autograd.grad(y.sum(), x, create_graph=True)", BAD),
    "a hook that raises": Attack("hooks", T + "x = torch.ones(1, requires_grad=True)\nx.register_hook(lambda g: 1 / 0)\n(x * 2).backward()", ("failed",)),
    "a hook that never returns": Attack("hooks", T + "def h(g):\n    while True: pass\nx = torch.ones(1, requires_grad=True)\nx.register_hook(h)\n(x * 2).backward()", STOP),
    "a Function whose backward never returns": Attack("hooks", T + "class A(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x): return x * 1\n    @staticmethod\n    def backward(ctx, g):\n        while True:\n            try: 1 / 0\n            except ZeroDivisionError: pass\nA.apply(torch.ones(1, requires_grad=True)).backward()", STOP),
    "vmap of an endless function": Attack("hooks", T + "def f(x):\n    while True: x = x + 1\ntorch.vmap(f)(torch.ones(2))", STOP),
    "chains on chains": Attack("R14", "import itertools\nit = iter([1])\nfor i in range(10**6): it = itertools.chain(it)\nnext(it)", STOP),
    "chains and tees": Attack("R14", "import itertools\nit = iter([1])\nfor i in range(10**6): it = itertools.chain(itertools.tee(it)[0])\nnext(it)", STOP),
    "maps on slices": Attack("R14", "import itertools\nit = iter([1])\nfor i in range(10**6): it = map(abs, itertools.islice(it, 1))\nnext(it)", STOP),
    "starmaps on groups": Attack("R14", "import itertools\nit = iter([1])\nfor i in range(10**6): it = itertools.zip_longest(itertools.cycle(it))\nnext(it)", STOP),
    "LBFGS that never ends": Attack("G9", T + "w = torch.ones(1, requires_grad=True)\nnn_ = torch.optim.LBFGS([w], max_iter=10**12)", STOP),
    "spectral_norm that never ends": Attack("G9", T + "torch.nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=10**12)", STOP),
    "a layer of a huge size": Attack("integers", T + "nn.Embedding(10**12, 1)", STOP),
    "a von Mises that never accepts": Attack("G9", T + "torch.distributions.VonMises(torch.tensor(0.0), torch.tensor(float('nan')), validate_args=False).sample((3,))", BAD),
}  # fmt: skip
ENDLESS = {
    "while True": Attack("classic", "while True: pass", STOP),
    "while True that catches everything": Attack("masked limit", "while True:\n    try:\n        while True: pass\n    except: pass", STOP),
    "while True with finally": Attack("masked limit", "while True:\n    try: 1 / 0\n    except BaseException: pass\n    finally: continue", STOP),
    "a limit swallowed by finally": Attack("masked limit", "def f():\n    while True:\n        try:\n            return f()\n        finally:\n            continue\nf()", BAD),
    "a limit swallowed by with": Attack("masked limit", "class S:\n    def __enter__(self): return self\n    def __exit__(self, *a): return True\nwhile True:\n    with S():\n        while True: pass", STOP),
    "a limit swallowed by suppress": Attack("masked limit", "from contextlib import suppress\nwhile True:\n    with suppress(BaseException):\n        while True: pass", BAD),
    "a limit swallowed by a generator": Attack("masked limit", "def g():\n    while True:\n        try: yield 1\n        except BaseException: pass\nfor x in g():\n    for y in g(): pass", STOP),
    "a limit swallowed by __getattr__": Attack("masked limit", "class A:\n    def __getattr__(self, n):\n        while True: pass\nwhile True: hasattr(A(), 'x')", BAD),
    "a limit swallowed by a key function": Attack("masked limit", "def k(x):\n    while True: pass\ntry: sorted([2, 1], key=k)\nexcept: pass\nprint('ESCAPED')", STOP),
    "recursion": Attack("classic", "def f(n): return f(n + 1)\nf(0)", BAD),
    "recursion that catches": Attack("masked limit", "def f():\n    try: f()\n    except: f()\nf()", BAD),
    "recursion through __call__": Attack("R11", "class A:\n    def __call__(self): return self()\nA()()", BAD),
    "recursion through __getattr__": Attack("R11", "class A:\n    def __getattr__(self, n): return getattr(self, n + 'x')\nA().x", BAD),
    "recursion through __repr__": Attack("R11", "class A:\n    def __repr__(self): return repr(self)\nrepr(A())", BAD),
    "recursion through __eq__": Attack("R11", "class A:\n    def __eq__(self, o): return self == o\nA() == A()", BAD),
    "mutual recursion of generators": Attack("R14", "def g(n):\n    yield from g(n + 1)\nlist(g(0))", BAD),
    "nested maps": Attack("R14", "x = iter([1])\nfor i in range(10**6): x = map(abs, x)\nnext(x)", BAD),
    "nested enumerates": Attack("R14", "x = iter([1])\nfor i in range(10**6): x = enumerate(x)\nnext(x)", BAD),
    "nested zips": Attack("R14", "x = iter([1])\nfor i in range(10**6): x = zip(x)\nnext(x)", BAD),
    "nested reversed slices": Attack("R14", "import itertools\nx = iter([1])\nfor i in range(10**6): x = itertools.chain(x)\nnext(x)", BAD),
    "an endless count": Attack("R14", "import itertools\nlist(itertools.count())", BAD),
    "an endless cycle": Attack("R14", "import itertools\nsum(itertools.cycle([1]))", BAD),
    "an endless repeat": Attack("R14", "import itertools\nsum(itertools.repeat(1))", BAD),
    "an endless product": Attack("R14", "import itertools\nlist(itertools.product(range(1000), repeat=1000))", BAD),
    "permutations of many": Attack("R14", "import itertools\nlist(itertools.permutations(range(20)))", BAD),
    "iter with a sentinel": Attack("R14", "list(iter(int, 1))", BAD),
    "a power": Attack("R12", "x = 9 ** 9 ** 9", BAD),
    "a power of powers": Attack("simpleeval", "x = (10 ** 1000) ** 10000", BAD),
    "pow with three": Attack("R12", "pow(7, 10**4000, 10**4000 + 1)", ANY),
    "a shift": Attack("R12", "x = 1 << 2 * 10**10", BAD),
    "squaring": Attack("R12", "x = 10\nwhile True: x *= x", BAD),
    "squaring in place through a list": Attack("R12", "x = [10]\nwhile True: x[0] *= x[0]", BAD),
    "a factorial": Attack("asteval", "import math\nmath.factorial(10**7)", BAD),
    "a binomial": Attack("asteval", "import math\nmath.comb(10**7, 5 * 10**6)", BAD),
    "rounding to many digits": Attack("R12", "round(1, -10**10)", BAD),
    "a number from a long text": Attack("R12", "int('9' * 100000)", BAD),
    "a text of a large number": Attack("R12", "x = 7 ** 1000\nfor i in range(10): str(x)\ny = x ** 1000", BAD),
    "membership in a range": Attack("R12", "0.5 in range(10**12)", BAD),
    "sum of a range": Attack("R12", "sum(range(10**12))", BAD),
    "max of a range": Attack("R12", "max(range(10**12))", BAD),
    "a range as a list": Attack("R12", "list(range(10**10))", BAD),
    "a range unpacked": Attack("R12", "[*range(10**10)]", BAD),
    "a range starred into a call": Attack("R12", "print(*range(10**10))", BAD),
    "zip of ranges": Attack("R12", "list(zip(range(10**10), range(10**10)))", BAD),
    "text times a number": Attack("R12", "x = 'a' * 10**10", BAD),
    "number times text": Attack("asteval", "x = 10**10 * 'a'", BAD),
    "text doubled for ever": Attack("R12", "x = 'a'\nwhile True: x += x", BAD),
    "list times a number": Attack("R12", "x = [0] * 10**10", BAD),
    "list times in place": Attack("R12", "x = [0]\nx *= 10**10", BAD),
    "list doubled for ever": Attack("R12", "x = [0]\nwhile True: x += x", BAD),
    "list extended by itself": Attack("R12", "x = [0]\nwhile True: x.extend(x)", BAD),
    "tuple doubled for ever": Attack("R12", "x = (0,)\nwhile True: x = x + x", BAD),
    "a dict without end": Attack("R12", "x = {i: i for i in range(10**9)}", BAD),
    "a set without end": Attack("R12", "x = set(range(10**9))", BAD),
    "bytes of a size": Attack("R12", "x = bytes(10**10)", BAD),
    "bytearray of a size": Attack("R12", "x = bytearray(10**10)", BAD),
    "center": Attack("R13", "'a'.center(10**10)", BAD),
    "ljust": Attack("R13", "'a'.ljust(10**10)", BAD),
    "rjust": Attack("R13", "'a'.rjust(10**10)", BAD),
    "zfill": Attack("R13", "'1'.zfill(10**10)", BAD),
    "expandtabs": Attack("R13", "'\\t'.expandtabs(10**10)", BAD),
    "replace": Attack("R13", "('a' * 100000).replace('a', 'b' * 100000)", BAD),
    "join": Attack("R13", "('a' * 100000).join(['b'] * 90000)", BAD),
    "translate": Attack("R13", "('a' * 100000).translate({97: 'b' * 100000})", BAD),
    "width of an f-string": Attack("R9", "f'{1:1000000000}'", BAD),
    "precision of an f-string": Attack("R9", "f'{1.0:.1000000000f}'", BAD),
    "width of a percent": Attack("R9", "'%1000000000d' % 1", BAD),
    "starred width of a percent": Attack("R9", "'%*d' % (10**9, 1)", BAD),
    "width by str.format": Attack("R9", "'{:1000000000}'.format(1)", BAD),
    "width by a nested field": Attack("R9", "'{:{}}'.format(1, 10**9)", BAD),
    "width by format": Attack("R9", "format(1, '1000000000')", BAD),
    "a flood of lines": Attack("R15", "while True: print('x')", ANY),
    "a flood of characters": Attack("R15", "while True: print('x' * 100000)", ANY),
    "a flood through end": Attack("R15", "while True: print('', end='x' * 100000)", ANY),
    "a flood of errors": Attack("R15", "import sys\nwhile True: print('x' * 100000, file=sys.stderr)", ANY),
    "a flood of short errors in one statement": Attack("R15", "import sys\nfor i in range(10**5): sys.stderr.write('x\\n')", ANY),
    "a flood of warnings": Attack("R15", "import warnings\nwhile True: warnings.warn('x' * 10000)", ANY),
    "a long exception": Attack("R15", "raise ValueError('x' * 200000)", ("failed", "stopped")),
    "a long exception of many arguments": Attack("R15", "raise ValueError(*['x' * 1000] * 1000)", ("failed", "stopped")),
    "an exception whose text never ends": Attack("R15", "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E()", ("failed", "stopped")),
    "a repr that never ends": Attack("R15", "class A:\n    def __repr__(self):\n        while True: pass\nx = A()\nx", ANY),
    "a repr that lies about its type": Attack("R15", "class A:\n    def __repr__(self): return 5\nx = A()\nprint(x)", ("failed",)),
    "deep nesting of parentheses": Attack("R2", "(" * 5000 + ")" * 5000, ("refused",)),
    "deep nesting of minus": Attack("R2", "-" * 10000 + "1", ("refused",)),
    "deep nesting of lists": Attack("R2", "[" * 90 + "]" * 90, ("refused",)),
    "many elifs": Attack("R2", "if 0: pass\n" + "elif 0: pass\n" * 450, ("refused", "finished")),
    "too many lines": Attack("R1", "x = 1\n" * 2000, ("refused",)),
    "too many characters": Attack("R1", "#" * 30000, ("refused",)),
    "too many nodes": Attack("R2", "x = [" + "1," * 9000 + "]", ("refused", "stopped")),
    "a chain of operators": Attack("R2", "x = " + "1+" * 4000 + "1", ("refused", "finished")),
    "a chain of attributes": Attack("R2", "x = 1" + ".real" * 1000, ("refused", "failed")),
    "a chain of calls": Attack("R2", "f = lambda: f\nf" + "()" * 1000, ("refused",)),
    "nested f-strings": Attack("R2", "f'{f\"{1}\"}' " * 1000, ("refused", "stopped", "finished")),
    "nested functions": Attack("R2", "\n".join("    " * i + f"def f{i}():" for i in range(80)) + "\n" + "    " * 80 + "pass", ("refused",)),
    "a tensor beyond memory": Attack("R16", T + "torch.ones(10**8) + torch.ones(10**8) + torch.ones(10**8)", BAD),
    "tensors kept in a list": Attack("R16", T + "x = []\nwhile True: x.append(torch.ones(10**7))", BAD),
    "a tensor of impossible size": Attack("R16", T + "torch.empty(10**15)", BAD),
    "a layer of impossible size": Attack("R16", T + "nn.Linear(10**6, 10**6)", BAD),
    "an expanded tensor summed": Attack("R16", T + "torch.ones(1).expand(10**13).sum()", BAD),
    "an expanded tensor copied": Attack("R16", T + "torch.ones(1).expand(10**9).clone()", BAD),
    "a broadcast tensor": Attack("R16", T + "torch.ones(10**6, 1) + torch.ones(1, 10**6)", BAD),
    "an outer product": Attack("R16", T + "torch.outer(torch.ones(10**6), torch.ones(10**6))", BAD),
    "a large matrix product": Attack("R16", T + "x = torch.ones(9000, 9000)\nfor i in range(9): x = x @ x", BAD),
    "arange without end": Attack("R16", T + "torch.arange(0, 1, 1e-15)", BAD),
    "linspace without end": Attack("R16", T + "torch.linspace(0, 1, 10**12)", BAD),
    "kron": Attack("R16", T + "torch.kron(torch.ones(5000, 50), torch.ones(5000, 50))", BAD),
    "cartesian product": Attack("R16", T + "torch.cartesian_prod(*[torch.arange(100)] * 8)", BAD),
    "combinations": Attack("R16", T + "torch.combinations(torch.arange(10000), 4)", BAD),
    "cdist": Attack("R16", T + "torch.cdist(torch.ones(10**6, 2), torch.ones(10**6, 2))", BAD),
    "split into many": Attack("R16", T + "torch.ones(10**7).split(1)", BAD),
    "a large list of a tensor": Attack("R16", T + "torch.ones(10**8).tolist()", BAD),
    "meshgrid": Attack("R16", T + "torch.meshgrid(*[torch.arange(10.0)] * 20, indexing='ij')[0].sum()", BAD),
    "interpolate": Attack("R16", T + "F.interpolate(torch.ones(1, 1, 2, 2), scale_factor=10**6)", BAD),
    "an array beyond memory": Attack("R16", T + "np.ones(10**9) * 2", BAD),
    "an array of impossible size": Attack("R16", T + "np.empty(10**15)", BAD),
    "a grown autograd graph": Attack("R17", T + "x = torch.ones(1, requires_grad=True)\ny = x\nwhile True: y = y * 1.0", BAD),
    "files without end": Attack("folder", T + "i = 0\nwhile True:\n    i += 1\n    torch.save(torch.ones(100), str(i))", BAD),
    "a large file": Attack("folder", T + "torch.save(torch.ones(10**7), 'x')", BAD),
    "sleeping": Attack("time", "import time\ntime.sleep(10**9)", ANY),
    "exit": Attack("asteval 1.0.9", "exit()", ANY),
    "raise SystemExit": Attack("asteval 1.0.9", "raise SystemExit(3)", ANY),
    "raise KeyboardInterrupt": Attack("asteval 1.0.9", "raise KeyboardInterrupt", ANY),
    "raise GeneratorExit": Attack("asteval 1.0.9", "raise GeneratorExit", ANY),
    "raise MemoryError": Attack("liar", "raise MemoryError", ANY),
    "regular expression without end": Attack("re", "import re\nre.match('(a+)+$', 'a' * 40 + 'b')", BAD),
}  # fmt: skip
ATTACKS = CENSUS | ENDLESS


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    """The product, with little time and memory."""
    yield from road(LIMITS)


@pytest.fixture(scope="module")
def traces(executor: LocalExecutor) -> dict[str, Trace]:
    """Every attack's run."""
    return fire(executor, {name: attack.source for name, attack in ATTACKS.items()})


@pytest.mark.parametrize("name", ATTACKS)
def test_it_ends_with_a_word(name: str, traces: dict[str, Trace]) -> None:
    ruled(ATTACKS[name], traces[name])


def test_the_next_program_runs(executor: LocalExecutor) -> None:
    assert still_works(executor)
