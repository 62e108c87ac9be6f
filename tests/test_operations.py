"""torch.ops.aten, `__torch_dispatch__`, torch.library and torch.jit, as a program meets them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack, _pop_mode

from tests.vocabulary_cases import run, stop


@pytest.fixture(autouse=True)
def _no_mode_stays() -> Iterator[None]:
    """A run that is stopped leaves its modes entered, and here the process goes on."""
    yield
    while _get_current_dispatch_mode_stack():
        _pop_mode()


def test_operations_are_called_by_the_rules_of_their_functions() -> None:
    """Equal to PyTorch's own, guarded like the function of the name, and no others."""
    variables, printed = run(
        "import torch\n"
        "aten = torch.ops.aten\n"
        "print(aten.add.Tensor, aten.mm.default is aten.mm.default, aten.add.Tensor in {aten.add.Tensor: 1})\n"
        "x = aten.mm(torch.ones(2, 2), torch.ones(2, 2))\n"
        "e = aten.empty.memory_format([3])\n"
    )
    assert printed == "aten.add.Tensor True True\n"
    assert variables["x"].tolist() == [[2, 2], [2, 2]]
    assert variables["e"].tolist() == [0, 0, 0]
    for call in ("set_(torch.ones(1))", "_embedding_bag_backward", "native_layer_norm_backward"):
        assert stop(f"import torch\ntorch.ops.aten.{call}").code == "refused.name"
    assert stop("import torch\ntorch.ops.aten.matrix_power(torch.eye(2), 10**9)").code == "refused.guard.number"


def test_a_subclass_is_told_of_operations() -> None:
    """As it would write them; what it answers is the result."""
    _, printed = run(
        "import torch\n"
        "from torch.utils._pytree import tree_map\n"
        "class Logged(torch.Tensor):\n"
        "    @staticmethod\n"
        "    def __new__(cls, elem): return torch.Tensor._make_wrapper_subclass(cls, elem.shape, dtype=elem.dtype)\n"
        "    def __init__(self, elem): self.elem = elem\n"
        "    def __repr__(self): return f'Logged({self.elem})'\n"
        "    @classmethod\n"
        "    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):\n"
        "        print(func, func is torch.ops.aten.mul.Tensor)\n"
        "        inner = tree_map(lambda one: one.elem if isinstance(one, Logged) else one, args)\n"
        "        return Logged(func(*inner, **(kwargs or {})))\n"
        "print(Logged(torch.ones(2)) * 3)\n"
    )
    assert printed == "aten.mul.Tensor True\nLogged(tensor([3., 3.]))\n"


def test_a_mode_is_told_of_operations() -> None:
    """Forward and backward."""
    variables, printed = run(
        "import torch\n"
        "from torch.utils._python_dispatch import TorchDispatchMode\n"
        "class Log(TorchDispatchMode):\n"
        "    def __torch_dispatch__(self, func, types, args=(), kwargs=None):\n"
        "        print(func)\n"
        "        return func(*args, **(kwargs or {}))\n"
        "x = torch.ones(2, requires_grad=True)\n"
        "with Log(): y = (x * 2).sum()\n"
        "y.backward()\n"
    )
    assert printed == "aten.mul.Tensor\naten.sum.default\n"
    assert variables["x"].grad.tolist() == [2, 2]


def test_no_program_answers_where_pytorch_trusts_the_answer() -> None:
    """Indices and statistics that a backward formula reads without a look."""
    source = (
        "import torch\nfrom torch.utils._python_dispatch import TorchDispatchMode\n"
        "class Lie(TorchDispatchMode):\n"
        "    def __torch_dispatch__(self, func, types, args=(), kwargs=None):\n"
        "        return func(*args, **(kwargs or {}))\n"
        "x = torch.randn(1, 4, 4, 4, requires_grad=True)\n"
        "with Lie(): torch.nn.functional."
    )
    for call in ("max_pool2d(x, 2)", "layer_norm(x, (4,))", "embedding_bag(torch.tensor([[0]]), x[0, 0])"):
        assert stop(source + call).code == "refused.dispatch"


def test_operations_of_the_program() -> None:
    """Called, differentiated, found by name; the name of the node is PyTorch's."""
    _, printed = run(
        "import torch\n"
        "@torch.library.custom_op('mine::double', mutates_args=())\n"
        "def double(x: torch.Tensor) -> torch.Tensor: return x * 2\n"
        "@double.register_fake\n"
        "def _(x): return torch.empty_like(x)\n"
        "double.register_autograd(lambda ctx, grad: grad * 2)\n"
        "x = torch.ones(2, requires_grad=True)\n"
        "y = torch.ops.mine.double(x)\n"
        "y.sum().backward()\n"
        "print(y.grad_fn.name(), x.grad, double(torch.ones(2, device='meta')).device)\n"
    )
    assert printed == "GeneratedBackwardFor_mine_double_defaultBackward tensor([2., 2.]) meta\n"
    with pytest.raises(ValueError, match="must have a type annotation"):
        run("import torch\n@torch.library.custom_op('mine::f', mutates_args=())\ndef f(x): return x")
    text = "import torch\n@torch.library.custom_op('mine::f', mutates_args=())\ndef f(x: 'print(1)') -> None: pass"
    assert stop(text).code == "refused.annotation"
    assert stop(text.replace("'print(1)'", "list['print(1)']")).code == "refused.annotation"


def test_traces_are_pytorchs_and_scripts_run_as_they_stand() -> None:
    """A trace follows the path it saw; what its guard must see the values of is not traced."""
    _, printed = run(
        "import torch\n"
        "def f(x): return x if x.sum() > 0 else -x\n"
        "traced, scripted = torch.jit.trace(f, torch.ones(2)), torch.jit.script(f)\n"
        "print(traced(-torch.ones(2)), scripted(-torch.ones(2)))\n"
        "m = torch.jit.trace(torch.nn.Linear(1, 1), torch.ones(1))\n"
        "torch.jit.save(m, 'm.pt')\n"
        "print(torch.equal(torch.jit.load('m.pt')(torch.ones(1)), m(torch.ones(1))), list(m.state_dict()))\n"
        "print(torch.jit.script(torch.nn.Sequential(torch.nn.ReLU())))\n"
    )
    assert printed == (
        "tensor([-1., -1.]) tensor([1., 1.])\nTrue ['weight', 'bias']\n"
        "RecursiveScriptModule(\n  original_name=Sequential\n  (0): RecursiveScriptModule(original_name=ReLU)\n)\n"
    )
    assert (
        stop("import torch\ntorch.jit.trace(lambda x: torch.linalg.eigvals(x), torch.eye(2))").code == "refused.trace"
    )
    assert stop("import torch\nopen('x', 'wb').write(b'1')\ntorch.jit.load('x')").code == "refused.load"


def test_a_policy_of_checkpoint_is_told_of_operations() -> None:
    """As the program writes them, in a list or as the argument of a function."""
    _, printed = run(
        "import functools, torch\n"
        "from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts\n"
        "mm = torch.ops.aten.mm.default\n"
        "seen = []\n"
        "def policy(ctx, op, *args, **kwargs):\n"
        "    seen.append(op is mm)\n"
        "    return CheckpointPolicy.MUST_SAVE if op == mm else CheckpointPolicy.PREFER_RECOMPUTE\n"
        "x = torch.ones(2, 2, requires_grad=True)\n"
        "for given in ([mm], policy):\n"
        "    contexts = functools.partial(create_selective_checkpoint_contexts, given)\n"
        "    checkpoint(lambda a: (a @ a).sin(), x, use_reentrant=False, context_fn=contexts).sum().backward()\n"
        "print(True in seen, False in seen, x.grad[0, 0].item() == 2 * (4 * torch.cos(torch.tensor(2.0))).item())\n"
    )
    assert printed == "True True True\n"


def test_operations_are_the_programs_alone() -> None:
    """None of PyTorch's is changed, and none is registered with its dispatcher."""
    for text in (
        "torch.library.define('aten::mine', '(Tensor x) -> Tensor')",
        "torch.library.impl('aten::relu', 'cpu', print)",
        "torch.library.register_fake('aten::relu', print)",
        "torch.library.Library('aten', 'IMPL')",
        "torch.library.custom_op('aten::relu', lambda x: x, mutates_args=(), schema='(Tensor x) -> Tensor')",
        "torch.library.infer_schema(torch.relu, mutates_args=())",
        "torch.library.get_kernel('aten::relu', 'CPU')",
        "torch.library.define('alone::f', '() -> ()'); torch.library.impl('alone::f', 'AutocastCPU', print)",
    ):
        assert stop(f"import torch\n{text}").code == "refused.name"
    run("import torch\ntorch.library.define('alone::f', '(Tensor x) -> Tensor')")
    assert not any(name.startswith("alone::") for name in torch._C._dispatch_get_all_op_names())


def test_schemas_are_read_where_they_make_little() -> None:
    """A length in a schema is a list of that length at once; a comment may stand before it."""
    for schema in ("(int[99999999999] x=1) -> ()", "(int [ 9999 ] x=1) -> ()", "(Tensor x, ...) -> ()", "(" * 3000):
        text = f"import torch\ntorch.library.custom_op('mine::f', lambda x: x, mutates_args=(), schema={schema!r})"
        assert stop(text).code == "refused.guard.plain"
    commented = "torch.library.Library('mine', 'DEF').define('f(int[#\\n99999999999] x=1) -> ()')"
    assert stop(f"import torch\n{commented}").code == "refused.guard.plain"


def test_a_gradient_that_only_warns_is_refused() -> None:
    """PyTorch makes a node of its own for it."""
    source = (
        "import torch\ntorch.library.define('mine::f', '(Tensor x) -> Tensor')\n"
        "torch.library.impl('mine::f', 'cpu', lambda x: x.detach() * 2)\n"
        "torch.ops.mine.f(torch.ones(1, requires_grad=True))"
    )
    assert stop(source).code == "refused.name"
