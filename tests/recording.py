"""Programs recorded in this process, every trace checked, and every prefix of its frames too."""

from __future__ import annotations

import msgspec

from engine.executors.base import Job, Question
from engine.executors.worker import run_job
from engine.limits import DEFAULT, Limits
from engine.trace import Frame, Node, TensorValue, Trace, assemble, check, decode_frame

PATIENT = msgspec.structs.replace(DEFAULT, soft_deadline=300.0)
"""The usual limits without a race against a busy machine."""


def frames_of(
    source: str,
    *,
    limits: Limits = PATIENT,
    window: tuple[int, int] = (0, 200),
    questions: tuple[Question, ...] = (),
    seed: int = 0,
) -> list[Frame]:
    """The frames of one run, decoded."""
    contents: list[bytes] = []
    run_job(Job(source, seed, window=window, questions=questions), contents.append, limits)
    assert all(len(content) <= limits.frame_size for content in contents)
    return [decode_frame(content) for content in contents]


def record(
    source: str,
    *,
    limits: Limits = PATIENT,
    window: tuple[int, int] = (0, 200),
    questions: tuple[Question, ...] = (),
    seed: int = 0,
) -> Trace:
    """The checked Trace of a program; recording itself must not have failed."""
    frames = frames_of(source, limits=limits, window=window, questions=questions, seed=seed)
    trace = check(assemble(frames, source=source))
    assert not any(notice.code == "run.fault" for notice in trace.notices)
    assert trace.outcome is not None
    assert trace.outcome.code != "run.own_fault"
    for length in range(0, len(frames), max(1, len(frames) // 5)):
        check(assemble(frames[:length], source=source))
    return trace


def finished(source: str, *, window: tuple[int, int] = (0, 200), questions: tuple[Question, ...] = ()) -> Trace:
    """The same, of a program that must run to its end."""
    trace = record(source, window=window, questions=questions)
    assert trace.outcome is not None
    assert trace.outcome.kind == "finished", trace.outcome
    return trace


def tensors(trace: Trace) -> dict[str, TensorValue]:
    """The tensors among the program's variables at the end, by name."""
    values = {value.number: value for value in trace.values}
    step = next(step for step in reversed(trace.steps) if step.scope == 0)
    found = {name: values[number] for name, number in step.variables}
    return {name: value for name, value in found.items() if isinstance(value, TensorValue)}


def elements(trace: Trace, number: int | None) -> list[object] | None:
    """The elements of a tensor's snapshot; None for None."""
    if number is None:
        return None
    value = next(value for value in trace.values if value.number == number)
    assert isinstance(value, TensorValue)
    assert value.preview is not None
    return list(value.preview.values)


def node(trace: Trace, name: str) -> Node:
    """The only node of that name or label."""
    found = [row for row in trace.nodes if name in (row.name, row.label)]
    assert len(found) == 1, [(row.name, row.label) for row in trace.nodes]
    return found[0]


def text_at(trace: Trace, span: tuple[int, int, int, int] | None) -> str:
    """The piece of the source that a span of one line covers."""
    assert span is not None
    return trace.source.split("\n")[span[0] - 1][span[1] : span[3]]
