"""One sentence for each family of formulas: what the node does with the gradient that reaches it."""

ROWS = {
    "formula.sum": (
        "The output moves exactly as much as the input, up to sign: the gradient is passed on unchanged, or negated.",
        "输出随输入等量变化(至多差一个符号):梯度原样传回,或取相反数传回。",
    ),
    "formula.product": (
        "Each factor receives the gradient times the other factors: what multiplied it forward scales it backward.",
        "每个因子得到的梯度等于上游梯度乘以其余因子:前向乘了什么,反向就乘什么。",
    ),
    "formula.chain": (
        "The chain rule, element by element: the gradient that arrives times the function's own derivative.",
        "逐元素的链式法则:上游梯度乘以该函数自身的导数。",
    ),
    "formula.gate": (
        "A gate: the gradient passes where the element took part in the result, and stops where it did not.",
        "像一道闸门:参与了结果的元素放行梯度,没有参与的元素梯度为零。",
    ),
    "formula.flat": (
        "The function is a staircase: flat wherever it has a derivative, so the gradient is zero.",
        "该函数是阶梯状的:凡可导处都是平的,所以梯度为零。",
    ),
    "formula.matrix": (
        "For a matrix product, the gradient is multiplied by the other factor, transposed.",
        "对矩阵乘积,梯度乘以另一个因子的转置。",
    ),
    "formula.algebra": (
        "Each element of the result depends on every element of the matrix, so the gradient comes back through matrix "
        "products with the inverse.",
        "结果的每个元素都依赖矩阵的所有元素，所以梯度要通过与逆矩阵的乘积传回。",
    ),
    "formula.diagonal": (
        "Only the diagonal takes part: the gradient goes to the diagonal, and every other place receives zero.",
        "只有对角线参与运算：梯度回到对角线上，其余位置为零。",
    ),
    "formula.window": (
        "Every output is a weighted sum over a window of the input. Backward slides the same windows: a weight adds up all "
        "the inputs that it met, times the gradient.",
        "每个输出都是输入的一个窗口的加权和。反向时滑动同样的窗口：每个权重把遇到的所有输入乘以梯度后相加。",
    ),
    "formula.normal": (
        "All elements share one mean and one spread, so each receives its own gradient less what it did to those two.",
        "所有元素共享同一个均值和标准差，所以每个元素得到自己的梯度，再减去它对这两者的影响。",
    ),
    "formula.affine": (
        "A product plus a bias: the bias receives the gradient as it is, each factor the gradient times the other, "
        "transposed.",
        "乘积加偏置:偏置原样得到梯度,两个因子各得到梯度乘以另一个因子的转置。",
    ),
    "formula.spread": (
        "Every element that was added up receives the gradient of the sum, scaled as it was scaled.",
        "参与求和的每个元素都得到和的梯度,并按前向的比例缩放。",
    ),
    "formula.gather": (
        "One element was used in many places, so the gradients of all those places are added up.",
        "同一个元素被用在多处,所以各处的梯度相加后传回。",
    ),
    "formula.arrange": (
        "Only the arrangement of the numbers changed, so the gradient is put back in the old arrangement.",
        "只改变了数字的排列,所以把梯度按原来的排列放回去。",
    ),
    "formula.part": (
        "Only a part was used: the gradient goes to the places the elements came from, and the others receive zero.",
        "只用到了一部分:梯度回到元素的来处,其余位置为零。",
    ),
    "formula.softmax": (
        "The outputs share one total, so each input receives its own gradient less its share of all of them.",
        "各输出共享同一个总和,所以每个输入得到自己的梯度减去它在总梯度中所占的份额。",
    ),
    "formula.total": (
        "The gradient of a loss that is not averaged: how far each prediction is off, times the gradient that arrives.",
        "未取平均的损失的梯度：每个预测的偏差，乘以到来的梯度。",
    ),
    "formula.loss": (
        "The gradient of a mean loss: how far each prediction is off, divided by the number of predictions.",
        "平均损失的梯度:每个预测的偏差,除以预测的个数。",
    ),
}
