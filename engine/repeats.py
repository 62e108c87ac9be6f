"""Calls that need no watching when they are evaluated again: what is inside is known from the first time.

A call of a reviewed function (see purity) that was watched once tells which kernels it runs and which nodes it makes.
Where all of those but the last are views of a parameter (`weight.t()` inside nn.Linear), nothing that a later
evaluation makes is out of sight: the output is there, and a view can be taken again. So the next iterations of a loop
need not be watched, as long as each is found to be such a call: the same function, shapes and dtypes, the same modes,
and nodes of the same names on the same leaves.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import BuiltinFunctionType
from typing import Any, NamedTuple

import torch
from torch._C._functorch import maybe_current_level

from engine.graph import ACCUMULATE, Graph, View, short_name
from engine.inside import tensors_in
from engine.known import Known
from engine.moment import Occurrence, next_node

NODES = 4
"""How many nodes such a call makes at most."""


class Repeat(NamedTuple):
    """What a call does. `form` tells it from others of the same text; `nodes` is how many it makes, `views` are those
    of them that are views, by birth order."""

    form: list[Any]
    kernels: list[str]
    nodes: int
    views: dict[int, View]


class Repeats:
    """What is known of the calls in the text."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[ast.AST, Repeat] = {}

    def of(self, node: ast.AST, function: Any, given: Sequence[object]) -> Repeat | None:
        """What is known of the call that begins; None where it must be watched."""
        repeat = self._known.get(node)
        if repeat is None or repeat.form != _form(function, given) or maybe_current_level() is not None:
            return None
        return repeat

    def learn(self, found: Occurrence, function: Any, given: Sequence[object], made: torch.Tensor) -> None:
        """A call that was watched has given `made`, and its nodes are not registered yet."""
        if found.children or maybe_current_level() is not None:
            return
        count = next_node() - found.start
        nodes = _nodes(made.grad_fn, found.start) if count <= NODES else {}
        views = {}
        for index in range(count - 1):
            node, known = nodes.get(found.start + index), self._graph.watched.get(found.start + index)
            view = None if node is None or known is None else _view(node, known)
            if view is None:
                return
            views[index] = view
        form = _form(function, given)
        if len(nodes) == count and form is not None:
            self._known[found.node] = Repeat(form, found.kernels.copy(), count, views)

    def recall(self, found: Occurrence, repeat: Repeat) -> None:
        """A call was not watched: what is known of it holds, unless it made more or fewer nodes than it should."""
        if found.children or next_node() - found.start != repeat.nodes:
            del self._known[found.node]
            return
        found.kernels += repeat.kernels
        for index, view in repeat.views.items():
            self._graph.views[found.start + index] = view


def _form(function: Any, given: Sequence[object]) -> list[Any] | None:
    """None where some tensor has no shape, as one of rows of several lengths."""
    try:
        facts = [(one.shape, one.dtype, one.requires_grad) for one in tensors_in(given)]
    except RuntimeError:
        return None
    return [
        function.__name__ if type(function) is BuiltinFunctionType else type(function),
        bool(getattr(function, "_forward_hooks", None)),  # the program's, where it is a module
        (torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"), torch.is_inference_mode_enabled()),
        *facts,
    ]


def _nodes(root: Any, start: int) -> dict[int, Any]:
    """The nodes behind this one that were born since `start`, by their sequence number."""
    nodes: dict[int, Any] = {}
    stack = [] if root is None else [root]
    while stack and len(nodes) <= NODES:
        node = stack.pop()
        if start <= node._sequence_nr() < ACCUMULATE:
            nodes[node._sequence_nr()] = node
            stack.extend([child for child, _ in node.next_functions if child is not None])
    return nodes


def _view(node: Any, known: Known) -> View | None:
    """How the output of a node lies in the leaf behind it; None where it is not a view of one, or lives on."""
    following = node.next_functions
    if len(following) != 1 or following[0][0] is None or following[0][0]._sequence_nr() != ACCUMULATE:
        return None
    leaf = following[0][0].variable
    if known.ref() is not None or known.within is None or known.within[:2] != (leaf.data_ptr(), leaf.dtype):
        return None
    _, _, stride = known.within
    return View(short_name(node), (leaf.shape, leaf.stride(), leaf.dtype), known.shape, stride)
