"""Down a narrow valley."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="expressions",
    page="expressions",
    order=70,
    title=("Down a narrow valley", "沿狭谷下降"),
    notice=(
        "Steepest descent runs across the valley, not along it. Raise lr past 0.2 and it jumps from wall to "
        "wall, higher each time.",
        "最速下降横穿山谷而不是沿着它走。把学习率调到 0.2 以上，它就在两壁之间越跳越高。",
    ),
    sketch="[x] [y] > (**2); (**2) > (+); (+) > f",
    state={
        "expression": "x**2/2 + 5*y**2",
        "at": "x=-2.5; y=1.2",
        "view": "contour",
        "descend": True,
        "lr": 0.17,
        "steps": 30,
    },
)
