"""torch.futures, concurrent.futures, queue: what waits for another thread. A run has one, so all is done at once."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import collections
import heapq
import queue
import typing
from collections.abc import Callable, Iterator
from typing import Any

from engine.errors import Refused
from engine.methods import deepened
from engine.standins import Names, Offered, Run

_T = typing.TypeVar("_T")


def offer(run: Run) -> Names:
    """Whatever waits for what nobody in the run will do is refused, where Python would wait for ever."""
    return {**_futures(run), **_pools(run), **_queues(run)}


def _futures(run: Run) -> Names:
    class Future(Offered, typing.Generic[_T]):
        """`torch.futures.Future`: a value that comes later, and what is to be done with it then."""

        __module__ = "torch.futures"

        def __init__(self, *, devices: Any = None) -> None:
            self._state: tuple[Any, BaseException | None] | None = None
            self._waiting: list[Callable[[], None]] = []

        def done(self) -> bool:
            """Whether the value or an exception is there."""
            return self._state is not None

        def wait(self) -> Any:
            """The value; raises the exception that came in its place."""
            if self._state is None:
                raise Refused("refused.wait")
            value, error = self._state
            if error is not None:
                raise error
            return value

        value = wait

        def set_result(self, result: Any) -> None:
            """The value has come."""
            self._set(result, None)

        def set_exception(self, result: Any) -> None:
            """An exception has come."""
            if not isinstance(result, Exception):
                raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
            self._set(None, result)

        def _set(self, value: Any, error: BaseException | None) -> None:
            if self._state is not None:
                raise RuntimeError("Future can only be marked completed once")
            self._state = (value, error)
            waiting, self._waiting = self._waiting, []
            for call in waiting:
                call()

        def then(self, callback: Any) -> Future[Any]:
            """The future of `callback(self)`."""
            made: Future[Any] = Future()

            def call() -> None:
                try:
                    made.set_result(run.owner.invoke(callback, (self,), {}))
                except Exception as error:
                    made.set_exception(error)

            self._when_done(call)
            return made

        def add_done_callback(self, callback: Any) -> None:
            """`callback(self)` once it is done."""
            self._when_done(lambda: run.owner.invoke(callback, (self,), {}))

        def _when_done(self, call: Callable[[], None]) -> None:
            if self._state is None:
                self._waiting.append(call)
            else:
                call()

    def collected(futures: list[Future[Any]]) -> Future[Any]:
        """`torch.futures.collect_all`: done when all are."""
        made: Future[Any] = Future()
        left = [one for one in futures if not one.done()]

        def call() -> None:
            if all(one.done() for one in futures) and not made.done():
                made.set_result(list(futures))

        for one in left:
            one._when_done(call)
        call()
        return made

    def waited(futures: list[Future[Any]]) -> list[Any]:
        """`torch.futures.wait_all`."""
        return [one.wait() for one in futures]

    return {"torch.futures": {"Future": Future, "collect_all": collected, "wait_all": waited}}


def _pools(run: Run) -> Names:
    class Done(Offered):
        """`concurrent.futures.Future` of what was done where it was asked for."""

        def __init__(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._result, self._error = None, None
            try:
                self._result = run.owner.invoke(function, args, kwargs)
            except Exception as error:
                self._error = error

        def result(self, timeout: Any = None) -> Any:
            """What it gave."""
            if self._error is not None:
                raise self._error
            return self._result

        def exception(self, timeout: Any = None) -> BaseException | None:
            """What it raised."""
            return self._error

        def done(self) -> bool:
            """It is."""
            return True

        def running(self) -> bool:
            """It ran."""
            return False

        cancelled = running

    class ThreadPoolExecutor(Offered):
        """`concurrent.futures.ThreadPoolExecutor` with the one thread there is."""

        def __init__(self, max_workers: Any = None, *args: Any, **kwargs: Any) -> None:
            return None

        def __enter__(self) -> ThreadPoolExecutor:
            return self

        def __exit__(self, *error: object) -> None:
            return None

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Done:
            """Call it."""
            return Done(fn, args, kwargs)

        def map(self, fn: Any, *iterables: Any, timeout: Any = None, chunksize: int = 1) -> Iterator[Any]:
            """The results in order."""
            deepened(iterables)
            results = [Done(fn, args, {}) for args in zip(*map(run.owner.budget.walk, iterables), strict=False)]
            return iter([one.result() for one in results])

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            """There is nothing to end."""
            return

    def completed(futures: Any, timeout: Any = None) -> Iterator[Any]:
        """`concurrent.futures.as_completed`."""
        return iter(list(futures))

    return {"concurrent.futures": {"ThreadPoolExecutor": ThreadPoolExecutor, "as_completed": completed, "Future": Done}}


def _queues(run: Run) -> Names:
    class Queue(Offered):
        """`queue.Queue`."""

        def __init__(self, maxsize: int = 0) -> None:
            self.maxsize = maxsize
            self._items: Any = collections.deque()

        def put(self, item: Any, block: bool = True, timeout: Any = None) -> None:
            """Add one."""
            if 0 < self.maxsize <= len(self._items):
                raise queue.Full
            run.owner.budget.container(len(self._items))
            self._add(item)

        def _add(self, item: Any) -> None:
            self._items.append(item)

        def _take(self) -> Any:
            return self._items.popleft()

        def get(self, block: bool = True, timeout: Any = None) -> Any:
            """Take one."""
            if not self._items:
                raise queue.Empty
            return self._take()

        put_nowait, get_nowait = put, get

        def qsize(self) -> int:
            """How many wait."""
            return len(self._items)

        def empty(self) -> bool:
            """Whether none waits."""
            return not self._items

        def full(self) -> bool:
            """Whether no more fit."""
            return 0 < self.maxsize <= len(self._items)

        def task_done(self) -> None:
            """There is nobody to tell."""
            return

        join = task_done

    class LifoQueue(Queue):
        """`queue.LifoQueue`."""

        def _take(self) -> Any:
            return self._items.pop()

    class PriorityQueue(Queue):
        """`queue.PriorityQueue`."""

        def __init__(self, maxsize: int = 0) -> None:
            super().__init__(maxsize)
            self._items = []

        def _add(self, item: Any) -> None:
            heapq.heappush(self._items, item)

        def _take(self) -> Any:
            return heapq.heappop(self._items)

    names = {"Queue": Queue, "SimpleQueue": Queue, "LifoQueue": LifoQueue, "PriorityQueue": PriorityQueue}
    return {"queue": {**names, "Empty": queue.Empty, "Full": queue.Full}}
