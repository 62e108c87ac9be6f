"""Watch a line learn."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="training",
    page="regression",
    order=10,
    title=("Watch a line learn", "看一条直线学习"),
    notice=(
        "The lesson’s run: 500 epochs of SGD on y = 2x + 1. w is right after ten epochs; b needs the "
        "rest, because the bowl is long and narrow.",
        "课程中的训练：在 y = 2x + 1 上做 500 轮 SGD。w 十轮就对了；b 用掉其余的轮数，因为曲面又长又窄。",
    ),
    sketch="x > (linear); [w] [b] > (linear); (linear) > (MSE)",
    state={},
)
