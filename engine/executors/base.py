"""The one seam between the app and the place where torch lives: a Job goes in, frames come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

import msgspec

from engine.program import readable
from engine.trace import Frame, Trace, assemble, check


class Question(msgspec.Struct, frozen=True, array_like=True):
    """Something to be answered by the same deterministic run: a kind and the number of the node or tensor it is
    about."""

    kind: str
    subject: int
    other: int | None = None


class Job(msgspec.Struct, frozen=True):
    """One run to be made. Equal jobs have equal traces.

    `window` is the half-open range of ticks recorded in full, operations inside library calls included.
    `device` is the device a learner chose for our own pages; a stranger's program always sees the CPU only.
    """

    source: str
    seed: int = 0
    device: str = "cpu"
    window: tuple[int, int] = (0, 200)
    questions: tuple[Question, ...] = ()


class Executor(Protocol):
    """A place where jobs run."""

    def run(self, job: Job, *, visitor: str = "", deadline: float | None = None) -> Iterator[Frame]:
        """The frames of one run, as they come; the last one has an outcome, whatever happens to the child.

        `visitor` is who asks: one run in flight each, a newer one replaces it (Replaced). `deadline` in seconds, at
        most the limit's. Raises Busy when the queue is full and ExecutorFailed when no child can be started.
        """
        ...


def trace_of(job: Job, frames: Iterable[Frame]) -> Trace:
    """The frames of a job as its Trace, with the text its spans refer to. Raises InvalidTrace for rows that lie."""
    source = readable(job.source)
    return check(assemble(frames, source=source, seed=job.seed, device=job.device, torch=torch_version()))


@cache
def torch_version() -> str:
    """The version of the torch that is installed, without importing it; "" where none is."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""
