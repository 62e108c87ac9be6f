"""Too small a nudge."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="expressions",
    page="expressions",
    order=100,
    title=("Too small a nudge", "太小的推动"),
    notice=(
        "The nudge test compares grad·h with the true change. A smaller h agrees better, until float32 runs "
        "out of digits: try h = 1e-6, then float64.",
        "推动检验比较 grad·h 与真实变化。h 越小越吻合，直到 float32 的位数用尽：试试 h = 1e-6，再换 float64。",
    ),
    sketch="[x] > (sin); (sin) > (exp); (exp) > f",
    state={
        "expression": "exp(sin(3*x))",
        "at": "x=0.7",
        "nudge": 0.001,
    },
)
