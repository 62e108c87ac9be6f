"""A worker that gives the source to plain `exec` with real builtins: for tests that put nothing but the sandbox between
an attack and this machine. `report(text)` sends a printed frame; what is raised ends the run as failed."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from engine.executors.base import Job
from engine.executors.children import Entry
from engine.limits import Limits
from engine.trace import Frame, Outcome, Step, encode

Emit = Callable[[bytes], None]
PLAIN = Entry(run="tests.executors.bypass:run_job", warm="tests.executors.bypass:arm", rehearse="")
TORCH = Entry(run="tests.executors.bypass:run_job", warm="tests.executors.bypass:warm", rehearse="")

TOOLS = (
    *("array", "ctypes", "errno", "fcntl", "gc", "io", "marshal", "mmap", "multiprocessing", "os", "pathlib", "pickle"),
    *("random", "resource", "select", "shutil", "signal", "socket", "sqlite3", "struct", "subprocess", "sys"),
    *("tempfile", "threading", "time", "urllib.request"),
)
"""What attacks are made of: loaded before the fence goes up, so that no attack fails for want of a module."""

_tools: dict[str, object] = {}


def arm() -> None:
    """Load the tools of the attacks."""
    for name in TOOLS:
        importlib.import_module(name)
        top = name.partition(".")[0]
        _tools[top] = importlib.import_module(top)


def warm() -> None:
    """The tools, and what the product warms of PyTorch, without the engine."""
    from engine.executors import warming

    arm()
    warming.warm(engine=False)
    for name in ("torch", "numpy"):
        _tools[name] = importlib.import_module(name)


def run_job(job: Job, emit: Emit, limits: Limits) -> None:
    """Run the source as plain Python; `emit`, `report`, `limits` and the tools are among its globals."""
    tick = 0

    def report(*values: object) -> None:
        nonlocal tick
        tick += 1
        text = " ".join(str(value) for value in values)
        emit(encode(Frame(ticks=tick, steps=[Step(tick, (1, 0, 1, 1), 0, [], printed=text)])))

    try:
        exec(job.source, {"report": report, "emit": emit, "limits": limits, "encode": encode, **_tools})
        outcome = Outcome("finished")
    except BaseException as error:
        outcome = Outcome("failed", type=type(error).__name__, message=str(error)[:500])
    emit(encode(Frame(ticks=tick, outcome=outcome)))
