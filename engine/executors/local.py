"""The default executor: sandboxed children on this machine.

    run -> flight -> (cache | a run in flight | queue -> child -> frames) -> flight -> frames

A Run is one job on its way; a Flight is one visitor's seat in it. Equal jobs share a Run while it lasts and the Cache
afterwards. A Run is conducted by a thread of its own from the moment the queue lets it in: it takes a child, gives it
the Order, reads frames against the deadline, and words the end when the child did not live to say it.
"""

from __future__ import annotations

import atexit
import functools
import logging
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Literal

import msgspec

from engine.errors import EngineError, ExecutorFailed, Replaced
from engine.executors import sandbox, wire
from engine.executors.base import Job
from engine.executors.cache import Cache, lasting
from engine.executors.children import PRODUCT, Child, End, Entry, Source
from engine.executors.forked import Forked
from engine.executors.queue import Entry as Seat
from engine.executors.queue import Queue, cores, runs_in_memory
from engine.executors.spawned import Spawned
from engine.limits import DEFAULT, Limits
from engine.trace import Frame, InvalidTrace, Outcome, decode_frame

_log = logging.getLogger(__name__)

MOST_RUNNING = 64
ATTEMPTS = 3
PIECE = 1 << 18
OUT_OF_MEMORY_STATUS = 127
"""What the loader exits with when it finds no memory for thread-local storage."""
LAST_WORD = 0.5
"""Seconds after which a child whose socket has closed is ended, should it live on."""
LATE_WORD = 5.0
"""Seconds to wait then for its exit status, which comes late on a busy machine."""


class Run:
    """One job on its way: the frames so far, and whether more can come. `changed` guards everything."""

    def __init__(self, key: bytes, order: wire.Order) -> None:
        self.key = key
        self.order = order
        self.changed = threading.Condition()
        self.frames: list[Frame] = []
        self.over = False
        self.error: EngineError | None = None
        self.watchers = 0
        self.unwanted = False
        self.child: Child | None = None
        self.seat: Seat | None = None

    def add(self, frame: Frame) -> None:
        """One more frame for everyone."""
        with self.changed:
            self.frames.append(frame)
            self.changed.notify_all()

    def finish(self, error: EngineError | None = None) -> None:
        """No more frames."""
        with self.changed:
            self.over = True
            self.error = error
            self.changed.notify_all()


class Ticket:
    """That one visitor watches a Run. `dropped` and the Run's `watchers` are guarded by the executor's lock."""

    def __init__(self, run: Run, visitor: str) -> None:
        self.run = run
        self.visitor = visitor
        self.replaced = False
        self.dropped = False


class Flight:
    """One visitor's seat in a Run: iterate `frames`; `wait` and `place` are for pages that show how it stands.

    Whoever lets go of a Flight gives the place up; a run that nobody watches is ended.
    """

    def __init__(self, ticket: Ticket, queue: Queue, left: SimpleQueue[Ticket | None]) -> None:
        self._ticket = ticket
        self._run = ticket.run
        self._queue = queue
        self._left = left
        self._read = 0

    def place(self) -> int | None:
        """1 for the next to be let in; None when it does not wait."""
        seat = self._run.seat
        return None if seat is None else self._queue.place(seat)

    def wait(self, seconds: float) -> bool:
        """Whether `frames` would give something, or end, at once; waits for that at most `seconds`."""
        with self._run.changed:
            return self._run.changed.wait_for(self._news, seconds)

    def frames(self) -> Iterator[Frame]:
        """The frames as they come; the last one has an outcome.

        Raises Replaced when a newer run of the same visitor took over, ExecutorFailed when no child could be started.
        """
        try:
            while (frame := self._next()) is not None:
                yield frame
        finally:
            self._left.put(self._ticket)

    __iter__ = frames

    def _next(self) -> Frame | None:
        with self._run.changed:
            self._run.changed.wait_for(self._news)
            if self._ticket.replaced:
                raise Replaced("executor.replaced")
            if self._read < len(self._run.frames):
                self._read += 1
                return self._run.frames[self._read - 1]
            if self._run.error is not None:
                raise self._run.error
            return None

    def _news(self) -> bool:
        return self._ticket.replaced or self._run.over or self._read < len(self._run.frames)

    def __del__(self) -> None:
        # May run inside any lock of the executor, on any thread: it only puts, which SimpleQueue allows there.
        self._left.put(self._ticket)


class LocalExecutor:
    """Runs jobs in sandboxed children of this machine. All methods may be called from any thread.

    `workers` is how many run at full priority at once (default: the cores). `entry` names what a child runs, and `mode`
    forces where children come from: "fork" (a zygote) or "spawn" (a process per run); both default to what the product
    uses. Raises ExecutorFailed where the installation requires a stronger fence than there is.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT,
        workers: int | None = None,
        *,
        entry: Entry = PRODUCT,
        mode: Literal["fork", "spawn"] | None = None,
    ) -> None:
        self._limits = limits
        self._fence = sandbox.fence()
        sandbox.require_fence(self._fence)
        front = workers or cores()
        self.queue = Queue(
            front=front,
            running=min(MOST_RUNNING, runs_in_memory(limits.memory)),
            length=limits.queue_length,
        )
        self._cache = Cache(limits.cache_size)
        self._source = self._open(entry, mode, front)
        self._lock = threading.Lock()
        self._runs: dict[tuple[bytes, float], Run] = {}
        self._tickets: dict[str, Ticket] = {}
        self._left: SimpleQueue[Ticket | None] = SimpleQueue()
        threading.Thread(target=_see_off, args=(weakref.ref(self), self._left), name="left", daemon=True).start()
        weakref.finalize(self, _end, self._source, self._left)

    def _open(self, entry: Entry, mode: str | None, front: int) -> Source:
        strong = self._fence.kind == "strong"
        if mode == "spawn" or (mode is None and not sandbox.can_fork()):
            return Spawned(entry, strong=strong)
        limits = self._limits
        return Forked(
            entry,
            strong=strong,
            ahead=front,
            lifetime=limits.runs_per_zygote,
            idle_after=limits.idle_priority_after,
        )

    @property
    def fence(self) -> sandbox.Fence:
        """Which fence is up."""
        return self._fence

    def warm(self) -> None:
        """Start to have children ready; returns at once."""
        self._source.warm()

    def close(self) -> None:
        """End every process; runs in flight end as lost, and further ones raise ExecutorFailed."""
        self._source.close()
        with self._lock:
            children = [run.child for run in self._runs.values() if run.child is not None]
        for child in children:
            child.kill()

    def place(self, visitor: str) -> int | None:
        """The visitor's place in the queue: 1 is next; None when nothing of theirs waits."""
        with self._lock:
            ticket = self._tickets.get(visitor)
            seat = None if ticket is None else ticket.run.seat
        return None if seat is None else self.queue.place(seat)

    def run(self, job: Job, *, visitor: str = "", deadline: float | None = None) -> Iterator[Frame]:
        """The frames of one run, as they come; the last one has an outcome, whatever happens to the child.

        `visitor` is who asks: one run in flight each, a newer one replaces it (Replaced); "" is nobody in particular.
        `deadline` in seconds, at most the limit's. Raises Busy at once when the queue is full.
        """
        return self.start(job, visitor=visitor, deadline=deadline).frames()

    def start(self, job: Job, *, visitor: str = "", deadline: float | None = None) -> Flight:
        """As `run`, but a Flight that can be asked for its place in the queue."""
        order = wire.Order(self._cut(job), self._within(deadline))
        key = msgspec.msgpack.encode(order.job)
        with self._lock:
            ticket = Ticket(self._join(key, order, visitor), visitor)
            before = self._tickets.get(visitor) if visitor else None
            if visitor:
                self._tickets[visitor] = ticket
        if before is not None:
            with before.run.changed:
                before.replaced = True
                before.run.changed.notify_all()
            self._drop(before)
        return Flight(ticket, self.queue, self._left)

    def _cut(self, job: Job) -> Job:
        """A source far beyond its limit is cut to where the child still sees that it is too long."""
        most = self._limits.source_length + 1
        return job if len(job.source) <= most else msgspec.structs.replace(job, source=job.source[:most])

    def _within(self, deadline: float | None) -> Limits:
        limits = self._limits
        if deadline is None or deadline >= limits.deadline:
            return limits
        soft = min(limits.soft_deadline, deadline * 0.8)
        return msgspec.structs.replace(limits, deadline=deadline, soft_deadline=soft)

    def _join(self, key: bytes, order: wire.Order, visitor: str) -> Run:
        """The Run for this job: from the cache, on its way already, or new (the lock is held)."""
        if (kept := self._cache.get(key)) is not None:
            return _finished(key, order, kept)
        run = self._runs.get((key, order.limits.deadline))
        if run is None:
            run = Run(key, order)
            run.seat = self.queue.enter(visitor, functools.partial(self._let_in, run))
            self._runs[key, order.limits.deadline] = run
        run.watchers += 1
        return run

    def _drop(self, ticket: Ticket) -> None:
        """One watcher less, once; a run that nobody watches any more is ended."""
        run = ticket.run
        with self._lock:
            if self._tickets.get(ticket.visitor) is ticket:
                del self._tickets[ticket.visitor]
            if ticket.dropped:
                return
            ticket.dropped = True
            run.watchers -= 1
            if run.watchers > 0 or run.over or run.seat is None:
                return
            run.unwanted = True
            self._forget(run)
            if run.child is not None:
                run.child.kill()
            elif self.queue.withdraw(run.seat):
                run.finish()

    def _forget(self, run: Run) -> None:
        key = (run.key, run.order.limits.deadline)
        if self._runs.get(key) is run:
            del self._runs[key]

    def _let_in(self, run: Run) -> None:
        threading.Thread(target=self._conduct, args=(run,), name="run", daemon=True).start()

    def _conduct(self, run: Run) -> None:
        """See a run that was let in to its end, whatever that is."""
        error: EngineError | None = None
        began = time.monotonic()
        end = End()
        try:
            if (child := self._employ(run)) is not None:
                try:
                    self._follow(run, child)
                finally:
                    child.close()
                end = child.end(0.0)
        except EngineError as failure:
            error = failure
        except Exception:
            _log.exception("a run could not be conducted")
            error = ExecutorFailed("executor.failed")
        with self._lock:
            self._forget(run)
            seat = run.seat
        if seat is not None:
            self.queue.leave(seat, end.seconds or time.monotonic() - began)
        run.finish(error)

    def _employ(self, run: Run) -> Child | None:
        """A child that has been given the Order of this run; None when nobody wants the run any more."""
        for _ in range(ATTEMPTS):
            child = self._source.take()
            with self._lock:
                run.child = child
                seat = run.seat
                if run.unwanted:
                    child.close()
                    return None
            if seat is not None:
                child.on_settled = functools.partial(self.queue.settle, seat)
            try:
                child.begin(run.order)
            except OSError:  # it died while it waited
                child.close()
            else:
                return child
        raise ExecutorFailed("executor.no_child")

    def _follow(self, run: Run, child: Child) -> None:
        """Read frames until one has an outcome; where none has, add one that says how the child ended."""
        contents: list[bytes] = []
        try:
            for content in _messages(child, run.order.limits):
                frame = decode_frame(content)
                contents.append(content)
                if frame.outcome is not None and lasting(frame.outcome):
                    self._cache.put(run.key, tuple(contents))
                run.add(frame)
                if frame.outcome is not None:
                    return
            end = child.end(LAST_WORD)
            if not child.gone():
                child.kill()  # too late for one that died by itself
                end = child.end(LATE_WORD)
                if end.status in (None, -signal.SIGKILL):
                    raise wire.BrokenProtocol("it closed its socket and lived on")
            outcome = ending(end, run.order.limits)
        except TimeoutError:
            outcome = _late(run.order.limits)
        except (wire.BrokenProtocol, InvalidTrace):
            outcome = Outcome("lost", "lost.protocol")
        if outcome.code in ("lost.crash", "lost.division"):
            self._source.crashed()
        ticks = run.frames[-1].ticks if run.frames else 0
        run.add(Frame(ticks=ticks, outcome=msgspec.structs.replace(outcome, tick=ticks or None)))


def _see_off(executor: weakref.ref[LocalExecutor], left: SimpleQueue[Ticket | None]) -> None:
    """Drop the tickets of those who left, outside of whatever they were in the middle of."""
    while (ticket := left.get()) is not None:
        if (there := executor()) is not None:
            there._drop(ticket)
        del there


def _end(source: Source, left: SimpleQueue[Ticket | None]) -> None:
    source.close()
    left.put(None)


def _finished(key: bytes, order: wire.Order, contents: tuple[bytes, ...]) -> Run:
    run = Run(key, order)
    run.frames = [decode_frame(content) for content in contents]
    run.over = True
    return run


def _messages(child: Child, limits: Limits) -> Iterator[bytes]:
    """What the child sends until its socket closes. Raises TimeoutError for too late, BrokenProtocol for too much."""
    unpacker = wire.Unpacker(limits.frame_size, limits.trace_size, limits.frame_cost)
    last = time.monotonic() + limits.deadline + limits.grace
    while True:
        if (left := last - time.monotonic()) <= 0:
            raise TimeoutError
        child.connection.settimeout(left)
        try:
            piece = child.connection.recv(PIECE)
        except ConnectionError:
            return
        if not piece:
            return
        yield from unpacker.feed(piece)


def _late(limits: Limits) -> Outcome:
    return Outcome("stopped", "limit.time", {"seconds": limits.deadline})


def ending(end: End, limits: Limits) -> Outcome:
    """The outcome of a run whose child ended so without saying one itself."""
    if end.status is None:
        return Outcome("lost", "lost.killed")
    if end.status == OUT_OF_MEMORY_STATUS:
        return Outcome("stopped", "limit.memory", {"megabytes": limits.memory // 1_000_000})
    name = signal.Signals(-end.status).name if -end.status in _SIGNALS else ""
    if name in ("SIGALRM", "SIGXCPU") or (name == "SIGKILL" and end.seconds >= limits.processor_time):
        return _late(limits)
    if name == "SIGKILL":
        return Outcome("lost", "lost.killed")
    if name == "SIGFPE":
        return Outcome("lost", "lost.division")
    if name:
        return Outcome("lost", "lost.crash", {"signal": name})
    return Outcome("lost", "lost.protocol")


_SIGNALS = {number.value for number in signal.Signals}
_shared_lock = threading.Lock()


@functools.cache
def _shared() -> LocalExecutor:
    executor = LocalExecutor()
    atexit.register(executor.close)
    return executor


def shared() -> LocalExecutor:
    """The one of this process. Its children are started at the first run, or by `warm`."""
    with _shared_lock:
        return _shared()
