"""One entry of a softmax."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="expressions",
    page="expressions",
    order=50,
    title=("One entry of a softmax", "softmax 的一个分量"),
    notice=(
        "Raising one score lowers the others: the partial derivatives of a log-softmax add up to 0. The "
        "Jacobian shows them side by side.",
        "抬高一个得分会压低其他的：log-softmax 的各偏导数之和为 0。雅可比矩阵把它们并排展示。",
    ),
    sketch="[z] > (softmax); (softmax) > (log); (log) > f",
    state={
        "expression": "log(softmax(z)[1])",
        "at": "z=[0.5, 1.0, -1.0]",
        "view": "matrices",
    },
)
