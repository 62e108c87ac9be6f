"""PyTorch's autograd, recorded: a program is text, and everything that happened in it comes back as plain data.

    text -> parse -> Program -> interpret (observed by the recorder) -> frames  ==bytes==>  Trace -> explain, lay out,
    draw
            |<---------------- child process: torch lives here ---------------->|          |<-- this process: no torch

`run(source)` is the whole road. `python -m engine run FILE...` is the same from the shell.
"""

from __future__ import annotations

from engine.trace import Trace

__all__ = ["Trace", "run"]


def run(source: str, *, seed: int = 0) -> Trace:
    """Run a program in the sandbox; its Trace, whatever the outcome. torch, numpy and random are seeded first.

    Raises ExecutorFailed where no child can be started. Imports no torch: the child does.
    """
    from engine.executors.base import Job, trace_of
    from engine.executors.local import shared

    job = Job(source, seed)
    return trace_of(job, shared().run(job))
