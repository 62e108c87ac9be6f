"""What a node keeps for backward: read from its `_saved_*` attributes, never through saved-tensor hooks, which would
silence PyTorch's own check for in-place changes."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch._C import _FunctionBase
from torch._C._autograd import _top_saved_tensors_default_hooks

from engine.known import dtype_name, is_plain, shape_of
from engine.previews import preview_of
from engine.snapshots import Snapshots
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

_CONSTANTS = frozenset({bool, int, str})
_ROWS = 2_000
_rows: dict[Any, Saved] = {}


def names_of(node: Any) -> tuple[str, ...]:
    """The attributes under which nodes of this type keep things."""
    kind = type(node)
    names = _NAMES.get(kind)
    if names is not None:
        return names
    if isinstance(node, _FunctionBase):  # written in Python
        clears = getattr(kind._forward_cls, "clear_saved_tensors_on_access", False)
        return () if clears else ("saved_tensors",)  # to look would free them
    names = _NAMES[kind] = tuple(name for name in dir(kind) if name.startswith("_saved_"))
    return names


class Kept(NamedTuple):
    """What a node keeps: one row for each thing, those of them that are tensors, and whether it could all be read."""

    rows: list[Saved]
    tensors: list[Saved]
    readable: bool


def saved_of(node: Any, snapshots: Snapshots) -> Kept:
    """All that it keeps; tensors in lists as `name[0]`. What was freed before anyone looked says so."""
    if _top_saved_tensors_default_hooks(True) is not None:
        return Kept([Saved(name, text=PACKED) for name in names_of(node)], [], False)
    rows: list[Saved] = []
    tensors: list[Saved] = []
    readable = True
    for name in names_of(node):
        try:
            value = getattr(node, name)
        except RuntimeError as error:
            rows.append(Saved(name, text=_reason(error)))
            readable = False
            continue
        if value is None:
            continue
        kind = type(value)
        if kind in _CONSTANTS or (kind is tuple and value and type(value[0]) is int):
            rows.append(_constant(name, kind, value))
            continue
        if isinstance(value, torch.Tensor):
            found = [_tensor(name, value, snapshots)]
        elif kind in (list, tuple) and any(isinstance(item, torch.Tensor) for item in value):
            readable = False  # a list may be longer than what is written of it
            found = [
                _tensor(f"{name}[{index}]", item, snapshots)
                for index, item in enumerate(value[:_LIST])
                if isinstance(item, torch.Tensor)
            ]
        else:
            rows.append(Saved(name, text=repr(value)[:_TEXT]))
            continue
        rows += found
        tensors += found
    return Kept(rows, tensors, readable)


def _constant(name: str, kind: type, value: Any) -> Saved:
    """A number, a flag, sizes: the same row wherever the same is kept under the same name."""
    row = _rows.get((name, kind, value))
    if row is None:
        if len(_rows) >= _ROWS:
            _rows.clear()
        row = _rows[name, kind, value] = Saved(name, text=repr(value)[:_TEXT])
    return row


def _tensor(name: str, tensor: torch.Tensor, snapshots: Snapshots) -> Saved:
    known = snapshots.find(tensor)
    version = 0 if tensor.is_inference() else tensor._version
    number = None if known is None else known.number
    plain = is_plain(tensor) if known is None else known.plain
    preview: Preview | None = None
    if known is not None and known.version == version and known.preview is not None:
        preview = known.preview
    elif plain:
        preview = preview_of(tensor, snapshots.limit)
    dtype = dtype_name(tensor.dtype)
    if plain:
        return Saved(name, number, tensor.shape, dtype, tensor.nbytes, version, preview)
    return Saved(name, number, shape_of(tensor), dtype, _nbytes(tensor), version, preview)


def _nbytes(tensor: torch.Tensor) -> int:
    """The bytes of the parts of a sparse tensor; of others those its elements take."""
    if tensor.layout is torch.sparse_coo:
        return int(tensor._indices().nbytes + tensor._values().nbytes)
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return int(tensor.crow_indices().nbytes + tensor.col_indices().nbytes + tensor.values().nbytes)
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return int(tensor.ccol_indices().nbytes + tensor.row_indices().nbytes + tensor.values().nbytes)
    return int(tensor.numel()) * tensor.itemsize


def is_freed(node: Any, name: str) -> bool:
    """Whether what it kept under this name is gone."""
    try:
        getattr(node, name.split("[")[0])
    except RuntimeError as error:
        return _reason(error) == FREED
    return False


def _reason(error: RuntimeError) -> str:
    return CHANGED if "inplace" in str(error) else FREED
