"""The classic errors in words: what happened and why, and (".way") what the offered fix does."""

ROWS = {
    "mistake.second_backward": (
        "{name} on line {line} needs a graph that the backward on line {cause} freed. PyTorch frees what a graph saved as soon as a backward has used it, to save memory.",
        "第 {line} 行的 {name} 需要的计算图已被第 {cause} 行的 backward 释放。为节省内存,PyTorch 在一次 backward 用完后就释放计算图保存的内容。",
    ),
    "mistake.second_backward.way": (
        "Keep the graph: retain_graph=True in the earlier backward. Gradients then add up in .grad.",
        "保留计算图:在前一次 backward 里写 retain_graph=True。之后梯度会在 .grad 里累加。",
    ),
    "mistake.second_backward_loop": (
        "{name}.backward() on line {line} runs again on a graph that its own earlier run freed: a part of it was computed before this turn of the loop, so every turn shares it.",
        "第 {line} 行的 {name}.backward() 再次用到了它上一次运行时释放的计算图:其中一部分是在这次循环之前算好的,各次循环共用它。",
    ),
    "mistake.second_backward_loop.way": (
        "Keep the graph with retain_graph=True; or compute all of it inside the loop, or cut it there with detach().",
        "用 retain_graph=True 保留计算图;或者把整个计算放进循环,或在循环处用 detach() 切断。",
    ),
    "mistake.modified_in_place": (
        "{node}, made on line {need}, saved {name} at version {expected} for its backward; line {line} then changed "
        "{name} in place, to version {version}. The saved numbers are gone, so the gradient would be wrong.",
        "第 {need} 行产生的 {node} 为反向传播保存了 {name}(版本 {expected});第 {line} 行又原地修改了 {name}(变为版本 {version})。"
        "保存的数值已被覆盖,梯度会算错。",
    ),
    "mistake.modified_in_place.way": (
        "Do not change {name} in place on line {line}: make a new tensor there, or do it after the backward.",
        "第 {line} 行不要原地修改 {name}:在那里生成新张量,或放到 backward 之后再改。",
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
    "mistake.cut.item.way": (
        "Keep the tensor instead of its item().",
        "保留张量,不要取 item()。",
    ),
    "mistake.cut.numpy.way": (
        "Stay in torch between the leaf and the output.",
        "从叶子到输出之间都使用 torch 的运算。",
    ),
    "mistake.cut.no_grad": (
        "Line {line} ran under torch.no_grad(), where no history is recorded, so nothing leads back to a leaf.",
        "第 {line} 行在 torch.no_grad() 下运行,不记录历史,因此没有路通向叶子。",
    ),
    "mistake.cut.no_grad.way": (
        "Record there: compute the output outside no_grad, or turn recording on.",
        "在那里做记录:在 no_grad 之外计算输出,或打开记录。",
    ),
    "mistake.cut.inference_mode.way": (
        "Record there: compute the output outside inference_mode, or turn recording on.",
        "在那里做记录:在 inference_mode 之外计算输出,或打开记录。",
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
        "Make the tensor of floats.",
        "用浮点数创建张量。",
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
        "{name} is {dtype} and meets {wanted}. Most operations between tensors convert, but matrix products and losses ask for the same dtype, so that precision is never lost unseen.",
        "{name} 的类型是 {dtype},与 {wanted} 相遇。多数运算会自动转换,但矩阵乘积和损失函数要求类型相同,以免悄悄损失精度。",
    ),
    "mistake.dtypes_differ.way": (
        "Convert {name} with .{call}().",
        "用 .{call}() 转换 {name}。",
    ),
    "mistake.devices_differ.way": (
        "Make it on the same device as the others: here the CPU.",
        "在与其他张量相同的设备上创建它:这里是 CPU。",
    ),
    "mistake.inference_tensor": (
        "{name} was made under torch.inference_mode() (line {line}) and can never be part of a graph: it has no version counter, which backward relies on.",
        "{name} 是在 torch.inference_mode()(第 {line} 行)下创建的,不能进入计算图:它没有反向传播所依赖的版本计数器。",
    ),
    "mistake.inference_tensor.way": (
        "Use torch.no_grad() there: its tensors may be used for training later.",
        "在那里改用 torch.no_grad():它产生的张量之后仍可用于训练。",
    ),
    "mistake.no_create_graph": (
        "The gradient that line {line} returned has no history: autograd.grad records its own steps only when it is asked to, since that costs memory.",
        "第 {line} 行返回的梯度没有历史:autograd.grad 只有在要求时才记录自己的计算步骤,因为那要占用内存。",
    ),
    "mistake.no_create_graph.way": (
        "Ask for it with create_graph=True on line {line}.",
        "在第 {line} 行写 create_graph=True。",
    ),
    "mistake.cut.copied": (
        "Line {line} copies the numbers into a new tensor, and a copy of numbers has no history: the way back to the leaves ends there.",
        "第 {line} 行把数值复制到了一个新张量,而数值的副本没有历史:通向叶子的路到此为止。",
    ),
    "mistake.cut.copied.way": (
        "Use the tensor itself there.",
        "在那里直接使用原张量。",
    ),
    "mistake.frozen": (
        "Line {line} says that nothing here requires grad, so PyTorch recorded no history to go back through.",
        "第 {line} 行声明这里不需要梯度,所以 PyTorch 没有记录可供回溯的历史。",
    ),
    "mistake.frozen.way": (
        "Let it require grad on line {line}.",
        "在第 {line} 行让它需要梯度。",
    ),
    "mistake.nothing_requires_grad_here": (
        "No tensor this output was made from requires grad, so PyTorch recorded no history to go back through.",
        "这个输出所用到的张量都不需要梯度,所以 PyTorch 没有记录可供回溯的历史。",
    ),
    "mistake.nothing_requires_grad_here.way": (
        "Ask for the gradient where the tensor is made, and stay in torch from there on.",
        "在创建张量的地方要求梯度,并且之后一直使用 torch 的运算。",
    ),
    "mistake.grad_of_non_leaf": (
        "{name}.grad is None, so line {line} has nothing to work with. {name} is a non-leaf: backward() passes gradients through it and keeps them only in leaves.",
        "{name}.grad 是 None,所以第 {line} 行无从计算。{name} 是非叶子张量:backward() 让梯度流过它,只在叶子里保存。",
    ),
    "mistake.grad_of_non_leaf.way": (
        "Call {name}.retain_grad() before the backward to keep its gradient.",
        "在 backward 之前调用 {name}.retain_grad() 来保留它的梯度。",
    ),
    "mistake.leaf_replaced": (
        "Line {made} gave the name {name} to a new tensor, computed from the old one: a non-leaf. Its .grad stays None, so line {line} has nothing to work with.",
        "第 {made} 行让名字 {name} 指向了由旧张量算出的新张量:它是非叶子。它的 .grad 一直是 None,所以第 {line} 行无从计算。",
    ),
    "mistake.leaf_replaced.way": (
        "Change the leaf itself, under torch.no_grad().",
        "在 torch.no_grad() 下修改叶子本身。",
    ),
    "mistake.grad_is_none": (
        "{name}.grad is None on line {line}: no backward() has put a gradient there yet. None is no number, so nothing can be computed with it.",
        "第 {line} 行的 {name}.grad 是 None:还没有 backward() 在那里存入梯度。None 不是数,不能参与计算。",
    ),
    "mistake.grad_is_none.way": (
        "Use it after backward(), or only where it is not None.",
        "在 backward() 之后使用,或只在它不是 None 时使用。",
    ),
    "mistake.non_leaf_in_optimizer": (
        "{name} is a non-leaf: line {made} computed it from another tensor. An optimizer changes leaves, since only they hold a .grad of their own.",
        "{name} 是非叶子张量:第 {made} 行由另一个张量算出它。优化器只能修改叶子,因为只有叶子有自己的 .grad。",
    ),
    "mistake.non_leaf_in_optimizer.way": (
        "Make a leaf of it: detach().requires_grad_() after line {made}.",
        "把它变成叶子:在第 {made} 行之后写 detach().requires_grad_()。",
    ),
    "mistake.layer_size": (
        "Rows of {size} numbers come to {name} of line {line}, which was made for rows of {made}. The first number of a "
        "Linear is how many numbers each row of its input has.",
        "每行 {size} 个数的输入来到第 {line} 行的 {name},而它是为每行 {made} 个数创建的。Linear 的第一个数是输入每一行的特征数。",
    ),
    "mistake.layer_size.way": (
        "Make the layer for rows of {size}.",
        "把这一层改为 {size} 个特征。",
    ),
    "mistake.class_dtype": (
        "{name} is {dtype}, and it names classes. A class is counted, not measured, so PyTorch wants int64 for it.",
        "{name} 的类型是 {dtype},而它表示类别。类别是编号而不是量,所以 PyTorch 要求 int64。",
    ),
    "mistake.class_dtype.way": (
        "Convert {name} with .long().",
        "用 .long() 转换 {name}。",
    ),
    "mistake.no_cuda": (
        "Line {line} asks for a GPU, and programs of this page run on the CPU alone. Values and gradients are the same there.",
        "第 {line} 行要求使用 GPU,而本页的程序只在 CPU 上运行。数值和梯度在 CPU 上是一样的。",
    ),
    "mistake.no_cuda.way": (
        "Stay on the CPU.",
        "使用 CPU。",
    ),
    "mistake.cut.numpy": (
        "The way back to the leaves was cut on line {line}: autograd cannot follow numpy.",
        "通向叶子的路在第 {line} 行被切断:autograd 无法跟踪 numpy。",
    ),
    "mistake.cut.inference_mode": (
        "Line {line} ran under torch.inference_mode(), where no history is recorded.",
        "第 {line} 行在 torch.inference_mode() 下运行,不记录历史。",
    ),
    "mistake.devices_differ": (
        "{name} is on {device} and meets a tensor on another device. An operation runs where its tensors are, so they must be in one place.",
        "{name} 在 {device} 上,与另一设备上的张量相遇。运算在张量所在的设备上进行,所以它们必须在同一处。",
    ),
}
