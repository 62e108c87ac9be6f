"""torch.futures, concurrent.futures, queue: what waits for another thread. A run has one, so all is done at once."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import collections
import contextlib
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
    class Core:
        """A value or an exception, once it is there, and what waits for it."""

        def __init__(self) -> None:
            self.state: tuple[Any, BaseException | None] | None = None
            self.waiting: list[Callable[[], None]] = []

        def set(self, value: Any, error: BaseException | None) -> None:
            """It has come."""
            if self.state is not None:
                raise RuntimeError(
                    "Attempting to mark a completed Future as complete again. "
                    "Note that a Future can only be marked completed once."
                )
            self.state = (value, error)
            waiting, self.waiting = self.waiting, []
            for call in waiting:
                call()

        def when_done(self, call: Callable[[], None]) -> None:
            """Call it then, or now."""
            if self.state is None:
                self.waiting.append(call)
            else:
                call()

    class Later(Offered):
        """`torch.Future`, which `then` and `collect_all` give back: a value that comes later."""

        __module__, __qualname__ = "torch", "Future"

        def __init__(self, core: Core) -> None:
            self._core = core

        def done(self) -> bool:
            """Whether the value or an exception is there."""
            return self._core.state is not None

        def wait(self) -> Any:
            """The value; raises the exception that came in its place."""
            if self._core.state is None:
                raise Refused("refused.wait")
            value, error = self._core.state
            if error is not None:
                raise error
            return value

        value = wait

        def set_result(self, result: Any) -> None:
            """The value has come."""
            self._core.set(result, None)

        def then(self, callback: Any) -> Any:
            """The future of `callback(self)`."""
            core = Core()

            def call() -> None:
                try:
                    result = run.owner.invoke(callback, (self,), {})
                except Exception as error:
                    text = f"Got the following error when running the callback: {type(error).__name__}: {error}"
                    core.set(None, RuntimeError(text))
                else:
                    core.set(result, None)

            self._core.when_done(call)
            return Later(core)

        def add_done_callback(self, callback: Any) -> None:
            """`callback(self)` once it is done; what that raises goes nowhere."""

            def call() -> None:
                with contextlib.suppress(Exception):
                    run.owner.invoke(callback, (self,), {})

            self._core.when_done(call)

    class Future(Later, typing.Generic[_T]):
        """`torch.futures.Future`: one that the program makes."""

        __module__, __qualname__ = "torch.jit", "Future"

        def __init__(self, *, devices: Any = None) -> None:
            super().__init__(Core())

        def set_exception(self, result: Any) -> None:
            """An exception has come."""
            if not isinstance(result, Exception):
                raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
            self._core.set(None, result)

    Later.__name__ = "Future"

    def collected(futures: list[Later]) -> Later:
        """`torch.futures.collect_all`: done when all are, or one has an exception."""
        cores = [one._core for one in futures]
        made = Core()

        def call() -> None:
            if made.state is not None:
                return
            states = [core.state for core in cores if core.state is not None]
            error = next((error for _, error in states if error is not None), None)
            if error is not None:
                made.set(None, error)
            elif len(states) == len(cores):
                made.set([Later(core) for core in cores], None)

        for core in cores:
            core.when_done(call)
        call()
        return Later(made)

    def waited(futures: list[Later]) -> list[Any]:
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
