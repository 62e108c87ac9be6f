"""The classic errors in words: what happened and why, and (".way") what the offered fix does."""

ROWS = {
    "mistake.second_backward": (
        "Line {line} needs the graph that the backward on line {cause} freed. PyTorch frees what a graph saved as soon "
        "as a backward has used it, to save memory.",
        "第 {line} 行需要的计算图已被第 {cause} 行的 backward 释放。为节省内存,PyTorch 在一次 backward 用完后就释放计算图保存的内容。",
    ),
    "mistake.second_backward.way": (
        "Keep the graph: retain_graph=True in the earlier backward. Gradients then add up in .grad.",
        "保留计算图:在前一次 backward 里写 retain_graph=True。之后梯度会在 .grad 里累加。",
    ),
    "mistake.second_backward_loop": (
        "The backward on line {line} runs again on a graph that its own earlier run freed: the output was computed "
        "before the loop, so every turn shares one graph.",
        "第 {line} 行的 backward 再次用到了它上一次运行时释放的计算图:输出是在循环之前算好的,所以每次循环共用同一张图。",
    ),
    "mistake.second_backward_loop.way": (
        "Keep the graph with retain_graph=True, or compute the output inside the loop.",
        "用 retain_graph=True 保留计算图,或者把输出放到循环里重新计算。",
    ),
    "mistake.modified_in_place": (
        "{node}, made on line {need}, saved {name} at version {expected} for its backward; line {line} then changed "
        "{name} in place, to version {version}. The saved numbers are gone, so the gradient would be wrong.",
        "第 {need} 行产生的 {node} 为反向传播保存了 {name}(版本 {expected});第 {line} 行又原地修改了 {name}(变为版本 {version})。"
        "保存的数值已被覆盖,梯度会算错。",
    ),
    "mistake.modified_in_place.way": (
        "Make a new tensor on line {line} instead of changing {name} in place.",
        "在第 {line} 行生成一个新张量,而不是原地修改 {name}。",
    ),
    "mistake.in_place_on_leaf": (
        "{name} is a leaf that requires grad: autograd records what happens to it, and an in-place change would rewrite "
        "the very tensor whose gradient you asked for.",
        "{name} 是需要梯度的叶子张量:autograd 记录对它的操作,而原地修改会改写你要求梯度的那个张量本身。",
    ),
    "mistake.in_place_on_leaf.way": (
        "Change it where nothing is recorded: under torch.no_grad(), as optimizers do.",
        "在不做记录的地方修改:放进 torch.no_grad(),优化器就是这样做的。",
    ),
    "mistake.not_scalar": (
        "backward() starts from the number 1, so {name} must be one number; its shape is {shape}. For more elements "
        "PyTorch has to be told how much each one counts.",
        "backward() 从数 1 开始,所以 {name} 必须是一个数;它的形状是 {shape}。有多个元素时,需要告诉 PyTorch 每个元素占多少权重。",
    ),
    "mistake.not_scalar.way": (
        "Add the elements up first, or pass gradient= with the shape of the output.",
        "先把元素求和,或者传入与输出同形状的 gradient=。",
    ),
    "mistake.cut.detach": (
        "The way back to the leaves was cut on line {line}: detach() gives the same numbers without their history.",
        "通向叶子的路在第 {line} 行被切断:detach() 返回相同的数值,但不带历史。",
    ),
    "mistake.cut.detach.way": (
        "Use the tensor itself there, without detach().",
        "在那里直接使用原张量,不要 detach()。",
    ),
    "mistake.cut.data": (
        "The way back to the leaves was cut on line {line}: .data gives the same numbers without their history.",
        "通向叶子的路在第 {line} 行被切断:.data 返回相同的数值,但不带历史。",
    ),
    "mistake.cut.data.way": ("Use the tensor itself there, without .data.", "在那里直接使用原张量,不要 .data。"),
    "mistake.cut.item": (
        "The way back to the leaves was cut on line {line}: item() gives a Python number, which has no history.",
        "通向叶子的路在第 {line} 行被切断:item() 返回 Python 数字,没有历史。",
    ),
    "mistake.cut.item.way": ("Keep the tensor instead of its item().", "保留张量,不要取 item()。"),
    "mistake.cut.numpy": (
        "The way back to the leaves was cut on line {line}: autograd cannot follow numpy.",
        "通向叶子的路在第 {line} 行被切断:autograd 无法跟踪 numpy。",
    ),
    "mistake.cut.numpy.way": (
        "Stay in torch between the leaf and the output.",
        "从叶子到输出之间都使用 torch 的运算。",
    ),
    "mistake.cut.no_grad": (
        "Line {line} ran under torch.no_grad(), where no history is recorded, so nothing leads back to a leaf.",
        "第 {line} 行在 torch.no_grad() 下运行,不记录历史,因此没有路通向叶子。",
    ),
    "mistake.cut.no_grad.way": ("Compute the output outside the no_grad block.", "在 no_grad 代码块之外计算输出。"),
    "mistake.cut.inference_mode": (
        "Line {line} ran under torch.inference_mode(), where no history is recorded.",
        "第 {line} 行在 torch.inference_mode() 下运行,不记录历史。",
    ),
    "mistake.cut.inference_mode.way": (
        "Compute the output outside the inference_mode block.",
        "在 inference_mode 代码块之外计算输出。",
    ),
    "mistake.cut.comparison": (
        "Line {line} compares: its result is true or false and has no slope, so no gradient passes.",
        "第 {line} 行是比较运算:结果只有真或假,没有斜率,梯度无法通过。",
    ),
    "mistake.cut.comparison.way": (
        "Use a smooth measure of the difference, such as a loss, in place of the comparison.",
        "用平滑的差异度量(例如损失函数)代替比较。",
    ),
    "mistake.cut.integer": (
        "Line {line} turns the numbers into integers, and integers carry no gradient.",
        "第 {line} 行把数值变成了整数,整数不携带梯度。",
    ),
    "mistake.cut.integer.way": ("Keep a floating dtype up to the output.", "直到输出都保持浮点类型。"),
    "mistake.cut.not_differentiable": (
        "The operation on line {line} has no derivative, so the history ends there.",
        "第 {line} 行的运算不可导,历史到此为止。",
    ),
    "mistake.cut.not_differentiable.way": (
        "Use a differentiable operation there.",
        "在那里改用可导的运算。",
    ),
    "mistake.nothing_requires_grad": (
        "No tensor this output was made from requires grad, so PyTorch recorded no history to go back through.",
        "这个输出所用到的张量都不需要梯度,所以 PyTorch 没有记录可供回溯的历史。",
    ),
    "mistake.nothing_requires_grad.way": (
        "Ask for the gradient where the tensor is made: requires_grad=True on line {line}.",
        "在创建张量的地方要求梯度:第 {line} 行加上 requires_grad=True。",
    ),
    "mistake.integer_leaf": (
        "These are integers. A gradient is the slope of a smooth change, and integers can only jump.",
        "这些是整数。梯度是平滑变化的斜率,而整数只能跳变。",
    ),
    "mistake.integer_leaf.way": (
        "Make the tensor of floats: dtype=torch.float32.",
        "用浮点数创建张量:dtype=torch.float32。",
    ),
    "mistake.numpy_of_grad": (
        "{name} has a history, and numpy cannot carry it. PyTorch refuses rather than lose it in silence.",
        "{name} 带有历史,而 numpy 无法携带历史。PyTorch 拒绝,以免悄悄丢失。",
    ),
    "mistake.numpy_of_grad.way": (
        "Say that the history ends here: detach() before numpy().",
        "先写 detach() 表明历史到此为止,再用 numpy()。",
    ),
    "mistake.shapes_differ": (
        "The shapes do not fit: {shapes}. A matrix product needs the last size of the left to equal the first of the "
        "right; element by element, sizes must be equal or 1.",
        "形状不匹配:{shapes}。矩阵乘积要求左边的最后一维等于右边的第一维;逐元素运算要求各维相等或为 1。",
    ),
    "mistake.shapes_differ.way": ("Transpose one side, or reshape it to fit.", "转置其中一边,或改变形状使其匹配。"),
    "mistake.dtypes_differ": (
        "{name} is {dtype} and meets another dtype. Most operations between tensors convert, but matrix products and "
        "losses ask for the same one, so that precision is never lost unseen.",
        "{name} 的类型是 {dtype},与另一种类型相遇。多数运算会自动转换,但矩阵乘积和损失函数要求类型相同,以免悄悄损失精度。",
    ),
    "mistake.dtypes_differ.way": ("Convert {name} with .float().", "用 .float() 转换 {name}。"),
    "mistake.devices_differ": (
        "{name} is on {device} and meets a tensor on another device. An operation runs where its tensors are, so they "
        "must be in one place.",
        "{name} 在 {device} 上,与另一设备上的张量相遇。运算在张量所在的设备上进行,所以它们必须在同一处。",
    ),
    "mistake.devices_differ.way": (
        "Move the model, the inputs and the targets to one device with .to(device).",
        "用 .to(device) 把模型、输入和目标移到同一设备。",
    ),
    "mistake.inference_tensor": (
        "A tensor made under torch.inference_mode() (line {line}) can never be part of a graph: it was made without the "
        "version counter that backward relies on.",
        "在 torch.inference_mode()(第 {line} 行)下创建的张量不能进入计算图:它没有反向传播所依赖的版本计数器。",
    ),
    "mistake.inference_tensor.way": (
        "Use torch.no_grad() there: its tensors may be used for training later.",
        "在那里改用 torch.no_grad():它产生的张量之后仍可用于训练。",
    ),
}
