"""The lesson’s w and b, as two cards, and four backward calls through one graph."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=10,
    page="tensors",
    title=("w and b by hand: 1, 2, 3, 4", "亲手搭 w 和 b：1、2、3、4"),
    notice=(
        "Press .backward(retain_graph=True) on z again and again: b.grad reads 1, 2, 3, 4, because every "
        "backward adds to what is there. Undo takes one away.",
        "反复对 z 按 .backward(retain_graph=True)：b.grad 依次为 "
        "1、2、3、4，因为每次 backward 都往上加。撤销会减去一次。",
    ),
    sketch="x [w] > (*); (*) [b] > (+); (+) > z",
    state={
        "card": "z",
        "panel": "ledger",
        "program": """\
import torch
x = torch.tensor([2.])
w = torch.tensor([0.5], requires_grad=True)
b = torch.tensor([1.], requires_grad=True)
y = w * x
z = y + b
z.backward(retain_graph=True)
z.backward(retain_graph=True)
z.backward(retain_graph=True)
z.backward(retain_graph=True)
""",
    },
)
