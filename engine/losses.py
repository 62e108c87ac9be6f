"""The gradient of a linear model's loss, written out: no graph, no allocation, the same kernels that autograd runs.

For y' = x wᵀ + b on n points, with r = y' - y and the mean over the points:

    loss       value                                  d loss / d y'
    mse        mean(r²)                               2 r / n
    l1         mean(|r|)                              sign(r) / n
    huber      mean(c (r - c/2)), c = clamp(r, ±δ)    clamp(r, ±δ) / n
    smooth_l1  huber / β (δ = β)                      clamp(r / β, ±1) / n

    d loss / d w = (d loss / d y')ᵀ x        d loss / d b = sum(d loss / d y')

Each row is proved against torch.autograd in the tests. Products and sums are done by the operators that nn.Linear's own
backward calls, in its order of operands, so that small problems agree with it to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

LARGE = 100_000
"""Points from which on memory traffic counts for more than the number of calls.

There the last bits are no longer those of nn.Linear's backward: a float32 sum of so many terms depends on their order,
in any implementation. What is promised instead, of each sum against float64: an error of at most 1e-5 of the sum of its
terms' magnitudes. (A million terms that are almost equal round the same way each time: 3e-4 there, where autograd's
product is off by 4e-3.) A gradient is such a sum, and near the answer its terms cancel: relative to a gradient that has
become small the same error is larger, for autograd as for this.
"""

Gradient = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], None]
"""(x, y, weight (features, 1), bias (1,), weight's gradient (1, features), bias's (1, 1), sum of the losses ()):
reads the first four and writes the last three."""


def gradient(loss: str, count: int, features: int, like: Tensor, delta: float = 1.0) -> Gradient:
    """The step for batches of `count` points. It owns its scratch space on the device and in the dtype of `like`.

    The slot gets the sum of the losses of the points, not their mean (for smooth_l1, times β).
    """
    residual = torch.empty(count, 1, dtype=like.dtype, device=like.device)
    slope = torch.empty_like(residual)
    scratch = torch.empty_like(residual)
    large = features == 1 and count >= LARGE
    miss = (_long_miss if like.is_cpu else _large_miss) if large else _miss
    contract = _large_dot if large else _contract
    flat, flat_slope, flat_scratch = residual.view(-1), slope.view(-1), scratch.view(-1)
    sub, mul, total, dot = torch.sub, torch.mul, torch.sum, torch.dot
    share = 1.0 / count
    one = torch.ones((), dtype=like.dtype, device=like.device)
    zero = torch.zeros_like(residual) if loss == "smooth_l1" else residual
    smooth = torch.ops.aten.smooth_l1_loss_backward.grad_input

    def mse(x: Tensor, y: Tensor, w: Tensor, b: Tensor, gw: Tensor, gb: Tensor, slot: Tensor) -> None:
        miss(x, y, w, b, residual)
        dot(flat, flat, out=slot)
        mul(residual, 2.0 * share, out=slope)
        contract(slope, x, gw)
        total(slope, 0, True, out=gb)

    def large_mse(x: Tensor, y: Tensor, w: Tensor, b: Tensor, gw: Tensor, gb: Tensor, slot: Tensor) -> None:
        miss(x, y, w, b, residual)
        contract(residual, x, gw)
        total(residual, 0, True, out=gb)
        mul(flat, flat, out=flat)  # in place: a buffer more would not stay in the cache
        total(flat, 0, out=slot)  # not dot, whose float32 sum of equal signs would be off by up to 3e-4
        gw.mul_(2.0 * share)  # a scalar now instead of every point before: one pass over memory less
        gb.mul_(2.0 * share)

    def l1(x: Tensor, y: Tensor, w: Tensor, b: Tensor, gw: Tensor, gb: Tensor, slot: Tensor) -> None:
        miss(x, y, w, b, residual)
        torch.sign(residual, out=slope)
        total(torch.abs(flat, out=flat_scratch), 0, out=slot)
        mul(slope, share, out=slope)
        contract(slope, x, gw)
        total(slope, 0, True, out=gb)

    def clamped(x: Tensor, y: Tensor, w: Tensor, b: Tensor, gw: Tensor, gb: Tensor, slot: Tensor) -> None:
        miss(x, y, w, b, residual)
        torch.clamp(residual, -delta, delta, out=slope)
        sub(residual, slope, alpha=0.5, out=scratch)
        dot(flat_slope, flat_scratch, out=slot)
        if loss == "huber":
            mul(slope, share, out=slope)
        else:
            # PyTorch's own kernel: the order of its products differs between vectors and their rests.
            smooth(one, residual, zero, 1, delta, grad_input=slope)
        contract(slope, x, gw)
        total(slope, 0, True, out=gb)

    quadratic = large_mse if count >= LARGE else mse
    return {"mse": quadratic, "l1": l1, "huber": clamped, "smooth_l1": clamped}[loss]


def divisor(loss: str, delta: float) -> float:
    """What the sums in the slots are to be divided by, besides the number of points."""
    return delta if loss == "smooth_l1" else 1.0


def criterion(loss: str, delta: float) -> torch.nn.Module:
    """PyTorch's own module for that loss."""
    if loss == "huber":
        return torch.nn.HuberLoss(delta=delta)
    if loss == "smooth_l1":
        return torch.nn.SmoothL1Loss(beta=delta)
    return torch.nn.MSELoss() if loss == "mse" else torch.nn.L1Loss()


def _miss(x: Tensor, y: Tensor, w: Tensor, b: Tensor, out: Tensor) -> None:
    """The residuals x wᵀ + b - y."""
    torch.addmm(b, x, w, out=out)
    torch.sub(out, y, out=out)


def _large_miss(x: Tensor, y: Tensor, w: Tensor, b: Tensor, out: Tensor) -> None:
    # The same bits as addmm with one column, at a third of the time.
    torch.mul(x, w, out=out)
    torch.add(out, b, out=out)
    torch.sub(out, y, out=out)


def _long_miss(x: Tensor, y: Tensor, w: Tensor, b: Tensor, out: Tensor) -> None:
    # Two passes over memory instead of three. PyTorch reads w as a number, which is free on the CPU alone.
    torch.sub(b, y, out=out)
    torch.add(out, x, alpha=w.view(()), out=out)  # type: ignore[call-overload]


def _contract(slope: Tensor, x: Tensor, out: Tensor) -> None:
    torch.mm(slope.t(), x, out=out)


def _large_dot(slope: Tensor, x: Tensor, out: Tensor) -> None:
    # One column: mm takes twenty times as long as dot here, and its error is a hundred times larger.
    torch.dot(slope.view(-1), x.view(-1), out=out.view(()))
