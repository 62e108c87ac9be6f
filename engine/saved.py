"""What a node keeps for backward: read from its `_saved_*` attributes, never through saved-tensor hooks, which would
silence PyTorch's own check for in-place changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from engine.snapshots import Snapshots, dtype_name, is_plain
from engine.trace import Preview, Saved

FREED = "freed"
"""The text of a saved tensor that is gone."""
CHANGED = "changed"
"""The text of a saved tensor that was modified in place, so that PyTorch refuses to give it."""

PACKED = "packed"
"""The text of what the program's own saved-tensor hooks hold: reading it would run them."""

_NAMES: dict[type, tuple[str, ...]] = {}
_TEXT = 80
_LIST = 16


def names_of(node: Any) -> tuple[str, ...]:
    """The attributes under which nodes of this type keep things."""
    kind = type(node)
    if getattr(getattr(kind, "_forward_cls", None), "clear_saved_tensors_on_access", False):
        return ()  # to look would free them
    names = _NAMES.get(kind)
    if names is None:
        names = tuple(name for name in dir(kind) if name.startswith("_saved_"))
        if not names and hasattr(kind, "saved_tensors"):
            names = ("saved_tensors",)  # a Function written in Python
        _NAMES[kind] = names
    return names


def saved_of(node: Any, snapshots: Snapshots) -> list[Saved]:
    """One row for each thing it keeps; tensors in lists as `name[0]`. What was freed before anyone looked says so."""
    if torch._C._autograd._top_saved_tensors_default_hooks(True) is not None:
        return [Saved(name, text=PACKED) for name in names_of(node)]
    found: list[Saved] = []
    for name in names_of(node):
        try:
            value = getattr(node, name)
        except RuntimeError as error:
            found.append(Saved(name, text=_reason(error)))
            continue
        if value is None:
            continue
        if type(value) is not list and type(value) is not tuple:
            found.append(_one(name, value, snapshots))
            continue
        for part, item in _parts(name, value):
            if item is not None:
                found.append(_one(part, item, snapshots))
    return found


def _one(name: str, item: Any, snapshots: Snapshots) -> Saved:
    return _tensor(name, item, snapshots) if isinstance(item, torch.Tensor) else Saved(name, text=repr(item)[:_TEXT])


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if any(isinstance(item, torch.Tensor) for item in value):
        for index, item in enumerate(value[:_LIST]):
            yield f"{name}[{index}]", item
    else:
        yield name, value


def _tensor(name: str, tensor: torch.Tensor, snapshots: Snapshots) -> Saved:
    known = snapshots.find(tensor)
    version = 0 if tensor.is_inference() else tensor._version
    shape = tuple(tensor.shape)
    preview: Preview | None = None
    if known is not None and known.value >= 0 and known.version == version:
        preview = known.preview
    elif is_plain(tensor):
        preview = snapshots.preview(tensor)
    number = None if known is None else known.number
    return Saved(name, number, shape, dtype_name(tensor.dtype), tensor.nbytes, version, preview)


def is_freed(node: Any, name: str) -> bool:
    """Whether what it kept under this name is gone."""
    try:
        getattr(node, name.split("[")[0])
    except RuntimeError as error:
        return _reason(error) == FREED
    return False


def _reason(error: RuntimeError) -> str:
    return CHANGED if "inplace" in str(error) else FREED
