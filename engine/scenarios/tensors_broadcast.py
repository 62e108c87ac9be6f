"""A bias row added to every row, and the sum on the way back."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=30,
    page="tensors",
    title=("Broadcasting, there and back", "广播：去与回"),
    notice=(
        "b has 3 numbers and feeds all 6 cells of y. On the way back the gradients of both rows add up in"
        " it. Point at a cell under “What feeds what”.",
        "b 有 3 个数，却喂给 y 的全部 6 个单元。返回时，两行的梯度在 b 里相加。在“谁喂给谁”里指向一个单元看看。",
    ),
    sketch="x [b] > (+); (+) > (×); (×) > (sum)",
    state={
        "card": "y",
        "panel": "cells",
        "program": """\
import torch
x = torch.tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)
b = torch.tensor([10., 20., 30.], requires_grad=True)
y = x + b
k = torch.tensor([[1.], [2.]])
u = y * k
loss = u.sum()
loss.backward()
""",
    },
)
