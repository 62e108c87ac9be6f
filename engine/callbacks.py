"""The program's own hooks, noted as they fire: each registered function is replaced by one that calls it and writes
it down."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

Told = Callable[[str, torch.Tensor | None, torch.Tensor | None], None]
"""(name of the hook, the tensor it was given, the tensor it returned)."""


def observe(handle: RemovableHandle, told: Told) -> None:
    """Replace the function that was just registered. Its name stays: PyTorch's messages quote it."""
    hooks = handle.hooks_dict_ref() if hasattr(handle, "hooks_dict_ref") else None  # hooks on several tensors have none
    if hooks is not None and handle.id in hooks:
        hooks[handle.id] = _wrapped(hooks[handle.id], told)


def _wrapped(hook: Any, told: Told) -> Any:
    @functools.wraps(hook)
    def observed(*args: Any, **kwargs: Any) -> Any:
        result = hook(*args, **kwargs)
        told(getattr(hook, "__name__", type(hook).__name__), _first(args), _first((result,)))
        return result

    return observed


def _first(values: tuple[Any, ...]) -> torch.Tensor | None:
    """The first tensor among them, or directly inside a tuple among them (a node's hook is given tuples)."""
    for value in values:
        if isinstance(value, torch.Tensor):
            return value
        if type(value) is tuple and (inner := _first(value)) is not None:
            return inner
    return None
