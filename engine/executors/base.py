"""The one seam between the app and the place where torch lives: a Job goes in, frames come out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from engine.trace import Frame


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
