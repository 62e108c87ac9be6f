"""Questions of a job that only a live node can answer, asked right after its birth, before a pass frees what it keeps.

    jacobian  d(output `other`, default 0) / d(input) of the node `subject`. One row per input that needs grad:
              `label` is its position among next_functions, `shape` that of the output followed by that of the input,
              row-major; the output's has `params["outputs"]` sizes.
    kernels   The aten operations that the backward of the node `subject` runs. One row each, in order: `label`.
    paths     What each path of the pass `other` adds to the leaf with the AccumulateGrad `subject`: contributions.py.

A node that cannot be asked gives one row with a `code` instead: AccumulateGrad computes nothing, and a Function
written in Python would run the program's own code once more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from engine.contributions import applied, contributions, roots_of
from engine.dispatch import Kernels
from engine.executors.base import Question
from engine.previews import preview_values
from engine.rows import Rows
from engine.trace import Answer

WHOLE = ("truth", "forward")
"""Kinds that are answered by whole runs: see truth.py and forward.py."""
JACOBIAN_ELEMENTS = 4_096
"""Larger Jacobians are not computed."""


class Questions:
    """`ask` is called with each node as it is registered; `close` says which questions never met their subject."""

    def __init__(self, rows: Rows, questions: tuple[Question, ...]) -> None:
        self._rows = rows
        self._open: dict[int, list[tuple[int, Question]]] = {}
        self._passes: dict[int, list[tuple[int, Question]]] = {}
        for index, question in enumerate(questions):
            if question.kind in WHOLE:
                continue
            if question.kind == "paths":
                self._passes.setdefault(question.other or 0, []).append((index, question))
            else:
                self._open.setdefault(question.subject, []).append((index, question))

    def __bool__(self) -> bool:
        return bool(self._open or self._passes)

    def ask(self, number: int, node: Any) -> None:
        """Answer what is asked about this node. Runs under no_grad, on cotangents of our own."""
        for index, question in self._open.pop(number, ()):
            for answer in self._answers(index, question, node):
                self._rows.answers.append(answer)

    def ask_pass(
        self, number: Callable[[Any], int | None], pass_: int, outputs: Sequence[Any], cotangents: Sequence[Any]
    ) -> None:
        """Answer what is asked about the pass that is about to run; its nodes are all numbered by now."""
        for index, question in self._passes.pop(pass_, ()):
            try:
                answers = contributions(index, roots_of(outputs, cotangents), question.subject, number)
            except RuntimeError as error:  # what PyTorch says of a node that cannot be called
                answers = [Answer(index, code="paths.failed", params={"message": str(error)[:200]})]
            for answer in answers:
                self._rows.answers.append(answer)

    def close(self) -> None:
        """The run is over."""
        for questions in (*self._open.values(), *self._passes.values()):
            for index, question in questions:
                params: dict[str, str | int | float] = {"kind": question.kind, "subject": question.subject}
                self._rows.answers.append(Answer(index, code="run.question_unmet", params=params))
        self._open.clear()
        self._passes.clear()

    def _answers(self, index: int, question: Question, node: Any) -> list[Answer]:
        if hasattr(type(node), "saved_tensors") or not node._input_metadata:
            return [Answer(index, code="run.question_own_code")]
        made = node._input_metadata[question.other or 0]
        shape = tuple(made.shape)
        with torch.no_grad():
            if question.kind == "kernels":
                cotangent = torch.ones(shape, dtype=made.dtype)
                with Kernels() as watched:
                    applied(node, cotangent, question.other or 0)
                return [Answer(index, label=name) for name in watched.names]
            return _jacobian(index, node, shape, made.dtype, question.other or 0)


def _jacobian(index: int, node: Any, shape: tuple[int, ...], dtype: torch.dtype, position: int) -> list[Answer]:
    """One row of every block per element of the output."""
    count = math.prod(shape)
    rows: dict[int, list[Any]] = {}
    shapes: dict[int, tuple[int, ...]] = {}
    for element in range(count):
        cotangent = torch.zeros(count, dtype=dtype)
        cotangent[element] = 1
        for place, grad in enumerate(applied(node, cotangent.reshape(shape), position)):
            if grad is None:
                continue
            if grad.numel() * count > JACOBIAN_ELEMENTS:
                return [Answer(index, code="run.question_large", params={"limit": JACOBIAN_ELEMENTS})]
            shapes[place] = tuple(grad.shape)
            rows.setdefault(place, []).extend(grad.reshape(-1).tolist())
    return [
        Answer(index, str(place), (*shape, *shapes[place]), preview_values(values), params={"outputs": len(shape)})
        for place, values in sorted(rows.items())
    ]
