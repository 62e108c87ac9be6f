"""Backward passes, .grad and hooks, as the engine ran them."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.trace import Trace
from tests.recording import elements, finished, node, record, tensors

TWO = "import torch\nw = torch.tensor([2.0], requires_grad=True)\nb = torch.tensor([1.0], requires_grad=True)\n"


def fired(trace: Trace, pass_: int = 0) -> list[str]:
    names = {row.number: row.name for row in trace.nodes}
    return [names[event.node] for event in trace.events if event.pass_ == pass_]


def test_events_in_firing_order_with_what_came_in_and_went_on() -> None:
    trace = finished(TWO + "y = w * 3 + b\ny.backward()")
    assert fired(trace) == ["AddBackward0", "AccumulateGrad", "MulBackward0", "AccumulateGrad"]
    add, to_b, mul, to_w = trace.events
    assert [elements(trace, number) for number in add.grad_inputs] == [[1.0], [1.0]]
    assert [elements(trace, number) for number in mul.grad_outputs] == [[1.0]]
    assert [elements(trace, number) for number in mul.grad_inputs] == [[3.0], None]
    assert (to_b.grad_inputs, to_w.grad_inputs) == ([], [])
    assert [elements(trace, number) for number in to_w.grad_outputs] == [[3.0]]
    row = trace.passes[0]
    assert (row.kind, row.span, row.retain_graph, row.accumulate) == ("backward", (5, 0, 5, 12), False, True)
    assert row.roots == [add.node]
    assert elements(trace, row.grad_outputs[0]) == [1.0]


def test_the_account_of_a_leaf() -> None:
    trace = finished(
        TWO + "y = w * 3 + b\ny.backward(retain_graph=True)\ny.backward(retain_graph=True)\nb.grad.zero_()\n"
        "y.backward()\nb.grad = None\nb.grad = torch.ones(1)\n"
    )
    leaf = tensors(trace)["b"].tensor
    account = [
        (row.kind, *(elements(trace, number) for number in (row.amount, row.before, row.after)), row.tick)
        for row in trace.deposits
        if row.tensor == leaf
    ]
    assert account == [
        ("deposit", [1.0], None, [1.0], 5),
        ("deposit", [1.0], [1.0], [2.0], 6),
        ("zero", None, [2.0], [0.0], 7),
        ("deposit", [1.0], [0.0], [1.0], 8),
        ("none", None, [1.0], None, 9),
        ("assigned", None, None, [1.0], 10),
    ]


def test_retained_grads_are_in_the_account_too() -> None:
    trace = finished(TWO + "y = w * 3\ny.retain_grad()\nz = y * b\nz.backward()")
    row = next(row for row in trace.deposits if row.tensor == tensors(trace)["y"].tensor)
    assert (row.kind, elements(trace, row.after), row.node) == ("deposit", [1.0], node(trace, "y").number)
    assert elements(trace, tensors(trace)["y"].grad) == [1.0]


def test_a_second_backward_without_retain_graph() -> None:
    source = TWO + "y = w * w\ny.backward()\ny.backward()"
    trace = record(source)
    try:
        exec(source, {})
    except RuntimeError as error:
        message = str(error)
    assert trace.outcome is not None
    assert (trace.outcome.type, trace.outcome.message) == ("RuntimeError", message)
    assert [row.error for row in trace.passes] == [None, message]
    failing = [event for event in trace.events if event.pass_ == 1]
    assert [event.grad_inputs for event in failing] == [[]]
    assert len(trace.freed) == 1


def test_a_change_in_place_of_what_backward_needs() -> None:
    trace = record(TWO + "y = w.exp()\ny.add_(1)\ny.sum().backward()")
    assert trace.outcome is not None
    assert "modified by an inplace operation" in trace.outcome.message
    assert [(row.tensor, row.span[0]) for row in trace.changes] == [(tensors(trace)["y"].tensor, 5)]
    kept = node(trace, "ExpBackward0").saved[0]
    assert (kept.tensor, kept.version) == (tensors(trace)["y"].tensor, 0)


def test_a_node_that_fails_after_others_of_its_type_have_fired() -> None:
    """It is watched from its beginning again: what it was sent is there, and nothing that it sent on."""
    trace = record(
        "import torch\nw = torch.ones(2, requires_grad=True)\n"
        "for i in range(3):\n    y = w.exp()\n    z = y.sum()\n    if i == 2:\n        y.add_(1)\n    z.backward()\n"
    )
    assert trace.outcome is not None
    assert trace.outcome.kind == "failed"
    names = {node.number: node.name for node in trace.nodes}
    *_, good, bad = [event for event in trace.events if names[event.node] == "ExpBackward0"]
    assert good.pass_ == 1
    assert bad.pass_ == 2
    assert len(good.grad_inputs) == len(bad.grad_outputs) == 1
    assert bad.grad_inputs == []
    assert trace.passes[2].error is not None


def test_asking_for_inputs_alone() -> None:
    trace = finished(TWO + "y = w * 3 + b\n(g,) = torch.autograd.grad(y, [w])")
    row = trace.passes[0]
    assert (row.kind, row.accumulate, row.inputs) == ("grad", False, [tensors(trace)["w"].tensor])
    assert fired(trace) == ["AddBackward0", "MulBackward0"]
    assert trace.deposits == []


def test_backward_with_a_vector() -> None:
    trace = finished(
        "import torch\nw = torch.ones(2, requires_grad=True)\ny = w * 2\ny.backward(torch.tensor([1.0, 10.0]))"
    )
    assert elements(trace, trace.passes[0].grad_outputs[0]) == [1.0, 10.0]
    assert elements(trace, tensors(trace)["w"].grad) == [2.0, 20.0]


def test_hooks_of_the_program_are_seen_firing() -> None:
    trace = finished(
        TWO + "def double(grad):\n    return grad * 2\nw.register_hook(double)\ny = w * 3\n"
        "y.grad_fn.register_hook(lambda a, b: None)\nw.register_post_accumulate_grad_hook(lambda p: None)\n"
        "y.backward()\n"
    )
    calls = [(row.name, elements(trace, row.input), elements(trace, row.output), row.pass_) for row in trace.hooks]
    assert calls == [
        ("<lambda>", [3.0], None, 0),
        ("double", [3.0], [6.0], 0),
        ("<lambda>", [2.0], None, 0),
    ]
    assert elements(trace, tensors(trace)["w"].grad) == [6.0]


def test_a_pass_inside_a_pass() -> None:
    trace = finished(
        TWO + "def again(grad):\n    with torch.enable_grad():\n        (b * 5).backward()\n"
        "w.register_hook(again)\ny = w * 3\ny.backward()\n"
    )
    assert {row.number: row.parent for row in trace.passes} == {0: None, 1: 0}
    assert fired(trace, 1) == ["MulBackward0", "AccumulateGrad"]
    assert elements(trace, tensors(trace)["b"].grad) == [5.0]


def test_passes_nest_only_so_deep() -> None:
    trace = record(
        "import torch\nw = torch.ones(1, requires_grad=True)\n@torch.enable_grad()\ndef again(grad):\n    x = w * 2\n"
        "    x.register_hook(again)\n    x.backward()\ny = w * 1\ny.register_hook(again)\ny.backward()\n"
    )
    assert trace.outcome is not None
    assert (trace.outcome.kind, trace.outcome.code) == ("stopped", "run.backward_nesting")
    assert len(trace.passes) == 40


def test_a_function_of_the_program() -> None:
    trace = finished(
        "import torch\nclass Cube(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
        "        ctx.save_for_backward(x)\n        return x ** 3\n    @staticmethod\n    def backward(ctx, grad):\n"
        "        (x,) = ctx.saved_tensors\n        return grad * 3 * x ** 2\n"
        "x = torch.tensor(2.0, requires_grad=True)\ny = Cube.apply(x)\ny.backward()\n"
    )
    cube = node(trace, "CubeBackward")
    assert cube.label == "y"
    assert [row.name for row in cube.saved] == ["saved_tensors[0]"]
    assert elements(trace, tensors(trace)["x"].grad) == [12.0]
    assert [elements(trace, number) for number in trace.events[0].grad_inputs] == [[12.0]]


def test_an_exception_in_a_hook_comes_out() -> None:
    trace = record(TWO + "def fail(grad):\n    raise ValueError('no')\nw.register_hook(fail)\n(w * 2).backward()")
    assert trace.outcome is not None
    assert (trace.outcome.kind, trace.outcome.type, trace.outcome.message) == ("failed", "ValueError", "no")
    assert trace.passes[0].error == "no"


def test_the_engine_is_given_back() -> None:
    entry = torch.autograd.graph._engine_run_backward
    call = torch.nn.Module.__call__
    finished(TWO + "(w * 2).backward()")
    assert torch.autograd.graph._engine_run_backward is entry
    assert torch.autograd._engine_run_backward is entry  # type: ignore[attr-defined]
    assert torch.nn.Module.__call__ is call


def test_a_grad_is_taken_as_it_is_where_pytorch_would() -> None:
    """The gradient that arrives at a leaf is not copied because we look at it."""
    source = TWO + "y = (w * 3).sum()\ny.backward()\np = w.grad._version"
    names: dict[str, object] = {}
    exec(source, names)
    trace = finished(source)
    step = dict(trace.steps[-1].variables)
    value = next(value for value in trace.values if value.number == step["p"])
    assert value.value == names["p"]  # type: ignore[union-attr]


UNARY = ["exp", "sin", "tanh", "sigmoid", "square", "abs", "neg", "cumsum(0)", "relu", "t().t()", "clone"]
BINARY = ["+", "*", "-", "/"]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A few lines that combine three leaves by smooth operations, and one or two backward passes."""
    lines = [
        "import torch",
        "a = torch.tensor([[1.5, -0.5], [0.25, 2.0]], requires_grad=True)",
        "b = torch.tensor([[0.5, 1.0]], requires_grad=True)",
        "c = torch.tensor(3.0, requires_grad=True)",
        "v0 = a * 1",
    ]
    names = ["a", "b", "c", "v0"]
    for index in range(1, draw(st.integers(1, 6))):
        one, other = draw(st.sampled_from(names)), draw(st.sampled_from(["v0", *names]))
        name = f"v{index}"
        if draw(st.booleans()):
            method = draw(st.sampled_from(UNARY))
            lines.append(f"{name} = (v0 + {one}).{method}" + ("" if method.endswith(")") else "()"))
        else:
            lines.append(f"{name} = v0 {draw(st.sampled_from(BINARY))} ({one} * {other} + 4)")
        names.append(name)
    lines.append(f"loss = (v0 * {draw(st.sampled_from(names))} + {names[-1]}).sum()")
    passes = draw(st.integers(1, 2))
    lines += ["loss.backward(retain_graph=True)"] * passes
    return "\n".join(lines)


@settings(max_examples=25)
@given(programs())
def test_recorded_grads_are_those_of_plain_pytorch(source: str) -> None:
    names: dict[str, torch.Tensor] = {}
    exec(source, names)
    trace = finished(source)
    ends = tensors(trace)
    for name in "abc":
        grad = names[name].grad
        expected = None if grad is None else grad.reshape(-1).tolist()
        assert elements(trace, ends[name].grad) == expected
        arrived = [row for row in trace.deposits if row.tensor == ends[name].tensor]
        assert (arrived[-1].after if arrived else None) == ends[name].grad
    order = [event.node for event in trace.events if event.pass_ == 0]
    assert len(order) == len(set(order))
