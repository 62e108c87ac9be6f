"""What a node keeps for backward: read from its `_saved_*` attributes, never through saved-tensor hooks, which would
silence PyTorch's own check for in-place changes."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

import torch
from torch._C import _FunctionBase
from torch._C._autograd import _top_saved_tensors_default_hooks

from engine.known import DTYPES, dtype_name, is_plain, shape_of
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

_CONSTANTS = frozenset({bool, int, str, type(None)})
_TENSORS = frozenset({torch.Tensor, torch.nn.Parameter})
_LAYOUTS = 8


class Layout(NamedTuple):
    """What nodes of one type were seen to keep: of the values under their names the types, and those that are no
    tensors; their rows, with None where a tensor stands; and for each tensor (where its row is, where its value is, its
    name)."""

    types: list[type]
    places: list[int]
    constants: list[Any]
    rows: list[Saved | None]
    tensors: list[tuple[int, int, str]]


_layouts: dict[type, tuple[Callable[[Any], tuple[Any, ...]], list[Layout]]] = {}
"""Type of a node -> what reads all that it keeps, and its layouts, the latest last."""


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
    reader, layouts = _layouts.get(type(node), _UNKNOWN)
    if reader is None:
        return _read(node, snapshots)
    try:
        values = reader(node)
    except RuntimeError:
        return _read(node, snapshots)
    types = list(map(type, values))
    for types_then, places, constants, rows_then, tensors_then in layouts:
        if types_then == types and [values[place] for place in places] == constants:
            rows: list[Any] = rows_then.copy()
            tensors = []
            for place, index, name in tensors_then:
                row = rows[place] = _tensor(name, values[index], snapshots)
                tensors.append(row)
            return Kept(rows, tensors, True)
    return _read(node, snapshots)


_UNKNOWN: tuple[None, list[Layout]] = (None, [])


def _read(node: Any, snapshots: Snapshots) -> Kept:
    """The same, one name after the other; what is seen is remembered."""
    rows: list[Saved] = []
    tensors: list[Saved] = []
    values: list[Any] = []
    readable = True
    for name in names_of(node):
        try:
            value = getattr(node, name)
        except RuntimeError as error:
            rows.append(Saved(name, text=_reason(error)))
            readable = False
            continue
        values.append(value)
        if isinstance(value, torch.Tensor):
            found = [_tensor(name, value, snapshots)]
        elif type(value) in (list, tuple) and any(isinstance(item, torch.Tensor) for item in value):
            readable = False  # a list may be longer than what is written of it
            found = [
                _tensor(f"{name}[{index}]", item, snapshots)
                for index, item in enumerate(value[:_LIST])
                if isinstance(item, torch.Tensor)
            ]
        elif value is not None:
            rows.append(Saved(name, text=repr(value)[:_TEXT]))
            continue
        else:
            continue
        rows += found
        tensors += found
    if readable and type(node) in _NAMES:
        _remember(type(node), values, rows)
    return Kept(rows, tensors, readable)


def _remember(kind: type, values: list[Any], rows: list[Saved]) -> None:
    """What nodes of a type written in C++ keep, if it is tensors, numbers, flags and sizes."""
    types = [type(value) for value in values]
    if not all(type(value) in _TENSORS or _is_constant(value) for value in values):
        return
    names = _NAMES[kind]
    if kind not in _layouts:
        _layouts[kind] = (_reader(names), [])
    position = {row.name: index for index, row in enumerate(rows)}
    places = [index for index, one in enumerate(types) if one not in _TENSORS]
    standing = {names[index]: index for index, one in enumerate(types) if one in _TENSORS}
    layout = Layout(
        types,
        places,
        [values[place] for place in places],
        [None if row.name in standing else row for row in rows],
        [(position[name], index, name) for name, index in standing.items()],
    )
    layouts = _layouts[kind][1]
    layouts.append(layout)
    del layouts[:-_LAYOUTS]


def _is_constant(value: Any) -> bool:
    """Whether what is equal to this value, and of its type, has the same text: 0.0 and -0.0 do not."""
    kind = type(value)
    if kind is tuple:
        return all(type(item) is int for item in value)
    return kind in _CONSTANTS or (kind is float and value != 0)


def _reader(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads all these attributes. Raises RuntimeError where one is freed or was modified."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda node: tuple([getattr(node, name) for name in names])


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
    dtype = DTYPES.get(tensor.dtype) or dtype_name(tensor.dtype)
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
