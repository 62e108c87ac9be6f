"""In which nn.Module's forward the run is, by the path a learner would write."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from engine.moment import Moment, next_node

Reachable = Callable[[], tuple[Mapping[str, object], Mapping[str, object]]]
"""The variables of the present scope and of the program."""


class Modules:
    """Takes the place of `nn.Module.__call__` while the run lasts, to know when a forward begins and ends."""

    def __init__(self, moment: Moment, reachable: Reachable) -> None:
        self._moment = moment
        self._reachable = reachable
        self._stack: list[tuple[str, nn.Module]] = []
        self._paths: dict[int, tuple[Any, str]] = {}
        self._original: Any = nn.Module.__call__

    def install(self) -> None:
        """Watch every call of a module."""
        moment, original, paths, stack = self._moment, self._original, self._paths, self._stack

        def __call__(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if not moment.on:
                return original(module, *args, **kwargs)
            outer = moment.module
            held = paths.get(id(module))
            path = held[1] if held is not None and held[0]() is module else self._path(module)
            if next_node() != moment.last:
                moment.settle()  # nodes born so far belong to the module that was running until now
            moment.module = path
            stack.append((path, module))
            try:
                return original(module, *args, **kwargs)
            finally:
                stack.pop()
                if next_node() != moment.last:
                    moment.settle()
                moment.module = outer

        nn.Module.__call__ = __call__  # type: ignore[method-assign]

    def remove(self) -> None:
        """Give the class its method back."""
        nn.Module.__call__ = self._original  # type: ignore[method-assign]

    def _path(self, module: nn.Module) -> str:
        path = self._find(module)
        self._paths[id(module)] = (weakref.ref(module), path)
        return path

    def _find(self, module: nn.Module) -> str:
        """Its path from the module whose forward is running, else from a variable, else the name of its type."""
        if self._stack:
            prefix, parent = self._stack[-1]
            name = _inside(parent, module)
            if name:
                return f"{prefix}.{name}"
        for variables in reversed(self._reachable()):
            for variable, value in variables.items():
                if value is module:
                    return variable
        for variables in reversed(self._reachable()):
            for variable, value in variables.items():
                if isinstance(value, nn.Module) and (name := _inside(value, module)):
                    return f"{variable}.{name}"
        return type(module).__name__


def _inside(parent: nn.Module, module: nn.Module) -> str:
    """The path of `module` below `parent`, "" where it is not there. Reads nn.Module's own tables only."""
    stack: list[tuple[str, nn.Module]] = [("", parent)]
    seen: set[int] = set()
    while stack:
        prefix, part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        for name, child in part.__dict__.get("_modules", {}).items():
            if child is module:
                return f"{prefix}{name}"
            if child is not None:
                stack.append((f"{prefix}{name}.", child))
    return ""
