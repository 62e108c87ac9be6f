"""A worker that gives the source to plain `exec` with real builtins: for tests that put nothing but the sandbox between
an attack and this machine. `report(text)` sends a printed frame; what is raised ends the run as failed."""

from __future__ import annotations

from collections.abc import Callable

from engine.executors.base import Job
from engine.executors.children import Entry
from engine.limits import Limits
from engine.trace import Frame, Outcome, Step, encode

Emit = Callable[[bytes], None]
PLAIN = Entry(run="tests.executors.bypass:run_job", warm="")
TORCH = Entry(run="tests.executors.bypass:run_job", warm="tests.executors.bypass:warm")


def warm() -> None:
    """What the product warms of PyTorch, without the engine."""
    from engine.executors import warming

    warming.warm(engine=False)


def run_job(job: Job, emit: Emit, limits: Limits) -> None:
    """Run the source as plain Python; `emit`, `report`, `job` and `limits` are among its globals."""
    tick = 0

    def report(*values: object) -> None:
        nonlocal tick
        tick += 1
        text = " ".join(str(value) for value in values)
        emit(encode(Frame(ticks=tick, steps=[Step(tick, (1, 0, 1, 1), 0, [], printed=text)])))

    try:
        exec(job.source, {"report": report, "emit": emit, "limits": limits, "job": job})
        outcome = Outcome("finished")
    except BaseException as error:
        outcome = Outcome("failed", type=type(error).__name__, message=str(error)[:500])
    emit(encode(Frame(ticks=tick, outcome=outcome)))
