"""A Trace told short enough to be read in a diff: what the goldens hold, and how two tellings are compared.

Numbers are rounded to four significant digits; texts are compared with their numbers taken out and compared as numbers;
addresses of objects differ from run to run and are left out.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import zip_longest
from typing import Any

from engine.trace import (
    ArrayValue,
    ModuleValue,
    Node,
    NumberValue,
    OtherValue,
    Preview,
    Scalar,
    Span,
    TensorValue,
    Trace,
    Value,
    number_to_json,
)

SHOWN_NODES = 24
SHOWN_PASSES = 3
SHOWN_ROWS = 8

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+)(?![\w])")
_ADDRESS = re.compile(r"0x[0-9a-f]+")


def rounded(number: Scalar) -> Any:
    """Four significant digits; what is not finite as text."""
    if isinstance(number, tuple):
        return [rounded(part) for part in number]
    if isinstance(number, float):
        return float(f"{number:.4g}") if math.isfinite(number) else number_to_json(number)
    return number


def without_addresses(text: str) -> str:
    """The text with every 0x7f... the same."""
    return _ADDRESS.sub("0x", text)


class Teller:
    """Tells one trace. Rows are found by number once."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.values = {value.number: value for value in trace.values}
        self.names = self._names()
        self.nodes = {node.number: self._node_name(node) for node in trace.nodes}

    def tell(self) -> dict[str, Any]:
        """The whole story."""
        trace = self.trace
        return {
            "outcome": self.outcome(),
            "ticks": trace.ticks,
            "printed": without_addresses("".join(step.printed for step in trace.steps)).splitlines(),
            "variables": self.variables(),
            "nodes": self.graph(),
            "edges": self.edges(),
            "passes": self.passes(),
            "deposits": [self.deposit(row) for row in trace.deposits[:SHOWN_ROWS]],
            "cuts": [f"{row.reason} at {place(row.span)}" for row in trace.cuts[:SHOWN_ROWS]],
            "changes": [f"{place(row.span)}: {row.before} -> {row.after}" for row in trace.changes[:SHOWN_ROWS]],
            "counts": {name: len(getattr(trace, name)) for name in ("passes", "deposits", "cuts", "hooks", "files")},
        }

    def outcome(self) -> dict[str, Any]:
        """How it ended; what PyTorch said is compared with PyTorch itself and not with a golden."""
        outcome = self.trace.outcome
        assert outcome is not None
        return {
            "kind": outcome.kind,
            "code": outcome.code,
            "type": outcome.type,
            "line": outcome.span and outcome.span[0],
        }

    def variables(self) -> dict[str, Any]:
        """Those of the program as its last statement left them."""
        own = [step for step in self.trace.steps if step.scope == 0]
        return {name: self.value(number) for name, number in (own[-1].variables if own else [])}

    def value(self, number: int | None) -> Any:
        """One snapshot in a line or two."""
        value: Value | None = None if number is None else self.values[number]
        match value:
            case None:
                return None
            case TensorValue():
                return self._tensor(value)
            case NumberValue(value=held):
                return rounded(held) if not isinstance(held, str) else held
            case ArrayValue(shape=shape, dtype=dtype, preview=preview):
                return [f"array {shape} {dtype}", preview_list(preview)]
            case ModuleValue(type=name, training=training, parameters=parameters, buffers=buffers):
                parts = {path: self.value(part) for path, part in [*parameters, *buffers]}
                return {"module": name, "training": training, **parts}
            case OtherValue(type=name, repr=text):
                return f"{name}: {without_addresses(text)[:80]}"

    def _tensor(self, value: TensorValue) -> list[Any]:
        words = [str(value.shape), "" if value.dtype == "float32" else value.dtype]
        words += ["leaf" if value.is_leaf else "", "requires_grad" if value.requires_grad else ""]
        words += ["retains_grad" if value.retains_grad else ""]
        words += [f"<{self.nodes[value.node]}>" if value.node is not None else ""]
        told = [" ".join(filter(None, words)), preview_list(value.preview)]
        return [*told, "grad", preview_list(self._held(value.grad))] if value.grad is not None else told

    def _held(self, number: int) -> Preview | None:
        grad = self.values[number]
        assert isinstance(grad, TensorValue)
        return grad.preview

    def graph(self) -> list[str]:
        """Nodes in birth order with their places, counted where there are many."""
        told = [f"{self.nodes[node.number]} at {place(node.span)}" for node in self.trace.nodes]
        return told if len(told) <= SHOWN_NODES else [f"{count} x {name}" for name, count in Counter(told).items()]

    def edges(self) -> list[str]:
        """Each edge by the names of its ends, counted where there are many."""
        told = [
            f"{self.nodes[edge.from_node]}:{edge.position} -> {self.nodes[edge.to_node]}:{edge.input_nr}"
            for edge in self.trace.edges
        ]
        return told if len(told) <= SHOWN_NODES else [f"{count} x {name}" for name, count in Counter(told).items()]

    def passes(self) -> list[dict[str, Any]]:
        """The first passes, event by event, with the gradients that came in."""
        told = []
        for one in self.trace.passes[:SHOWN_PASSES]:
            events = [event for event in self.trace.events if event.pass_ == one.number]
            told.append(
                {
                    "at": place(one.span),
                    "kind": one.kind + (" create_graph" if one.create_graph else "") + (" failed" if one.error else ""),
                    "events": [
                        [self.nodes[event.node], *(self._gradient(grad) for grad in event.grad_outputs)]
                        for event in events
                    ],
                }
            )
        return told

    def _gradient(self, number: int | None) -> Any:
        if number is None:
            return None
        value = self.values[number]
        assert isinstance(value, TensorValue)
        return preview_list(value.preview)

    def deposit(self, row: Any) -> list[Any]:
        """One line of a leaf's account: the tensor by name, what was added and what it holds now."""
        return [self.names.get(row.tensor, "?"), row.kind, self._gradient(row.amount), self._gradient(row.after)]

    def _node_name(self, node: Node) -> str:
        return f"{node.name}({self.names.get(node.leaf, '?')})" if node.leaf is not None else node.name

    def _names(self) -> dict[int | None, str]:
        """The first name that the program gave each tensor, else a function; parameters by their path."""
        names: dict[int | None, str] = {}
        for step in sorted(self.trace.steps, key=lambda step: step.scope != 0):
            for name, number in step.variables:
                value = self.values[number]
                parts = [*value.parameters, *value.buffers] if isinstance(value, ModuleValue) else []
                for path, part in [("", number), *parts]:
                    held = self.values[part]
                    if isinstance(held, TensorValue):
                        names.setdefault(held.tensor, f"{name}.{path}" if path else name)
        return names


def place(span: Span | None) -> str:
    """line:column"""
    return "?" if span is None else f"{span[0]}:{span[1]}"


def preview_list(preview: Preview | None) -> Any:
    """The first elements, rounded; None where a tensor has no value of its own."""
    if preview is None:
        return None
    shown = [rounded(number) for number in preview.values[:16]]
    return [*shown, "..."] if len(preview.values) > 16 or preview.truncated else shown


def differences(told: Any, golden: Any, at: str = "") -> list[str]:
    """Where two stories differ, numbers by more than the rounding and a little noise. Empty where they agree."""
    if isinstance(told, dict) and isinstance(golden, dict):
        return [
            text
            for key in {**golden, **told}
            for text in differences(told.get(key, "(missing)"), golden.get(key, "(missing)"), f"{at}.{key}")
        ]
    if isinstance(told, list) and isinstance(golden, list):
        pairs = zip_longest(told, golden, fillvalue="(missing)")
        return [
            text for number, (one, other) in enumerate(pairs) for text in differences(one, other, f"{at}[{number}]")
        ]
    if isinstance(told, str) and isinstance(golden, str):
        return [] if same_text(told, golden) else [f"{at}: {told!r}, and the golden has {golden!r}"]
    if (
        isinstance(told, bool)
        or isinstance(golden, bool)
        or not all(isinstance(one, (int, float)) for one in (told, golden))
    ):
        return (
            [] if told == golden and type(told) is type(golden) else [f"{at}: {told!r}, and the golden has {golden!r}"]
        )
    return [] if close(told, golden) else [f"{at}: {told!r}, and the golden has {golden!r}"]


def close(one: float, other: float) -> bool:
    """Equal to about three digits, or both next to nothing."""
    return math.isclose(one, other, rel_tol=2e-3, abs_tol=1e-6)


def same_text(one: str, other: str) -> bool:
    """The same words with about the same numbers in them."""
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(left == right or close(float(left), float(right)) for left, right in pairs)
