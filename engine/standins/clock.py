"""time and timeit: a clock of the run's own, so that equal jobs have equal runs. `sleep` takes no time."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

from typing import Any

from engine.standins import Names, Offered, Run

_TICK = 1e-4
_HOME = "torch.utils.benchmark.utils"


def offer(run: Run) -> Names:
    """Each reading is a tenth of a millisecond after the one before."""

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

    class Measurement(Offered):
        """What a `Timer` measured: seconds by the clock of the run."""

        def __init__(self, times: list[float], label: str) -> None:
            self.times = self.raw_times = times
            self.mean = sum(times) / len(times)
            self.median = sorted(times)[len(times) // 2]
            self.iqr = 0.0
            self.number_per_run = 1
            self.title = label

        def __repr__(self) -> str:
            return f"<{_HOME}.common.Measurement object>\n{self.title}\n  {self.median * 1e6:.2f} us"

    class Timer(Offered):
        """`torch.utils.benchmark.Timer`: the clock is read, the statement, a text, is not run."""

        def __init__(self, stmt: str = "pass", setup: str = "pass", label: Any = None, **kwargs: Any) -> None:
            self._label = str(label or stmt)

        def timeit(self, number: int = 1_000_000) -> Measurement:
            """One measurement."""
            before = elapsed()
            return Measurement([elapsed() - before], self._label)

        def blocked_autorange(self, callback: Any = None, min_run_time: float = 0.2) -> Measurement:
            """Likewise."""
            return self.timeit()

        def adaptive_autorange(self, threshold: float = 0.1, **kwargs: Any) -> Measurement:
            """Likewise."""
            return self.timeit()

    times = {"time": run.now, "perf_counter": elapsed, "process_time": elapsed, "monotonic": elapsed, "sleep": sleep}
    return {
        "time": {**times, "time_ns": nanoseconds, "perf_counter_ns": nanoseconds},
        "torch.utils.benchmark": {"Timer": Timer, "Measurement": Measurement},
        "timeit": {"default_timer": elapsed, "timeit": timed, "repeat": repeated, "Timer": Timed},
    }
