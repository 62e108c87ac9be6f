"""Which cells feed which, proved by PyTorch: the Jacobian of an operation is nonzero exactly there."""

from __future__ import annotations

import pytest
import torch

from engine.cells import Origin, origins, repeated
from engine.trace import Trace
from tests.recording import record, tensors

START = """import torch
a = torch.tensor([[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]], requires_grad=True)
b = torch.tensor([0.5, 1.5, 2.5], requires_grad=True)
c = torch.tensor([[2.5], [3.5]], requires_grad=True)
m = torch.tensor([[1.5, 2.5], [3.5, 4.5], [5.5, 6.5]], requires_grad=True)
"""

FOLLOWED = [
    "a + b", "b - a", "a * c", "a / c", "c * b", "a ** 2", "torch.add(a, b)", "a.exp()", "torch.sin(a)", "a * 2",
    "a @ m", "m @ a", "a @ b", "b @ m", "b @ b", "torch.matmul(a, m)",
    "a.sum()", "a.mean()", "a.sum(0)", "a.sum(dim=1)", "a.mean(dim=-1, keepdim=True)", "torch.sum(a, 1)",
    "a.sum(dim=(0, 1))", "b.sum(dim=0)",
    "a.t()", "a.transpose(0, 1)", "a.view(3, 2)", "a.reshape(-1)", "a[1]", "a[:, 1]", "a[0, 1:]", "c.expand(2, 4)",
    "a.unsqueeze(0)", "a.T.contiguous()", "a.T.reshape(-1)", "a.clone()",
]  # fmt: skip


def origin(expression: str) -> tuple[Origin | None, Trace]:
    """The origin of `y = expression`, after a backward of its sum."""
    trace = record(f"{START}y = {expression}\ny.sum().backward()\n")
    assert trace.outcome is not None
    assert trace.outcome.kind == "finished", trace.outcome
    y = tensors(trace)["y"].tensor
    return origins(trace, [y]).get(y), trace


@pytest.mark.parametrize("expression", FOLLOWED)
def test_cells_feed_where_the_jacobian_is_not_zero(expression: str) -> None:
    found, _ = origin(expression)
    assert found is not None
    names: dict[str, torch.Tensor] = {}
    exec(START, {}, names)
    given = {name: value.detach() for name, value in names.items() if isinstance(value, torch.Tensor)}
    used = [name for name in given if name in {source.name for source in found.sources}]
    for source in found.sources:
        if source.name not in used:  # an expression in between: the shape of its own is all there is to compare
            assert expression.startswith(source.name)
            continue

        def one(value: torch.Tensor, name: str = source.name) -> torch.Tensor:
            result: torch.Tensor = eval(expression, {"torch": torch, **given, name: value})
            return result

        jacobian: torch.Tensor = torch.autograd.functional.jacobian(  # type: ignore[no-untyped-call]
            one, given[source.name]
        )
        rows = jacobian.reshape(-1, given[source.name].numel())
        feeding = [row.nonzero().flatten().tolist() for row in rows]
        uses = sum(other.name == source.name for other in found.sources)
        if uses == 1:
            assert source.feeds == feeding
        assert source.repeated == repeated(given[source.name].shape, found.value.shape) or len(feeding) != len(rows)


@pytest.mark.parametrize("expression", ["torch.linalg.inv(a @ m)", "a.cumsum(0)", "torch.cat([a, a])"])
def test_what_is_not_followed_is_not_guessed(expression: str) -> None:
    found, _ = origin(expression)
    assert found is None


def test_two_gradients_to_one_tensor_are_not_taken_for_one() -> None:
    found, _ = origin("b * b")
    assert found is not None
    assert [(source.name, source.feeds, source.sent) for source in found.sources] == [("b", [[0], [1], [2]], None)]


def test_gradients_of_repeated_cells_add_up() -> None:
    found, _ = origin("a + b")
    assert found is not None
    whole, bias = found.sources
    assert (found.operation, found.line, bias.name, bias.repeated, whole.repeated) == ("a + b", 6, "b", [0], [])
    assert found.arrived is not None
    assert bias.sent is not None
    sums = [sum(found.arrived.cells[out] for out, cells in enumerate(bias.feeds) if cells == [at]) for at in range(3)]  # type: ignore[index, misc]
    assert bias.sent.cells == sums == [2.0, 2.0, 2.0]


def test_what_is_repeated() -> None:
    assert repeated((3,), (2, 3)) == [0]
    assert repeated((2, 1), (2, 3)) == [1]
    assert repeated((), (2, 3)) == [0, 1]
    assert repeated((2, 3), (2, 3)) == repeated((2, 3), (6,)) == repeated((2, 3), (3,)) == []
    outer, _ = origin("c @ b.view(1, 3)")
    assert outer is not None
    assert [source.repeated for source in outer.sources] == [[], []]


def test_large_tensors_and_those_without_values_are_left_out() -> None:
    trace = record(
        "import torch\nx = torch.ones(100)\ny = x * 2\nm = torch.ones(2, device='meta')\nn = m * 2\nz = x.sum()"
    )
    assert origins(trace, [value.tensor for value in tensors(trace).values()]) == {}
