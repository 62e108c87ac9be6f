"""The gradient is itself a graph."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="higher",
    order=10,
    title=("The second derivative", "二阶导数"),
    notice=(
        "create_graph=True records the backward pass too, so the gradient has a grad_fn and can be "
        "differentiated again: x**3, then 3x**2, then 6x.",
        "create_graph=True 连反向过程也记录下来，于是梯度自己也有 grad_fn，可以再求导：先 x**3，再 3x**2，再 6x。",
    ),
    sketch="[x] > (**3); (**3) > (d/dx); (d/dx) > (d/dx²)",
    program="""\
import torch

x = torch.tensor(2.0, requires_grad=True)
y = x ** 3

(first,) = torch.autograd.grad(y, x, create_graph=True)
print(first)  # 3 * x ** 2

(second,) = torch.autograd.grad(first, x)
print(second)  # 6 * x
""",
)
