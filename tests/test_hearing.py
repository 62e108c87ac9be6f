"""What a profiler lists of a recorded run is what PyTorch's own lists of the plain one: nothing of the recorder's."""

from __future__ import annotations

import pytest

from engine import hearing
from tests.forking import in_child
from tests.recording import finished
from tests.test_interpreter_torch import plain

_AROUND = """
import torch
from torch.profiler import profile, record_function
torch.manual_seed(0)
{program}
with profile(record_shapes=True, profile_memory=True) as p:
    body()
def depth(event):
    return 0 if event.cpu_parent is None else 1 + depth(event.cpu_parent)
for event in p.events():
    if event.name != "[memory]":  # memory given back: what is recorded may live longer
        taken = event.cpu_memory_usage if "aten::" in event.name else "?"
        print("." * depth(event) + event.name, event.input_shapes, event.scope, event.count, taken)
"""
PROGRAMS = {
    "a layer, its gradients and a step": """
layer = torch.nn.Linear(3, 2)
x = torch.ones(4, 3)
def body():
    y = layer(x).relu()
    loss = (y * 2 + 1).sum()
    loss.backward()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    optimizer.step()
    optimizer.zero_grad()
    z = torch.softmax(y, 1)
""",
    "a function and a hook of the program's own": """
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return 2 * x * g
def body():
    x = torch.arange(4.0, requires_grad=True)
    x.register_hook(lambda g: g * 3)
    y = Square.apply(x)
    z = y + y * 2
    z.sum().backward(retain_graph=True)
    g, = torch.autograd.grad(z.sum(), x, create_graph=True)
    told = [x.grad.tolist(), float(x[0]), str(y)]
""",
    "labels, and tensors that are larger than a preview": """
def body():
    a = torch.randn(40, 40)
    with record_function("outer"):
        b = a @ a
        with record_function("inner"):
            c = b.tanh()[0]
    d = (c > 0).numpy()
""",
}


def printed(source: str) -> str:
    """What a recorded run prints."""
    return "".join(step.printed for step in finished(source).steps)


def printed_plainly(source: str) -> str:
    """What Python prints."""
    text, error, _ = plain(source)
    assert error is None
    return text


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_heard_is_what_the_program_ran(name: str) -> None:
    """Names, nesting, shapes, memory and their order."""
    source = _AROUND.format(program=PROGRAMS[name])
    heard = in_child(printed, source)
    assert heard == in_child(printed_plainly, source)
    assert "aten::" in heard


def test_who_listens_last_hears() -> None:
    """As with PyTorch's own, a second one takes the place of the first; who does not listen hears nothing."""
    first, second = object(), object()
    hearing.begin(first)
    hearing.begin(second)
    hearing.hear(first, False)
    assert hearing.listening
    assert hearing.end(first) == []
    hearing.end(second)
    assert not hearing.listening
    assert hearing.end(second) == []
