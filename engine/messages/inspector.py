"""The inspector of the stage: formulas, questions, paths, optimizer steps, broadcasting, the truth badge."""

ROWS: dict[str, tuple[str, str]] = {
    "stage.sheet.up": ("Earlier rows", "前面的行"),
    "stage.sheet.down": ("Later rows", "后面的行"),
    "stage.sheet.left": ("Earlier columns", "前面的列"),
    "stage.sheet.right": ("Later columns", "后面的列"),
    "stage.sheet.rows": ("rows {first} to {last} of {rows}", "第 {first} 至 {last} 行，共 {rows} 行"),
    "stage.node.formula": ("formula", "公式"),
    "stage.node.sends": ("sends back", "传回"),
    "stage.node.numbers": ("with its numbers", "代入数值"),
    "stage.node.to": ("to {name}", "传给 {name}"),
    "stage.node.why": ("why None", "为何是 None"),
    "stage.node.version": ("version", "版本"),
    "stage.node.versions": (
        "{version}: the number of times it was changed in place",
        "{version}：它被原地修改的次数",
    ),
    "stage.node.held": ("{bytes} bytes held", "占用 {bytes} 字节"),
    "stage.node.freed": ("{bytes} bytes, freed by now", "{bytes} 字节，此时已释放"),
    "stage.node.broadcast": ("broadcast", "广播"),
    "stage.broadcast.says": (
        "{inputs} are stretched to {shape}. Point at a cell of the result to see which cells it reads.",
        "{inputs} 被扩展到 {shape}。指向结果的一个格子，可看到它读取哪些格子。",
    ),
    "stage.broadcast.back": (
        "The gradient of the input {shape} is summed over dimension {dims}: what was read {count} times receives {count} "
        "gradients.",
        "输入 {shape} 的梯度沿维度 {dims} 求和：被读取 {count} 次的格子收到 {count} 份梯度。",
    ),
    "stage.broadcast.whole": (
        "The input {shape} is read once, cell for cell.",
        "输入 {shape} 的每个格子只被读取一次。",
    ),
    "stage.broadcast.result": ("result", "结果"),
    "stage.node.updates": ("optimizer", "优化器"),
    "stage.update.says": ("{optimizer}, line {line}", "{optimizer}，第 {line} 行"),
    "stage.ask": ("Ask PyTorch", "问 PyTorch"),
    "stage.ask.jacobian": ("Local Jacobian", "局部雅可比矩阵"),
    "stage.ask.jacobian.help": (
        "Runs the program again and asks this node for every derivative of its output by its inputs.",
        "再次运行程序，向这个节点询问其输出对输入的每个导数。",
    ),
    "stage.ask.kernels": ("Backward kernels", "反向内核"),
    "stage.ask.kernels.help": (
        "Runs the program again and lists the aten operations that the backward of this node runs.",
        "再次运行程序，列出此节点反向时运行的 aten 运算。",
    ),
    "stage.ask.paths": ("Paths of the gradient", "梯度的路径"),
    "stage.ask.paths.help": (
        "Every way from the output to this leaf, and what each added to its gradient.",
        "从输出到这个叶子的每条路径，以及每条路径给梯度加上的部分。",
    ),
    "stage.ask.truth": ("Check against finite differences", "与有限差分核对"),
    "stage.ask.truth.help": (
        "Runs the program again in float64, a little to both sides of each element, and compares.",
        "以 float64 再次运行程序，每个元素向两侧各移动一点，然后比较。",
    ),
    "stage.ask.forward": ("Forward and backward, side by side", "前向模式与反向模式对照"),
    "stage.ask.forward.help": (
        "Runs the program again in forward mode (jvp) and sets it beside what backward (vjp) brought.",
        "以前向模式（jvp）再次运行程序，并与反向（vjp）的结果对照。",
    ),
    "stage.forward.says": (
        "Let every element of {name} grow at rate 1. Forward: how fast each variable then moves. Backward: how fast the "
        "output moves when that variable does.",
        "让 {name} 的每个元素以速率 1 增长。前向：每个变量随之变化的速度。反向：该变量变化时输出变化的速度。",
    ),
    "stage.forward.variable": ("variable", "变量"),
    "stage.forward.forward": ("forward (jvp)", "前向 (jvp)"),
    "stage.forward.backward": ("backward (vjp)", "反向 (vjp)"),
    "stage.forward.product": ("multiplied, summed", "相乘求和"),
    "stage.forward.passed": ("not reached", "未到达"),
    "stage.forward.left": ("{count} later variables are left out.", "略去之后的 {count} 个变量。"),
    "stage.truth.element": ("element", "元素"),
    "stage.truth.grad": (".grad", ".grad"),
    "stage.truth.measured": ("measured", "实测"),
    "stage.ask.waiting": ("Asking …", "正在询问…"),
    "stage.answer.input": (
        "by {name}: a row for each element of the output {outputs}, a column for each of {name} {inputs}",
        "对 {name}：每行对应输出 {outputs} 的一个元素，每列对应 {name} {inputs} 的一个元素",
    ),
    "stage.answer.nothing": ("It runs no aten operation.", "它不运行任何 aten 运算。"),
    "stage.answer.failed": ("There is no answer: {text}", "没有得到回答：{text}"),
    "stage.paths.one": ("pass {pass}: one path", "第 {pass} 次反向：一条路径"),
    "stage.paths.sum": ("pass {pass}: {count} paths, together", "第 {pass} 次反向：{count} 条路径，合计"),
    "stage.paths.light": ("Light this path in the graph", "在图中点亮这条路径"),
    "paths.none": ("No backward pass came to this leaf.", "没有反向传播到达这个叶子。"),
    "paths.mixed": (
        "not known: a Function of the program's own is on the way",
        "未知：途中有程序自定义的 Function",
    ),
    "paths.not_recorded": (
        "not known: a gradient on the way is too large to have been recorded in full",
        "未知：途中的某个梯度过大，没有完整记录",
    ),
    "paths.changed": (
        "A hook changed a gradient on the way: the paths give what the nodes themselves would have sent.",
        "途中有 hook 修改了梯度：下面是各节点本身会传出的部分。",
    ),
    "paths.rest": ("{count} more, together", "另外 {count} 条，合计"),
    "paths.rest.many": ("more than {count} others, together", "另外超过 {count} 条，合计"),
    "paths.failed": (
        "PyTorch could not follow a path: {message}",
        "PyTorch 无法沿路径计算：{message}",
    ),
    "stage.memory": ("Held for backward", "为反向保留"),
    "stage.memory.at": ("{bytes} B held for backward · most {most} B", "为反向保留 {bytes} B · 最多 {most} B"),
}
