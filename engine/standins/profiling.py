"""torch.profiler, torch.autograd.profiler, torch.utils.benchmark: the program runs as it does, and nothing is timed."""

# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from typing import Any

from engine.messages import render
from engine.standins import Names, Offered, Run

_EMPTY = render("standin.profiler")  # now: a child reads no catalogue


class ProfilerActivity(enum.Enum):
    """What may be asked to be timed."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3


class ProfilerAction(enum.Enum):
    """What a schedule may say of a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def offer(run: Run) -> Names:
    """Contexts that change nothing, and tables that say why they are empty."""

    class Averages(Offered, list):  # type: ignore[type-arg]
        """`key_averages()`: no rows."""

        def table(self, *args: Any, **kwargs: Any) -> str:
            return _EMPTY

        __str__ = __repr__ = table

    class Context(Offered):
        """A `with` block, or a decorator."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.ready = kwargs.get("on_trace_ready")
            self.step_num = 0

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *error: object) -> None:
            if self.ready is not None:
                run.owner.invoke(self.ready, (self,), {})

        def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def within(*args: Any, **kwargs: Any) -> Any:
                return run.owner.invoke(function, args, kwargs)

            return within

        start = __enter__

        def stop(self) -> None:
            self.__exit__()

    class Profile(Context):
        """`profile(...)`."""

        self_cpu_time_total = 0.0

        def step(self) -> None:
            self.step_num += 1

        def key_averages(self, *args: Any, **kwargs: Any) -> Averages:
            return Averages()

        def events(self) -> Averages:
            return Averages()

        def table(self, *args: Any, **kwargs: Any) -> str:
            return _EMPTY

        __str__ = __repr__ = table

        def export_chrome_trace(self, path: str) -> None:
            run.folder.keep(str(path), b"{}")

        export_stacks = export_chrome_trace

    class Schedule(Offered):
        """`schedule(...)`: every step is one that nobody records."""

        def __init__(self, **options: Any) -> None:
            self.options = options

        def __call__(self, step: int) -> ProfilerAction:
            return ProfilerAction.NONE

    class Handler(Offered):
        """`tensorboard_trace_handler(...)`: nothing is written."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            return

        def __call__(self, profile: Any) -> None:
            return None

    recording = {"profile": Profile, "record_function": Context}
    return {
        "torch.profiler": {
            **recording,
            "ProfilerActivity": ProfilerActivity,
            "ProfilerAction": ProfilerAction,
            "schedule": Schedule,
            "tensorboard_trace_handler": Handler,
        },
        "torch.autograd.profiler": {**recording, "emit_nvtx": Context, "emit_itt": Context},
    }
