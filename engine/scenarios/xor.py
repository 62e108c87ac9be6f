"""A small network learns what no single layer can."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="modules",
    order=10,
    title=("A small network learns XOR", "小网络学会异或"),
    notice=(
        "One layer cannot separate XOR; two can. Open the modules to see which weights get gradient, and "
        "watch the loss leave its plateau.",
        "一层分不开异或，两层可以。展开各个模块，看哪些权重得到梯度，看损失如何离开平台。",
    ),
    sketch="x [W₁] > (@₁); (@₁) > (tanh); (tanh) [W₂] > (@₂); (@₂) y > (BCE)",
    program="""\
import torch
from torch import nn

x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])

model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

for epoch in range(300):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    if epoch % 50 == 0:
        print(epoch, round(loss.item(), 4))

with torch.no_grad():
    print(torch.sigmoid(model(x)).round().flatten())
""",
)
