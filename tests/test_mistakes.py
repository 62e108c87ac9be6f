"""Each classic error: one failing program, what is said of it, and its fix, which runs to the end."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from engine.case import Reason
from engine.executors.base import Job
from engine.executors.inline import InlineExecutor
from engine.messages import LANGUAGES, render
from engine.mistakes import explain_failure
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
        2,
        "with torch.no_grad():\n    w -= 0.1",
    ),
    "not a scalar": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True)\ny = w * 2\ny.backward()\n",
        "mistake.not_scalar",
        {"name": "y", "shape": "(3,)"},
        4,
        3,
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
        2,
        "w.detach().numpy()",
    ),
    "shapes": Failing(
        "import torch\na = torch.rand(2, 3)\nb = torch.rand(4, 3)\nc = a @ b\n",
        "mistake.shapes_differ",
        {"shapes": "a (2, 3), b (4, 3)"},
        4,
        3,
        "a @ b.mT",
    ),
    "dtypes": Failing(
        "import torch\na = torch.rand(2, 3)\nb = torch.ones(3, 2, dtype=torch.float64)\nc = a @ b\n",
        "mistake.dtypes_differ",
        {"name": "b", "dtype": "float64"},
        4,
        3,
        "a @ b.float()",
    ),
    "devices": Failing(
        "import torch\na = torch.rand(2, 2)\nb = torch.empty(2, 2, device='meta')\nc = a + b\n",
        "mistake.devices_differ",
        {"name": "b", "device": "meta"},
        4,
        3,
        'device="cpu"',
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
    "two outputs that share a part": Failing(
        "import torch\nw = torch.tensor(1.0, requires_grad=True)\nh = w.exp()\na = h * 2\nb = h * 3\n"
        "a.backward()\nb.backward()\n",
        "mistake.second_backward",
        {"name": "b", "line": 7, "cause": 6},
        7,
        6,
        "a.backward(retain_graph=True)\nb.backward()",
    ),
    "an element modified": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True)\ny = w.exp()\ny[0] = 5.0\ny.sum().backward()\n",
        "mistake.modified_in_place",
        {"name": "y", "line": 4, "need": 3},
        3,
        4,
        "y = y.clone()\ny[0] = 5.0",
    ),
    "a parameter modified by its optimizer": Failing(
        "import torch\nm = torch.nn.Linear(2, 1)\nh = torch.ones(1, 2, requires_grad=True)\n"
        "optimizer = torch.optim.SGD(m.parameters(), lr=0.1)\n"
        "y = m(h).sum()\ny.backward(retain_graph=True)\noptimizer.step()\ny.backward()\n",
        "mistake.modified_in_place",
        {"name": "m.weight", "line": 7, "need": 5},
        5,
        7,
        None,
    ),
    "a parameter modified": Failing(
        "import torch\nm = torch.nn.Sequential(torch.nn.Linear(2, 1))\nm[0].weight.mul_(2)\n",
        "mistake.in_place_on_leaf",
        {"name": "m[0].weight"},
        3,
        2,
        "with torch.no_grad():\n    m[0].weight.mul_(2)",
    ),
    "not a scalar, by the function": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True)\ny = w * 2\ntorch.autograd.backward(y)\n",
        "mistake.not_scalar",
        {"name": "y", "shape": "(3,)"},
        4,
        3,
        "torch.autograd.backward(y.sum())",
    ),
    "copied": Failing(
        "import torch\nw = torch.tensor(3.0, requires_grad=True)\nloss = torch.tensor(w * 2)\nloss.backward()\n",
        "mistake.cut.copied",
        {"line": 3},
        4,
        3,
        "loss = w * 2\n",
    ),
    "an item": Failing(
        "import torch\nw = torch.tensor(3.0, requires_grad=True)\ny = torch.tensor((w * 2).item())\ny.backward()\n",
        "mistake.cut.item",
        {"line": 3},
        4,
        3,
        "y = w * 2\n",
    ),
    "without recording": Failing(
        "import torch\nw = torch.tensor(3.0, requires_grad=True)\nwith torch.no_grad():\n    y = w * 2\ny.backward()\n",
        "mistake.cut.no_grad",
        {"line": 4},
        5,
        4,
        "with torch.enable_grad():",
    ),
    "a cut that has nothing to do with it": Failing(
        "import torch\nw = torch.tensor(3.0, requires_grad=True)\nv = torch.tensor(2.0)\ny = v * 2\n"
        "seen = w.detach()\ny.backward()\n",
        "mistake.nothing_requires_grad",
        {"line": 3},
        6,
        3,
        "v = torch.tensor(2.0, requires_grad=True)",
    ),
    "a frozen module": Failing(
        "import torch\nm = torch.nn.Linear(2, 1)\nm.requires_grad_(False)\nm(torch.ones(1, 2)).sum().backward()\n",
        "mistake.frozen",
        {"line": 3},
        4,
        3,
        "m.requires_grad_(True)",
    ),
    "a gradient without a graph": Failing(
        "import torch\nw = torch.tensor(1.0, requires_grad=True)\n(g,) = torch.autograd.grad(w ** 3, w)\n"
        "g.backward()\n",
        "mistake.no_create_graph",
        {"line": 3},
        4,
        3,
        "torch.autograd.grad(w ** 3, w, create_graph=True)",
    ),
    "integers asked later": Failing(
        "import torch\nw = torch.tensor([1, 2])\nw.requires_grad_()\n(w * 2).sum().backward()\n",
        "mistake.integer_leaf",
        {"line": 3},
        3,
        None,
        "w = w.float()\nw.requires_grad_()",
    ),
    "numpy behind a plot": Failing(
        "import torch\nimport matplotlib.pyplot as plt\nw = torch.rand(3, requires_grad=True)\nplt.plot(w * 2)\n",
        "mistake.numpy_of_grad",
        {"name": "w * 2"},
        4,
        None,
        "plt.plot((w * 2).detach())",
    ),
    "grad of a non-leaf": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True)\ny = w * 2\ny.sum().backward()\nprint(y.grad.sum())\n",
        "mistake.grad_of_non_leaf",
        {"name": "y", "line": 5},
        5,
        3,
        "y.retain_grad()\ny.sum().backward()",
    ),
    "a leaf that was replaced": Failing(
        "import torch\nw = torch.tensor(1.0, requires_grad=True)\nfor _ in range(2):\n"
        "    ((w - 3) ** 2).backward()\n    w = w - 0.1 * w.grad\n    w.grad.zero_()\n",
        "mistake.leaf_replaced",
        {"name": "w", "line": 6, "made": 5},
        6,
        5,
        "    with torch.no_grad(): w -= 0.1 * w.grad",
    ),
    "a grad cleared before there is one": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True)\nw.grad.zero_()\nw.sum().backward()\n",
        "mistake.grad_is_none",
        {"name": "w"},
        3,
        None,
        "if w.grad is not None: w.grad.zero_()",
    ),
    "a non-leaf in an optimizer": Failing(
        "import torch\nw = torch.rand(3, requires_grad=True).double()\noptimizer = torch.optim.Adam([w], lr=0.1)\n",
        "mistake.non_leaf_in_optimizer",
        {"name": "w", "made": 2},
        3,
        2,
        "w = w.detach().requires_grad_()",
    ),
    "a layer of another size": Failing(
        "import torch\nm = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(3, 1))\n"
        "y = m(torch.ones(4, 3))\n",
        "mistake.layer_size",
        {"name": "torch.nn.Linear(3, 1)", "size": 2, "line": 2},
        3,
        2,
        "torch.nn.Linear(2, 1)",
    ),
    "a row that should be a column": Failing(
        "import torch\na = torch.rand(4, 3)\nb = torch.rand(4)\nc = a * b\n",
        "mistake.shapes_differ",
        {"shapes": "a (4, 3), b (4,)"},
        4,
        3,
        "a * b.unsqueeze(1)",
    ),
    "a model of doubles": Failing(
        "import torch\nm = torch.nn.Linear(3, 1).double()\nx = torch.ones(4, 3)\ny = m(x)\n",
        "mistake.dtypes_differ",
        {"name": "x", "dtype": "float32", "wanted": "float64"},
        4,
        3,
        "m(x.double())",
    ),
    "classes that are no integers": Failing(
        "import torch\nt = torch.tensor([0.0, 1.0])\nloss = torch.nn.functional.cross_entropy(torch.rand(2, 3), t)\n",
        "mistake.class_dtype",
        {"name": "t", "dtype": "float32"},
        3,
        2,
        "torch.rand(2, 3), t.long()",
    ),
    "a GPU": Failing(
        "import torch\ndevice = torch.device('cuda:0')\nm = torch.nn.Linear(2, 1).to(device)\n"
        "x = torch.ones(1, 2).cuda()\n",
        "mistake.no_cuda",
        {"line": 2},
        3,
        2,
        'torch.device("cpu")',
    ),
    "inference tensor changed": Failing(
        "import torch\nwith torch.inference_mode():\n    x = torch.ones(3)\nx.add_(1)\n",
        "mistake.inference_tensor",
        {"name": "x", "line": 2},
        4,
        2,
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
        assert "line 0" not in render(reason.code, reason.params, language)
        assert not re.search(r"第 0 行", render(reason.code, reason.params, language))
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
