"""Why is .grad None, and the quiet mistakes: each kind by a program that has it and one that has not."""

from __future__ import annotations

import pytest

from engine.executors.base import Job
from engine.executors.inline import InlineExecutor
from engine.messages import LANGUAGES, render
from engine.reasons import Rows, quiet_notes, why_no_grad
from engine.scenarios import load
from engine.trace import TensorValue, Trace, assemble, check

W = "import torch\nw = torch.tensor([1.0, 2.0], requires_grad=True)\n"

WHY = {
    "non-leaf": (W + "y = w * 2\ny.sum().backward()\n", "y", "reason.non_leaf", 3),
    "converted": (
        "import torch\nw = torch.ones(2, requires_grad=True).double()\nw.sum().backward()\n",
        "w",
        "reason.converted",
        2,
    ),
    "not asked": ("import torch\nw = torch.ones(2)\n", "w", "reason.not_asked", None),
    "integer": ("import torch\nw = torch.arange(3)\n", "w", "reason.integer", None),
    "cut": (W + "y = (w * 2).detach()\n", "y", "reason.cut", 3),
    "cleared": (W + "w.sum().backward()\nw.grad = None\n", "w", "reason.cleared", 4),
    "no backward": (W + "y = w * 2\n", "w", "reason.no_backward", None),
    "returned": (W + "g = torch.autograd.grad(w.sum(), w)\n", "w", "reason.returned", 3),
    "cut off": (
        W + "v = torch.ones(2, requires_grad=True)\ny = w.detach() * v\ny.sum().backward()\n",
        "w",
        "reason.cut_off",
        5,
    ),
    "not reached": (W + "v = torch.ones(2, requires_grad=True)\nv.sum().backward()\n", "w", "reason.not_reached", 4),
    "pass failed": (
        W + "y = w.exp()\ny += 1\ntry:\n    y.sum().backward()\nexcept RuntimeError:\n    pass\n",
        "w",
        "reason.pass_failed",
        6,
    ),
}


def run(program: str) -> Trace:
    return check(assemble(InlineExecutor().run(Job(program)), source=program))


def tensor(trace: Trace, name: str) -> TensorValue:
    values = {value.number: value for value in trace.values}
    value = values[dict(trace.steps[-1].variables)[name]]
    assert isinstance(value, TensorValue)
    return value


@pytest.mark.parametrize(("program", "name", "code", "line"), WHY.values(), ids=list(WHY))
def test_why_grad_is_none(program: str, name: str, code: str, line: int | None) -> None:
    trace = run(program)
    reason = why_no_grad(Rows(trace), tensor(trace, name), trace.ticks)
    assert reason is not None
    assert reason.code == code
    assert (reason.span and reason.span[0]) == line
    for language in LANGUAGES:
        assert render(reason.code, reason.params, language)
        assert render(f"{reason.code}.way", reason.params, language)


@pytest.mark.parametrize("program", ["x = (1\n", "import torch\nif True:\n", "exec('1')\n"])
def test_what_never_ran_has_no_quiet_mistakes(program: str) -> None:
    """Its text may not even be Python."""
    trace = run(program)
    assert trace.outcome is not None
    assert trace.outcome.kind == "refused"
    assert quiet_notes(trace) == []


def test_a_grad_that_is_there_needs_no_reason() -> None:
    trace = run(W + "w.sum().backward()\n")
    assert why_no_grad(Rows(trace), tensor(trace, "w"), trace.ticks) is None


LOOP = """\
import torch
w = torch.tensor(1.0, requires_grad=True)
for i in range(4):
    loss = (w * 3 - 1) ** 2
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
"""

NOTES = {
    "column against row": (
        "import torch\npred = torch.rand(4, 1, requires_grad=True)\ny = torch.rand(4)\n"
        "loss = ((pred - y) ** 2).mean()\n",
        "note.column_against_row",
        4,
    ),
    "softmax before cross entropy": (
        "import torch, torch.nn.functional as F\nw = torch.rand(2, 3, requires_grad=True)\np = F.softmax(w, dim=1)\n"
        "loss = F.cross_entropy(p, torch.tensor([0, 1]))\n",
        "note.softmax_before_cross_entropy",
        4,
    ),
    "softmax before bce": (
        "import torch, torch.nn.functional as F\nw = torch.rand(3, requires_grad=True)\np = F.softmax(w, dim=0)\n"
        "loss = F.binary_cross_entropy(p, torch.zeros(3))\n",
        "note.softmax_before_bce",
        4,
    ),
    "scaled leaf": (
        "import torch\nw = torch.ones(3, requires_grad=True) * 0.1\nw.sum().backward()\n",
        "note.unnamed_leaf",
        2,
    ),
    "never cleared": (LOOP, "note.never_cleared", 5),
    "frozen in the optimizer": (
        "import torch\nw = torch.ones(2)\nv = torch.ones(2, requires_grad=True)\n"
        "opt = torch.optim.SGD([w, v], lr=0.1)\n",
        "note.frozen_in_optimizer",
        4,
    ),
    "training mode": (
        "import torch\nm = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.5))\nwith torch.no_grad():\n"
        "    y = m(torch.ones(1, 2))\n",
        "note.training_mode",
        4,
    ),
}

NOTES |= {
    "evaluation mode": (
        "import torch\nm = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.5))\nm.eval()\n"
        "opt = torch.optim.SGD(m.parameters(), lr=0.1)\nloss = m(torch.ones(1, 2)).sum()\nloss.backward()\n"
        "opt.step()\n",
        "note.eval_mode",
        5,
    ),
    "integers on the way": (
        "import torch\nw = torch.ones(2, requires_grad=True)\nv = torch.ones(2, requires_grad=True)\n"
        "k = (w * 3).long()\n(k * v).sum().backward()\n",
        "note.integer",
        4,
    ),
}

CLEAN = {
    "same shapes": NOTES["column against row"][0].replace("torch.rand(4)\n", "torch.rand(4, 1)\n"),
    "raw scores": NOTES["softmax before cross entropy"][0].replace("cross_entropy(p", "cross_entropy(w"),
    "sigmoid": NOTES["softmax before bce"][0].replace("F.softmax(w, dim=0)", "torch.sigmoid(w)"),
    "leaf": "import torch\nw = (torch.ones(3) * 0.1).requires_grad_()\nw.sum().backward()\n",
    "cleared": LOOP + "    w.grad = None\n",
    "trained": NOTES["evaluation mode"][0].replace("m.eval()", "m.train()"),
    "not trained, only looked at": NOTES["evaluation mode"][0].replace("opt.step()", "print(loss)"),
    "a layer without a name": "import torch\ny = torch.nn.Embedding(2, 3)(torch.tensor([0]))\ny.sum().backward()\n",
    "a grad that is retained": "import torch\nx = torch.ones(6, requires_grad=True).reshape(2, 3)\nx.retain_grad()\n"
    "x.sum().backward()\n",
    "accuracy": "import torch\nw = torch.ones(2, requires_grad=True)\ny = w * 2\nk = y.argmax()\ny.sum().backward()\n",
    "evaluated": NOTES["training mode"][0].replace("with torch.no_grad", "m.eval()\nwith torch.no_grad"),
}


@pytest.mark.parametrize(("program", "code", "line"), NOTES.values(), ids=list(NOTES))
def test_a_quiet_mistake_is_pointed_out(program: str, code: str, line: int) -> None:
    notes = [note for note in quiet_notes(run(program)) if note.code == code]
    assert [note.span[0] for note in notes if note.span] == [line]
    for language in LANGUAGES:
        assert render(notes[0].code, notes[0].params, language)
        assert render(f"{notes[0].code}.way", notes[0].params, language)


@pytest.mark.parametrize("program", CLEAN.values(), ids=list(CLEAN))
def test_what_is_right_is_not_pointed_at(program: str) -> None:
    assert quiet_notes(run(program)) == []


EXPECTED = {
    "softmax_bce": {"note.softmax_before_bce"},
    "softmax_cross_entropy": {"note.softmax_before_cross_entropy"},
    "column_against_row": {"note.column_against_row"},
    "double_makes_non_leaf": {"note.unnamed_leaf"},
    "missing_zero_grad": {"note.never_cleared"},
}


@pytest.mark.parametrize("name", [name for name, scenario in load().items() if scenario.program])
def test_no_false_alarm_on_a_scenario(name: str) -> None:
    program = load()[name].program
    assert program is not None
    assert {note.code for note in quiet_notes(run(program))} == EXPECTED.get(name, set())
