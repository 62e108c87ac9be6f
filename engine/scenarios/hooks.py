"""Functions that fire while the gradient passes."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="graph",
    order=30,
    title=("Hooks: watch and change", "钩子：观察与改写"),
    notice=(
        "A hook on h sees the gradient as it passes and may replace it: here it is clipped to 1, and "
        "everything behind it feels that.",
        "h 上的钩子能看到经过的梯度，还可以替换它：这里把它裁剪到 1，于是后面的一切都受影响。",
    ),
    sketch="[x] > (**2); (**2) > h; h > (*5); (*5) > (sum)",
    program="""\
import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
h = x ** 2


def clip(grad):
    print("passing:", grad)
    return grad.clamp(max=1.0)


h.register_hook(clip)
x.register_post_accumulate_grad_hook(lambda leaf: print("arrived:", leaf.grad))
y = (h * 5).sum()
y.backward()

print(x.grad)
""",
)
