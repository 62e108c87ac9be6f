"""The lesson: z = w*x + b, and four backward calls through one graph."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="lesson",
    order=20,
    title=("One line, four backward calls", "一行公式，四次 backward"),
    notice=(
        "b.grad reads 1, then 2, 3, 4: every backward adds to .grad, nothing clears it. retain_graph=True "
        "keeps the graph alive for the next call.",
        "b.grad 依次为 1、2、3、4：每次 backward 都累加到 .grad 上，没有任何东西把它清零。retain_graph=True 让"
        "计算图留到下一次调用。",
    ),
    sketch="x [w] > (*); (*) [b] > (+); (+) > z",
    program=r"""import torch
x=torch.rand(1)
b=torch.rand(1,requires_grad=True)
w=torch.rand(1,requires_grad=True)
y = w * x
z = y + b
x.requires_grad, w.requires_grad,b.requires_grad,y.requires_grad,z.requires_grad
print("x: ",x, end="\n"),print("b: ",b ,end="\n"),print("w: ",w ,end="\n")
print("y: ",y, end="\n"),print("z: ",z, end="\n")
# 反向传播计算
z.backward(retain_graph=True) #注意:如果不清空,b每一次更新,都会自我累加起来,依次为1 2 3 4 。。。
w.grad
b.grad
z.backward(retain_graph=True)
z.backward(retain_graph=True)
z.backward(retain_graph=True)
b.grad
""",
)
