"""A view and its base share memory, and autograd knows."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="graph",
    order=20,
    title=("A view shares its storage", "视图共享存储"),
    notice=(
        "row is a view: writing into it changes the matrix, and the graph is rewritten so that the gradient "
        "follows. The row that was overwritten gets zeros.",
        "row 是视图：写入它就改变了矩阵，计算图也随之改写，梯度因此跟得上。被覆盖的那一行梯度为 0。",
    ),
    sketch="[a] > (*2); (*2) > row; row > (fill_); (*2) (fill_) > (sum)",
    program="""\
import torch

a = torch.ones(2, 3, requires_grad=True)
m = a * 2
row = m[0]
print(row._base is m, row.shape, row.storage_offset())

row.fill_(7.0)
print(m)

m.sum().backward()
print(a.grad)
""",
)
