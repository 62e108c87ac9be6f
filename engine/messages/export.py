"""Comments in an exported program."""

ROWS: dict[str, tuple[str, str]] = {
    "export.seeds": ("The same random numbers as in the run that is shown.", "与所展示的运行使用相同的随机数。"),
    "export.asserts": (
        "What follows checks that this run gives the numbers that were shown: values and gradients.",
        "以下检查本次运行得到与展示相同的数字：值与梯度。",
    ),
    "export.raises": (
        "This statement raised in the run that is shown; what stood after it never ran.",
        "在所展示的运行中，这条语句引发了异常；其后的内容没有运行。",
    ),
    "export.unfinished": (
        "The run that is shown did not come to its end, so there is nothing to check.",
        "所展示的运行没有到达结尾，所以没有可检查的内容。",
    ),
}
