"""A real loss of complex numbers."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=100,
    page="tensors",
    title=("Complex numbers, real loss", "复数与实数损失"),
    notice=(
        "The loss |z|² is real, so backward() works. z.grad is 2z: its real part is the slope along the "
        "real axis, its imaginary part the slope along the imaginary one.",
        "损失 |z|² 是实数，所以 backward() 可行。z.grad 为 2z：实部是沿实轴的斜率，虚部是沿虚轴的斜率。",
    ),
    sketch="[z] > (abs); (abs) > (**2); (**2) > (sum)",
    state={
        "card": "z",
        "panel": "ledger",
        "program": """\
import torch
z = torch.tensor([1+2j, 3-1j], dtype=torch.complex64, requires_grad=True)
u = z.abs()
loss = (u ** 2).sum()
loss.backward()
""",
    },
)
