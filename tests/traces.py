"""Traces made by hand for tests of what only looks at them: scalars, `*`, `+` and detach, and backward by the chain
rule."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from engine import trace as rows
from engine.trace import Span, Trace


@dataclass
class Held:
    """A tensor of the program: its identity, its value, the node that made it, and the number of its latest
    snapshot."""

    tensor: int
    value: float
    node: int | None
    requires_grad: bool
    snapshot: int
    grad: float | None = None


@dataclass
class Builder:
    """Writes the rows of one run, statement by statement. Spans are found in the source: `at("w * x", line=5)`."""

    source: str
    values: list[rows.Value] = field(default_factory=list)
    operations: list[rows.Operation] = field(default_factory=list)
    nodes: list[rows.Node] = field(default_factory=list)
    edges: list[rows.Edge] = field(default_factory=list)
    passes: list[rows.Pass] = field(default_factory=list)
    events: list[rows.Event] = field(default_factory=list)
    deposits: list[rows.Deposit] = field(default_factory=list)
    cuts: list[rows.Cut] = field(default_factory=list)
    steps: list[rows.Step] = field(default_factory=list)
    loops: list[rows.Loop] = field(default_factory=list)
    variables: dict[str, Held] = field(default_factory=dict)
    by_node: dict[int, Held] = field(default_factory=dict)
    factors: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    accumulators: dict[int, int] = field(default_factory=dict)
    iterations: list[tuple[int, int]] = field(default_factory=list)
    tensors: int = 0

    @property
    def tick(self) -> int:
        """The tick of the statement being written."""
        return len(self.steps) + 1

    def at(self, text: str, line: int) -> Span:
        """The span of that text in that line."""
        column = self.source.split("\n")[line - 1].index(text)
        return line, column, line, column + len(text)

    def snapshot(self, held: Held) -> int:
        """A new snapshot of a tensor, its grad included."""
        grad = None if held.grad is None else self.number(held.grad)
        node = held.node if held.node in self.by_node else None
        self.values.append(
            rows.TensorValue(
                len(self.values), held.tensor, (1,), "float32", "cpu", held.requires_grad, node is None,
                rows.Preview([held.value], minimum=held.value, maximum=held.value, mean=held.value), grad, node,
            )
        )  # fmt: skip
        held.snapshot = len(self.values) - 1
        return held.snapshot

    def number(self, value: float) -> int:
        """A gradient: a tensor of its own."""
        return self.snapshot(self._held(value, None, False))

    def _held(self, value: float, node: int | None, requires_grad: bool) -> Held:
        self.tensors += 1
        return Held(self.tensors, value, node, requires_grad, -1)

    def create(self, name: str, value: float, span: Span, *, requires_grad: bool = False) -> Held:
        """`name = torch.tensor([value], requires_grad=...)`."""
        held = self._held(value, None, requires_grad)
        output = self.snapshot(held)
        self.operations.append(
            rows.Operation(len(self.operations), self.tick, span, "torch.tensor", [], [output], [], 0)
        )
        self.variables[name] = held
        return held

    def apply(self, sign: str, left: Held, right: Held, span: Span, *, module: str = "") -> Held:
        """`left * right` or `left + right`."""
        value = left.value * right.value if sign == "*" else left.value + right.value
        inputs = [left.snapshot, right.snapshot]
        receivers = [self._receiver(held) for held in (left, right)]
        node = None
        if any(receiver is not None for receiver in receivers):
            node = len(self.nodes)
            self.nodes.append(
                rows.Node(node, "MulBackward0" if sign == "*" else "AddBackward0", self.tick, span, module=module)
            )
            slopes = (right.value, left.value) if sign == "*" else (1.0, 1.0)
            self.factors[node] = []
            for position, (receiver, slope) in enumerate(zip(receivers, slopes, strict=True)):
                if receiver is not None:
                    self.edges.append(rows.Edge(node, position, receiver, 0))
                    self.factors[node].append((position, slope))
        held = self._held(value, node, node is not None)
        if node is not None:
            self.by_node[node] = held
        output = self.snapshot(held)
        if node is not None:
            self.nodes[node] = rows.Node(node, self.nodes[node].name, self.tick, span, module=module, value=output)
        self.operations.append(
            rows.Operation(
                len(self.operations), self.tick, span, sign, inputs, [output], [node] if node is not None else [], 0,
                module
            )
        )  # fmt: skip
        return held

    def detach(self, held: Held, span: Span) -> Held:
        """`held.detach()`."""
        made = self._held(held.value, None, False)
        output = self.snapshot(made)
        self.operations.append(
            rows.Operation(len(self.operations), self.tick, span, ".detach", [held.snapshot], [output], [], 0)
        )
        self.cuts.append(rows.Cut(len(self.cuts), self.tick, span, "detach", held.snapshot, output))
        return made

    def _receiver(self, held: Held) -> int | None:
        if not held.requires_grad:
            return None
        if held.node is None:
            held.node = len(self.nodes)
            name = next((name for name, other in self.variables.items() if other is held), "")
            self.nodes.append(rows.Node(held.node, "AccumulateGrad", self.tick, None, leaf=held.tensor, label=name))
            self.accumulators[held.node] = held.tensor
        return held.node

    def backward(self, root: Held, span: Span) -> None:
        """`root.backward(retain_graph=True)`, nodes in falling order of number."""
        assert root.node is not None
        pass_, given = len(self.passes), self.number(1.0)
        arriving: dict[int, float] = {root.node: 1.0}
        fired = sorted(self._reachable(root.node), key=lambda node: (node in self.accumulators, -node))
        for index, node in enumerate(fired):
            total = arriving[node]
            incoming = self.number(total)
            outgoing: list[int | None] = [None, None]
            if node in self.accumulators:
                outgoing = []
                self._deposit(node, total, incoming, pass_)
            for position, slope in self.factors.get(node, []):
                receiver = next(e.to_node for e in self.edges if e.from_node == node and e.position == position)
                arriving[receiver] = arriving.get(receiver, 0.0) + total * slope
                outgoing[position] = self.number(total * slope)
            self.events.append(rows.Event(pass_, index, node, [incoming], outgoing))
        self.passes.append(rows.Pass(pass_, "backward", self.tick, span, [root.node], [given], retain_graph=True))

    def _deposit(self, node: int, total: float, amount: int, pass_: int) -> None:
        held = next(held for held in self.variables.values() if held.tensor == self.accumulators[node])
        before = None if held.grad is None else self.number(held.grad)
        held.grad = total + (held.grad or 0.0)
        after = self.number(held.grad)
        self.deposits.append(
            rows.Deposit(len(self.deposits), "deposit", self.tick, held.tensor, amount, before, after, pass_, node)
        )

    def _reachable(self, root: int) -> set[int]:
        found, stack = {root}, [root]
        while stack:
            for edge in [edge for edge in self.edges if edge.from_node == stack[-1] and edge.to_node not in found]:
                found.add(edge.to_node)
                stack.append(edge.to_node)
                break
            else:
                stack.pop()
        return found

    def step(self, span: Span, *, value: Held | None = None, printed: str = "") -> None:
        """The statement is over: a snapshot of every variable."""
        variables = [(name, self.snapshot(held)) for name, held in self.variables.items()]
        shown = self.snapshot(value) if value else None
        self.steps.append(rows.Step(self.tick, span, 0, variables, shown, printed, iterations=list(self.iterations)))

    def trace(self) -> Trace:
        """All rows, checked."""
        last = self.steps[-1].tick if self.steps else 0
        return rows.check(
            Trace(
                source=self.source, ticks=last, values=self.values, operations=self.operations, nodes=self.nodes,
                edges=self.edges, passes=self.passes, events=self.events, deposits=self.deposits, cuts=self.cuts,
                steps=self.steps, loops=self.loops, scopes=[rows.Scope(0, "", None, 1, None)],
                outcome=rows.Outcome("finished"),
            )
        )  # fmt: skip


ACCUMULATE = """import torch
x = torch.tensor([3.0])
w = torch.tensor([0.5], requires_grad=True)
b = torch.tensor([2.0], requires_grad=True)
z = w * x + b
z.backward(retain_graph=True)
z.backward(retain_graph=True)
z.backward(retain_graph=True)
z.backward(retain_graph=True)
b.grad
d = z.detach()
print(d * x)"""


def accumulate() -> Trace:
    """`z = w*x + b` with four backwards, so that b.grad becomes 1, 2, 3, 4; then a cut."""
    made = Builder(ACCUMULATE)
    made.step((1, 0, 1, 12))
    x = made.create("x", 3.0, made.at("torch.tensor([3.0])", 2))
    made.step((2, 0, 2, 23))
    w = made.create("w", 0.5, made.at("torch.tensor([0.5], requires_grad=True)", 3), requires_grad=True)
    made.step((3, 0, 3, 43))
    b = made.create("b", 2.0, made.at("torch.tensor([2.0], requires_grad=True)", 4), requires_grad=True)
    made.step((4, 0, 4, 43))
    product = made.apply("*", w, x, made.at("w * x", 5))
    z = made.variables["z"] = made.apply("+", product, b, made.at("w * x + b", 5))
    made.step((5, 0, 5, 13))
    for line in range(6, 10):
        made.backward(z, made.at("z.backward(retain_graph=True)", line))
        made.step((line, 0, line, 29))
    made.step((10, 0, 10, 6))
    d = made.variables["d"] = made.detach(z, made.at("z.detach()", 11))
    made.step((11, 0, 11, 14))
    made.apply("*", d, x, made.at("d * x", 12))
    made.step((12, 0, 12, 12), printed="tensor([10.5000])\n")
    return made.trace()


def chain(length: int, *, looped: bool = True) -> Trace:
    """`for i in range(length): x = x * w`, each iteration feeding the next; or the same without a loop."""
    made = Builder("x = w\nfor i in range(n):\n    x = x * w")
    w = made.create("w", 1.0, (1, 4, 1, 5), requires_grad=True)
    made.step((1, 0, 1, 5))
    made.loops.append(rows.Loop(0, (2, 0, 2, 19), length))
    x = w
    for iteration in range(length):
        made.iterations = [(0, iteration)] if looped else []
        x = made.variables["x"] = made.apply("*", x, w, (3, 8, 3, 13))
        made.step((3, 4, 3, 13))
    return made.trace()


def diamond(levels: int) -> Trace:
    """`x = x + x`, so many times: that many nodes and one leaf, two edges between each pair."""
    made = Builder("x = w\nx = x + x")
    x = made.create("w", 1.0, (1, 4, 1, 5), requires_grad=True)
    made.step((1, 0, 1, 5))
    for _ in range(levels):
        x = made.variables["x"] = made.apply("+", x, x, (2, 4, 2, 9))
        made.step((2, 0, 2, 9))
    return made.trace()


def epochs(count: int) -> Trace:
    """A loop whose iterations do not feed each other: `for i in range(count): (w * x + w).backward()`."""
    made = Builder("w = torch.ones(1)\nfor i in range(n):\n    y = w * x + w\n    y.backward()")
    w = made.create("w", 2.0, (1, 4, 1, 17), requires_grad=True)
    x = made.create("x", 3.0, (1, 4, 1, 17))
    made.step((1, 0, 1, 17))
    made.loops.append(rows.Loop(0, (2, 0, 2, 19), count))
    for iteration in range(count):
        made.iterations = [(0, iteration)]
        made.step((2, 0, 2, 19))
        y = made.variables["y"] = made.apply("+", made.apply("*", w, x, (3, 8, 3, 13)), w, (3, 8, 3, 17))
        made.step((3, 4, 3, 17))
        made.backward(y, (4, 4, 4, 16))
        made.step((4, 4, 4, 16))
    return made.trace()


def wide(count: int) -> Trace:
    """A graph of `count` nodes without loops, each the product of two earlier ones nearby."""
    made = Builder("w = torch.ones(1)\ny = w * w")
    held = [made.create("w", 1.0, (1, 4, 1, 17), requires_grad=True)]
    made.step((1, 0, 1, 17))
    for number in range(count):
        held.append(made.apply("*", held[-1], held[max(0, len(held) - 1 - (number * 7) % 9)], (2, 4, 2, 9)))
    made.step((2, 0, 2, 9))
    return made.trace()


def hostile() -> Trace:
    """Names, text and values that are markup: they must show as they are written."""
    script = "<img src=x onerror=alert(1)>"
    made = Builder(f'x = "{script}"\ny = w * w')
    w = made.create(script, math.nan, (1, 4, 1, 9), requires_grad=True)
    made.step((1, 0, 1, 9), printed=f"{script}\n")
    made.variables["y"] = made.apply("*", w, w, (2, 4, 2, 9), module=script)
    made.step((2, 0, 2, 9), printed="\u202e{{}} %s\n")
    return made.trace()
