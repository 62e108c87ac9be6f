"""A saved tensor changed in place between forward and backward."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=50,
    page="tensors",
    title=("In place, one version too late", "就地修改：版本晚了一步"),
    notice=(
        "u = y ** 2 keeps y for backward at version 0. y.add_(1) makes it version 1, and backward() "
        "refuses: the numbers it needs are gone. Take the line back, or apply the fix.",
        "u = y ** 2 为反向保存了版本 0 的 y。y.add_(1) 使它变成版本 1，于是 "
        "backward() 拒绝：它需要的数已不在。撤回那一行，或应用修改。",
    ),
    sketch="[w] > (*2); (*2) > (**2); (**2) > (sum)!",
    state={
        "card": "y",
        "panel": "storage",
        "program": """\
import torch
w = torch.tensor([1., 2.], requires_grad=True)
y = w * 2
u = y ** 2
y.add_(1)
u.sum().backward()
""",
    },
)
