"""What .grad holds after several backward calls, and three ways to clear it."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="basics",
    order=30,
    title=("Gradients accumulate", "梯度会累加"),
    notice=(
        ".grad is an account: every backward deposits 3 more. Zero is a number, None means nobody has "
        "deposited yet; set_to_none is what optimizers do today.",
        ".grad 像一个账户：每次 backward 再存入 3。0 是一个数，None 表示还没有人存过；今天的优化器默认清成 None。",
    ),
    sketch="[w] > (1st) (2nd) (3rd); (1st) (2nd) (3rd) > .grad",
    program="""\
import torch

w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
print(w.grad)

for _ in range(3):
    (w * 3).backward()
    print(w.grad)

w.grad.zero_()
print(w.grad)

(w * 3).backward()
optimizer.zero_grad(set_to_none=False)
print(w.grad)

optimizer.zero_grad()
print(w.grad)
""",
)
