"""A tensor that backward needs is changed in place."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="errors",
    order=20,
    title=("Changed in place", "被原地修改"),
    notice=(
        "exp saved its result for backward, then a line added 1 to that very tensor. Its version counter "
        "gives it away: expected version 0, found 1.",
        "exp 为反向传播保存了结果，随后有一行把那个张量原地加了 1。版本计数器揭穿了它：期望版本 0，实际是 1。",
    ),
    sketch="[x] > (exp)!; (exp)! > (+=1); (+=1) > (sum)",
    program="""\
import torch

x = torch.tensor([0.0, 1.0], requires_grad=True)
y = torch.exp(x)
print(y._version)

y += 1
print(y._version)

y.sum().backward()
""",
)
