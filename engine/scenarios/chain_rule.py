"""d(loss)/dw through three operations."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="basics",
    order=10,
    title=("The chain rule", "链式法则"),
    notice=(
        "Gradients are multiplied on their way back: w.grad is 2·z times x. Step through the backward pass "
        "and watch each factor arrive.",
        "梯度在回传途中逐个相乘：w.grad 等于 2·z 乘以 x。单步查看反向传播，看每个因子如何到来。",
    ),
    sketch="x=3 [w]=2~30 > (*)=6~10; (*) [b]=-1~10 > (+)=5~10; (+) > (**2); (**2) > loss=25~1",
    program="""\
import torch

x = torch.tensor(3.0)
w = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(-1.0, requires_grad=True)

z = w * x + b
loss = z ** 2
loss.backward()

print(w.grad)  # 2 * z * x
print(b.grad)  # 2 * z
""",
)
