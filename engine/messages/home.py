"""The gallery."""

ROWS: dict[str, tuple[str, str]] = {
    "home.title": ("See every gradient", "看见每一个梯度"),
    "home.what": (
        "Paste a PyTorch program. It runs once, for real, and you can step through all of it: every value on its way "
        "forward, every gradient on its way back.",
        "粘贴一段 PyTorch 程序，它会真实地运行一次，然后你可以逐步查看全过程："
        "每个数值如何向前流动，每个梯度如何向后回传。",
    ),
    "home.start": ("Write a program", "写一段程序"),
    "home.train": ("Train a line", "训练一条直线"),
    "home.express": ("Type a formula", "输入一个公式"),
    "home.build": ("Build tensors", "搭建张量"),
    "home.values": ("values flow forward", "数值向前流动"),
    "home.gradients": ("gradients flow back", "梯度向后回传"),
    "home.picture": (
        "Animation of one program, loss = (w·x + b)². The values {values} appear from left to right in blue, then the "
        "gradients {grads} from right to left in orange.",
        "程序 loss = (w·x + b)² 的动画。蓝色的数值 {values} 从左到右依次出现，"
        "然后橙色的梯度 {grads} 从右到左依次出现。",
    ),
    "home.group.lesson": ("The lesson", "课程"),
    "home.group.basics": ("How gradients flow", "梯度如何流动"),
    "home.group.graph": ("Shapes, memory, hooks", "形状、内存与钩子"),
    "home.group.errors": ("Errors everyone meets", "人人都会遇到的错误"),
    "home.group.silent": ("Mistakes that raise nothing", "不报错的错误"),
    "home.group.higher": ("Beyond the first derivative", "一阶导数之外"),
    "home.group.modules": ("Networks", "网络"),
    "home.group.training": ("Watch a line learn", "看一条直线学习"),
    "home.group.expressions": ("Formulas", "公式"),
    "home.group.tensors": ("Tensors, step by step", "一步步搭建张量"),
}
