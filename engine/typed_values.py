"""The numbers typed for a variable: a number, or a vector or matrix in brackets.

"[1, -2.5]"  --read_values-->  Numbers(shape=(2,), elements=(1.0, -2.5))  --text-->  "[1, -2.5]"
"""

from __future__ import annotations

import ast
import math
import operator as operators
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from engine.errors import EngineError
from engine.math_spelling import python

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
    """The numbers in the text, each of which may be written as 1/3, 2π or √2. Raises InvalidValues."""
    try:
        found = _nested(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise InvalidValues("expressions.values.syntax", text=text.strip()[:40] or "…") from None
    except ArithmeticError:
        raise InvalidValues("expressions.values.finite") from None
    shape: list[int] = []
    level = [found]
    while level and isinstance(level[0], list):
        sizes = {len(one) if isinstance(one, list) else -1 for one in level}
        if len(sizes) != 1 or 0 in sizes:
            raise InvalidValues("expressions.values.ragged")
        shape.append(sizes.pop())
        level = [part for one in level for part in one]
    if len(shape) > 2:
        raise InvalidValues("expressions.values.dimensions")
    if len(level) > ELEMENTS_LIMIT:
        raise InvalidValues("expressions.values.many", count=len(level), limit=ELEMENTS_LIMIT)
    if not all(isinstance(one, float) for one in level):
        raise InvalidValues("expressions.values.syntax", text=text.strip()[:40])
    elements = tuple(level)
    if not all(math.isfinite(one) and abs(one) <= 1e30 for one in elements):
        raise InvalidValues("expressions.values.finite")
    return Numbers(tuple(shape), elements)


_TEXT_LIMIT = 2_000


def _nested(text: str) -> Any:
    """The text as a float or as lists of them. Rows may be written without brackets: 1 2; 3 4."""
    if len(text) > _TEXT_LIMIT:
        raise ValueError
    source, _ = python(text, ("sqrt",))
    try:
        return _number(ast.parse(source, mode="eval").body)
    except SyntaxError:
        rows = re.fullmatch(r"\s*\[?([^\[\]]*)\]?\s*", text.replace("［", "[").replace("］", "]"))
        if rows is None or text.count("[") != text.count("]"):
            raise
        lines = [re.split(r"[\s,，、]+", line.strip(" ,，")) for line in re.split(r"[;；\n]", rows[1]) if line.strip()]
        if not lines:
            raise
        found = [[_number(ast.parse(python(one, ("sqrt",))[0], mode="eval").body) for one in line] for line in lines]
        return found if len(found) > 1 or re.search("[;；]", text) else found[0]


def _number(node: ast.expr) -> Any:
    """A number, or a list of what is written in brackets."""
    match node:
        case ast.Constant(value=bool()):
            raise ValueError
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id="pi"):
            return math.pi
        case ast.Name(id="e"):
            return math.e
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_number(one) for one in parts]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=inner):
            return -float(_number(inner)) if isinstance(sign, ast.USub) else float(_number(inner))
        case ast.Call(func=ast.Name(id="sqrt"), args=[inner]):
            return math.sqrt(_number(inner))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            found = _OPERATORS[type(operator)](float(_number(left)), float(_number(right)))
            if isinstance(found, float):
                return found
    raise ValueError


_OPERATORS: dict[type[ast.operator], Callable[[float, float], object]] = {
    ast.Add: operators.add, ast.Sub: operators.sub, ast.Mult: operators.mul, ast.Div: operators.truediv,
    ast.Pow: operators.pow,
}  # fmt: skip


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
