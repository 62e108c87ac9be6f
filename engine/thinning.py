"""Which iterations of a loop are recorded: all that begin inside the window, to their end, and a few outside it. It
depends on counts alone, never on time."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from engine.limits import Limits
from engine.rows import Rows
from engine.trace import Loop, Notice, Span

INNER = 5
"""How many times fewer iterations are kept of a loop inside another."""
FEWEST = 3


class Running:
    """One execution of a loop. `kept` says whether its present iteration is recorded."""

    __slots__ = ("index", "kept", "length", "node", "number", "stride", "thinned")

    def __init__(self, node: ast.stmt, length: int | None, keep: int) -> None:
        self.node = node
        self.length = length
        self.stride = 0 if length is None else -(-length // keep)
        self.index = 0
        self.kept = True
        self.thinned = False
        self.number: int | None = None

    def enter(self, index: int, watched: bool) -> None:
        """The next iteration: decides whether it is recorded. It is where it begins inside the window."""
        self.index = index
        if watched:
            self.kept = True
        elif self.length is None:
            self.kept = index < 10 or index % 10 ** (len(str(index)) - 1) == 0
        else:
            self.kept = index % self.stride == 0 or index == self.length - 1


class Place:
    """One scope that is running, and the loops it is in. `thin` says whether any iteration around it is left out."""

    __slots__ = (
        "around",
        "begun",
        "block",
        "caller",
        "inherited",
        "last",
        "loops",
        "number",
        "roots",
        "thin",
        "written",
    )

    def __init__(self, number: int, caller: Place | None, block: Any, begun: tuple[str, int, ast.AST]) -> None:
        self.number = number
        self.caller = caller
        self.block = block
        self.begun = begun
        """(name, tick, syntax node)"""
        self.roots: set[int] = set()
        """The nodes its variables were seen to lead to."""
        self.last = 0
        """The tick of its latest step."""
        self.loops: list[Running] = []
        self.around: tuple[Running, ...] = () if caller is None else (*caller.around, *caller.loops)
        self.inherited = caller is not None and caller.thin
        self.thin: bool = self.inherited
        self.written = False

    def settle(self) -> None:
        """A loop of this scope began, went on or ended."""
        self.thin = self.inherited or not all(loop.kept for loop in self.loops)


class Loops:
    """The loops that are running, by scope, and the rows that say so."""

    def __init__(self, rows: Rows, limits: Limits, locate: Callable[[ast.AST], Span], window: tuple[int, int]) -> None:
        self._rows = rows
        self._limits = limits
        self._locate = locate
        self._first, self._last = window
        self._count = 0
        self._told: set[ast.AST] = set()
        self._open: list[tuple[Running, Place]] = []

    def begin(self, node: ast.stmt, length: int | None, place: Place) -> None:
        """A loop begins in that scope."""
        outermost = not place.loops and not place.around
        keep = self._limits.kept_iterations
        loop = Running(node, length, keep if outermost else max(FEWEST, keep // INNER))
        place.loops.append(loop)
        self._open.append((loop, place))

    def iterate(self, node: ast.stmt, index: int, tick: int) -> None:
        """The innermost running loop of that node goes on."""
        loop, place = self._find(node)
        loop.enter(index, self._first <= tick + 1 < self._last)
        place.settle()
        if not loop.kept and not loop.thinned:
            loop.thinned = True
            self._tell(loop, tick)

    def end(self, node: ast.stmt) -> Place:
        """It is over; the scope it ran in."""
        loop, place = self._find(node)
        place.loops.remove(loop)
        self._open.remove((loop, place))
        place.settle()
        return place

    def _find(self, node: ast.stmt) -> tuple[Running, Place]:
        return next(found for found in reversed(self._open) if found[0].node is node)

    def forget(self) -> None:
        """Rows were dropped: loops that run are named anew."""
        for loop, _ in self._open:
            loop.number = None

    def leave(self, place: Place) -> None:
        """Its scope is over: a generator may end in the middle of a loop."""
        if place.loops:
            self._open = [found for found in self._open if found[1] is not place]

    def iterations(self, place: Place) -> list[tuple[int, int]]:
        """(number of the Loop, iteration) of the loops around a statement of that scope, outermost first."""
        return [(self._number(loop), loop.index) for loop in (*place.around, *place.loops)]

    def _number(self, loop: Running) -> int:
        if loop.number is None:
            loop.number, self._count = self._count, self._count + 1
            self._rows.loops.append(Loop(loop.number, self._locate(loop.node), loop.length))
        return loop.number

    def _tell(self, loop: Running, tick: int) -> None:
        """Say once for each loop of the text that some of its iterations are not recorded."""
        if loop.node in self._told:
            return
        self._told.add(loop.node)
        span = self._locate(loop.node)
        if loop.length is None:
            notice = Notice("run.iterations_open", {"line": span[0]}, tick, span)
        else:
            params: dict[str, str | int | float] = {"line": span[0], "total": loop.length, "every": loop.stride}
            notice = Notice("run.iterations", params, tick, span)
        self._rows.notices.append(notice)
