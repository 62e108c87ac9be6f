"""backward on something that no graph leads to."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="errors",
    order=40,
    title=("Nothing requires grad", "没有张量需要梯度"),
    notice=(
        "No tensor here asked for a gradient, so nothing was recorded and there is no way back. Give w "
        "requires_grad=True.",
        "这里没有张量要求梯度，于是什么都没有记录，也就没有回去的路。给 w 加上 requires_grad=True。",
    ),
    sketch="x w > (*)!; (*)! > loss",
    program="""\
import torch

x = torch.tensor([1.0, 2.0])
w = torch.tensor([3.0, 4.0])
loss = (w * x).sum()
print(loss, loss.requires_grad, loss.grad_fn)

loss.backward()
""",
)
