"""A column of predictions against a row of targets."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="silent",
    order=20,
    title=("(n, 1) against (n,)", "(n, 1) 对 (n,)"),
    notice=(
        "Four predictions and four targets, yet sixteen differences: a column against a row broadcasts to a "
        "square. The loss of a perfect prediction is not zero.",
        "四个预测、四个目标，却得到十六个差：列与行相减会广播成方阵。完全正确的预测，损失却不为 0。",
    ),
    sketch="[w] x > (4×1); (4×1) (4) > (4×4); (4×4) > (mean)",
    program="""\
import torch

x = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
target = torch.tensor([2.0, 4.0, 6.0, 8.0])
w = torch.tensor(2.0, requires_grad=True)

predicted = x * w
difference = predicted - target
loss = (difference ** 2).mean()
print(predicted.shape, target.shape, difference.shape)
print(loss)

right = ((predicted.squeeze(1) - target) ** 2).mean()
print(right)

loss.backward()
print(w.grad)
""",
)
