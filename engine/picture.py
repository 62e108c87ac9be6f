"""What of a Trace is drawn: one thing for each tensor or operation a learner would point at, and the edges between
them.

    Trace  --picture-->  Picture  --layout-->  Layout

Autograd nodes, leaves (joined with their AccumulateGrad), inputs that need no gradient, operations without gradient
and cuts are all drawn. The iterations of a loop that do not feed each other through the graph share their places: a
slot then has one variant for each iteration, and the clock says which is shown. Edges point the way values flow, from
the producer to the consumer; gradients walk them backwards.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal

import msgspec

from engine.clock import Clock
from engine.trace import Cut, ModuleValue, Node, Operation, Span, TensorValue, Trace

IterationPath = tuple[tuple[int, int], ...]
"""(loop number, iteration) for each loop around a statement, outermost first."""


class Variant(msgspec.Struct, frozen=True, array_like=True):
    """What one slot holds from the moment `at` on. Numbers point into the Trace; `value` is the snapshot at birth."""

    at: int
    tick: int
    span: Span | None
    node: int | None = None
    tensor: int | None = None
    value: int | None = None
    operation: int | None = None
    iterations: IterationPath = ()


class Slot(msgspec.Struct, frozen=True, array_like=True):
    """One drawn thing. leaf: a tensor that requires grad and was not computed; input: one that needs no grad and was
    not computed; operation: an autograd node; plain: an operation without gradient. `groups` is outermost first."""

    number: int
    kind: Literal["leaf", "input", "operation", "plain"]
    variants: list[Variant]
    groups: list[int]


class Arrow(msgspec.Struct, frozen=True, array_like=True):
    """A value that flowed from slot to slot. gradient: an autograd edge, `position` among the consumer's
    next_functions; plain: a value that needs no gradient; cut: gradient stops here, for `reason`. A `carried` one goes
    on to the next iteration of a folded loop, so it points backwards."""

    source: int
    target: int
    kind: Literal["gradient", "plain", "cut"]
    position: int
    reason: str = ""
    carried: bool = False


class Group(msgspec.Struct, frozen=True, array_like=True):
    """Slots that can be drawn as one: an nn.Module's, a function call's, some iterations of a loop, or a stretch of
    many operations in a row. `name` is the module's path, the function's name or the range ("4 – 1197")."""

    number: int
    kind: Literal["module", "function", "iterations", "stretch"]
    name: str
    parent: int | None


class Picture(msgspec.Struct, frozen=True):
    """All slots, in birth order, numbered by position; the arrows between them; the groups they belong to."""

    slots: list[Slot]
    arrows: list[Arrow]
    groups: list[Group]


class Raw(msgspec.Struct):
    """A slot in the making: one variant, not yet folded. Where it was made in an iteration that was not kept, its path
    is not `exact` but reckoned from the kept ones."""

    kind: Literal["leaf", "input", "operation", "plain"]
    variant: Variant
    name: str
    scope: int
    module: str
    path: IterationPath
    exact: bool = True


class RawArrow(msgspec.Struct):
    """An arrow between raw slots, by their position."""

    source: int
    target: int
    kind: Literal["gradient", "plain", "cut"]
    position: int
    reason: str = ""


class Gatherer:
    """Walks the tables once, in birth order, and says which raw slot stands for each node and each tensor."""

    def __init__(self, trace: Trace, clock: Clock) -> None:
        self.trace, self.clock = trace, clock
        self.raws: list[Raw] = []
        self.arrows: list[RawArrow] = []
        self.by_node: dict[int, int] = {}
        self.by_tensor: dict[int, int] = {}
        self.tensors = {value.number: value for value in trace.values if isinstance(value, TensorValue)}
        self.nodes = {node.number: node for node in trace.nodes}
        self.edges: dict[int, list[tuple[int, int]]] = {}
        for edge in trace.edges:
            self.edges.setdefault(edge.from_node, []).append((edge.position, edge.to_node))
        self.gradients = _gradient_tensors(trace, self.tensors)
        self.paths = Paths(trace)
        self.cuts = {(cut.tick, cut.input): cut for cut in trace.cuts}
        modules = {value.number: value for value in trace.values if isinstance(value, ModuleValue)}
        self.first_seen = _first_seen(trace, clock, self.tensors, modules)

    def gather(self) -> tuple[list[Raw], list[RawArrow]]:
        """All raw slots in birth order, and the arrows between them."""
        for operation in self.trace.operations:
            self._operation(operation)
        for node in self.trace.nodes:
            self._node(node, None)
        for node in self.trace.nodes:
            self._gradient_arrows(node)
        self._lonely_leaves()
        return self._kept()

    def _operation(self, operation: Operation) -> None:
        inputs = [self.tensors[number] for number in operation.inputs if number in self.tensors]
        outputs = [self.tensors[number] for number in operation.outputs if number in self.tensors]
        for number in operation.nodes:
            if number in self.nodes:
                self._node(self.nodes[number], operation)
        cut = next((self.cuts[key] for value in inputs if (key := (operation.tick, value.number)) in self.cuts), None)
        if operation.nodes:
            self._plain_inputs(operation, inputs)
        elif cut is not None or outputs:
            self._without_gradient(operation, inputs, outputs, cut)

    def _node(self, node: Node, operation: Operation | None) -> None:
        if node.number in self.by_node:
            return
        if node.leaf is not None:
            self._leaf(node)
            return
        value = self.tensors.get(node.value) if node.value is not None else None
        place = self._add("operation", node.name, node.tick, node.span, node.scope, node.module, node=node.number,
                          value=value, operation=operation, at=self.clock.nodes[node.number])  # fmt: skip
        self.by_node[node.number] = place
        if value is not None:
            self.by_tensor[value.tensor] = place

    def _leaf(self, node: Node) -> None:
        assert node.leaf is not None
        if node.leaf not in self.by_tensor:
            at, value = self.first_seen.get(node.leaf, (self.clock.nodes[node.number], None))
            at = min(at, self.clock.nodes[node.number])
            tick = self._tick(at) or node.tick
            self.by_tensor[node.leaf] = self._add("leaf", node.label or node.name, tick, None, 0, "",
                                                  value=value, tensor=node.leaf, at=at)  # fmt: skip
        place = self.by_tensor[node.leaf]
        raw = self.raws[place]
        raw.kind = "leaf"
        raw.name = node.label or raw.name
        raw.variant = msgspec.structs.replace(raw.variant, node=node.number)
        self.by_node[node.number] = place

    def _tick(self, at: int) -> int:
        return self.trace.steps[self.clock.moments[at].step].tick if at < len(self.clock.moments) else 0

    def _add(
        self, kind: Literal["leaf", "input", "operation", "plain"], name: str, tick: int, span: Span | None, scope: int,
        module: str, *, at: int, node: int | None = None, value: TensorValue | None = None, tensor: int | None = None,
        operation: Operation | None = None,
    ) -> int:  # fmt: skip
        if operation is not None:
            span, module, scope = operation.span, operation.module or module, operation.scope
        path, exact = self.paths.of(tick)
        variant = Variant(
            at, tick, span, node, value.tensor if value else tensor, value.number if value else None,
            operation.number if operation else None, path,
        )  # fmt: skip
        self.raws.append(Raw(kind, variant, name, scope, module, path, exact))
        return len(self.raws) - 1

    def _plain_inputs(self, operation: Operation, inputs: list[TensorValue]) -> None:
        """Arrows from the inputs that need no gradient: to the node that saved the tensor, else to the last one
        born."""
        nodes = [self.nodes[number] for number in operation.nodes if number in self.by_node]
        for position, value in enumerate(inputs):
            if value.requires_grad or not nodes:
                continue
            saving = [node for node in nodes if any(saved.tensor == value.tensor for saved in node.saved)]
            target = self.by_node[(saving or nodes)[-1].number]
            self._arrow(value, target, "plain", position)

    def _arrow(
        self, value: TensorValue, target: int, kind: Literal["plain", "cut"], position: int, reason: str = ""
    ) -> None:
        source = self.by_tensor.get(value.tensor)
        if source is None and value.node is not None:
            source = self.by_node.get(value.node)
        if source is None:
            source = self._input(value, target)
        if source != target:
            self.arrows.append(RawArrow(source, target, kind, position, reason))

    def _input(self, value: TensorValue, target: int) -> int:
        at, first = self.first_seen.get(value.tensor, (self.raws[target].variant.at, value))
        kind: Literal["leaf", "input"] = "leaf" if value.requires_grad else "input"
        at = min(at, self.raws[target].variant.at)
        place = self._add(
            kind, "", self._tick(at) or self.raws[target].variant.tick, None, 0, "", value=first or value, at=at
        )
        self.by_tensor[value.tensor] = place
        return place

    def _without_gradient(
        self, operation: Operation, inputs: list[TensorValue], outputs: list[TensorValue], cut: Cut | None
    ) -> None:
        fresh = [value for value in outputs if value.tensor not in {row.tensor for row in inputs}]
        fresh = [value for value in fresh if value.tensor not in self.by_tensor and value.tensor not in self.gradients]
        fresh = [value for value in fresh if value.node is None]  # else its node is drawn, wherever it was made
        if cut is None and not fresh:
            return
        output = fresh[0] if fresh else None
        if output is not None and not inputs:
            kind: Literal["leaf", "input", "plain"] = "leaf" if output.requires_grad else "input"
        else:
            kind = "plain"
        place = self._add(kind, operation.name, operation.tick, operation.span, operation.scope, operation.module,
                          value=output, operation=operation, at=self.clock.operations[operation.number])  # fmt: skip
        for value in fresh:
            self.by_tensor[value.tensor] = place
        for position, value in enumerate(inputs):
            if value.tensor in self.gradients:
                continue
            stops = cut is not None and value.number == cut.input
            self._arrow(value, place, "cut" if stops else "plain", position, cut.reason if cut and stops else "")

    def _gradient_arrows(self, node: Node) -> None:
        if node.leaf is not None:
            return
        for position, receiver in self.edges.get(node.number, []):
            if receiver in self.by_node:
                self.arrows.append(RawArrow(self.by_node[receiver], self.by_node[node.number], "gradient", position))

    def _lonely_leaves(self) -> None:
        """Leaves that no operation has used yet are drawn too: that their grad stays None is worth seeing."""
        for tensor, (at, value) in self.first_seen.items():
            if tensor not in self.by_tensor and value.is_leaf and value.requires_grad:
                self.by_tensor[tensor] = self._add("leaf", "", self._tick(at), None, 0, "", value=value, at=at)

    def _kept(self) -> tuple[list[Raw], list[RawArrow]]:
        """Without inputs that nothing uses (unless there is nothing else), in birth order."""
        used = {place for arrow in self.arrows for place in (arrow.source, arrow.target)}
        kept = [place for place, raw in enumerate(self.raws) if place in used or raw.kind in ("leaf", "operation")]
        kept = sorted(kept or range(len(self.raws)), key=lambda place: (self.raws[place].variant.at, place))
        renumbered = {place: number for number, place in enumerate(kept)}
        for arrow in self.arrows:
            arrow.source, arrow.target = renumbered[arrow.source], renumbered[arrow.target]
        return [self.raws[place] for place in kept], self.arrows


def _gradient_tensors(trace: Trace, tensors: dict[int, TensorValue]) -> set[int]:
    """The tensors that are a .grad: they are read on the leaf, not drawn as inputs of their own."""
    numbers = {number for row in trace.deposits for number in (row.before, row.after)}
    numbers |= {value.grad for value in tensors.values()}
    return {tensors[number].tensor for number in numbers if number in tensors}


class Paths:
    """The loops around each tick, those around the call of its function included."""

    def __init__(self, trace: Trace) -> None:
        callers = {scope.number: scope for scope in trace.scopes}
        own = {step.tick: tuple(step.iterations) for step in trace.steps}
        self.kept: dict[int, IterationPath] = {}
        for step in sorted(trace.steps, key=lambda step: step.tick):
            path, scope = own[step.tick], callers.get(step.scope)
            while scope is not None and scope.parent is not None:
                outer = own.get(scope.tick, ())
                if path[: len(outer)] != outer:
                    path = (*outer, *path)
                scope = callers.get(scope.parent)
            self.kept[step.tick] = path
        self.ticks = list(self.kept)

    def of(self, tick: int) -> tuple[IterationPath, bool]:
        """The path of that tick, and whether it is known. Of a tick that was not kept, it is the loop that the kept
        ones before and after share, at an iteration in proportion between theirs."""
        if tick in self.kept:
            return self.kept[tick], True
        place = bisect_left(self.ticks, tick)
        if not 0 < place < len(self.ticks):
            return (), True
        before, after = self.ticks[place - 1], self.ticks[place]
        path: list[tuple[int, int]] = []
        for (loop, low), (other, high) in zip(self.kept[before], self.kept[after], strict=False):
            if loop != other:
                break
            share = (tick - before) / (after - before)
            path.append((loop, max(low, min(low + 1 + int((high - low - 1) * share), high - 1))))
            if low != high:
                break
        return tuple(path), not path


def _first_seen(
    trace: Trace, clock: Clock, tensors: dict[int, TensorValue], modules: dict[int, ModuleValue]
) -> dict[int, tuple[int, TensorValue]]:
    """By tensor that a variable or a module's parameter held: the first moment, and its snapshot then."""
    seen: dict[int, tuple[int, TensorValue]] = {}
    for place, step in enumerate(trace.steps):
        for _, number in step.variables:
            module = modules.get(number)
            for held in [part for _, part in module.parameters] if module else [number]:
                value = tensors.get(held)
                if value is not None and value.tensor not in seen:
                    seen[value.tensor] = (clock.steps[place], value)
    return seen
