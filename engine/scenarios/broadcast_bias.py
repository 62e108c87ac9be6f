"""A bias is added to every row, and its gradient is summed back."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="graph",
    order=10,
    title=("Broadcasting a bias", "广播偏置"),
    notice=(
        "b has shape (3,) and is added to four rows. On the way back the four gradients of each column are "
        "summed, so b.grad has the shape of b again.",
        "b 的形状是 (3,)，被加到四行上。回传时每一列的四个梯度相加，于是 b.grad 又是 b 的形状。",
    ),
    sketch="x [w] > (@); (@) [b] > (+); (+) > (sum)",
    program="""\
import torch

x = torch.arange(8.0).reshape(4, 2)
w = torch.tensor([[1.0, 0.0, -1.0], [0.5, 2.0, 1.0]], requires_grad=True)
b = torch.zeros(3, requires_grad=True)

z = x @ w + b
z.sum().backward()

print(z.shape, b.shape)
print(w.grad)
print(b.grad)
""",
)
