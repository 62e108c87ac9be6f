"""Sentences about the place where programs run: the queue, the fence, and children that ended without a word."""

ROWS = {
    "limit.time": (
        "Your program ran for more than {seconds} seconds and was stopped. Everything up to there is shown. "
        "Shorten a loop or make the tensors smaller.",
        "程序运行超过 {seconds} 秒，已被停止。此前的一切都已显示。请缩短循环或减小张量。",
    ),
    "limit.memory": (
        "Your program needed more than {megabytes} MB of memory and was stopped. Everything up to there is shown. "
        "Make the tensors smaller.",
        "程序需要的内存超过 {megabytes} MB，已被停止。此前的一切都已显示。请减小张量。",
    ),
    "lost.crash": (
        "Your program made PyTorch itself crash ({signal}); plain Python would have ended here too. "
        "Everything up to there is shown. Look at the values that the next call was given.",
        "程序使 PyTorch 自身崩溃（{signal}）；在普通 Python 中也会在此结束。此前的一切都已显示。"
        "请检查下一个调用所得到的值。",
    ),
    "lost.division": (
        "Your program made the processor divide integers with no result to give; plain Python would have crashed here "
        "too. Everything up to there is shown. Look for a division of integers by zero or by -1.",
        "程序让处理器做了没有结果的整数除法；在普通 Python 中也会在此崩溃。此前的一切都已显示。"
        "请检查除以零或除以 -1 的整数除法。",
    ),
    "lost.killed": (
        "The run of your program was ended from outside, most likely because the server was short of memory. "
        "Everything up to there is shown. Run it again.",
        "程序的运行被外部终止，多半是服务器内存不足。此前的一切都已显示。请再运行一次。",
    ),
    "lost.protocol": (
        "The run of your program ended in a way we did not foresee, and what it sent last cannot be read. "
        "Everything up to there is shown.",
        "程序以我们未预料的方式结束，它最后发来的内容无法读取。此前的一切都已显示。",
    ),
    "executor.busy": (
        "The server is full: {waiting} programs are waiting. Your text is kept; press Run again in a few seconds.",
        "服务器已满：有 {waiting} 个程序在等待。您的文本已保留；请过几秒再按“运行”。",
    ),
    "executor.replaced": (
        "You started a newer run, so this one was ended.",
        "您启动了新的运行，因此这一次已结束。",
    ),
    "executor.place": (
        "Place {place} in the queue.",
        "排队第 {place} 位。",
    ),
    "executor.no_child": (
        "The server could not start a process for your program. Your text is kept; try again in a minute.",
        "服务器无法为您的程序启动进程。您的文本已保留；请一分钟后再试。",
    ),
    "executor.failed": (
        "Something of ours went wrong while your program ran; it is not your program's fault. Try again.",
        "运行程序时我们这边出了错，与您的程序无关。请再试一次。",
    ),
    "executor.closed": (
        "The server is shutting down. Your text is kept in the link.",
        "服务器正在关闭。您的文本保留在链接中。",
    ),
    "executor.fence_strong": (
        "Programs run in a process that can reach no file and no network.",
        "程序在无法访问任何文件和网络的进程中运行。",
    ),
    "executor.fence_process": (
        "Programs run in a process of their own, but this system cannot keep it from files and network. "
        "Run only what you trust.",
        "程序在独立进程中运行，但本系统无法阻止其访问文件和网络。请只运行您信任的内容。",
    ),
    "executor.fence_required": (
        "This installation asks for the strong fence, and the system does not offer it ({reason}). "
        "Allow seccomp, or unset AUTOGRAD_PLAYGROUND_REQUIRE_FENCE.",
        "本安装要求强隔离，而系统未提供（{reason}）。请允许 seccomp，或取消设置 AUTOGRAD_PLAYGROUND_REQUIRE_FENCE。",
    ),
    "executor.loopback_only": (
        "This system offers no strong fence, so only this machine itself is answered. "
        "Set AUTOGRAD_PLAYGROUND_ALLOW_WEAK_FENCE=1 to answer others.",
        "本系统没有强隔离，因此只响应本机。要响应其他机器，请设置 AUTOGRAD_PLAYGROUND_ALLOW_WEAK_FENCE=1。",
    ),
}
