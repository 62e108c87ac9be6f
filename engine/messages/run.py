"""What was not recorded, and why; and limits that the recorder itself holds."""

from __future__ import annotations

ROWS: dict[str, tuple[str, str]] = {
    "run.iterations": (
        "The loop on line {line} runs {total} times. Its first, its last and every {every}th iteration are recorded; all of"
        " them ran.",
        "第 {line} 行的循环共运行 {total} 次。记录了第一次、最后一次和每第 {every} 次迭代；所有迭代都已运行。",
    ),
    "run.iterations_open": (
        "The loop on line {line} runs long. Its first ten iterations are recorded, then every 10th, every 100th and so on;"
        " all of them ran.",
        "第 {line} 行的循环运行较久。记录了前十次迭代，之后每 10 次、每 100 次记录一次，依此类推；所有迭代都已运行。",
    ),
    "run.steps": (
        "The first {limit} steps are recorded, and the state at the end. The program ran on to its end.",
        "记录了前 {limit} 步以及结束时的状态。程序一直运行到结束。",
    ),
    "run.trace": (
        "The record of this run reached {limit:,} bytes. What came after is not recorded, except the state at the end; the"
        " program ran on.",
        "本次运行的记录已达 {limit:,} 字节。此后的内容除结束时的状态外不再记录；程序继续运行。",
    ),
    "run.nodes": (
        "The graph has more than {limit:,} nodes. The first {limit:,} are recorded.",
        "计算图的节点超过 {limit:,} 个。记录了最先的 {limit:,} 个。",
    ),
    "run.variables": (
        "There are more than {limit} variables. The first {limit} are shown.",
        "变量超过 {limit} 个。显示前 {limit} 个。",
    ),
    "run.figure": (
        "A plot has more than {limit:,} points in one series. The first {limit:,} are shown.",
        "图中某一系列的点超过 {limit:,} 个。显示前 {limit:,} 个。",
    ),
    "run.file": (
        "The file {name} has {size:,} bytes, more than this run can hand over.",
        "文件 {name} 有 {size:,} 字节，超出本次运行可以交出的大小。",
    ),
    "run.fault": (
        "Recording stopped because of a fault of ours ({type}). The program ran on, and its results are right.",
        "由于我们自身的错误（{type}），记录已停止。程序继续运行，结果是正确的。",
    ),
    "run.backward_nesting": (
        "A backward pass started inside a backward pass, {limit} deep. Call backward() from the program, not from its own"
        " hooks.",
        "反向传播在另一次反向传播之中开始，嵌套达到 {limit} 层。请在程序中调用 backward()，而不要在钩子中调用。",
    ),
    "run.own_fault": (
        "The run ended because of a fault of ours ({type}). Your program is not to blame; please try it again.",
        "由于我们自身的错误（{type}），运行已结束。这不是您的程序的问题；请再试一次。",
    ),
    "run.question_unmet": (
        "This run has no node {subject}, so the question about it has no answer.",
        "本次运行没有节点 {subject}，因此关于它的问题没有答案。",
    ),
    "run.question_own_code": (
        "This node cannot be asked on its own: it computes nothing, or asking would run the program's own backward again.",
        "无法单独询问此节点：它不做计算，或者询问会再次运行程序自己的 backward。",
    ),
    "run.question_large": (
        "This Jacobian has more than {limit:,} elements. Make the tensors smaller to see it.",
        "该雅可比矩阵的元素超过 {limit:,} 个。请缩小张量后再查看。",
    ),
}
