"""The same program in forward mode: how everything moves when a leaf moves, to be set beside what backward gave.

    kind "forward", subject: the tensor number of a leaf  ->  one Answer for each variable on the way, one for the end

    forward    v -> J v        a direction for the leaf is pushed through the program, statement by statement
    backward   u -> J^T u      the recorded pass, from the other end

The direction is 1 for every element of the leaf. The program runs again with `torch.autograd.forward_ad`: the leaf is
given its tangent just before the statement that first needs it, in place, so that every name for it has it, and the run
ends where the leaf's first pass begins. u . (J v) there and (J^T u) . v of the pass are the same number, since both are
u^T J v; `params["forward"]` and `params["backward"]` are the two.

A variable's row: `label` its name, `shape` and `preview` its tangent, `params["tick"]` and `params["line"]` where it
was set.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd import forward_ad

from engine.errors import LimitReached
from engine.executors.base import Question
from engine.paths import delivered
from engine.previews import preview_of
from engine.trace import Answer, Node, TensorValue, Trace
from engine.truth import Nudge, Run, at_path

ROWS = 40
"""Variables that are listed."""
SHOWN = 64
"""Elements of a tangent that are sent."""
TOLERANCE = 1e-3
"""How far the two may be apart, relative to the largest of them and of the gradient: all are float32."""


class Push(Nudge):
    """Gives a leaf a tangent of ones and notes the tangents of the program's variables, as they are set."""

    def __init__(self, label: str, tick: int, pass_: int) -> None:
        super().__init__(label, tick, pass_, wide=False)
        self._level = forward_ad.dual_level()
        self._seen: dict[str, torch.Tensor] = {}
        self._now = 0
        self.rows: list[tuple[str, int, int, torch.Tensor]] = []
        """(name, tick, line, tangent)"""
        self.error = ""
        self.left_out = 0

    def __enter__(self) -> Push:
        super().__enter__()
        self._level.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *_: object) -> None:
        self._level.__exit__(None, None, None)
        super().__exit__()

    def before_statement(self, node: ast.stmt, scope: Any, tick: int) -> None:
        self._now = tick
        if tick != self._tick:
            return
        leaf = at_path(self._globals, self._label)
        if isinstance(leaf, torch.Tensor) and leaf.is_leaf and leaf.is_floating_point():
            self._seen = {name: held for name, held in self._globals.items() if isinstance(held, torch.Tensor)}
            with torch.no_grad():
                plain = leaf.detach().clone()
                leaf.copy_(forward_ad.make_dual(plain, torch.ones_like(plain)))  # type: ignore[no-untyped-call]
            self.start = 1.0
            self._note(self._label, tick, 0, leaf)

    def after_statement(self, node: ast.stmt, scope: Any, value: object) -> None:
        if self.start is None or scope.variables is not self._globals:
            return
        for name, held in list(self._globals.items()):
            if isinstance(held, torch.Tensor) and self._seen.get(name) is not held:
                self._seen[name] = held
                self._note(name, self._now, node.lineno, held)

    def raised(self, node: ast.stmt, scope: Any, error: BaseException) -> None:
        if isinstance(error, Exception) and not isinstance(error, LimitReached):
            self.error = self.error or str(error).strip().split("\n")[0]

    def _note(self, name: str, tick: int, line: int, tensor: torch.Tensor) -> None:
        tangent = _tangent(tensor)
        if tangent is None:
            return
        if len(self.rows) < ROWS:
            self.rows.append((name, tick, line, tangent))
        else:
            self.left_out += 1

    def measure(self, outputs: Sequence[Any], cotangents: Sequence[Any]) -> None:
        """u . (J v): how fast what the pass starts from moves."""
        total = 0.0
        for output, cotangent in zip(outputs, cotangents, strict=True):
            tangent = _tangent(output) if isinstance(output, torch.Tensor) else None
            if tangent is not None and isinstance(cotangent, torch.Tensor):
                total += float((tangent.double() * cotangent.detach().double()).sum())
        self.value = total


def _tangent(tensor: torch.Tensor) -> torch.Tensor | None:
    try:
        tangent = forward_ad.unpack_dual(tensor).tangent  # type: ignore[no-untyped-call]
    except RuntimeError:  # a tensor of a functorch level has none of its own
        return None
    return tangent.detach().clone() if isinstance(tangent, torch.Tensor) else None


def both_ways(index: int, question: Question, trace: Trace, run: Run) -> list[Answer]:
    """The answers to one question of this kind."""
    found = _first(trace, question.subject)
    if isinstance(found, str):
        return [Answer(index, code=found)]
    node, pass_, backward, scale = found
    with Push(node.label, node.tick, pass_) as push:
        run(push)
    if push.start is None:
        return [Answer(index, code="forward.unnamed")]
    if push.value is None:
        code = "forward.failed" if push.error else "forward.unnamed"
        return [Answer(index, code=code, params={"message": push.error[:200]} if push.error else {})]
    answers = [
        Answer(index, name, tuple(tangent.shape), preview_of(tangent, SHOWN), params={"tick": tick, "line": line})
        for name, tick, line, tangent in push.rows
    ]
    params: dict[str, str | int | float] = {"forward": push.value, "backward": backward, "pass": pass_}
    params |= {"left_out": push.left_out}
    agree = abs(push.value - backward) <= TOLERANCE * max(abs(push.value), abs(backward), scale)
    return [*answers, Answer(index, code="forward.agree" if agree else "forward.differ", params=params)]


def _first(trace: Trace, leaf: int) -> tuple[Node, int, float, float] | str:
    """The leaf's AccumulateGrad, the first pass that came to it, (J^T u) . v of that pass and the largest element of
    its gradient; or why not."""
    node = next((node for node in trace.nodes if node.leaf == leaf), None)
    if node is None or not node.label:
        return "forward.unnamed"
    values = {value.number: value for value in trace.values if isinstance(value, TensorValue)}
    deposits = {row.pass_: row for row in reversed(trace.deposits) if row.tensor == leaf and row.kind == "deposit"}
    for row in trace.passes:
        if row.error is not None:
            continue
        if row.accumulate and row.number in deposits:
            amount = deposits[row.number].amount
            value = values[amount] if amount is not None else None
            seen = value.preview if value is not None else None
            if value is None or seen is None or seen.mean is None or seen.nonfinite:
                return "forward.not_recorded"
            largest = max(abs(seen.minimum or 0.0), abs(seen.maximum or 0.0))
            return node, row.number, seen.mean * math.prod(value.shape), largest
        brought = None if row.accumulate else delivered(trace, row.number, leaf)
        if brought is not None:
            whole = node.value is not None and math.prod(values[node.value].shape) == len(brought)
            largest = max(map(abs, brought), default=0.0)
            return (node, row.number, sum(brought), largest) if whole else "forward.not_recorded"
    return "truth.no_grad"
