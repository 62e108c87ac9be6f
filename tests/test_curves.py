"""Kinks, jumps, poles and stretches without a value are found on real samples, and on no others."""

from __future__ import annotations

import math

import pytest
import torch

from engine.curves import Mark, kink_at, marks


def special(text: str, low: float = -3.0, high: float = 3.0) -> list[Mark]:
    """The marks of a function of x, sampled with its derivative as the page samples it."""

    def function(x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = eval(text, {"torch": torch, "x": x})
        return found

    xs = torch.linspace(low, high, 601)
    slopes, values = torch.func.vmap(torch.func.grad_and_value(function))(xs)
    return marks(xs.tolist(), values.tolist(), slopes.tolist())


@pytest.mark.parametrize(
    "text",
    [
        "x ** 2",
        "torch.sin(5 * x)",
        "torch.exp(x)",
        "torch.tanh(20 * x)",
        "torch.nn.functional.softplus(x)",
        "x * 0 + 2",
    ],
)
def test_smooth_curves_have_none(text: str) -> None:
    assert special(text) == []


@pytest.mark.parametrize(
    ("text", "place", "before", "after"),
    [
        ("torch.relu(x)", 0, 0, 1),
        ("torch.abs(x - 1)", 1, -1, 1),
        ("torch.maximum(x, x ** 2)", 1, 1, 2),
        ("torch.nn.functional.leaky_relu(x)", 0, 0.01, 1),
    ],
)
def test_a_kink_turns_the_slope_at_once(text: str, place: float, before: float, after: float) -> None:
    mark = special(text)[-1]
    assert mark.kind == "kink"
    assert mark.start - 0.011 <= place <= mark.end + 0.011
    assert mark.before == pytest.approx(before, abs=0.05)
    assert mark.after == pytest.approx(after, abs=0.05)


def test_a_jump_changes_the_value() -> None:
    assert {one.kind for one in special("torch.floor(x)")} == {"jump"}
    (mark,) = special("torch.sign(x)")
    assert (mark.kind, mark.before) == ("jump", -1)


@pytest.mark.parametrize("text", ["1 / x", "1 / (x - 0.123)", "torch.tan(x)", "1 / (x - 0.001) ** 2"])
def test_a_pole_is_no_kink(text: str) -> None:
    assert {one.kind for one in special(text)} == {"pole"}


def test_stretches_without_a_value() -> None:
    (mark,) = special("torch.log(x - 0.001)")
    assert mark.kind == "undefined"
    assert mark.start == -3
    assert mark.end == pytest.approx(0, abs=0.011)
    assert [one.kind for one in special("torch.exp(100 * x)")][-1] == "infinite"


def test_an_infinite_slope_at_a_finite_value() -> None:
    (mark,) = marks([0.0, 1.0, 2.0], [0.0, 1.0, 1.4], [math.inf, 0.5, 0.35])
    assert (mark.kind, mark.start, mark.end) == ("steep", 0.0, 0.0)


def test_there_are_never_more_than_fit() -> None:
    assert len(special("torch.floor(20 * x)")) == 12


def test_an_oscillation_that_samples_cannot_follow_is_no_pole() -> None:
    xs = torch.linspace(-3, 3, 601)
    slopes, values = torch.vmap(torch.func.grad_and_value(lambda x: torch.sin(1 / x)))(xs)
    found = marks(xs.tolist(), values.tolist(), slopes.tolist())
    assert [one for one in found if one.kind == "pole"] == []


def test_a_point_on_a_kink_is_told() -> None:
    xs = torch.linspace(-3, 3, 601)
    slopes, values = torch.vmap(torch.func.grad_and_value(torch.abs))(xs)
    found = marks(xs.tolist(), values.tolist(), slopes.tolist())
    kink = kink_at(found, 0.0)
    assert kink is not None
    assert (kink.before, kink.after) == (-1.0, 1.0)
    assert kink_at(found, 0.5) is None
