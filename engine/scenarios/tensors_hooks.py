"""A hook that doubles a gradient on its way, and a non-leaf that keeps its own."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=90,
    page="tensors",
    title=("A hook on the way back", "返回路上的钩子"),
    notice=(
        "The hook on y is called with the gradient 6 and puts 12 in its place, so w.grad is 24 and not "
        "12. retain_grad() makes y keep what passed.",
        "y 上的钩子收到梯度 6，换成 12，所以 w.grad 是 24 而不是 12。retain_grad() 让 y 留下经过它的梯度。",
    ),
    sketch="[w] > (*2); (*2) > (hook); (hook) > (**2)",
    state={
        "card": "y",
        "panel": "hooks",
        "program": """\
import torch
w = torch.tensor(1.5, requires_grad=True)
y = w * 2
y.retain_grad()
y.register_hook(lambda grad: grad * 2)
loss = y ** 2
loss.backward()
""",
    },
)
