"""Optimizer steps as equations: their numbers give exactly what torch.optim wrote, buffers included."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from engine.trace import TensorValue
from engine.updates import updates
from tests.recording import finished

PROGRAM = """\
import torch
w = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
optimizer = torch.optim.{make}
for _ in range(4):
    optimizer.zero_grad()
    (w ** 2).sum().backward()
    optimizer.step()
"""

MAKES = {
    "sgd": "SGD([w], lr=0.1)",
    "momentum": "SGD([w], lr=0.1, momentum=0.9)",
    "nesterov": "SGD([w], lr=0.1, momentum=0.9, nesterov=True)",
    "dampened": "SGD([w], lr=0.1, momentum=0.9, dampening=0.5)",
    "decay": "SGD([w], lr=0.1, weight_decay=0.01)",
    "ascent": "SGD([w], lr=0.1, maximize=True)",
    "adam": "Adam([w], lr=0.1)",
    "adam with decay": "Adam([w], lr=0.1, weight_decay=0.01)",
    "adamw": "AdamW([w], lr=0.1)",
}


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_the_equation_with_its_numbers_is_the_step(make: str) -> None:
    trace = finished(PROGRAM.format(make=make))
    values = {value.number: value for value in trace.values if isinstance(value, TensorValue)}
    found = updates(trace)
    assert len(found) == 4
    for row in found:
        names: dict[str, Any] = {"sqrt": torch.sqrt, **row.numbers}
        names |= {name: torch.tensor(held, dtype=torch.float64) for name, held in row.buffers.items()}
        for name, number in (("w", row.before), ("g", row.grad), ("after", row.after)):
            preview = values[number].preview
            assert preview is not None
            names[name] = torch.tensor(preview.values, dtype=torch.float64)
        torch.testing.assert_close(eval(row.equation, {}, names), names["after"], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("make", "ours", "theirs"), [
    ("SGD([w], lr=0.1, momentum=0.9)", "b", "momentum_buffer"),
    ("Adam([w], lr=0.1)", "m", "exp_avg"),
    ("Adam([w], lr=0.1)", "v", "exp_avg_sq"),
])  # fmt: skip
def test_the_buffers_are_those_of_torch(make: str, ours: str, theirs: str) -> None:
    last = updates(finished(PROGRAM.format(make=make)))[-1]
    scope: dict[str, Any] = {}
    exec(PROGRAM.format(make=make), scope)
    state = scope["optimizer"].state[scope["w"]]
    assert all(
        math.isclose(a, b, rel_tol=1e-5) for a, b in zip(last.buffers[ours], state[theirs].tolist(), strict=True)
    )


def test_what_is_not_explained_is_not_shown() -> None:
    assert updates(finished(PROGRAM.format(make="RMSprop([w], lr=0.1)"))) == []
    groups = "SGD([{'params': [w], 'lr': 0.1}, {'params': [torch.ones(1, requires_grad=True)]}], lr=0.2)"
    assert updates(finished(PROGRAM.format(make=groups))) == []
