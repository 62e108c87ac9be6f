"""The paths of one pass from its roots to a leaf, and what each contributed to the leaf's gradient.

A backward pass sends, along every edge, a linear function of what arrived at the node. So the gradient of a leaf is the
sum over all paths, and one path's part can often be followed in the record alone:

    part arrives as the whole that arrived   ->  the part sent on is what the pass sent (recorded)
    the node works element by element        ->  part sent on = what the pass sent * part arrived / what arrived
    what arrived was one number              ->  the same, with that one number

Where none of these holds (several paths meet before a matrix product or a softmax), the live nodes are asked in another
run, see contributions.py: `completed` takes their answers. Paths beyond PATHS are given as one rest, so that all rows
together are always what the pass delivered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from engine.formulas import formula
from engine.trace import Answer, Edge, Event, TensorValue, Trace

PATHS = 64
"""Paths to one leaf that are followed one by one."""

TOLERANCE = 1e-4
"""How far the sum of the parts may be from the whole, relative to the largest part: they are float32."""

_BY_ELEMENT = {"formula.sum", "formula.product", "formula.chain", "formula.gate", "formula.flat"}
_MIXING = {"CumprodBackward0", "LogcumsumexpBackward0", "LinalgCrossBackward0"}
"""Of these families, and yet not element by element."""
_Numbers = list[float]


class Path(msgspec.Struct, frozen=True):
    """The nodes from a root to the leaf's AccumulateGrad, and the elements this path added to the gradient, row-major.
    `values` is None where that is not known, and `code` says why. `label` names its edges as contributions.py does."""

    nodes: tuple[int, ...]
    values: tuple[float, ...] | None
    code: str = ""
    label: str = ""


class Account(msgspec.Struct, frozen=True):
    """The paths of one pass to one leaf, `count` in all; those beyond the listed ones added `rest` together. `total` is
    what the pass delivered there, None where it was not recorded in full. `target` is the leaf's AccumulateGrad.
    `code` says why there are no paths ("paths.none"), or what is to be known of their sum ("paths.changed")."""

    leaf: int
    pass_: int
    paths: tuple[Path, ...]
    total: tuple[float, ...] | None
    code: str = ""
    target: int = -1
    count: int = 0
    rest: tuple[float, ...] | None = None

    @property
    def known(self) -> bool:
        """Whether every listed path has its part."""
        return all(path.values is not None for path in self.paths)


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

    def numbers(self, number: int | None, *, some: bool = False) -> _Numbers | None:
        """All elements of a recorded tensor, None where they are not all there (`some`: the first ones will do) or are
        not real numbers."""
        value = self.values.get(number) if number is not None else None
        if value is None or value.preview is None or (value.preview.truncated and not some):
            return None
        elements = value.preview.values
        return None if any(isinstance(one, (tuple, list)) for one in elements) else [float(one) for one in elements]  # type: ignore[arg-type]

    def arrived(self, node: int) -> _Numbers | None:
        """All elements of what arrived at a node of one output."""
        arrived = self.events[node].grad_outputs if node in self.events else []
        return self.numbers(arrived[0]) if len(arrived) == 1 else None

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
    leading = _leading(run, target)
    found = tuple(_followed(run, edges, target) for edges in islice(_walks(run, target, leading), PATHS))
    total = _frozen(_delivered(run, target))
    return _summed(Account(leaf, pass_, found, total, target=target, count=_count(run, target, leading)))


def delivered(trace: Trace, pass_: int, leaf: int) -> tuple[float, ...] | None:
    """What that pass brought to the leaf, as many elements as were recorded; None where it did not come there."""
    run = Run(trace, pass_)
    target = run.to(leaf)
    return None if target is None else _frozen(_delivered(run, target))


def completed(account: Account, answers: Iterable[Answer]) -> Account:
    """The same account with the parts that live nodes gave. Where the pass ran through a Function of the program's own,
    or a node could not be called, a path stays as it was."""
    given = {answer.label: answer.preview for answer in answers if answer.preview is not None and not answer.code}
    paths = []
    for path in account.paths:
        preview = given.get(path.label)
        real = preview is not None and not any(isinstance(one, (tuple, list)) for one in preview.values)
        if path.values is None and preview is not None and real:
            path = msgspec.structs.replace(path, values=tuple(map(float, preview.values)), code="")  # type: ignore[arg-type]
        paths.append(path)
    return _summed(msgspec.structs.replace(account, paths=tuple(paths)))


def _summed(account: Account) -> Account:
    """With what the paths that have no part of their own added together, or with a word where a hook made the sum
    another."""
    columns = [path.values for path in account.paths if path.values is not None]
    if account.total is None or any(len(column) < len(account.total) for column in columns):
        return account
    sums = [sum(parts) for parts in zip(*columns, strict=False)] or [0.0] * len(account.total)
    rest = tuple(whole - part for whole, part in zip(account.total, sums, strict=False))
    if account.count > len(columns):
        return msgspec.structs.replace(account, rest=rest)
    scale = max((abs(one) for column in (*columns, account.total) for one in column), default=0.0)
    agree = all(abs(one) <= TOLERANCE * scale for one in rest) or not math.isfinite(scale)
    return msgspec.structs.replace(account, rest=None, code="" if agree else "paths.changed")


def _delivered(run: Run, target: int) -> _Numbers | None:
    """What the pass brought to the leaf, as many elements as were recorded: where AccumulateGrad ran, what arrived;
    else the sum of all that was sent to it."""
    if target in run.events:
        arrived = run.events[target].grad_outputs
        return run.numbers(arrived[0] if arrived else None, some=True)
    sent = [
        run.numbers(run.sent(edge), some=True)
        for edges in run.after.values()
        for edge in edges
        if edge.to_node == target
    ]
    known = [numbers for numbers in sent if numbers is not None]
    if not known or len(known) < len(sent):
        return None
    return [sum(parts) for parts in zip(*known, strict=True)]


def _count(run: Run, target: int, leading: set[int]) -> int:
    """How many paths there are, without walking them."""
    counts = {target: 1}
    stack = [root for root in run.roots if root in leading]
    while stack:
        node = stack[-1]
        following = [edge.to_node for edge in run.after.get(node, []) if edge.to_node in leading]
        missing = [one for one in following if one not in counts]
        if node not in counts and not missing:
            counts[node] = sum(counts[one] for one in following)
        if node in counts:
            stack.pop()
        else:
            stack.extend(missing)
    return sum(counts.get(root, 0) for root in run.roots)


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
    label = " ".join(f"{edge.from_node}:{edge.position}" for edge in edges)
    part = run.arrived(nodes[0])
    alone = run.before.get(nodes[0], 0) == 1
    for edge in edges:
        sent = run.numbers(run.sent(edge))
        if sent is None or part is None:
            return Path(nodes, None, "paths.not_recorded", label)
        if not alone:
            sent = _share(run, edge, part, sent)
            if sent is None:
                return Path(nodes, None, "paths.mixed", label)
        alone = alone and run.before[edge.to_node] == 1
        part = (run.arrived(edge.to_node) if alone else None) or sent  # a hook may have changed it on the way
    return Path(nodes, _frozen(part), label=label)


def by_element(name: str) -> bool:
    """Whether a node of that name, between tensors of one shape, works element by element."""
    row = formula(name)
    return row is not None and row.code in _BY_ELEMENT and name not in _MIXING


def _share(run: Run, edge: Edge, part: _Numbers, sent: _Numbers) -> _Numbers | None:
    """The part of what was sent that is due to this part of what arrived; None where the two cannot be told apart."""
    arrived = [run.numbers(number) for number in run.events[edge.from_node].grad_outputs]
    whole = arrived[0] if len(arrived) == 1 else None
    if whole is None or len(whole) != len(part):
        return None
    if len(whole) == 1:
        return [one * (part[0] / whole[0]) for one in sent] if whole[0] else None
    if not by_element(run.nodes[edge.from_node].name) or len(sent) != len(whole):
        return None
    if any(not before and given for before, given in zip(whole, part, strict=True)):
        return None
    return [out * (given / before) if before else 0.0 for out, given, before in zip(sent, part, whole, strict=True)]
