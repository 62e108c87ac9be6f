"""Sentences about the text of a program and the language it is written in: what is no program, what we do not run,
limits."""

from __future__ import annotations

ROWS: dict[str, tuple[str, str]] = {
    # The text.
    "invalid.length": (
        "The program has {length} characters; at most {limit} can be run. Shorten it.",
        "程序有 {length} 个字符，最多能运行 {limit} 个。请缩短它。",
    ),
    "invalid.lines": (
        "The program has {lines} lines; at most {limit} can be run. Shorten it.",
        "程序有 {lines} 行，最多能运行 {limit} 行。请缩短它。",
    ),
    "invalid.character": (
        "The program contains the character {character}, which no Python program may contain. Remove it.",
        "程序里有字符 {character}，Python 程序不允许出现它。请删掉它。",
    ),
    "invalid.syntax": ("{type}: {message}", "{type}：{message}"),
    "invalid.nesting": (
        "The program is nested too deeply to be read ({type}). Split the expression into several statements.",
        "程序嵌套太深，无法读取（{type}）。请把表达式拆成几条语句。",
    ),
    "invalid.nodes": (
        "The program has more than {limit} parts. Shorten it, or write the repetition as a loop.",
        "程序的组成部分超过 {limit} 个。请缩短它，或把重复的部分写成循环。",
    ),
    "invalid.depth": (
        "This is nested more than {limit} levels deep. Split it into several statements.",
        "这里的嵌套超过 {limit} 层。请拆成几条语句。",
    ),
    # What a paste left in it.
    "pasted.newlines": ("Line ends were made uniform.", "换行符已统一。"),
    "pasted.spaces": (
        "Invisible characters and unusual spaces were taken out of the pasted text.",
        "已去掉粘贴文本里看不见的字符和特殊空格。",
    ),
    "pasted.prompts": (
        "The pasted text has >>> prompts: only the lines with a prompt run, and the answers between them were left out.",
        "粘贴的文本带有 >>> 提示符：只运行有提示符的行，夹在中间的输出已去掉。",
    ),
    "pasted.notebook": (
        "The pasted text has In [ ] prompts: only those lines run, and the answers between them were left out.",
        "粘贴的文本带有 In [ ] 提示符：只运行这些行，夹在中间的输出已去掉。",
    ),
    "pasted.magics": (
        "Notebook commands (%matplotlib, !pip and the like) do not belong to Python and were left out.",
        "笔记本命令（%matplotlib、!pip 等）不属于 Python，已去掉。",
    ),
    "pasted.punctuation": (
        "Full-width punctuation outside of strings was replaced by Python's own.",
        "字符串以外的全角标点已换成 Python 使用的半角标点。",
    ),
    "pasted.indentation": ("The margin that all lines share was removed.", "已去掉所有行共有的缩进。"),
    "pasted.tabs": (
        "Tabs in the indentation were replaced by four spaces each.",
        "缩进里的制表符已各换成四个空格。",
    ),
    # Outside the language.
    "refused.async": (
        "Asynchronous code ({name}) is not run here. Write it as ordinary functions and loops.",
        "这里不运行异步代码（{name}）。请改写成普通的函数和循环。",
    ),
    "refused.syntax": (
        "This form of Python ({name}) is not run here. Write it with ordinary statements.",
        "这里不运行这种 Python 写法（{name}）。请用普通语句来写。",
    ),
    "refused.dunder": (
        "The name {name} belongs to Python's inner workings and is not available here.",
        "名字 {name} 属于 Python 的内部机制，这里不能使用。",
    ),
    "refused.yield": (
        "A yield inside a larger expression is not run here. Give it a statement of its own: value = yield something.",
        "这里不运行写在更大表达式里的 yield。请让它单独成为一条语句：value = yield something。",
    ),
    "refused.native": (
        "A class that derives from {type} cannot define {name}: what {type} itself has stays as it is. "
        "Give the method another name.",
        "继承 {type} 的类不能定义 {name}：{type} 自带的内容保持原样。请给方法换一个名字。",
    ),
    "refused.type": (
        "type() with three arguments is not run here. Write a class statement.",
        "这里不运行带三个参数的 type()。请写 class 语句。",
    ),
    "refused.property": (
        "A property is made of functions of your own here. Define the getter with def.",
        "这里的 property 只能由你自己的函数组成。请用 def 定义取值函数。",
    ),
    "refused.metaclass": (
        "A metaclass of one's own is not run here. Use a class decorator or __init_subclass__.",
        "这里不运行自定义元类。请改用类装饰器或 __init_subclass__。",
    ),
    "refused.builtin": (
        "{name}() is not available here: a program can compute and print, and nothing outside of it.",
        "这里不能使用 {name}()：程序只能计算和打印，不能触及程序以外的东西。",
    ),
    "refused.input": (
        "Nobody is there to answer input(). Assign the value to a variable instead.",
        "这里没有人能回答 input()。请直接把值赋给变量。",
    ),
    # Limits.
    "limit.visits": (
        "The program evaluated more than {limit} expressions and was stopped. Use fewer iterations, or tensor operations.",
        "程序求值的表达式超过 {limit} 个，已停止。请减少循环次数，或改用张量运算。",
    ),
    "limit.statements": (
        "The program executed more than {limit} statements and was stopped. Use fewer iterations.",
        "程序执行的语句超过 {limit} 条，已停止。请减少循环次数。",
    ),
    "limit.seconds": (
        "The program ran for more than {limit} seconds and was stopped. Use fewer iterations or smaller tensors.",
        "程序运行超过 {limit} 秒，已停止。请减少循环次数或缩小张量。",
    ),
    "limit.call_depth": (
        "Functions called each other more than {limit} levels deep, so the program was stopped. Does the recursion end?",
        "函数互相调用超过 {limit} 层，程序已停止。递归会结束吗？",
    ),
    "limit.integer": (
        "An integer would have more than {limit} bits, so the program was stopped. Use floats.",
        "有整数将超过 {limit} 位二进制，程序已停止。请改用浮点数。",
    ),
    "limit.text": (
        "A text would have more than {limit} characters, so the program was stopped.",
        "有文本将超过 {limit} 个字符，程序已停止。",
    ),
    "limit.container": (
        "A list, tuple, set or dict would have more than {limit} elements, so the program was stopped. Use a tensor.",
        "有列表、元组、集合或字典将超过 {limit} 个元素，程序已停止。请改用张量。",
    ),
    "limit.range": (
        "More than {limit} elements would be walked in one go, so the program was stopped. Use a tensor.",
        "一次要遍历的元素超过 {limit} 个，程序已停止。请改用张量。",
    ),
    "limit.width": (
        "A number or text would be written more than {limit} characters wide, so the program was stopped.",
        "有数字或文本的书写宽度将超过 {limit} 个字符，程序已停止。",
    ),
    "limit.iterators": (
        "Iterators were put on one another more than {limit} levels deep, so the program was stopped. Make a list between.",
        "迭代器层层叠加超过 {limit} 层，程序已停止。请在中间先生成列表。",
    ),
    "limit.print_dimensions": (
        "A tensor of more than {limit} dimensions is not printed. Print its shape, or a part of it.",
        "超过 {limit} 维的张量不会打印。请打印它的形状，或其中一部分。",
    ),
    "notice.printed": (
        "Only the first {characters} characters and {lines} lines of what is printed are kept; the program ran on.",
        "打印的内容只保留前 {characters} 个字符和前 {lines} 行；程序继续运行。",
    ),
}
