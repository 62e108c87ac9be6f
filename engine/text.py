"""Values as text: what `repr` gives, capped, without ever running code of the program (its `__repr__` could print,
raise or never return) and without addresses."""

from __future__ import annotations

import re
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

TENSOR_ELEMENTS = 100
"""Elements beyond which a tensor inside a container is named by its shape only."""
DEPTH = 6

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_PLAIN = (type(None), bool, int, float, complex, range, slice, type(Ellipsis), type(NotImplemented))
_PLAIN_SET = frozenset(_PLAIN)
_SHORT = 400
_NO_PAIRS: dict[Any, Any] = {}
_VIEWS = (type(_NO_PAIRS.keys()), type(_NO_PAIRS.values()), type(_NO_PAIRS.items()))
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    deque: ("deque([", "])"),
}
_TRUSTED = ("builtins", "torch", "numpy", "collections", "itertools", "fractions", "decimal", "datetime", "pathlib")


class _Full(Exception):
    """The text is long enough."""


def text_of(value: object, limit: int) -> str:
    """Its repr where that is safe to ask, at most `limit` characters and then an ellipsis."""
    writer = _Writer(limit)
    try:
        writer.write(value, 0)
    except _Full:
        return "".join(writer.parts)[:limit] + "…"
    return "".join(writer.parts)


class _Writer:
    def __init__(self, limit: int) -> None:
        self.parts: list[str] = []
        self._left = limit

    def put(self, text: str) -> None:
        self.parts.append(text)
        self._left -= len(text)
        if self._left < 0:
            raise _Full

    def write(self, value: object, depth: int) -> None:
        kind = type(value)
        if kind in _PLAIN:
            self.put(repr(value))
        elif kind is str or kind is bytes:
            self.put(repr(value if len(value) <= self._left + 1 else value[: self._left + 1]))  # type: ignore[arg-type,index]
        elif depth > DEPTH:
            self.put("...")
        elif not self._container(value, kind, depth):
            self.put(_leaf_text(value))

    def _container(self, value: Any, kind: Any, depth: int) -> bool:
        if (kind is list or kind is tuple) and len(value) <= _SHORT and _PLAIN_SET.issuperset(map(type, value)):
            self.put(repr(value))
        elif kind in _BRACKETS and (value or kind in (list, tuple, deque)):
            left, right = _BRACKETS[kind]
            self.put(left)
            self._items(value, depth)
            self.put(("," if kind is tuple and len(value) == 1 else "") + right)
        elif kind is dict:
            self._pairs(value, depth)
        elif kind in (OrderedDict, Counter, defaultdict):
            self._mapping(value, kind, depth)
        elif kind in _VIEWS:
            self.put(f"{kind.__name__}([")
            self._items(value, depth)
            self.put("])")
        elif isinstance(value, tuple) and hasattr(kind, "_fields") and kind.__iter__ is tuple.__iter__:
            self.put(f"{kind.__name__}(")
            self._items(value, depth, [f"{name}=" for name in kind._fields])
            self.put(")")
        elif isinstance(value, BaseException):
            self.put(f"{kind.__name__}(")
            self._items(BaseException.args.__get__(value), depth)  # type: ignore[attr-defined]
            self.put(")")
        else:
            return False
        return True

    def _mapping(self, value: Any, kind: type, depth: int) -> None:
        """The subclasses of dict, as this Python writes them."""
        self.put(f"{kind.__name__}(")
        if kind is defaultdict:
            self.put(f"{value.default_factory!r}, ")
        if kind is OrderedDict and value and sys.version_info < (3, 12):
            self.put("[")
            self._items(value.items(), depth)
            self.put("]")
        elif kind is Counter and value:
            self._pairs(dict(value.most_common()), depth)
        elif value or kind is defaultdict:
            self._pairs(value, depth)
        self.put(")")

    def _items(self, values: Iterable[Any], depth: int, prefixes: list[str] | None = None) -> None:
        for index, value in enumerate(values):
            if index:
                self.put(", ")
            if prefixes:
                self.put(prefixes[index])
            self.write(value, depth + 1)

    def _pairs(self, values: dict[Any, Any], depth: int) -> None:
        self.put("{")
        for index, (key, value) in enumerate(values.items()):
            if index:
                self.put(", ")
            self.write(key, depth + 1)
            self.put(": ")
            self.write(value, depth + 1)
        self.put("}")


def _leaf_text(value: Any) -> str:
    """Something that is no container of ours to walk."""
    kind = type(value)
    if isinstance(value, torch.Tensor):
        return _tensor_text(value)
    if isinstance(value, nn.Module):
        return module_text(value)
    if isinstance(value, type):
        return f"<class '{value.__name__}'>" if kind is not type or value.__module__ == "__main__" else repr(value)
    if isinstance(value, (types.FunctionType, types.MethodType, types.BuiltinFunctionType)):
        return f"<function {value.__qualname__} at 0x...>"
    if kind.__module__.split(".")[0] not in _TRUSTED or (isinstance(value, (np.ndarray,)) and value.dtype.kind == "O"):
        return f"<{kind.__module__}.{kind.__qualname__} object at 0x...>"
    return _asked(value, repr)


def _tensor_text(tensor: torch.Tensor) -> str:
    if tensor.numel() > TENSOR_ELEMENTS or tensor.dim() > 8:
        return f"tensor(..., shape={tuple(tensor.shape)})"
    return _asked(tensor, repr)


def module_text(module: nn.Module) -> str:
    """`repr(module)` where no class of the program writes it, else the name of its type."""
    for part in module.modules() if "_modules" in module.__dict__ else (module,):
        kind = type(part)
        for method in (kind.__repr__, kind.extra_repr, kind._get_name):
            if not getattr(method, "__module__", "").startswith("torch."):
                return f"{type(module).__name__}(...)"
    return _asked(module, repr)


def _asked(value: Any, ask: Callable[[Any], str]) -> str:
    """The answer of a library's own repr, which may fail on an object that is half made."""
    try:
        return _ADDRESS.sub("0x...", ask(value))
    except Exception as error:
        return f"<{type(value).__name__} object: {type(error).__name__}>"
