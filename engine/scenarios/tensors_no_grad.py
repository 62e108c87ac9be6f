"""One step of gradient descent by hand, under no_grad."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=110,
    page="tensors",
    title=("One step of descent by hand", "亲手走一步梯度下降"),
    notice=(
        "Under no_grad the update of w is not recorded: w stays a leaf, and its version rises to 1. Then "
        "the gradient is cleared and the loss is lower: 1.44 after 4.",
        "在 no_grad 下更新 w 不被记录：w 仍是叶子，版本升到 1。然后清空梯度，损失变小：从 4 到 1.44。",
    ),
    sketch="[w] > (-3); (-3) > (**2); (**2) > loss",
    state={
        "card": "w",
        "panel": "ledger",
        "program": """\
import torch
w = torch.tensor([1.], requires_grad=True)
loss = ((w - 3) ** 2).sum()
loss.backward()
with torch.no_grad():
    w -= 0.2 * w.grad
w.grad = None
loss = ((w - 3) ** 2).sum()
""",
    },
)
