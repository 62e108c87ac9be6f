"""A job in, frames out: every way a run can end, and that it always ends with an outcome."""

from __future__ import annotations

import msgspec
import pytest

from engine.executors.base import Job
from engine.executors.inline import InlineExecutor
from engine.executors.worker import run_job
from engine.limits import DEFAULT
from engine.messages import render
from engine.trace import assemble, check, decode_frame
from tests.recording import PATIENT, record, tensors


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        ("x = 1", "finished", None),
        ("", "finished", None),
        ("x = (", "refused", 1),
        ("\n\nimport subprocess", "refused", 3),
        ("x = 1\nraise KeyError('a')", "failed", 2),
        ("x = 1\nassert x == 2, 'not two'", "failed", 2),
        ("while True:\n    pass", "stopped", None),
        ("def f():\n    return f()\nf()", "stopped", None),
        ("exit()", "finished", None),
    ],
)
def test_outcomes(source: str, kind: str, line: int | None) -> None:
    trace = record(source, limits=msgspec.structs.replace(PATIENT, statements=3_000))
    assert trace.outcome is not None
    assert trace.outcome.kind == kind
    if line is not None:
        assert trace.outcome.span is not None
        assert trace.outcome.span[0] == line
    if trace.outcome.code:
        assert render(trace.outcome.code, trace.outcome.params)
        assert render(trace.outcome.code, trace.outcome.params, "zh")


def test_a_failure_says_what_python_says() -> None:
    source = "import torch\ntorch.ones(2, 3) @ torch.ones(2, 3)"
    try:
        exec(source, {})
    except RuntimeError as error:
        expected = str(error)
    outcome = record(source).outcome
    assert outcome is not None
    assert (outcome.type, outcome.message) == ("RuntimeError", expected)


def test_the_soft_deadline_ends_a_run_with_its_trace() -> None:
    limits = msgspec.structs.replace(DEFAULT, soft_deadline=0.05)
    trace = record("import torch\nx = torch.ones(1)\nwhile True:\n    x = x + 1", limits=limits)
    assert trace.outcome is not None
    assert trace.outcome.kind == "stopped"
    assert "x" in tensors(trace)


def test_seeds_make_runs_equal() -> None:
    source = "import torch, random\nimport numpy as np\nx = torch.rand(2) + random.random() + np.random.rand()"
    first, again, other = (record(source, seed=seed) for seed in (0, 0, 1))
    assert first.values == again.values
    assert tensors(first)["x"].preview != tensors(other)["x"].preview


def test_equal_jobs_have_equal_frames() -> None:
    source = "import torch\nm = torch.nn.Linear(2, 2)\nfor i in range(90):\n    m(torch.rand(3, 2)).sum().backward()"
    runs: list[list[bytes]] = [[], []]
    for contents in runs:
        run_job(Job(source), contents.append, PATIENT)
    assert runs[0] == runs[1]


def test_the_variables_at_the_moment_of_a_failure_inside_a_function() -> None:
    trace = record("a = 1\ndef f(x):\n    y = x / 0\n    return y\nb = f(a)\nc = 3")
    step = next(step for step in reversed(trace.steps) if step.scope == 0)
    assert step.raised
    assert [name for name, _ in step.variables] == ["a"]
    inner = next(step for step in trace.steps if step.scope != 0)
    assert inner.raised
    assert [name for name, _ in inner.variables] == ["x"]


def test_a_fault_of_ours_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("engine.executors.worker.Recorder", broken)
    contents: list[bytes] = []
    run_job(Job("x = 1"), contents.append)
    outcome = decode_frame(contents[-1]).outcome
    assert outcome is not None
    assert (outcome.kind, outcome.code) == ("lost", "run.own_fault")


def test_a_fault_of_the_recorder_does_not_become_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("engine.graph.saved_of", broken)
    contents: list[bytes] = []
    run_job(
        Job("import torch\nx = torch.ones(1, requires_grad=True)\ny = x * 2\ny.backward()\ng = x.grad"), contents.append
    )
    frames = [decode_frame(content) for content in contents]
    assert frames[-1].outcome is not None
    assert frames[-1].outcome.kind == "finished"
    assert any(notice.code == "run.fault" for frame in frames for notice in frame.notices)


def test_the_inline_executor_is_an_executor() -> None:
    frames = list(InlineExecutor(PATIENT).run(Job("x = 1")))
    trace = check(assemble(frames, source="x = 1"))
    assert trace.outcome is not None
    assert trace.outcome.kind == "finished"


def told(source: str) -> list[tuple[int, list[str]]]:
    """(line, what was written to the error stream there) of each step that wrote some."""
    return [(step.span[0], list(step.warnings)) for step in record(source).steps if step.warnings]


def test_the_error_stream_is_told_and_not_printed() -> None:
    source = """\
import logging, sys, traceback
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
for epoch in range(2):
    logging.info("epoch %d", epoch)
print("both", "lines\\nof it", file=sys.stderr)
try:
    1 / 0
except ZeroDivisionError:
    traceback.print_exc()
logging.debug("nobody asked")
"""
    assert told(source) == [
        (4, ["INFO epoch 0"]),
        (4, ["INFO epoch 1"]),
        (5, ["both lines", "of it"]),
        (9, ["ZeroDivisionError: division by zero"]),
    ]
    assert record(source).printed == ""


def test_a_logger_that_nobody_configured_warns_and_no_more() -> None:
    source = """\
import logging
log = logging.getLogger("mine")
log.info("quiet")
log.warning("loud")
log.addHandler(logging.NullHandler())
log.warning("quiet again")
logging.warning("with its level")
"""
    assert told(source) == [(4, ["loud"]), (7, ["WARNING:root:with its level"])]


def test_the_error_stream_is_bounded_and_takes_no_room_from_what_is_printed() -> None:
    source = "import sys\nfor i in range(2_000): print(i, file=sys.stderr)\nprint('seen')"
    trace = record(source)
    assert trace.printed == "seen\n"
    assert sum(len(step.warnings) for step in trace.steps) <= DEFAULT.printed_lines
    assert "notice.printed" in [notice.code for notice in trace.notices]


def test_no_line_of_the_error_stream_is_lost_where_steps_are_left_out() -> None:
    source = "import sys\nfor i in range(450):\n    x = i\n    print(i, file=sys.stderr)\nx = 0"
    lines = [line for _, warnings in told(source) for line in warnings]
    assert lines == [str(i) for i in range(450)]
