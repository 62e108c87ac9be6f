"""Where a tensor's elements lie in its storage, from its shape, its strides and its offset.

place of element [i, j] = offset + i * stride[0] + j * stride[1]
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence


def places(shape: Sequence[int], stride: Sequence[int], offset: int = 0, most: int = 64) -> list[int]:
    """The place in storage of each element, row-major, of the first `most` elements."""
    elements = itertools.islice(itertools.product(*(range(size) for size in shape)), most)
    return [offset + sum(index * step for index, step in zip(element, stride, strict=True)) for element in elements]


def contiguous(shape: Sequence[int], stride: Sequence[int]) -> bool:
    """Whether the elements lie one after the other in reading order, as PyTorch's `is_contiguous` says.

    A dimension of one element is never stepped along, so its stride does not matter; nor does any of an empty tensor.
    """
    if 0 in shape:
        return True
    expected = 1
    for size, step in zip(reversed(shape), reversed(stride), strict=True):
        if size != 1:
            if step != expected:
                return False
            expected *= size
    return True
