"""What a run leaves behind: steps, values, operations, nodes and edges, as PyTorch has them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from engine.saved import is_freed, names_of
from engine.trace import ArrayValue, ModuleValue, NumberValue, OtherValue, TensorValue
from tests.recording import elements, finished, node, record, tensors, text_at


def test_edges_of_a_square() -> None:
    trace = finished("import torch\nw = torch.tensor([3.0], requires_grad=True)\ny = w * w")
    square, leaf = node(trace, "MulBackward0"), node(trace, "AccumulateGrad")
    assert [(edge.from_node, edge.position, edge.to_node, edge.input_nr) for edge in trace.edges] == [
        (square.number, 0, leaf.number, 0),
        (square.number, 1, leaf.number, 0),
    ]
    assert square.label == "y"
    assert leaf.label == "w"
    assert leaf.leaf == tensors(trace)["w"].tensor
    assert text_at(trace, square.span) == "w * w"


def test_edges_from_the_outputs_of_split() -> None:
    trace = finished(
        "import torch\nx = torch.arange(4.0, requires_grad=True)\na, b = torch.split(x, 2)\ny = (a * b).sum()"
    )
    split, product = node(trace, "SplitBackward0"), node(trace, "MulBackward0")
    into = [(edge.position, edge.input_nr) for edge in trace.edges if edge.to_node == split.number]
    assert into == [(0, 0), (1, 1)]
    assert {edge.from_node for edge in trace.edges if edge.to_node == split.number} == {product.number}
    assert tensors(trace)["b"].output_nr == 1


def test_a_diamond_is_as_long_as_its_program() -> None:
    trace = finished("import torch\nx = torch.ones(1, requires_grad=True)\n" + "x = x + x\n" * 14)
    names = [row.name for row in trace.nodes]
    assert names.count("AddBackward0") == 14
    assert names.count("AccumulateGrad") == 1
    assert len(trace.nodes) == 15
    assert len(trace.edges) == 28


def test_nodes_are_numbered_in_birth_order() -> None:
    trace = finished("import torch\nw = torch.ones(1, requires_grad=True)\ny = ((w * 2).exp() + 1).sum()")
    assert [row.name for row in trace.nodes] == [
        "AccumulateGrad",
        "MulBackward0",
        "ExpBackward0",
        "AddBackward0",
        "SumBackward0",
    ]
    assert [row.number for row in trace.nodes] == [0, 1, 2, 3, 4]


def test_a_chain_of_five_thousand_operations() -> None:
    """Recursion would die near a thousand; most of it is built in iterations that are not recorded."""
    trace = finished(
        "import torch\nx = torch.ones(1, requires_grad=True)\ny = x\nfor i in range(5000):\n    y = y + 1\ny.backward()"
    )
    assert sum(row.name == "AddBackward0" for row in trace.nodes) == 5000
    assert all(text_at(trace, row.span) == "y + 1" for row in trace.nodes if row.name == "AddBackward0")
    assert len(trace.events) == 5001
    assert elements(trace, tensors(trace)["x"].grad) == [1.0]


def test_every_step_shows_its_variables() -> None:
    trace = finished("a = 1\nb = 2.5\na = a + 1")
    shown = [[(name, trace.values[number]) for name, number in step.variables] for step in trace.steps]
    names = [[name for name, _ in variables] for variables in shown]
    assert names == [["a"], ["a", "b"], ["a", "b"]]
    last = dict(shown[-1])
    assert isinstance(last["a"], NumberValue)
    assert last["a"].value == 2
    assert [step.tick for step in trace.steps] == [1, 2, 3]
    assert trace.ticks == 3


def test_a_bare_expression_keeps_its_value() -> None:
    trace = finished("import torch\nw = torch.ones(2)\nw.sum()\nprint('hello')")
    assert elements(trace, trace.steps[2].value) == [2.0]
    assert trace.steps[3].value is None
    assert [step.printed for step in trace.steps] == ["", "", "", "hello\n"]


def test_values_of_every_kind() -> None:
    trace = finished(
        "import torch, numpy as np\n"
        "n, z, big = True, 1 + 2j, 2 ** 60\n"
        "a = np.array([1.0, float('nan')])\n"
        "m = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.BatchNorm1d(1))\n"
        "xs = [1, 'two', (3,)]\n"
        "d = {'w': torch.ones(1)}\n"
        "def f(): pass\n"
        "class C: pass\n"
        "c = C()\n"
    )
    found = {name: trace.values[number] for name, number in trace.steps[-1].variables}
    assert list(found) == ["n", "z", "big", "a", "m", "xs", "d", "c"]
    assert isinstance(found["n"], NumberValue)
    assert found["n"].value is True
    assert isinstance(found["z"], NumberValue)
    assert found["z"].value == (1.0, 2.0)
    assert isinstance(found["big"], NumberValue)
    assert found["big"].value == str(2**60)
    assert isinstance(found["a"], ArrayValue)
    assert found["a"].preview.nonfinite == 1
    assert isinstance(found["m"], ModuleValue)
    assert [path for path, _ in found["m"].parameters] == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert [path for path, _ in found["m"].buffers] == ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    assert found["m"].repr.startswith("Sequential(")
    assert isinstance(found["xs"], OtherValue)
    assert found["xs"].repr == "[1, 'two', (3,)]"
    assert isinstance(found["d"], OtherValue)
    assert [path for path, _ in found["d"].parts] == ["['w']"]
    assert isinstance(found["c"], OtherValue)
    assert found["c"].repr == "<__main__.C object at 0x...>"


def test_previews_are_capped_with_statistics() -> None:
    trace = finished("import torch\nx = torch.arange(1000.0).reshape(10, 100).t()\nx[3, 1] = float('inf')")
    preview = tensors(trace)["x"].preview
    assert preview is not None
    assert preview.values[:3] == [0.0, 100.0, 200.0]
    assert (len(preview.values), preview.truncated, preview.nonfinite) == (64, True, 1)
    assert (preview.minimum, preview.maximum) == (0.0, 999.0)
    assert preview.mean is not None
    assert math.isclose(preview.mean, (499500 - 103) / 999, rel_tol=1e-6)


def test_names_of_operations() -> None:
    trace = finished(
        "import torch\nimport torch.nn.functional as F\nw = torch.ones(2, 2, requires_grad=True)\n"
        "a = -F.relu(w @ w).t()[0]\nb = a.detach() > 0\nw.grad = torch.zeros(2, 2)\n"
    )
    names = [row.name for row in trace.operations]
    assert names == ["torch.ones", "@", "F.relu", ".t", "[...]", "-", ".detach", ">", "torch.zeros", ".grad ="]


def test_an_operation_in_place_has_the_state_before_as_its_input() -> None:
    trace = finished("import torch\nx = torch.ones(1)\nx.add_(4)")
    row = trace.operations[-1]
    assert elements(trace, row.inputs[0]) == [1.0]
    assert elements(trace, row.outputs[0]) == [5.0]
    assert [(change.before, change.after, change.span[0]) for change in trace.changes] == [(0, 1, 3)]


def test_what_linear_and_cross_entropy_do_inside() -> None:
    trace = finished(
        "import torch\nfrom torch import nn\nmodel = nn.Sequential(nn.Linear(2, 3), nn.ReLU())\n"
        "out = model(torch.ones(1, 2))\nloss = nn.functional.cross_entropy(out, torch.tensor([1]))\n"
    )
    linear, soft, nll = (
        node(trace, "AddmmBackward0"),
        node(trace, "LogSoftmaxBackward0"),
        node(trace, "NllLossBackward0"),
    )
    assert (linear.module, node(trace, "ReluBackward0").module) == ("model.0", "model.1")
    assert {row.label for row in trace.nodes if row.name == "AccumulateGrad"} == {"model.0.weight", "model.0.bias"}
    values = {value.number: value for value in trace.values}
    inside = values[linear.value] if linear.value is not None else None
    assert isinstance(inside, TensorValue)
    assert inside.shape == (1, 3)
    assert inside.node == linear.number
    assert soft.value is not None
    loss = elements(trace, soft.value)
    assert loss is not None
    assert elements(trace, nll.value) == [-loss[1]]  # type: ignore[operator]
    call = next(row for row in trace.operations if row.name == "model")
    assert [kernel.split(".")[1] for kernel in call.kernels][:3] == ["t", "addmm", "relu"]
    assert set(call.nodes) >= {linear.number}


def test_outside_the_window_the_inside_of_calls_is_not_watched() -> None:
    trace = finished(
        "import torch\nlayer = torch.nn.Linear(2, 3)\nout = layer(torch.ones(1, 2)).exp()\n", window=(0, 3)
    )
    assert all(not row.kernels for row in trace.operations if row.tick >= 3)
    assert node(trace, "AddmmBackward0").value == trace.operations[-2].outputs[0]


def test_modules_of_the_program_own_the_operations_of_their_forward() -> None:
    trace = finished(
        "import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.linear = nn.Linear(1, 1)\n    def forward(self, x):\n        h = self.linear(x)\n"
        "        return h * 2\n"
        "net = Net()\ny = net(torch.ones(1, 1))\n"
    )
    by_name = {row.name: row for row in trace.operations}
    assert by_name["self.linear"].module == "net"
    assert by_name["*"].module == "net"
    assert by_name["net"].module == ""
    assert node(trace, "AddmmBackward0").module == "net.linear"
    assert node(trace, "AddmmBackward0").label == "h"
    assert node(trace, "MulBackward0").label == "y"
    scopes = {scope.number: scope.name for scope in trace.scopes}
    assert scopes[by_name["*"].scope] == "forward"
    inner = [step.tick for step in trace.steps if scopes[step.scope] == "forward"]
    outer = next(step for step in trace.steps if step.span[0] == 11)
    assert inner
    assert max(inner) > outer.tick
    assert trace.steps[-1] == outer


def test_cuts_have_their_reason() -> None:
    trace = finished(
        "import torch\nw = torch.tensor([1.0, 2.0], requires_grad=True)\na = w.detach()\nb = w.data\n"
        "c = (w * 2)[0].item()\n"
        "d = w.detach().numpy()\nwith torch.no_grad():\n    e = w * 2\nf = w > 1\ng = w.argmax()\n"
        "h = w.to(torch.int64)\n"
        "with torch.inference_mode():\n    i = w * 3\nk = float(w[1])\n"
    )
    found = [(row.reason, row.span[0]) for row in trace.cuts]
    assert found == [
        ("detach", 3), ("data", 4), ("item", 5), ("detach", 6), ("no_grad", 8), ("comparison", 9), ("integer", 10),
        ("integer", 11), ("inference_mode", 13), ("item", 14),
    ]  # fmt: skip


def test_what_can_be_read_once_is_left_to_the_program() -> None:
    trace = finished(
        "import torch\nclass Once(torch.autograd.Function):\n    clear_saved_tensors_on_access = True\n"
        "    @staticmethod\n    def forward(ctx, x):\n        ctx.save_for_backward(x)\n        return x * 3\n"
        "    @staticmethod\n    def backward(ctx, grad):\n        (x,) = ctx.saved_tensors\n"
        "        return grad * 3 + x * 0\n"
        "w = torch.tensor([2.0], requires_grad=True)\nOnce.apply(w).backward()\nprint(w.grad)"
    )
    assert node(trace, "OnceBackward").saved == []
    assert trace.steps[-1].printed == "tensor([3.])\n"


def test_what_a_node_keeps_and_when_it_is_freed() -> None:
    trace = finished(
        "import torch\nw = torch.tensor([2.0], requires_grad=True)\ny = w.exp() * w\n"
        "y.backward(retain_graph=True)\ny.backward()"
    )
    product, exp = node(trace, "MulBackward0"), node(trace, "ExpBackward0")
    assert {row.name for row in product.saved if row.shape is not None} == {"_saved_self", "_saved_other"}
    assert exp.saved[0].tensor is not None
    assert [(row.node, row.pass_) for row in trace.freed] == [(product.number, 1), (exp.number, 1)]
    held = [step.graph_bytes for step in trace.steps]
    assert held == [0, 0, 8, 8, 0]


def test_second_derivatives_are_nodes_of_their_pass() -> None:
    trace = finished(
        "import torch\nx = torch.tensor(3.0, requires_grad=True)\ny = x ** 3\n"
        "(g,) = torch.autograd.grad(y, x, create_graph=True)\n(h,) = torch.autograd.grad(g, x)\n"
    )
    assert elements(trace, next(number for name, number in trace.steps[-1].variables if name == "h")) == [18.0]
    made = [row.name for row in trace.nodes if row.pass_ == 0]
    assert made
    assert all(text_at(trace, row.span).startswith("torch.autograd.grad") for row in trace.nodes if row.pass_ == 0)
    assert [row.kind for row in trace.passes] == ["grad", "grad"]
    assert trace.passes[0].create_graph


def test_vmap_and_grad_have_no_values_of_their_own() -> None:
    trace = finished(
        "import torch\nfrom torch.func import vmap, grad\ndef f(x):\n    y = x * x\n    return y.sum()\n"
        "a = vmap(grad(f))(torch.arange(3.0).reshape(3, 1))\nb = torch.autograd.functional.hessian(f, torch.ones(2))\n"
        "c = torch.func.jacrev(f)(torch.ones(2))\n"
    )
    ends = tensors(trace)
    assert ends["a"].preview is not None
    assert ends["a"].preview.values == [0.0, 2.0, 4.0]
    inside = [value for value in trace.values if isinstance(value, TensorValue) and value.preview is None]
    assert inside


def test_a_view_shares_the_storage_of_its_base() -> None:
    trace = finished("import torch\nx = torch.zeros(4)\nv = x[1:3]\nc = x.clone()\nv[0] = 7")
    ends = tensors(trace)
    assert ends["v"].storage == ends["x"].storage != ends["c"].storage
    assert (ends["v"].storage_offset, ends["v"].stride) == (1, (1,))
    assert ends["x"].preview is not None
    assert ends["x"].preview.values == [0.0, 7.0, 0.0, 0.0]


def test_memory_written_past_the_version_counter_is_seen() -> None:
    trace = finished("import torch\nx = torch.zeros(2)\nx.data[0] = 5\ny = x.numpy()\ny[1] = 6\nx")
    ends = tensors(trace)["x"].preview
    assert ends is not None
    assert ends.values == [5.0, 6.0]


def test_an_exception_is_a_step_with_the_state_it_left() -> None:
    trace = record("import torch\nx = torch.ones(2, requires_grad=True)\ny = x * 2\ny.backward()\nz = 1")
    assert trace.outcome is not None
    assert trace.outcome.kind == "failed"
    assert trace.outcome.type == "RuntimeError"
    assert trace.outcome.message == "grad can be implicitly created only for scalar outputs"
    assert trace.outcome.span == (4, 0, 4, 12)
    assert trace.steps[-1].raised
    assert trace.steps[-1].tick == 4
    assert "y" in tensors(trace)


def test_generators_keep_their_statements_apart() -> None:
    trace = finished(
        "import torch\ndef batches():\n    for i in range(3):\n        x = torch.ones(1) * i\n        yield x\n"
        "total = torch.zeros(1)\nfor x in batches():\n    total = total + x\n"
    )
    assert tensors(trace)["total"].preview is not None
    inside = [step for step in trace.steps if step.scope != 0]
    assert {step.span[0] for step in inside} == {3, 4, 5}
    assert len({step.tick for step in trace.steps}) == len(trace.steps)


def test_files_and_figures_come_with_the_last_frame() -> None:
    trace = finished(
        "import torch\nimport matplotlib.pyplot as plt\ntorch.save({'w': torch.ones(2)}, 'w.pt')\n"
        "plt.plot([1, 2], [3, 4])\nplt.title('two')\nplt.show()\n"
    )
    assert [file.name for file in trace.files] == ["w.pt"]
    assert trace.files[0].content
    assert trace.figures[0].title == "two"


def test_recording_draws_no_random_numbers() -> None:
    source = (
        "import torch\nlayer = torch.nn.Linear(3, 3)\ny = layer(torch.randn(100, 3)).sum()\ny.backward()\n"
        "z = torch.rand(2)"
    )
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 3)
    layer(torch.randn(100, 3)).sum().backward()
    plain = torch.rand(2).tolist()
    preview = tensors(finished(source))["z"].preview
    assert preview is not None
    assert preview.values == plain


@pytest.mark.parametrize("kind", ["meta", "sparse", "half", "bfloat16", "complex", "empty", "bool"])
def test_tensors_out_of_the_ordinary(kind: str) -> None:
    make = {
        "meta": "torch.ones(2, device='meta')",
        "sparse": "torch.eye(2).to_sparse()",
        "half": "torch.ones(100).half()",
        "bfloat16": "torch.ones(2).bfloat16()",
        "complex": "torch.ones(100, dtype=torch.cfloat)",
        "empty": "torch.ones(0, 3)",
        "bool": "torch.ones(100) > 0",
    }[kind]
    value = tensors(record(f"import torch\nx = {make}"))["x"]
    assert (value.preview is None) == (kind in ("meta", "sparse"))


@pytest.mark.parametrize(
    "change",
    [
        "for _ in map(torch.Tensor.zero_, [w]): pass",
        "[_ for _ in map(torch.Tensor.zero_, [w])]",
        "n = sum(1 for _ in map(torch.Tensor.zero_, [w]))",
        "w[0] = 0.0",
        "w += -1.0",
        "w.data = torch.zeros(1)",
    ],
)
def test_a_change_that_no_expression_told_of_is_seen(change: str) -> None:
    """The state after a statement is read anew wherever anything may have run."""
    trace = finished(f"import torch\nw = torch.ones(1)\nu = w + 1\n{change}\ndone = 1\n")
    assert elements(trace, tensors(trace)["w"].number) == [0.0]
    last = dict(next(step.variables for step in reversed(trace.steps) if step.span[0] == 4))
    assert elements(trace, last["w"]) == [0.0]


def test_what_a_pass_lets_go_of_is_what_pytorch_has_freed() -> None:
    """That a node is freed is read off the pass, without asking the node; here every node is asked."""
    torch.manual_seed(0)
    x = torch.rand(2, 3, 8, 8, requires_grad=True)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.GELU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(36, 5), torch.nn.LayerNorm(5), torch.nn.Softmax(1), torch.nn.Dropout(0.5),
    )  # fmt: skip
    y = torch.stack([layers(x).prod(1), torch.linalg.norm(x.flatten(1), dim=1), Double.apply(x).std((1, 2, 3))])  # type: ignore[no-untyped-call]
    loss = torch.where(y > 0, y.exp().cumsum(1), y**3).logsumexp(0).sum()
    nodes, stack = [], [loss.grad_fn]
    while stack:
        found = stack.pop()
        if found is not None and found not in nodes:
            nodes.append(found)
            stack += [after for after, _ in found.next_functions]
    keeping = [(one, name) for one in nodes for name in names_of(one) if holds_tensor(one, name)]
    assert len({one.name() for one, _ in keeping}) > 15
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(is_freed(one, name) for one, name in keeping)


def holds_tensor(node: object, name: str) -> bool:
    """Whether it keeps a tensor under this name."""
    value = getattr(node, name)
    return any(isinstance(one, torch.Tensor) for one in (value if isinstance(value, (list, tuple)) else (value,)))


class Double(torch.autograd.Function):
    """Keeps its input, as a Function written in Python does."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        assert ctx.saved_tensors
        return grad * 2
