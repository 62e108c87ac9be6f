"""A transpose, a reshape and a row of one storage."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=40,
    page="tensors",
    title=("One storage, four tensors", "一块存储，四个张量"),
    notice=(
        "x, its transpose, its row and its reshape share six cells; only the strides differ. Change a "
        "cell of x: the others show it, and every version rises. The copy stays.",
        "x、它的转置、它的一行、它的重塑共用六个单元，只是步长不同。改 x 的一个单元：其他张量也变，版"
        "本都上升。复制出来的不变。",
    ),
    sketch="x > (t) (row) (view)",
    state={
        "card": "t",
        "panel": "storage",
        "program": """\
import torch
x = torch.arange(0., 6).reshape(2, 3)
t = x.transpose(0, 1)
row = x[1]
flat = x.view(-1)
copy = t.contiguous()
x[1, 0] = 30.0
""",
    },
)
