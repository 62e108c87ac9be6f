"""The first elements of a tensor or array, and statistics over all of them. Reading changes nothing and keeps
nothing."""

from __future__ import annotations

import ctypes
import math
from itertools import chain
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch._C._functorch import maybe_current_level

from engine.hearing import unheard
from engine.trace import Preview, Scalar

STATISTICS = 10_000_000
"""Elements beyond which a tensor is previewed without statistics."""
ARRAY_STATISTICS = 200_000
"""The same for arrays, which carry no version and are read again at every statement."""

NUMERIC = "biufc"
"""The kinds of numpy dtype that are numbers."""

_NONE = Preview([])

_IN_MEMORY: dict[torch.dtype, Any] = {
    torch.float32: ctypes.c_float,
    torch.float64: ctypes.c_double,
    torch.int64: ctypes.c_int64,
    torch.int32: ctypes.c_int32,
}
"""dtypes whose elements can be read where they lie; reading a matrix through nested lists costs three times as much."""
_blocks: dict[tuple[torch.dtype, int], Any] = {}


def preview_of(tensor: torch.Tensor, limit: int) -> Preview | None:
    """A preview of a strided tensor with a value of its own; None where its type cannot be read out. Inside a functorch
    transform only small ones are read: no operation is run there."""
    return unheard(_preview_of, tensor, limit)  # type: ignore[no-any-return]


def _preview_of(tensor: torch.Tensor, limit: int) -> Preview | None:
    try:
        count = tensor.numel()
        if count == 1:
            value: Any = tensor.tolist()
            while type(value) is list:
                value = value[0]
            if type(value) is float and isfinite(value):
                return Preview([value], False, value, value, value)
            return preview_values([value])
        if count <= limit:
            return preview_values(_elements(tensor))
        if maybe_current_level() is not None:
            return None
        with torch.no_grad():
            values = _elements(head(tensor, limit))[:limit]
            return Preview(_scalars(values), True, *statistics(tensor))
    except (RuntimeError, TypeError, NotImplementedError):
        return None  # a type without arithmetic of its own (float8, bits)


def elements(tensor: torch.Tensor) -> list[Any]:
    """All elements, row-major."""
    return unheard(_elements, tensor)  # type: ignore[no-any-return]


def _elements(tensor: torch.Tensor) -> list[Any]:
    dimensions = tensor.dim()
    if dimensions > 1 and tensor.dtype in _IN_MEMORY and tensor.is_contiguous():
        values = _in_memory(tensor)
        if values is not None:
            return values
    nested: Any = tensor.tolist()
    if dimensions == 0:
        return [nested]
    for _ in range(dimensions - 1):
        nested = list(chain.from_iterable(nested))
    return nested  # type: ignore[no-any-return]


def _in_memory(tensor: torch.Tensor) -> list[Any] | None:
    """The elements of a contiguous tensor, None where they do not lie in memory as they are: a class of its own, zeros
    that were never written down, a pending sign, a storage that was made smaller."""
    dtype, count = tensor.dtype, tensor.numel()
    pointer = tensor.data_ptr() if type(tensor) in (torch.Tensor, torch.nn.Parameter) else 0
    if not pointer or tensor.is_neg():
        return None
    if tensor.untyped_storage().nbytes() < (tensor.storage_offset() + count) * dtype.itemsize:
        return None
    block = _blocks.get((dtype, count))
    if block is None:
        block = _blocks[dtype, count] = _IN_MEMORY[dtype] * count
    values: list[Any] = block.from_address(pointer)[:]
    return values


def head(tensor: torch.Tensor, count: int) -> torch.Tensor:
    """A view of the smallest block of leading rows that holds the first `count` elements; never copies a large
    tensor."""
    for dimension, size in enumerate(tensor.shape):
        inner = math.prod(tensor.shape[dimension + 1 :])
        needed = min(size, -(-count // inner))
        tensor = tensor.narrow(dimension, 0, needed)
        if needed > 1:
            break
    return tensor


def preview_values(values: list[Any]) -> Preview:
    """A preview that holds every element."""
    if not values:
        return _NONE
    if isinstance(values[0], complex):
        unusual = sum(not (isfinite(value.real) and isfinite(value.imag)) for value in values)
        return Preview(_scalars(values), nonfinite=unusual)
    total = sum(values)
    if isfinite(total):
        return Preview(values, False, float(min(values)), float(max(values)), total / len(values))
    finite = [value for value in values if isfinite(value)]
    if not finite:
        return Preview(values, nonfinite=len(values))
    mean = sum(value / len(finite) for value in finite)
    return Preview(values, False, min(finite), max(finite), mean, len(values) - len(finite))


def _scalars(values: list[Any]) -> list[Scalar]:
    if values and isinstance(values[0], complex):
        return [(value.real, value.imag) for value in values]
    return values


def statistics(tensor: torch.Tensor) -> tuple[float | None, float | None, float | None, int]:
    """(minimum, maximum, mean, count of the others) over the finite elements."""
    if tensor.numel() > STATISTICS or tensor.is_complex():
        return None, None, None, 0
    if not tensor.is_floating_point():
        low, high = torch.aminmax(tensor.to(torch.uint8) if tensor.dtype == torch.bool else tensor)
        return float(low), float(high), float(tensor.sum(dtype=torch.float64)) / tensor.numel(), 0
    count, total = tensor.numel(), float(tensor.sum(dtype=torch.float64))
    if not isfinite(total):
        tensor = tensor[torch.isfinite(tensor)]
        if not tensor.numel():
            return None, None, None, count
        total = float(tensor.sum(dtype=torch.float64))
    low, high = torch.aminmax(tensor)
    return float(low), float(high), total / tensor.numel(), count - tensor.numel()


def preview_of_array(array: Any, limit: int) -> Preview:
    """A preview of a numpy array or scalar of numbers (see NUMERIC)."""
    array = np.asarray(array)
    if array.size <= limit:
        return preview_values(array.ravel().tolist())
    values = _scalars(array.flat[:limit].tolist())
    if array.size > ARRAY_STATISTICS or array.dtype.kind == "c":
        return Preview(values, True)
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    unusual = array.size - finite.size
    if not finite.size:
        return Preview(values, True, nonfinite=unusual)
    return Preview(values, True, float(finite.min()), float(finite.max()), float(finite.mean(dtype=float)), unusual)
