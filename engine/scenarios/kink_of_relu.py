"""The kink of relu."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="expressions",
    page="expressions",
    order=30,
    title=("The kink of relu", "relu 的折点"),
    notice=(
        "At 0 there is no derivative: the slope jumps from 0 to 1. PyTorch takes 0 there. Move the point onto"
        " the kink and read its slope.",
        "在 0 处没有导数：斜率从 0 跳到 1，PyTorch 在那里取 0。把点移到折点上，读它的斜率。",
    ),
    sketch="[x] > (relu) (abs); (relu) (abs) > (+); (+) > f",
    state={
        "expression": "relu(x) + abs(x - 1)",
        "at": "x=0.5",
    },
)
