"""Two variables, two paths."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="expressions",
    page="expressions",
    order=10,
    title=("Two variables, two paths", "两个变量，两条路径"),
    notice=(
        "Slide x and watch its partial derivative: x reaches the result through the sine and through the "
        "square. Open the chain rule to see both paths add up.",
        "拖动 x 的滑块，看它的偏导数：x 通过正弦和平方两条路影响结果。打开链式法则，看两条路相加。",
    ),
    sketch="[x] [y] > (*); (*) > (sin); (sin) > (+); (+) > f",
    state={
        "expression": "sin(x*y) + x**2",
        "at": "x=1.5; y=2.0",
        "axis": "x",
        "across": "y",
    },
)
