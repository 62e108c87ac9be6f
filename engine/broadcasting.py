"""Broadcasting, cell by cell: which cell of each input an output cell reads, and how its gradient is summed back.

Shapes are aligned at their last size; an input's size of 1, or a size it lacks, is stretched. What was read twice
receives twice: the gradient of an input cell is the sum over every output cell that read it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

Shape = tuple[int, ...]

CELLS = 400
"""Output cells up to which the cells are listed one by one."""


class Broadcast(msgspec.Struct, frozen=True):
    """`reads[i][k]` is the row-major cell of input i that output cell k reads; empty for more than CELLS cells.
    `summed[i]` are the output's dimensions over which the gradient of input i is summed back."""

    shape: Shape
    inputs: tuple[Shape, ...]
    summed: tuple[tuple[int, ...], ...]
    reads: tuple[tuple[int, ...], ...] = ()


def together(shapes: Sequence[Shape]) -> Shape | None:
    """The shape that these broadcast to, None where they do not fit."""
    length = max(map(len, shapes), default=0)
    sizes: list[int] = []
    for column in zip(*((1,) * (length - len(shape)) + shape for shape in shapes), strict=True):
        wanted = {size for size in column if size != 1}
        if len(wanted) > 1:
            return None
        sizes.append(wanted.pop() if wanted else 1)
    return tuple(sizes)


def broadcast(shapes: Sequence[Shape]) -> Broadcast | None:
    """What broadcasting does to inputs of these shapes; None where they do not fit or all are alike."""
    shape = together(shapes)
    if shape is None or all(one == shape for one in shapes):
        return None
    summed = tuple(_summed(one, shape) for one in shapes)
    reads = tuple(_reads(one, shape) for one in shapes) if math.prod(shape) <= CELLS else ()
    return Broadcast(shape, tuple(shapes), summed, reads)


def _summed(one: Shape, shape: Shape) -> tuple[int, ...]:
    missing = len(shape) - len(one)
    return tuple(
        place for place, size in enumerate(shape) if place < missing or (one[place - missing] == 1 and size != 1)
    )


def _reads(one: Shape, shape: Shape) -> tuple[int, ...]:
    """For each output cell, the cell of this input."""
    steps, stride = [0] * len(shape), 1
    for place in range(1, len(one) + 1):
        steps[-place] = stride if one[-place] != 1 else 0
        stride *= one[-place]
    cells = [0]
    for size, step in zip(shape, steps, strict=True):
        cells = [cell + turn * step for cell in cells for turn in range(size)]
    return tuple(cells)
