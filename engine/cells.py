"""Which cells feed which: for each tensor, the operation that made it, and where each of its elements comes from.

    origins(trace, tensors) -> {tensor: Origin}

An element of `a + b` comes from one element of each, which broadcasting may use many times; on the way back the
gradients of all those uses add up in it. An element of `a @ b` comes from a row and a column, a sum from all it adds
up, a view from one cell of the storage it shares.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Collection, Sequence

import msgspec

from engine.broadcasting import Shape, broadcast, together
from engine.strides import places
from engine.tensor_cards import Grid, grid
from engine.trace import Event, Operation, TensorValue, Trace

MOST = 64
"""Elements of a tensor for which cells are followed: those of a preview."""

_WRITTEN = """
+ - * / ** % // == != < <= > >= add sub mul div true_divide pow maximum minimum where lerp exp log sin cos tan relu
sigmoid tanh sqrt abs neg square clone detach to float double half clamp contiguous add_ sub_ mul_ div_
"""
_ELEMENTWISE = frozenset(_WRITTEN.split())
_REDUCTIONS = frozenset(("sum", "mean", "prod", "amax", "amin", "max", "min", "norm", "var", "std"))
_PRODUCTS = frozenset(("@", "matmul", "mm", "mv", "dot"))

Feeds = list[list[int]]
"""For each element of the output, row-major, the elements of one input it comes from."""


class Source(msgspec.Struct, frozen=True):
    """One input of an operation. `repeated` are the dimensions of the output along which it is repeated; `sent` the
    gradient that went back to it in the last pass."""

    name: str
    value: Grid
    feeds: Feeds
    repeated: list[int]
    sent: Grid | None


class Origin(msgspec.Struct, frozen=True):
    """The operation that made a tensor: as it was written, on which line, from what. `arrived` is the gradient that
    came to it in the last pass."""

    operation: str
    line: int
    value: Grid
    sources: list[Source]
    arrived: Grid | None


def origins(trace: Trace, tensors: Collection[int]) -> dict[int, Origin]:
    """The origin of each of these tensors, where it is one of the operations that are followed."""
    values = {value.number: value for value in trace.values if isinstance(value, TensorValue)}
    made: dict[int, Operation] = {}
    for operation in trace.operations:
        for number in operation.outputs:
            if number in values and operation.inputs:
                made[values[number].tensor] = operation
    looked = _Looking(trace, values)
    found = {tensor: looked.origin(made[tensor], tensor) for tensor in tensors if tensor in made}
    return {tensor: origin for tensor, origin in found.items() if origin is not None}


class _Looking:
    """The look-ups that every origin needs."""

    def __init__(self, trace: Trace, values: dict[int, TensorValue]) -> None:
        self.values = values
        self.lines = trace.source.split("\n")
        self.events: dict[int, Event] = {event.node: event for event in trace.events}
        self.names: dict[int, str] = {}
        for step in trace.steps:
            for name, number in step.variables:
                if number in values:
                    self.names.setdefault(values[number].tensor, name)

    def origin(self, operation: Operation, tensor: int) -> Origin | None:
        """Where the elements of that tensor come from; None where this is not followed."""
        inputs = [self.values[number] for number in operation.inputs if number in self.values]
        (output,) = [
            self.values[number]
            for number in operation.outputs
            if number in self.values and self.values[number].tensor == tensor
        ][:1]
        if any(one.tensor == tensor for one in inputs) or max(math.prod(one.shape) for one in [*inputs, output]) > MOST:
            return None
        written = self._written(operation)
        kind = operation.name.rpartition(".")[2]
        feeds = fed(kind, inputs, output, _dims(written))
        value = grid(output)
        if feeds is None or value is None:
            return None
        event = next((self.events[node] for node in reversed(operation.nodes) if node in self.events), None)
        sent = self._sent(event, len(inputs))
        sources = [
            Source(name, shown, cells, [] if kind in _PRODUCTS else repeated(one.shape, output.shape), back)
            for name, one, cells, back in zip(self._names(inputs, written), inputs, feeds, sent, strict=True)
            if (shown := grid(one)) is not None
        ]
        arrived = self._grid(event.grad_outputs[0]) if event is not None and event.grad_outputs else None
        return Origin(written, operation.span[0], value, sources, arrived)

    def _written(self, operation: Operation) -> str:
        line, start, end_line, end = operation.span
        return self.lines[line - 1][start:end] if line == end_line else operation.name

    def _sent(self, event: Event | None, count: int) -> list[Grid | None]:
        """The gradients that went on, where there is one for each input in order. `w * w` sends two to one input."""
        sent = [number for number in event.grad_inputs if number is not None] if event is not None else []
        if event is None or len(event.grad_inputs) < count or len(sent) > count:
            return [None] * count
        return [self._grid(number) for number in event.grad_inputs[:count]]

    def _grid(self, number: int | None) -> Grid | None:
        return None if number is None else grid(self.values.get(number))

    def _names(self, inputs: Sequence[TensorValue], written: str) -> list[str]:
        """What the inputs are called: a variable's name, else the expression that stands there."""
        operands = _operands(written)
        fitting = operands if len(operands) == len(inputs) else [operands[0] if operands else written] * len(inputs)
        return [self.names.get(one.tensor) or text for one, text in zip(inputs, fitting, strict=True)]


def _expression(written: str) -> ast.expr | None:
    try:
        return ast.parse(written, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _operands(written: str) -> list[str]:
    """The expressions that an operation takes, as they are written, numbers left out."""
    match _expression(written):
        case ast.BinOp(left=left, right=right):
            taken = [left, right]
        case ast.Call(func=ast.Attribute(value=ast.Name(id="torch")), args=arguments):
            taken = list(arguments)
        case ast.Call(func=ast.Attribute(value=owner), args=arguments):
            taken = [owner, *arguments]
        case _:
            taken = []
    return [ast.unparse(one) for one in taken if not isinstance(one, (ast.Constant, ast.UnaryOp))]


def _dims(written: str) -> tuple[int, ...] | None:
    """The dimensions that a reduction names; None where it names none."""
    found = _expression(written)
    if not isinstance(found, ast.Call):
        return None
    plain = isinstance(found.func, ast.Attribute) and getattr(found.func.value, "id", "") == "torch"
    given = [keyword.value for keyword in found.keywords if keyword.arg in ("dim", "axis")] or found.args[plain:]
    try:
        dims = ast.literal_eval(given[0]) if given else None
    except ValueError:
        return None
    return (dims,) if isinstance(dims, int) else tuple(dims) if isinstance(dims, (tuple, list)) else None


def fed(
    name: str, inputs: Sequence[TensorValue], output: TensorValue, dims: tuple[int, ...] | None = None
) -> list[Feeds] | None:
    """For each input, which of its elements feed each element of the output; None for an operation not followed.

    `dims` are those that a reduction names; None means all.
    """
    if any(one.preview is None or len(one.stride) != len(one.shape) for one in [*inputs, output]):
        return None
    if len(inputs) == 1 and inputs[0].storage == output.storage and inputs[0].tensor != output.tensor:
        return [_same_places(inputs[0], output)]
    shapes = [one.shape for one in inputs]
    if name in _ELEMENTWISE:
        return _elementwise(shapes, output.shape)
    if name in _REDUCTIONS and len(inputs) == 1:
        return reduction(shapes[0], dims)
    if name in _PRODUCTS:
        both = product(shapes[0], shapes[-1])
        # A tensor times itself is one input, each of whose elements is used as either side needs it.
        return both if both is None or len(inputs) == 2 else [[sorted({*a, *b}) for a, b in zip(*both, strict=True)]]
    if len(inputs) == 1 and name in ("view", "reshape", "flatten", "squeeze", "unsqueeze", "contiguous"):
        return [[[place] for place in range(math.prod(output.shape))]]
    return None


def _same_places(base: TensorValue, view: TensorValue) -> Feeds:
    """An element of a view is the element of the other that lies in the same cell."""
    lies: dict[int, int] = {}
    for element, place in enumerate(places(base.shape, base.stride, base.storage_offset, MOST)):
        lies.setdefault(place, element)
    mine = places(view.shape, view.stride, view.storage_offset, MOST)
    return [[lies[place]] if place in lies else [] for place in mine]


def _elementwise(shapes: Sequence[Shape], wide: Shape) -> list[Feeds] | None:
    """One element of each input for each of the output, as broadcasting reads them."""
    if together(shapes) != wide:
        return None
    spread = broadcast(shapes)
    if spread is None:
        return [[[place] for place in range(math.prod(wide))] for _ in shapes]
    return [[[cell] for cell in reads] for reads in spread.reads]


def repeated(shape: Shape, wide: Shape) -> list[int]:
    """The dimensions of `wide` along which a tensor of `shape` is repeated; none where it does not fit."""
    spread = broadcast((shape, wide))
    return list(spread.summed[0]) if spread is not None and spread.shape == wide else []


def reduction(shape: Sequence[int], dims: Sequence[int] | None) -> list[Feeds] | None:
    """The elements that were brought together along these dimensions (None: all of them). None where there is no such
    dimension."""
    if dims and not all(-len(shape) <= dim < len(shape) for dim in dims):
        return None
    gone = {dim % len(shape) for dim in dims} if dims else set(range(len(shape)))
    feeds: dict[tuple[int, ...], list[int]] = {}
    for element, index in enumerate(_indices(shape)):
        feeds.setdefault(tuple(at for dim, at in enumerate(index) if dim not in gone), []).append(element)
    return [list(feeds.values())]


def product(left: Sequence[int], right: Sequence[int]) -> list[Feeds] | None:
    """A row of the left and a column of the right. For matrices and vectors; None for batches."""
    if not (1 <= len(left) <= 2 and 1 <= len(right) <= 2) or left[-1] != right[0]:
        return None
    inner, rows, columns = left[-1], left[0] if len(left) == 2 else 1, right[1] if len(right) == 2 else 1
    first: Feeds = []
    second: Feeds = []
    for row, column in itertools.product(range(rows), range(columns)):
        first.append([row * inner + at for at in range(inner)])
        second.append([at * columns + column for at in range(inner)])
    return [first, second]


def _indices(shape: Sequence[int]) -> list[tuple[int, ...]]:
    return list(itertools.product(*(range(size) for size in shape)))
