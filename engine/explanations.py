"""What a page can say about a trace without asking again: reasons, formulas with their numbers, broadcasts, updates.

Everything is data without words of a language: message ids with parameters, formulas as MathML, numbers of values.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.broadcasting import Broadcast, broadcast
from engine.case import Reason
from engine.clock import Clock
from engine.formulas import FORMULAS, Formula
from engine.mathml import Formula as MathML
from engine.mathml import mathml
from engine.reasons import Rows, why_no_grad
from engine.settings import formula_of
from engine.trace import ModuleValue, Node, OtherValue, Step, TensorValue, Trace
from engine.updates import updates

LOOKS = 3_000
"""How many times it is asked why a .grad is None, over all tensors and steps; later moments have no answer."""

Place = tuple[str, int | str]
"""Where a number of a formula is found: ("value", number), ("saved", place in the node's saved) or ("text", text)."""

_SECOND = ("_saved_other", "_saved_mat2", "_saved_vec", "_saved_tensor", "_saved_target", "_saved_exponent")
_PRODUCT = {"_saved_mat1": "b", "_saved_mat2": "c", "_saved_mat": "b", "_saved_vec": "c", "_saved_batch1": "b",
            "_saved_batch2": "c", "_saved_tensor1": "b", "_saved_tensor2": "c"}  # fmt: skip
_SETTINGS = {"_saved_exponent": "n", "_saved_dim": "dim", "_saved_target": "t", "_saved_negative_slope": "k",
             "_saved_threshold": "k", "_saved_min": "k", "_saved_max": "m",
             "_saved_other": "k", "_saved_indices": "i", "_saved_index": "i", "_saved_mask": "m",
             "_saved_condition": "m"}  # fmt: skip


class Written(msgspec.Struct, frozen=True):
    """A row of the formulas, to be drawn: `code` is the message id of its sentence."""

    code: str
    forward: MathML
    vjps: list[MathML]


class Equation(msgspec.Struct, frozen=True):
    """An optimizer step for one parameter, see `updates.Update`; `at` is a moment of the clock."""

    at: int
    tensor: int
    optimizer: str
    before: int
    grad: int
    after: int
    equation: MathML
    numbers: dict[str, float]
    buffers: dict[str, tuple[float, ...]]


class Explained(msgspec.Struct, frozen=True):
    """`none[tensor]` are (moment, place in `reasons` or -1) from that moment on; `formula` gives for a node its
    place in `formulas`; `numbers` by node and name; `broadcast` gives for a node its place in `broadcasts`."""

    reasons: list[Reason]
    none: dict[int, list[tuple[int, int]]]
    formulas: dict[str, Written]
    formula: dict[int, str]
    numbers: dict[int, dict[str, Place]]
    broadcasts: list[Broadcast]
    broadcast: dict[int, int]
    updates: list[Equation]


def explain(trace: Trace, clock: Clock) -> Explained:
    """All of it. Equal traces give equal explanations."""
    rows = Rows(trace)
    reasons, none = _reasons(rows, clock)
    broadcasts, by_node = _broadcasts(rows)
    rows_of = {node.number: row for node in trace.nodes if (row := formula_of(node)) is not None}
    numbers = {node.number: found for node in trace.nodes if (found := numbers_in(rows, node))}
    steps = [
        Equation(clock.steps[clock.ticks[row.tick]], row.tensor, row.optimizer, row.before, row.grad, row.after,
                 mathml(row.equation), row.numbers, row.buffers)
        for row in updates(trace)
    ]  # fmt: skip
    used = {row.key: row for row in rows_of.values()}
    written = {key: _written(used[key]) for key in sorted(used)}
    rows_by_node = {number: row.key for number, row in rows_of.items()}
    return Explained(reasons, none, written, rows_by_node, numbers, broadcasts, by_node, steps)


def _written(row: Formula) -> Written:
    return Written(row.code, mathml(row.forward), [mathml(vjp) for vjp in row.vjps])


def _reasons(rows: Rows, clock: Clock) -> tuple[list[Reason], dict[int, list[tuple[int, int]]]]:
    """Why each tensor's .grad is None, at every kept step where the answer may have changed."""
    reasons: dict[tuple[str, str], int] = {}
    listed: list[Reason] = []
    none: dict[int, list[tuple[int, int]]] = {}
    seen: dict[int, tuple[int, int]] = {}
    ticks = sorted(row.tick for row in rows.trace.passes)
    looks = passed = 0
    for place, step in enumerate(rows.trace.steps):
        while passed < len(ticks) and ticks[passed] <= step.tick:
            passed += 1
        for value in _tensors(rows, step):
            key = (value.number, passed)
            if seen.get(value.tensor) == key:
                continue
            seen[value.tensor] = key
            looks += value.grad is None
            reason = why_no_grad(rows, value, step.tick) if looks <= LOOKS else None
            number = -1
            if reason is not None:
                name = (reason.code, repr((reason.params, reason.span, reason.cause)))
                number = reasons.setdefault(name, len(listed))
                if number == len(listed):
                    listed.append(reason)
            entries = none.setdefault(value.tensor, [])
            if (entries[-1][1] if entries else -1) != number:
                entries.append((clock.steps[place], number))
    return listed, {tensor: entries for tensor, entries in none.items() if entries}


def _tensors(rows: Rows, step: Step) -> Iterator[TensorValue]:
    """The tensors that the variables of a step hold, those inside modules and containers too."""
    for _, number in step.variables:
        value = rows.values[number]
        inside = [number]
        if isinstance(value, ModuleValue):
            inside = [part for _, part in (*value.parameters, *value.buffers)]
        elif isinstance(value, OtherValue):
            inside = [part for _, part in value.parts]
        for part in inside:
            tensor = rows.values.get(part)
            if isinstance(tensor, TensorValue):
                yield tensor


def numbers_in(rows: Rows, node: Node) -> dict[str, Place]:
    """Where the numbers of a node's formula are: its inputs, its result and its settings, as far as the trace has them.

    What the node saved comes first: those are the very numbers its backward uses.
    """
    row = formula_of(node)
    if row is None:
        return {}
    found: dict[str, Place] = {}
    for place, saved in enumerate(node.saved):
        name = _name(row, saved.name)
        if name is None:
            continue
        if saved.preview is not None:
            found[name] = ("saved", place)
        elif saved.shape is None and saved.text:
            found[name] = ("text", saved.text)
    for position, to_node in rows.inputs.get(node.number, ()):
        if position < len(row.inputs) and row.inputs[position] not in found:
            value = _forward(rows, node, rows.nodes[to_node])
            if value is not None:
                found[row.inputs[position]] = ("value", value)
    if node.value is not None:
        found.setdefault("y", ("value", node.value))
    return found


def _name(row: Formula, saved: str) -> str | None:
    """The name in the formula of what is saved under that name."""
    if row.name == "PowBackward2":  # a number to the power of a tensor
        return {"_saved_self": "k", "_saved_exponent": "a", "_saved_result": "y"}.get(saved)
    if saved == "_saved_self":
        return "a"
    if saved in ("_saved_result", "_saved_output"):
        return "y"
    if len(row.inputs) == 3 and saved in _PRODUCT:
        return _PRODUCT[saved]
    if len(row.inputs) == 2 and saved in _SECOND:
        return "b"
    name = _SETTINGS.get(saved)
    return name if name in row.given else None


def _forward(rows: Rows, node: Node, source: Node) -> int | None:
    """The value that came to a node from another: what it made, or the leaf as the operation took it."""
    if source.leaf is None:
        return source.value
    operation = rows.operations.get(node.number)
    for number in operation.inputs if operation is not None else ():
        value = rows.values.get(number)
        if isinstance(value, TensorValue) and value.tensor == source.leaf:
            return number
    return source.value


def _broadcasts(rows: Rows) -> tuple[list[Broadcast], dict[int, int]]:
    """The broadcasts of operations that made one node from inputs of unequal shapes."""
    kinds: dict[tuple[tuple[int, ...], ...], int | None] = {}
    listed: list[Broadcast] = []
    by_node: dict[int, int] = {}
    for operation in rows.trace.operations:
        if len(operation.nodes) != 1 or len(operation.inputs) < 2:
            continue
        row = FORMULAS.get(rows.nodes[operation.nodes[0]].name) if operation.nodes[0] in rows.nodes else None
        if row is None or row.code not in ("formula.sum", "formula.product", "formula.chain", "formula.gate"):
            continue
        shapes = tuple(rows.values[number].shape for number in operation.inputs)  # type: ignore[union-attr]
        if shapes not in kinds:
            found = broadcast(shapes)
            kinds[shapes] = None if found is None else len(listed)
            listed += [] if found is None else [found]
        place = kinds[shapes]
        if place is not None:
            by_node[operation.nodes[0]] = place
    return listed, by_node
