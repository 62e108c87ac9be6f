"""The second backward through a freed graph."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="errors",
    order=10,
    title=("Backward a second time", "第二次 backward"),
    notice=(
        "The first backward frees what the graph had saved, so the second has nothing to compute with. Keep "
        "it with retain_graph=True, or compute y again.",
        "第一次 backward 释放了计算图保存的东西，第二次就没有可用的数值了。用 retain_graph=True 保留，或者重新计算 y。",
    ),
    sketch="[x] > (**2); (**2) > (sin)!; (sin)! > y",
    program="""\
import torch

x = torch.tensor(2.0, requires_grad=True)
y = torch.sin(x ** 2)

y.backward()
print(x.grad)

y.backward()
""",
)
