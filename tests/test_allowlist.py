"""What a program may read, write, call and derive from; everything else is refused where it stands."""

from __future__ import annotations

import pytest

from engine.errors import LimitReached, Refused
from engine.messages import render
from tests.vocabulary_cases import run, stop

REFUSED = {
    "import os.x": "refused.import",
    "import subprocess": "refused.import",
    "import torchvision": "refused.import.torchvision",
    "import torch.distributed": "refused.import",
    "import torch.distributed.rpc.api": "refused.import",
    "import numpy.f2py.capi_maps": "refused.import",
    "from torch import hub": "refused.name",
    "import torch\ntorch.os": "refused.name",
    "import torch\ntorch.jit.CompilationUnit": "refused.name",
    "import torch\ntorch._C": "refused.name",
    "import torch\ntorch.ones(1).untyped_storage().resize_(10**9)": "refused.attribute",
    "import torch\ntorch.ones(1).apply_(abs)": "refused.attribute",
    "import torch\ntorch.nn.Linear(1, 1).compile()": "refused.attribute",
    "import torch\ntorch.zeros = 1": "refused.write.module",
    "import torch\ntorch.Tensor.sum = 1": "refused.write.library",
    "import torch\ntorch.ones(1).sum = 1": "refused.write",
    "import torch\ntorch.ones(1)._backward_hooks = {}": "refused.write",
    "import torch\nclass A(torch.Generator): pass": "refused.base",
    "import numpy as np\nnp.load('x')": "refused.name",
    "import numpy as np\nnp.array([[1], [2, 3]], dtype=object)": "refused.object_array",
    "import operator\noperator.attrgetter('x')": "refused.name",
    "import torch\ntype(torch.ones(1).grad_fn)": None,
    "import torch\ntype(torch.ones(1, requires_grad=True).sum().grad_fn)()": "refused.call",
    "import torch\nx = torch.ones(1)\nx.sum.__self__": "refused.dunder",
    "import torch\ngetattr(torch.ones(1), 'share_memory_')": "refused.attribute",
}


@pytest.mark.parametrize("source", [source for source, code in REFUSED.items() if code])
def test_refused(source: str) -> None:
    """Each with its sentence, in both languages."""
    ended = stop(source)
    assert isinstance(ended, Refused)
    assert ended.code == REFUSED[source]
    if not ended.code.startswith("refused.dunder"):
        assert render(ended.code, ended.params)
        assert render(ended.code, ended.params, "zh")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import nothing_such", "No module named 'nothing_such'"),
        ("import torch.nothing", "No module named 'torch.nothing'"),
        ("import torch\ntorch.nothing", "module 'torch' has no attribute 'nothing'"),
        ("import torch\ntorch.ones(1).nothing", "'Tensor' object has no attribute 'nothing'"),
        ("import torch\ntorch.nn.Linear(1, 1).nothing", "'Linear' object has no attribute 'nothing'"),
        ("import torch\ntorch.ones(1)()", "'Tensor' object is not callable"),
        ("import torch\ntorch.ones(1).shape = 3", "attribute 'shape' of 'torch._C.TensorBase' objects is not writable"),
    ],
)
def test_what_does_not_exist_is_said_in_pythons_words(source: str, error: str) -> None:
    """An error of Python's or PyTorch's own is never ours."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the message is compared below
        run(source)
    assert str(raised.value) == error


def test_sizes_are_checked_at_the_gate() -> None:
    """A view that uses no memory may still be too large, also among several results."""
    for source in (
        "torch.ones(1).expand(10**9)",
        "torch.meshgrid(torch.ones(10**5), torch.ones(10**5), indexing='ij')",
    ):
        ended = stop(f"import torch\n{source}")
        assert isinstance(ended, LimitReached)
        assert ended.code == "limit.elements"
    assert stop("import torch\ntorch.ones([1] * 65)").code == "limit.dimensions"


def test_what_a_transform_returns_may_be_called() -> None:
    """`grad(f)`, the function of vjp, partial, decorators."""
    variables, printed = run(
        "import torch, functools\n"
        "f = torch.func.grad(lambda x: (x ** 3).sum())\n"
        "a = f(torch.tensor([2.0]))\n"
        "out, back = torch.func.vjp(torch.sin, torch.zeros(1))\n"
        "b = back(torch.ones(1))[0]\n"
        "c = functools.partial(torch.add, torch.ones(1))(torch.ones(1))\n"
        "@torch.no_grad()\n"
        "def g(x): return x * 2\n"
        "d = g(torch.ones(1, requires_grad=True))\n"
        "print(a, b, c, d)\n"
    )
    assert printed == "tensor([12.]) tensor([1.]) tensor([2.]) tensor([2.])\n"
    assert not variables["d"].requires_grad


def test_modules_functions_and_subclasses() -> None:
    """Inherited names are read, own fields written, listed bases derived from."""
    _, printed = run(
        "import torch, torch.nn as nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer, self._scale = nn.Linear(2, 1), 3\n"
        "    def forward(self, x): return self.layer(x) * self._scale\n"
        "net = Net()\n"
        "print(net.layer.in_features, net(torch.ones(2)).shape, net.training, len(list(net.parameters())))\n"
        "class Double(torch.autograd.Function):\n"
        "    @staticmethod\n"
        "    def forward(ctx, x):\n"
        "        ctx.factor = 2\n"
        "        return x * 2\n"
        "    @staticmethod\n"
        "    def backward(ctx, g): return g * ctx.factor\n"
        "x = torch.ones(1, requires_grad=True)\n"
        "y = Double.apply(x)\n"
        "y.backward()\n"
        "print(x.grad, y.grad_fn.name(), x._version)\n"
    )
    assert printed == "2 torch.Size([1]) True 2\ntensor([2.]) DoubleBackward 0\n"


def test_the_guard_holds_where_another_function_calls() -> None:
    """Through partial, and through a name bound before."""
    assert (
        stop("import torch, functools\nfunctools.partial(torch.matrix_power, torch.eye(2))(10**9)").code
        == "refused.guard.number"
    )
    assert run("import torch\ne = torch.empty\nx = e(3)")[0]["x"].tolist() == [0, 0, 0]
