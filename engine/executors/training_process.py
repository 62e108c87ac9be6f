"""One process that trains: started when first needed, spoken with by one thread, behind everybody else in turn."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

from engine.executors import sandbox, slices

NICENESS = 10
"""Small programs of other learners go first wherever cores are short: a tenth of the usual weight."""
_log = logging.getLogger(__name__)


class Worker:
    """One process; started when it is first needed, from the thread that speaks with it."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self.process: subprocess.Popen[bytes] | None = None

    def exchange(self, request: slices.Request) -> slices.Reply:
        """Its answer. Raises BrokenProtocol or OSError where it died."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-B", "-m", "engine.executors.training_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(self._threads),
                start_new_session=True,  # an interrupt at the terminal is for the app
            )
            _step_back(self.process.pid)  # from here, so that its imports let others go first too
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        slices.write(self.process.stdin, request)  # type: ignore[arg-type]
        return slices.read_reply(self.process.stdout)  # type: ignore[arg-type]

    def close(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    try:
                        stream.close()
                    except OSError:
                        _log.debug("a dead worker's pipe held bytes")
            self.process = None


def _step_back(pid: int) -> None:
    """Let others go first. Linux shares cores between sessions first, and a worker is a session of its own: its own
    niceness alone would count among its own threads only, so its session's is written too."""
    if not hasattr(os, "setpriority"):
        return
    try:
        os.setpriority(os.PRIO_PROCESS, pid, min(19, os.getpriority(os.PRIO_PROCESS, pid) + NICENESS))
        group = Path(f"/proc/{pid}/autogroup")
        if group.exists():
            group.write_text(str(NICENESS), "ascii")
    except OSError as error:  # some containers show it without letting it be written
        _log.info("a training worker keeps its priority: %s", error)


_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "HOME", "TMPDIR")


def _environment(threads: int) -> dict[str, str]:
    """The bare environment of our processes, with the devices of this machine in sight and a share of the cores."""
    bare = sandbox.bare_environment()
    del bare["CUDA_VISIBLE_DEVICES"]
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    # Threads that spin while they wait for one that others keep from its core would take nine tenths of the time.
    return {**bare, **passed, **counts, "OMP_WAIT_POLICY": "PASSIVE"}
