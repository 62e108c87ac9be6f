"""How all benches measure: a warm-up, then the median.

Work inside this process is measured in processor time, which other programs on the machine disturb least; what crosses
processes by the clock on the wall.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median(action: Callable[[], object], times: int, *, warm: int = 2) -> float:
    """Seconds that `action` takes, the median of `times` after `warm` uncounted ones."""
    for _ in range(warm):
        action()
    return statistics.median(once(action) for _ in range(times))


def once(action: Callable[[], object]) -> float:
    """Seconds that `action` takes now."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def processor(action: Callable[[], object], times: int, *, warm: int = 2) -> float:
    """Seconds of this process's own processor time that `action` takes, the median likewise."""
    for _ in range(warm):
        action()
    taken = []
    for _ in range(times):
        start = time.process_time()
        action()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def milliseconds(seconds: float) -> str:
    """For people."""
    return f"{seconds * 1e3:.3g} ms"
