"""Every scenario runs the whole road, prints and raises what plain Python does, and tells the story of its golden."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import random
import re
import warnings
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from engine.executors.base import Job
from engine.executors.inline import InlineExecutor
from engine.limits import DEFAULT
from engine.messages import LANGUAGES, render
from engine.scenarios import GROUPS, load
from engine.sketch import parse
from engine.trace import ModuleValue, TensorValue, Trace, assemble, check
from tests.story import Teller, close, differences, rounded, same_text, without_addresses

GOLDENS = Path(__file__).resolve().parent / "goldens"
PROGRAMS = {name: one for name, one in load().items() if one.program}
NUMBERED = [name for name, one in PROGRAMS.items() if any(node.value for node in parse(one.sketch).nodes.values())]

LESSON = {
    "softmax_bce": "ba7dcff3f5f0af1cab274a029482bfa5566eefe5169d7b795f291ac718d04c8b",
    "scalar_accumulate": "6122c63e291c120f909cab686033579e3033e1c26a6df02e4dcdbb73026fff8e",
    "linear_regression": "10726befcaa6d25ff4b7610aa7af0f69e31ec921efdec6b9fc53d936b352b680",
    "linear_regression_device": "9b3c96bf59dc45405cce119a8ee6091788541290fe30088050f3d0c5aebe2092",
}
"""SHA-256 of the lesson's own programs: they are pasted as they stand, to the last character."""


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    """The trace of every program, each run once. A busy machine may be slow; here nothing is to be stopped for that."""
    executor = InlineExecutor(msgspec.structs.replace(DEFAULT, soft_deadline=120.0, deadline=150.0))
    return {
        name: check(assemble(executor.run(Job(source=one.program)), source=one.program))
        for name, one in PROGRAMS.items()
    }


@pytest.mark.parametrize("name", PROGRAMS)
def test_story(name: str, traces: dict[str, Trace], rewrite_goldens: bool) -> None:
    path = GOLDENS / f"{name}.json"
    told = Teller(traces[name]).tell()
    if rewrite_goldens:
        GOLDENS.mkdir(exist_ok=True)
        path.write_text(readable(told) + "\n", "utf-8")
    assert differences(json.loads(json.dumps(told)), json.loads(path.read_text("utf-8"))) == []


def readable(told: Any, indent: str = "") -> str:
    """JSON with one line for each thing a reader compares."""
    text = json.dumps(told, ensure_ascii=False)
    rows = told.values() if isinstance(told, dict) else told if isinstance(told, list) else []
    if len(indent) + len(text) <= 110 or not any(isinstance(row, (dict, list, str)) for row in rows):
        return text
    deeper = indent + "  "
    if isinstance(told, dict):
        pairs = [f"{json.dumps(key, ensure_ascii=False)}: {readable(row, deeper)}" for key, row in told.items()]
        return "{\n" + ",\n".join(deeper + pair for pair in pairs) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + readable(row, deeper) for row in told) + f"\n{indent}]"


def test_no_golden_is_left_over() -> None:
    assert {path.stem for path in GOLDENS.glob("*.json")} == set(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_printed_and_raised_as_plain_python_does(
    name: str, traces: dict[str, Trace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    printed, error = plainly(PROGRAMS[name].program)
    outcome = traces[name].outcome
    assert outcome is not None
    assert without_addresses("".join(step.printed for step in traces[name].steps)) == without_addresses(printed)
    if error is None:
        assert outcome.kind == "finished"
    else:
        assert (outcome.kind, outcome.type, outcome.message) == ("failed", type(error).__name__, str(error))


def plainly(source: str) -> tuple[str, Exception | None]:
    """What plain Python prints for it, and what it raises, from the same seeds."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(source, "program", "exec"), {"__name__": "__main__"})
        except Exception as error:
            return printed.getvalue(), error
    return printed.getvalue(), None


@pytest.mark.parametrize(("name", "digest"), LESSON.items())
def test_the_lesson_stands_as_it_was_pasted(name: str, digest: str) -> None:
    assert hashlib.sha256(PROGRAMS[name].program.encode()).hexdigest() == digest


def test_every_scenario_has_its_place_and_its_sentences() -> None:
    places = [(one.group, one.order) for one in load().values()]
    assert len(set(places)) == len(places)
    assert [GROUPS.index(group) for group, _ in places] == sorted(GROUPS.index(group) for group, _ in places)
    for one in load().values():
        assert re.fullmatch(r"[a-z][a-z_0-9]*", one.name)
        for language in LANGUAGES:
            assert render(one.title_id, {}, language)
            assert len(render(one.notice_id, {}, language)) < 320
            assert render(f"home.group.{one.group}", {}, language)
        assert bool(one.program) == (one.page == "program")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_fits_one_screen(name: str) -> None:
    lines = PROGRAMS[name].program.splitlines()
    assert len(lines) <= (60 if PROGRAMS[name].group == "lesson" else 30)
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", NUMBERED)
def test_the_numbers_of_a_sketch_are_those_of_the_run(name: str, traces: dict[str, Trace]) -> None:
    trace = traces[name]
    values = {value.number: value for value in trace.values}
    arrived = {event.node: [values[grad] for grad in event.grad_outputs if grad is not None] for event in trace.events}
    variables = dict(trace.steps[-1].variables)
    for node in parse(PROGRAMS[name].sketch).nodes.values():
        if not node.value:
            continue
        if node.kind == "operation":
            (row,) = [row for row in trace.operations if row.name == node.label]
            value, grads = values[row.outputs[0]], [grad for number in row.nodes for grad in arrived[number]]
        else:
            value = values[variables[node.label]]
            assert isinstance(value, TensorValue)
            held = [] if value.grad is None else [values[value.grad]]
            grads = held or ([] if value.node is None else arrived[value.node])
        assert element(value) == float(node.value)
        assert [element(grad) for grad in grads] == ([float(node.grad)] if node.grad else [])


def element(value: object) -> float:
    """The one element of a tensor."""
    assert isinstance(value, TensorValue)
    assert value.preview is not None
    (number,) = value.preview.values
    assert isinstance(number, (int, float))
    return number


def test_the_lesson_learns_the_line(traces: dict[str, Trace]) -> None:
    for name in ("linear_regression", "linear_regression_device"):
        values = {value.number: value for value in traces[name].values}
        model = values[dict(traces[name].steps[-1].variables)["model"]]
        assert isinstance(model, ModuleValue)
        weight, bias = (element(values[number]) for _, number in model.parameters)
        assert abs(weight - 2) < 0.01
        assert abs(bias - 1) < 0.05
        assert [file.name for file in traces[name].files] == ["model.pkl"]


def test_the_lesson_accumulates_one_two_three_four(traces: dict[str, Trace]) -> None:
    trace = traces["scalar_accumulate"]
    teller = Teller(trace)
    told = [row for row in map(teller.deposit, trace.deposits) if row[0] == "b"]
    assert [row[-1] for row in told] == [[1.0], [2.0], [3.0], [4.0]]


def test_stories_forgive_noise_and_nothing_else() -> None:
    assert close(1.0, 1.001)
    assert not close(1.0, 1.01)
    assert same_text("loss 0.5001 at <X 1>", "loss 0.5002 at <X 1>")
    assert not same_text("loss 0.5", "loss 0.6")
    assert not same_text("loss 0.5", "cost 0.5")
    assert differences({"a": [1, 2.0]}, {"a": [1, 2.0001]}) == []
    assert len(differences({"a": [1], "b": 2}, {"a": [1, 2], "c": 2})) == 3
    assert len(differences([True], [1])) == 1
    assert rounded(1.23456e-7) == 1.235e-07
    assert rounded(float("nan")) == "nan"
