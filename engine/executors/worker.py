"""The one function that runs a job, in the process where torch lives: text in, frames out."""

from __future__ import annotations

import contextlib
import logging
import math
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.hooks import RemovableHandle

from engine.allowlist import Allowlist
from engine.errors import InvalidProgram, LimitReached, Refused, Stop
from engine.executors.base import Job, Question
from engine.forward import both_ways
from engine.interpreter import Interpreter
from engine.limits import DEFAULT, Limits
from engine.observer import Observer
from engine.program import Program, parse
from engine.questions import WHOLE
from engine.recorder import Recorder
from engine.trace import Answer, Figure, Frame, Notice, Outcome, assemble, decode_frame, encode
from engine.truth import check_leaf

Emit = Callable[[bytes], None]

POINTS = 5_000
"""Points of one series of a plot that are sent."""

_log = logging.getLogger(__name__)


def run_job(job: Job, emit: Emit, limits: Limits = DEFAULT) -> None:
    """Run the job and emit its frames as bytes; the last one has the outcome. Never raises.

    Seeds torch, numpy and random first. Processor time counts from now: past the soft deadline the
    run ends as stopped, with its trace.
    """
    started = time.process_time()
    sent: list[bytes] = []
    asked = [(index, one) for index, one in enumerate(job.questions) if one.kind in WHOLE]
    if asked:
        emit = _kept(emit, sent)
    try:
        program = parse(job.source, limits)
    except (InvalidProgram, Refused, LimitReached) as error:
        emit(encode(Frame(outcome=Outcome(_kind(error), error.code, error.params, span=error.span))))
        return
    except Exception as error:
        emit(encode(Frame(outcome=_own_fault(error))))
        return
    try:
        seed(job.seed)
        recorder = Recorder(program, limits, job.window, job.questions, emit=emit)
        vocabulary = _vocabulary(limits, job.seed)
        waiting = {one.subject for _, one in asked}
        read = 0

        def clock() -> float:
            """Once every question is answered, or has what it needs, there is no time left: nobody waits for the rest.
            What a question about the whole needs is the first deposit to its leaf."""
            nonlocal read
            while waiting and read < len(sent):
                waiting.difference_update(
                    row.tensor for row in decode_frame(sent[read]).deposits if row.kind == "deposit"
                )
                read += 1
            over = bool(job.questions) and not waiting and not recorder.questions
            return math.inf if over else time.process_time() - started

        interpreter = Interpreter(program, vocabulary, recorder, limits, clock)
        RemovableHandle.next_id = 0  # as in a fresh Python: the program can see the numbers of its hooks
        with recorder:
            outcome = _run(interpreter, limits)
        for index, question in asked:
            for answer in _whole(index, question, job, program, limits, sent, started):
                recorder.rows.answers.append(answer)
        _finish(recorder, interpreter, vocabulary, outcome, limits)
    except Exception as error:
        emit(encode(Frame(outcome=_own_fault(error))))


_ready: list[Allowlist] = []


def prepare() -> None:
    """Make the vocabulary of the next run now: every child that is forked afterwards finds one of its own."""
    _ready[:] = [Allowlist(DEFAULT)]


def _vocabulary(limits: Limits, seed: int) -> Allowlist:
    """One that no run has used."""
    made = _ready.pop() if _ready else Allowlist(limits)
    if made.limits != limits:
        made = Allowlist(limits)
    made.run.seed = seed
    return made


def _kept(emit: Emit, sent: list[bytes]) -> Emit:
    """The same, and what was emitted is kept."""

    def both(content: bytes) -> None:
        sent.append(content)
        emit(content)

    return both


def _whole(
    index: int, question: Question, job: Job, program: Program, limits: Limits, sent: list[bytes], started: float
) -> list[Answer]:
    """The answers to a question about the whole, by running the program again, each time from its seed."""

    def again(observer: Observer) -> None:
        seed(job.seed)
        clock = lambda: time.process_time() - started  # noqa: E731
        interpreter = Interpreter(program, Allowlist(limits, job.seed), observer, limits, clock)
        with contextlib.suppress(BaseException):  # whatever ends it: the observer has what it came for, or not
            interpreter.run()

    trace = assemble(map(decode_frame, sent), source=program.text)
    if question.kind == "forward":
        return both_ways(index, question, trace, again)
    late = lambda: time.process_time() - started > limits.soft_deadline / 2  # noqa: E731
    return [check_leaf(index, question, trace, again, late)]


def seed(number: int) -> None:
    """What `--seed` means."""
    torch.default_generator.manual_seed(number)  # not torch.manual_seed: it also notes who asked, for devices to come
    np.random.seed(number % 2**32)
    random.seed(number)


def _run(interpreter: Interpreter, limits: Limits) -> Outcome:
    """The outcome of running the program to its end, whichever it is."""
    try:
        interpreter.run()
    except Stop as error:
        span = error.span or interpreter.span_of(error)
        return Outcome(_kind(error), error.code, error.params, span=span, tick=interpreter.tick)
    except MemoryError as error:
        return _failed(error, interpreter, limits)
    except BaseException as error:
        return _failed(error, interpreter, limits)
    return Outcome("finished", tick=interpreter.tick)


def _failed(error: BaseException, interpreter: Interpreter, limits: Limits) -> Outcome:
    """The program's own exception: PyTorch's and Python's words, as they are."""
    message = _text(error)
    if len(message) > limits.exception_length:
        message = message[: limits.exception_length] + "…"
    span = interpreter.span_of(error)
    return Outcome("failed", type=_type_name(error), message=message, span=span, tick=interpreter.tick)


def _text(error: BaseException) -> str:
    """`str(error)`, which is the program's own code where it defined the class."""
    try:
        return str(error)
    except BaseException:
        return ""


def _type_name(error: BaseException) -> str:
    return type(error).__name__


def _kind(error: BaseException) -> Any:
    return "stopped" if isinstance(error, LimitReached) else "refused"


def _own_fault(error: Exception) -> Outcome:
    _log.exception("a run ended by a fault of ours")
    return Outcome("lost", "run.own_fault", {"type": type(error).__name__})


def _finish(
    recorder: Recorder, interpreter: Interpreter, vocabulary: Allowlist, outcome: Outcome, limits: Limits
) -> None:
    """The last frame, with what the stand-ins hold."""
    notices: list[Notice] = list(interpreter.notices)
    figures = [_bounded(figure, notices) for figure in vocabulary.run.figures()]
    recorder.finish(
        outcome,
        interpreter.tick,
        figures=figures,
        files=_fitting(vocabulary.run.folder.files(), limits.trace_size - recorder.rows.sent, notices, limits),
        notices=notices,
        represent=interpreter.represent if outcome.kind in ("finished", "failed") else None,
    )


def _bounded(figure: Figure, notices: list[Notice]) -> Figure:
    """The same figure with at most so many points in each series."""
    if any(len(xs) > POINTS for _, _, xs, _ in figure.series):
        notices.append(Notice("run.figure", {"limit": POINTS}))
    series = [(kind, label, xs[:POINTS], ys[:POINTS]) for kind, label, xs, ys in figure.series]
    return Figure(figure.number, figure.tick, figure.title, figure.xlabel, figure.ylabel, series)


def _fitting(
    files: Sequence[tuple[str, bytes]], room: int, notices: list[Notice], limits: Limits
) -> list[tuple[str, bytes]]:
    """The files for which there is room besides the last state."""
    room -= limits.frame_size // 2
    found: list[tuple[str, bytes]] = []
    for name, content in files:
        if len(content) <= room:
            room -= len(content)
            found.append((name, content))
        else:
            notices.append(Notice("run.file", {"name": name, "size": len(content)}))
    return found
