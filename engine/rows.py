"""Rows on their way out: collected in their tables, sent as frames that keep every prefix of a run a Trace.

A row refers only to rows added before it, with one exception: the row of a node, whose label is known only when its
statement is over, and that of a pass, which is complete only when it ends. Their places in the table are kept with
None. Rows may be cut into frames at any mark.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import trace
from engine.limits import Limits
from engine.trace import TABLES, Frame, Outcome, encode

Emit = Callable[[bytes], None]

Final = list[tuple[str, int]] | None
"""The variables at the end of the run, in its last frame."""

APART = 10
"""How many rows (see `size`) lie between two marks, at least. A module with a thousand tensors takes 40,000 bytes."""


class Rows:
    """The rows of one run that are not yet sent, by table, and the size of what was.

    `full` becomes true once another frame of full size would exceed the size of a trace: the recorder then stops
    adding, all but the little that ends a run.
    """

    values: list[trace.Value]
    scopes: list[trace.Scope]
    loops: list[trace.Loop]
    operations: list[trace.Operation]
    nodes: list[trace.Node | None]
    edges: list[trace.Edge]
    freed: list[trace.Freed]
    passes: list[trace.Pass | None]
    events: list[trace.Event]
    deposits: list[trace.Deposit]
    cuts: list[trace.Cut]
    changes: list[trace.Change]
    hooks: list[trace.HookCall]
    steps: list[trace.Step]
    figures: list[trace.Figure]
    files: list[trace.File]
    notices: list[trace.Notice]
    answers: list[trace.Answer]

    def __init__(self, emit: Emit, limits: Limits) -> None:
        self._emit = emit
        self._limits = limits
        self._tables: dict[str, list[Any]] = {table: [] for table in TABLES}
        vars(self).update(self._tables)
        self._marks: list[list[int]] = []
        self._marked = 0
        self.sent = 0
        self.full = False

    def size(self) -> int:
        """How many there are, of those that the others come with."""
        return len(self.values) + len(self.steps)

    def drop(self) -> dict[str, list[Any]]:
        """Give up all that is not sent: something of it may be missing. The rows that are given up."""
        dropped = {table: rows.copy() for table, rows in self._tables.items()}
        self._clear()
        return dropped

    def mark(self) -> None:
        """Here a frame may end: no row before refers to one after."""
        if self.size() - self._marked >= APART:
            self.end()

    def end(self) -> None:
        """The same, where what was added may be large."""
        self._marked = self.size()
        self._marks.append(self._lengths())

    def _lengths(self) -> list[int]:
        return [len(rows) for rows in self._tables.values()]

    def _clear(self) -> None:
        for rows in self._tables.values():
            rows.clear()
        self._marks.clear()
        self._marked = 0

    def send(self, ticks: int, outcome: Outcome | None = None, final: Final = None, printed: str | None = None) -> None:
        """Everything collected so far as one frame, or as several when it is too large. Every node has its label."""
        self._send([0] * len(self._tables), self._lengths(), ticks, (outcome, final, printed))
        self._clear()
        self.full = self.sent > self._limits.trace_size - 2 * self._limits.frame_size

    def _send(
        self, start: list[int], end: list[int], ticks: int, ended: tuple[Outcome | None, Final, str | None]
    ) -> None:
        """The rows between two marks as one frame, or as several."""
        bounds = zip(self._tables.items(), start, end, strict=True)
        tables: dict[str, Any] = {table: rows[first:last] for (table, rows), first, last in bounds}
        content = encode(Frame(ticks=ticks, outcome=ended[0], final=ended[1], printed=ended[2], **tables))
        middle = self._middle(sum(start), sum(end)) if len(content) > self._limits.frame_size else None
        if middle is None:
            self.sent += len(content) + self._limits.frame_cost
            self._emit(content)
        else:
            self._send(start, middle, ticks, (None, None, None))
            self._send(middle, end, ticks, ended)

    def _middle(self, start: int, end: int) -> list[int] | None:
        """The mark nearest to the middle, strictly between."""
        inside = [mark for mark in self._marks if start < sum(mark) < end]
        return min(inside, key=lambda mark: abs(sum(mark) - (start + end) // 2)) if inside else None

    def add_file(self, name: str, content: bytes) -> None:
        """A file, in parts that each fit a frame."""
        part = self._limits.frame_size // 2
        for start in range(0, max(len(content), 1), part):
            self.files.append(trace.File(name, content[start : start + part]))
            self.end()
