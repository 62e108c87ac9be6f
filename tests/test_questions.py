"""Questions of a job, end to end: exact local Jacobians and the kernels of a node's backward, from the live node."""

from __future__ import annotations

import pytest
import torch

from engine.executors.base import Question
from engine.trace import Answer, Trace
from tests.recording import finished, record

PROGRAM = (
    "import torch\nw = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)\ny = torch.softmax(w, 0)\ny[0].backward()\n"
)


def node(trace: Trace, name: str) -> int:
    return next(one.number for one in trace.nodes if one.name == name)


def asked(source: str, kind: str, name: str) -> list[Answer]:
    subject = node(finished(source), name)
    return record(source, questions=(Question(kind, subject),)).answers


def test_a_jacobian_is_exact() -> None:
    [answer] = asked(PROGRAM, "jacobian", "SoftmaxBackward0")
    y = torch.softmax(torch.tensor([0.5, -1.0, 2.0]), 0)
    exact = torch.diag(y) - torch.outer(y, y)
    assert (answer.label, answer.shape) == ("0", (3, 3))
    assert answer.preview is not None
    torch.testing.assert_close(torch.tensor(answer.preview.values).reshape(3, 3), exact)


def test_a_jacobian_has_a_block_for_each_input_that_needs_grad() -> None:
    source = (
        "import torch\na = torch.tensor([1.0, 2.0], requires_grad=True)\nb = torch.tensor([3.0, 4.0],"
        " requires_grad=True)\ny = a * b\ny.sum().backward()\n"
    )
    first, second = asked(source, "jacobian", "MulBackward0")
    assert first.preview is not None
    assert second.preview is not None
    assert first.preview.values == [3.0, 0.0, 0.0, 4.0]
    assert second.preview.values == [1.0, 0.0, 0.0, 2.0]


def test_a_jacobian_of_a_broadcast_has_the_shape_of_its_inputs() -> None:
    source = (
        "import torch\na = torch.tensor([[1.0], [2.0]], requires_grad=True)\nb = torch.tensor([3.0, 4.0, 5.0],"
        " requires_grad=True)\ny = a * b\ny.sum().backward()\n"
    )
    a, b = torch.tensor([[1.0], [2.0]]), torch.tensor([3.0, 4.0, 5.0])
    blocks = torch.autograd.functional.jacobian(torch.mul, (a, b))  # type: ignore[no-untyped-call]
    for answer, exact in zip(asked(source, "jacobian", "MulBackward0"), blocks, strict=True):
        assert answer.shape == tuple(exact.shape)
        assert answer.preview is not None
        assert answer.preview.values == exact.flatten().tolist()


def test_a_node_first_met_in_a_pass_inside_a_call_can_be_asked() -> None:
    source = "import torch\nf = lambda x: x ** 3\nj = torch.autograd.functional.hessian(f, torch.tensor(2.0))\n"
    trace = finished(source)
    inside = next(one for one in trace.nodes if one.pass_ is not None)
    [answer, *_] = finished(source, questions=(Question("kernels", inside.number),)).answers
    assert answer.code == ""


def test_asking_changes_nothing_of_the_run() -> None:
    plain = finished(PROGRAM)
    asking = finished(PROGRAM, questions=(Question("jacobian", node(plain, "SoftmaxBackward0")),))
    assert asking.values == plain.values
    assert asking.events == plain.events
    assert [one.name for one in asking.nodes] == [one.name for one in plain.nodes]


def test_kernels_are_what_the_backward_runs() -> None:
    kernels = [answer.label for answer in asked(PROGRAM, "kernels", "SoftmaxBackward0")]
    assert any("_softmax_backward_data" in name for name in kernels)


@pytest.mark.parametrize(
    ("source", "name", "code"),
    [
        (
            "import torch\nclass Twice(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
            "        return x * 2\n    @staticmethod\n    def backward(ctx, g):\n        return g * 2\n"
            "w = torch.ones(2, requires_grad=True)\ny = Twice.apply(w)\ny.sum().backward()\n",
            "TwiceBackward",
            "run.question_own_code",
        ),
        (
            "import torch\nw = torch.ones(100, requires_grad=True)\ny = w.exp()\ny.sum().backward()\n",
            "ExpBackward0",
            "run.question_large",
        ),
    ],
)
def test_what_cannot_be_asked_says_why(source: str, name: str, code: str) -> None:
    assert [answer.code for answer in asked(source, "jacobian", name)] == [code]


def test_a_node_that_never_was_says_so() -> None:
    answers = finished(PROGRAM, questions=(Question("kernels", 999),)).answers
    assert [answer.code for answer in answers] == ["run.question_unmet"]
