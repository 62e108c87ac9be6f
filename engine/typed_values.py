"""The numbers typed for a variable: a number, or a vector or matrix in brackets.

"[1, -2.5]"  --read_values-->  Numbers(shape=(2,), elements=(1.0, -2.5))  --text-->  "[1, -2.5]"
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping

import msgspec

from engine.errors import EngineError

ELEMENTS_LIMIT = 36
"""Elements of one variable: what a heatmap with readable numbers has room for."""


class InvalidValues(EngineError):
    """The text is neither a number nor a vector or matrix of numbers."""


class Numbers(msgspec.Struct, frozen=True):
    """The elements, row-major, of a tensor of that shape."""

    shape: tuple[int, ...]
    elements: tuple[float, ...]

    @property
    def text(self) -> str:
        """As a reader types it, and as Python reads it."""
        return _written(self.shape, self.elements)

    def replaced(self, place: int, number: float) -> Numbers:
        """The same with another number at that place."""
        return Numbers(self.shape, (*self.elements[:place], number, *self.elements[place + 1 :]))

    def names(self, variable: str) -> list[str]:
        """What each element is called: x, w[0], W[1, 2]."""
        if not self.shape:
            return [variable]
        width = self.shape[-1]
        if len(self.shape) == 1:
            return [f"{variable}[{place}]" for place in range(width)]
        return [f"{variable}[{place // width}, {place % width}]" for place in range(len(self.elements))]


def _written(shape: tuple[int, ...], elements: tuple[float, ...]) -> str:
    if not shape:
        return plain(elements[0])
    size = len(elements) // shape[0]
    rows = (_written(shape[1:], elements[place : place + size]) for place in range(0, len(elements), size))
    return f"[{', '.join(rows)}]"


def plain(number: float) -> str:
    """The shortest text of a number, always with a point or exponent, as Python writes a float."""
    return repr(float(f"{number:.10g}"))


def read_values(text: str) -> Numbers:
    """The numbers in the text. Raises InvalidValues."""
    try:
        found = ast.literal_eval(text.strip().replace("−", "-").replace("，", ","))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise InvalidValues("expressions.values.syntax", text=text[:40]) from None
    shape: list[int] = []
    level = [found]
    while level and isinstance(level[0], (list, tuple)):
        sizes = {len(one) if isinstance(one, (list, tuple)) else -1 for one in level}
        if len(sizes) != 1 or 0 in sizes:
            raise InvalidValues("expressions.values.ragged")
        shape.append(sizes.pop())
        level = [part for one in level for part in one]
    if len(shape) > 2:
        raise InvalidValues("expressions.values.dimensions")
    if len(level) > ELEMENTS_LIMIT:
        raise InvalidValues("expressions.values.many", count=len(level), limit=ELEMENTS_LIMIT)
    if not all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in level):
        raise InvalidValues("expressions.values.syntax", text=text[:40])
    elements = tuple(float(one) for one in level)
    if not all(math.isfinite(one) and abs(one) <= 1e30 for one in elements):
        raise InvalidValues("expressions.values.finite")
    return Numbers(tuple(shape), elements)


_FIRST = (1.5, 0.5, 2.0, -1.0, 0.8, 1.2, -0.5, 0.3)
_VECTOR = (0.8, -1.0, 2.0, 0.5, -0.4, 1.1)


def guess(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Numbers]:
    """Numbers to begin with, for variables of these shapes. Different for each variable, so that no two partial
    derivatives agree by chance; no two rows of a matrix are alike."""
    values: dict[str, Numbers] = {}
    for place, (name, shape) in enumerate(shapes.items()):
        row = shape[-1] if shape else 1
        elements = tuple(
            _VECTOR[(place + one + (one // row if row in (2, 3, 4, 6) else 0)) % len(_VECTOR)]
            for one in range(math.prod(shape))
        )
        values[name] = Numbers(shape, elements if shape else (_FIRST[place % len(_FIRST)],))
    return values


def write_settings(values: Mapping[str, Numbers]) -> str:
    """All variables in one line, as a link carries them: x=1.5; w=[1.0, 2.0]."""
    return "; ".join(f"{name}={one.text}" for name, one in values.items())


def read_settings(text: str) -> dict[str, Numbers]:
    """What `write_settings` wrote. Raises InvalidValues for anything else."""
    values: dict[str, Numbers] = {}
    for part in filter(str.strip, text.split(";")):
        name, sign, numbers = part.partition("=")
        if not sign or not name.strip().isidentifier():
            raise InvalidValues("expressions.values.syntax", text=part.strip()[:40])
        values[name.strip()] = read_values(numbers)
    return values
