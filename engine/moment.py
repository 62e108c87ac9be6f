"""Where the run is: the statement, the expression and the module that are being executed now.

Every part of the recorder reads it; the recorder alone moves it. It also remembers, for every autograd node that was
born, in which innermost expression that was: PyTorch numbers nodes in birth order, so the numbers form segments, each
owned by the expression that was innermost while they were given out.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from typing import Any

import msgspec
from torch._C._autograd import _get_sequence_nr

from engine.trace import Span

next_node = _get_sequence_nr
"""The number that the next autograd node of this thread will be given."""

SEGMENTS = 300_000
"""How many segments are remembered; nodes born after that have no span."""


class Occurrence(msgspec.Struct, eq=False):
    """One evaluation of an expression. `nodes` and `kernels` are what was born and ran in it and in nothing inside it;
    `children` counts the recorded expressions inside, `passes` whether a pass was one of them. `watched` says that the
    operations inside it are seen, `repeat` what is known of them from before, where they are not. `told` says that it
    runs nothing but code of the program (see purity)."""

    node: ast.AST
    tick: int
    scope: int
    module: str
    start: int
    nodes: list[int] = []
    kernels: list[str] = []
    children: int = 0
    passes: int = 0
    watched: bool = False
    told: bool = False
    repeat: Any = None


Owner = Occurrence | tuple[ast.AST, int, int]
"""Who was running: an occurrence, or (syntax node, tick, scope) where nothing is recorded."""


class Moment:
    """`turn` counts how often code of the program, or PyTorch for it, may have run: while it stays, tensors stay.
    `generation` counts the gaps in the record: what was last seen in another generation changed out of sight."""

    def __init__(self) -> None:
        self.tick = 0
        self.scope = 0
        self.span: Span = (1, 0, 1, 0)
        self.module = ""
        self.statement: ast.AST = ast.Module([], [])
        self.on = True
        self.turn = 0
        self.generation = 0
        self.stack: list[Occurrence | ast.AST] = []
        self._ends: list[int] = []
        self._owners: list[tuple[Owner, str]] = []
        self.last = next_node()

    def close(self, number: int, owner: Owner) -> None:
        """The nodes born since the last call, up to `number`, belong to this owner."""
        self.last = number
        if len(self._ends) < SEGMENTS:
            self._ends.append(number)
            self._owners.append((owner, self.module))

    def settle(self) -> None:
        """Nodes born since the last call belong to the innermost open expression, else to the statement."""
        number = next_node()
        if number != self.last:
            self.close(number, self.innermost())

    def innermost(self) -> Owner:
        """Who is running now."""
        top = self.stack[-1] if self.stack else self.statement
        return top if isinstance(top, Occurrence) else (top, self.tick, self.scope)

    def gap(self) -> None:
        """What is looked at next may have changed out of sight."""
        self.generation += 1
        self.turn += 1

    def birth(self, number: int) -> tuple[Owner, str] | None:
        """In what, and in which module, the node of that number was born; None where that was not remembered."""
        index = bisect_right(self._ends, number)
        return self._owners[index] if index < len(self._owners) else None
