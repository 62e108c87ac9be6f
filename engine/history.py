"""The epochs of one run as the app keeps them: bounded, whatever the length of the run.

At most KEPT_ROWS rows (every epoch of a shorter run, each k-th of a longer one), those of the BEGINNING, the last one
reached, and checkpoints from which any epoch in between can be made again.
"""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.regression_state import CHECKPOINTS, KEPT_ROWS, Chunk, State

Array = NDArray[np.float64]


class Row(NamedTuple):
    """One epoch: its number, the loss, the parameters it started from (weights, then bias) and the gradients."""

    epoch: int
    loss: float
    parameters: list[float]
    gradients: list[float]


class History:
    """Append chunks, read rows. One thread appends; others may read what was there when they asked."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.count = 0
        self.checkpoints: list[State] = []
        self._numbers = np.empty((64, 2 + 2 * width))

    def add(self, chunk: Chunk) -> None:
        """Keep what a slice recorded."""
        loss = np.frombuffer(chunk.loss, "<f8")
        block = np.empty((len(loss) + (chunk.end is not None), 2 + 2 * self.width))
        block[: len(loss), 0] = chunk.first + chunk.every * np.arange(len(loss))
        block[: len(loss), 1] = loss
        block[: len(loss), 2 : 2 + self.width] = np.frombuffer(chunk.parameters, "<f8").reshape(-1, self.width)
        block[: len(loss), 2 + self.width :] = np.frombuffer(chunk.gradients, "<f8").reshape(-1, self.width)
        self.checkpoints = (self.checkpoints + chunk.checkpoints)[-2 * CHECKPOINTS :]
        if chunk.end is not None:
            end_loss, theta, grads = chunk.end
            block[-1] = [chunk.reached, end_loss, *theta, *grads]
        self._append(block)

    def _append(self, block: Array) -> None:
        needed = self.count + len(block)
        if needed > len(self._numbers):
            larger = np.empty((min(max(2 * len(self._numbers), needed), max(needed, KEPT_ROWS + 2)), block.shape[1]))
            larger[: self.count] = self._numbers[: self.count]
            self._numbers = larger
        self._numbers[self.count : needed] = block
        self.count = needed

    @property
    def size(self) -> int:
        """Bytes it holds."""
        return self._numbers.nbytes + sum(len(one.parameters) + len(one.optimizer) + 6_000 for one in self.checkpoints)

    def table(self, first: int = 0) -> Array:
        """Rows from that index on: epoch, loss, parameters, gradients."""
        return self._numbers[first : self.count]

    def row(self, index: int) -> Row:
        """The row at that index (negative from the end)."""
        numbers = self._numbers[: self.count][index].tolist()
        return Row(int(numbers[0]), numbers[1], numbers[2 : 2 + self.width], numbers[2 + self.width :])

    def find(self, epoch: int) -> Row | None:
        """The row of that epoch, where it was kept."""
        index = int(np.searchsorted(self._numbers[: self.count, 0], epoch))
        return self.row(index) if index < self.count and self._numbers[index, 0] == epoch else None

    def before(self, epoch: int) -> State | None:
        """The last checkpoint at or before that epoch."""
        return next((one for one in reversed(self.checkpoints) if one.epoch <= epoch), None)

    def csv(self, names: list[str]) -> str:
        """All rows as CSV with a header; every number in full."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["epoch", "loss", *names, *(f"{name}.grad" for name in names)])
        for numbers in self.table().tolist():
            writer.writerow([int(numbers[0]), *numbers[1:]])
        return stream.getvalue()


def names(features: int) -> list[str]:
    """What the parameters are called: w and b, or w1, w2, ... and b."""
    return ["w", "b"] if features == 1 else [*(f"w{index + 1}" for index in range(features)), "b"]
