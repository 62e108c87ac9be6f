"""detach shares the numbers and not the history; clone shares the history and not the numbers."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=80,
    page="tensors",
    title=("detach or clone", "detach 还是 clone"),
    notice=(
        "d = y.detach() has the cells of y and no history; c = y.clone() has cells of its own and a "
        "history. So the gradient reaches w through c alone.",
        "d = y.detach() 与 y 共用单元但没有历史；c = y.clone() 有自己的单元也有历史。所以梯度只经由 c 到达 w。",
    ),
    sketch="[w] > (*3); (*3) > (clone); (*3) >| (detach)",
    state={
        "card": "d",
        "panel": "storage",
        "program": """\
import torch
w = torch.tensor([1., 2.], requires_grad=True)
y = w * 3
d = y.detach()
c = y.clone()
loss = (c * d).sum()
loss.backward()
""",
    },
)
