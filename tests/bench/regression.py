"""Epochs per second of the trainer, as ratios measured side by side in one run; the price of being watched; fairness.

    python -m tests.bench.regression [speed] [watched] [fair] [--device cuda] [--rounds 7]

`speed`: `advance` records every epoch's loss, parameters and gradients and makes them bytes; the loops it is measured
against record nothing. Rounds alternate, and the ratio is that of the medians. On the CPU the time is that of one
thread's processor, which other programs on the machine disturb least.
`watched`: epochs of a run in a worker, per second of the worker's processor and by the clock, while the stream of a
page is read and while nobody looks, in turns.
`fair`: a small program of another learner, from its start to its last frame, while ten runs of a million epochs train.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from engine import regression
from engine.executors.base import Job
from engine.executors.local import LocalExecutor
from engine.executors.training import Training, TrainingExecutor
from engine.regression_state import Budget, Settings
from pages.components import live

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


def buffered(points: regression.Problem, settings: Settings) -> Loop:
    """The best plain loop we know: gradients by hand, the loss too, every result into a buffer that was made before."""
    w, b = torch.zeros(points.features, device=points.device), torch.zeros(1, device=points.device)
    x, y = points.x.view(-1) if points.features == 1 else points.x, points.y.view(-1)
    residual = torch.empty_like(y)
    grad, bias, loss = torch.empty_like(w), torch.empty_like(b), torch.empty((), device=points.device)
    rate = -settings.lr * 2.0 / points.count

    @torch.inference_mode()
    def run(epochs: int) -> None:
        for _ in range(epochs):
            torch.mul(x, w, out=residual) if points.features == 1 else torch.mv(x, w, out=residual)
            residual.add_(b).sub_(y)
            if points.features == 1:
                torch.dot(residual, x, out=grad.view(()))
            else:
                torch.mv(x.t(), residual, out=grad)
            torch.sum(residual, 0, True, out=bias)
            torch.mul(residual, residual, out=residual)
            torch.sum(residual, 0, out=loss)
            w.add_(grad, alpha=rate)
            b.add_(bias, alpha=rate)

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
        "by hand, buffered": buffered(points, settings),
    }
    clock = time.perf_counter if points.x.is_cuda else time.process_time
    taken: dict[str, list[float]] = {name: [] for name in loops}
    for loop in loops.values():
        loop(max(2, epochs // 10))
    for _ in range(rounds):
        for name, loop in loops.items():
            _settle(points)
            began = clock()
            loop(epochs)
            _settle(points)
            taken[name].append((clock() - began) / epochs)
    return {name: statistics.median(times) for name, times in taken.items()}


def _settle(points: regression.Problem) -> None:
    if points.x.is_cuda:
        torch.cuda.synchronize(points.x.device)


def speed(device: str, rounds: int) -> None:
    """Print the table of `advance` against plain loops."""
    torch.set_num_threads(1)
    for count, epochs in ((11, 2_000), (1_000_000, 200 if device == "cpu" else 500)):  # about one slice of a run alone
        settings = Settings(points=count, lr=0.001, epochs=1_000_000, device=device)
        times = compare(settings, epochs, rounds)
        print(f"\n{count:,} points on {regression.problem(settings).device}")
        for name, seconds in times.items():
            ratio = seconds / times["advance, recording"]
            print(f"  {name:<20} {seconds * 1e6:12.1f} us/epoch {1 / seconds:12,.0f} epochs/s   ours is {ratio:6.2f} x")


class Watcher:
    """What a page does to a run: reads its stream of news, ten times a second, until it is told to stop."""

    def __init__(self, run: Training) -> None:
        self._over = False
        self.size = self.messages = 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._read(run)))
        self._thread.start()

    async def _read(self, run: Training) -> None:
        async for content in live.events(run):
            self.size += len(content)
            self.messages += 1
            if self._over:
                return

    def stop(self) -> None:
        """Leave."""
        self._over = True
        self._thread.join()


def _processor(executor: TrainingExecutor) -> float:
    """Seconds of processor time that its workers have had."""
    pids = [worker.process.pid for worker in executor.workers if worker.process is not None]
    texts = [Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split() for pid in pids]
    return sum(int(fields[11]) + int(fields[12]) for fields in texts) / os.sysconf("SC_CLK_TCK")


def _next_slice(run: Training) -> int:
    """The epoch that the next slice ends at: measuring begins and ends where one does."""
    epoch = run.epoch
    while run.epoch == epoch:
        time.sleep(0.001)
    return run.epoch


def watched(rounds: int, seconds: float = 2.0) -> None:
    """Print what a watching page costs a run in a worker."""
    executor = TrainingExecutor()
    executor.warm()
    for count in (11, 1_000_000):
        run = executor.prepare(Settings(points=count, epochs=1_000_000, lr=1e-6))
        paces: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
        for turn in range(2 * rounds):
            looking = turn % 2 == 0
            run.reset()
            run.resume()
            time.sleep(0.3)
            watcher = Watcher(run) if looking else None
            epoch = _next_slice(run)
            taken, began, own = _processor(executor), time.monotonic(), time.process_time()
            time.sleep(seconds)
            made, passed = _next_slice(run) - epoch, time.monotonic() - began
            used = max(_processor(executor) - taken, 0.01)
            paces[looking].append((made / used, made / passed, (time.process_time() - own) / passed))
            if watcher is not None:
                watcher.stop()
            run.pause()
        print(f"\n{count:,} points in a worker")
        seen, alone = ([statistics.median(column) for column in zip(*paces[key], strict=True)] for key in (True, False))
        for place, name in enumerate(("epochs per processor second", "epochs per second")):
            ratio = seen[place] / alone[place]
            print(f"  {name:<28} watched {seen[place]:12,.0f}   alone {alone[place]:12,.0f}   {ratio:.3f}")
        print(f"  {'the app, share of one core':<28} watched {seen[2]:12.1%}   alone {alone[2]:12.1%}")
    executor.close()


PROGRAM = """import torch
w = torch.tensor(2.0, requires_grad=True)
for step in range({steps}):
    loss = (w * 3 - 1) ** 2
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
        w.grad = None
print(w)
"""


def fair(rounds: int) -> None:
    """Print how long a small program takes, alone and beside ten runs that train as long as they may."""
    programs, training = LocalExecutor(workers=2), TrainingExecutor()
    programs.warm()
    for _ in programs.run(Job(source=PROGRAM.format(steps=3))):
        pass

    def latencies(first: int) -> list[float]:
        taken = []
        for steps in range(first, first + rounds):  # each is another program: none comes from the cache
            began = time.monotonic()
            for _ in programs.run(Job(source=PROGRAM.format(steps=steps)), visitor="eleventh"):
                pass
            taken.append(time.monotonic() - began)
            time.sleep(0.3)
        return taken

    alone = latencies(5)
    crowd = [training.prepare(Settings(epochs=1_000_000, lr=1e-5, seed=seed)) for seed in range(10)]
    for run in crowd:
        run.resume()
    while min(run.seconds for run in crowd) == 0:
        time.sleep(0.02)
    beside = latencies(5 + rounds)
    print(f"\na small program on {os.cpu_count()} cores, seconds from start to last frame")
    for name, taken in (("alone", alone), ("beside ten trainings", beside)):
        print(f"  {name:<22} median {statistics.median(taken):.3f}   worst {max(taken):.3f}")
    print(f"  the ten go on: {sum(run.epoch for run in crowd):,} epochs so far")
    training.close()
    programs.close()


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[[], "speed", "watched", "fair"], help="all where none is named")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    given.what = given.what or ["speed", "watched", "fair"]
    if "speed" in given.what:
        speed(given.device, given.rounds)
    if "watched" in given.what:
        watched(given.rounds)
    if "fair" in given.what:
        fair(given.rounds)


if __name__ == "__main__":
    main()
