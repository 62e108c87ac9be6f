"""The Expressions page: what is wrong with a text, what became infinite or undefined and where, names of its parts."""

ROWS: dict[str, tuple[str, str]] = {
    # What is wrong with the typed text.
    "expressions.wrong.empty": (
        "Type an expression, such as sin(x*y) + x^2.",
        "请输入一个表达式，例如 sin(x*y) + x^2。",
    ),
    "expressions.wrong.long": ("An expression may have {limit} characters.", "表达式最多 {limit} 个字符。"),
    "expressions.wrong.open": ("This {sign} is not closed yet.", "这个 {sign} 还没有闭合。"),
    "expressions.wrong.closed": ("This {sign} closes nothing.", "这个 {sign} 没有对应的左括号。"),
    "expressions.wrong.unfinished": ("Something is still missing here.", "这里还缺少内容。"),
    "expressions.wrong.syntax": (
        "{part} cannot stand here. Is an operator missing before it?",
        "{part} 不能放在这里。前面是否缺少运算符？",
    ),
    "expressions.wrong.part": (
        "{part} is not part of an expression: use numbers, variables, + - * / ^ @ and functions.",
        "{part} 不能出现在表达式中：请使用数、变量、+ - * / ^ @ 和函数。",
    ),
    "expressions.wrong.function": (
        "There is no function {name} here. In PyTorch's spelling, torch.{name} is tried as it stands.",
        "这里没有函数 {name}。写成 torch.{name} 则按 PyTorch 原样尝试。",
    ),
    "expressions.wrong.close": (
        "There is no function {name}. Did you mean {close}?",
        "没有函数 {name}。是否想写 {close}？",
    ),
    "expressions.wrong.argument": (
        "{name} needs something to work on: {name}(x).",
        "{name} 需要作用的对象：{name}(x)。",
    ),
    "expressions.wrong.times": (
        "{name} is a variable, so it cannot be called. To multiply, write {name} * (…).",
        "{name} 是变量，不能调用。要表示相乘，请写 {name} * (…)。",
    ),
    "expressions.wrong.name": (
        "{name} is taken. Choose another name for the variable.",
        "{name} 已被占用，请换一个变量名。",
    ),
    "expressions.wrong.module": ("{name} is a module: write {name}.sin(x).", "{name} 是模块：请写 {name}.sin(x)。"),
    "expressions.wrong.attribute": (
        "{name} is not read here; .T transposes a matrix.",
        "这里不读取 {name}；.T 表示矩阵转置。",
    ),
    "expressions.wrong.index": (
        "An index is a whole number or a slice such as 0:2.",
        "下标应为整数或 0:2 这样的切片。",
    ),
    "expressions.wrong.comma": (
        "A comma separates what a function works on. For a vector write [x, y]; a decimal point is a point.",
        "逗号用来分隔函数的参数。向量请写成 [x, y]；小数点请用句点。",
    ),
    "expressions.wrong.zero": (
        "A number divided by 0 has no value. With a variable in it, PyTorch gives inf or nan, and this page says where.",
        "数除以 0 没有值。若其中含有变量，PyTorch 会给出 inf 或 nan，本页会指出位置。",
    ),
    "expressions.wrong.deep": ("This is nested too deeply.", "嵌套太深。"),
    "expressions.wrong.variables": ("At most {limit} variables have room here.", "这里最多容纳 {limit} 个变量。"),
    "expressions.wrong.constant": (
        "This has no variable, so there is nothing to differentiate. Use a letter, such as x.",
        "这里没有变量，无从求导。请使用字母，例如 x。",
    ),
    # What is wrong with typed numbers.
    "expressions.values.syntax": (
        "{text} is no number, and no vector such as [1, 2] or matrix such as [[1, 2], [3, 4]].",
        "{text} 既不是数，也不是 [1, 2] 这样的向量或 [[1, 2], [3, 4]] 这样的矩阵。",
    ),
    "expressions.values.ragged": ("The rows of a matrix have equal lengths.", "矩阵各行的长度必须相等。"),
    "expressions.values.dimensions": ("A number, a vector or a matrix has room here.", "这里只能放数、向量或矩阵。"),
    "expressions.values.many": (
        "{count} elements are too many: {limit} have room.",
        "{count} 个元素太多：最多 {limit} 个。",
    ),
    "expressions.values.finite": ("Only finite numbers below 1e30 have room here.", "这里只接受小于 1e30 的有限数。"),
    "expressions.range": (
        "{name} is no range: low must lie below high, and the step between them.",
        "{name} 不是有效范围：下限须小于上限，步长须在二者之间。",
    ),
    # What happened in the run.
    "expressions.failed": ("PyTorch refused this:", "PyTorch 拒绝了它："),
    "expressions.failed.cut": (
        "No gradient flows through this: comparisons, rounding to integers and argmax cut the graph. PyTorch says:",
        "没有梯度流过它：比较、取整为整数和 argmax 会切断计算图。PyTorch 说：",
    ),
    "expressions.refused.curve": (
        "No curve: PyTorch cannot sample this at many places at once:",
        "没有曲线：PyTorch 无法同时在许多点上计算它：",
    ),
    "expressions.refused.second": ("No second derivative:", "没有二阶导数："),
    "expressions.refused.nudge": ("No nudge test:", "没有推动检验："),
    "expressions.refused.field": (
        "No field: PyTorch cannot sample this at many places at once:",
        "没有梯度场：PyTorch 无法同时在许多点上计算它：",
    ),
    "expressions.refused.descent": ("No descent:", "没有下降路径："),
    "expressions.refused.matrices": ("No Jacobian:", "没有雅可比矩阵："),
    "expressions.refused.hessian": ("No Hessian:", "没有海森矩阵："),
    "expressions.nonfinite.domain": (
        "{part} is the first to fail: {name} has no real value at {given}, so PyTorch gives {result}.",
        "{part} 最先出错：{name} 在 {given} 处没有实数值，PyTorch 给出 {result}。",
    ),
    "expressions.nonfinite.zero": (
        "{part} is the first to fail: at {given} the logarithm goes to minus infinity, so PyTorch gives {result}.",
        "{part} 最先出错：在 {given} 处对数趋于负无穷，PyTorch 给出 {result}。",
    ),
    "expressions.nonfinite.division": (
        "{part} is the first to fail: it divides by zero, so PyTorch gives {result}.",
        "{part} 最先出错：它除以零，PyTorch 给出 {result}。",
    ),
    "expressions.nonfinite.power": (
        "{part} is the first to fail: a negative number has no real power of that kind, or zero is divided by; PyTorch gives {result}.",
        "{part} 最先出错：负数没有这样的实数幂，或者除以了零；PyTorch 给出 {result}。",
    ),
    "expressions.nonfinite.overflow": (
        "{part} is the first to fail: its value is too large for the dtype, so PyTorch gives {result}.",
        "{part} 最先出错：它的值超出了 dtype 的范围，PyTorch 给出 {result}。",
    ),
    "expressions.nonfinite.other": (
        "{part} is the first to fail: with these numbers it has no value, so PyTorch gives {result}.",
        "{part} 最先出错：代入这些数后它没有值，PyTorch 给出 {result}。",
    ),
    "expressions.nonfinite.gradient": (
        "The value is finite, the gradient is not: the derivative of {part} has no finite value here ({name}).",
        "值是有限的，梯度不是：{part} 的导数在这里没有有限值（{name}）。",
    ),
    # Names of parts, on the page and in its component.
    "expressions.label": ("An expression, its value and its derivatives", "表达式、它的值与导数"),
    "expressions.input": ("Expression", "表达式"),
    "expressions.input.help": (
        "Spell it as in mathematics, sin(x*y) + x^2, or as in PyTorch, torch.sin(x * y) + x ** 2.",
        "可按数学写法 sin(x*y) + x^2，也可按 PyTorch 写法 torch.sin(x * y) + x ** 2。",
    ),
    "expressions.open": ("Open as a program", "作为程序打开"),
    "expressions.open.help": (
        "The same computation as a PyTorch program, on the Program page.",
        "在程序页打开同一计算的 PyTorch 程序。",
    ),
    "expressions.scenario": ("Example", "示例"),
    "expressions.scenario.help": (
        "Begin from an example; what you typed is replaced.",
        "从示例开始；已输入的内容会被替换。",
    ),
    "expressions.own": ("Your own expression", "你自己的表达式"),
    "expressions.own.says": (
        "Slide a variable, drag the point on the picture, or type numbers, vectors and matrices into the fields.",
        "拖动滑块或图上的点，也可以在输入框里写数、向量或矩阵。",
    ),
    "expressions.variables": ("Variables", "变量"),
    "expressions.number": (
        "Value of {name}: a number, or a vector or matrix in brackets",
        "{name} 的值：一个数，或方括号中的向量、矩阵",
    ),
    "expressions.slider": ("Slide {name}", "拖动 {name}"),
    "expressions.range.of": ("Range of {name}: low, high, step", "{name} 的范围：下限、上限、步长"),
    "expressions.value": ("Value", "值"),
    "expressions.partials": ("Partial derivatives", "偏导数"),
    "expressions.summed": (
        "The result is no scalar: the gradients are those of the sum of its elements.",
        "结果不是标量：梯度是各元素之和的梯度。",
    ),
    "expressions.none": ("no gradient", "没有梯度"),
    "expressions.view.curve": ("Curve", "曲线"),
    "expressions.view.contour": ("Contour", "等高线"),
    "expressions.view.surface": ("Surface", "曲面"),
    "expressions.view.matrices": ("Jacobian", "雅可比矩阵"),
    "expressions.chain": ("Chain rule", "链式法则"),
    "expressions.along": ("along", "沿"),
    "expressions.across": ("and", "与"),
    "expressions.second": ("second derivative", "二阶导数"),
    "expressions.curve.value": ("f", "f"),
    "expressions.curve.slope": ("∂f/∂{name} by autograd", "∂f/∂{name}（自动求导）"),
    "expressions.curve.second": ("∂²f/∂{name}²", "∂²f/∂{name}²"),
    "expressions.curve.tangent": ("tangent, slope {slope}", "切线，斜率 {slope}"),
    "expressions.curve.label": (
        "f and its derivative along {name} from {low} to {high}. At {name} = {at}: f = {value}, slope {slope}. {marks}",
        "沿 {name} 从 {low} 到 {high} 的 f 与导数。在 {name} = {at}：f = {value}，斜率 {slope}。{marks}",
    ),
    "expressions.sampled": ("nearest sample; the exact numbers are on their way", "最近的采样值；精确数值正在计算"),
    "expressions.exact": ("exact, by PyTorch", "PyTorch 的精确值"),
    "expressions.mark.kink": (
        "kink at {name} ≈ {at}: slope {before} → {after}",
        "{name} ≈ {at} 处有折点：斜率 {before} → {after}",
    ),
    "expressions.mark.jump": ("jump at {name} ≈ {at}: {before} → {after}", "{name} ≈ {at} 处跳跃：{before} → {after}"),
    "expressions.mark.pole": ("pole at {name} ≈ {at}", "{name} ≈ {at} 处有极点"),
    "expressions.mark.undefined": ("no value from {start} to {end} (nan)", "{start} 到 {end} 没有值（nan）"),
    "expressions.mark.infinite": ("infinite from {start} to {end}", "{start} 到 {end} 为无穷"),
    "expressions.mark.steep": ("no finite derivative from {start} to {end}", "{start} 到 {end} 没有有限导数"),
    "expressions.mark.undefined.point": ("no value at {start} (nan)", "{start} 处没有值（nan）"),
    "expressions.mark.infinite.point": ("infinite at {start}", "{start} 处为无穷"),
    "expressions.mark.steep.point": ("no finite derivative at {start}", "{start} 处没有有限导数"),
    "expressions.kink": (
        "The point lies on a kink: the slope is ≈ {before} before it and ≈ {after} after it. PyTorch takes {slope}.",
        "该点在折点上：之前斜率约为 {before}，之后约为 {after}。PyTorch 取 {slope}。",
    ),
    "expressions.program": ("Program", "程序"),
    "expressions.curve.sum": ("sum of f", "f 各元素之和"),
    "expressions.nudge": ("Nudge test", "推动检验"),
    "expressions.nudge.help": (
        "Move {name} by h. The gradient foretells grad · h; f itself tells what is true.",
        "把 {name} 移动 h。梯度预言变化为 grad · h，f 本身给出真实变化。",
    ),
    "expressions.nudge.predicted": ("foretold: grad · h", "预言：grad · h"),
    "expressions.nudge.true": ("true: f({name} + h) − f({name})", "真实：f({name} + h) − f({name})"),
    "expressions.nudge.off": ("off by", "相差"),
    "expressions.descend": ("descend", "下降"),
    "expressions.descend.help": (
        "Steepest descent from the point, with this lr and so many steps.",
        "从该点出发，以此学习率做若干步最速下降。",
    ),
    "expressions.lr": ("lr", "lr"),
    "expressions.steps": ("steps", "步数"),
    "expressions.descent.end": ("after {steps} steps: f = {value}", "{steps} 步之后：f = {value}"),
    "expressions.contour.label": (
        "f over {first} and {second}; arrows point along the gradient. At {first} = {a}, {second} = {b}: f = {value}, gradient ({da}, {db}). Click or drag to move the point.",
        "f 关于 {first} 与 {second}；箭头沿梯度方向。在 {first} = {a}，{second} = {b}：f = {value}，梯度 ({da}, {db})。点击或拖动可移动该点。",
    ),
    "expressions.one": (
        "A plane needs two elements; this expression has one.",
        "平面需要两个元素；这个表达式只有一个。",
    ),
    "expressions.point": ("point", "当前点"),
    "expressions.gradient": ("gradient", "梯度"),
    "expressions.path": ("descent", "下降路径"),
    "expressions.jacobian.reverse": ("Jacobian, reverse mode", "雅可比矩阵，反向模式"),
    "expressions.jacobian.forward": ("Jacobian, forward mode", "雅可比矩阵，前向模式"),
    "expressions.cost.reverse": (
        "backward passes: {count}, one for each output (row)",
        "反向传播次数：{count}，每个输出（行）一次",
    ),
    "expressions.cost.forward": (
        "forward passes: {count}, one for each input (column)",
        "前向传播次数：{count}，每个输入（列）一次",
    ),
    "expressions.cheaper.reverse": (
        "Reverse mode is cheaper here: fewer outputs than inputs.",
        "这里反向模式更省：输出比输入少。",
    ),
    "expressions.cheaper.forward": (
        "Forward mode is cheaper here: fewer inputs than outputs.",
        "这里前向模式更省：输入比输出少。",
    ),
    "expressions.cheaper.equal": ("Both cost the same here.", "两者在这里代价相同。"),
    "expressions.hessian": ("Hessian", "海森矩阵"),
    "expressions.hessian.none": ("A Hessian needs a scalar result.", "海森矩阵需要标量结果。"),
    "expressions.matrices.many": (
        "Matrices are shown for at most {limit} elements in all.",
        "矩阵最多显示总共 {limit} 个元素。",
    ),
    "expressions.numbers": ("Numbers", "数值"),
    "expressions.dtype": ("dtype", "dtype"),
    "expressions.chain.steps": ("Step by step", "逐步"),
    "expressions.chain.paths": (
        "Every path from {name} to the result; the products add up",
        "从 {name} 到结果的每条路；乘积相加",
    ),
    "expressions.chain.agrees": ("autograd says {value}", "自动求导给出 {value}"),
    "expressions.chain.vectors": (
        "A step holds a vector or a matrix here, so its derivative is a matrix, the Jacobian: a row for each element of "
        "the result, a column for each element of what it uses. Along a path they are multiplied.",
        "这里有的步骤是向量或矩阵，它的导数是雅可比矩阵：结果的每个元素一行，所用量的每个元素一列。沿一条路径把它们相乘。",
    ),
    "expressions.chain.refused": (
        "PyTorch cannot differentiate every step of this on its own, so the chain is not written out.",
        "PyTorch 无法单独对其中每一步求导，因此不写出链式法则。",
    ),
    "expressions.chain.cut": ("There are more paths than are written here.", "路径比这里写出的更多。"),
    "expressions.chain.none": (
        "There is no chain to write out: the expression is no operation on numbers.",
        "没有可写出的链：表达式不是对数的运算。",
    ),
    "expressions.chain.long": ("The expression has too many steps to be written out.", "表达式步骤太多，无法写出。"),
}
