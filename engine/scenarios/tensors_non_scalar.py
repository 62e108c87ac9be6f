"""backward() from three numbers needs to be told their weights."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="tensors",
    order=70,
    page="tensors",
    title=("backward() from three numbers", "从三个数出发 backward()"),
    notice=(
        "y has three elements, so backward() needs gradient=: how much each one counts. With 1, 0, 10 the"
        " second element sends nothing back, the third ten times as much.",
        "y 有三个元素，因此 backward() 需要 gradient=：每个元素占多少权重。取 1"
        "、0、10 时，第二个不传回任何东西，第三个传回十倍。",
    ),
    sketch="[x] > (**2); (**2) > y",
    state={
        "card": "x",
        "panel": "cells",
        "program": """\
import torch
x = torch.tensor([1., 2., 3.], requires_grad=True)
y = x ** 2
g = torch.tensor([1., 0., 10.])
y.backward(gradient=g)
""",
    },
)
