"""For systems that cannot fork: processes for one run each, one of them warm in reserve."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections import deque

from engine.errors import ExecutorFailed
from engine.executors import wire, zygote
from engine.executors.children import FAILED_STARTS, START_TIME, Child, End, Entry, command_of, nothing, start


class Spawned:
    """Processes for one run each, one of them warm in reserve: for systems that cannot fork."""

    def __init__(self, entry: Entry, *, strong: bool = False) -> None:
        self._entry = entry
        self._strong = strong
        self._changed = threading.Condition()
        self._ready: deque[Child] = deque()
        self._starting = 0
        self._wanted = 0
        self._failures = 0
        self._closed = False
        self._folder = tempfile.mkdtemp(prefix="autograd-playground-")

    def warm(self) -> None:
        """Start the one in reserve unless there is one; returns at once."""
        with self._changed:
            self._keep_up()

    def take(self) -> Child:
        """A warm process. Raises ExecutorFailed when processes die before they are warm."""
        with self._changed:
            self._wanted += 1
            self._keep_up()
            try:
                while not self._ready:
                    if self._closed:
                        raise ExecutorFailed("executor.closed")
                    if self._failures >= FAILED_STARTS:
                        self._failures = 0  # whoever asks next tries again
                        raise ExecutorFailed("executor.no_child")
                    self._changed.wait()
                child = self._ready.popleft()
            finally:
                self._wanted -= 1
            self._keep_up()
        return self.take() if child.gone() else child

    def crashed(self) -> None:
        """Nothing to do: no process serves twice."""

    def close(self) -> None:
        """End the processes that wait."""
        with self._changed:
            self._closed = True
            while self._ready:
                self._ready.popleft().close()
            self._changed.notify_all()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _keep_up(self) -> None:
        """Have as many processes ready or starting as are waited for, and one more (the lock is held)."""
        while not self._closed and len(self._ready) + self._starting < self._wanted + 1:
            self._starting += 1
            threading.Thread(target=self._keep, name="spawned", daemon=True).start()

    def _keep(self) -> None:
        """Start a process, offer it when it is warm, and see it to its end."""
        ours, theirs = socket.socketpair()
        command = command_of(self._entry, strong=self._strong, once=True, descriptor=theirs.fileno())
        try:
            process = start(command, theirs, self._folder)
        finally:
            theirs.close()
        child = Child(ours, process.kill, nothing)
        try:
            ours.settimeout(START_TIME)
            came_up = wire.receive(ours, zygote.MESSAGE_SIZE) is not None
        except (OSError, wire.BrokenProtocol):
            came_up = False
        with self._changed:
            self._starting -= 1
            self._failures = 0 if came_up else self._failures + 1
            if came_up and not self._closed:
                self._ready.append(child)
            else:
                child.close()
            self._changed.notify_all()
        child.ended(End(process.wait()))
