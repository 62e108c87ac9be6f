"""The process that every strong child is forked from: `python -m engine.executors.zygote`.

It is executed afresh with an empty environment in an empty folder, imports and warms everything once, and from then on
does nothing but fork. It never sees a job: a child is forked ahead of need, takes its rights away, and waits on its own
socket for an Order. So the zygote holds no secret and no stranger's text, and a fork costs no visitor any time.

    app  --Fork, Copy, Watch, Kill-->  zygote  --Ready, Born, Copied, Yielded, Died-->  app        (control socket)
    app  --Order-->  child  --frames-->  app                                                       (a socket of its own)

A Copy is a second zygote forked from the first, kept by the app in case this one dies. Children do not die with their
zygote (their alarm and the app's kill hold without it), so a dying zygote takes no run with it. A zygote ends when its
control socket closes or the thread of the app that started it ends.

Without fork the same module serves one run and ends: `--once`.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from engine.executors import sandbox, wire
from engine.executors.base import Job
from engine.limits import DEFAULT, Limits

RunJob = Callable[[Job, Callable[[bytes], None], Limits], None]


class Parts(NamedTuple):
    """What a child is made to do: `rehearse` while it waits, `run_job` when its Order has come."""

    run_job: RunJob
    rehearse: Callable[[], None] | None
    strong: bool


ORDER_SIZE = 4_000_000
IDLE_BEFORE_REHEARSAL = 0.02
"""Seconds a child waits before it rehearses: when many are waiting, its Order is there sooner."""


class Fork(msgspec.Struct, frozen=True, tag=True):
    """Make one more child."""


class Copy(msgspec.Struct, frozen=True, tag=True):
    """Make a copy of yourself."""


class Watch(msgspec.Struct, frozen=True, tag=True):
    """This child has been given its Order: lower its priority once it has used `after` seconds of processor time."""

    pid: int
    after: float


class Kill(msgspec.Struct, frozen=True, tag=True):
    """End this child."""

    pid: int


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Everything is warm."""


class Born(msgspec.Struct, frozen=True, tag=True):
    """A child waits; its socket and its process descriptor come with this message."""

    pid: int


class Copied(msgspec.Struct, frozen=True, tag=True):
    """A copy waits; its control socket and its process descriptor come with this message."""

    pid: int


class Yielded(msgspec.Struct, frozen=True, tag=True):
    """This child now runs at idle priority."""

    pid: int


class Died(msgspec.Struct, frozen=True, tag=True):
    """This child is gone: its exit status (negative: the signal) and the seconds of processor time it used."""

    pid: int
    status: int
    seconds: float


Command = Fork | Copy | Watch | Kill
News = Ready | Born | Copied | Yielded | Died

_commands = msgspec.msgpack.Decoder(Command)
news_decoder = msgspec.msgpack.Decoder(News)
MESSAGE_SIZE = 4096


def find(name: str) -> Any:
    """The object that "module:attribute" names."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


class _Service:
    """One zygote's loop over its control socket and its children."""

    def __init__(self, control: socket.socket, parts: Parts) -> None:
        self._control = control
        self._parts = parts
        self._descriptors: dict[int, int] = {}  # pid -> process descriptor
        self._watched: dict[int, tuple[float, float]] = {}  # pid -> (look again at, seconds of processor time allowed)
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> socket.socket | None:
        """Obey until the app closes the control socket (None) or this process is a copy (its own control socket)."""
        while True:
            for descriptor, _ in self._poll.poll(self._patience()):
                if descriptor != self._control.fileno():
                    self._bury(descriptor)
                    continue
                content = self._control.recv(MESSAGE_SIZE)
                if not content:
                    return None
                if (copied := self._obey(_commands.decode(content))) is not None:
                    return copied
            self._look()

    def _obey(self, command: Command) -> socket.socket | None:
        if isinstance(command, Fork):
            self._fork()
        elif isinstance(command, Copy):
            return self._copy()
        elif isinstance(command, Watch):
            if command.pid in self._descriptors:
                self._watched[command.pid] = (time.monotonic() + command.after, command.after)
        elif command.pid in self._descriptors:
            os.kill(command.pid, signal.SIGKILL)
        return None

    def _fork(self) -> None:
        ours, theirs = socket.socketpair()
        if (pid := os.fork()) == 0:
            live_once(theirs, self._parts)
        theirs.close()
        self._announce(Born(pid), pid, ours)

    def _copy(self) -> socket.socket | None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if (pid := os.fork()) == 0:
            ours.close()
            self._control.close()
            for descriptor in self._descriptors.values():
                os.close(descriptor)
            return theirs
        theirs.close()
        self._announce(Copied(pid), pid, ours)
        return None

    def _announce(self, news: Born | Copied, pid: int, ours: socket.socket) -> None:
        descriptor = os.pidfd_open(pid)
        self._descriptors[pid] = descriptor
        self._poll.register(descriptor, select.POLLIN)
        socket.send_fds(self._control, [msgspec.msgpack.encode(news)], [ours.fileno(), descriptor])
        ours.close()

    def _bury(self, descriptor: int) -> None:
        pid = next(pid for pid, known in self._descriptors.items() if known == descriptor)
        _, status, used = os.wait4(pid, 0)
        self._poll.unregister(descriptor)
        os.close(self._descriptors.pop(pid))
        self._watched.pop(pid, None)
        seconds = used.ru_utime + used.ru_stime
        self._control.send(msgspec.msgpack.encode(Died(pid, os.waitstatus_to_exitcode(status), seconds)))

    def _patience(self) -> float | None:
        """Milliseconds until a watched child must be looked at."""
        if not self._watched:
            return None
        return max(1.0, 1000 * (min(at for at, _ in self._watched.values()) - time.monotonic()))

    def _look(self) -> None:
        now = time.monotonic()
        for pid, (at, allowed) in list(self._watched.items()):
            if at > now:
                continue
            left = allowed - _processor_time(pid)
            if left > 0:
                self._watched[pid] = (now + max(left, 0.02), allowed)
                continue
            del self._watched[pid]
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
            self._control.send(msgspec.msgpack.encode(Yielded(pid)))


def _processor_time(pid: int) -> float:
    """Seconds of processor time a process has used, by its clock as clock_getcpuclockid(3) numbers it."""
    return time.clock_gettime((~pid << 3) | 2)


def live_once(connection: socket.socket, parts: Parts) -> None:
    """A child's whole life: give up rights, wait for an Order, give up the rest, run it, end. Never returns."""
    status = 70  # EX_SOFTWARE: something of ours went wrong; the app reports the run as lost
    try:
        sandbox.detach(connection.fileno())
        if parts.rehearse is not None and not select.select([connection], [], [], IDLE_BEFORE_REHEARSAL)[0]:
            parts.rehearse()
        content = wire.receive(connection, ORDER_SIZE)
        if content is not None:
            order = msgspec.msgpack.decode(content, type=wire.Order)
            _confine(order.limits, strong=parts.strong)
            parts.run_job(order.job, lambda frame: _write(connection, wire.pack(frame)), order.limits)
        status = 0
    finally:
        os._exit(status)


def _write(connection: socket.socket, content: bytes) -> None:
    """All of it. By write(2): a locked child has no send(2); on Windows a socket is no descriptor."""
    if sys.platform == "win32":
        connection.sendall(content)
        return
    left = memoryview(content)
    while left:
        left = left[os.write(connection.fileno(), left) :]


def _confine(limits: Limits, *, strong: bool) -> None:
    sandbox.bound(
        memory=limits.memory,
        processor_time=time.process_time() + limits.processor_time,
        open_files=limits.open_files,
        base=sandbox.mapped(),
    )
    sandbox.arm(limits.deadline)
    if strong:
        sandbox.lock()


def _warm(arguments: argparse.Namespace) -> Parts:
    sandbox.prepare()
    msgspec.msgpack.decode(msgspec.msgpack.encode(wire.Order(Job(""), DEFAULT)), type=wire.Order)
    run_job: RunJob = find(arguments.run)
    if arguments.warm:
        find(arguments.warm)()
    gc.collect()
    gc.freeze()
    return Parts(run_job, find(arguments.rehearse) if arguments.rehearse else None, arguments.strong)


def _connection(arguments: argparse.Namespace) -> socket.socket:
    if sys.platform == "win32":  # a socket cannot be inherited there: its description comes on standard input
        return socket.fromshare(sys.stdin.buffer.read())
    return socket.socket(fileno=arguments.socket)


def main() -> None:
    """Warm up, say so, and serve."""
    parser = argparse.ArgumentParser(prog="engine.executors.zygote")
    parser.add_argument(
        "--socket", type=int, default=-1, help="the descriptor of the control socket, or the child's own"
    )
    parser.add_argument("--run", required=True, help="module:function that runs a job")
    parser.add_argument("--warm", default="", help="module:function called once before the first job")
    parser.add_argument("--rehearse", default="", help="module:function that a child calls while it waits")
    parser.add_argument("--strong", action="store_true", help="lock children with seccomp")
    parser.add_argument("--once", action="store_true", help="serve one run in this process instead of forking")
    arguments = parser.parse_args()
    connection = _connection(arguments)
    sandbox.die_with_parent()
    parts = _warm(arguments)
    ready = msgspec.msgpack.encode(Ready())
    if arguments.once:
        connection.sendall(wire.pack(ready))
        live_once(connection, parts)
    control: socket.socket | None = connection
    while control is not None:
        control.send(ready)
        control = _Service(control, parts).serve()


if __name__ == "__main__":
    main()
