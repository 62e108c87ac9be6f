"""Forward mode beside backward mode: tangents are those of torch.func.jvp, and the two ends meet in one number."""

from __future__ import annotations

import pytest
import torch

from engine.executors.base import Question
from engine.messages import LANGUAGES, render
from engine.scenarios import load
from engine.side_by_side import Row, side_by_side
from engine.trace import Answer, Trace
from tests.recording import record

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own, in forward mode
CHAIN = (
    "import torch\nw = torch.tensor([1.0, 2.0], requires_grad=True)\ny = w * w\nz = y.sin()\nloss = (z * y).sum()\n"
    "loss.backward()\n"
)


def leaf_of(trace: Trace, label: str) -> int:
    return next(node.leaf for node in trace.nodes if node.leaf is not None and node.label == label)


def asked(source: str, label: str) -> tuple[Trace, list[Answer]]:
    trace = record(source)
    return trace, record(source, questions=(Question("forward", leaf_of(trace, label)),)).answers


def rows(source: str, label: str) -> list[Row]:
    trace, answers = asked(source, label)
    return side_by_side(trace, leaf_of(trace, label), int(answers[-1].params["pass"]), answers)


def test_tangents_are_those_of_torch_func_jvp() -> None:
    def program(w: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = w * w
        return w, y, y.sin(), (y.sin() * y).sum()

    w = torch.tensor([1.0, 2.0])
    tangents = torch.func.jvp(program, (w,), (torch.ones(2),))[1]
    _, answers = asked(CHAIN, "w")
    assert [answer.label for answer in answers] == ["w", "y", "z", "loss", ""]
    for answer, exact in zip(answers, tangents, strict=False):
        assert answer.preview is not None
        assert answer.preview.values == pytest.approx(exact.flatten().tolist(), rel=1e-5)


def test_every_variable_has_its_gradient_beside_its_tangent() -> None:
    w, y, z, loss = rows(CHAIN, "w")
    assert (w.line, y.line, loss.line) == (None, 3, 5)
    assert (w.forward, loss.backward) == ((1.0, 1.0), (1.0,))
    squares = torch.tensor([1.0, 4.0])
    assert y.backward == pytest.approx((squares.sin() + squares * squares.cos()).tolist(), rel=1e-5)
    assert z.backward == (1.0, 4.0)
    assert w.product == pytest.approx(y.product) == pytest.approx(loss.product)  # all of the flow goes through y
    assert z.product != pytest.approx(y.product)  # a part of it goes past z


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("chain_rule", "agree"), ("non_scalar_backward", "agree"), ("module_tree", "agree"),
        ("second_derivative", "agree"),
        ("missing_zero_grad", "agree"), ("no_grad_detach", "differ"), ("hooks", "differ"),
        ("custom_function", "failed"),
    ],
)  # fmt: skip
def test_both_ends_of_a_scenario(name: str, code: str) -> None:
    source = load()[name].program
    assert source is not None
    label = next(node.label for node in record(source).nodes if node.leaf is not None and node.label)
    last = asked(source, label)[1][-1]
    assert last.code == f"forward.{code}"
    if code == "agree":
        assert last.params["forward"] == pytest.approx(last.params["backward"], rel=1e-4)
    for language in LANGUAGES:
        assert render(last.code, last.params, language)


def test_the_run_that_is_pushed_leaves_the_recorded_one_as_it_was() -> None:
    plain = record(CHAIN)
    asking = record(CHAIN, questions=(Question("forward", leaf_of(plain, "w")),))
    assert asking.values == plain.values
    assert asking.events == plain.events


def test_what_has_no_pass_or_no_name_says_so() -> None:
    source = CHAIN + "v = torch.ones(1, requires_grad=True)\nu = v * 2\n"
    assert [answer.code for answer in asked(source, "v")[1]] == ["truth.no_grad"]
