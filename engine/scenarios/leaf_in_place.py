"""A leaf is updated in place outside no_grad."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="errors",
    order=30,
    title=("Updating a leaf by hand", "手动更新叶子"),
    notice=(
        "A gradient step is not part of the computation, so PyTorch refuses to record it on a leaf. Write the "
        "last line inside torch.no_grad().",
        "梯度更新不属于计算本身，所以 PyTorch 拒绝把它记录在叶子上。把最后一行放进 torch.no_grad() 里。",
    ),
    sketch="[w]! > (**2); (**2) > loss",
    program="""\
import torch

w = torch.tensor(3.0, requires_grad=True)
loss = w ** 2
loss.backward()
print(w.grad)

w -= 0.1 * w.grad
""",
)
