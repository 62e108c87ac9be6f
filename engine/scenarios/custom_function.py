"""Your own forward and backward."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="graph",
    order=40,
    title=("Your own backward", "自己写 backward"),
    notice=(
        "Straight through: forward rounds, whose true derivative is 0 everywhere; the backward we write "
        "passes the gradient on unchanged, so x can still learn.",
        "直通估计：前向取整，真正的导数处处为 0；我们写的 backward 把梯度原样传下去，所以 x 仍然能学习。",
    ),
    sketch="[x] > (Round); (Round) > (-2); (-2) > (**2)",
    program="""\
import torch


class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.round(x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        print("backward at", x)
        return grad_output


x = torch.tensor([0.4, 1.6], requires_grad=True)
y = Round.apply(x)
loss = ((y - 2) ** 2).sum()
print(y, y.grad_fn)

loss.backward()
print(x.grad)
""",
)
