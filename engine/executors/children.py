"""The app's end of processes: a Child that waits for an Order, a Zygote that makes them, and how both are started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from engine.executors import sandbox, wire, zygote

START_TIME = 120.0
"""Seconds a process of ours has to become warm: torch from a cold disk."""
FAILED_STARTS = 3
"""Processes that may die one after the other before they are warm."""


class Entry(NamedTuple):
    """What a child runs, each as "module:function", "" for nothing: `warm` once in the zygote, `rehearse` in a child
    that has nothing to do yet, `run` for a job."""

    run: str = "engine.executors.worker:run_job"
    warm: str = "engine.executors.warming:warm"
    rehearse: str = "engine.executors.warming:rehearse"


PRODUCT = Entry()


class End(NamedTuple):
    """How a process ended: exit status (negative: the signal), seconds of processor time; None where nobody saw it."""

    status: int | None = None
    seconds: float = 0.0


class Child:
    """One process that waits on `connection` for an Order and writes frames to it."""

    def __init__(self, connection: socket.socket, kill: Callable[[], None], begin: Callable[[], None]) -> None:
        self.connection = connection
        self._kill = kill
        self._begin = begin
        self._ended = threading.Event()
        self._end = End()
        self.on_settled: Callable[[], None] = nothing
        self.doomed = False

    def begin(self, order: wire.Order) -> None:
        """Give it its Order. Raises OSError when it is not there any more."""
        self.connection.settimeout(5.0)
        self.connection.sendall(wire.pack(msgspec.msgpack.encode(order)))
        self._begin()

    def kill(self) -> None:
        """End it, whatever it does; nothing when it is gone."""
        self.doomed = True
        self._kill()

    def ended(self, end: End) -> None:
        """Say how it ended; the first word counts."""
        if not self._ended.is_set():
            self._end = end
            self._ended.set()

    def gone(self) -> bool:
        """Whether its end is known."""
        return self._ended.is_set()

    def end(self, patience: float) -> End:
        """How it ended, waiting at most `patience` seconds for the word."""
        self._ended.wait(patience)
        return self._end

    def close(self) -> None:
        """Kill it and let go of its socket."""
        self.kill()
        self.connection.close()


class Source(Protocol):
    """Where children come from. All methods may be called from any thread."""

    def warm(self) -> None:
        """Start to have children ready; returns at once."""

    def take(self) -> Child:
        """A child that is ready; waits for one. Raises ExecutorFailed when none can be started."""

    def crashed(self) -> None:
        """A child of this source crashed."""

    def close(self) -> None:
        """End every process. Nothing can be taken afterwards."""


def nothing() -> None:
    """What a child tells before anybody listens."""


def _kill_by(descriptor: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)


def command_of(entry: Entry, *, strong: bool, once: bool, descriptor: int) -> list[str]:
    command = [sys.executable, "-P", "-B", "-m", "engine.executors.zygote"]
    command += ["--run", entry.run, "--warm", entry.warm, "--rehearse", entry.rehearse, "--socket", str(descriptor)]
    return command + ["--strong"] * strong + ["--once"] * once


def start(command: list[str], theirs: socket.socket, folder: str) -> subprocess.Popen[bytes]:
    environment = {**sandbox.bare_environment(), "TMPDIR": folder, "HOME": folder, "TEMP": folder}
    if sys.platform == "win32":
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=folder, env=environment
        )
        assert process.stdin is not None
        process.stdin.write(theirs.share(process.pid))
        process.stdin.close()
        return process
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        cwd=folder,
        env=environment,
        start_new_session=True,  # an interrupt at the terminal is for the app
    )


class Zygote:
    """The app's end of one zygote. `listen` must run on a thread that lives as long as it."""

    def __init__(self, pid: int, control: socket.socket, kill: Callable[[], None]) -> None:
        self.pid = pid
        self.idle_after = 0.5
        self._control = control
        self._kill = kill
        self._lock = threading.Lock()
        self._children: dict[int, Child] = {}
        self.retired = False
        self.on_ready: Callable[[], None] = nothing
        self.on_born: Callable[[Child], None] = _discard
        self.on_copied: Callable[[Zygote], None] = Zygote.close

    def send(self, command: zygote.Command) -> None:
        """Give a command; lost when the zygote is gone, which `listen` notices, or reads nothing."""
        with contextlib.suppress(OSError):
            self._control.send(msgspec.msgpack.encode(command), socket.MSG_DONTWAIT)

    def listen(self) -> None:
        """Read news until the zygote is gone."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            while True:
                content, descriptors, _, _ = socket.recv_fds(self._control, zygote.MESSAGE_SIZE, 2)
                if not content:
                    break
                self._heard(zygote.news_decoder.decode(content), descriptors)
        self.close()
        with self._lock:
            orphans = list(self._children.values())
            self._children.clear()
        for child in orphans:
            child.ended(End())

    def _heard(self, news: zygote.News, descriptors: list[int]) -> None:
        if isinstance(news, zygote.Ready):
            self.on_ready()
        elif isinstance(news, zygote.Born):
            self.on_born(self._adopt(news.pid, *descriptors))
        elif isinstance(news, zygote.Copied):
            self.on_copied(_copy_of(news.pid, *descriptors))
        elif isinstance(news, zygote.Yielded):
            if (child := self._children.get(news.pid)) is not None:
                child.on_settled()
        else:
            with self._lock:
                gone = self._children.pop(news.pid, None)
            if gone is not None:
                gone.ended(End(news.status, news.seconds))
            if self.retired and not self._children:
                self.close()

    def _adopt(self, pid: int, connection: int, descriptor: int) -> Child:
        watch = zygote.Watch(pid, self.idle_after)
        child = Child(socket.socket(fileno=connection), _Killer(descriptor), lambda: self.send(watch))
        with self._lock:
            self._children[pid] = child
        return child

    def retire(self) -> None:
        """End it once its last child has ended."""
        self.retired = True
        if not self._children:
            self.close()

    def close(self) -> None:
        """End it now; its children live on."""
        self._kill()
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)


class _Killer:
    """Kills one process by its descriptor, which cannot mean another process even when the number is used again."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __call__(self) -> None:
        _kill_by(self._descriptor)

    def __del__(self) -> None:
        os.close(self._descriptor)


def _discard(child: Child) -> None:
    child.close()


def _copy_of(pid: int, control: int, descriptor: int) -> Zygote:
    return Zygote(pid, socket.socket(fileno=control), _Killer(descriptor))
