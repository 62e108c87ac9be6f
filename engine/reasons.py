"""Trace -> reasons: why is .grad None, and the quiet mistakes that raise nothing.

Everything here is read from the rows of the trace: what was recorded, not what the text looks like. `why_no_grad`
answers for any tensor at any step; `quiet_notes` looks once over a finished trace. A note that might be wrong is not
given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.case import Reason
from engine.edits import Source
from engine.trace import Deposit, ModuleValue, Node, OtherValue, Span, Step, TensorValue, Trace

_CONVERSIONS = {"ToCopyBackward0", "CloneBackward0"}
_MODES = ("Dropout", "BatchNorm", "InstanceNorm")


class Rows:
    """A trace with the look-ups its questions need, made once."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.values = {value.number: value for value in trace.values}
        self.nodes = {node.number: node for node in trace.nodes}
        self.after: dict[int, list[int]] = {}
        self.inputs: dict[int, list[tuple[int, int]]] = {}
        for edge in trace.edges:
            self.after.setdefault(edge.from_node, []).append(edge.to_node)
            self.inputs.setdefault(edge.from_node, []).append((edge.position, edge.to_node))
        self.operations = {node: operation for operation in trace.operations for node in operation.nodes}
        self.accumulators = {node.leaf: node for node in trace.nodes if node.leaf is not None}
        self.names: dict[int, str] = {}
        for step in trace.steps:
            for name, number in step.variables:
                self._name(name, number)

    def _name(self, name: str, number: int) -> None:
        value = self.values.get(number)
        if isinstance(value, TensorValue):
            self.names.setdefault(value.tensor, name)
        elif isinstance(value, ModuleValue):
            for path, parameter in [*value.parameters, *value.buffers]:
                self._name(f"{name}.{path}", parameter)
        elif isinstance(value, OtherValue):
            for part, inside in value.parts:
                self._name(f"{name}{part}", inside)

    def tensors(self, step: Step) -> Iterator[tuple[str, TensorValue]]:
        """The tensors that are variables at a step."""
        for name, number in step.variables:
            value = self.values[number]
            if isinstance(value, TensorValue):
                yield name, value

    def leaves_behind(self, node: int) -> set[int]:
        """The leaves (tensor numbers) that a node's graph ends in."""
        seen, stack, leaves = {node}, [node], set()
        while stack:
            current = stack.pop()
            leaf = self.nodes[current].leaf
            if leaf is not None:
                leaves.add(leaf)
            for following in self.after.get(current, ()):
                if following not in seen:
                    seen.add(following)
                    stack.append(following)
        return leaves


def why_no_grad(rows: Rows, value: TensorValue, tick: int) -> Reason | None:
    """Why `.grad` of this tensor is None after the statement at `tick`; None where it is not None."""
    if value.grad is not None:
        return None
    if not value.requires_grad:
        return _not_asked(rows, value, tick)
    if not value.is_leaf:
        node = rows.nodes.get(value.node) if value.node is not None else None
        place = node.span if node else None
        code = "reason.converted" if node and node.name in _CONVERSIONS else "reason.non_leaf"
        return Reason(code, {"line": place[0] if place else 0, "node": node.name if node else ""}, place)
    return _leaf_without_grad(rows, value, tick)


def _not_asked(rows: Rows, value: TensorValue, tick: int) -> Reason:
    for cut in reversed(rows.trace.cuts):
        output = rows.values.get(cut.output) if cut.output is not None else None
        if cut.tick <= tick and isinstance(output, TensorValue) and output.tensor == value.tensor:
            return Reason("reason.cut", {"line": cut.span[0], "reason": cut.reason}, cut.span)
    integer = not value.dtype.startswith(("float", "bfloat", "complex"))
    return Reason("reason.integer" if integer else "reason.not_asked", {"dtype": value.dtype})


def _leaf_without_grad(rows: Rows, value: TensorValue, tick: int) -> Reason:
    account = [row for row in rows.trace.deposits if row.tensor == value.tensor and row.tick <= tick]
    if account and account[-1].kind != "deposit":
        span = _span_at(rows.trace, account[-1].tick)
        return Reason("reason.cleared", {"line": span[0] if span else 0}, span)
    passes = [row for row in rows.trace.passes if row.tick <= tick and row.error is None]
    if not passes:
        failed = [row for row in rows.trace.passes if row.tick <= tick]
        return Reason("reason.pass_failed" if failed else "reason.no_backward", {}, failed[-1].span if failed else None)
    if not any(row.accumulate for row in passes):
        span = passes[-1].span
        return Reason("reason.returned", {"line": span[0] if span else 0}, span)
    last = next(row for row in reversed(passes) if row.accumulate)
    params: dict[str, str | int | float] = {"line": last.span[0] if last.span else 0}
    reached = set().union(*(rows.leaves_behind(root) for root in last.roots)) if last.roots else set()
    for cut in rows.trace.cuts:
        source = rows.values.get(cut.input)
        behind = isinstance(source, TensorValue) and (
            source.tensor == value.tensor
            or (source.node is not None and value.tensor in rows.leaves_behind(source.node))
        )
        if behind and value.tensor not in reached:
            return Reason("reason.cut_off", {**params, "cut": cut.span[0], "reason": cut.reason}, last.span, cut.span)
    return Reason("reason.not_reached", params, last.span)


def _span_at(trace: Trace, tick: int) -> Span | None:
    return next((step.span for step in trace.steps if step.tick == tick), None)


def quiet_notes(trace: Trace) -> list[Reason]:
    """The quiet mistakes of a run, each once, in the order of their lines."""
    if not trace.steps:
        return []  # nothing ran: the text may not even be Python
    rows = Rows(trace)
    found: dict[tuple[str, Span | None], Reason] = {}
    for look in NOTES:
        for reason in look(rows):
            found.setdefault((reason.code, reason.span), reason)
    return sorted(found.values(), key=lambda reason: reason.span or (0, 0, 0, 0))


def column_against_row(rows: Rows) -> Iterator[Reason]:
    """(n, 1) meets (n,) in a difference or a loss: broadcasting makes n by n differences, and the loss is of all of
    them."""
    for operation in rows.trace.operations:
        inputs = [value for number in operation.inputs if isinstance(value := rows.values[number], TensorValue)]
        if len(inputs) < 2 or not _compares(operation.name):
            continue
        column, row = sorted((inputs[0].shape, inputs[1].shape), key=len, reverse=True)
        if len(row) == 1 and column == (row[0], 1) and row[0] > 1 and inputs[0].requires_grad | inputs[1].requires_grad:
            yield Reason("note.column_against_row", {"count": row[0], "line": operation.span[0]}, operation.span)


def _compares(name: str) -> bool:
    return name == "-" or any(word in name.lower() for word in ("loss", "criterion", "mse", "sub"))


def softmax_before_loss(rows: Rows) -> Iterator[Reason]:
    """The loss takes the softmax itself, or expects independent probabilities, and was given the output of a
    softmax."""
    for node in rows.trace.nodes:
        if node.name == "LogSoftmaxBackward0" and "cross_entropy" in _made_by(rows, node):
            yield from _fed_by_softmax(rows, node, "note.softmax_before_cross_entropy")
        if node.name == "BinaryCrossEntropyBackward0":
            yield from _fed_by_softmax(rows, node, "note.softmax_before_bce")


def _fed_by_softmax(rows: Rows, node: Node, code: str) -> Iterator[Reason]:
    for following in rows.after.get(node.number, ()):
        before = rows.nodes[following]
        if before.name == "SoftmaxBackward0" and node.span and before.span:
            params: dict[str, str | int | float] = {"line": node.span[0], "softmax": before.span[0]}
            yield Reason(code, params, node.span, before.span)


def _made_by(rows: Rows, node: Node) -> str:
    """The names of what the nodes around a log-softmax belong to: it is cross entropy when a negative log likelihood of
    the same place takes it."""
    for edge in rows.trace.edges:
        if edge.to_node == node.number:
            taker = rows.nodes[edge.from_node]
            if taker.name.startswith("NllLoss") and taker.span == node.span:
                return "cross_entropy"
    return ""


def unnamed_leaf(rows: Rows) -> Iterator[Reason]:
    """A variable made from a leaf that no name holds: its .grad stays None and an optimizer refuses it. Not one that
    was told to retain its grad, and not where the leaf was made elsewhere, as the parameters of a module."""
    kept = {value.tensor for value in rows.values.values() if isinstance(value, TensorValue) and value.retains_grad}
    made = {(row.tick, rows.values[one].tensor) for row in rows.trace.operations for one in row.outputs}  # type: ignore[union-attr]
    for step in rows.trace.steps:
        for name, value in rows.tensors(step):
            node = rows.nodes.get(value.node) if value.node is not None else None
            if node is None or value.is_leaf or node.span is None or node.span[0] != step.span[0]:
                continue
            source = _only_leaf(rows, node)
            if source is None or source in rows.names or value.tensor in kept or (step.tick, source) not in made:
                continue
            if node.tick == step.tick:
                yield Reason("note.unnamed_leaf", {"name": name, "line": step.span[0], "node": node.name}, step.span)


def _only_leaf(rows: Rows, node: Node) -> int | None:
    """The leaf behind a node of one single input, made in the same statement."""
    following = rows.after.get(node.number, [])
    if len(following) != 1:
        return None
    leaf = rows.nodes[following[0]]
    return leaf.leaf if leaf.leaf is not None and leaf.tick == node.tick else None


def never_cleared(rows: Rows) -> Iterator[Reason]:
    """A training loop that changes a leaf by its grad and never clears the grad: each step repeats all earlier ones."""
    loops = {step.tick: step.iterations for step in rows.trace.steps}
    for tensor, name in rows.names.items():
        account = [row for row in rows.trace.deposits if row.tensor == tensor]
        inside = [row for row in account if loops.get(row.tick)]
        updates = {row.tick for row in rows.trace.changes if row.tensor == tensor and loops.get(row.tick)}
        if len(updates) < 2 or any(row.kind != "deposit" for row in inside) or not _turns(inside, loops):
            continue
        span = _span_at(rows.trace, inside[-1].tick)
        yield Reason("note.never_cleared", {"name": name, "line": span[0] if span else 0}, span)


def _turns(account: list[Deposit], loops: dict[int, list[tuple[int, int]]]) -> bool:
    """Whether the deposits lie in at least two iterations of one loop, and add to what was there."""
    turns = {tuple(loops[row.tick]) for row in account if row.before is not None or row is account[0]}
    return len(turns) >= 2


def frozen_in_optimizer(rows: Rows) -> Iterator[Reason]:
    """An optimizer was given a tensor that does not require grad: step() will pass it by."""
    source = Source(rows.trace.source)
    for step in rows.trace.steps:
        call = source.optimizer_call(step.span)
        if call is None:
            continue
        for name, value in rows.tensors(step):
            if name in call and not value.requires_grad:
                yield Reason("note.frozen_in_optimizer", {"name": name, "line": step.span[0]}, step.span)


def evaluated_in_training_mode(rows: Rows) -> Iterator[Reason]:
    """A module with dropout or batch norm was called where nothing is recorded, while still in training mode."""
    for operation in rows.trace.operations:
        outputs = [value for number in operation.outputs if isinstance(value := rows.values[number], TensorValue)]
        module = _module_at(rows, operation.name, operation.tick)
        if module is None or not module.training or not any(word in module.repr for word in _MODES):
            continue
        trained = any(getattr(rows.values[number], "requires_grad", False) for _, number in module.parameters)
        if trained and outputs and not any(value.requires_grad for value in outputs):
            params: dict[str, str | int | float] = {"name": operation.name, "line": operation.span[0]}
            yield Reason("note.training_mode", params, operation.span)


def trained_in_evaluation_mode(rows: Rows) -> Iterator[Reason]:
    """A module with dropout or batch norm was trained, its parameters changed, while it was in evaluation mode."""
    changed = {row.tensor: row.tick for row in rows.trace.changes}
    for operation in rows.trace.operations:
        module = _module_at(rows, operation.name, operation.tick)
        if module is None or module.training or not any(word in module.repr for word in _MODES):
            continue
        recorded = any(getattr(rows.values[number], "requires_grad", False) for number in operation.outputs)
        tensors = [value for _, number in module.parameters if isinstance(value := rows.values[number], TensorValue)]
        if recorded and any(changed.get(value.tensor, 0) > operation.tick for value in tensors):
            params: dict[str, str | int | float] = {"name": operation.name, "line": operation.span[0]}
            yield Reason("note.eval_mode", params, operation.span)


def integer_on_the_way(rows: Rows) -> Iterator[Reason]:
    """A conversion to integers stands between a leaf and everything that backward ran from: the leaf gets nothing."""
    given = {row.tensor for row in rows.trace.deposits if row.kind == "deposit"}
    for cut in rows.trace.cuts:
        source = rows.values.get(cut.input)
        if cut.reason != "integer" or not isinstance(source, TensorValue):
            continue
        if not any(row.accumulate and row.error is None and row.tick > cut.tick for row in rows.trace.passes):
            continue
        leaves = (
            {source.tensor} if source.is_leaf else rows.leaves_behind(source.node) if source.node is not None else ()
        )
        for leaf in leaves:
            if leaf in rows.names and leaf not in given:
                params: dict[str, str | int | float] = {"name": rows.names[leaf], "line": cut.span[0]}
                yield Reason("note.integer", params, cut.span)


def _module_at(rows: Rows, name: str, tick: int) -> ModuleValue | None:
    for step in reversed(rows.trace.steps):
        if step.tick <= tick and (number := dict(step.variables).get(name)) is not None:
            value = rows.values[number]
            return value if isinstance(value, ModuleValue) else None
    return None


NOTES: tuple[Callable[[Rows], Iterator[Reason]], ...] = (
    column_against_row,
    softmax_before_loss,
    unnamed_leaf,
    never_cleared,
    frozen_in_optimizer,
    evaluated_in_training_mode,
    trained_in_evaluation_mode,
    integer_on_the_way,
)
