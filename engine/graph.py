"""The autograd graph as rows: nodes found by walking from what is visible, each once, in birth order.

A node is known by PyTorch's own sequence number; AccumulateGrad nodes all carry the same one and are known by their
leaf. No node is kept: what is asked later is answered from these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any, NamedTuple

import torch

from engine.known import Known
from engine.limits import Limits
from engine.moment import Moment, Occurrence
from engine.rows import Rows
from engine.saved import FREED, is_freed, saved_of
from engine.snapshots import Snapshots
from engine.trace import Edge, Freed, Node, Notice, Span

ACCUMULATE = 2**64 - 1
"""The sequence number of every AccumulateGrad."""
VISITS = 3_000_000
"""How many nodes may be visited in all to say how much memory the graph holds at each step."""


class View(NamedTuple):
    """A view of a leaf that a call makes inside: the name of its node; shape, stride and dtype of the leaf; its own
    shape and stride. It begins where the leaf begins."""

    node: str
    leaf: tuple[Any, ...]
    shape: tuple[int, ...]
    stride: tuple[int, ...]


NodeRow = tuple[int, str, int, Span | None, int, str, int | None, int | None, list[Any], int | None]
"""The columns of a Node, but for its label, which is known only when its statement is over."""


class Graph:
    """`locate` gives the span of a syntax node; `ask` is called with each new live node, for questions about it."""

    def __init__(self, rows: Rows, moment: Moment, snapshots: Snapshots, limits: Limits) -> None:
        self._rows = rows
        self._moment = moment
        self._snapshots = snapshots
        self._limits = limits
        self._numbers: dict[int, int] = {}
        self._leaves: dict[int, int] = {}
        self._count = 0
        self._targets: dict[int, list[int]] = {}
        self._bytes: dict[int, list[tuple[Any, int]]] = {}
        self._keeping: dict[int, str] = {}
        self._readable: dict[int, list[str]] = {}
        """The names under which a node keeps tensors, where all of these are known: reading them runs nothing."""
        self._freed: set[int] = set()
        self._holding: set[int] = set()
        """The nodes with saved tensors that are not freed."""
        self._unlabelled: list[tuple[int, NodeRow, int | None]] = []
        self._visits = 0
        self._held: tuple[set[int], int, int, int] = (set(), 0, 0, 0)
        self._told = False
        self.watched: dict[int, Known] = {}
        """Sequence number -> what its forward was seen to produce, until the node is registered."""
        self.views: dict[int, View] = {}
        """Sequence number -> the view that its forward produced unwatched, until the node is registered."""
        self.births: list[tuple[int, int | None, int]] = []
        """(first sequence number, the one after the last or None while it runs, number) of passes that make nodes."""
        self.whole = True
        """Whether new nodes are walked to their leaves, or only named (at the end of a record that is full)."""
        self.locate: Callable[[Any], Span] = lambda _: (1, 0, 1, 0)
        self.scope_exists: Callable[[int], int] = lambda scope: scope
        self.ask: Callable[[int, Any], None] | None = None
        snapshots.find_node = self.find
        snapshots.new_node = self.register

    def find(self, node: Any) -> int | None:
        """The number of a node that is registered."""
        return self._numbers.get(node._sequence_nr())

    def number(self, node: Any) -> int | None:
        """The number of any node, registered now if it is new; None when there are too many."""
        sequence = node._sequence_nr()
        if sequence == ACCUMULATE:
            leaf = self._snapshots.known(node.variable)
            return self._leaves[leaf.number] if leaf.number in self._leaves else self._add_leaf(node)
        number = self._numbers.get(sequence)
        return self.register(node) if number is None else number

    def forget(self) -> None:
        """Rows were dropped: every node is new again."""
        self._numbers.clear()
        self._leaves.clear()
        self._targets.clear()
        self._unlabelled.clear()
        self.births.clear()
        self._held = (set(), 0, 0, 0)

    def end_births(self, pass_: int, end: int) -> None:
        """That pass is over: nodes from this sequence number on are not of its making."""
        self.births = [(start, end if row == pass_ else stop, row) for start, stop, row in self.births]

    def register(self, root: Any, output: torch.Tensor | None = None, value: int | None = None) -> int | None:
        """Give numbers to this node and to everything new behind it. `value` is the snapshot that `output` will
        have."""
        if root._sequence_nr() == ACCUMULATE:
            return self.number(root)
        if self._told:
            return None
        self._moment.settle()
        fresh = self._fresh(root)
        first = root._sequence_nr()
        for sequence in sorted(fresh):
            if sequence in self._numbers:
                continue  # found meanwhile, behind the grad of a leaf
            node, following = fresh[sequence]
            if self._count >= self._limits.autograd_nodes:
                self._tell_too_many()
                return self._numbers.get(first)
            self._add(node, sequence, following, output if sequence == first else None, value)
        return self._numbers.get(first)

    def _fresh(self, root: Any) -> dict[int, tuple[Any, Any]]:
        """The new nodes reachable from `root`: sequence number -> (node, its next_functions)."""
        fresh: dict[int, tuple[Any, Any]] = {}
        numbers, stack = self._numbers, [(root, root._sequence_nr())]
        while stack:
            node, sequence = stack.pop()
            if sequence in fresh or sequence in numbers:
                continue
            following = node.next_functions if self.whole else ()
            fresh[sequence] = (node, following)
            if len(fresh) > self._limits.autograd_nodes:
                break
            for child, _ in following:
                if child is not None and (sequence := child._sequence_nr()) != ACCUMULATE:
                    stack.append((child, sequence))
        return fresh

    def _add(self, node: Any, sequence: int, following: Any, output: Any, value: int | None) -> None:
        targets = [(None if child is None else self._target(child), nr) for child, nr in following]
        number = self._numbers[sequence] = self._count
        self._count += 1
        place = len(self._rows.nodes)
        self._rows.nodes.append(None)
        tensor = None if output is None else self._snapshots.known(output).number
        made = value if output is not None else self._watched_value(node, sequence, number)
        self.watched.pop(sequence, None)
        tick, span, scope, module, pass_ = self._birth(sequence, number)
        row: NodeRow = (
            number,
            short_name(node),
            tick,
            span,
            scope,
            module,
            None,
            made,
            self._keep(node, number),
            pass_,
        )
        self._unlabelled.append((place, row, tensor))
        for position, (target, input_nr) in enumerate(targets):
            if target is not None:
                self._rows.edges.append(Edge(number, position, target, input_nr))
        self._targets[number] = [target for target, _ in targets if target is not None]
        if output is None:
            self._rows.mark()
        if self.ask is not None:
            self.ask(number, node)

    def _target(self, child: Any) -> int | None:
        sequence = child._sequence_nr()
        return self.number(child) if sequence == ACCUMULATE else self._numbers.get(sequence)

    def _add_leaf(self, node: Any) -> int:
        """An AccumulateGrad: its value is its leaf, its place where it was first needed."""
        leaf = node.variable
        value = self._snapshots.tensor(leaf)
        tensor = self._snapshots.known(leaf).number
        number = self._leaves[tensor] = self._count
        self._count += 1
        place = len(self._rows.nodes)
        self._rows.nodes.append(None)
        tick, scope = self._moment.tick, self.scope_exists(self._moment.scope)
        row: NodeRow = (number, "AccumulateGrad", tick, None, scope, "", tensor, value, [], None)
        self._unlabelled.append((place, row, tensor))
        return number

    def _birth(self, sequence: int, number: int) -> tuple[int, Span | None, int, str, int | None]:
        """Where and when it was born: its tick, span, scope, module and pass."""
        made_by = None
        for start, end, row in reversed(self.births):
            if start <= sequence and (end is None or sequence < end):
                made_by = row
                break
        found = self._moment.birth(sequence)
        if found is None:
            return self._moment.tick, None, 0, "", made_by
        owner, module = found
        if isinstance(owner, Occurrence):
            owner.nodes.append(number)
            node, tick, scope = owner.node, owner.tick, owner.scope
        else:
            node, tick, scope = owner
        return tick, self.locate(node), self.scope_exists(scope), module, made_by

    def _watched_value(self, node: Any, sequence: int, number: int) -> int | None:
        """The snapshot of what its forward produced, where a library call was watched."""
        if sequence in self.views:
            return self._view_of_leaf(node, self.views.pop(sequence), number)
        known = self.watched.get(sequence)
        if known is None:
            return None
        made = node._input_metadata
        if not made or tuple(made[0].shape) != known.shape:
            return None
        tensor = known.ref()
        if tensor is not None and tensor.grad_fn is not None and tensor.grad_fn._sequence_nr() == sequence:
            return self._snapshots.tensor(tensor)
        return self._snapshots.made(known, number)

    def _view_of_leaf(self, node: Any, view: View, number: int) -> int | None:
        """The snapshot of a view that was made unwatched: the leaf is as it was, and the view is taken again."""
        following = node.next_functions
        if short_name(node) != view.node or len(following) != 1 or following[0][0]._sequence_nr() != ACCUMULATE:
            return None
        leaf = following[0][0].variable
        if (leaf.shape, leaf.stride(), leaf.dtype) != view.leaf:
            return None
        return self._snapshots.view_of_leaf(leaf, view.shape, view.stride, number)

    def _keep(self, node: Any, number: int) -> list[Any]:
        """What it saved, written down once, and the memory that is."""
        saved, tensors, readable = saved_of(node, self._snapshots)
        if tensors:
            self._keeping[number] = tensors[0].name
            self._holding.add(number)
            self._bytes[number] = [
                (row.tensor if row.tensor is not None else (number, row.name), row.nbytes) for row in tensors
            ]
        elif not readable and any(row.text == FREED for row in saved):
            self._freed.add(number)
            self._rows.freed.append(Freed(number, self._moment.tick, None))
        if readable:
            names = [row.name for row in tensors if row.tensor is not None]
            if len(names) == len(tensors):
                self._readable[number] = names
        return saved

    def is_sound(self, number: int, node: Any) -> bool:
        """Whether all that a node saved is there and unmodified, so that it can fire: PyTorch gives no other."""
        names = self._readable.get(number)
        if names is None or number in self._freed:
            return False
        try:
            for name in names:
                getattr(node, name)
        except RuntimeError:
            return False
        return True

    def free(self, nodes: Iterable[tuple[int, Any]], pass_: int | None, gone: Container[int] = ()) -> None:
        """Ask each of these live nodes whether its saved tensors are gone, and write down those that went. Of those in
        `gone` it is known: asking is an exception, which costs as much as a small operation."""
        for number, node in nodes:
            name = self._keeping.get(number)
            if name is not None and number not in self._freed and (number in gone or is_freed(node, name)):
                self._freed.add(number)
                self._holding.discard(number)
                self._rows.freed.append(Freed(number, self._moment.tick, pass_))

    def held(self, roots: set[int]) -> int:
        """Bytes that the graph behind these nodes keeps for backward, each tensor counted once."""
        if not self._holding:
            return 0
        known, nodes, freed, size = self._held
        if nodes != len(self._targets) or freed != len(self._freed) or known != roots:
            size = self._sum(roots)
            self._held = (set(roots), len(self._targets), len(self._freed), size)
        return size

    def _sum(self, roots: set[int]) -> int:
        seen: set[int] = set()
        tensors: dict[Any, int] = {}
        stack = list(roots)
        while stack and self._visits < VISITS:
            number = stack.pop()
            if number in seen:
                continue
            seen.add(number)
            self._visits += 1
            if number in self._bytes and number not in self._freed:
                tensors.update(self._bytes[number])
            stack.extend(self._targets.get(number, ()))
        return sum(tensors.values())

    def label(self, names: Callable[[int], str]) -> None:
        """Write the nodes found since the last call, with the names their leaves and outputs have now."""
        for place, (number, name, tick, span, scope, module, leaf, value, saved, pass_), tensor in self._unlabelled:
            label = "" if tensor is None else names(tensor)
            self._rows.nodes[place] = Node(number, name, tick, span, scope, module, leaf, label, value, saved, pass_)
        self._unlabelled.clear()

    def _tell_too_many(self) -> None:
        if not self._told:
            self._told = True
            notice = Notice("run.nodes", {"limit": self._limits.autograd_nodes}, self._moment.tick)
            self._rows.notices.append(notice)


def short_name(node: Any) -> str:
    """ "MulBackward0", "AccumulateGrad": PyTorch's name without the C++ path."""
    name: str = node.name()
    return name.rsplit("::", 1)[-1]
