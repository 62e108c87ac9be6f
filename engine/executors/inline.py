"""The smallest Executor: the same process, no fence, for tests and for programs you trust."""

from __future__ import annotations

from collections.abc import Iterator

from engine.executors.base import Job
from engine.limits import DEFAULT, Limits
from engine.trace import Frame, decode_frame


class InlineExecutor:
    """Runs jobs here. It imports torch, so the app process never uses it."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits

    def run(self, job: Job, *, visitor: str = "", deadline: float | None = None) -> Iterator[Frame]:
        """The frames of one run. The soft deadline applies; nobody stops a call that never returns."""
        import torch

        from engine.executors.worker import run_job

        contents: list[bytes] = []
        dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
        try:
            run_job(job, contents.append, self._limits)
        finally:  # what a program sets for itself must not reach the next one
            torch.set_default_dtype(dtype)
            torch.set_default_device(None)
            torch.set_grad_enabled(grad)
        for content in contents:
            yield decode_frame(content)
