"""Where elements lie, against PyTorch's own strides."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from engine.strides import contiguous, places

VIEWS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "itself": lambda x: x,
    "transpose": lambda x: x.transpose(0, 1),
    "row": lambda x: x[1],
    "column": lambda x: x[:, 1],
    "every other": lambda x: x[:, ::2],
    "expand": lambda x: x[:, :1].expand(-1, 4),
    "diagonal": lambda x: x.diagonal(),
    "scalar": lambda x: x[2, 3],
    "empty": lambda x: x[:0],
    "single column": lambda x: x[:, 1:2],
    "flat": lambda x: x.view(-1),
    "three dimensions": lambda x: x.view(3, 2, 2).permute(2, 0, 1),
}


@pytest.mark.parametrize("name", VIEWS)
def test_places_lead_to_the_elements(name: str) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    view = VIEWS[name](base)
    found = places(view.shape, view.stride(), int(view.storage_offset()))
    assert [base.view(-1)[place].item() for place in found] == view.flatten().tolist()
    assert contiguous(view.shape, view.stride()) == view.is_contiguous()


def test_no_more_places_than_asked_for() -> None:
    assert places((10**6, 10**6), (1, 1), most=3) == [0, 1, 2]
