"""All derivatives of a vector function, and all second derivatives of a scalar one."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="higher",
    order=20,
    title=("Jacobian and Hessian", "雅可比与黑塞矩阵"),
    notice=(
        "Row i of the Jacobian is the gradient of output i; the Hessian is the Jacobian of the gradient, and "
        "it is symmetric.",
        "雅可比矩阵的第 i 行是第 i 个输出的梯度；黑塞矩阵是梯度的雅可比矩阵，而且对称。",
    ),
    sketch="[x] > (f); (f) > y1 y2",
    program="""\
import torch
from torch.autograd.functional import hessian, jacobian


def polar(p):
    r, t = p[0], p[1]
    return torch.stack([r * torch.cos(t), r * torch.sin(t)])


def bowl(p):
    return p[0] ** 2 * p[1] + torch.exp(p[1])


point = torch.tensor([2.0, 0.0])
J = jacobian(polar, point)
H = hessian(bowl, point)

print(J)
print(torch.linalg.det(J))
print(H)
""",
)
