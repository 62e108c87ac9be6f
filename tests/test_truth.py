"""The truth badge: gradients of whole programs against finite differences in float64."""

from __future__ import annotations

import pytest

from engine.executors.base import Question
from engine.scenarios import load
from engine.trace import Answer, Trace
from tests.recording import record


def truth(source: str, label: str) -> Answer:
    leaf = leaf_of(record(source), label)
    [answer] = record(source, questions=(Question("truth", leaf),)).answers
    return answer


def leaf_of(trace: Trace, label: str) -> int:
    return next(node.leaf for node in trace.nodes if node.leaf is not None and node.label == label)


W = "import torch\nw = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)\n"


@pytest.mark.parametrize(
    ("source", "label", "count"),
    [
        (W + "(w.sin() * w).sum().backward()\n", "w", 3),
        (W + "torch.softmax(w, 0)[0].backward()\n", "w", 3),
        ("import torch\nw = torch.randn(3, requires_grad=True)\n(w * torch.rand(3)).exp().sum().backward()\n", "w", 3),
        (
            "import torch\nlinear = torch.nn.Linear(2, 3)\ndropout = torch.nn.Dropout(0.5)\n"
            "dropout(torch.tanh(linear(torch.randn(4, 2)))).pow(2).sum().backward()\n",
            "linear.weight",
            6,
        ),
        (W + "y = w * 2\ny.backward(gradient=torch.tensor([1.0, 2.0, 3.0]))\n", "w", 3),
        (W + "y = (w ** 3).sum()\n(g,) = torch.autograd.grad(y, w)\n", "w", 3),
    ],
    ids=["sin", "softmax", "random draws", "a module with dropout", "backward with a gradient", "autograd.grad"],
)  # fmt: skip
def test_true_gradients_are_found_true(source: str, label: str, count: int) -> None:
    answer = truth(source, label)
    assert (answer.code, answer.label) == ("truth.right", "right"), answer
    assert answer.params["count"] == count
    assert float(answer.params["error"]) < 1e-4


def test_a_wrong_gradient_is_found_wrong() -> None:
    source = (
        "import torch\nclass Wrong(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
        "        return x * 3\n    @staticmethod\n    def backward(ctx, g):\n        return g * 2\n"
        "w = torch.ones(2, requires_grad=True)\nWrong.apply(w).sum().backward()\n"
    )
    answer = truth(source, "w")
    assert (answer.code, answer.label) == ("truth.wrong", "wrong")
    assert answer.preview is not None
    assert answer.preview.values[0] == 2.0
    assert answer.preview.values[1] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("source", "label", "code"),
    [
        ("import torch\nw = torch.zeros(2, requires_grad=True)\ntorch.relu(w).sum().backward()\n", "w", "truth.kinks"),
        (W + "(w.float().double() if w.dtype == torch.float32 else w).sum().backward()\n", "w", "truth.other_nodes"),
    ],
)
def test_what_cannot_be_compared_says_so(source: str, label: str, code: str) -> None:
    assert truth(source, label).code == code


def test_no_scenario_has_a_wrong_gradient() -> None:
    for name in (
        "chain_rule",
        "diamond",
        "broadcast_bias",
        "softmax_cross_entropy",
        "module_tree",
        "missing_zero_grad",
    ):
        source = load()[name].program
        assert source is not None
        trace = record(source)
        leaves = [node.leaf for node in trace.nodes if node.leaf is not None and node.label]
        questions = tuple(Question("truth", leaf) for leaf in leaves)
        answers = record(source, questions=questions).answers
        assert len(answers) == len(leaves)
        assert not [answer for answer in answers if answer.label == "wrong"], name
        assert any(answer.label == "right" for answer in answers), (name, answers)


def test_a_gradient_that_is_meant_to_differ_is_seen_to_differ() -> None:
    """The scenario's Function has a backward of its own choice: it is not the slope of its forward."""
    source = load()["custom_function"].program
    assert source is not None
    trace = record(source)
    leaf = next(node.leaf for node in trace.nodes if node.leaf is not None)
    assert [answer.label for answer in record(source, questions=(Question("truth", leaf),)).answers] == ["wrong"]
