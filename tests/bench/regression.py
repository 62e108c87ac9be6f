"""Epochs per second of the trainer, as ratios measured side by side in one run.

    python -m tests.bench.regression [--device cuda] [--rounds 7]

`advance` records every epoch's loss, parameters and gradients and makes them bytes; the loops it is measured against
record nothing. Rounds alternate, and the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from engine import regression
from engine.regression_state import Budget, Settings

Loop = Callable[[int], None]


def lesson(points: regression.Problem, settings: Settings) -> Loop:
    """The lesson's bare loop: nn.Module, zero_grad, MSELoss, backward, SGD.step."""
    torch.manual_seed(settings.seed)
    model = nn.Linear(points.features, 1).to(points.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=settings.lr)
    criterion = nn.MSELoss()

    def run(epochs: int) -> None:
        for _ in range(epochs):
            optimizer.zero_grad()
            loss = criterion(model(points.x), points.y)
            loss.backward()
            optimizer.step()

    return run


def functional(points: regression.Problem, settings: Settings) -> Loop:
    """The same with autograd, without modules."""
    w = torch.zeros(points.features, 1, device=points.device, requires_grad=True)
    b = torch.zeros(1, device=points.device, requires_grad=True)

    def run(epochs: int) -> None:
        for _ in range(epochs):
            loss = ((points.x @ w + b - points.y) ** 2).mean()
            grads = torch.autograd.grad(loss, (w, b))
            with torch.no_grad():
                w.sub_(grads[0], alpha=settings.lr)
                b.sub_(grads[1], alpha=settings.lr)

    return run


def by_hand(points: regression.Problem, settings: Settings) -> Loop:
    """The gradients written out, as somebody in a hurry writes them."""
    w, b = torch.zeros(points.features, 1, device=points.device), torch.zeros(1, device=points.device)
    share = 2.0 / points.count

    @torch.inference_mode()
    def run(epochs: int) -> None:
        nonlocal w, b
        for _ in range(epochs):
            residual = points.x * w + b - points.y if points.features == 1 else points.x @ w + b - points.y
            (residual * residual).mean()
            slope = residual.view(-1) @ points.x.view(-1) if points.features == 1 else points.x.t() @ residual
            w = w - settings.lr * share * slope
            b = b - settings.lr * share * residual.sum()

    return run


def ours(settings: Settings) -> Loop:
    """The trainer."""
    state = regression.start(settings)

    def run(epochs: int) -> None:
        nonlocal state
        state, _ = regression.advance(state, Budget(epochs=epochs, every=1))

    return run


def compare(settings: Settings, epochs: int, rounds: int) -> dict[str, float]:
    """Seconds per epoch of each loop, medians over alternating rounds."""
    points = regression.problem(settings)
    loops = {
        "advance, recording": ours(settings),
        "lesson": lesson(points, settings),
        "functional": functional(points, settings),
        "by hand": by_hand(points, settings),
    }
    taken: dict[str, list[float]] = {name: [] for name in loops}
    for loop in loops.values():
        loop(max(2, epochs // 10))
    for _ in range(rounds):
        for name, loop in loops.items():
            _settle(points)
            began = time.perf_counter()
            loop(epochs)
            _settle(points)
            taken[name].append((time.perf_counter() - began) / epochs)
    return {name: statistics.median(times) for name, times in taken.items()}


def _settle(points: regression.Problem) -> None:
    if points.x.is_cuda:
        torch.cuda.synchronize(points.x.device)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    for count, epochs in ((11, 2_000), (1_000_000, 20 if given.device == "cpu" else 500)):
        settings = Settings(points=count, lr=0.001, epochs=1_000_000, device=given.device)
        times = compare(settings, epochs, given.rounds)
        print(f"\n{count:,} points on {regression.problem(settings).device}")
        for name, seconds in times.items():
            ratio = seconds / times["advance, recording"]
            print(f"  {name:<20} {seconds * 1e6:12.1f} us/epoch {1 / seconds:12,.0f} epochs/s   ours is {ratio:6.2f} x")


if __name__ == "__main__":
    main()
