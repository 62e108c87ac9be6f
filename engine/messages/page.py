"""The app's frame and the Program page: names of controls, their help, and what is said about a run."""

ROWS: dict[str, tuple[str, str]] = {
    # The frame around every page.
    "page.title": ("Autograd Playground", "自动求导游乐场"),
    "page.nav.home": ("Examples", "示例"),
    "page.nav.program": ("Program", "程序"),
    "page.nav.regression": ("Regression", "回归"),
    "page.nav.expressions": ("Expressions", "表达式"),
    "page.nav.tensors": ("Tensors", "张量"),
    "page.language": ("Language", "语言"),
    "page.language.help": (
        "The language of this page. PyTorch's own messages stay in English.",
        "本页的语言。PyTorch 自己的消息保持英文。",
    ),
    "page.fault": (
        "This page failed on our side, not yours. Reload it; if it happens again, tell us the number {id}.",
        "本页出了故障，责任在我们，不在你。请重新加载；若再次出现，请把编号 {id} 告诉我们。",
    ),
    "page.loopback": (
        "This server has no strong sandbox for programs, so it answers visitors on its own machine only.",
        "此服务器没有足够强的程序沙箱，因此只接受本机的访问。",
    ),
    # The controls of the Program page.
    "page.program.editor": ("Your program", "你的程序"),
    "page.program.editor.help": (
        "Python with PyTorch. {shortcut} runs it; Esc and then Tab leaves the editor.",
        "使用 PyTorch 的 Python 程序。按 {shortcut} 运行；先按 Esc 再按 Tab 可离开编辑器。",
    ),
    "page.program.placeholder": ("Paste or write a PyTorch program here.", "在这里粘贴或编写 PyTorch 程序。"),
    "page.program.run": ("Run", "运行"),
    "page.program.run.help": (
        "Run the program once, from its first line, on real PyTorch.",
        "在真实的 PyTorch 上从第一行起运行一次。",
    ),
    "page.program.scenario": ("Example", "示例"),
    "page.program.export.script": ("Program with checks (.py)", "带检查的程序 (.py)"),
    "page.program.export.script.help": (
        "The program with asserts that the values and gradients shown here come out again.",
        "程序加上断言：再次运行会得到这里显示的数值与梯度。",
    ),
    "page.program.export.notebook": ("Notebook (.ipynb)", "笔记本 (.ipynb)"),
    "page.program.export.notebook.help": (
        "The same, with its checks, as a Jupyter notebook.",
        "同样的内容和检查，作为 Jupyter 笔记本。",
    ),
    "page.program.export.json": ("Trace (.json)", "完整记录 (.json)"),
    "page.program.export.json.help": (
        "Everything that was recorded of this run: values, graph, passes, deposits.",
        "本次运行记录的一切：数值、计算图、反向传播、梯度存入。",
    ),
    "page.program.export.csv": ("Tensors (.csv)", "张量 (.csv)"),
    "page.program.export.csv.help": (
        "One line for each tensor after each recorded statement.",
        "每条被记录的语句之后，每个张量一行。",
    ),
    "page.program.own": ("Your own program", "你自己的程序"),
    "page.program.scenario.help": (
        "Open a prepared program. Yours can be put back.",
        "打开一个准备好的程序。你的程序可以恢复。",
    ),
    "page.program.back": ("Back to my program", "恢复我的程序"),
    "page.program.back.help": (
        "Put back the program you had before you opened the example.",
        "恢复打开示例之前你的程序。",
    ),
    "page.program.more": ("More", "更多"),
    "page.program.seed": ("Seed", "随机种子"),
    "page.program.seed.help": (
        "Where random numbers start: torch, numpy and random are seeded with it before the first line.",
        "随机数的起点：第一行之前用它设置 torch、numpy 和 random 的种子。",
    ),
    "page.program.save": ("Download the program", "下载程序"),
    "page.program.save.help": ("The text in the editor as program.py.", "把编辑器中的文本存为 program.py。"),
    "page.program.hide": ("Hide editor", "收起编辑器"),
    "page.program.show": ("Edit program", "编辑程序"),
    "page.program.hide.help": ("Give the whole width to the picture.", "把整个宽度让给图。"),
    "page.program.show.help": ("Open the editor beside the picture.", "在图旁边打开编辑器。"),
    "page.share": ("Share", "分享"),
    "page.share.help": ("A link to this program and this moment.", "指向这个程序和这一时刻的链接。"),
    "page.share.says": ("This link opens the program as it is now.", "此链接会打开现在这个程序。"),
    "page.share.copy": ("Copy link", "复制链接"),
    "page.share.copied": ("Copied", "已复制"),
    "page.share.embed": ("Link for embedding in another page", "用于嵌入其他网页的链接"),
    # While a run is on its way.
    "page.run.waiting": ("Waiting in the queue: {place} before you.", "正在排队：前面还有 {place} 个。"),
    "page.run.next": ("Waiting in the queue: you are next.", "正在排队：下一个就是你。"),
    "page.run.running": ("Running, {ticks} statements so far.", "正在运行，已执行 {ticks} 条语句。"),
    "page.run.fault": (
        "What came back from the run contradicts itself, so it is not shown. This is our fault, not your program's; "
        "press Run again.",
        "运行返回的记录自相矛盾，因此不予显示。这是我们的问题，与你的程序无关；请再按一次“运行”。",
    ),
    # How it ended.
    "page.outcome.failed": ("Line {line} raised {type}", "第 {line} 行引发了 {type}"),
    "page.outcome.failed.somewhere": ("The program raised {type}", "程序引发了 {type}"),
    "page.outcome.refused": ("Line {line} is outside what runs here", "第 {line} 行超出了这里可运行的范围"),
    "page.outcome.refused.somewhere": ("This program is outside what runs here", "这个程序超出了这里可运行的范围"),
    "page.outcome.syntax": ("Line {line} is not Python", "第 {line} 行不是有效的 Python"),
    "page.outcome.stopped": ("Stopped at line {line}", "在第 {line} 行停止"),
    "page.outcome.stopped.somewhere": ("The program was stopped", "程序已被停止"),
    "page.outcome.lost": ("The run was lost", "运行丢失"),
    "page.outcome.unfinished": (
        "The run ended without saying how. What it did until then is shown.",
        "运行结束时没有给出结果。这里显示它到那时为止所做的事。",
    ),
    # Why, and the way out.
    "page.reason.apply": ("Apply the fix and run", "应用修改并运行"),
    "page.reason.apply.help": (
        "Puts the mended program into the editor and runs it. Your own program can be put back.",
        "把改好的程序放进编辑器并运行。你原来的程序可以恢复。",
    ),
    "page.reason.line": ("Line {line}", "第 {line} 行"),
    "page.reason.line.help": ("Go to the moment when this line ran.", "跳到这一行运行的时刻。"),
    "page.notices.count": ("Notes about this run ({count})", "关于这次运行的说明（{count}）"),
    "page.line": ("Line {line}: {text}", "第 {line} 行：{text}"),
    "page.files": ("Files the program saved", "程序保存的文件"),
    "page.figures": ("Figures the program drew", "程序绘制的图"),
    "page.figure": ("Figure {number}", "图 {number}"),
}
