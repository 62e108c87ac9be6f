"""What is wrong with a link."""

ROWS: dict[str, tuple[str, str]] = {
    "link.flag": (
        "The link sets {name} to “{value}”, which is neither true nor false. The default is used.",
        "链接把 {name} 设为“{value}”，它既不是 true 也不是 false。已改用默认值。",
    ),
    "link.integer": (
        "The link sets {name} to “{value}”, which is not a whole number. The default is used.",
        "链接把 {name} 设为“{value}”，它不是整数。已改用默认值。",
    ),
    "link.number": (
        "The link sets {name} to “{value}”, which is not a number. The default is used.",
        "链接把 {name} 设为“{value}”，它不是数。已改用默认值。",
    ),
    "link.range": (
        "The link sets {name} to {value}; it must lie between {low} and {high}. The default is used.",
        "链接把 {name} 设为 {value}，它必须在 {low} 与 {high} 之间。已改用默认值。",
    ),
    "link.choice": (
        "The link sets {name} to “{value}”, which is not one of its choices. The default is used.",
        "链接把 {name} 设为“{value}”，不在可选项之中。已改用默认值。",
    ),
    "link.text": (
        "The setting {name} must be text, not {value}. The default is used.",
        "设置 {name} 必须是文本，而不是 {value}。已改用默认值。",
    ),
    "link.long": (
        "The text of {name} has {length} characters; at most {limit} are allowed. The default is used.",
        "{name} 的文本有 {length} 个字符，最多允许 {limit} 个。已改用默认值。",
    ),
    "link.program.broken": (
        "The program in this link is damaged and cannot be read. You see the example instead; ask for the link again.",
        "链接中的程序已损坏，无法读取。现在显示的是示例；请重新索取链接。",
    ),
    "link.program.cut": (
        "The program in this link is cut off: part of the link is missing. You see the example instead; "
        "copy the whole link.",
        "链接中的程序不完整：链接缺了一部分。现在显示的是示例；请复制完整的链接。",
    ),
    "link.program.long": (
        "The program in this link is longer than the {limit} characters that run here. You see the example instead.",
        "链接中的程序超过了这里可运行的 {limit} 个字符。现在显示的是示例。",
    ),
    "link.unknown": (
        "The link has a setting that this page does not know: {name}. It is left out.",
        "链接里有本页不认识的设置：{name}。已忽略。",
    ),
    "link.twice": (
        "The link carries two programs, under {name} and {other}. The second is left out.",
        "链接里有两个程序，分别在 {name} 和 {other} 下。第二个已忽略。",
    ),
    "link.more": (
        "{count} more settings of this link are left out for the same kinds of reasons.",
        "出于同类原因，链接中另有 {count} 项设置被忽略。",
    ),
    "link.too_long": (
        "The link has {length} characters, and many programs cut links at {limit}. "
        "Download the program as a file instead.",
        "链接有 {length} 个字符，而许多软件会在 {limit} 个字符处截断链接。请改为把程序下载成文件。",
    ),
}
