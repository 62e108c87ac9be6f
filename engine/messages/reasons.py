"""Why .grad is None, and the quiet mistakes: what is so, why, and (".way") what to do."""

ROWS = {
    "reason.non_leaf": (
        "It is a non-leaf: {node} on line {line} made it. backward() passes gradients through non-leaf tensors and keeps "
        "them only in leaves.",
        "它不是叶子:由第 {line} 行的 {node} 产生。backward() 让梯度流过非叶子张量,只在叶子里保存。",
    ),
    "reason.non_leaf.way": (
        "Call retain_grad() on it before backward() to keep its gradient.",
        "想保留它的梯度,在 backward() 之前调用 retain_grad()。",
    ),
    "reason.converted": (
        "It is a copy: {node} on line {line} made it from a leaf, so the gradient goes to that leaf and not to the copy.",
        "它是一个副本:第 {line} 行的 {node} 由叶子复制而来,所以梯度流向那个叶子,而不是副本。",
    ),
    "reason.converted.way": (
        "Convert first and ask for the gradient last: .to(...) or .double(), then requires_grad_().",
        "先转换,最后再要求梯度:先 .to(...) 或 .double(),再 requires_grad_()。",
    ),
    "reason.not_asked": (
        "It does not require grad: nobody asked for its gradient when it was made.",
        "它不需要梯度:创建时没有要求。",
    ),
    "reason.not_asked.way": (
        "Make it with requires_grad=True, or call requires_grad_() on it.",
        "创建时写 requires_grad=True,或对它调用 requires_grad_()。",
    ),
    "reason.integer": (
        "It is {dtype}, and only floating point and complex tensors can require grad.",
        "它的类型是 {dtype},只有浮点和复数张量才能需要梯度。",
    ),
    "reason.integer.way": ("Convert it with .float() first.", "先用 .float() 转换。"),
    "reason.cut": (
        "It has no history: line {line} cut it off ({reason}).",
        "它没有历史:第 {line} 行把它切断了({reason})。",
    ),
    "reason.cut.way": (
        "Take the tensor from before the cut if you need its gradient.",
        "如果需要梯度,请使用切断之前的张量。",
    ),
    "reason.cleared": (
        "Its gradient was there and was cleared on line {line}.",
        "它曾有梯度,在第 {line} 行被清除了。",
    ),
    "reason.cleared.way": (
        "Read .grad between backward() and the clearing.",
        "在 backward() 之后、清除之前读取 .grad。",
    ),
    "reason.no_backward": (
        "No backward() has run yet. A gradient exists only after one.",
        "还没有运行过 backward()。只有运行之后才有梯度。",
    ),
    "reason.no_backward.way": ("Call backward() on a loss made from it.", "对由它算出的损失调用 backward()。"),
    "reason.pass_failed": (
        "backward() raised before it reached this leaf.",
        "backward() 在到达这个叶子之前就报错了。",
    ),
    "reason.pass_failed.way": ("Mend the error first.", "先解决那个错误。"),
    "reason.returned": (
        "autograd.grad on line {line} returned the gradient instead of storing it in .grad.",
        "第 {line} 行的 autograd.grad 把梯度作为返回值,而不存入 .grad。",
    ),
    "reason.returned.way": (
        "Use what it returned, or call backward() to fill .grad.",
        "使用它的返回值,或调用 backward() 来填充 .grad。",
    ),
    "reason.cut_off": (
        "The backward on line {line} could not reach it: line {cut} cut the way ({reason}).",
        "第 {line} 行的 backward 到不了它:第 {cut} 行把路切断了({reason})。",
    ),
    "reason.cut_off.way": ("Remove the cut on line {cut}.", "去掉第 {cut} 行的切断。"),
    "reason.not_reached": (
        "The backward on line {line} did not pass here: what it started from was not computed from this tensor.",
        "第 {line} 行的 backward 没有经过这里:它的起点不是由这个张量算出来的。",
    ),
    "reason.not_reached.way": (
        "Check that this tensor takes part in the loss.",
        "检查这个张量是否参与了损失的计算。",
    ),
    "note.column_against_row": (
        "Line {line} sets a column of {count} against a row of {count}. Broadcasting makes {count} by {count} "
        "differences of them, and the loss is over all of those.",
        "第 {line} 行让 {count} 行的列向量与长度 {count} 的向量相减。广播会得到 {count}×{count} 个差,损失是对它们全部计算的。",
    ),
    "note.column_against_row.way": (
        "Give both the same shape, for instance with squeeze(1) or unsqueeze(1).",
        "让两者形状一致,例如用 squeeze(1) 或 unsqueeze(1)。",
    ),
    "note.softmax_before_cross_entropy": (
        "Line {line} is a cross entropy, which takes a softmax itself, and its input is already the softmax of line "
        "{softmax}. Two in a row flatten the gradients.",
        "第 {line} 行的交叉熵自带 softmax,而它的输入已经是第 {softmax} 行 softmax 的结果。连做两次会把梯度压平。",
    ),
    "note.softmax_before_cross_entropy.way": ("Give it the raw scores.", "直接传入原始得分(logits)。"),
    "note.softmax_before_bce": (
        "Line {line} is a binary cross entropy: it reads each number as a probability of its own, but the softmax of "
        "line {softmax} makes them share one total of 1.",
        "第 {line} 行是二元交叉熵:它把每个数当作独立的概率,而第 {softmax} 行的 softmax 让它们的总和为 1。",
    ),
    "note.softmax_before_bce.way": (
        "For one class out of several use cross_entropy on the raw scores; for independent labels use sigmoid.",
        "多选一请对原始得分用 cross_entropy;相互独立的标签请用 sigmoid。",
    ),
    "note.unnamed_leaf": (
        "{name} is not the leaf: {node} on line {line} made it from a leaf that no name holds. The gradient will go to "
        "that leaf, and {name}.grad stays None.",
        "{name} 不是叶子:第 {line} 行的 {node} 由一个没有名字的叶子得到它。梯度会流向那个叶子,{name}.grad 一直是 None。",
    ),
    "note.unnamed_leaf.way": (
        "Compute or convert first, then call requires_grad_() on the result.",
        "先计算或转换,再对结果调用 requires_grad_()。",
    ),
    "note.never_cleared": (
        "Nothing clears {name}.grad in this loop, so each backward on line {line} adds to all earlier ones and every "
        "update repeats them.",
        "循环里没有清除 {name}.grad,所以第 {line} 行的每次 backward 都加在之前的梯度上,每次更新都会重复它们。",
    ),
    "note.never_cleared.way": (
        "Call optimizer.zero_grad(), or set {name}.grad to None, once in every turn.",
        "每次循环调用一次 optimizer.zero_grad(),或把 {name}.grad 设为 None。",
    ),
    "note.frozen_in_optimizer": (
        "{name} was given to the optimizer on line {line} and does not require grad, so step() will never change it.",
        "{name} 在第 {line} 行交给了优化器,但它不需要梯度,所以 step() 永远不会改变它。",
    ),
    "note.frozen_in_optimizer.way": (
        "Make it with requires_grad=True, or leave it out.",
        "创建时写 requires_grad=True,或不要把它交给优化器。",
    ),
    "note.training_mode": (
        "{name} is evaluated on line {line} in training mode: its dropout or batch norm still acts as in training.",
        "{name} 在第 {line} 行评估时仍处于训练模式:其中的 dropout 或 batch norm 还按训练时的方式工作。",
    ),
    "note.training_mode.way": ("Call {name}.eval() before evaluating.", "评估之前调用 {name}.eval()。"),
    "note.eval_mode": (
        "{name} is called on line {line} in evaluation mode and its parameters are then trained: its dropout does nothing, "
        "and its batch norm uses old statistics.",
        "{name} 在第 {line} 行处于评估模式,之后它的参数又被训练:其中的 dropout 不起作用,batch norm 用的是旧的统计量。",
    ),
    "note.eval_mode.way": ("Call {name}.train() before training.", "训练之前调用 {name}.train()。"),
    "note.integer": (
        "Line {line} turns numbers computed from {name} into integers. Integers carry no gradient, so no backward reaches "
        "{name} and it learns nothing.",
        "第 {line} 行把由 {name} 算出的数变成了整数。整数不携带梯度,所以 backward 到不了 {name},它学不到任何东西。",
    ),
    "note.integer.way": (
        "Keep a floating dtype between {name} and the loss.",
        "从 {name} 到损失之间都保持浮点类型。",
    ),
}
