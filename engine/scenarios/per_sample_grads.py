"""One gradient per sample, without a loop."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="higher",
    order=30,
    title=("A gradient for every sample", "每个样本一个梯度"),
    notice=(
        "vmap(grad(f)) gives each sample its own gradient in one call; their mean is what an ordinary "
        "backward computes.",
        "vmap(grad(f)) 一次调用就给每个样本各自的梯度；它们的平均就是普通 backward 算出的结果。",
    ),
    sketch="[w] x > (grad); (grad) > (vmap); (vmap) > g1 g2 g3",
    program="""\
import torch
from torch.func import grad, vmap


def loss(w, x, y):
    return (torch.dot(w, x) - y) ** 2


w = torch.tensor([1.0, -1.0])
xs = torch.tensor([[1.0, 2.0], [0.0, 1.0], [3.0, 1.0]])
ys = torch.tensor([0.0, 1.0, 2.0])

each = vmap(grad(loss), in_dims=(None, 0, 0))(w, xs, ys)
print(each)
print(each.mean(0))

v = w.clone().requires_grad_()
((xs @ v - ys) ** 2).mean().backward()
print(v.grad)
""",
)
