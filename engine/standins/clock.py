"""time and timeit: a clock of the run's own, so that equal jobs have equal runs. `sleep` takes no time."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import datetime
import time
from typing import Any

from engine.standins import Names, Offered, Run

TICK = 1e-4
"""Seconds between two readings of the clock."""


def _seconds(moment: Any) -> float:
    """`time.mktime` in UTC: months, days, hours, minutes and seconds beyond their range carry over."""
    if not isinstance(moment, tuple):
        raise TypeError("Tuple or struct_time argument required")
    if len(moment) != 9:
        raise TypeError("mktime(): illegal time tuple argument")
    if not all(isinstance(part, int) for part in moment):
        wrong = next(part for part in moment if not isinstance(part, int))
        raise TypeError(f"'{type(wrong).__name__}' object cannot be interpreted as an integer")
    year, month, day, hour, minute, second = moment[:6]
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    if not 1 <= year <= 9999:
        raise OverflowError("mktime argument out of range")
    days = datetime.date(year, month, 1).toordinal() + day - 1 - datetime.date(1970, 1, 1).toordinal()
    return float(((days * 24 + hour) * 60 + minute) * 60 + second)


def offer(run: Run) -> Names:
    """Each reading is a tenth of a millisecond after the one before."""

    def elapsed() -> float:
        """Seconds since the program began."""
        run.seconds += TICK
        return run.seconds

    def nanoseconds() -> int:
        """Likewise in nanoseconds."""
        return int(elapsed() * 1e9)

    def sleep(seconds: float) -> None:
        """The clock jumps."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        run.seconds += seconds

    def moment(seconds: Any = None, /) -> time.struct_time:
        """`time.gmtime`, and `time.localtime`: where the run is, it is UTC."""
        return time.gmtime(run.now() if seconds is None else seconds)

    def seconds_of(moment: Any, /) -> float:
        """`time.mktime`."""
        return _seconds(moment)

    def written(form: Any, *given: Any) -> str:
        """`time.strftime`."""
        return time.strftime(form, *(given or (moment(),)))

    def plainly(*given: Any) -> str:
        """`time.asctime`."""
        return time.asctime(*(given or (moment(),)))

    def plainly_of(seconds: Any = None, /) -> str:
        """`time.ctime`."""
        return time.asctime(moment(seconds))

    def timed(statement: Any = "pass", setup: Any = "pass", timer: Any = None, number: int = 1, **kwargs: Any) -> float:
        """`timeit.timeit` of a function: it is called, and its time is the clock's."""
        before = elapsed()
        if callable(statement):
            for _ in range(min(number, 1000)):
                run.owner.invoke(statement, (), {})
        return elapsed() - before

    def repeated(statement: Any = "pass", setup: Any = "pass", timer: Any = None, repeat: int = 5, number: int = 1,
                 **kwargs: Any) -> list[float]:  # fmt: skip
        """`timeit.repeat`."""
        return [timed(statement, setup, timer, number) for _ in range(min(repeat, 1000))]

    class Timed(Offered):
        """`timeit.Timer`: a function is called, a text is not run."""

        def __init__(self, stmt: Any = "pass", setup: Any = "pass", timer: Any = None, globals: Any = None) -> None:
            self._statement = stmt

        def timeit(self, number: int = 1_000_000) -> float:
            """Seconds by the clock of the run."""
            return timed(self._statement, number=number)

        def repeat(self, repeat: int = 5, number: int = 1_000_000) -> list[float]:
            """Likewise, several times."""
            return repeated(self._statement, repeat=repeat, number=number)

        def autorange(self, callback: Any = None) -> tuple[int, float]:
            """Once."""
            return 1, timed(self._statement)

    readings = ("perf_counter", "process_time", "monotonic", "thread_time")
    calendar = {
        "localtime": moment,
        "gmtime": moment,
        "mktime": seconds_of,
        "struct_time": time.struct_time,
        "strftime": written,
        "asctime": plainly,
        "ctime": plainly_of,
        "strptime": time.strptime,
        "timezone": 0,
        "altzone": 0,
        "daylight": 0,
        "tzname": ("UTC", "UTC"),
    }
    return {
        "time": {
            "time": run.now,
            "time_ns": lambda: int(run.now() * 1e9),
            "sleep": sleep,
            **dict.fromkeys(readings, elapsed),
            **{f"{name}_ns": nanoseconds for name in readings},
            **calendar,
        },
        "timeit": {"default_timer": elapsed, "timeit": timed, "repeat": repeated, "Timer": Timed},
    }
