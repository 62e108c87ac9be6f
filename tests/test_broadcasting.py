"""Broadcasting, cell by cell, against what torch does."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.broadcasting import CELLS, broadcast, together

SHAPES = [((3, 1), (4,)), ((2, 3), (3,)), ((), (2, 2)), ((5, 1, 2), (3, 1)), ((1,), (4,)), ((2, 1), (1, 3), ())]


@pytest.mark.parametrize("shapes", SHAPES)
def test_cells_read_and_sums_back_are_those_of_torch(shapes: tuple[tuple[int, ...], ...]) -> None:
    found = broadcast(shapes)
    assert found is not None
    tensors = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    stretched = torch.broadcast_tensors(*tensors)  # type: ignore[no-untyped-call]
    g = torch.randn(found.shape, dtype=torch.float64)
    for place, (tensor, wide) in enumerate(zip(tensors, stretched, strict=True)):
        assert found.shape == tuple(wide.shape)
        assert torch.equal(tensor.reshape(-1)[list(found.reads[place])], wide.reshape(-1))
        (grad,) = torch.autograd.grad(wide, tensor, g, retain_graph=True)
        back = g.sum(found.summed[place], keepdim=True) if found.summed[place] else g
        torch.testing.assert_close(back.reshape(tensor.shape), grad)


@given(st.lists(st.lists(st.sampled_from([1, 2, 3]), max_size=3).map(tuple), min_size=1, max_size=3))
def test_what_fits_is_what_torch_takes(shapes: list[tuple[int, ...]]) -> None:
    try:
        expected = tuple(torch.broadcast_shapes(*shapes))  # type: ignore[no-untyped-call]
    except RuntimeError:
        assert together(shapes) is None
    else:
        assert together(shapes) == expected


def test_equal_shapes_are_no_broadcast_and_large_ones_list_no_cells() -> None:
    assert broadcast([(2, 3), (2, 3)]) is None
    large = broadcast([(CELLS, 2), (2,)])
    assert large is not None
    assert large.reads == ()
    assert large.summed == ((), (0,))
