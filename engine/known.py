"""What is known of one tensor, and what of a tensor can be read: whether it has elements of its own, its shape, where
they lie, the names of its dtype and device."""

from __future__ import annotations

from typing import Any
from weakref import ref

import msgspec
import torch
from torch import nn
from torch._C import _has_storage
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

from engine.trace import Preview


class Known(msgspec.Struct, gc=False, eq=False):
    """What is known of one tensor: its identity, and what its latest snapshot said."""

    number: int
    ref: Any
    """A weak reference to it."""
    plain: bool
    inference: bool
    value: int = -1
    version: int = 0
    preview: Preview | None = None
    """Of the elements at that version, which may be read before the first snapshot is taken."""
    turn: int = -1
    generation: int = -1
    is_grad: bool = False
    is_parameter: bool = False
    lazy: bool = False
    """Whether it has no shape yet, as a parameter of a lazy module: most of it cannot be read."""
    dtype: Any = None
    """Known once a snapshot is taken, like all that follows."""
    shape: tuple[int, ...] = ()
    pointer: int = -1
    base: int = 0
    storage: int = 0
    offset: int = 0
    roots: tuple[int, ...] = ()
    grad: int | None = None
    node: int | None = None
    requires_grad: bool = False
    retains_grad: bool = False
    within: tuple[int, torch.dtype, tuple[int, ...]] | None = None
    """Of a tensor that was seen inside a library call: where its elements began, and its stride."""


def meet(number: int, tensor: torch.Tensor) -> Known:
    """What is known of a tensor that is seen for the first time."""
    if type(tensor) is torch.Tensor:
        return Known(number, ref(tensor), is_plain(tensor), tensor.is_inference())
    lazy = isinstance(tensor, UninitializedTensorMixin)
    plain, inference = not lazy and is_plain(tensor), lazy or tensor.is_inference()
    return Known(number, ref(tensor), plain, inference, is_parameter=isinstance(tensor, nn.Parameter), lazy=lazy)


def is_plain(tensor: torch.Tensor) -> bool:
    """Whether it has elements and a storage of its own that can be read here."""
    return tensor.is_cpu and tensor.layout is torch.strided and not tensor.is_nested and _has_storage(tensor)


def shape_of(tensor: torch.Tensor) -> tuple[int, ...]:
    """Its shape, -1 for a size that is another in each part of it (nested tensors), () where it has none yet."""
    try:
        return tuple([size if type(size) is int else -1 for size in tensor.shape])
    except (RuntimeError, ValueError):
        return (tensor.size(0), *[-1] * (tensor.dim() - 1)) if tensor.is_nested else ()


def is_moved(tensor: torch.Tensor, known: Known) -> bool:
    """Whether it was given other memory, as a parameter is by `module.double()`."""
    return tensor.dtype is not known.dtype or (known.plain and tensor.data_ptr() != known.pointer)


def base_of(tensor: torch.Tensor, pointer: int, offset: int) -> int:
    """What tells its storage from those of all other live tensors: the address of the storage's first element, or, of
    an empty one, that of the storage itself, as a negative number."""
    return pointer - offset * tensor.itemsize if pointer else -tensor.untyped_storage()._cdata


def is_still_at(known: Known, base: int) -> bool:
    """Whether that tensor is alive and lies in that storage."""
    tensor = known.ref()
    return tensor is not None and base == known.base == base_of(tensor, tensor.data_ptr(), int(tensor.storage_offset()))


DTYPES: dict[torch.dtype, str] = {}
"""The names that were asked for."""
_DEVICES: dict[torch.device, str] = {}


def dtype_name(dtype: torch.dtype) -> str:
    """ "float32", without the module's name."""
    name = DTYPES.get(dtype)
    if name is None:
        name = DTYPES[dtype] = str(dtype).removeprefix("torch.")
    return name


def device_name(device: torch.device) -> str:
    """ "cpu", "meta"."""
    name = _DEVICES.get(device)
    if name is None:
        name = _DEVICES[device] = str(device)
    return name
