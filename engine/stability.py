"""Which learning rates are stable, before anything is trained: the curvature of a quadratic loss tells.

With the augmented points X̃ = [X 1] the mean squared error has the Hessian H = 2/n X̃ᵀX̃ everywhere, and each
eigenvector of H is trained on its own. With step lr and curvature λ, gradient descent multiplies the distance to the
answer by 1 - lr λ, so it converges below lr = 2/λ_max. With momentum β the pair (distance now, distance before) is
multiplied by [[1 + β - lr λ, -β], [1, 0]], stable below 2(1 + β)/λ_max; with Nesterov's by [[(1 + β)(1 - lr λ), -β(1 -
lr λ)], [1, 0]], stable below 2(1 + β)/((1 + 2β) λ_max). (Polyak 1964; Sutskever et al. 2013 for the form of Nesterov's
step used here.) Weight decay adds itself to every eigenvalue. Units: λ in loss per squared parameter, lr its inverse.

Where it holds: full batches and SGD without or with momentum. It is exact for mse. For huber and smooth_l1 the
curvature is at most X̃ᵀX̃/n (over β for smooth_l1), so below the limit they cannot diverge, and above it the part near
the answer does not settle. For mini-batches and for the optimizers that scale their own steps nothing is claimed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.regression_state import Settings, Stability

Array = NDArray[np.float64]

NEAR = 0.01
"""Training counts as arrived when the parameters are within this share of their first distance from the answer."""


def hessian(x: Array) -> Array:
    """The Hessian of the mean squared error over (w, b) at points x (count, features)."""
    total, count = x.sum(axis=0), x.shape[0]
    corner = np.concatenate([total, [float(count)]])
    matrix = np.empty((x.shape[1] + 1, x.shape[1] + 1))
    matrix[:-1, :-1] = x.T @ x
    matrix[-1], matrix[:, -1] = corner, corner
    scaled: Array = matrix * (2.0 / count)
    return scaled


def curvature(settings: Settings) -> float:
    """The share of mse's Hessian that bounds the curvature of the run's loss; 0 for l1, which has none."""
    return {"mse": 1.0, "l1": 0.0, "huber": 0.5, "smooth_l1": 0.5 / settings.delta}[settings.loss]


def limit(settings: Settings, largest: float) -> float:
    """The largest stable learning rate at that largest curvature."""
    beta = settings.momentum
    if settings.optimizer == "momentum":
        return 2.0 * (1.0 + beta) / largest
    if settings.optimizer == "nesterov":
        return 2.0 * (1.0 + beta) / ((1.0 + 2.0 * beta) * largest)
    return 2.0 / largest


def rate(settings: Settings, lr: float, eigenvalue: float) -> float:
    """What the distance to the answer is multiplied by in each epoch, in the long run, along that eigenvector."""
    shrink, beta = 1.0 - lr * eigenvalue, settings.momentum
    if settings.optimizer == "sgd":
        return abs(shrink)
    if settings.optimizer == "momentum":
        trace, determinant = shrink + beta, beta
    else:
        trace, determinant = (1.0 + beta) * shrink, beta * shrink
    discriminant = trace * trace - 4.0 * determinant
    if discriminant < 0:
        return math.sqrt(determinant)
    root = math.sqrt(discriminant)
    return max(abs(trace + root), abs(trace - root)) / 2.0


def reason(settings: Settings) -> str:
    """The message id of the rule that holds for these settings, or of why none does."""
    if settings.optimizer not in ("sgd", "momentum", "nesterov"):
        return "stability.own_steps"
    if settings.loss == "l1":
        return "stability.no_curvature"
    if settings.batch is not None:
        return "stability.batches"
    suffix = "" if settings.loss == "mse" else ".bound"
    return f"stability.{settings.optimizer}{suffix}"


def holds(settings: Settings) -> bool:
    """True where a largest stable learning rate can be stated."""
    return reason(settings).split(".")[1] in ("sgd", "momentum", "nesterov")


def analyse(settings: Settings, x: Array, offset: Array) -> Stability:
    """Curvature, limit and expected length of a run on points x (as the model sees them) that starts `offset` away from
    the least-squares answer."""
    eigenvalues, vectors = np.linalg.eigh(hessian(x))
    eigenvalues = np.maximum(eigenvalues, 0.0)
    largest, smallest = float(eigenvalues[-1]), float(eigenvalues[0])
    condition = largest / smallest if smallest > largest * 1e-14 else math.inf
    mean, scale = x.mean(axis=0), x.std(axis=0)
    tame = np.linalg.eigvalsh(hessian((x - mean) / np.where(scale > 0, scale, 1.0)))
    known: dict[str, Any] = {
        "largest": largest,
        "smallest": smallest,
        "condition": condition,
        "standardised_condition": float(tame[-1] / tame[0]) if tame[0] > tame[-1] * 1e-14 else math.inf,
    }
    if not holds(settings):
        return Stability(**known, reason=reason(settings))
    share, decay = curvature(settings), settings.weight_decay
    bent = share * eigenvalues + decay
    top = float(bent[-1])
    least = float(min(value for value in bent if value > top * 1e-14))
    return Stability(
        **known,
        reason=reason(settings),
        limit=limit(settings, top),
        best=_best(settings, top, least),
        rate=max(rate(settings, settings.lr, float(value)) for value in bent if value > top * 1e-14),
        epochs=_epochs(settings, bent, vectors.T @ offset) if settings.loss == "mse" and not decay else None,
        standardised_limit=limit(settings, share * float(tame[-1]) + decay),
    )


def _best(settings: Settings, largest: float, smallest: float) -> float:
    """The learning rate with the smallest worst rate: 2/(λ_max + λ_min) for plain descent, else searched for."""
    if settings.optimizer == "sgd":
        return 2.0 / (largest + smallest)
    tried = np.geomspace(1e-3, 1.0, 400) * limit(settings, largest)
    worst = [max(rate(settings, lr, largest), rate(settings, lr, smallest)) for lr in tried]
    return float(tried[int(np.argmin(worst))])


def _epochs(settings: Settings, eigenvalues: Array, offset: Array) -> int | None:
    """Epochs until the distance to the answer is NEAR of what it was; None where it grows or stands still.

    Each direction decays at its own rate; the sum is monotone, so it is found by bisection.
    """
    moving = eigenvalues > eigenvalues[-1] * 1e-14
    rates = np.array([rate(settings, settings.lr, float(value)) for value in eigenvalues[moving]])
    parts = offset[moving] ** 2
    if not parts.sum() or not np.isfinite(rates).all() or (rates[parts > 0] >= 1.0).any():
        return None if parts.sum() else 0
    goal = NEAR**2 * parts.sum()

    def far(epoch: int) -> bool:
        return bool((parts * rates ** (2.0 * epoch)).sum() > goal)

    low, high = 0, 1
    while far(high):
        low, high = high, high * 2
        if high > 10**12:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if far(middle) else (low, middle)
    return high


def explosion(settings: Settings, stability: Stability, start_loss: float) -> int | None:
    """The epoch in which the loss of a diverging run should leave the range of its dtype; None where it is stable.

    The loss grows with the square of the rate. Starting wholly along the steepest direction is assumed, so the true
    epoch may be a few later.
    """
    if stability.rate is None or stability.rate <= 1.0 or not start_loss > 0:
        return None
    top = math.log(float(np.finfo(settings.dtype).max))
    return max(0, math.ceil((top - math.log(start_loss)) / (2.0 * math.log(stability.rate))))
