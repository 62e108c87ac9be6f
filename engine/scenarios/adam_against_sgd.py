"""Adam against SGD."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="training",
    page="regression",
    order=50,
    title=("Adam against SGD", "Adam 对比 SGD"),
    notice=(
        "Keep this run of Adam, choose SGD, and train again: the paths on the bowl differ long before the losses do.",
        "保留这次 Adam 训练，改选 SGD 再训练：早在损失分开之前，两条路径在曲面上就不同了。",
    ),
    sketch="grad > (m) (v); (m) (v) > (step)",
    state={"optimizer": "adam", "lr": 0.1, "data": "noise", "points": 60},
)
