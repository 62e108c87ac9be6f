"""Where the parameters of a module live, and which of them learn."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="modules",
    order=20,
    title=("Freeze a part of a network", "冻结网络的一部分"),
    notice=(
        "The body is frozen: its parameters get no gradient and the optimizer leaves them alone, while the "
        "head still learns. Open the modules to see both.",
        "主体被冻结：它的参数得不到梯度，优化器也不动它们，而头部仍在学习。展开模块可以看到两者。",
    ),
    sketch="x W₁ > (body); (body) [W₂] > (head); (head) > (sum)",
    program="""\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(2, 3)
        self.head = nn.Linear(3, 1)

    def forward(self, x):
        return self.head(torch.relu(self.body(x)))


net = Net()
for parameter in net.body.parameters():
    parameter.requires_grad = False

optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
net(torch.ones(4, 2)).sum().backward()
optimizer.step()

for name, parameter in net.named_parameters():
    print(name, parameter.requires_grad, parameter.grad)
""",
)
