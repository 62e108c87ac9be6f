"""Hooks of ours on autograd nodes, put there and taken away at a fraction of what PyTorch's own handles cost.

A node keeps its hooks in one dict, made by `Function._register_hook`. While the recorder is installed that function
knows our hooks: they go into the same dict, after the program's own, under themselves as the key, without a handle and
without taking one of the numbers that handles are given.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

from torch.autograd.function import Function, _HookMixin

Hooks = OrderedDict[Any, Any]


class Hook(partial):  # type: ignore[type-arg]
    """A hook of ours."""

    __slots__ = ()


class NodeHooks:
    """The hooks of one pass."""

    def __init__(self) -> None:
        self._placed: list[tuple[Hooks, Hook]] = []

    def before(self, node: Any, hook: Hook) -> None:
        """Call it with the node's grad_outputs when the node begins."""
        self._placed.append((node.register_prehook(hook), hook))

    def after(self, node: Any, hook: Hook) -> None:
        """Call it with the node's grad_inputs and grad_outputs when the node ends."""
        self._placed.append((node.register_hook(hook), hook))

    def remove(self) -> None:
        """Take all of them away."""
        for hooks, hook in self._placed:
            hooks.pop(hook, None)
        self._placed.clear()


def install() -> None:
    """Make PyTorch's registration know our hooks."""
    Function._register_hook = staticmethod(_register)  # type: ignore[method-assign]


def remove() -> None:
    """Give PyTorch its registration back."""
    if "_register_hook" in vars(Function):
        del Function._register_hook


_original: Callable[..., tuple[Hooks, Any]] = _HookMixin._register_hook


def _register(hooks: Hooks | None, hook: Any) -> tuple[Hooks, Any]:
    """What PyTorch calls for every hook on a node: the dict it goes into, and what the caller is given."""
    if type(hook) is not Hook:
        return _original(hooks, hook)
    if hooks is None:
        hooks = OrderedDict()
    hooks[hook] = hook
    return hooks, hooks
