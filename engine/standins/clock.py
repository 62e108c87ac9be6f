"""time and timeit: a clock of the run's own, so that equal jobs have equal runs. `sleep` takes no time."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

from typing import Any

from engine.standins import Names, Run

_START = 1.7e9
_TICK = 1e-4


def offer(run: Run) -> Names:
    """Each reading is a tenth of a millisecond after the one before."""

    def now() -> float:
        """Seconds."""
        run.seconds += _TICK
        return _START + run.seconds

    def elapsed() -> float:
        """Seconds since the program began."""
        run.seconds += _TICK
        return run.seconds

    def nanoseconds() -> int:
        """Likewise in nanoseconds."""
        return int(elapsed() * 1e9)

    def sleep(seconds: float) -> None:
        """The clock jumps."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        run.seconds += seconds

    def timed(statement: Any = "pass", setup: Any = "pass", timer: Any = None, number: int = 1, **kwargs: Any) -> float:
        """`timeit.timeit` of a function: it is called, and its time is the clock's."""
        before = elapsed()
        if callable(statement):
            for _ in range(min(number, 1000)):
                run.owner.invoke(statement, (), {})
        return elapsed() - before

    times = {"time": now, "perf_counter": elapsed, "process_time": elapsed, "monotonic": elapsed, "sleep": sleep}
    return {
        "time": {**times, "time_ns": nanoseconds, "perf_counter_ns": nanoseconds},
        "timeit": {"default_timer": elapsed, "timeit": timed},
    }
