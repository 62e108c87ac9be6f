"""Rows on their way out: collected in birth order, sent as frames that keep every prefix of a run a Trace.

A row refers only to rows added before it, with one exception: a row that is held (`hold`, then `fill`), because a
node's label is known only when its statement is over and a pass only when it ends. So rows may be cut into frames at
any mark, and marks are set where nothing is held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from engine.limits import Limits
from engine.trace import TABLES, File, Frame, Outcome, encode

Emit = Callable[[bytes], None]

Final = list[tuple[str, int]] | None
"""The variables at the end of the run, in its last frame."""

_TABLE: dict[type, str] = {
    kind: table
    for table, rows in get_type_hints(Frame).items()
    if table in TABLES
    for row in get_args(rows)
    for kind in get_args(row) or (row,)
}
"""The table that a row belongs to, by its type."""


class Rows:
    """The rows of one run that are not yet sent, and the size of what was.

    `full` becomes true once another frame of full size would exceed the size of a trace: the recorder then stops
    adding, all but the little that ends a run.
    """

    def __init__(self, emit: Emit, limits: Limits) -> None:
        self._emit = emit
        self._limits = limits
        self.waiting: list[Any] = []
        """Those that are not sent yet."""
        self._marks: list[int] = []
        self._held = 0
        self.sent = 0
        self.full = False
        self.add: Callable[[Any], None] = self.waiting.append
        """One more row. A step of a program adds dozens."""

    def hold(self) -> int:
        """A place kept for a row that is complete only later; nothing can be sent before it is filled."""
        self.waiting.append(None)
        self._held += 1
        return len(self.waiting) - 1

    def fill(self, place: int, row: Any) -> None:
        """Put the row into the place that `hold` gave; nothing where the place was dropped meanwhile."""
        if place < len(self.waiting):
            self.waiting[place] = row
            self._held -= 1

    def drop(self) -> list[Any]:
        """Give up all that is not sent: something of it may be missing. The rows that are given up."""
        dropped = [row for row in self.waiting if row is not None]
        self.waiting.clear()
        self._marks.clear()
        self._held = 0
        return dropped

    def mark(self) -> None:
        """Here a frame may end: no row before refers to one after."""
        self._marks.append(len(self.waiting))

    def send(self, ticks: int, outcome: Outcome | None = None, final: Final = None, printed: str | None = None) -> None:
        """Everything collected so far as one frame, or as several when it is too large. Nothing may be held."""
        assert not self._held, "a row is still held"
        self._send(0, len(self.waiting), ticks, (outcome, final, printed))
        self.waiting.clear()
        self._marks.clear()
        self.full = self.sent > self._limits.trace_size - 2 * self._limits.frame_size

    def _send(self, start: int, end: int, ticks: int, ended: tuple[Outcome | None, Final, str | None]) -> None:
        tables: defaultdict[str, list[Any]] = defaultdict(list)
        for row in self.waiting[start:end]:
            tables[_TABLE[type(row)]].append(row)
        content = encode(Frame(ticks=ticks, outcome=ended[0], final=ended[1], printed=ended[2], **tables))
        middle = self._middle(start, end) if len(content) > self._limits.frame_size else None
        if middle is None:
            self.sent += len(content) + self._limits.frame_cost
            self._emit(content)
        else:
            self._send(start, middle, ticks, (None, None, None))
            self._send(middle, end, ticks, ended)

    def _middle(self, start: int, end: int) -> int | None:
        """The mark nearest to the middle, strictly between."""
        inside = [mark for mark in self._marks if start < mark < end]
        return min(inside, key=lambda mark: abs(mark - (start + end) // 2)) if inside else None

    def add_file(self, name: str, content: bytes) -> None:
        """A file, in parts that each fit a frame."""
        part = self._limits.frame_size // 2
        for start in range(0, max(len(content), 1), part):
            self.add(File(name, content[start : start + part]))
            self.mark()
