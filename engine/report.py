"""Trace -> what the command line prints: one object for programs to read, or text for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.errors import Parameters
from engine.messages import render
from engine.trace import (
    ArrayValue,
    ModuleValue,
    NumberValue,
    Outcome,
    Preview,
    Span,
    TensorValue,
    Trace,
    Value,
    to_json,
)

CAPS = ("run.nodes", "run.trace", "run.steps")
"""Notices that say the graph is not whole."""


def report(file: str, trace: Trace) -> dict[str, Any]:
    """The object of the command line's contract for one file, ready for `json.dumps(..., allow_nan=False)`."""
    return _Report(trace).whole(file)


def refused(file: str, code: str, params: Parameters) -> dict[str, Any]:
    """The same object for a file that was not run, with the reason."""
    return report(file, Trace(source="", outcome=Outcome("refused", code, params)))


def sentence(outcome: Outcome) -> str:
    """What happened, in PyTorch's own words where the program failed, else in ours."""
    return outcome.message if outcome.kind == "failed" or not outcome.code else render(outcome.code, outcome.params)


def last_variables(trace: Trace) -> list[tuple[str, int]]:
    """The program's variables at its end; where the run was cut off, those of the latest step of its own scope."""
    if trace.final is not None:
        return trace.final
    return next((step.variables for step in reversed(trace.steps) if step.scope == 0), [])


def printed(trace: Trace) -> str:
    """All that the program printed, in order; where the run was cut off, as its steps have it."""
    return "".join(step.printed for step in trace.steps) if trace.printed is None else trace.printed


def warned(trace: Trace) -> list[str]:
    """The lines of its error stream, warnings among them, as far as its steps have them."""
    return [line for step in trace.steps for line in step.warnings]


class _Report:
    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.values: dict[int, Value] = {value.number: value for value in trace.values}
        self.names = {node.number: node.name for node in trace.nodes}

    def whole(self, file: str) -> dict[str, Any]:
        trace = self.trace
        return {
            "file": file,
            "outcome": self.outcome(),
            "printed": printed(trace),
            "variables": {name: self.value(number) for name, number in last_variables(trace)},
            "graph": self.graph(),
            "backward": self.backward(),
            "steps": trace.ticks,
        }

    def outcome(self) -> dict[str, Any]:
        outcome = self.trace.outcome or Outcome("lost", "run.own_fault", {"type": "no outcome"})
        return {
            "kind": outcome.kind,
            "code": outcome.code,
            "type": outcome.type,
            "message": sentence(outcome),
            "line": _line(outcome.span),
        }

    def value(self, number: int) -> dict[str, Any]:
        value = self.values[number]
        match value:
            case TensorValue():
                return self.tensor(value)
            case NumberValue():
                whole = isinstance(value.value, str)
                return {"kind": "number", "value": int(value.value) if whole else to_json(value.value)}  # type: ignore[arg-type]
            case ArrayValue(shape=(), dtype="float64"):  # numpy's float64 is a float of Python's
                return {"kind": "number", "value": to_json(value.preview.values[0])}
            case ArrayValue():
                shown = {"kind": "array", "shape": list(value.shape), "dtype": value.dtype}
                return shown | _elements(value.preview)
            case ModuleValue():
                return {
                    "kind": "module",
                    "repr": value.repr,
                    "training": value.training,
                    "parameters": {name: self.value(part) for name, part in value.parameters},
                    "buffers": {name: self.value(part) for name, part in value.buffers},
                }
        return {"kind": "other", "repr": value.repr}

    def tensor(self, value: TensorValue) -> dict[str, Any]:
        return {
            "kind": "tensor",
            "shape": list(value.shape),
            "dtype": value.dtype,
            "device": value.device,
            "requires_grad": value.requires_grad,
            "is_leaf": value.is_leaf,
            "grad_fn": None if value.node is None else self.names[value.node],
            **_elements(value.preview),
            "grad": None if value.grad is None else self.value(value.grad),
        }

    def graph(self) -> dict[str, Any]:
        trace = self.trace
        nodes = [
            {"id": node.number, "name": node.name, "span": None if node.span is None else list(node.span)}
            for node in trace.nodes
        ]
        edges = [[edge.from_node, edge.position, edge.to_node, edge.input_nr] for edge in trace.edges]
        truncated = any(notice.code in CAPS for notice in trace.notices)
        return {"nodes": nodes, "edges": edges, "truncated": truncated}

    def backward(self) -> list[dict[str, Any]]:
        events: dict[int, list[dict[str, Any]]] = {}
        for event in self.trace.events:
            shown = {
                "node": event.node,
                "grad_outputs": [None if number is None else self.value(number) for number in event.grad_outputs],
                "grad_inputs": [None if number is None else self.value(number) for number in event.grad_inputs],
            }
            events.setdefault(event.pass_, []).append(shown)
        passes = sorted(self.trace.passes, key=lambda row: row.number)
        return [{"line": _line(row.span), "events": events.get(row.number, [])} for row in passes]


def _line(span: Span | None) -> int | None:
    return None if span is None else span[0]


def _elements(preview: Preview | None) -> dict[str, Any]:
    """`values` and `truncated`; a tensor without a value of its own has none and says so."""
    if preview is None:
        return {"values": [], "truncated": True}
    return {"values": to_json(preview.values), "truncated": preview.truncated}


def text(file: str, trace: Trace) -> Iterator[str]:
    """Lines for people: what was printed, a table of the variables with their grads, how it ended."""
    yield from printed(trace).splitlines()
    shown = _Report(trace)
    rows = [(name, *_cells(shown, shown.values[number])) for name, number in last_variables(trace)]
    if rows:
        yield from table(("name", "what", "value", "grad"), rows)
    outcome = shown.outcome()
    place = file if outcome["line"] is None else f"{file}:{outcome['line']}"
    name = f"{outcome['type']}: " if outcome["type"] else ""
    yield f"{place}: {outcome['kind']}" + (f": {name}{outcome['message']}" if outcome["message"] or name else "")


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows in columns of equal width."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, tuple("-" * width for width in widths), *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cells(shown: _Report, value: Value) -> tuple[str, str, str]:
    match value:
        case TensorValue():
            what = f"{value.dtype} {tuple(value.shape)}" + (" requires grad" if value.requires_grad else "")
            grad = None if value.grad is None else shown.values[value.grad]
            return what, short(value.preview), short(grad.preview) if isinstance(grad, TensorValue) else "None"
        case NumberValue():
            return "number", str(value.value), ""
        case ArrayValue():
            return f"array {value.dtype} {tuple(value.shape)}", short(value.preview), ""
        case ModuleValue():
            return value.type, f"{len(value.parameters)} parameters", ""
    return value.type, value.repr if len(value.repr) <= 40 else value.repr[:39] + "…", ""


def short(preview: Preview | None) -> str:
    """The first few elements with four significant digits."""
    if preview is None:
        return "no value of its own"
    cells = [f"{number:.4g}" if isinstance(number, float) else str(number) for number in preview.values[:4]]
    return "[" + ", ".join(cells) + (", …]" if preview.truncated or len(preview.values) > 4 else "]")
