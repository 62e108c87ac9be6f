"""Each classic error: one failing program, what is said of it, and its fix, which runs to the end."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from engine.executors.base import Job
from engine.executors.inline import InlineExecutor
from engine.messages import LANGUAGES, render
from engine.mistakes import Reason, explain_failure
from engine.trace import Trace, assemble, check


class Failing(NamedTuple):
    """A program, the id and parameters of its reason, the lines it points at, and a piece of the mended text."""

    program: str
    code: str
    params: dict[str, str | int]
    line: int
    cause: int | None
    mended: str | None


CASES = {
    "second backward": Failing(
        "import torch\nw = torch.tensor(2.0, requires_grad=True)\nz = w * w\nz.backward()\nz.backward()\n",
        "mistake.second_backward",
        {"line": 5, "cause": 4},
        5,
        4,
        "z.backward(retain_graph=True)\nz.backward()",
    ),
    "second backward in a loop": Failing(
        "import torch\nw = torch.tensor(2.0, requires_grad=True)\nz = w * w\nfor i in range(2):\n    z.backward()\n",
        "mistake.second_backward_loop",
        {"line": 5, "cause": 5},
        5,
        5,
        "    z.backward(retain_graph=True)",
    ),
    "needed tensor modified": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True)\ny = w.exp()\ny += 1\ny.sum().backward()\n",
        "mistake.modified_in_place",
        {"name": "y", "line": 4, "need": 3, "node": "ExpBackward0"},
        3,
        4,
        "y = y + 1",
    ),
    "needed tensor modified by a method": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True)\ny = torch.sigmoid(w)\ny.mul_(2)\ny.sum().backward()\n",
        "mistake.modified_in_place",
        {"name": "y", "line": 4, "need": 3, "node": "SigmoidBackward0"},
        3,
        4,
        "y = y.mul(2)",
    ),
    "leaf modified": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True)\nw -= 0.1\nprint(w.shape)\n",
        "mistake.in_place_on_leaf",
        {"name": "w"},
        3,
        None,
        "with torch.no_grad():\n    w -= 0.1",
    ),
    "not a scalar": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True)\ny = w * 2\ny.backward()\n",
        "mistake.not_scalar",
        {"name": "y", "shape": "(3,)"},
        4,
        None,
        "y.sum().backward()",
    ),
    "detached": Failing(
        "import torch\nw = torch.tensor(3.0, requires_grad=True)\ny = (w * 2).detach()\ny.backward()\n",
        "mistake.cut.detach",
        {"line": 3},
        4,
        3,
        "y = w * 2\n",
    ),
    "nothing requires grad": Failing(
        "import torch\nw = torch.tensor(3.0)\ny = w * 2\ny.backward()\n",
        "mistake.nothing_requires_grad",
        {"line": 2},
        4,
        2,
        "torch.tensor(3.0, requires_grad=True)",
    ),
    "integers": Failing(
        "import torch\nw = torch.tensor([1, 2, 3], requires_grad=True)\n(w * 2).sum().backward()\n",
        "mistake.integer_leaf",
        {},
        2,
        None,
        "torch.tensor([1, 2, 3], requires_grad=True, dtype=torch.float32)",
    ),
    "numpy": Failing(
        "import torch\n中文 = '图'; w = torch.rand(3, requires_grad=True)\na = w.numpy()\n",
        "mistake.numpy_of_grad",
        {"name": "w"},
        3,
        None,
        "w.detach().numpy()",
    ),
    "shapes": Failing(
        "import torch\na = torch.rand(2, 3)\nb = torch.rand(4, 3)\nc = a @ b\n",
        "mistake.shapes_differ",
        {"shapes": "a (2, 3), b (4, 3)"},
        4,
        None,
        "a @ b.T",
    ),
    "dtypes": Failing(
        "import torch\na = torch.rand(2, 3)\nb = torch.ones(3, 2, dtype=torch.float64)\nc = a @ b\n",
        "mistake.dtypes_differ",
        {"name": "b", "dtype": "float64"},
        4,
        None,
        "a @ b.float()",
    ),
    "devices": Failing(
        "import torch\na = torch.rand(2, 2)\nb = torch.empty(2, 2, device='meta')\nc = a + b\n",
        "mistake.devices_differ",
        {"name": "b", "device": "meta"},
        4,
        None,
        None,
    ),
    "inference tensor": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True)\nwith torch.inference_mode():\n    x = torch.ones(3)\n"
        "y = w * x\n",
        "mistake.inference_tensor",
        {"line": 3},
        5,
        3,
        "with torch.no_grad():",
    ),
}


def run(program: str) -> Trace:
    return check(assemble(InlineExecutor().run(Job(program)), source=program))


def explained(program: str) -> tuple[Trace, Reason]:
    trace = run(program)
    reason = explain_failure(trace)
    assert reason is not None, trace.outcome
    return trace, reason


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_the_error_is_explained_at_its_place(case: Failing) -> None:
    trace, reason = explained(case.program)
    assert reason.code == case.code
    assert case.params.items() <= reason.params.items()
    assert reason.span is not None
    assert reason.span[0] == case.line
    assert (reason.cause and reason.cause[0]) == case.cause
    for language in LANGUAGES:
        assert render(reason.code, reason.params, language)
        assert render(f"{reason.code}.way", reason.params, language)
    assert trace.outcome is not None
    assert trace.outcome.message


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.mended], ids=lambda case: case.code)
def test_the_fix_runs(case: Failing) -> None:
    _, reason = explained(case.program)
    assert reason.fix is not None
    assert case.mended is not None
    assert case.mended in reason.fix
    outcome = run(reason.fix).outcome
    assert outcome is not None
    assert outcome.kind == "finished", outcome


def test_a_run_that_finished_has_no_reason() -> None:
    assert explain_failure(run("import torch\n")) is None


def test_an_error_that_is_none_of_the_classic_ones_has_no_reason() -> None:
    assert explain_failure(run("1 / 0\n")) is None
