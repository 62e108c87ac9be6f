"""A conversion after requires_grad makes a new tensor, and the gradient goes to the old one."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="silent",
    order=30,
    title=("Converted too late", "转换得太晚"),
    notice=(
        "double() is an operation: w is now its result, not the leaf, and w.grad stays None. to(device) does "
        "the same. Convert first, then ask for a gradient.",
        "double() 是一次运算：w 现在是它的结果，不再是叶子，w.grad 一直是 None。to(device) 也一样。先转换，再"
        "要求梯度。",
    ),
    sketch="[?] > (double); (double) > w; w > (**2); (**2) > loss",
    program="""\
import torch

w = torch.tensor([1.0, 2.0], requires_grad=True).double()
loss = (w ** 2).sum()
loss.backward()
print(w.is_leaf, w.grad)

v = torch.tensor([1.0, 2.0]).double().requires_grad_()
(v ** 2).sum().backward()
print(v.is_leaf, v.grad)
""",
)
