"""Which devices there are, which one a run gets, and why not the one it wished for. Runs where torch lives."""

from __future__ import annotations

import torch

from engine.regression_state import Available, Notice


def available() -> Available:
    """Ask PyTorch. Initialises no CUDA context beyond what the question needs."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return Available(
        cuda=[torch.cuda.get_device_name(index) for index in range(count)],
        mps=torch.backends.mps.is_available(),
        without_cuda="" if count else ("device.no_build" if torch.version.cuda is None else "device.no_cuda"),
    )


def choose(wish: str, dtype: str, offered: Available, *, points: int = 0) -> tuple[str, list[Notice]]:
    """The device for that wish, and what to say of it.

    "auto" takes the first CUDA device, else mps where it knows the dtype, else the CPU; and the CPU for fewer than
    `SMALL` points, which a GPU would only slow down. A wish that cannot be met falls back to the CPU, with the reason.
    """
    if wish == "auto":
        if points >= SMALL and offered.cuda:
            return "cuda:0", []
        if points >= SMALL and offered.mps and dtype != "float64":
            return "mps", []
        return "cpu", [Notice("device.small")] if offered.cuda or offered.mps else []
    if wish.startswith("cuda"):
        index = int(wish.partition(":")[2] or 0)
        if index < len(offered.cuda):
            return f"cuda:{index}", []
        if offered.cuda:
            return "cpu", [Notice("device.no_index", {"wish": wish, "count": len(offered.cuda)})]
        return "cpu", [Notice(offered.without_cuda or "device.no_cuda", {"wish": wish})]
    if wish == "mps":
        if not offered.mps:
            return "cpu", [Notice("device.no_mps")]
        if dtype == "float64":
            return "cpu", [Notice("device.mps_float64")]
        return "mps", []
    return "cpu", []


SMALL = 20_000
"""Points below which "auto" stays on the CPU: a step of so few costs less there than one launch on a GPU."""
