"""What can be said of a run before it starts: its points, the exact answer, the curvature, the bowl. Runs beside torch.

The exact answer is least squares over [X 1], in float64, from centred sums (so that a far-off x costs no digits); where
features depend on each other it is the answer of smallest norm.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from engine import losses, stability
from engine.errors import InvalidState
from engine.regression import Problem, problem, start
from engine.regression_state import Bowl, Examination, Notice, Settings

Array = NDArray[np.float64]

SHOWN = 1_000
"""Points that are drawn."""
BOWL_POINTS = 2_000
"""Points from which the bowl is computed where the loss has no closed form."""
GRID = 45
"""Lines of the bowl's grid in each direction."""


def examine(settings: Settings, axes: tuple[int, int] | None = None) -> Examination:
    """Everything known before the first epoch; `axes` are the two parameters over which the bowl is drawn.

    Raises InvalidState where settings, points and axes do not fit each other.
    """
    one = problem(settings)
    x, y = one.x.cpu().double().numpy(), one.y.cpu().double().numpy()[:, 0]
    kind = np.float64 if settings.dtype == "float64" else np.float32
    theta = np.frombuffer(start(settings).parameters, kind).astype(np.float64)
    answer = least_squares(x, y)
    axes = axes or (0, one.features)
    if max(axes) > one.features or axes[0] == axes[1]:
        raise InvalidState("regression.axes", count=one.features + 1)
    shown = np.unique(np.linspace(0, one.count - 1, min(SHOWN, one.count)).astype(int))
    spread = float(((y - y.mean()) ** 2).mean())
    squares = float(np.mean((x @ answer[:-1] + answer[-1] - y) ** 2))
    notices = list(one.notices)
    if one.count > SHOWN:
        notices.append(Notice("regression.sampled", {"shown": len(shown), "count": one.count}))
    return Examination(
        count=one.count,
        names=one.names,
        target=one.target,
        rows=x[shown].tolist(),
        y=y[shown].tolist(),
        start=theta.tolist(),
        start_loss=loss(settings, x, y, theta),
        answer=answer.tolist(),
        answer_loss=loss(settings, x, y, answer),
        r2=1.0 - squares / spread if spread > 0 else None,
        total=spread,
        mean=one.mean.tolist(),
        scale=one.scale.tolist(),
        stability=stability.analyse(settings, x, theta - answer),
        bowl=bowl(settings, x, y, theta, answer, axes),
        device=_device_name(one),
        notices=notices,
    )


def least_squares(x: Array, y: Array) -> Array:
    """The weights and then the bias with the smallest mean squared error."""
    mean = x.mean(axis=0)
    centred = x - mean
    scale = np.where(centred.std(axis=0) > 0, centred.std(axis=0), 1.0)
    centred = centred / scale
    weights = np.linalg.pinv(centred.T @ centred, hermitian=True) @ (centred.T @ (y - y.mean())) / scale
    return np.concatenate([weights, [y.mean() - mean @ weights]])


def loss(settings: Settings, x: Array, y: Array, theta: Array) -> float:
    """The run's own loss at those parameters, in float64."""
    return float(_losses(settings, (x @ theta[:-1] + theta[-1] - y)[None])[0])


def _losses(settings: Settings, residuals: Array) -> Array:
    """The loss of each row of residuals, by PyTorch's own functions."""
    criterion = losses.criterion(settings.loss, settings.delta)
    criterion.reduction = "none"  # type: ignore[assignment]
    each = torch.from_numpy(np.ascontiguousarray(residuals))
    values: Array = criterion(each, torch.zeros_like(each)).mean(dim=1).numpy()
    return values


def bowl(settings: Settings, x: Array, y: Array, theta: Array, answer: Array, axes: tuple[int, int]) -> Bowl:
    """The loss on a grid around the answer, wide enough for the start and its mirror image.

    mse is computed from its Hessian, exactly; other losses from at most BOWL_POINTS points.
    """
    curved = stability.hessian(x)
    first, second = (_reach(curved, theta, answer, axis) for axis in axes)
    across, along = np.meshgrid(first, second)
    offsets = np.zeros((across.size, answer.size))
    offsets[:, axes[0]], offsets[:, axes[1]] = across.ravel() - answer[axes[0]], along.ravel() - answer[axes[1]]
    subsample = None
    if settings.loss == "mse":
        values = loss(settings, x, y, answer) + 0.5 * np.einsum("ij,jk,ik->i", offsets, curved, offsets)
    else:
        if x.shape[0] > BOWL_POINTS:
            subsample = BOWL_POINTS
            taken = np.linspace(0, x.shape[0] - 1, BOWL_POINTS).astype(int)
            x, y = x[taken], y[taken]
        points = np.concatenate([x, np.ones((x.shape[0], 1))], axis=1)
        residual = points @ answer - y
        values = np.concatenate([_losses(settings, residual + rows @ points.T) for rows in np.array_split(offsets, 32)])
    return Bowl(axes, first.tolist(), second.tolist(), values.tolist(), subsample)


def _reach(curved: Array, theta: Array, answer: Array, axis: int) -> Array:
    """The grid's coordinates along one parameter: at least as far as the start on both sides of the answer, and as far
    as the loss takes to rise by what the other parameters' distance costs, within reason."""
    distance = abs(theta[axis] - answer[axis])
    gap = theta - answer
    rise = 0.5 * float(gap @ curved @ gap)
    bend = max(float(curved[axis, axis]), 1e-12)
    natural = min(float(np.sqrt(2.0 * rise / bend)), 10.0 * max(distance, abs(answer[axis]), 1.0))
    reach = max(1.25 * distance, 0.7 * natural, 0.05 * abs(answer[axis]), 1e-3)
    return np.linspace(answer[axis] - reach, answer[axis] + reach, GRID)


def _device_name(one: Problem) -> str:
    if one.device.startswith("cuda"):
        return f"{one.device} ({torch.cuda.get_device_name(one.device)})"
    return one.device
