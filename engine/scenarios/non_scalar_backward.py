"""backward on a vector needs to be told what to weigh its elements with."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="basics",
    order=60,
    title=("Backward from a vector", "从向量出发的 backward"),
    notice=(
        "backward on a vector asks for a weight per element: gradient=v computes v·J. With ones it is the "
        "same as sum(); with one-hot weights it picks a row of the Jacobian.",
        "对向量调用 backward 需要给每个元素一个权重：gradient=v 计算的是 v·J。全为 1 时等同于 sum()；独热权重"
        "则取出雅可比矩阵的一行。",
    ),
    sketch="[x] > (**2); (**2) > y1 y2 y3",
    program="""\
import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x ** 2

y.backward(gradient=torch.ones(3), retain_graph=True)
print(x.grad)

x.grad = None
y.backward(gradient=torch.tensor([0.0, 1.0, 0.0]), retain_graph=True)
print(x.grad)

x.grad = None
y.backward()
""",
)
