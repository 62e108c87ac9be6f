"""Badly scaled x."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="training",
    page="regression",
    order=30,
    title=("Badly scaled x", "尺度不当的 x"),
    notice=(
        "x is a thousand times larger, so the bowl is a million times steeper in w than in b. "
        "Standardise x and the same lr works.",
        "x 大了一千倍，曲面沿 w 方向就陡了一百万倍。把 x 标准化，同样的 lr 就可用。",
    ),
    sketch="x·1000 > (linear); [w] > (linear); (linear) > (MSE)!",
    state={"data": "scaled", "points": 40, "lr": 0.1, "epochs": 200},
)
