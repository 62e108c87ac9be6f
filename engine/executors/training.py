"""Our own training: long-lived workers, shared out in slices among everybody who trains.

    Training (one run of one visitor) --slices--> worker --State + Chunk--> its History

A run is asked for slice after slice; between two slices nothing of it lives anywhere but its State here. So pausing is
not asking again, a worker that dies costs one slice, and a hundred runs share two workers: each gets a slice in turn, a
new one first. Workers are pre-started processes with torch imported; each has its own thread here, which starts it,
speaks with it and ends with the app.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict, deque
from functools import cache
from typing import Literal, TypeVar

import msgspec

from engine.errors import Busy, ExecutorFailed, InvalidState, Parameters
from engine.executors import slices
from engine.executors.training_process import Worker
from engine.executors.wire import BrokenProtocol
from engine.history import History, Row
from engine.regression_state import BEGINNING, Available, Budget, Examination, Points, Settings, State, every

SLICE = 0.1
"""Seconds of a slice: ten updates a second where one run is alone."""
CROWDED_SLICE = 0.2
FIRST_SLICE = 0.03
"""Seconds of a run's first slice: something moves at once, and a small run is over with it."""
FRESH = 0.5
"""Seconds of training up to which a run goes before those that had more."""
RUNS = 200
"""Runs that may want slices at one time."""
TABLES_SIZE = 200_000_000
"""Bytes of uploaded points the app keeps for workers that ask for them again."""
UNWATCHED = 60.0
"""Seconds after which a run that nobody looks at is paused."""

Status = Literal["ready", "running", "paused", "stopped", "finished", "diverged", "failed"]
Reply = TypeVar("Reply", bound=slices.Reply)
_log = logging.getLogger(__name__)


class Training:
    """One run. All methods may be called from any thread and return at once, unless they say otherwise."""

    def __init__(self, executor: TrainingExecutor, settings: Settings, state: State, examination: Examination) -> None:
        self.settings, self.state, self.examination = settings, state, examination
        self.history = History(len(examination.start))
        self.status: Status = "ready"
        self.problem: tuple[str, Parameters] | None = None
        self.device = examination.device
        self.seconds = 0.0
        self.generation = 0
        self.seen = time.monotonic()
        self._first = state
        self._executor = executor
        self._wanted: int | None = None
        self._served = False
        self._lock = threading.Lock()

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.state.epoch

    @property
    def rate(self) -> float:
        """Epochs per second of training, waiting for others not counted."""
        return self.state.epoch / self.seconds if self.seconds else 0.0

    def look(self) -> None:
        """Somebody is looking: a run that nobody watches is paused after a while."""
        self.seen = time.monotonic()

    def resume(self) -> None:
        """Train on, to the end. Raises Busy where too many runs want slices."""
        self._go(None)

    def step(self, count: int = 1) -> None:
        """Train exactly so many epochs more, then pause."""
        self._go(self.state.epoch + count)

    def pause(self) -> None:
        """Ask for no more slices; the one on its way is kept when it arrives."""
        with self._lock:
            if self.status == "running":
                self.status = "paused"

    def stop(self) -> None:
        """End the run where it is."""
        with self._lock:
            if self.status in ("running", "paused", "ready"):
                self.status = "stopped"

    def reset(self) -> None:
        """Back to before the first epoch; what was recorded is dropped."""
        with self._lock:
            self.status, self.state, self.problem = "ready", self._first, None
            self.history, self.seconds = History(self.history.width), 0.0
            self.generation += 1

    def row(self, epoch: int) -> Row:
        """Any epoch up to the one reached: from what is kept, else made again from a checkpoint. Waits for it.

        Raises InvalidState for an epoch the run has not reached.
        """
        kept = self.history.find(epoch)
        if kept is not None:
            return kept
        if not 0 <= epoch <= self.state.epoch:
            raise InvalidState("regression.epoch", epoch=epoch, last=self.state.epoch)
        if epoch == self.state.epoch:
            return self._current(epoch)
        state = self.history.before(epoch) or self._first
        made = History(self.history.width)
        while state.epoch <= epoch:
            budget = Budget(epochs=epoch + 1 - state.epoch, seconds=CROWDED_SLICE, every=1)
            reply = self._executor.ask(slices.Advance(state, budget), slices.Advanced)
            made.add(reply.chunk)
            state = reply.state
        found = made.find(epoch)
        if found is None:
            raise InvalidState("regression.epoch", epoch=epoch, last=self.state.epoch)
        return found

    def _current(self, epoch: int) -> Row:
        """The epoch that would come next, looked at without keeping the step."""
        settings = msgspec.structs.replace(self.settings, epochs=max(self.settings.epochs, epoch + 1))
        state = msgspec.structs.replace(self.state, settings=settings)
        reply = self._executor.ask(slices.Advance(state, Budget(epochs=1, every=1)), slices.Advanced)
        made = History(self.history.width)
        made.add(reply.chunk)
        found = made.find(epoch)
        if found is None:
            raise InvalidState("regression.epoch", epoch=epoch, last=self.state.epoch)
        return found

    def _go(self, wanted: int | None) -> None:
        with self._lock:
            if self.status not in ("ready", "paused", "stopped", "running"):
                return
            self._wanted, self.status = wanted, "running"
            self.seen = time.monotonic()
            queued, self._served = self._served, True
        if not queued:
            try:
                self._executor.queue(self)
            except Busy:
                self.status, self._served = "paused", False
                raise

    def slice(self, crowded: bool) -> tuple[slices.Advance, int] | None:
        """What to ask of a worker now, with the generation it belongs to; None where no slice is wanted any more."""
        with self._lock:
            if self.status == "running" and time.monotonic() - self.seen > UNWATCHED:
                self.status = "paused"
            if self.status != "running":
                self._served = False
                return None
            length = FIRST_SLICE if self.seconds == 0 else CROWDED_SLICE if crowded else SLICE
            epochs = None if self._wanted is None else max(0, self._wanted - self.state.epoch)
            return slices.Advance(self.state, self._budget(epochs, length)), self.generation

    def _budget(self, epochs: int | None, seconds: float) -> Budget:
        """Every one of a long run's first epochs is kept, where most happens."""
        early = BEGINNING - self.state.epoch
        if early <= 0 or every(self.settings.epochs) == 1:
            return Budget(epochs=epochs, seconds=seconds)
        return Budget(epochs=early if epochs is None else min(epochs, early), seconds=seconds, every=1)

    def take(self, reply: slices.Advanced, generation: int) -> None:
        """Keep what a slice brought, unless the run was reset meanwhile."""
        with self._lock:
            if generation != self.generation:
                return
            self.state = reply.state
            self.history.add(reply.chunk)
            self.seconds += reply.chunk.seconds
            if reply.state.diverged is not None:
                self.status = "diverged"
            elif reply.state.finished:
                self.status = "finished"
            elif self._wanted is not None and reply.state.epoch >= self._wanted and self.status == "running":
                self.status = "paused"

    def fail(self, code: str, params: Parameters) -> None:
        """End it with that reason."""
        with self._lock:
            self.status, self.problem, self._served = "failed", (code, params), False


class _Call:
    """A request that somebody waits for."""

    def __init__(self, request: slices.Request) -> None:
        self.request = request
        self.reply: slices.Reply | None = None
        self.done = threading.Event()


class TrainingExecutor:
    """Workers for training. `workers` defaults to the cores, at most four; each has a share of the cores as threads."""

    def __init__(self, workers: int | None = None) -> None:
        cores = os.cpu_count() or 1
        self._most = workers or max(1, min(4, cores))
        self._threads = max(1, cores // self._most)
        self._changed = threading.Condition()
        self._calls: deque[_Call] = deque()
        self._fresh: deque[Training] = deque()
        self._rest: deque[Training] = deque()
        self._tables: OrderedDict[str, Points] = OrderedDict()
        self._hands: list[threading.Thread] = []
        self.workers: list[Worker] = []
        self._idle = 0
        self._closed = False

    def warm(self) -> None:
        """Start a first worker; returns at once."""
        with self._changed:
            if not self._hands:
                self._hire()

    def close(self) -> None:
        """End all workers. Runs stay as they are."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for hand in self._hands:
            hand.join(5.0)

    def prepare(
        self, settings: Settings, table: Points | None = None, *, axes: tuple[int, int] | None = None
    ) -> Training:
        """A run that is ready to start, with what is known of it beforehand. Waits for a worker.

        Raises InvalidState where settings and points do not fit each other.
        """
        if table is not None:
            self.keep(table)
        examination = self.ask(slices.Examine(settings, axes), slices.Examined).examination
        return Training(self, settings, self.ask(slices.Start(settings), slices.Started).state, examination)

    def devices(self) -> Available:
        """Which devices workers have. Waits for a worker."""
        return self.ask(slices.Offer(), slices.Offered).available

    def save(self, settings: Settings, parameters: list[float]) -> bytes:
        """The state_dict as torch.save writes it. Waits for a worker."""
        return self.ask(slices.Save(settings, parameters), slices.Saved).content

    def ask(self, request: slices.Request, kind: type[Reply]) -> Reply:
        """The answer to one request. Raises what it failed with."""
        call = _Call(request)
        with self._changed:
            if self._closed:
                raise ExecutorFailed("executor.closed")
            self._calls.append(call)
            self._wake()
        call.done.wait()
        if isinstance(call.reply, slices.Failed):
            raise InvalidState(call.reply.code, None, **call.reply.params)
        if not isinstance(call.reply, kind):
            raise ExecutorFailed("training.lost")
        return call.reply

    def queue(self, training: Training) -> None:
        """Give that run slices from now on, in turn with the others."""
        with self._changed:
            if len(self._fresh) + len(self._rest) >= RUNS:
                raise Busy("training.busy", None, count=RUNS)
            (self._fresh if training.seconds < FRESH else self._rest).append(training)
            self._wake()

    def _wake(self) -> None:
        """Somebody has work (the lock is held): one more worker where all are at work, up to the most."""
        if self._idle == 0 and len(self._hands) < self._most:
            self._hire()
        self._changed.notify()

    def _hire(self) -> None:
        hand = threading.Thread(target=self._serve, name="training", daemon=True)
        self._hands.append(hand)
        hand.start()

    def keep(self, table: Points) -> None:
        """Remember these points by their digest, for workers and for reloads; the oldest go when there are too many."""
        with self._changed:
            self._tables[table.digest] = table
            self._tables.move_to_end(table.digest)
            while len(self._tables) > 1 and sum(len(one.x) + len(one.y) for one in self._tables.values()) > TABLES_SIZE:
                self._tables.popitem(last=False)

    def table(self, name: str) -> Points:
        """The points of that digest. Raises InvalidState where they are not remembered."""
        with self._changed:
            if name not in self._tables:
                raise InvalidState("regression.table.missing")
            return self._tables[name]

    def _next(self) -> _Call | Training | None:
        """What to do next: who waits for an answer, then the newest runs, then the others in turn. None at the end."""
        with self._changed:
            while not self._closed:
                if self._calls:
                    return self._calls.popleft()
                if self._fresh:
                    least = min(self._fresh, key=lambda one: one.seconds)
                    self._fresh.remove(least)
                    return least
                if self._rest:
                    return self._rest.popleft()
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return None

    def _serve(self) -> None:
        """One worker's life, and its successors'."""
        worker = Worker(self._threads)
        self.workers.append(worker)
        try:  # before it takes work: while it starts, those who are ready serve
            worker.exchange(slices.Offer())
        except (OSError, BrokenProtocol):
            _log.exception("a training worker did not start")
            worker.close()
        while (work := self._next()) is not None:
            try:
                self._do(worker, work)
            except Exception:
                _log.exception("training failed")
                self._lose(work)
        worker.close()

    def _do(self, worker: Worker, work: _Call | Training) -> None:
        if isinstance(work, _Call):
            work.reply = self._exchange(worker, work.request)
            work.done.set()
            return
        asked = work.slice(crowded=bool(self._fresh or self._rest))
        if asked is None:
            return
        request, generation = asked
        reply = self._exchange(worker, request)
        if isinstance(reply, slices.Advanced):
            work.take(reply, generation)
            with self._changed:
                (self._fresh if work.seconds < FRESH else self._rest).append(work)
                self._changed.notify()
        elif isinstance(reply, slices.Failed):
            work.fail(reply.code, reply.params)

    def _exchange(self, worker: Worker, request: slices.Request) -> slices.Reply:
        """One request and its answer. A worker that has died is replaced once; a table it lacks is sent."""
        for attempt in (1, 2):
            try:
                reply = worker.exchange(request)
                if isinstance(reply, slices.Failed) and reply.code == "regression.table.missing":
                    settings = _settings(request)
                    table = self._tables.get(settings.table) if settings is not None else None
                    if table is not None and isinstance(worker.exchange(slices.Provide(table)), slices.Done):
                        reply = worker.exchange(request)
                return reply
            except (OSError, BrokenProtocol):
                worker.close()
                if attempt == 2:
                    raise
        raise AssertionError

    def _lose(self, work: _Call | Training) -> None:
        if isinstance(work, Training):
            work.fail("training.lost", {})
        else:
            work.done.set()


def _settings(request: slices.Request) -> Settings | None:
    if isinstance(request, slices.Advance):
        return request.state.settings
    return request.settings if isinstance(request, (slices.Start, slices.Examine)) else None


@cache
def shared() -> TrainingExecutor:
    """The workers of this process."""
    return TrainingExecutor()
