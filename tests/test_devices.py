"""A wish for a device is met, or falls back with the reason."""

from __future__ import annotations

import pytest
import torch

from engine import devices, regression
from engine.messages import render
from engine.regression_state import Available, Settings

NONE = Available(without_cuda="device.no_build")
TWO = Available(cuda=["A", "B"])
APPLE = Available(mps=True, without_cuda="device.no_build")


@pytest.mark.parametrize(
    ("wish", "dtype", "offered", "points", "device", "code"),
    [
        ("auto", "float32", NONE, 11, "cpu", None),
        ("auto", "float32", TWO, 11, "cpu", "device.small"),
        ("auto", "float32", TWO, devices.SMALL, "cuda:0", None),
        ("auto", "float32", APPLE, devices.SMALL, "mps", None),
        ("auto", "float64", APPLE, devices.SMALL, "cpu", "device.small"),
        ("cpu", "float32", TWO, 10**6, "cpu", None),
        ("cuda", "float32", TWO, 11, "cuda:0", None),
        ("cuda:1", "float64", TWO, 11, "cuda:1", None),
        ("cuda:2", "float32", TWO, 11, "cpu", "device.no_index"),
        ("cuda", "float32", NONE, 11, "cpu", "device.no_build"),
        ("mps", "float32", APPLE, 11, "mps", None),
        ("mps", "float64", APPLE, 11, "cpu", "device.mps_float64"),
        ("mps", "float32", NONE, 11, "cpu", "device.no_mps"),
    ],
)
def test_wishes(wish: str, dtype: str, offered: Available, points: int, device: str, code: str | None) -> None:
    """Where it goes, and what is said; every reason renders in both languages."""
    chosen, notices = devices.choose(wish, dtype, offered, points=points)
    assert chosen == device
    assert [notice.code for notice in notices] == ([] if code is None else [code])
    for notice in notices:
        assert render(notice.code, notice.params, "en") != render(notice.code, notice.params, "zh")


def test_what_is_offered_is_what_torch_has() -> None:
    """Names for a person to choose from, auto first."""
    offered = devices.available()
    assert offered.names[:2] == ["auto", "cpu"]
    assert len(offered.cuda) == (torch.cuda.device_count() if torch.cuda.is_available() else 0)
    assert bool(offered.without_cuda) == (not offered.cuda)


def test_model_and_points_are_on_one_device() -> None:
    """And a wish that cannot be met still trains."""
    learner = regression.Learner(Settings(device="cuda:9"))
    found = {tensor.device for tensor in (learner.problem.x, learner.problem.y, learner.rows.theta, learner.rows.grads)}
    assert len(found) == 1
    assert learner.problem.notices
