"""Which tensors are inside of what: of argument lists, modules, containers, optimizers, objects of the program. No code
of the program is asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import nn

TENSORS_TOGETHER = 64
"""How many tensors of one argument list, list or tuple become inputs or outputs of an operation."""
PARTS = 50
"""Tensors that are looked for directly inside one container."""
MODULE_TENSORS = 1_000
"""Parameters and buffers of one module that are recorded."""


def tensors_in(values: Iterable[object]) -> list[torch.Tensor]:
    """The tensors among these values and directly inside lists, tuples and dicts among them, in order, without
    repeats."""
    found: list[torch.Tensor] = []
    for value in values:
        kind = type(value)
        if kind is torch.Tensor or isinstance(value, torch.Tensor):
            found.append(value)  # type: ignore[arg-type]
        elif kind not in _ATOMS:
            found.extend(_inside(value))
    if len(found) > 1:
        found = list({id(tensor): tensor for tensor in found}.values())
    return found[:TENSORS_TOGETHER]


_ATOMS = frozenset({int, float, bool, str, type(None), slice})


def _walks_as_tuple(kind: Any) -> bool:
    """Whether a class of tuples leaves walking them to tuple itself."""
    return kind.__iter__ is tuple.__iter__


def _inside(container: object) -> Iterator[torch.Tensor]:
    kind = type(container)
    if kind in (dict, OrderedDict):
        values: Iterable[object] = container.values()  # type: ignore[attr-defined]
    elif kind is list or (isinstance(container, tuple) and _walks_as_tuple(kind)):
        values = container  # type: ignore[assignment]
    else:
        return  # a class of the program's own may answer with code of its own
    for value in islice(values, 4 * TENSORS_TOGETHER):
        if isinstance(value, torch.Tensor):
            yield value


def tensors_of(module: nn.Module) -> tuple[list[str], list[torch.Tensor], set[str], list[int]]:
    """The first MODULE_TENSORS parameters and buffers, each once, as two lists: their paths and they; which of the
    paths are buffers; and the identity of each module inside. Reads the tables of nn.Module itself: its methods could
    be the program's own.
    """
    paths: list[str] = []
    tensors: list[torch.Tensor] = []
    buffers: set[str] = set()
    members: list[int] = []
    seen: set[int] = set()
    stack: list[tuple[str, nn.Module]] = [("", module)]
    while stack:
        prefix, part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        members.append(id(part))
        state = part.__dict__
        for table in ("_parameters", "_buffers"):
            for name, tensor in state.get(table, _EMPTY).items():
                if tensor is not None and id(tensor) not in seen and len(tensors) < MODULE_TENSORS:
                    seen.add(id(tensor))
                    paths.append(prefix + name)
                    tensors.append(tensor)
                    if table == "_buffers":
                        buffers.add(prefix + name)
        children = state.get("_modules")
        if children:
            stack.extend([(f"{prefix}{name}.", child) for name, child in children.items() if child is not None][::-1])
    return paths, tensors, buffers, members


_EMPTY: dict[str, Any] = {}


def parts_of(value: object) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors directly inside a list, tuple, dict, optimizer or object of the program: (path, tensor)."""
    kind: Any = type(value)
    pairs: Iterator[tuple[str, object]]
    if kind is list or (isinstance(value, tuple) and kind.__iter__ is tuple.__iter__):
        pairs = ((f"[{index}]", item) for index, item in enumerate(value))  # type: ignore[var-annotated,arg-type]
    elif kind in (dict, OrderedDict):
        pairs = ((f"[{key!r}]", item) for key, item in value.items() if type(key) in (str, int, bool))  # type: ignore[attr-defined]
    elif isinstance(value, torch.optim.Optimizer):
        pairs = _optimizer_parts(value)
    elif kind.__module__ == "__main__":
        pairs = ((f".{key}", item) for key, item in _attributes(value).items())
    else:
        return
    count = 0
    for path, item in pairs:
        if isinstance(item, torch.Tensor):
            yield path, item
            count += 1
        if count >= PARTS:
            return


def _attributes(value: object) -> dict[str, object]:
    """What an object of the program holds, without asking its class."""
    try:
        attributes: dict[str, object] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return attributes


def _optimizer_parts(optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, object]]:
    """Its buffers, parameters in the order of its groups: ".state[0]['momentum_buffer']"."""
    index = 0
    for group in optimizer.__dict__.get("param_groups", ()):
        for parameter in group["params"]:
            for key, item in optimizer.state.get(parameter, {}).items():
                yield f".state[{index}][{key!r}]", item
            index += 1
