"""Three ways to cut the graph."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="basics",
    order=50,
    title=("Where the gradient stops", "梯度在哪里停下"),
    notice=(
        "The value flows on, the gradient does not: detach, no_grad and item() each cut the graph, drawn as a "
        "cut with its line. Only the factor that stayed connected reaches x.",
        "数值继续往前流，梯度却停下了：detach、no_grad 和 item() 都会切断计算图，图上画成断口并标出行号。只有"
        "仍然相连的那个因子能到达 x。",
    ),
    sketch="[x] > (**2); (**2) >| detach; [x] detach > (*); (*) > y",
    program="""\
import torch

x = torch.tensor(3.0, requires_grad=True)

frozen = (x ** 2).detach()
with torch.no_grad():
    scale = x * 10
number = x.item()

y = x * frozen + scale + number
y.backward()

print(frozen.requires_grad, scale.requires_grad)
print(x.grad, frozen)
""",
)
