"""A new tensor's expression makes, on plain PyTorch, the tensor that was asked for."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidState
from engine.fills import DTYPES, MOST_CELLS, built, literal, number, values

NAN = float("nan")


def made(**asked: object) -> torch.Tensor:
    """What the expression evaluates to."""
    tensor = eval(built(asked), {"torch": torch})
    assert isinstance(tensor, torch.Tensor)
    return tensor


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "asked",
    [
        {"fill": "zeros", "shape": "2, 3"},
        {"fill": "ones", "shape": ""},
        {"fill": "values", "values": "1, 0"},
        {"fill": "arange", "start": "0", "end": "4", "step": "2"},
        {"fill": "linspace", "start": "0", "end": "1", "steps": "3"},
    ],
    ids=lambda asked: asked["fill"],
)
def test_every_dtype_of_every_fill(dtype: str, asked: Mapping[str, str]) -> None:
    """bool has no range in PyTorch; everything else is the dtype asked for."""
    if dtype == "bool" and asked["fill"] == "linspace":
        with pytest.raises((RuntimeError, NotImplementedError)):
            made(**asked, dtype=dtype)
        return
    if dtype in ("bool", "complex64", "complex128") and asked["fill"] == "arange":
        with pytest.raises((RuntimeError, NotImplementedError, TypeError)):
            made(**asked, dtype=dtype)
        return
    assert made(**asked, dtype=dtype).dtype == getattr(torch, dtype)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1.0),
        ("1,", [1.0]),
        ("1 2 3", [1.0, 2.0, 3.0]),
        ("1, 2; 3, 4", [[1.0, 2.0], [3.0, 4.0]]),
        ("1\t2\r\n3\t4\r\n", [[1.0, 2.0], [3.0, 4.0]]),
        ("0,5\t1,25", [0.5, 1.25]),
        ("$1,234.50\t12%\n(3)\t-€4,5", [[1234.5, 0.12], [3.0, -4.5]]),
        ("1.234,5\t1,234,567\t\n−2 %\t￥0.5", [[1234.5, 1234567.0], [-0.02, 0.5]]),
        ("[[1, 2], [3, 4]]", [[1.0, 2.0], [3.0, 4.0]]),
        ("[[[1.]]]", [[[1.0]]]),
        ("[1 2\n 3]", [1.0, 2.0, 3.0]),
        ("-1e-3，2", [-1e-3, 2.0]),
        ("inf -inf", [float("inf"), float("-inf")]),
        ("007", 7.0),
    ],
)
def test_typed_and_pasted_values(text: str, expected: object) -> None:
    tensor = made(fill="values", values=text)
    assert tensor.dtype == torch.float32
    assert torch.equal(tensor, torch.tensor(expected))


def test_values_of_other_kinds() -> None:
    assert torch.isnan(made(values="nan"))
    assert made(values="true false", dtype="bool").tolist() == [True, False]
    assert made(values="1+2j 3i", dtype="complex64").tolist() == [1 + 2j, 3j]
    assert built({"values": "3", "dtype": "int64"}) == "torch.tensor(3, dtype=torch.int64)"
    assert built({"values": "0.5", "requires_grad": True}) == "torch.tensor(0.5, requires_grad=True)"
    assert made(fill="zeros", shape="2", device="meta").device.type == "meta"


def test_a_seed_of_its_own() -> None:
    """Two tensors of one seed are equal, whatever was drawn before."""
    first = made(fill="randn", shape="2x3", seed="7")
    torch.rand(5)
    assert torch.equal(first, made(fill="randn", shape="(2, 3)", seed="7"))
    assert torch.equal(first, torch.randn(2, 3, generator=torch.Generator().manual_seed(7)))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"values": ""}, "tensors.fill.values"),
        ({"values": "1, 2; 3"}, "tensors.fill.ragged"),
        ({"values": "1\t\t3\n4\t\t6"}, "tensors.fill.blank"),
        ({"values": "[1, 2"}, "tensors.fill.values"),
        ({"values": "[1]]"}, "tensors.fill.values"),
        ({"values": "1 [2]"}, "tensors.fill.values"),
        ({"values": "[1] 2"}, "tensors.fill.values"),
        ({"values": "open('x')"}, "tensors.number"),
        ({"values": " ".join(["1"] * (MOST_CELLS + 1))}, "tensors.fill.many"),
        ({"fill": "zeros", "shape": "2, -3"}, "tensors.fill.shape"),
        ({"fill": "zeros", "shape": "n"}, "tensors.fill.shape"),
        ({"fill": "rand", "shape": "2", "seed": "x"}, "tensors.fill.seed"),
        ({"fill": "linspace", "steps": "2.5"}, "tensors.fill.steps"),
        ({"fill": "empty"}, "tensors.unknown"),
        ({"fill": "zeros", "dtype": "float8"}, "tensors.unknown"),
        ({"fill": "zeros", "device": "cpu)"}, "tensors.unknown"),
    ],
)
def test_what_is_no_tensor_is_said(asked: Mapping[str, str], code: str) -> None:
    with pytest.raises(InvalidState) as caught:
        built(asked)
    assert caught.value.code == code


@given(st.floats(allow_nan=False))
def test_a_number_stays_what_it_is(value: float) -> None:
    assert eval(literal(repr(value)), {}) == value


@settings(max_examples=200)
@given(st.text(max_size=30))
def test_any_text_is_numbers_or_said(text: str) -> None:
    """Nothing but numbers, brackets and commas ever reaches a program."""
    try:
        written = values(text)
    except InvalidState:
        return
    assert not set(written.replace('float("nan")', "").replace('float("inf")', "")) - set(
        "0123456789.+-eEjJ[], TrueFals"
    )


def test_a_number_is_not_code() -> None:
    for text in ("1;2", "__import__", "1_000", "0x10", "1e9999x", "9" * 99):
        with pytest.raises(InvalidState):
            number(text)
