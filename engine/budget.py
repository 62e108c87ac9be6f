"""What a run may still spend. Every check raises LimitReached, which the program can neither catch nor mask.

Counts are exact and do not depend on the clock, so equal programs stop at the same place; the soft deadline alone does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from engine.errors import LimitReached, Stop
from engine.limits import Limits

Clock = Callable[[], float]
"""Seconds of processor time since the run began."""

CLOCK_EVERY = 8
"""Statements between two looks at the clock, which costs a system call."""


class Budget:
    """Counters of one run. `stopped` is the Stop that ended it: once set, nothing of the program runs any more."""

    def __init__(self, limits: Limits, clock: Clock | None = None) -> None:
        self.limits = limits
        self.clock = clock
        self.soft_deadline = limits.soft_deadline
        self.visits = 0
        self._until_clock = 0
        self.tick = 0
        self.depth = 0
        self.stopped: Stop | None = None
        self.finalizers: list[Callable[[], None]] = []
        """Calls of `__del__` that wait for the next statement: in the middle of one they would run inside of ours."""
        self.largest = 1 << limits.integer_bits

    def spend(self, visits: int) -> None:
        """Account for that many evaluated nodes."""
        if self.stopped is not None:
            raise self.stopped
        self.visits += visits
        if self.visits > self.limits.visits:
            raise LimitReached("limit.visits", limit=self.limits.visits)
        self._until_clock -= 1
        if self._until_clock > 0 or self.clock is None:
            return
        self._until_clock = CLOCK_EVERY
        if self.clock() > self.soft_deadline:
            raise LimitReached("limit.seconds", limit=self.soft_deadline)

    def statement(self, visits: int) -> int:
        """Account for a statement; its tick."""
        if self.finalizers:
            self.finalize()
        self.tick += 1
        if self.tick > self.limits.statements:
            raise LimitReached("limit.statements", limit=self.limits.statements)
        self.visits += visits
        if self.stopped is not None or self.visits > self.limits.visits:
            self.spend(0)
        if self.clock is not None:
            self._until_clock -= 1
            if self._until_clock <= 0:
                self.spend(0)
        return self.tick

    def finalize(self) -> None:
        """Run the calls of `__del__` that wait; what they raise is dropped, as CPython drops it, but a Stop."""
        while self.finalizers and self.stopped is None:
            with contextlib.suppress(Exception):
                self.finalizers.pop(0)()

    def enter(self) -> None:
        """A user function begins."""
        self.depth += 1
        if self.depth > self.limits.call_depth:
            self.depth -= 1
            raise LimitReached("limit.call_depth", limit=self.limits.call_depth)

    def text(self, length: int) -> None:
        """A text of that many characters is about to be made."""
        if length > self.limits.text_length:
            raise LimitReached("limit.text", limit=self.limits.text_length)

    def container(self, length: int) -> None:
        """A list, tuple, set or dict of that many elements is about to be made."""
        if length > self.limits.container_length:
            raise LimitReached("limit.container", limit=self.limits.container_length)

    def range(self, length: int) -> None:
        """That many elements are about to be walked in one go."""
        if length > self.limits.range_length:
            raise LimitReached("limit.range", limit=self.limits.range_length)

    def bits(self, count: int) -> None:
        """An integer of that many bits is about to be made."""
        if count > self.limits.integer_bits:
            raise LimitReached("limit.integer", limit=self.limits.integer_bits)

    def width(self, width: int) -> None:
        """A text is about to be padded to that width, or a number written with that many digits."""
        if width > self.limits.format_width:
            raise LimitReached("limit.width", limit=self.limits.format_width)

    def nesting(self, depth: int) -> None:
        """An iterator over that many nested iterators is about to be made."""
        if depth > self.limits.iterator_nesting:
            raise LimitReached("limit.iterators", limit=self.limits.iterator_nesting)

    def walk(self, iterable: Iterable[Any]) -> Iterable[Any]:
        """The same elements; an iterable whose length is not known is counted as it goes."""
        if type(iterable) in SIZED:
            self.range(len(iterable))  # type: ignore[arg-type]
            return iterable
        return self._counted(iter(iterable))

    def _counted(self, iterator: Iterator[Any]) -> Iterator[Any]:
        for count, element in enumerate(iterator):
            self.spend(1)
            self.range(count)
            yield element

    def collected(self, iterable: Iterable[Any]) -> Iterable[Any]:
        """The elements for a new container: `walk` with the limit of containers."""
        if type(iterable) in SIZED:
            self.container(len(iterable))  # type: ignore[arg-type]
            return iterable
        return self._collected(iter(iterable))

    def _collected(self, iterator: Iterator[Any]) -> Iterator[Any]:
        for count, element in enumerate(iterator, 1):
            self.spend(1)
            self.container(count)
            yield element


SIZED = frozenset({list, tuple, dict, set, frozenset, str, bytes, range})
"""Python's own containers, by exact type: their length is true and walking them runs no code of the program."""
