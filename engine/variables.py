"""Values of every kind as rows, and the names under which the program can reach a tensor."""

from __future__ import annotations

import types
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.limits import Limits
from engine.previews import NUMERIC, preview_of_array
from engine.rows import Rows
from engine.snapshots import Snapshots
from engine.text import module_text, text_of
from engine.trace import ArrayValue, ModuleValue, NumberValue, OtherValue

EXACT = 2**53
"""Whole numbers beyond this are text: not every reader can hold them."""
PARTS = 50
"""Tensors that are looked for directly inside one container."""
MODULE_TENSORS = 1_000
"""Parameters and buffers of one module that are recorded."""

NAMELESS = (type, types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType)
"""What a program binds without it being a value to look at: imports, functions, classes."""

Place = tuple[int, str]
"""How good a name is (0 the best), and the name."""
GLOBAL, GLOBAL_PATH, LOCAL, LOCAL_PATH = range(4)


class Variables:
    """Snapshots of whatever a variable holds. Equal numbers, texts, arrays and modules share a row."""

    def __init__(self, rows: Rows, snapshots: Snapshots, limits: Limits) -> None:
        self._rows = rows
        self._snapshots = snapshots
        self._limits = limits
        self._rows_by_content: dict[Any, int] = {}
        self._module_texts: dict[int, tuple[Any, tuple[int, ...], str]] = {}
        self._names: dict[int, Place] = {}
        self.dropped = False
        """Whether some scope had more variables than are recorded."""

    def forget_texts(self) -> None:
        """An attribute was assigned: the text of a module may be another."""
        self._module_texts.clear()

    def name(self, tensor: int) -> str:
        """The path a learner would write for this tensor, "" where no variable leads to it."""
        place = self._names.get(tensor)
        return "" if place is None else place[1]

    def of_scope(self, scope: Mapping[str, object], *, is_global: bool) -> list[tuple[str, int]]:
        """(name, number of a Value) of each variable, in order of first appearance; names of tensors are noted."""
        found: list[tuple[str, int]] = []
        noted: dict[int, str] = {}
        rank = GLOBAL if is_global else LOCAL
        for name, value in list(scope.items()):
            if is_nameless(value):
                continue
            if len(found) >= self._limits.variables:
                self.dropped = True
                break
            if isinstance(value, torch.Tensor):
                found.append((name, self._snapshots.tensor(value)))
                tensor = self._snapshots.known(value).number
                noted[tensor] = f"{noted[tensor]}, {name}" if tensor in noted else name
            else:
                found.append((name, self.value(value, name, rank + 1)))
        for tensor, name in noted.items():
            self._note(tensor, rank, name)
        return found

    def value(self, value: object, name: str = "", rank: int = LOCAL_PATH) -> int:
        """The number of a row that says what this is now. `name` is the path that leads to it."""
        if isinstance(value, torch.Tensor):
            return self._snapshots.tensor(value)
        kind = type(value)
        if kind is int or kind is float or kind is bool or kind is complex:
            return self._number(value)
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in NUMERIC:
            return self._array(value)
        if isinstance(value, nn.Module):
            return self._module(value, name, rank)
        return self._other(value, name, rank)

    def _note(self, tensor: int, rank: int, name: str) -> None:
        place = self._names.get(tensor)
        if place is None or rank <= place[0]:
            self._names[tensor] = (rank, name)

    def _row(self, content: tuple[Any, ...], make: Any) -> int:
        number = self._rows_by_content.get(content)
        if number is None:
            number = self._rows_by_content[content] = self._snapshots.reserve()
            self._rows.add("values", make(number, *content[1:]))
        return number

    def _number(self, value: Any) -> int:
        key = ("number", repr(value))
        number = self._rows_by_content.get(key)
        if number is None:
            number = self._rows_by_content[key] = self._snapshots.reserve()
            if isinstance(value, complex):
                value = (value.real, value.imag)
            elif isinstance(value, int) and abs(value) > EXACT:
                value = text_of(value, self._limits.repr_length)
            self._rows.add("values", NumberValue(number, value))
        return number

    def _array(self, array: Any) -> int:
        preview = preview_of_array(array, self._limits.preview_elements)
        shape, dtype = tuple(array.shape), str(array.dtype)
        key = (
            "array",
            shape,
            dtype,
            tuple(map(repr, preview.values)),
            preview.maximum,
            preview.mean,
            preview.nonfinite,
        )
        number = self._rows_by_content.get(key)
        if number is None:
            number = self._rows_by_content[key] = self._snapshots.reserve()
            self._rows.add("values", ArrayValue(number, shape, dtype, preview))
        return number

    def _module(self, module: nn.Module, name: str, rank: int) -> int:
        parameters: list[tuple[str, int]] = []
        buffers: list[tuple[str, int]] = []
        members: list[int] = []
        for path, part, table in tensors_of(module, members):
            if len(parameters) + len(buffers) >= MODULE_TENSORS:
                break
            (parameters if table == "_parameters" else buffers).append((path, self._snapshots.tensor(part)))
            if name:
                self._note(self._snapshots.known(part).number, rank, f"{name}.{path}")
        text = self._module_text(module, tuple(members))
        content = ("module", type(module).__name__, text, module.training, tuple(parameters), tuple(buffers))
        return self._row(content, _module_value)

    def _module_text(self, module: nn.Module, members: tuple[int, ...]) -> str:
        """Its repr, written again only when it is made of other modules than before."""
        held = self._module_texts.get(id(module))
        if held is not None and held[0]() is module and held[1] == members:
            return held[2]
        text = module_text(module)[: self._limits.repr_length]
        self._module_texts[id(module)] = (weakref.ref(module), members, text)
        return text

    def _other(self, value: object, name: str, rank: int) -> int:
        parts = []
        for path, tensor in parts_of(value):
            parts.append((path, self._snapshots.tensor(tensor)))
            if name:
                self._note(self._snapshots.known(tensor).number, rank, name + path)
        text = text_of(value, self._limits.repr_length)
        return self._row(("other", type(value).__name__, text, tuple(parts)), _other_value)


def _module_value(number: int, kind: str, text: str, training: bool, parameters: Any, buffers: Any) -> ModuleValue:
    return ModuleValue(number, kind, text, training, list(parameters), list(buffers))


def _other_value(number: int, kind: str, text: str, parts: Any) -> OtherValue:
    return OtherValue(number, kind, text, list(parts))


def is_nameless(value: object) -> bool:
    """Whether a variable that holds this is an import, a function or a class rather than a value."""
    return isinstance(value, NAMELESS) or (type(value).__module__.startswith("engine.") and callable_or_facade(value))


def callable_or_facade(value: object) -> bool:
    """Whether an object of ours stands for a library or one of its functions."""
    return callable(value) or "facade" in type(value).__name__.lower()


def tensors_of(module: nn.Module, members: list[int]) -> Iterator[tuple[str, torch.Tensor, str]]:
    """(path, tensor, "_parameters" or "_buffers") as `named_parameters` and `named_buffers` give them, each tensor once.

    Reads the tables of nn.Module itself: its methods could be the program's own. `members` is filled with the identity
    of each module inside.
    """
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
            for name, tensor in state.get(table, {}).items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield prefix + name, tensor, table
        children = [
            (f"{prefix}{name}.", child) for name, child in state.get("_modules", {}).items() if child is not None
        ]
        stack.extend(reversed(children))


def parts_of(value: object) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors directly inside a list, tuple, dict, optimizer or object of the program: (path, tensor)."""
    kind = type(value)
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
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            for key, item in optimizer.state.get(parameter, {}).items():
                yield f".state[{index}][{key!r}]", item
            index += 1
