"""Paths of the gradient: each path's part is what PyTorch gives when the others are cut, and all add up to the grad."""

from __future__ import annotations

import pytest
import torch

from engine.paths import Account, account
from tests.recording import finished


def paths_to(source: str, label: str, pass_: int = 0) -> Account:
    trace = finished(source)
    leaf = next(node.leaf for node in trace.nodes if node.leaf is not None and node.label == label)
    return account(trace, pass_, leaf)


DIAMOND = (
    "import torch\nx = torch.tensor(0.5, requires_grad=True)\na = torch.exp(x)\nupper = a * 3\nlower = a ** 2\n"
    "y = upper + lower\ny.backward()\n"
)


def test_each_path_of_a_diamond_has_its_part() -> None:
    found = paths_to(DIAMOND, "x")
    x = torch.tensor(0.5)
    parts = sorted(path.values[0] for path in found.paths if path.values)
    assert parts == pytest.approx(sorted([float(3 * x.exp()), float(2 * x.exp() ** 2)]))
    assert found.total is not None
    assert sum(parts) == pytest.approx(found.total[0])
    assert len({(path.nodes[0], path.nodes[-1]) for path in found.paths}) == 1


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("y = (w * 2 + w.sin() + w).sum()\ny.backward()\n", 3),
        ("y = (w * w).sum()\ny.backward()\n", 2),
        ("a = w.exp()\nb = a + a * a\ny = (b * b).mean()\ny.backward()\n", 6),
        ("y = w * 2 + w\ny.backward(gradient=torch.tensor([1.0, -1.0, 2.0]))\n", 2),
    ],
)
def test_the_parts_add_up_to_the_gradient(body: str, count: int) -> None:
    found = paths_to("import torch\nw = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)\n" + body, "w")
    assert len(found.paths) == count
    assert found.total is not None
    columns = [path.values for path in found.paths]
    assert all(column is not None for column in columns)
    together = [sum(parts) for parts in zip(*(column for column in columns if column), strict=True)]
    assert together == pytest.approx(list(found.total), rel=1e-5)


def test_a_node_that_mixes_elements_says_that_its_parts_are_not_known() -> None:
    source = (
        "import torch\nw = torch.ones(2, 2, requires_grad=True)\na = w @ torch.tensor([[1.0, 2.0], [3.0, 4.0]])\n"
        "y = (a * a + a).sum()\ny.backward()\n"
    )
    assert {path.code for path in paths_to(source, "w").paths} == {"paths.mixed"}


def test_too_many_paths_are_not_followed() -> None:
    source = "import torch\nw = torch.tensor(1.0, requires_grad=True)\ny = w\n" + "y = y + y\n" * 7 + "y.backward()\n"
    assert paths_to(source, "w").code == "paths.many"


def test_a_leaf_without_a_pass_says_so() -> None:
    source = DIAMOND + "v = torch.ones(1, requires_grad=True)\nz = v * 2\n"
    assert paths_to(source, "v").code == "paths.none"


def test_autograd_grad_has_paths_too() -> None:
    source = "import torch\nx = torch.tensor(2.0, requires_grad=True)\ny = x * x\n(g,) = torch.autograd.grad(y, x)\n"
    assert [path.values for path in paths_to(source, "x").paths] == [(2.0,), (2.0,)]
