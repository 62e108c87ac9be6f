"""Watches the aten operations inside library calls, within the window of a job only: it costs several times the call.

When autograd has made a node it hands the operation on to be computed; the first operation seen while the last number
given out is n is the forward of node n. That is how the values inside nn.Linear or cross_entropy get their nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from engine.graph import Graph
from engine.hearing import unseen
from engine.moment import Moment, Occurrence, next_node
from engine.snapshots import Snapshots

KERNELS = 200
"""How many kernels of one operation are listed."""

_NAMES: dict[Any, str] = {}

# Entering and leaving the mode as a context would also tell the compiler, which nothing here uses, at four times the
# cost.
_push = torch._C._push_on_torch_dispatch_stack
_pop = torch._C._pop_torch_dispatch_stack
_depth = torch._C._len_torch_dispatch_stack


def kernel_name(operation: Any) -> str:
    """ "aten.addmm.default". Each is written once: writing it takes as long as running a small one."""
    name = _NAMES.get(operation._op)  # an operation's own hash is written in Python
    if name is None:
        name = _NAMES[operation._op] = str(operation)
    return name


class Watch(TorchDispatchMode):  # type: ignore[misc,no-untyped-call,unused-ignore]
    """Passes every operation on unchanged and notes its name, and what it gave if it is the forward of a node."""

    def __init__(self, moment: Moment, graph: Graph, snapshots: Snapshots) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._moment = moment
        self._watched = graph.watched
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
        _push(self)

    def end(self) -> None:
        """Stop watching; what was seen can be asked for until it is forgotten. A mode that the call has entered stays;
        where it has left one, it was ours that went in its place."""
        self.active = False
        others: list[Any] = []
        while _depth():
            top = _pop(None)
            if top is self:
                break
            others.append(top)
        else:
            del others[:1]
        for mode in reversed(others):
            _push(mode)

    def forget(self) -> None:
        """What was seen is not asked for any more."""
        self._watched.clear()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func._op(*args, **kwargs) if kwargs else func._op(*args)
        stack = self._moment.stack
        top = stack[-1] if stack else None
        if type(top) is Occurrence:
            kernels = top.kernels
            if len(kernels) < KERNELS:
                kernels.append(_NAMES.get(func._op) or kernel_name(func))
            sequence = next_node() - 1
            if sequence >= self._first and sequence not in self._watched:
                self.guarded(self._note, sequence, result)
        return result

    def _note(self, sequence: int, result: Any) -> None:
        output = result[0] if isinstance(result, (tuple, list)) and result else result
        known = self._snapshots.seen(output) if isinstance(output, torch.Tensor) else None
        if known is not None:
            self._watched[sequence] = known


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
    """Call it with watching suspended, if it is on and not suspended already, as it is while an operation is passed
    on."""
    depth = _depth() if watch.active and not watch.suspended else 0
    if not depth:
        return function()
    if torch._C._get_dispatch_stack_at(depth - 1) is not watch:  # a mode of the library's is above it
        return unseen(function)
    _pop(None)
    watch.suspended = True
    try:
        return function()
    finally:
        watch.suspended = False
        _push(watch)
