"""Children of a zygote: one warm zygote, a copy of it in reserve, and a few children forked ahead of need."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from collections import deque

from engine.errors import ExecutorFailed
from engine.executors import zygote
from engine.executors.children import FAILED_STARTS, START_TIME, Child, Entry, Zygote, command_of, start

STALLED = 5.0
"""Seconds a warm zygote has to fork; one that does not is killed and replaced."""
CRASHES, CRASH_WINDOW = 20, 300.0


class Forked:
    """Children of a zygote. `ahead` are forked before they are needed; the zygote is renewed after `lifetime` runs."""

    def __init__(self, entry: Entry, *, strong: bool, ahead: int, lifetime: int, idle_after: float) -> None:
        self._entry = entry
        self._strong = strong
        self._ahead = ahead
        self._lifetime = lifetime
        self._idle_after = idle_after
        self._changed = threading.Condition()
        self._ready: deque[Child] = deque()
        self._active: Zygote | None = None
        self._reserve: Zygote | None = None
        self._starting = False
        self._failures = 0
        self._taken = 0
        self._crashes: deque[float] = deque(maxlen=CRASHES)
        self._closed = False
        self._folder = tempfile.mkdtemp(prefix="autograd-playground-")

    def warm(self) -> None:
        """Start the zygote unless there is one; returns at once."""
        with self._changed:
            if self._active is None:
                self._start_another()

    def take(self) -> Child:
        """A child that waits for its Order. Raises ExecutorFailed when zygotes die before they are warm."""
        self.warm()
        with self._changed:
            while True:
                if self._closed:
                    raise ExecutorFailed("executor.closed")
                if self._failures >= FAILED_STARTS:
                    self._failures = 0  # whoever asks next tries again
                    raise ExecutorFailed("executor.no_child")
                if self._ready:
                    break
                if not self._changed.wait(STALLED) and self._active is not None:
                    self._active.close()
            child = self._ready.popleft()
            self._taken += 1
            if self._active is not None:
                self._active.send(zygote.Fork())
            if self._taken >= self._lifetime:
                self._start_another()
        return self.take() if child.gone() else child

    def crashed(self) -> None:
        """Count a crash: many in a short time, and the zygote is executed afresh, which lays its memory out anew."""
        with self._changed:
            now = time.monotonic()
            self._crashes.append(now)
            if len(self._crashes) == CRASHES and now - self._crashes[0] < CRASH_WINDOW:
                self._crashes.clear()
                self._start_another()

    def zygotes(self) -> list[int]:
        """The processes children are forked from: the active one, then the one in reserve."""
        with self._changed:
            return [process.pid for process in (self._active, self._reserve) if process is not None]

    def close(self) -> None:
        """End the zygotes and the children that wait."""
        with self._changed:
            self._closed = True
            for process in (self._active, self._reserve):
                if process is not None:
                    process.close()
            while self._ready:
                self._ready.popleft().close()
            self._changed.notify_all()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start_another(self) -> None:
        if not self._starting and not self._closed:
            self._starting = True
            threading.Thread(target=self._keep, name="zygote", daemon=True).start()

    def _keep(self) -> None:
        """Start a zygote and listen to it until it is gone. Its thread: the kernel kills the zygote when it ends."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = command_of(self._entry, strong=self._strong, once=False, descriptor=theirs.fileno())
        try:
            process = start(command, theirs, self._folder)
        except OSError:
            ours.close()
            self._failed()
            return
        finally:
            theirs.close()
        started = Zygote(process.pid, ours, process.kill)
        watchdog = threading.Timer(START_TIME, started.close)
        watchdog.start()
        came_up = threading.Event()

        def ready() -> None:
            watchdog.cancel()
            came_up.set()
            self._activate(started)

        started.on_ready = ready
        started.listen()
        watchdog.cancel()
        process.wait()
        ours.close()
        if came_up.is_set():
            self._ended(started)
        else:
            self._failed()

    def _failed(self) -> None:
        with self._changed:
            self._starting = False
            self._failures += 1
            if self._failures < FAILED_STARTS and self._active is None:
                self._start_another()
            self._changed.notify_all()

    def _activate(self, fresh: Zygote) -> None:
        """Take children from `fresh` from now on; it has been executed afresh, so all counts begin again."""
        with self._changed:
            self._starting = False
            self._failures = 0
            self._taken = 0
            before, self._active = self._active, None
            reserve, self._reserve = self._reserve, None
            if reserve is not None:
                reserve.close()
            if before is not None:
                before.retire()
            self._employ(fresh)

    def _employ(self, process: Zygote) -> None:
        """Make it the active one (the lock is held): have children forked ahead and a copy made."""
        if self._closed:
            process.close()
            return
        self._active = process
        process.idle_after = self._idle_after
        process.on_born = self._born
        process.on_copied = self._copied
        while self._ready:
            self._ready.popleft().close()
        for _ in range(self._ahead):
            process.send(zygote.Fork())
        process.send(zygote.Copy())

    def _born(self, child: Child) -> None:
        with self._changed:
            if self._closed:
                child.close()
                return
            self._ready.append(child)
            self._changed.notify()

    def _copied(self, copy: Zygote) -> None:
        with self._changed:
            if self._closed or self._reserve is not None:
                copy.close()
                return
            self._reserve = copy
        threading.Thread(target=self._keep_copy, args=(copy,), name="zygote-copy", daemon=True).start()

    def _keep_copy(self, copy: Zygote) -> None:
        copy.listen()
        self._ended(copy)

    def _ended(self, process: Zygote) -> None:
        """A zygote is gone: the reserve takes over; without one, a new one is executed."""
        with self._changed:
            if process is self._reserve:
                self._reserve = None
                if self._active is not None:
                    self._active.send(zygote.Copy())
            if process is not self._active:
                return
            self._active, reserve, self._reserve = None, self._reserve, None
            if self._closed:
                return
            if reserve is not None:
                self._employ(reserve)
            else:
                self._start_another()
