"""A failed run, laid out for the functions that explain it: what was said, where, and what each name held there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from engine.edits import Source
from engine.trace import ModuleValue, Span, TensorValue, Trace

Params = dict[str, str | int | float]


class Reason(msgspec.Struct, frozen=True):
    """Why something is as it is. `code` is a message id; its way out is the id with ".way" appended.

    `span` is the place the reason is about, `cause` the place that brought it about; `fix` the whole program, mended.
    """

    code: str
    params: dict[str, str | int | float] = {}
    span: Span | None = None
    cause: Span | None = None
    fix: str | None = None


class Case:
    """A failed run, laid out for the functions below: its message, the failing statement, and the names it mentions."""

    def __init__(self, trace: Trace) -> None:
        assert trace.outcome is not None
        self.trace = trace
        self.message = trace.outcome.message
        self.tick = trace.outcome.tick or trace.ticks
        self.source = Source(trace.source)
        self.span = trace.outcome.span
        self.expression = self.source.innermost(self.span) if self.span else None
        self.values = {value.number: value for value in trace.values}
        self.variables = dict(trace.steps[-1].variables) if trace.steps else {}

    def module(self, name: str) -> ModuleValue | None:
        """The module a name holds at the moment of failure."""
        value = self.values.get(self.variables.get(name, -1))
        return value if isinstance(value, ModuleValue) else None

    def tensor(self, node: ast.AST) -> TensorValue | None:
        """What an expression of the failing statement held: a name, a parameter by its path, or what was computed."""
        if isinstance(node, ast.Name):
            value = self.values.get(self.variables.get(node.id, -1))
            return value if isinstance(value, TensorValue) else None
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            name, path = _path(node)
            module = self.module(name) if path else None
            number = dict([*module.parameters, *module.buffers]).get(path) if module else None
            value = None if number is None else self.values.get(number)
            if isinstance(value, TensorValue):
                return value
        place = self.source.span(node)
        for row in reversed(self.trace.operations):
            if row.tick == self.tick and row.span == place and row.outputs:
                value = self.values.get(row.outputs[0])
                return value if isinstance(value, TensorValue) else None
        return None

    def tensors(self) -> Iterator[tuple[ast.expr, TensorValue]]:
        """The names and paths in the failing statement that hold tensors, outermost first."""
        for node in self.nodes():
            if isinstance(node, (ast.Name, ast.Attribute)) and (value := self.tensor(node)):
                yield node, value

    def nodes(self) -> Iterator[ast.AST]:
        """The syntax of the failing statement."""
        statement = self.source.statement(self.span) if self.span else None
        yield from ast.walk(statement) if statement else ()

    def made(self, tensor: TensorValue | None) -> Span | None:
        """The statement after which a variable first held that tensor, where that is not the failing one."""
        if tensor is None:
            return None
        for step in self.trace.steps:
            for _, number in step.variables:
                value = self.values.get(number)
                held = [number]
                if isinstance(value, ModuleValue):
                    held = [part for _, part in (*value.parameters, *value.buffers)]
                for part in held:
                    inside = self.values.get(part)
                    if isinstance(inside, TensorValue) and inside.tensor == tensor.tensor:
                        return None if step.raised else step.span
        return None

    def name_of(self, tensor: int) -> str:
        """A name bound to that tensor in any step so far, or "a tensor" of ours in words."""
        for step in reversed(self.trace.steps):
            for name, number in step.variables:
                value = self.values.get(number)
                inside = [*value.parameters, *value.buffers] if isinstance(value, ModuleValue) else []
                for path, part in [("", number), *((f".{path}", part) for path, part in inside)]:
                    held = self.values.get(part)
                    if isinstance(held, TensorValue) and held.tensor == tensor:
                        return name + path
        return self.source.text_at(self.span) if self.span else ""

    def call(self, *methods: str) -> ast.Call | None:
        """The first call of one of those methods or functions in the failing statement."""
        for node in self.nodes():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
                return node
        return None


def _path(node: ast.AST) -> tuple[str, str]:
    """("model", "0.weight") of model[0].weight; two empty texts for anything else."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            parts.append(str(node.slice.value))
            node = node.value
        else:
            return (node.id, ".".join(reversed(parts))) if isinstance(node, ast.Name) else ("", "")


def line_of(span: Span | None) -> int:
    """The line a span begins at, 0 for none."""
    return span[0] if span else 0


def atom(node: ast.expr, text: str) -> str:
    """The text of an expression, in parentheses unless a method can be called on it as it stands."""
    return text if isinstance(node, (ast.Name, ast.Call, ast.Attribute, ast.Subscript)) else f"({text})"


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as PyTorch writes it."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
