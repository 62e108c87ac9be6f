"""One tensor used on two paths."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="basics",
    order=20,
    title=("Two paths to one leaf", "通向同一叶子的两条路"),
    notice=(
        "a is used twice, so its gradient is a sum: 3 by the upper path and 2·a by the lower one. The two "
        "arrows meet before they go on to x.",
        "a 被用了两次，所以它的梯度是两条路之和：上路给 3，下路给 2·a。两支箭头汇合之后才继续流向 x。",
    ),
    sketch="[x] > (exp); (exp) > (*3) (**2); (*3) (**2) > (+); (+) > y",
    program="""\
import torch

x = torch.tensor(0.0, requires_grad=True)

a = torch.exp(x)
upper = a * 3
lower = a ** 2
y = upper + lower
y.backward()

print(x.grad)  # (3 + 2 * a) * a
""",
)
