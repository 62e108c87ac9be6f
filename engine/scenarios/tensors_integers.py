"""Integers cannot require a gradient."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=60,
    page="tensors",
    title=("Integers have no slope", "整数没有斜率"),
    notice=(
        "PyTorch refuses requires_grad=True on integers. A gradient asks what a small change would do, "
        "and integers have no small change. The fix makes them floats.",
        "PyTorch 拒绝给整数设 requires_grad=True。梯度问的是微小变化的影响，而整数没有微小变化。修改方法是用浮点数。",
    ),
    sketch="[n]! > (*)",
    state={
        "card": "x",
        "panel": "storage",
        "program": """\
import torch
x = torch.tensor([1., 2., 3.])
n = torch.tensor([1, 2, 3], dtype=torch.int64, requires_grad=True)
""",
    },
)
