"""Which tensors keep a gradient."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="basics",
    order=40,
    title=("Leaf and non-leaf", "叶子与非叶子"),
    notice=(
        "Only leaves keep .grad. h is made by an operation, so its .grad stays None; k asked for it with "
        "retain_grad. Scaling w made it a non-leaf: the classic way to lose a gradient.",
        "只有叶子会保留 .grad。h 由运算产生，它的 .grad 一直是 None；k 用 retain_grad 要求保留。给 w 乘以 0.1 "
        "之后它就不再是叶子：这是丢失梯度的经典写法。",
    ),
    sketch="[v] > (*0.1); (*0.1) > w; w > (*2); (*2) > (sum)",
    program="""\
import torch

v = torch.tensor([1.0, 2.0], requires_grad=True)
w = v * 0.1
h = w * 2
k = h + 1
k.retain_grad()
k.sum().backward()

print(v.is_leaf, w.is_leaf, h.is_leaf)
print(v.grad)
print(w.grad)
print(h.grad)
print(k.grad)
""",
)
