"""Paths of the gradient: each path's part is what PyTorch gives when the others are cut, and all add up to the grad."""

from __future__ import annotations

import pytest
import torch

from engine.executors.base import Question
from engine.paths import PATHS, Account, account, completed
from engine.scenarios import load
from engine.trace import Trace
from tests.recording import finished, record


def paths_to(source: str, label: str, pass_: int = 0) -> Account:
    trace = finished(source)
    leaf = next(node.leaf for node in trace.nodes if node.leaf is not None and node.label == label)
    return account(trace, pass_, leaf)


def asked(source: str, label: str, pass_: int = 0) -> Account:
    """The account with what the live nodes of another run say."""
    return completed_by_nodes(source, paths_to(source, label, pass_))


def completed_by_nodes(source: str, found: Account) -> Account:
    return completed(found, record(source, questions=(Question("paths", found.target, found.pass_),)).answers)


def assert_adds_up(found: Account) -> None:
    columns = [path.values for path in found.paths if path.values is not None]
    columns += [found.rest] if found.rest is not None else []
    assert found.total is not None
    together = [sum(parts) for parts in zip(*columns, strict=False)]
    scale = max(abs(one) for column in [*columns, found.total] for one in column)
    assert together[: len(found.total)] == pytest.approx(list(found.total), rel=1e-4, abs=1e-5 * scale)


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


MIXED = {
    "a matrix product": "w = torch.ones(2, 2, requires_grad=True)\na = w @ torch.tensor([[1.0, 2.0], [3.0, 4.0]])\n"
    "y = (a * a + a).sum()\ny.backward()\n",
    "a softmax and its parts": "w = torch.randn(2, 3, requires_grad=True)\na, b = torch.softmax(w @ w.T, 1).unbind(0)\n"
    "y = (a * b + a.cumsum(0)).sum()\ny.backward()\n",
    "layers used twice": "w = torch.randn(4, 3, requires_grad=True)\nm = torch.nn.Linear(4, 4)\n"
    "h = torch.tanh(torch.randn(5, 3) @ w.T)\ny = (m(h) + m(m(h)) + h).pow(2).mean()\ny.backward()\n",
    "more than is recorded": "w = torch.randn(40, 30, requires_grad=True)\nx = torch.randn(5, 30)\n"
    "y = (torch.sigmoid(x @ w.T) + x @ w.T).sum()\ny.backward()\n",
    "two outputs": "w = torch.randn(6, requires_grad=True)\na, b = w.sort()[0].chunk(2)\n"
    "y = a * b + torch.cat([a[:1], b[1:]]).prod()\n"
    "y.backward(gradient=torch.tensor([1.0, -2.0, 0.5]))\n",
    "autograd.grad": "w = torch.randn(3, 3, requires_grad=True)\nh = torch.linalg.inv(w + 4 * torch.eye(3))\n"
    "g = torch.autograd.grad((h @ h + h).trace(), w)\n",
}


@pytest.mark.parametrize("body", MIXED.values(), ids=list(MIXED))
def test_where_elements_mix_the_live_nodes_tell_the_paths_apart(body: str) -> None:
    found = asked(f"import torch\n{body}", "w")
    assert len(found.paths) == found.count > 1
    assert found.known
    assert (found.rest, found.code) == (None, "")
    assert_adds_up(found)


def test_a_path_of_a_matrix_product_is_what_pytorch_gives_without_the_others() -> None:
    source = (
        "import torch\nw = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)\na = w @ w.detach()\n"
        "y = (torch.exp(a / 9) + a ** 2).sum()\ny.backward()\n"
    )
    w = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    alone = [torch.autograd.grad(f(w @ w.detach()).sum(), w)[0] for f in (lambda a: torch.exp(a / 9), lambda a: a**2)]
    parts = [path.values for path in asked(source, "w").paths]
    for part, exact in zip(parts, alone, strict=True):
        assert part == pytest.approx(exact.flatten().tolist(), rel=1e-5)


def test_paths_beyond_the_bound_are_one_rest() -> None:
    source = "import torch\nw = torch.tensor(1.0, requires_grad=True)\ny = w\n" + "y = y + y\n" * 7 + "y.backward()\n"
    found = paths_to(source, "w")
    assert (len(found.paths), found.count, found.total, found.rest) == (PATHS, 128, (128.0,), (64.0,))
    deep = paths_to(source.replace("y.backward", "y = y + y\n" * 60 + "y.backward"), "w")
    assert deep.count == 2**67
    assert_adds_up(deep)


def test_a_hook_that_changes_a_gradient_is_said() -> None:
    hooked = "import torch\nw = torch.ones(2, requires_grad=True)\nw.register_hook(lambda g: g * 10)\n"
    assert paths_to(hooked + "(w * w).sum().backward()\n", "w").code == "paths.changed"
    assert paths_to(hooked + "(w * 3).sum().backward()\n", "w").paths[0].values == (30.0, 30.0)


def test_a_function_of_the_program_is_followed_in_the_record_alone() -> None:
    source = (
        "import torch\nclass Twice(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
        "        return x * 2\n    @staticmethod\n    def backward(ctx, g):\n        return g * 2\n"
        "w = torch.ones(2, requires_grad=True)\na = Twice.apply(w)\ny = (a * a + w).sum()\ny.backward()\n"
    )
    found = asked(source, "w")
    assert [path.code for path in found.paths] == ["paths.mixed", "paths.mixed", ""]
    assert_adds_up(found)


def _leaves(trace: Trace) -> list[tuple[int, int]]:
    """(pass, leaf) of the first and the last pass."""
    leaves = [node.leaf for node in trace.nodes if node.leaf is not None]
    passes = [row.number for row in trace.passes if row.error is None]
    return [(pass_, leaf) for pass_ in {*passes[:1], *passes[-1:]} for leaf in leaves]


@pytest.mark.parametrize("name", [name for name, one in load().items() if one.page == "program" and name != "xor"])
def test_the_paths_of_a_scenario_add_up(name: str) -> None:
    source = load()[name].program
    assert source is not None
    trace = record(source)
    for pass_, leaf in _leaves(trace):
        found = account(trace, pass_, leaf)
        if found.code == "paths.none" or found.total is None:
            continue
        if not found.known:
            found = completed_by_nodes(source, found)
        assert found.known, found
        if found.code == "paths.changed":
            assert name == "hooks"
        else:
            assert_adds_up(found)


def test_a_leaf_without_a_pass_says_so() -> None:
    source = DIAMOND + "v = torch.ones(1, requires_grad=True)\nz = v * 2\n"
    assert paths_to(source, "v").code == "paths.none"


def test_autograd_grad_has_paths_too() -> None:
    source = "import torch\nx = torch.tensor(2.0, requires_grad=True)\ny = x * x\n(g,) = torch.autograd.grad(y, x)\n"
    assert [path.values for path in paths_to(source, "x").paths] == [(2.0,), (2.0,)]
