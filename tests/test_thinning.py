"""Long loops: what is kept, what is said, and that the program runs to its end."""

from __future__ import annotations

import msgspec

from tests.recording import PATIENT, elements, finished, frames_of, record, tensors

LOOP = (
    "import torch\nw = torch.ones(1, requires_grad=True)\nfor i in range({}):\n    y = w * i\n    y.backward()\nend = 1"
)


def kept(source: str, line: int, window: tuple[int, int] = (0, 0)) -> list[int]:
    """The iterations of the only loop in which the statement of that line has a step."""
    trace = finished(source, window=window)
    return [step.iterations[-1][1] for step in trace.steps if step.span[0] == line and step.iterations]


def test_a_long_loop_of_known_length() -> None:
    assert kept(LOOP.format(500), 4) == [*range(0, 500, 25), 499]


def test_a_short_loop_is_kept_whole() -> None:
    assert kept(LOOP.format(20), 4) == list(range(20))


def test_the_window_is_kept_whole() -> None:
    assert kept(LOOP.format(500), 4, (0, 40))[:13] == [*range(12), 25]
    assert kept(LOOP.format(500), 4, (300, 310))[4:11] == [99, 100, 101, 125, 150, 175, 200]


def test_a_loop_of_unknown_length() -> None:
    source = "i = 0\nwhile i < 2345:\n    i = i + 1\nend = i"
    assert kept(source, 3) == [*range(10), *range(10, 100, 10), *range(100, 1000, 100), 1000, 2000]


def test_after_a_loop_its_last_state_is_a_step() -> None:
    trace = finished("i = 0\nwhile i < 2345:\n    i = i + 1\nend = 1", window=(0, 0))
    values = {value.number: value for value in trace.values}
    step = trace.steps[-2]
    assert values[dict(step.variables)["i"]].value == 2345  # type: ignore[union-attr]
    assert step.span[0] == 2


def test_what_is_left_out_is_said_once() -> None:
    trace = finished(LOOP.format(500), window=(0, 0))
    assert [(notice.code, notice.params) for notice in trace.notices] == [
        ("run.iterations", {"line": 3, "total": 500, "every": 25})
    ]


def test_the_grads_are_those_of_all_iterations() -> None:
    trace = finished(LOOP.format(500), window=(0, 0))
    assert elements(trace, tensors(trace)["w"].grad) == [float(sum(range(500)))]
    assert trace.ticks == 3 + 500 * 3 + 1
    last = [row for row in trace.deposits if row.kind == "deposit"][-1]
    assert elements(trace, last.after) == [float(sum(range(500)))]
    assert elements(trace, last.before) == [float(sum(range(499)))]


def test_a_break_in_an_iteration_that_is_left_out() -> None:
    trace = finished("for i in range(1000):\n    if i == 777:\n        break\nend = i", window=(0, 0))
    assert [step.iterations[-1][1] for step in trace.steps if step.span[0] == 3] == [777]


def test_an_error_in_an_iteration_that_is_left_out() -> None:
    trace = record("for i in range(1000):\n    x = 1 / (777 - i)\n", window=(0, 0))
    values = {value.number: value for value in trace.values}
    assert trace.steps[-1].raised
    assert values[dict(trace.steps[-1].variables)["i"]].value == 777  # type: ignore[union-attr]
    assert trace.outcome is not None
    assert trace.outcome.message == "division by zero"


def test_everything_printed_is_there() -> None:
    trace = finished("for i in range(1000):\n    print(i)", window=(0, 0))
    printed = "".join(step.printed for step in trace.steps)
    assert printed.split() == [str(i) for i in range(500)]  # the limit of lines
    short = finished("for i in range(300):\n    print(i)", window=(0, 0))
    assert "".join(step.printed for step in short.steps).split() == [str(i) for i in range(300)]


def test_inner_loops_keep_fewer() -> None:
    trace = finished("for i in range(100):\n    for j in range(100):\n        k = i * j\n", window=(0, 0))
    found = [step.iterations for step in trace.steps if step.span[0] == 3]
    assert {outer for (_, outer), _ in found} == {*range(0, 100, 5), 99}
    assert sorted({inner for _, (_, inner) in found}) == [0, 25, 50, 75, 99]


def test_steps_are_capped_and_the_end_is_kept() -> None:
    limits = msgspec.structs.replace(PATIENT, kept_steps=30)
    trace = record("x = 0\n" + "x = x + 1\n" * 100, limits=limits)
    values = {value.number: value for value in trace.values}
    assert len(trace.steps) == 31
    assert values[dict(trace.steps[-1].variables)["x"]].value == 100  # type: ignore[union-attr]
    assert [notice.code for notice in trace.notices] == ["run.steps"]
    assert trace.ticks == 101


def test_the_size_of_a_trace_is_capped_and_the_end_is_kept() -> None:
    limits = msgspec.structs.replace(PATIENT, frame_size=20_000, trace_size=100_000)
    source = "import torch\nw = torch.ones(200, requires_grad=True)\n" + "w2 = (w * 2).exp() + w\n" * 200 + "x = 7"
    trace = record(source, limits=limits)
    assert trace.outcome is not None
    assert trace.outcome.kind == "finished"
    assert [notice.code for notice in trace.notices] == ["run.trace"]
    assert any(name == "x" for name, _ in trace.steps[-1].variables)
    assert trace.ticks == 203


def test_a_large_pass_is_cut_into_frames_that_each_stand() -> None:
    limits = msgspec.structs.replace(PATIENT, frame_size=50_000)
    source = (
        "import torch\nx = torch.ones(1, requires_grad=True)\ny = x\nfor i in range(900):\n    y = y * 1.5\n"
        "y.backward()"
    )
    frames = frames_of(source, limits=limits)
    trace = record(source, limits=limits)
    assert len(frames) > 10
    assert len(trace.events) == 901


def test_frames_come_after_each_statement() -> None:
    frames = frames_of("a = 1\nb = 2\nc = 3")
    assert [len(frame.steps) for frame in frames if frame.steps] == [1, 1, 1]
    assert [frame.ticks for frame in frames if frame.steps] == [1, 2, 3]
    assert frames[-1].outcome is not None


def test_an_iteration_that_begins_in_the_window_is_kept_to_its_end() -> None:
    """Else a graph would be shown whose backward never seems to come."""
    for end in (11, 12, 13):
        trace = finished(LOOP.format(500), window=(0, end))
        lines = [step.span[0] for step in trace.steps if step.iterations and step.iterations[0][1] == 2]
        assert lines == [3, 4, 5]


def test_a_loop_that_the_window_holds_is_not_called_thinned() -> None:
    assert finished(LOOP.format(60), window=(0, 200)).notices == []
