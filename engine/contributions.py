"""What each path of a pass contributes to a leaf, asked of the live nodes just before the pass runs.

    kind "paths", subject: the number of a leaf's AccumulateGrad, other: the pass  ->  one Answer for each path

A node's backward is linear in what arrives, so sending on one path's part alone, node by node, gives exactly what that
path will have added to the leaf's gradient. `label` names the edges of the path, "12:0 8:1 3:0" for node 12's first
input and so on; `shape` and `preview` are the leaf's. The nodes are called and not the engine, so hooks do not take
part, and a Function written in Python is not asked: it would run the program's own code once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.autograd import graph as autograd_graph

from engine.previews import preview_of
from engine.trace import Answer

PATHS = 64
"""Paths that are followed one by one."""
CALLS = 4_096
"""Calls of nodes for all paths together."""
SHOWN = 256
"""Elements of a leaf that are sent for each path."""

Number = Callable[[Any], int | None]
"""The number of a live node."""
Root = tuple[Any, int, torch.Tensor]
"""A node, which of its outputs, and the gradient that the pass starts with there."""


def roots_of(outputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Root]:
    """Where a pass starts. Outputs without a history are left out: the engine will raise."""
    found: list[Root] = []
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if not isinstance(cotangent, torch.Tensor):
            continue
        if isinstance(output, autograd_graph.GradientEdge):
            found.append((output.node, output.output_nr, cotangent))
        elif output.requires_grad:
            edge = autograd_graph.get_gradient_edge(output)
            found.append((edge.node, edge.output_nr, cotangent))
    return found


def contributions(index: int, roots: Sequence[Root], target: int, number: Number) -> list[Answer]:
    """One row for each path from the roots to the AccumulateGrad of that number, at most PATHS of them. A path on which
    a node could not be asked has no row, nor have those that are beyond CALLS."""
    leading = _leading([root for root, _, _ in roots], target, number)
    answers: list[Answer] = []
    with torch.no_grad():
        for label, part in _followed(roots, target, leading, number):
            answers.append(Answer(index, label, tuple(part.shape), preview_of(part, SHOWN)))
            if len(answers) == PATHS:
                break
    return answers


def _leading(roots: Sequence[Any], target: int, number: Number) -> set[int]:
    """The numbers of the nodes from which the target can be reached."""
    into: dict[int, list[int]] = {}
    seen: set[int] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        here = number(node)
        if here is None or here in seen:
            continue
        seen.add(here)
        for child, _ in node.next_functions:
            there = None if child is None else number(child)
            if there is not None:
                into.setdefault(there, []).append(here)
                stack.append(child)
    leading, back = {target}, [target]
    while back:
        for earlier in into.get(back.pop(), ()):
            if earlier not in leading:
                leading.add(earlier)
                back.append(earlier)
    return leading


def _followed(
    roots: Sequence[Root], target: int, leading: set[int], number: Number
) -> Iterator[tuple[str, torch.Tensor]]:
    """Every path with its part, depth first, in the order of the edges."""
    calls = 0
    for root, output_nr, cotangent in roots:
        stack: list[tuple[Any, int, torch.Tensor, tuple[str, ...]]] = [(root, output_nr, cotangent, ())]
        while stack:
            node, place, part, walked = stack.pop()
            here = number(node)
            if here == target:
                yield " ".join(walked), part
                continue
            if here not in leading or hasattr(type(node), "saved_tensors"):
                continue
            calls += 1
            if calls > CALLS:
                return
            sent = applied(node, part, place)
            for position, (child, input_nr) in reversed(list(enumerate(node.next_functions))):
                piece = sent[position] if position < len(sent) else None
                if child is not None and piece is not None and number(child) in leading:
                    stack.append((child, input_nr, piece, (*walked, f"{here}:{position}")))


def applied(node: Any, cotangent: torch.Tensor, position: int) -> tuple[Any, ...]:
    """What a live node sends on when this gradient arrives for one of its outputs and nothing for the others. As in the
    engine, what was broadcast forward is summed back to the shape of its input."""
    cotangents = [None] * len(node._input_metadata)
    cotangents[position] = cotangent  # type: ignore[call-overload]
    made = node(*cotangents)
    made = made if isinstance(made, tuple) else (made,)
    return tuple(_fitted(piece, *edge) for piece, edge in zip(made, node.next_functions, strict=False))


def _fitted(piece: Any, child: Any, input_nr: int) -> Any:
    """A gradient in the shape and dtype of the input that it is for; None where nobody takes it."""
    if piece is None or child is None:
        return None
    metadata = child._input_metadata
    if input_nr >= len(metadata):
        return piece
    wanted = metadata[input_nr]
    if tuple(piece.shape) != tuple(wanted.shape):
        piece = piece.sum_to_size(tuple(wanted.shape))
    if piece.is_complex() and not wanted.dtype.is_complex:
        piece = piece.real
    return piece if piece.dtype == wanted.dtype else piece.to(wanted.dtype)
