"""A saddle."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="expressions",
    page="expressions",
    order=80,
    title=("A saddle", "鞍点"),
    notice=(
        "At (0, 0) both partial derivatives are 0 and still it is no minimum: the surface rises along x and "
        "falls along y. The Hessian has one sign of each.",
        "在 (0, 0) 处两个偏导数都是 0，却不是极小值：曲面沿 x 上升、沿 y 下降。海森矩阵的两个符号相反。",
    ),
    sketch="[x] [y] > (**2); (**2) > (-); (-) > f",
    state={
        "expression": "x**2 - y**2",
        "at": "x=0.0; y=0.0",
        "view": "surface",
    },
)
