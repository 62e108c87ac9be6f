"""The trainer: `advance(state, budget) -> (state, chunk)`.

    start(settings) -> State          the model of the lesson, nn.Linear, as its seed makes it
    advance(state, budget)            trains on, records every epoch, and does not care how a run is sliced

The numbers are those of the plain script (the seed set, nn.Linear, a loss of torch.nn, an optimizer of torch.optim,
for batches torch.utils.data.DataLoader with shuffle): gradients come from `engine.losses`, updates from
`engine.optimizers`, both of which run the operators that autograd and torch.optim would run. What makes it fast:
nothing is allocated, converted or looked at inside the loop. Each epoch writes its parameters, gradients and loss into
rows of a block (`engine.epochs`), and a block is read once, when it is full.
"""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import datasets, devices, losses
from engine.epochs import BLOCK, LBFGS, Batches, Captured, Full, Rows, Way
from engine.errors import InvalidState
from engine.regression_state import CHECKPOINTS, Budget, Chunk, Settings, State, digest, every

LEARNERS_SIZE = 300_000_000
"""Bytes of learners kept between slices."""

Numbers = NDArray[np.float64]


class Problem:
    """The points of a run as tensors, all on one device."""

    def __init__(self, settings: Settings) -> None:
        x, y, self.names, self.target = datasets.points(settings)
        self.mean, self.scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
        if settings.standardise:
            self.mean, self.scale = datasets.standard(x)
            x = (x - self.mean) / self.scale
        self.count, self.features = x.shape
        self.device, self.notices = devices.choose(
            settings.device, settings.dtype, devices.available(), points=self.count
        )
        self.x = torch.from_numpy(np.array(x)).to(self.device, kind(settings))
        self.y = torch.from_numpy(np.array(y).reshape(-1, 1)).to(self.device, kind(settings))


_problems: weakref.WeakValueDictionary[tuple[object, ...], Problem] = weakref.WeakValueDictionary()


def kind(settings: Settings) -> torch.dtype:
    """The run's dtype."""
    return torch.float64 if settings.dtype == "float64" else torch.float32


def problem(settings: Settings) -> Problem:
    """The points of these settings; runs on the same points share them. Raises InvalidState where a given start has
    another number of parameters than the points ask for."""
    one = settings
    source = (one.data, one.points, one.noise, one.data_seed, one.features, one.table)
    key = (*source, one.dtype, one.device, one.standardise)
    found = _problems.get(key)
    if found is None:
        _problems[key] = found = Problem(settings)
    if one.start is not None and len(one.start) != found.features + 1:
        raise InvalidState("regression.start.count", count=len(one.start), expected=found.features + 1)
    return found


def start(settings: Settings) -> State:
    """The state before the first epoch: parameters as nn.Linear's own initialisation gives them under the seed, unless
    the settings say where to start."""
    features = problem(settings).features
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        linear = torch.nn.Linear(features, 1, dtype=kind(settings))
        generator = torch.get_rng_state().numpy().tobytes() if settings.batch is not None else b""
    theta = torch.cat([linear.weight.detach()[0], linear.bias.detach()])
    if settings.start is not None:
        theta = torch.tensor(settings.start, dtype=kind(settings))
    return State(settings=settings, parameters=theta.numpy().tobytes(), generator=generator)


class Learner:
    """One run's tensors: its points, a block of rows and the optimizer. It holds nothing that `save` does not tell."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.problem = one = problem(settings)
        long = settings.batch is None and settings.optimizer != "lbfgs"
        self.rows = Rows(BLOCK if long else BLOCK // 8, one.features + 1, one.x)
        self.full = losses.gradient(settings.loss, one.count, one.features, one.x, settings.delta)
        self.divisor = losses.divisor(settings.loss, settings.delta) * one.count
        self.way = self._way(one)

    def _way(self, one: Problem) -> Way:
        settings, rows = self.settings, self.rows
        if settings.batch is not None:
            return Batches(settings, rows, one.x, one.y, min(settings.batch, one.count))
        if settings.optimizer == "lbfgs":
            return LBFGS(settings, rows, one.x, one.y, self.full)
        return (Captured if one.x.is_cuda else Full)(settings, rows, one.x, one.y, self.full)

    @property
    def size(self) -> int:
        """Bytes it holds, roughly."""
        return self.problem.x.nbytes + 4 * self.problem.y.nbytes + 2 * self.rows.theta.nbytes

    def load(self, state: State) -> None:
        """Take up a run where that state left it."""
        plain = np.float64 if self.rows.theta.dtype == torch.float64 else np.float32
        self.rows.theta[0].copy_(torch.from_numpy(np.frombuffer(state.parameters, plain).copy()))
        self.way.load(state, _unpack(state.optimizer, self.rows.theta.device))

    def save(self, epoch: int, row: int, diverged: int | None = None) -> State:
        """The state before epoch `epoch`, whose parameters are in that row."""
        left = self.way.left()
        theta = self.rows.theta
        if left.get("batch"):
            left["began"] = theta[row].cpu().numpy().tobytes()
            row += 1
        parameters = theta[row].cpu().numpy().tobytes()
        optimizer = _pack(self.way.tensors)
        return State(self.settings, epoch, parameters, optimizer, **left, diverged=diverged)

    def read(self, count: int) -> tuple[Numbers, Numbers, Numbers]:
        """Losses, parameters and gradients of the first rows, as float64."""
        loss = self.rows.sums[:count].cpu().double().numpy() / self.divisor  # doubled here: mps has no float64
        theta, grads = self.rows.theta[:count].cpu(), self.rows.grads[:count].cpu()
        return loss, theta.double().numpy().copy(), grads.double().numpy().copy()

    def carry(self, count: int) -> None:
        """Make the row after the last the first of the next block."""
        theta = self.rows.theta
        theta[0].copy_(theta[count])
        if count and count + 1 < theta.shape[0]:
            theta[1].copy_(theta[count + 1])

    def end(self) -> tuple[float, list[float], list[float]]:
        """Loss, parameters and gradient on all points at the parameters of row 0, without a step."""
        theta, _, w, b, grad, gw, gb, slot = self.rows.views[0]
        self.full(self.problem.x, self.problem.y, w, b, gw, gb, slot)
        return float(slot) / self.divisor, theta.tolist(), grad.tolist()


_learners: OrderedDict[str, Learner] = OrderedDict()


def learner(settings: Settings) -> Learner:
    """The tensors of that run, kept between slices within a budget of memory."""
    name = digest(settings)
    if name not in _learners:
        _learners[name] = Learner(settings)
    _learners.move_to_end(name)
    while len(_learners) > 1 and sum(one.size for one in _learners.values()) > LEARNERS_SIZE:
        _learners.popitem(last=False)
    return _learners[name]


@torch.inference_mode()
def advance(state: State, budget: Budget) -> tuple[State, Chunk]:
    """Train on until the budget is spent, the run is finished, or a number is no longer finite.

    Returns the new state and the epochs made in between. However a run is sliced, its rows are the same. A run that
    diverges ends with the row of the epoch that first held a non-finite number.
    """
    one = learner(state.settings)
    began = time.perf_counter()  # making the points and their tensors is no training
    stop = state.settings.epochs if budget.epochs is None else min(state.settings.epochs, state.epoch + budget.epochs)
    recording = _Recording(budget.every or every(state.settings.epochs), state.epoch)
    marks = max(1, state.settings.epochs // CHECKPOINTS)
    if not state.finished:
        one.load(state)
    first = state.epoch
    while not state.finished and state.epoch < stop:
        spent = time.perf_counter() - began
        if budget.seconds is not None and spent >= budget.seconds:
            break
        before = state.epoch
        done = one.way.run(before, stop - before, budget.seconds - spent if budget.seconds is not None else 3600.0)
        bad = recording.add(before, *one.read(done))
        one.carry(done if bad is None else bad - before)
        state = _after(one, state, before + done, bad)
        if bad is None and before // marks != state.epoch // marks and not state.batch:
            state = one.save(state.epoch, 0)
            recording.checkpoints.append(state)
    if state.epoch != first or state.batch:
        state = one.save(state.epoch, 0, state.diverged)
    end = one.end() if state.finished and state.diverged is None else None
    chunk = Chunk(
        recording.first,
        recording.every,
        *recording.columns(),
        end=end,
        checkpoints=recording.checkpoints,
        epochs=state.epoch - first,
        reached=state.epoch,
        seconds=time.perf_counter() - began,
        device=one.problem.device,
    )
    return state, chunk


def _after(one: Learner, state: State, epoch: int, bad: int | None) -> State:
    """Where the run stands after a block; its tensors are read only when the slice ends."""
    unfinished = one.way.left().get("batch", 0)
    return msgspec.structs.replace(state, epoch=epoch if bad is None else bad, batch=unfinished, diverged=bad)


class _Recording:
    """The rows of one slice that are kept."""

    def __init__(self, every: int, first: int) -> None:
        self.every, self.first = every, -(-first // every) * every
        self.parts: list[tuple[Numbers, Numbers, Numbers]] = []
        self.checkpoints: list[State] = []

    def add(self, epoch: int, loss: Numbers, theta: Numbers, grads: Numbers) -> int | None:
        """Keep the rows of a block whose first is `epoch`; the epoch of the first non-finite number, if any."""
        finite = np.isfinite(loss) & np.isfinite(theta).all(axis=1) & np.isfinite(grads).all(axis=1)
        bad = None if finite.all() else int(np.argmin(finite))
        count = len(loss) if bad is None else bad + 1
        kept = slice(-epoch % self.every, count, self.every)
        self.parts.append((loss[kept], theta[kept], grads[kept]))
        return None if bad is None else epoch + bad

    def columns(self) -> tuple[bytes, bytes, bytes]:
        """Losses, parameters and gradients of the rows, as bytes."""
        loss, theta, grads = (b"".join(part[index].tobytes() for part in self.parts) for index in range(3))
        return loss, theta, grads


def _pack(tensors: dict[str, Any]) -> bytes:
    """The optimizer's state as bytes that only this module reads: tensors as (dtype, shape, bytes)."""

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            array = value.detach().cpu().numpy()
            return {"dtype": str(array.dtype), "shape": list(array.shape), "bytes": array.tobytes()}
        return [plain(part) for part in value] if isinstance(value, (list, tuple)) else value

    return msgspec.msgpack.encode({name: plain(value) for name, value in tensors.items()}) if tensors else b""


def _unpack(content: bytes, device: torch.device) -> dict[str, Any]:
    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            array = np.frombuffer(value["bytes"], np.dtype(value["dtype"])).reshape(value["shape"])
            return torch.from_numpy(array.copy()).to(device)
        return [whole(part) for part in value] if isinstance(value, list) else value

    named: dict[str, Any] = msgspec.msgpack.decode(content) if content else {}
    return {name: whole(value) for name, value in named.items()}
