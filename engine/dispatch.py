"""Watches the aten operations inside library calls, within the window of a job only: it costs several times the call.

When autograd has made a node it hands the operation on to be computed; the first operation seen while the last number
given out is n is the forward of node n. That is how the values inside nn.Linear or cross_entropy get their nodes.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch._C._functorch import maybe_current_level
from torch.utils._python_dispatch import TorchDispatchMode

from engine.graph import Graph
from engine.moment import Moment, Occurrence, next_node
from engine.snapshots import Snapshots, is_plain

KERNELS = 200
"""How many kernels of one operation are listed."""

_NAMES: dict[Any, str] = {}


def kernel_name(operation: Any) -> str:
    """ "aten.addmm.default". Each is written once: writing it takes as long as running a small one."""
    name = _NAMES.get(operation)
    if name is None:
        name = _NAMES[operation] = str(operation)
    return name


class Watch(TorchDispatchMode):  # type: ignore[misc,no-untyped-call,unused-ignore]
    """Passes every operation on unchanged and notes its name, and what it gave if it is the forward of a node."""

    def __init__(self, moment: Moment, graph: Graph, snapshots: Snapshots) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._moment = moment
        self._graph = graph
        self._snapshots = snapshots
        self._first = 0
        self.active = False
        self.suspended = False
        self.guarded: Callable[..., Any] = lambda action, *given: action(*given)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here; what keeps the compiler away costs more than the watching."""
        return False

    def begin(self, occurrence: Occurrence) -> None:
        """Start watching, for this expression."""
        self._first = occurrence.start
        self.active = occurrence.watched = True
        self.__enter__()  # type: ignore[no-untyped-call]

    def end(self) -> None:
        """Stop watching."""
        self.active = False
        self.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        self._graph.watched.clear()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self._moment.turn += 1
        top = self._moment.stack[-1] if self._moment.stack else None
        if isinstance(top, Occurrence):
            if len(top.kernels) < KERNELS:
                top.kernels.append(kernel_name(func))
            self.guarded(self._note, result)
        return result

    def _note(self, result: Any) -> None:
        sequence = next_node() - 1
        if sequence < self._first or sequence in self._graph.watched or maybe_current_level() is not None:
            return
        output = result[0] if isinstance(result, (tuple, list)) and result else result
        if isinstance(output, torch.Tensor) and is_plain(output):
            self._graph.watch(sequence, output, self._snapshots.preview(output), weakref.ref(output))


class Kernels(TorchDispatchMode):  # type: ignore[misc,no-untyped-call,unused-ignore]
    """The names of the operations that run while it is entered."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.names.append(kernel_name(func))
        return func(*args, **(kwargs or {}))


def unwatched(watch: Watch, function: Callable[[], Any]) -> Any:
    """Call it with watching suspended, if it is on and not suspended already."""
    if not watch.active or watch.suspended:
        return function()
    watch.__exit__(None, None, None)  # type: ignore[no-untyped-call]
    watch.suspended = True
    try:
        return function()
    finally:
        watch.suspended = False
        watch.__enter__()  # type: ignore[no-untyped-call]
