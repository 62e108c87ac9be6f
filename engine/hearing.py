"""PyTorch's own record of the operations that run: their names, shapes and nesting. No times: a clock would tell of the
machine, and each operation is as long here as what runs inside of it.

The older of PyTorch's two profilers keeps what it hears in memory, opens no file and starts no thread. What the
recorder does meanwhile is not heard (`unheard`), nor is the mode by which it watches library calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch.autograd.profiler_util import MEMORY_EVENT_NAME, FunctionEvent, _filter_name, _rewrite_name
from torch.utils._python_dispatch import _disable_current_modes

_autograd: Any = torch.autograd
_MODE = "PythonDispatchMode"
_UNHEARD = "engine.hearing.unheard"
"""A label around what the recorder does, where memory is heard: that cannot be paused."""
_USER = 7
"""The scope of a `record_function`."""

listening = False
"""Whether operations are being heard now."""

_listener: object = None
_memory = False


class _Heard:
    """An operation, and what ran inside of it."""

    __slots__ = ("bytes", "inside", "name", "record")

    def __init__(self, record: Any) -> None:
        self.record = record
        self.name: str = record.name()
        self.inside: list[_Heard] = []
        self.bytes = 0


def begin(listener: object, *, shapes: bool = False, flops: bool = False, memory: bool = False) -> None:
    """Listen, for this one alone: whoever listened before hears nothing more."""
    global _listener, _memory
    if _listener is not None:
        _stopped()
    config = _autograd.ProfilerConfig(  # no stack: it would tell of our own
        _autograd.ProfilerState.CPU, shapes, memory, False, flops, False, torch._C._profiler._ExperimentalConfig()
    )
    _autograd._enable_profiler_legacy(config)
    _listener, _memory = listener, memory
    hear(listener, True)


def hear(listener: object, on: bool) -> None:
    """Go on listening, or pause."""
    global listening
    if listener is _listener:
        listening = on
        _autograd._enable_record_function(on)


def end(listener: object) -> list[Any]:
    """Stop; the records of what was heard, which `events` reads."""
    return _stopped() if listener is _listener else []


def unheard(function: Callable[..., Any], *given: Any) -> Any:
    """Call it such that nothing it does is heard."""
    if not listening:
        return function(*given)
    label = unseen(torch.ops.profiler._record_function_enter_new, _UNHEARD, None) if _memory else None
    _autograd._enable_record_function(False)
    try:
        return function(*given)
    finally:
        _autograd._enable_record_function(True)
        if label is not None:
            unseen(torch.ops.profiler._record_function_exit._RecordFunction, label)


def unseen(function: Callable[..., Any], *given: Any) -> Any:
    """Call it such that no mode sees what it does, neither ours nor the program's."""
    with torch._C.DisableTorchFunction(), _disable_current_modes():
        return function(*given)


def _stopped() -> list[Any]:
    global _listener, listening
    _listener, listening = None, False
    _autograd._enable_record_function(True)
    try:
        return _autograd._disable_profiler_legacy()  # type: ignore[no-any-return]
    except RuntimeError:  # it began where PyTorch has gone back from: inside of a hook, for one
        return []


def events(records: list[Any]) -> Iterator[FunctionEvent]:
    """Each operation as an event, in the order in which they began."""
    clock = count = 0
    for thread in records:
        for heard in _nested(thread):
            stack: list[tuple[FunctionEvent | None, Iterator[_Heard]]] = [(None, iter([heard]))]
            while stack:
                event, rest = stack[-1]
                inner = next(rest, None)
                if inner is None:
                    stack.pop()
                    if event is not None:
                        clock += 1
                        event.time_range.end = float(clock)
                    continue
                clock, count = clock + 1, count + 1
                event = _event(inner, count, float(clock))
                stack.append((event, iter(_shown(inner))))
                yield event


def _nested(records: Iterable[Any]) -> list[_Heard]:
    """The operations of one thread that are in no other. What had not ended yet, a label for one, is one too."""
    whole: list[_Heard] = []
    open_: list[_Heard] = []
    for record in records:
        kind = record.kind()
        if kind == "push":
            heard = _Heard(record)
            (open_[-1].inside if open_ else whole).append(heard)
            open_.append(heard)
        elif kind == "pop":
            handle = record.handle()
            for heard in reversed(open_):
                if heard.record.handle() == handle:
                    open_.remove(heard)
                    break
        elif kind == "memory_alloc" and not any(heard.name == _UNHEARD for heard in open_):
            for heard in open_:
                heard.bytes += record.cpu_memory_usage()
            if not open_:
                heard = _Heard(record)
                heard.name, heard.bytes = MEMORY_EVENT_NAME, record.cpu_memory_usage()
                whole.append(heard)
    return list(_plain(whole, ""))


def _shown(heard: _Heard) -> Iterator[_Heard]:
    return _plain(heard.inside, heard.name)


def _plain(inside: list[_Heard], name: str) -> Iterator[_Heard]:
    """What ran inside an operation of that name. The watching mode calls each operation it is given once more: what
    that second one did is what the first did; and its result is detached to be saved, which without the mode it is
    not."""
    watched = any(one.name == _MODE for one in inside)
    rest = [iter(inside)]
    while rest:
        one = next(rest[-1], None)
        if one is None:
            rest.pop()
        elif one.name == _MODE:
            rest.append(iter([part for again in one.inside for part in _again(again, name)]))
        elif one.name == _UNHEARD or (watched and len(rest) == 1 and one.name == "aten::detach"):
            continue
        elif one.name != MEMORY_EVENT_NAME and _filter_name(one.name):  # type: ignore[no-untyped-call]
            rest.append(iter(one.inside))
        else:
            yield one


def _again(heard: _Heard, name: str) -> list[_Heard]:
    return heard.inside if heard.name in (name, f"aten::{name}") else [heard]


def _event(heard: _Heard, number: int, start: float) -> FunctionEvent:
    record, name = heard.record, heard.name
    if name == MEMORY_EVENT_NAME:
        return FunctionEvent(  # type: ignore[no-untyped-call]
            number, name, record.thread_id(), start, start, "", record.thread_id(), [], [],
            cpu_memory_usage=heard.bytes, device_index=0,
        )  # fmt: skip
    is_label = record.scope() == _USER
    return FunctionEvent(  # type: ignore[no-untyped-call]
        id=number,
        name=_rewrite_name(name=name, with_wildcard=True),  # type: ignore[no-untyped-call]
        trace_name=_rewrite_name(name=name, with_wildcard=False),  # type: ignore[no-untyped-call]
        overload_name="",
        thread=record.thread_id(),
        start_us=start,
        end_us=start,
        fwd_thread=record.fwd_thread_id(),
        input_shapes=record.shapes(),
        concrete_inputs=[],
        kwinputs={},
        stack=[],
        scope=record.scope(),
        cpu_memory_usage=heard.bytes,
        sequence_nr=record.sequence_nr(),
        flops=record.flops(),
        is_user_annotation=is_label,
        activity_type="user_annotation" if is_label else "cpu_op",
        external_id=number,
        structured_input_shapes=[],
        structured_input_strides=[],
        input_dtypes=[],
    )
