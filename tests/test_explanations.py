"""What a page is given to explain a trace with: each number of a formula, put in, gives what PyTorch passed."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine.clock import clock
from engine.explanations import explain
from engine.formulas import FORMULAS
from engine.trace import Node, TensorValue, Trace
from tests.recording import finished
from tests.test_formulas import _Names

HEAD = """\
import torch
a = torch.tensor([0.5, 1.5, 2.5], requires_grad=True)
b = torch.tensor([2.0, 3.0, 0.25], requires_grad=True)
"""
BODIES = {
    "MulBackward0": "y = a * b",
    "DivBackward0": "y = a / b",
    "PowBackward0": "y = a ** 3",
    "PowBackward1": "y = a ** b",
    "ExpBackward0": "y = a.exp()",
    "SinBackward0": "y = a.sin()",
    "TanhBackward0": "y = a.tanh()",
    "SqrtBackward0": "y = a.sqrt()",
    "ReluBackward0": "y = torch.relu(a - 1)",
    "DotBackward0": "y = a @ b",
    "MmBackward0": "y = a.reshape(3, 1) @ b.reshape(1, 3)",
    "AddmmBackward0": "y = torch.addmm(a, a.reshape(3, 1), b.reshape(1, 3))",
    "MseLossBackward0": "y = torch.nn.functional.mse_loss(a, b)",
    "PowBackward2": "y = 2 ** a",
    "LeakyReluBackward0": "y = torch.nn.functional.leaky_relu(a - 1, 0.1)",
}


def tensor(trace: Trace, number: int) -> torch.Tensor:
    value = next(value for value in trace.values if value.number == number)
    assert isinstance(value, TensorValue)
    assert value.preview is not None
    return torch.tensor(value.preview.values, dtype=torch.float64).reshape(value.shape)


def number(trace: Trace, node: Node, place: tuple[str, Any]) -> Any:
    kind, where = place
    if kind == "value":
        return tensor(trace, where)
    if kind == "text":
        return float(where)
    saved = node.saved[where]
    assert saved.preview is not None
    assert saved.shape is not None
    return torch.tensor(saved.preview.values, dtype=torch.float64).reshape(saved.shape)


@pytest.mark.parametrize("name", BODIES)
def test_the_numbers_put_in_give_what_was_passed(name: str) -> None:
    trace = finished(f"{HEAD}{BODIES[name]}\ny.sum().backward()\n")
    node = next(node for node in trace.nodes if node.name == name)
    found = explain(trace, clock(trace)).numbers[node.number]
    event = next(event for event in trace.events if event.node == node.number)
    assert event.grad_outputs[0] is not None
    names = _Names({one: number(trace, node, place) for one, place in found.items()})
    names["g"] = tensor(trace, event.grad_outputs[0])
    row = FORMULAS[name]
    passed = [sent for sent in event.grad_inputs if sent is not None]
    assert passed
    for vjp, sent in zip(row.vjps, event.grad_inputs, strict=False):
        if sent is not None:
            exact = tensor(trace, sent)
            made = torch.as_tensor(eval(vjp, {}, names), dtype=torch.float64)
            while made.dim() > exact.dim():
                made = made.sum(0)
            torch.testing.assert_close(made, exact, rtol=1e-5, atol=1e-6)


def test_why_none_changes_with_time() -> None:
    trace = finished(HEAD + "y = (a * b).sum()\ny.backward()\na.grad = None\n")
    moments = clock(trace)
    explained = explain(trace, moments)
    leaf = next(node.leaf for node in trace.nodes if node.label == "a" and node.leaf is not None)
    codes = [explained.reasons[place].code if place >= 0 else None for _, place in explained.none[leaf]]
    assert codes == ["reason.no_backward", None, "reason.cleared"]
    assert [at for at, _ in explained.none[leaf]] == [moments.steps[1], moments.steps[4], moments.steps[5]]


def test_broadcasts_belong_to_their_node() -> None:
    trace = finished(HEAD + "y = a.reshape(3, 1) * b\ny.sum().backward()\n")
    explained = explain(trace, clock(trace))
    node = next(node for node in trace.nodes if node.name == "MulBackward0")
    assert explained.broadcasts[explained.broadcast[node.number]].shape == (3, 3)
