"""Where log ends."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="expressions",
    page="expressions",
    order=90,
    title=("Where log ends", "log 的尽头"),
    notice=(
        "Left of 0 the logarithm has no value and PyTorch says nan. Slide x there: the page tells which part "
        "of the expression broke first.",
        "0 的左边对数没有值，PyTorch 给出 nan。把 x 拖到那里：页面会指出表达式的哪一部分最先出错。",
    ),
    sketch="[x] > (log); (log) > (*); (*) > f",
    state={
        "expression": "x * log(x)",
        "at": "x=0.4",
        "ranges": "x=-1:3:0.01",
    },
)
