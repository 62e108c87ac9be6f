"""Two ways to clear a gradient."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=20,
    page="tensors",
    title=("Clear it: None or zero", "清零：None 还是 0"),
    notice=(
        "w.grad = None forgets the gradient; u.grad.zero_() keeps the tensor and fills it with 0. The "
        "next backward() starts from nothing or from 0: the numbers agree.",
        "w.grad = None 丢掉梯度；u.grad.zero_() 保留张量并填 0。下一次 backward() 从无或从 0 开始，结果相同。",
    ),
    sketch="[w] [u] > (*); (*) > (sum)",
    state={
        "card": "u",
        "panel": "ledger",
        "program": """\
import torch
w = torch.tensor([1., 2.], requires_grad=True)
u = torch.tensor([3., 4.], requires_grad=True)
y = (w * u).sum()
y.backward()
w.grad = None
u.grad.zero_()
y = (w * u).sum()
y.backward()
""",
    },
)
