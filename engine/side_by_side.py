"""Forward mode and backward mode of one program beside each other: for each variable its tangent and its gradient.

    forward    how fast the variable moves when every element of the leaf moves at rate 1    (jvp)
    backward   how fast the output moves when the variable does                              (vjp)

The tangents come from another run, see forward.py; the gradients are those that the recorded pass brought. Where all
of the flow goes through one variable, tangent times gradient, summed, is the same number as at both ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from engine.paths import delivered
from engine.trace import Answer, Event, Preview, TensorValue, Trace


class Row(msgspec.Struct, frozen=True):
    """One variable. `line` is None for the leaf itself; `backward` is None where the pass did not come to it, `product`
    where one of the two was not recorded in full."""

    name: str
    line: int | None
    shape: tuple[int, ...]
    forward: tuple[float, ...]
    backward: tuple[float, ...] | None
    product: float | None


def side_by_side(trace: Trace, leaf: int, pass_: int, answers: Iterable[Answer]) -> list[Row]:
    """A row for each answer that has a tangent, in the order of the program."""
    values = {value.number: value for value in trace.values if isinstance(value, TensorValue)}
    events = {event.node: event for event in trace.events if event.pass_ == pass_}
    steps = {step.tick: step for step in trace.steps}
    rows: list[Row] = []
    for answer in answers:
        if answer.preview is None or not answer.label:
            continue
        line = int(answer.params["line"]) or None
        if line is None:
            backward = delivered(trace, pass_, leaf)
        else:
            step = steps.get(int(answer.params["tick"]))
            number = dict(step.variables).get(answer.label) if step is not None else None
            backward = _arrived(values, events, None if number is None else values.get(number))
        rows.append(_row(answer, line, answer.preview, backward))
    return rows


def _arrived(
    values: dict[int, TensorValue], events: dict[int, Event], value: TensorValue | None
) -> tuple[float, ...] | None:
    """The gradient that the pass brought to what a variable holds."""
    event = events.get(value.node) if value is not None and value.node is not None else None
    if event is None or value is None or value.output_nr >= len(event.grad_outputs):
        return None
    number = event.grad_outputs[value.output_nr]
    grad = None if number is None else values.get(number)
    return None if grad is None or grad.preview is None else _real(grad.preview)


def _real(preview: Preview) -> tuple[float, ...] | None:
    if any(isinstance(one, (tuple, list)) for one in preview.values):
        return None
    return tuple(float(one) for one in preview.values)  # type: ignore[arg-type]


def _row(answer: Answer, line: int | None, preview: Preview, backward: tuple[float, ...] | None) -> Row:
    forward = _real(preview) or ()
    whole = backward is not None and len(backward) == len(forward) == math.prod(answer.shape)
    product = sum(a * b for a, b in zip(forward, backward or (), strict=False)) if whole else None
    return Row(answer.label, line, answer.shape, forward, backward, product)
