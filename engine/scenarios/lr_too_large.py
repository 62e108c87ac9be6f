"""A learning rate too large."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="training",
    page="regression",
    order=20,
    title=("A learning rate too large", "学习率过大"),
    notice=(
        "lr 0.03 is just above the limit of 0.028 that the curvature gives: every epoch overshoots a little more.",
        "lr 0.03 只比曲率给出的界限 0.028 大一点：每一轮都越过得更多一些。",
    ),
    sketch="[w] > (step); (step) > (too far)!; (too far) > inf",
    state={"lr": 0.03, "epochs": 600},
)
