"""Who runs when: a fair queue in front of a few places.

A run that is let in holds one of the `front` places (as many as there are cores) until it ends or settles: a run that
has used its first half second of processor time goes on at idle priority and makes room for the next, as long as no
more than `running` runs are alive, which is what memory allows.

Fair means: a run's rank is its arrival plus the processor time its visitor used lately, at most PENALTY seconds.
Whoever presses Run for the first time passes those who have kept the machine busy; nobody waits for ever, since a rank
is fixed at arrival while arrivals go on.
"""

from __future__ import annotations

import heapq
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from engine.errors import Busy

PENALTY = 5.0
HALF_LIFE = 20.0
REMEMBERED = 10_000


class Entry:
    """One run in the queue or let in. `start` is called once, when it is let in, by whichever thread made room."""

    def __init__(self, visitor: str, start: Callable[[], None], rank: float, number: int) -> None:
        self.visitor = visitor
        self.start = start
        self.rank = (rank, number)
        self.state = "waiting"  # then "front", perhaps "idle", at last "gone"

    def __lt__(self, other: Entry) -> bool:
        return self.rank < other.rank


class Queue:
    """All methods may be called from any thread."""

    def __init__(self, *, front: int, running: int, length: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._front_places = min(front, running)
        self._running_places = running
        self._length = length
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[Entry] = []
        self._front = 0
        self._running = 0
        self._arrivals = 0
        self._used: dict[str, tuple[float, float]] = {}  # visitor -> (seconds, as of)

    def enter(self, visitor: str, start: Callable[[], None]) -> Entry:
        """Queue a run; `start` may be called before this returns. Raises Busy when the queue is full."""
        with self._lock:
            if len(self._waiting) >= self._length:
                raise Busy("executor.busy", waiting=len(self._waiting))
            self._arrivals += 1
            now = self._clock()
            entry = Entry(visitor, start, now + min(PENALTY, self._lately(visitor, now)), self._arrivals)
            heapq.heappush(self._waiting, entry)
        self._admit()
        return entry

    def place(self, entry: Entry) -> int | None:
        """1 for the next to be let in, 2 for the one after; None when it does not wait."""
        with self._lock:
            if entry.state != "waiting":
                return None
            return 1 + sum(other < entry for other in self._waiting)

    def settle(self, entry: Entry) -> None:
        """This run went to idle priority: let the next one in beside it."""
        with self._lock:
            if entry.state != "front":
                return
            entry.state = "idle"
            self._front -= 1
        self._admit()

    def withdraw(self, entry: Entry) -> bool:
        """Take a run that still waits out of the queue. False when it was let in already."""
        with self._lock:
            if entry.state != "waiting":
                return False
            entry.state = "gone"
            self._waiting.remove(entry)
            heapq.heapify(self._waiting)
            return True

    def leave(self, entry: Entry, seconds: float = 0.0) -> None:
        """This run, once let in, is over; it used `seconds` of processor time."""
        with self._lock:
            before, entry.state = entry.state, "gone"
            if before in ("front", "idle"):
                self._running -= 1
                self._front -= before == "front"
                self._remember(entry.visitor, seconds)
        self._admit()

    def _admit(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._front >= self._front_places or self._running >= self._running_places:
                    return
                entry = heapq.heappop(self._waiting)
                entry.state = "front"
                self._front += 1
                self._running += 1
            entry.start()

    def _lately(self, visitor: str, now: float) -> float:
        seconds, when = self._used.get(visitor, (0.0, now))
        return float(seconds * 0.5 ** ((now - when) / HALF_LIFE))

    def _remember(self, visitor: str, seconds: float) -> None:
        if not visitor or not seconds:
            return
        now = self._clock()
        self._used[visitor] = (self._lately(visitor, now) + seconds, now)
        while len(self._used) > REMEMBERED:
            del self._used[next(iter(self._used))]


def cores() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def runs_in_memory(budget: int, *, system: Path = Path("/")) -> int:
    """How many runs of `budget` bytes fit at once into four fifths of what is free now; at least one.

    Free is what Linux calls available, or what the control group leaves if that is less; elsewhere 4 GB are assumed.
    """
    free = 4_000_000_000
    meminfo = system / "proc/meminfo"
    if meminfo.exists():
        rows = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        free = int(rows["MemAvailable"].split()[0]) * 1024
    group = system / "sys/fs/cgroup"
    if (group / "memory.max").exists() and (most := (group / "memory.max").read_text().strip()) != "max":
        free = min(free, int(most) - int((group / "memory.current").read_text()))
    return max(1, int(free * 0.8) // budget)
