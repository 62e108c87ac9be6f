"""The command line's own words."""

from __future__ import annotations

ROWS: dict[str, tuple[str, str]] = {
    "cli.description": ("See what PyTorch's autograd does.", "看清 PyTorch 的 autograd 做了什么。"),
    "cli.run": ("run programs in the sandbox", "在沙箱中运行程序"),
    "cli.train": ("train a linear regression", "训练线性回归"),
    "cli.files": ("a program; - is the standard input", "程序文件；- 表示标准输入"),
    "cli.json": ("print one line of JSON per file", "为每个文件输出一行 JSON"),
    "cli.seed": ("seed of torch, numpy and random (default 0)", "torch、numpy 和 random 的种子（默认 0）"),
    "cli.unreadable": ("This file cannot be read: {reason}", "无法读取此文件：{reason}"),
    "cli.not_utf8": ("it is not UTF-8 text.", "它不是 UTF-8 文本。"),
}
