"""What a program may not use, and what to write instead; the sizes that a value may have."""

_LIBRARY = {
    "torchvision": (
        "build the images as tensors, for example torch.rand(8, 1, 28, 28)",
        "直接用张量构造图像，例如 torch.rand(8, 1, 28, 28)",
    ),
    "torchaudio": ("build the signal as a tensor with torch.sin", "用 torch.sin 构造信号张量"),
    "torchtext": ("write the token numbers as a tensor", "把词元编号写成张量"),
    "sklearn": (
        "make the points with torch.randn or numpy, and split them by index",
        "用 torch.randn 或 numpy 生成数据点，并按下标划分",
    ),
    "scipy": ("use torch.special, torch.linalg or numpy", "改用 torch.special、torch.linalg 或 numpy"),
    "pandas": ("write the numbers as a list or a numpy array", "把数据写成列表或 numpy 数组"),
    "requests": ("write the numbers into the program", "把数据直接写进程序"),
    "PIL": ("build the image as a tensor", "直接用张量构造图像"),
    "cv2": ("build the image as a tensor", "直接用张量构造图像"),
    "tensorflow": ("write the same with torch", "用 torch 写同样的内容"),
    "jax": (
        "use torch.func, which has grad, vmap, jacrev and hessian",
        "改用 torch.func，它有 grad、vmap、jacrev 和 hessian",
    ),
    "tensorboard": ("print the numbers, or plot them with matplotlib.pyplot", "打印数值，或用 matplotlib.pyplot 画图"),
    "transformers": ("build the layers with torch.nn", "用 torch.nn 搭建各层"),
}

ROWS: dict[str, tuple[str, str]] = {
    **{
        f"refused.import.{library}": (
            f"The module {{name}} is not offered here. Remove the import and {english}.",
            f"这里不提供模块 {{name}}。请删去这条 import，{chinese}。",
        )
        for library, (english, chinese) in _LIBRARY.items()
    },
    "refused.import": (
        "The module {name} is not offered here: programs run with torch, numpy and the everyday part of Python's library. "
        "Remove the import and what needs it.",
        "这里不提供模块 {name}：程序可使用 torch、numpy 和 Python 标准库的常用部分。请删去这条 import 以及依赖它的代码。",
    ),
    "refused.name": (
        "{name} is not offered here, since it may reach files, processes, devices or memory outside the run. "
        "Use another function of the same module.",
        "这里不提供 {name}，因为它可能触及运行之外的文件、进程、设备或内存。请改用同一模块的其他函数。",
    ),
    "refused.annotation": (
        "A function registered by its annotation needs a class there. Write show.register(int) instead.",
        "按注解注册的函数，其注解必须是类。请改写成 show.register(int)。",
    ),
    "refused.pickle": (
        "A value of type {type} cannot be pickled here: only data, modules and what the program itself defines can.",
        "这里不能序列化类型为 {type} 的值：只能序列化数据、模块以及程序自己定义的内容。",
    ),
    "refused.wait": (
        "This waits for a result that nobody in the program will set. Call set_result first.",
        "这里在等待一个程序中不会有人设置的结果。请先调用 set_result。",
    ),
    "refused.trace": (
        "torch.jit.trace cannot be used with {name} here. Call the function itself: it computes the same.",
        "这里不能对 {name} 使用 torch.jit.trace。请直接调用函数本身，结果相同。",
    ),
    "refused.dispatch": (
        "__torch_dispatch__ of a program is not told of {name} here, since PyTorch trusts its result unseen. "
        "Override it in __torch_function__ instead.",
        "这里的 __torch_dispatch__ 不会接到 {name}，因为 PyTorch 会不加检查地信任它的结果。请改在 __torch_function__ 中处理。",
    ),
    "refused.attribute": (
        "The attribute {name} of {type} is not offered here. Use a public method or attribute that PyTorch documents.",
        "这里不提供 {type} 的属性 {name}。请使用 PyTorch 文档中的公开方法或属性。",
    ),
    "refused.write": (
        "The attribute {name} of {type} cannot be set here. Keep the value in a variable of your own.",
        "这里不能设置 {type} 的属性 {name}。请把值放在自己的变量里。",
    ),
    "refused.write.module": (
        "{name} cannot be replaced: the library stays as it is. Define a function of your own and call that.",
        "不能替换 {name}：库保持原样。请定义自己的函数并调用它。",
    ),
    "refused.write.library": (
        "The attribute {name} of a library's class or function cannot be changed. Derive a class of your own instead.",
        "不能更改库的类或函数的属性 {name}。请派生自己的类。",
    ),
    "refused.call": (
        "{name} cannot be called here. Call functions of torch, numpy, or your own.",
        "这里不能调用 {name}。请调用 torch、numpy 或你自己的函数。",
    ),
    "refused.base": (
        "A class cannot derive from {name} here. Derive from torch.nn.Module, torch.autograd.Function, "
        "torch.utils.data.Dataset or a class of your own.",
        "这里的类不能继承 {name}。请继承 torch.nn.Module、torch.autograd.Function、torch.utils.data.Dataset 或你自己的类。",
    ),
    "refused.value": (
        "This gives an internal value of Python ({type}) that a program may not hold here. Leave this part out.",
        "这里得到的是 Python 的内部对象（{type}），程序不能持有它。请去掉这一部分。",
    ),
    "refused.object_array": (
        "A numpy array of Python objects cannot be used here. Give all its rows the same length, or keep a list.",
        "这里不能使用存放 Python 对象的 numpy 数组。请让各行长度相同，或改用列表。",
    ),
    "refused.load": (
        "torch.load with weights_only=False reads only what torch.save of this run wrote. Load with weights_only=True.",
        "使用 weights_only=False 的 torch.load 只能读取本次运行中 torch.save 写出的内容。请使用 weights_only=True。",
    ),
    "refused.safe_globals": (
        "Only classes of your own program can be made safe to load here.",
        "这里只能把你自己程序中的类设为可加载。",
    ),
    "refused.guard.number": (
        "A number in this call is larger than {limit}; with it the call would not return. Use a smaller number.",
        "这个调用中有大于 {limit} 的数，会使调用无法返回。请使用较小的数。",
    ),
    "refused.guard.rank": (
        "zipf near 1 draws again and again, and would not return. Use a parameter of at least 1.01.",
        "zipf 的参数接近 1 时会一再重抽，无法返回。请使用不小于 1.01 的参数。",
    ),
    "refused.guard.labels": (
        "A target of this loss is not one of the {classes} classes, numbered from 0; PyTorch would read outside the scores. "
        "Correct the target.",
        "这个损失的目标不在从 0 编号的 {classes} 个类别之中，PyTorch 会读到分数之外。请改正目标。",
    ),
    "refused.guard.division": (
        "The smallest integer divided by -1 has no result of its type, and PyTorch stops at it. Convert to float first.",
        "最小的整数除以 -1 在该类型中没有结果，PyTorch 会因此停止。请先转换为浮点数。",
    ),
    "refused.guard.data_shape": (
        "The .data of a parameter keeps its shape here. Assign a new nn.Parameter to change it.",
        "这里参数的 .data 必须保持形状。要改变形状，请赋一个新的 nn.Parameter。",
    ),
    "refused.guard.state": (
        "A generator's state can be set only to one that was read in this run. Use manual_seed, or get_rng_state first.",
        "随机数发生器的状态只能设为本次运行中读出的状态。请使用 manual_seed，或先调用 get_rng_state。",
    ),
    "refused.guard.tensor_type": (
        "{name} is not the name of a tensor type such as torch.DoubleTensor. Use torch.set_default_dtype, or .to(dtype).",
        "{name} 不是 torch.DoubleTensor 之类的张量类型名。请使用 torch.set_default_dtype 或 .to(dtype)。",
    ),
    "refused.guard.plain": (
        "{name} takes plain tensors, texts and whole numbers here, and no classes of your own. Convert them first.",
        "这里的 {name} 只接受普通的张量、文本和整数，不接受自定义类的对象。请先转换。",
    ),
    "refused.guard.rows": (
        "Where the rows of this nested tensor begin and how long they are must be whole numbers, in order and within its "
        "values; PyTorch would read outside them. Begin at 0 and end at the number of values.",
        "嵌套张量各行的起点和长度必须是按顺序排列、且不超出其数值范围的整数，否则 PyTorch 会读到数值之外。"
        "请从 0 开始，到数值的个数结束。",
    ),
    "standin.profiler": (
        "Times are not measured here: the program runs on a clock of its own, so that equal programs run equally.",
        "这里不测量时间：程序按自己的时钟运行，相同的程序得到相同的结果。",
    ),
    "limit.elements": (
        "A tensor of {elements} elements is larger than the {limit} that a run may have. Use a smaller size.",
        "张量有 {elements} 个元素，超过了一次运行允许的 {limit} 个。请使用较小的尺寸。",
    ),
    "limit.dimensions": (
        "A tensor of {dimensions} dimensions has more than the {limit} that a run may have. Use fewer.",
        "张量有 {dimensions} 维，超过了一次运行允许的 {limit} 维。请减少维数。",
    ),
    "limit.files": (
        "The program saves more than {limit} files. Save fewer, or use one name again.",
        "程序保存的文件超过了 {limit} 个。请少保存一些，或重复使用同一个文件名。",
    ),
    "limit.file_size": (
        "A file of {size} bytes is larger than the {limit} that may be saved. Save a smaller model.",
        "文件有 {size} 字节，超过了允许保存的 {limit} 字节。请保存较小的模型。",
    ),
}
