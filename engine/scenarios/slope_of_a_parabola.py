"""The slope of a parabola."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="expressions",
    page="expressions",
    order=20,
    title=("The slope of a parabola", "抛物线的斜率"),
    notice=(
        "The orange curve is the slope of the blue one at every place. At x = 1.5 the tangent rises by 3 for "
        "each step of 1; at 0 it lies flat.",
        "橙色曲线是蓝色曲线在每一处的斜率。在 x = 1.5 处，切线每前进 1 就上升 3；在 0 处它是水平的。",
    ),
    sketch="[x] > (**2); (**2) > f",
    state={
        "expression": "x^2",
        "at": "x=1.5",
        "second": True,
    },
)
