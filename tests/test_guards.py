"""Each guard stops what crashes or never returns, and leaves ordinary calls and PyTorch's own errors as they are."""

from __future__ import annotations

import pytest
import torch

from tests.vocabulary_cases import run, stop

STOPPED = {
    "torch.nn.functional.ctc_loss(torch.zeros(5, 1, 3), torch.tensor([[7]]), [5], [1])": "refused.guard.labels",
    "torch.nn.CTCLoss()(torch.randn(5, 1, 3).log_softmax(2), torch.tensor([[7]]), (5,), (1,))": "refused.guard.labels",
    "torch.div(torch.tensor(-2**63), -1, rounding_mode='trunc')": "refused.guard.division",
    "torch.tensor(-2**31, dtype=torch.int32).div(torch.tensor(-1), rounding_mode='trunc')": "refused.guard.division",
    "torch.repeat_interleave(torch.tensor([2**62, 2**62]))": "limit.elements",
    "torch.ones(2).repeat_interleave(torch.tensor([2**62, 2**62]))": "limit.elements",
    "torch.nn.functional.max_pool1d(torch.ones(1, 1, 4), 10**12)": "refused.guard.number",
    "torch.nn.MaxPool1d(2, dilation=10**12)(torch.ones(1, 1, 4))": "refused.guard.number",
    "torch.linalg.matrix_power(torch.eye(2), -2**63)": "refused.guard.number",
    "torch.diff(torch.ones(3), n=10**9)": "refused.guard.number",
    "torch.special.legendre_polynomial_p(torch.ones(1), 10**18)": "refused.guard.number",
    "torch.special.zeta(torch.tensor(2.0), -1e15)": "refused.guard.number",
    "torch.set_default_tensor_type('a.b.c')": "refused.guard.tensor_type",
    "torch.ones(1).type('os.path')": "refused.guard.tensor_type",
    "torch.set_rng_state(torch.zeros(5056, dtype=torch.uint8))": "refused.guard.state",
    "p = torch.nn.Parameter(torch.ones(2)); p.data = torch.ones(5)": "refused.guard.data_shape",
    "import math; math.factorial(10**6)": "refused.guard.number",
    "import operator; operator.pow(10, 10**6)": "limit.integer",
}


@pytest.mark.parametrize("source", STOPPED)
def test_stopped(source: str) -> None:
    """With the sentence of that guard."""
    assert stop(f"import torch\n{source}").code == STOPPED[source]


SAME = """
torch.linalg.eigvals(torch.tensor([[0., 1.], [-1., 0.]]))
torch.nn.functional.ctc_loss(torch.zeros(5, 1, 3).log_softmax(2), torch.tensor([[1, 2]]), [5], [2])
torch.div(torch.tensor([7, -7]), 2, rounding_mode='trunc')
torch.repeat_interleave(torch.tensor([1, 2]), torch.tensor([2, 1]))
torch.tensor([1, 2]).repeat_interleave(2)
torch.nn.functional.max_pool1d(torch.arange(4.).reshape(1, 1, 4), 2, return_indices=True)
torch.nn.MaxPool2d(2)(torch.arange(16.).reshape(1, 1, 4, 4))
torch.matrix_power(torch.eye(2) * 2, 3)
torch.diff(torch.tensor([1., 4., 9.]))
torch.special.zeta(torch.tensor([2., 4.]), 1)
torch.polygamma(1, torch.tensor([1., 0.5]))
torch.mvlgamma(torch.tensor([4., 5.]), 2)
torch.ones(2).type('torch.DoubleTensor')
torch.empty((2, 0))
torch.sparse_coo_tensor([[0, 1], [1, 0]], [1., 2.], (2, 2)).to_dense()
torch.Tensor([1, 2])
torch.nn.functional.embedding_bag(torch.tensor([[0, 1]]), torch.ones(3, 2))
""".strip().splitlines()


@pytest.mark.parametrize("source", SAME)
def test_an_ordinary_call_is_unchanged(source: str) -> None:
    """Value and type are those of PyTorch."""
    plain = eval(source, {"torch": torch})
    ours = run(f"import torch\nx = {source}")[0]["x"]
    assert type(ours) is type(plain)
    assert repr(ours) == repr(plain)


@pytest.mark.parametrize(
    "source",
    [
        "torch.empty(-1)",
        "torch.empty('a')",
        "torch.linalg.eigvals(torch.ones(2, 3))",
        "torch.repeat_interleave(torch.tensor([-1]))",
        "torch.matrix_power(torch.ones(2, 3), 2)",
        "torch.nn.functional.max_pool1d(torch.ones(1, 1, 4), 0)",
        "torch.nn.functional.ctc_loss(1, 2, 3, 4)",
    ],
)
def test_pytorchs_own_error_is_unchanged(source: str) -> None:
    """Type and message."""
    with pytest.raises(Exception) as plain:  # noqa: PT011 - the message is compared below
        eval(source, {"torch": torch})
    with pytest.raises(type(plain.value)) as ours:
        run(f"import torch\n{source}")
    assert str(ours.value) == str(plain.value)


def test_eigvals_of_nan_raises_in_words() -> None:
    """Where PyTorch itself would crash."""
    with pytest.raises(Exception, match="infs or NaNs"):
        run("import torch\ntorch.linalg.eigvals(torch.full((2, 2), float('nan')))")


def test_returned_indices_are_not_the_saved_ones() -> None:
    """Writing into them cannot reach what backward reads."""
    variables, _ = run(
        "import torch, torch.nn.functional as F\n"
        "x = torch.arange(4.).reshape(1, 1, 4).requires_grad_()\n"
        "y, at = F.max_pool1d(x, 2, return_indices=True)\n"
        "at.fill_(10**9)\n"
        "y.sum().backward()\n"
    )
    assert variables["x"].grad.tolist() == [[[0, 1, 0, 1]]]


def test_randomness_repeats() -> None:
    """Also where no seed is given."""
    source = (
        "import torch, numpy as np, random\na = torch.seed()\nb = np.random.default_rng().random()\n"
        "random.seed()\nc = random.random()"
    )
    first, second = run(source)[0], run(source)[0]
    assert [first[name] for name in "abc"] == [second[name] for name in "abc"]
    state = run(
        "import torch\ns = torch.get_rng_state()\na = torch.rand(2)\ntorch.set_rng_state(s)\nb = torch.rand(2)"
    )[0]
    assert torch.equal(state["a"], state["b"])


def test_new_memory_is_cleared() -> None:
    """Nothing of another tensor shows."""
    for source in ("torch.empty(5)", "torch.ones(1).resize_(5)[1:]", "torch.Tensor(5)", "torch.ones(1).new_empty(5)"):
        assert not run(f"import torch\nx = {source}")[0]["x"].any()


def test_addresses_tell_nothing_but_what_shares_memory() -> None:
    source = (
        "import torch\nx = torch.rand(4, 4)\ny = x.view(2, 8)\n"
        "print(x.data_ptr() == y.data_ptr(), x.untyped_storage().data_ptr() == y.storage().data_ptr())\n"
        "print(x[1].data_ptr() - x.data_ptr(), torch.rand(1).data_ptr() == x.data_ptr(), torch.empty(0).data_ptr())\n"
        "print(hex(torch.Tensor.data_ptr(x)))"
    )
    assert run(source)[1] == "True True\n16 False 0\n0x550000000000\n"


def test_an_emptied_module_shows_no_old_memory() -> None:
    source = (
        "import torch\nm = torch.nn.Linear(9, 9)\nm(torch.ones(9)).sum().backward()\nm.to_empty(device='cpu')\n"
        "print(sum(p.abs().sum().item() + p.grad.abs().sum().item() for p in m.parameters()))"
    )
    assert run(source)[1] == "0.0\n"
