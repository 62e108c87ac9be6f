"""Exports: what leaves is readable without us, and an exported program proves its own numbers in plain Python."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.executors.base import Job
from engine.executors.inline import InlineExecutor
from engine.export import to_csv, to_json, to_notebook, to_script
from engine.limits import DEFAULT
from engine.trace import Outcome, Trace, assemble, check
from tests import traces

PROGRAMS = {
    "accumulate": """import torch
x = torch.rand(1)
w = torch.rand(1, requires_grad=True)
b = torch.rand(1, requires_grad=True)
z = w * x + b
for _ in range(4):
    z.backward(retain_graph=True)
""",
    "model": """import numpy as np
import torch
import torch.nn as nn
x = torch.from_numpy(np.arange(6, dtype=np.float32).reshape(-1, 1))
model = nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(30):
    optimizer.zero_grad()
    loss = ((model(x) - 2 * x) ** 2).mean()
    loss.backward()
    optimizer.step()
history = [loss.detach(), model.weight.detach().clone()]
""",
    "odd values": """import math
import torch
n = float("nan")
limit = math.inf
z = torch.tensor([1 + 2j, complex(0, math.inf)])
m = torch.tensor([[True, False], [False, True]])
a = torch.zeros(0, 3)
big = torch.arange(100.0).reshape(10, 10)
none = torch.tensor([math.nan, -math.inf])
half = torch.tensor([0.5, 0.25], dtype=torch.float16)
""",
    "withdrawn": """import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
(w * w).sum().backward()
w.grad.zero_()
v = torch.ones(2, requires_grad=True)
v.sum().backward()
v.grad = None
""",
    "raises": """import torch
w = torch.ones(1, requires_grad=True)
y = w * w
y.backward()
for again in range(2):
    # the graph is gone
    y.backward()
after = 1
""",
}


def run(source: str, seed: int) -> Trace:
    patient = msgspec.structs.replace(DEFAULT, soft_deadline=120.0)  # the first run imports torch
    return check(assemble(InlineExecutor(patient).run(Job(source=source, seed=seed)), source=source, seed=seed))


@pytest.fixture(scope="module")
def recorded() -> dict[str, Trace]:
    made = {name: run(source, seed=7) for name, source in PROGRAMS.items()}
    ends = {name: trace.outcome.kind for name, trace in made.items() if trace.outcome}
    assert ends == dict.fromkeys(PROGRAMS, "finished") | {"raises": "failed"}
    return made


def test_exported_scripts_and_notebooks_hold_in_plain_python(recorded: dict[str, Trace], tmp_path: Path) -> None:
    """One plain Python runs every script and every notebook's cells; the project is not on its path."""
    for number, trace in enumerate(recorded.values()):
        (tmp_path / f"script{number}.py").write_text(to_script(trace), "utf-8")
        cells = json.loads(to_notebook(trace))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
        (tmp_path / f"notebook{number}.py").write_text(text, "utf-8")
    every = "import glob, runpy\nfor path in sorted(glob.glob('*.py')):\n    runpy.run_path(path); print('held', path)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", every], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("held") == 2 * len(recorded)


@pytest.mark.parametrize(
    ("name", "shown", "wrong"),
    [("withdrawn", "[1.0, 2.0]", "[1.0, 2.5]"), ("withdrawn", "assert v.grad is None", "assert v.grad is not None")],
)
def test_a_wrong_number_is_caught(
    recorded: dict[str, Trace], tmp_path: Path, name: str, shown: str, wrong: str
) -> None:
    script = to_script(recorded[name])
    asserts = script.rindex("_check('w'")
    assert shown in script[asserts:]
    changed = script[:asserts] + script[asserts:].replace(shown, wrong, 1)
    done = subprocess.run(
        [sys.executable, "-I", "-c", changed], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert "AssertionError" in done.stderr


def test_what_is_asserted_covers_values_gradients_and_parameters(recorded: dict[str, Trace]) -> None:
    script = to_script(recorded["model"])
    for wanted in ("model.get_parameter('weight')", "model.get_parameter('bias').grad", "_check('loss'", "history[1]"):
        assert wanted in script
    assert "_check('w.grad', w.grad, (1,)" in to_script(recorded["accumulate"])
    assert "assert v.grad is None" in to_script(recorded["withdrawn"])


def test_a_run_that_did_not_end_is_exported_without_asserts() -> None:
    trace = Trace(source="x = 1\n", outcome=Outcome("stopped", code="limit.time"))
    assert "assert" not in to_script(trace)
    assert "x = 1" in to_script(trace)


def test_json_is_strict_and_whole(recorded: dict[str, Trace]) -> None:
    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} is not JSON")

    content = json.loads(to_json(recorded["odd values"]), parse_constant=refuse)
    assert content["source"] == PROGRAMS["odd values"]
    assert content["outcome"]["kind"] == "finished"
    cells = [value["preview"]["values"] for value in content["values"] if value["kind"] == "tensor"]
    assert ["nan", "-inf"] in cells
    assert [[1.0, 2.0], [0.0, "inf"]] in cells


def test_csv_has_a_line_for_each_tensor_after_each_step() -> None:
    trace = traces.accumulate()
    lines = list(csv.DictReader(io.StringIO(to_csv(trace))))
    assert len(lines) == sum(len(step.variables) for step in trace.steps)
    of_b = [(line["tick"], line["grad"]) for line in lines if line["name"] == "b"]
    assert of_b[:6] == [("4", "None"), ("5", "None"), ("6", "[1.0]"), ("7", "[2.0]"), ("8", "[3.0]"), ("9", "[4.0]")]


def test_csv_names_parameters_by_path(recorded: dict[str, Trace]) -> None:
    names = {line["name"] for line in csv.DictReader(io.StringIO(to_csv(recorded["model"])))}
    assert {"model.weight", "model.bias", "history[0]"} <= names
