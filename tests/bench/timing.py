"""How all benches measure: one warm-up, then the median, since other programs only ever make things slower."""

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


def milliseconds(seconds: float) -> str:
    """For people."""
    return f"{seconds * 1e3:.3g} ms"
