"""The truth badge: a gradient beside finite differences, or why the two cannot be compared."""

ROWS: dict[str, tuple[str, str]] = {
    "truth.right": (
        "Agrees with finite differences in float64: relative error {error}, {count} of {total} elements checked.",
        "与 float64 的有限差分一致：相对误差 {error}，检查了 {total} 个元素中的 {count} 个。",
    ),
    "truth.wrong": (
        "Differs from finite differences in float64: relative error {error}, {count} of {total} elements checked. A backward "
        "of the program's own may mean it so.",
        "与 float64 的有限差分不一致：相对误差 {error}，检查了 {total} 个元素中的 {count} 个。自定义的 backward 可能有意如此。",
    ),
    "truth.unnamed": (
        "Not checkable: no variable of the program leads to this leaf before it is first used, so it cannot be nudged.",
        "无法核对：在首次使用之前，程序中没有变量指向这个叶子，因此无法移动它的数值。",
    ),
    "truth.other_nodes": (
        "Not checkable: in float64, or a little to one side, this program takes other operations, so its numbers are of "
        "another graph.",
        "无法核对：换成 float64 或稍微移动数值后，程序执行了不同的运算，所得数值属于另一张图。",
    ),
    "truth.kinks": (
        "Not checkable: at this very point the slopes to both sides differ, so there is no single derivative to measure.",
        "无法核对：在这一点上左右两侧的斜率不同，没有唯一的导数可供测量。",
    ),
    "truth.slow": (
        "Not checkable: the program takes too long to be run again for each element.",
        "无法核对：程序运行时间太长，无法为每个元素再次运行。",
    ),
    "truth.not_recorded": (
        "Not checkable: the gradient is too large to have been recorded in full.",
        "无法核对：梯度过大，没有完整记录。",
    ),
    "truth.dtype": (
        "Not checkable: only gradients in float32 and float64 are compared.",
        "无法核对：只比较 float32 和 float64 的梯度。",
    ),
    "forward.agree": (
        "The same number from both ends: forward mode arrives at {forward}, and the grad that backward mode brought adds "
        "up to {backward}.",
        "两端得到同一个数：前向模式到达 {forward}，反向模式带来的梯度相加得 {backward}。",
    ),
    "forward.differ": (
        "Two numbers: forward mode arrives at {forward}, the grad of backward mode adds up to {backward}. detach, no_grad, "
        "hooks and a backward of the program's own act on backward mode only.",
        "两个不同的数：前向模式到达 {forward}，反向模式的梯度相加得 {backward}。detach、no_grad、hook 和自定义的 backward "
        "只影响反向模式。",
    ),
    "forward.failed": ("Forward mode stopped: {message}", "前向模式中止：{message}"),
    "forward.unnamed": (
        "Not to be had: no variable of the program leads to this leaf before it is first used, so it cannot be moved.",
        "无法得到：在首次使用之前，程序中没有变量指向这个叶子，因此无法移动它。",
    ),
    "forward.not_recorded": (
        "Not to be had: the gradient is too large, or not of real finite numbers, to be added up.",
        "无法得到：梯度过大，或含有非有限的实数，无法相加。",
    ),
    "truth.no_grad": (
        "Not checkable: no backward pass has put a gradient into this leaf.",
        "无法核对：还没有反向传播为这个叶子存入梯度。",
    ),
}
