"""The limits that are stated before training hold when training, on both sides of them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch

from engine import examination, regression, stability
from engine.regression_state import Budget, Settings

SMALL = Settings(dtype="float64", epochs=3_000)


def _grows(settings: Settings) -> bool:
    """Whether the run is further from the answer in the end than at its start, or overflowed."""
    state, chunk = regression.advance(regression.start(settings), Budget())
    losses = np.frombuffer(chunk.loss)
    return state.diverged is not None or losses[-1] > losses[0]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov"])
@pytest.mark.parametrize("data", ["line", "noise", "scaled", "features"])
def test_the_limit_parts_convergence_from_divergence(optimizer: str, data: str) -> None:
    """One per cent below it the loss falls, one per cent above it grows."""
    one = msgspec.structs.replace(SMALL, optimizer=optimizer, data=data, points=30)
    limit = examination.examine(one).stability.limit
    assert limit is not None
    # The settings' range does not bind the rule itself.
    assert not _grows(msgspec.structs.replace(one, lr=0.99 * limit))
    assert _grows(msgspec.structs.replace(one, lr=1.01 * limit))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov"])
@pytest.mark.parametrize("lr", [0.001, 0.01, 0.03])
def test_the_rate_is_the_spectral_radius(optimizer: str, lr: float) -> None:
    """Of the matrix that one step is, for curvatures over six decades."""
    one = Settings(optimizer=optimizer, lr=lr)
    beta = one.momentum
    for curvature in np.geomspace(1e-3, 1e3, 25):
        shrink = 1 - lr * curvature
        matrix = {
            "sgd": [[shrink, 0.0], [0.0, 0.0]],
            "momentum": [[shrink + beta, -beta], [1.0, 0.0]],
            "nesterov": [[(1 + beta) * shrink, -beta * shrink], [1.0, 0.0]],
        }[optimizer]
        expected = np.abs(np.linalg.eigvals(np.array(matrix))).max()
        assert stability.rate(one, lr, float(curvature)) == pytest.approx(expected, rel=1e-9)


def test_the_hessian_is_autograds() -> None:
    """Of the mean squared error over (w1, w2, b)."""
    points = regression.Problem(Settings(data="features", features=2, points=20, dtype="float64"))

    def loss(theta: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.mse_loss(points.x @ theta[:-1, None] + theta[-1], points.y)

    expected = torch.func.hessian(loss)(torch.zeros(3, dtype=torch.float64))
    np.testing.assert_allclose(stability.hessian(points.x.numpy()), expected.numpy(), rtol=1e-12)


def test_the_expected_epochs_come_true() -> None:
    """After as many epochs as were told, and not before, w and b are within 1 % of the start's distance."""
    one = Settings(dtype="float64", epochs=1_000)
    known = examination.examine(one)
    expected = known.stability.epochs
    assert expected is not None
    _, chunk = regression.advance(regression.start(one), Budget())
    distance = np.linalg.norm(np.frombuffer(chunk.parameters).reshape(-1, 2) - known.answer, axis=1)
    assert distance[expected] <= stability.NEAR * distance[0] < distance[expected - 1]


def test_the_explosion_is_foretold() -> None:
    """The epoch of the first non-finite number, from the curvature alone, within a tenth."""
    one = Settings(lr=0.03, epochs=2_000)
    known = examination.examine(one)
    told = stability.explosion(one, known.stability, known.start_loss)
    state, _ = regression.advance(regression.start(one), Budget())
    assert told is not None
    assert state.diverged == pytest.approx(told, rel=0.1)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"optimizer": "adam"}, "stability.own_steps"),
        ({"loss": "l1"}, "stability.no_curvature"),
        ({"batch": 2}, "stability.batches"),
    ],
)
def test_nothing_is_claimed_where_nothing_holds(changed: dict[str, object], reason: str) -> None:
    """No limit, and the reason why."""
    known = examination.examine(msgspec.structs.replace(Settings(), **changed)).stability
    assert known.limit is None
    assert known.reason == reason


def test_standardising_is_measured() -> None:
    """Badly scaled x has an enormous condition number; standardised, it has none to speak of."""
    known = examination.examine(Settings(data="scaled", points=40)).stability
    assert known.condition > 1e7
    assert known.standardised_condition == pytest.approx(1.0)
    assert known.standardised_limit == pytest.approx(1.0)


@pytest.mark.parametrize("data", ["noise", "features", "scaled", "outliers"])
def test_the_answer_is_least_squares(data: str) -> None:
    """As numpy's own solver gives it; its gradient is zero."""
    one = Settings(data=data, points=50)
    points = regression.Problem(msgspec.structs.replace(one, dtype="float64"))
    x, y = points.x.numpy(), points.y.numpy()[:, 0]
    expected = np.linalg.lstsq(np.column_stack([x, np.ones(len(y))]), y, rcond=None)[0]
    np.testing.assert_allclose(examination.least_squares(x, y), expected, rtol=1e-8)


@pytest.mark.parametrize("loss", ["mse", "l1", "huber", "smooth_l1"])
def test_the_bowl_is_the_loss(loss: str) -> None:
    """At every place of the grid, by the loss's own module."""
    one = Settings(data="noise", points=30, loss=loss, delta=0.5, dtype="float64")
    known = examination.examine(one)
    points = regression.Problem(one)
    for place in (0, 700, examination.GRID**2 // 2, examination.GRID**2 - 1):
        w, b = known.bowl.first[place % examination.GRID], known.bowl.second[place // examination.GRID]
        expected = examination.loss(one, points.x.numpy(), points.y.numpy()[:, 0], np.array([w, b]))
        assert known.bowl.loss[place] == pytest.approx(expected, rel=1e-9)
