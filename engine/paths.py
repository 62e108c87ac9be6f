"""The paths of one pass from its roots to a leaf, and what each contributed to the leaf's gradient.

A backward pass sends, along every edge, a linear function of what arrived at the node. So the gradient of a leaf is the
sum over all paths, and one path's part can be followed alone:

    part arrives as the whole that arrived   ->  the part sent on is what the pass sent (recorded)
    the node works element by element        ->  part sent on = what the pass sent * part arrived / what arrived
    what arrived was one number              ->  the same, with that one number

Where none of these holds, or something was not recorded in full, the path's contribution is not known and says why.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.formulas import formula
from engine.trace import Edge, Event, TensorValue, Trace

PATHS = 64
"""More paths than these to one leaf are not followed."""

_BY_ELEMENT = {"formula.sum", "formula.product", "formula.chain", "formula.gate", "formula.flat"}
_Numbers = list[float]


class Path(msgspec.Struct, frozen=True):
    """The nodes from a root to the leaf's AccumulateGrad, and the elements this path added to the gradient, row-major.
    `values` is None where that is not known, and `code` says why."""

    nodes: tuple[int, ...]
    values: tuple[float, ...] | None
    code: str = ""


class Account(msgspec.Struct, frozen=True):
    """All paths of one pass to one leaf. `total` is what the pass delivered there, None where it was not recorded in
    full. `code` says why there are no paths: "paths.many" or "paths.none"."""

    leaf: int
    pass_: int
    paths: tuple[Path, ...]
    total: tuple[float, ...] | None
    code: str = ""


class Run:
    """One pass, laid out to be followed."""

    def __init__(self, trace: Trace, pass_: int) -> None:
        self.values = {value.number: value for value in trace.values if isinstance(value, TensorValue)}
        self.nodes = {node.number: node for node in trace.nodes}
        self.events: dict[int, Event] = {event.node: event for event in trace.events if event.pass_ == pass_}
        self.roots = next((row.roots for row in trace.passes if row.number == pass_), [])
        self.after: dict[int, list[Edge]] = {}
        self.before: dict[int, int] = dict.fromkeys(self.roots, 1)
        for edge in trace.edges:
            taken = edge.to_node in self.events or self.nodes[edge.to_node].leaf is not None
            if edge.from_node in self.events and self.sent(edge) is not None and taken:
                self.after.setdefault(edge.from_node, []).append(edge)
                self.before[edge.to_node] = self.before.get(edge.to_node, 0) + 1

    def sent(self, edge: Edge) -> int | None:
        """The number of what the pass sent along an edge."""
        sent = self.events[edge.from_node].grad_inputs
        return sent[edge.position] if edge.position < len(sent) else None

    def numbers(self, number: int | None) -> _Numbers | None:
        """All elements of a recorded tensor, None where some are not there or they are not real numbers."""
        value = self.values.get(number) if number is not None else None
        if value is None or value.preview is None or value.preview.truncated:
            return None
        elements = value.preview.values
        return None if any(isinstance(one, (tuple, list)) for one in elements) else [float(one) for one in elements]  # type: ignore[arg-type]

    def to(self, leaf: int) -> int | None:
        """The AccumulateGrad of a leaf that this pass came to. autograd.grad takes what arrives there, and does not run
        it."""
        return next((number for number in self.before if self.nodes[number].leaf == leaf), None)


def account(trace: Trace, pass_: int, leaf: int) -> Account:
    """The paths of that pass to the leaf of that tensor number. Never raises for numbers of the trace."""
    run = Run(trace, pass_)
    target = run.to(leaf)
    if target is None:
        return Account(leaf, pass_, (), None, "paths.none")
    arrived = run.events[target].grad_outputs if target in run.events else []
    total = run.numbers(arrived[0] if arrived else None)
    leading = _leading(run, target)
    found: list[Path] = []
    for edges in _walks(run, target, leading):
        if len(found) == PATHS:
            return Account(leaf, pass_, (), _frozen(total), "paths.many")
        found.append(_followed(run, edges, target))
    return Account(leaf, pass_, tuple(found), _frozen(total))


def _frozen(numbers: _Numbers | None) -> tuple[float, ...] | None:
    return None if numbers is None else tuple(numbers)


def _leading(run: Run, target: int) -> set[int]:
    """The nodes from which the target can be reached."""
    into: dict[int, list[int]] = {}
    for edges in run.after.values():
        for edge in edges:
            into.setdefault(edge.to_node, []).append(edge.from_node)
    seen, stack = {target}, [target]
    while stack:
        for earlier in into.get(stack.pop(), ()):
            if earlier not in seen:
                seen.add(earlier)
                stack.append(earlier)
    return seen


def _walks(run: Run, target: int, leading: set[int]) -> Iterator[tuple[Edge, ...]]:
    """Every way from a root to the target, in the order of the edges."""
    for root in run.roots:
        stack: list[tuple[int, tuple[Edge, ...]]] = [(root, ())] if root in leading else []
        while stack:
            node, edges = stack.pop()
            if node == target:
                yield edges
                continue
            for edge in reversed(run.after.get(node, [])):
                if edge.to_node in leading:
                    stack.append((edge.to_node, (*edges, edge)))


def _followed(run: Run, edges: tuple[Edge, ...], target: int) -> Path:
    """What comes through to the target along these edges alone."""
    nodes = (*(edge.from_node for edge in edges), target)
    arrived = run.events[nodes[0]].grad_outputs
    part = run.numbers(arrived[0] if arrived else None)
    alone = run.before.get(nodes[0], 0) == 1
    for edge in edges:
        sent = run.numbers(run.sent(edge))
        if sent is None or part is None:
            return Path(nodes, None, "paths.not_recorded")
        if not alone:
            sent = _share(run, edge, part, sent)
            if sent is None:
                return Path(nodes, None, "paths.mixed")
        part = sent
        alone = alone and run.before[edge.to_node] == 1
    return Path(nodes, _frozen(part))


def _share(run: Run, edge: Edge, part: _Numbers, sent: _Numbers) -> _Numbers | None:
    """The part of what was sent that is due to this part of what arrived; None where the two cannot be told apart."""
    arrived = [run.numbers(number) for number in run.events[edge.from_node].grad_outputs]
    whole = arrived[0] if len(arrived) == 1 else None
    if whole is None or len(whole) != len(part):
        return None
    if len(whole) == 1:
        return [one * (part[0] / whole[0]) for one in sent] if whole[0] else None
    row = formula(run.nodes[edge.from_node].name)
    if row is None or row.code not in _BY_ELEMENT or len(sent) != len(whole):
        return None
    if any(not before and given for before, given in zip(whole, part, strict=True)):
        return None
    return [out * (given / before) if before else 0.0 for out, given, before in zip(sent, part, whole, strict=True)]
