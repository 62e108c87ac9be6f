"""The first elements of a tensor or array, and statistics over all of them. Reading changes nothing and keeps
nothing."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np
import torch

from engine.trace import Preview, Scalar

STATISTICS = 10_000_000
"""Elements beyond which a tensor is previewed without statistics."""
ARRAY_STATISTICS = 200_000
"""The same for arrays, which carry no version and are read again at every statement."""

NUMERIC = "biufc"
"""The kinds of numpy dtype that are numbers."""

_NONE = Preview([])


def preview_of(tensor: torch.Tensor, limit: int) -> Preview | None:
    """A preview of a strided tensor with a value of its own; None where its type cannot be read out."""
    try:
        if tensor.numel() <= limit:
            return preview_values(elements(tensor))
        with torch.no_grad():
            values = elements(head(tensor, limit))[:limit]
            return Preview(_scalars(values), True, *statistics(tensor))
    except (RuntimeError, TypeError, NotImplementedError):
        return None  # a type without arithmetic of its own (float8, bits)


def elements(tensor: torch.Tensor) -> list[Any]:
    """All elements, row-major."""
    values: Any = tensor.tolist()
    dimensions = tensor.dim()
    if dimensions == 0:
        return [values]
    for _ in range(dimensions - 1):
        values = list(chain.from_iterable(values))
    return values  # type: ignore[no-any-return]


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
    first = values[0]
    if len(values) == 1 and type(first) is float and math.isfinite(first):
        return Preview(values, False, first, first, first)
    if isinstance(first, complex):
        unusual = sum(not (math.isfinite(value.real) and math.isfinite(value.imag)) for value in values)
        return Preview(_scalars(values), nonfinite=unusual)
    total = sum(values)
    if math.isfinite(total):
        return Preview(values, False, float(min(values)), float(max(values)), total / len(values))
    finite = [value for value in values if math.isfinite(value)]
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
    if not math.isfinite(total):
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
