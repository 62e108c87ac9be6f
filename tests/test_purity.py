"""What the recorder does not look at again has not changed: every program here is recorded a second time by a recorder
that trusts nothing, and both Traces are equal."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.moment import Moment
from engine.repeats import Repeats
from engine.scenarios import load
from engine.snapshots import Snapshots
from engine.trace import TensorValue, Trace, to_json
from tests.recording import record

TEXT = Path(__file__).parent.joinpath("programs", "recorded", "changes.txt").read_text(encoding="utf-8")
PROGRAMS = {title.strip(): source for title, source in re.findall(r"^### (.*)\n((?:(?!###).*\n)*)", TEXT, re.MULTILINE)}


@contextmanager
def trusting_nothing() -> Iterator[None]:
    """While this is entered each look is in a turn of its own, and every call is watched."""
    turns = itertools.count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Moment, "turn", property(lambda _: next(turns), lambda _, __: None), raising=False)
        patch.setattr(Snapshots, "_is_same", lambda *_: False)
        patch.setattr(Snapshots, "again", _looks_again)
        patch.setattr(Snapshots, "_is_aliased", lambda self, _: bool(self._shared) or self._distrusted)
        patch.setattr(Repeats, "of", lambda *_: None)
        yield


def _looks_again(snapshots: Any, tensor: torch.Tensor) -> int:
    known = snapshots.known(tensor)
    if known.value >= 0 and not known.inference and tensor._version != known.version:
        known.is_grad = True
    return int(snapshots.tensor(tensor))


def told(trace: Trace) -> dict[str, Any]:
    """The rows but for the warnings, tensors numbered in the order in which their snapshots were taken."""
    numbers = itertools.count()
    order: dict[int, int] = {}
    for row in trace.values:
        if isinstance(row, TensorValue):
            order.setdefault(row.tensor, next(numbers))
    rows: dict[str, Any] = to_json(trace)
    for table, column in (("values", "tensor"), ("deposits", "tensor"), ("changes", "tensor"), ("nodes", "leaf")):
        for row in rows[table]:
            if row.get(column) is not None:
                row[column] = order.get(row[column])
    for row in rows["nodes"]:
        for saved in row["saved"]:
            saved["tensor"] = order.get(saved["tensor"])
    for row in rows["steps"]:
        row["warnings"] = []  # PyTorch gives many of its warnings once in a process
    for row in rows["passes"]:
        row["inputs"] = [order.get(number) for number in row["inputs"]]
    return rows


def compared(source: str) -> None:
    """Both ways of recording tell the same."""
    ours = told(record(source))
    with trusting_nothing():
        theirs = told(record(source))
    for table, rows in theirs.items():
        assert ours[table] == rows, table


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_that_changed_is_missed(name: str) -> None:
    compared(PROGRAMS[name])


@pytest.mark.parametrize("name", sorted(load()))
def test_scenarios_are_recorded_alike(name: str) -> None:
    compared(load()[name].program)
