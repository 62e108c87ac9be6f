"""PyTorch's own record of the operations that run: their names, shapes and nesting. No times: a clock would tell of the
machine, and each operation is as long here as what runs inside of it.

The older of PyTorch's two profilers keeps what it hears in memory, opens no file and starts no thread. What the
recorder does meanwhile is not heard (`unheard`), nor is the mode by which it watches library calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch.autograd.profiler_util import FunctionEvent, _filter_name, _rewrite_name

_autograd: Any = torch.autograd
_MODE = "PythonDispatchMode"
_USER = 7
"""The scope of a `record_function`."""

listening = False
"""Whether operations are being heard now."""

_listener: object = None


class _Heard:
    """An operation, and what ran inside of it."""

    __slots__ = ("inside", "name", "record")

    def __init__(self, record: Any) -> None:
        self.record = record
        self.name: str = record.name()
        self.inside: list[_Heard] = []


def begin(listener: object, *, shapes: bool, flops: bool) -> None:
    """Listen, for this one alone: whoever listened before hears nothing more."""
    global _listener
    if _listener is not None:
        _stopped()
    config = _autograd.ProfilerConfig(  # no memory and no stack: they would tell of our own
        _autograd.ProfilerState.CPU, shapes, False, False, flops, False, torch._C._profiler._ExperimentalConfig()
    )
    _autograd._enable_profiler_legacy(config)
    _listener = listener
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
    _autograd._enable_record_function(False)
    try:
        return function(*given)
    finally:
        _autograd._enable_record_function(True)


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
                event = _event(inner.record, inner.name, count, float(clock))
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
        elif watched and len(rest) == 1 and one.name == "aten::detach":
            continue
        elif _filter_name(one.name):  # type: ignore[no-untyped-call]
            rest.append(iter(one.inside))
        else:
            yield one


def _again(heard: _Heard, name: str) -> list[_Heard]:
    return heard.inside if heard.name in (name, f"aten::{name}") else [heard]


def _event(record: Any, name: str, number: int, start: float) -> FunctionEvent:
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
        sequence_nr=record.sequence_nr(),
        flops=record.flops(),
        is_user_annotation=is_label,
        activity_type="user_annotation" if is_label else "cpu_op",
        external_id=number,
        structured_input_shapes=[],
        structured_input_strides=[],
        input_dtypes=[],
    )
