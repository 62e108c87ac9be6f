"""`__torch_function__` of the program: which function it is told of, and when it is asked at all.

PyTorch asks it also where the recorder reads a shape or the gate counts elements. Plain Python has neither, so there
the answer is the one without it.
"""

from __future__ import annotations

import sys
import types
from functools import cache
from typing import Any

import torch

from engine import lists

_ACTING = {
    "engine.access": None,
    "engine.operators": None,
    "engine.expressions": None,
    "engine.statements": None,
    "engine.python": None,
    "engine.methods": None,
    "engine.formatting": frozenset({"text", "representation", "format", "percent"}),
    "engine.allowlist": frozenset({"call", "read", "write", "_read_unlisted", "_read_super", "_read_class"}),
    "engine.guards": None,
    "engine.operations": None,
    "engine.custom_operation": None,
    "engine.own_operations": None,
    "engine.standins.control_flow": None,
    "engine.dispatch": frozenset({"__torch_dispatch__"}),
    "engine.backward": frozenset({"run", "_record"}),
}
"""Our functions in whose calls it is the program that acts; None: all of that module."""

_WRITABLE = frozenset({"grad", "requires_grad"})


def looking(depth: int = 2) -> bool:
    """Whether the nearest frame of ours belongs to a part that only looks."""
    frame: types.FrameType | None = sys._getframe(depth)
    while frame is not None:
        home = frame.f_globals.get("__name__", "")
        if home.startswith("engine."):
            if home not in _ACTING:
                return True
            names = _ACTING[home]
            return names is not None and frame.f_code.co_name not in names
        frame = frame.f_back
    return False


def look(function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    """The call as PyTorch does it for its own tensors."""
    with torch._C.DisableTorchFunctionSubclass():
        return function(*args, **(kwargs or {}))


@cache
def _listed() -> dict[Any, Any]:
    """Every listed callable by itself: PyTorch may name one by an equal object that is not the same."""
    found: dict[Any, Any] = {}
    for home, names in lists.module_names().items():
        if home.startswith("torch"):
            for name in names:
                value = getattr(lists.real_module(home), name)
                if isinstance(value, types.FunctionType | types.BuiltinFunctionType):
                    found.setdefault(value, value)
    return found


def listed_function(function: Any) -> Any:
    """The listed function that equals this one, or None."""
    return _listed().get(function)


def member(function: Any) -> str | None:
    """The name under which this is a method of Tensor, or reads or writes an attribute of one; None otherwise."""
    if isinstance(function, types.MethodWrapperType):
        owner: Any = function.__self__
        name = getattr(owner.fget if isinstance(owner, property) else owner, "__name__", "")
        known = isinstance(owner, property | types.GetSetDescriptorType)
        known = known and (function.__name__ == "__get__" or (function.__name__ == "__set__" and name in _WRITABLE))
        return name if known else None
    name = getattr(function, "__name__", "")
    return name if getattr(torch.Tensor, name, None) == function else None
