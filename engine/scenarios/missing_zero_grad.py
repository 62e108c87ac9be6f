"""A training loop that forgets to clear the gradients."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="silent",
    order=40,
    title=("Without zero_grad", "忘了 zero_grad"),
    notice=(
        "Every step also takes all earlier gradients again, so w runs past 2, swings back and never settles. "
        "Nothing raises. Add optimizer.zero_grad() to the loop.",
        "每一步都把之前所有的梯度又用了一遍，于是 w 越过 2、再荡回来，停不下来。没有任何报错。在循环里加上 opt"
        "imizer.zero_grad()。",
    ),
    sketch="x [w] > (*); (*) y > (MSE)",
    program="""\
import torch

x = torch.tensor([1.0, 2.0, 3.0])
y = 2 * x
w = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.02)

for step in range(12):
    loss = ((w * x - y) ** 2).mean()
    loss.backward()
    optimizer.step()
    print(step, round(w.item(), 3), round(w.grad.item(), 3))
""",
)
