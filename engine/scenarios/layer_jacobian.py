"""The Jacobian of a layer."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="expressions",
    page="expressions",
    order=60,
    title=("The Jacobian of a layer", "一层的雅可比矩阵"),
    notice=(
        "Three numbers in, two out, and W too: each row of the Jacobian costs one reverse pass, each column "
        "one forward pass. Compare the two costs.",
        "三个数进，两个数出，还有 W：雅可比矩阵的每一行要一次反向传播，每一列要一次前向传播。比较两者的代价。",
    ),
    sketch="[W] [x] > (@); (@) > (tanh); (tanh) > f",
    state={
        "expression": "tanh(W @ x)",
        "at": "W=[[0.5, -1.0, 0.8], [1.2, 0.3, -0.5]]; x=[1.0, 0.5, -0.8]",
        "view": "matrices",
    },
)
