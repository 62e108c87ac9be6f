"""Backward passes as the engine runs them.

One place is watched, the entry that both `backward` and `autograd.grad` use. Each node of the pass gets a prehook and a
hook that change nothing and are removed afterwards; the order in which they fire is the engine's own. Of a node written
in C++ the prehook only keeps what came in, for the case that the node raises: it is looked at when the node ends. Where
nodes of its type have fired before, and all it saved is there unmodified, it goes without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch._C import _FunctionBase
from torch.autograd import graph as autograd_graph

from engine import node_hooks
from engine.errors import LimitReached
from engine.graph import ACCUMULATE, Graph
from engine.ledger import Ledger
from engine.limits import Limits
from engine.moment import Moment, next_node
from engine.node_hooks import Hook, NodeHooks
from engine.rows import Rows
from engine.snapshots import Snapshots
from engine.trace import Event, Pass, Span

Engine = Callable[..., Any]

_PARAMETERS = ("grad_tensors", "retain_graph", "create_graph", "inputs", "allow_unreachable", "accumulate_grad")
"""Of the engine's entry, after the outputs."""


class Running:
    """One pass while it runs."""

    def __init__(self, number: int, place: int) -> None:
        self.number = number
        self.place = place
        self.arrived: dict[int, Sequence[Any]] = {}
        """node -> the grad_outputs of a C++ node that has begun and may raise."""
        self.started: dict[int, tuple[int, list[int | None]]] = {}
        """node -> (index, grad_outputs) of any other node that has begun and not ended."""
        self.deposit: tuple[torch.Tensor, int | None, int | None, int] | None = None
        """(leaf, amount, before, node) of an AccumulateGrad that has begun."""
        self.fired: dict[int, tuple[int, list[int | None]]] = {}
        """node -> (index, grad_outputs)"""
        self.hooks = NodeHooks()

    def fire(self, number: int, arrived: list[int | None]) -> tuple[int, list[int | None]]:
        """That node fires: its index, and what it was sent."""
        found = self.fired[number] = (len(self.fired), arrived)
        return found


class Passes:
    """Records every pass while `moment.on`, and counts how deep they nest in any case."""

    def __init__(
        self, rows: Rows, moment: Moment, snapshots: Snapshots, graph: Graph, ledger: Ledger, limits: Limits
    ) -> None:
        self._rows = rows
        self._moment = moment
        self._snapshots = snapshots
        self._graph = graph
        self._ledger = ledger
        self._limits = limits
        self._engine: Engine = autograd_graph._engine_run_backward
        self._count = 0
        self._depth = 0
        self._fired_types: set[type] = set()
        """The types of nodes that fired in passes that ended well."""
        self.hooked = False
        """Whether the program has hooks: they may write to what a node needs before it fires."""
        self.open: list[Running] = []
        self.span: Callable[[], Span] = lambda: moment.span
        self.guarded: Callable[..., Any] = lambda action, *given: action(*given)
        """Calls what only records, so that a fault of ours does not become the program's."""
        self.called: Callable[[], bool] = lambda: False
        """Whether the call that the recorder was told of is the one that starts this pass: in a longer one, as of
        `gradcheck`, the library may have written to anything meanwhile."""
        self.unwatched: Callable[[Callable[[], Any]], Any] = lambda action: action()
        self.ask: Callable[[int, Sequence[Any], Sequence[Any]], None] | None = None
        """Called before a pass with its number, outputs and their gradients, for questions about it."""

    def install(self) -> None:
        """Take the engine's place."""
        for module in (autograd_graph, torch.autograd):
            module._engine_run_backward = self.run  # type: ignore[attr-defined]
        node_hooks.install()

    def remove(self) -> None:
        """Give the engine its place back."""
        for module in (autograd_graph, torch.autograd):
            module._engine_run_backward = self._engine  # type: ignore[attr-defined]
        node_hooks.remove()

    def run(self, outputs: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        """The engine's entry. Raises LimitReached where passes nest too deep: the engine would crash."""
        if self._depth >= self._limits.backward_nesting:
            raise LimitReached("run.backward_nesting", limit=self._limits.backward_nesting)
        self._depth += 1
        try:
            if not self._moment.on:
                return self._engine(outputs, *args, **kwargs)
            return self.unwatched(partial(self._record, outputs, args, kwargs))
        finally:
            self._depth -= 1

    def _record(self, outputs: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self.called():
            self._moment.turn += 1
        self.guarded(self._settle)
        running = Running(self._count, len(self._rows.passes))
        self._rows.passes.append(None)
        self._count += 1
        given = _arguments(args, kwargs)
        nodes: list[tuple[int, Any]] = []
        self.open.append(running)
        row = self._columns(given)
        error = None
        if given["create_graph"]:
            self._graph.births.append((next_node(), None, running.number))
        try:
            self.guarded(self._begin, row, outputs, given, running, nodes)
            if self.ask is not None:
                self.guarded(self.ask, running.number, outputs, given["grad_tensors"] or ())
            return self._engine(outputs, *args, **kwargs)
        except BaseException as raised:
            error = str(raised)
            raise
        finally:
            running.hooks.remove()
            released = error is None and not given["retain_graph"]
            self.guarded(self._end, running, nodes, released)
            self.open.pop()
            if running.place < len(self._rows.passes):  # else its place was given up, by a fault of ours
                self._rows.passes[running.place] = Pass(running.number, error=error, **row)

    def _columns(self, given: dict[str, Any]) -> dict[str, Any]:
        """The columns of the row that need no tensor."""
        accumulate = bool(given["accumulate_grad"])
        kind: Literal["backward", "grad"] = "backward" if accumulate else "grad"
        return {
            "kind": kind,
            "tick": self._moment.tick,
            "span": self.span(),
            "roots": [],
            "grad_outputs": [],
            "retain_graph": bool(given["retain_graph"]),
            "create_graph": bool(given["create_graph"]),
            "accumulate": accumulate,
            "parent": self.open[-2].number if len(self.open) > 1 else None,
        }

    def _begin(
        self,
        row: dict[str, Any],
        outputs: Sequence[Any],
        given: dict[str, Any],
        running: Running,
        nodes: list[tuple[int, Any]],
    ) -> None:
        """Snapshots of what the pass starts from, the columns that name them, and hooks on the nodes."""
        inputs = [tensor for tensor in given["inputs"] or () if isinstance(tensor, torch.Tensor)]
        for tensor in (*inputs, *outputs):
            self._snapshot(tensor)
        row["inputs"] = [self._snapshots.known(tensor).number for tensor in inputs]
        row["grad_outputs"] = [self._snapshot(grad) for grad in given["grad_tensors"] or ()]
        roots = _roots(outputs)
        numbers = [self._graph.number(node) for node in roots]
        row["roots"] = [number for number in numbers if number is not None]
        self._attach(roots, running, nodes)

    def _snapshot(self, grad: Any) -> int | None:
        return self._snapshots.tensor(grad) if isinstance(grad, torch.Tensor) else None

    def _attach(self, stack: list[Any], running: Running, nodes: list[tuple[int, Any]]) -> None:
        """Hooks on every node that the pass can reach."""
        leaves: list[tuple[int, Any]] = []
        seen: set[int] = set()
        numbered, own, fired = self._graph.number, self.hooked, self._fired_types
        while stack:
            node = stack.pop()
            number = numbered(node)
            if number is None or number in seen:
                continue
            seen.add(number)
            if node._sequence_nr() == ACCUMULATE:
                leaves.append((number, node))
                continue
            nodes.append((number, node))
            if type(node) not in fired:
                own = own or isinstance(node, _FunctionBase)
            stack.extend([child for child, _ in node.next_functions if child is not None])
        before, after, guarded, sound = running.hooks.before, running.hooks.after, self.guarded, self._graph.is_sound
        for number, node in nodes:
            if own and isinstance(node, _FunctionBase):  # it may write to what came in
                before(node, Hook(guarded, self._begin_node, running, number, None))
            elif own or type(node) not in fired or not sound(number, node):
                before(node, Hook(running.arrived.__setitem__, number))
            after(node, Hook(guarded, self._end_node, running, number))
        for number, node in leaves:  # with a hook after it, it would copy a gradient that it otherwise takes as it is
            before(node, Hook(guarded, self._begin_node, running, number, node))
        nodes += leaves

    def _begin_node(self, running: Running, number: int, accumulate: Any, grad_outputs: Sequence[Any]) -> None:
        """A node begins: an AccumulateGrad, or one whose backward is the program's own."""
        self._settle()
        index, arrived = running.fire(number, self._arrived(grad_outputs))
        if accumulate is None:
            running.started[number] = (index, arrived)
            return
        self._rows.events.append(Event(running.number, index, number, arrived, []))
        if arrived and arrived[0] is not None:
            leaf = accumulate.variable
            running.deposit = (leaf, arrived[0], self._ledger.before(leaf), number)

    def _end_node(self, running: Running, number: int, grad_inputs: Sequence[Any], grad_outputs: Sequence[Any]) -> None:
        """A node that is no AccumulateGrad ends."""
        if running.deposit is not None:
            self._settle()
        if number in running.started:
            index, arrived = running.started.pop(number)
        else:
            running.arrived.pop(number, None)
            index, arrived = running.fire(number, self._arrived(grad_outputs))
        look = self._snapshots.look
        sent = [None if grad is None else look(grad).value for grad in grad_inputs]
        self._rows.events.append(Event(running.number, index, number, arrived, sent))
        self._rows.mark()

    def _arrived(self, grads: Sequence[Any]) -> list[int | None]:
        """Where a node is sent several gradients the engine may have added one to another in place."""
        look = self._snapshots.again
        return [None if grad is None else look(grad) for grad in grads]

    def _flush(self, running: Running) -> None:
        """A node that began and never ended raised: it has no grad_inputs."""
        for number, grad_outputs in running.arrived.items():
            running.started[number] = running.fire(number, self._arrived(grad_outputs))
        for number, (index, arrived) in running.started.items():
            self._rows.events.append(Event(running.number, index, number, arrived, []))

    def _settle(self) -> None:
        """The deposit that was begun is made by now: what `.grad` holds is read before anything else happens."""
        for running in self.open:
            if running.deposit is not None:
                leaf, amount, before, node = running.deposit
                running.deposit = None
                self._ledger.deposit(leaf, amount, before, running.number, node)

    def _end(self, running: Running, nodes: list[tuple[int, Any]], released: bool) -> None:
        """The pass is over. `released`: the engine let go of what each node kept, right after it had fired."""
        self._settle()
        self._flush(running)
        self._graph.end_births(running.number, next_node())
        self._ledger.retained(running.number, running.fired)
        self._graph.free(nodes, running.number, running.fired if released else ())
        if released:
            self._fired_types.update([type(node) for _, node in nodes if not isinstance(node, _FunctionBase)])


def _arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = dict.fromkeys(_PARAMETERS)
    given.update(zip(_PARAMETERS, args, strict=False))
    given.update({("allow_unreachable" if key == "allow_unused" else key): value for key, value in kwargs.items()})
    return given


def _roots(outputs: Sequence[Any]) -> list[Any]:
    """The nodes at which a pass starts; outputs that have none make the engine raise."""
    roots = []
    for output in outputs:
        if isinstance(output, autograd_graph.GradientEdge):
            roots.append(output.node)
        elif output.grad_fn is not None:
            roots.append(output.grad_fn)
        elif output.requires_grad:
            roots.append(autograd_graph.get_gradient_edge(output).node)
    return roots
