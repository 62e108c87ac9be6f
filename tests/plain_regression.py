"""The plain PyTorch script of a regression run, recording everything: what the trainer is compared with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine import losses, optimizers, regression
from engine.regression_state import Budget, Chunk, Settings, State

Array = NDArray[np.float64]


class Record(NamedTuple):
    """Per epoch: the loss, the parameters it started from, and what .grad held when it ended."""

    loss: Array
    parameters: Array
    gradients: Array


def plain(settings: Settings) -> Record:
    """nn.Linear, the loss of torch.nn, the optimizer of torch.optim, DataLoader for batches. Stops where a loss is not
    finite, as a careful script does."""
    points = regression.Problem(settings)
    torch.manual_seed(settings.seed)
    model = nn.Linear(points.features, 1, dtype=regression.kind(settings))
    if settings.start is not None:
        with torch.no_grad():
            model.weight.copy_(torch.tensor([settings.start[:-1]]))
            model.bias.copy_(torch.tensor(settings.start[-1:]))
    model.to(points.device)
    criterion = losses.criterion(settings.loss, settings.delta)
    optimizer = optimizers.original(settings, list(model.parameters()))
    loader = None
    if settings.batch is not None:
        pairs = torch.utils.data.TensorDataset(points.x, points.y)
        loader = torch.utils.data.DataLoader(pairs, batch_size=settings.batch, shuffle=True)
    rows: list[tuple[float, Array, Array]] = []

    def flat(weight: torch.Tensor, bias: torch.Tensor) -> Array:
        return torch.cat([weight.detach()[0], bias.detach()]).double().cpu().numpy().copy()

    def gradient() -> Array:
        assert model.weight.grad is not None
        assert model.bias.grad is not None
        return flat(model.weight.grad, model.bias.grad)

    for _ in range(settings.epochs):
        before = flat(model.weight, model.bias)
        seen: list[tuple[float, Array]] = []

        def closure(x: torch.Tensor = points.x, y: torch.Tensor = points.y, seen: list[tuple[float, Array]] = seen):  # type: ignore[no-untyped-def]
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            seen.append((loss.item(), gradient()))
            return loss

        if loader is not None:
            total = 0.0
            for x, y in loader:
                total += closure(x, y).item() * len(x)
                optimizer.step()
            rows.append((total / points.count, before, seen[-1][1]))
        elif settings.optimizer == "lbfgs":
            optimizer.step(closure)
            rows.append((seen[0][0], before, seen[0][1]))
        else:
            closure()
            optimizer.step()
            rows.append((seen[0][0], before, seen[0][1]))
        if not np.isfinite(rows[-1][0]):
            break
    return Record(*(np.array([row[index] for row in rows]) for index in range(3)))


def trained(settings: Settings, slices: list[int] | None = None) -> tuple[Record, State, list[Chunk]]:
    """The same by the trainer, in slices of so many epochs (the last is repeated), whole if none are given."""
    state, chunks = regression.start(settings), []
    turn = 0
    while not state.finished:
        count = None if slices is None else slices[min(turn, len(slices) - 1)]
        state, chunk = regression.advance(state, Budget(epochs=count))
        chunks.append(chunk)
        turn += 1
    return joined(chunks, regression.problem(settings).features + 1), state, chunks


def joined(chunks: list[Chunk], width: int) -> Record:
    """The rows of all chunks."""
    columns = [b"".join(getattr(chunk, name) for chunk in chunks) for name in ("loss", "parameters", "gradients")]
    loss, parameters, gradients = (np.frombuffer(column) for column in columns)
    return Record(loss, parameters.reshape(-1, width), gradients.reshape(-1, width))


def agree(ours: Record, theirs: Record, relative: float = 1e-5) -> None:
    """Every finite row agrees, and both end within an epoch of each other. Fails naming the column."""
    assert abs(len(ours.loss) - len(theirs.loss)) <= 1
    finite = min(int(np.isfinite(record.loss).sum()) for record in (ours, theirs))
    for name, mine, other in zip(Record._fields, ours, theirs, strict=True):
        np.testing.assert_allclose(mine[:finite], other[:finite], rtol=relative, atol=0, err_msg=name)
