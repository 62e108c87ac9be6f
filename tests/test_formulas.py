"""Every row of the formulas is proved: its expressions, evaluated by torch, equal what PyTorch computed and passed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.formulas import FORMULAS, Formula, formula
from engine.latex import latex
from engine.messages import LANGUAGES, render


def _place(gradient: Tensor, like: Tensor, index: Any) -> Tensor:
    """Zeros of the shape of `like` with the gradient added at the index, repeated indices adding up."""
    placed = torch.zeros_like(like)
    if isinstance(index, list):
        return placed.index_put((torch.tensor(index),), gradient, accumulate=True)
    placed[index] = gradient
    return placed


_FUNCTIONS: dict[str, Any] = {
    "pi": math.pi,
    "log": lambda x: torch.log(torch.as_tensor(x, dtype=torch.float64)),
    "sqrt": lambda x: torch.sqrt(torch.as_tensor(x, dtype=torch.float64)),
    "Phi": lambda a: torch.special.ndtr(a),
    "phi": lambda a: torch.exp(-(a**2) / 2) / math.sqrt(2 * math.pi),
    "det": torch.linalg.det,
    "inv": torch.linalg.inv,
    "norm": torch.linalg.vector_norm,
    "polygamma": torch.polygamma,
    "ones": torch.ones_like,
    "count": Tensor.numel,
    "size": Tensor.size,
    "shape": lambda a: a.shape,
    "view": lambda a, s: a.view(s),
    "expand": lambda a, s: a.expand(s),
    "repeat": lambda a, k: a.repeat(k),
    "permute": lambda a: a.permute(2, 0, 1),
    "permute_back": lambda g: g.permute(1, 2, 0),
    "flip": lambda a: a.flip(0),
    "alias": torch.ops.aten.alias,
    "select": lambda a, i: a[i],
    "place": _place,
    "cat": lambda a, b: torch.cat([a, b]),
    "stack": lambda a, b: torch.stack([a, b]),
    "softmax": lambda a: F.softmax(a, dim=0),
    "log_softmax": lambda a: F.log_softmax(a, dim=0),
    "one_hot": lambda t, a: F.one_hot(t, a.shape[1]),
}


class _Names(dict[str, Any]):
    """What an expression may name: its own tensors and settings, the few functions above, then F's and torch's."""

    def __missing__(self, name: str) -> Any:
        return _FUNCTIONS[name] if name in _FUNCTIONS else getattr(F, name, None) or getattr(torch, name)


def _tensor(shape: tuple[int, ...], domain: str, generator: torch.Generator) -> Tensor:
    unit = torch.rand(shape, generator=generator, dtype=torch.float64) * 0.8 + 0.1
    return {
        "unit": unit,
        "positive": unit + 0.3,
        "open": unit * 1.6 - 0.75,
        "above": unit + 1.2,
        "real": torch.randn(shape, generator=generator, dtype=torch.float64),
    }[domain]


_GIVEN: Mapping[str, Any] = {
    "mask": torch.tensor([True, False, True]),
    "targets": torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64),
    "classes": torch.tensor([0, 3, 1]),
}


def _prove(row: Formula) -> None:
    generator = torch.Generator().manual_seed(7)
    names = _Names(
        {name: _GIVEN.get(value, value) if isinstance(value, str) else value for name, value in row.given.items()}
    )
    inputs = []
    for name in row.inputs:
        tensor = _tensor(row.shapes.get(name, (3,)), row.domain, generator).requires_grad_()
        names[name] = tensor
        inputs.append(tensor)
    y = eval(row.forward, {}, names)
    assert y.grad_fn.name() == row.name
    g = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    passed = torch.autograd.grad(y, inputs, g)
    names |= {"y": y.detach(), "g": g}
    for tensor in inputs:
        tensor.requires_grad_(False)
    for vjp, gradient in zip(row.vjps, passed, strict=True):
        torch.testing.assert_close(eval(vjp, {}, names).to(gradient), gradient)


@pytest.mark.parametrize("row", FORMULAS.values(), ids=lambda row: row.name)
def test_a_row_is_what_pytorch_passes(row: Formula) -> None:
    _prove(row)


def test_a_wrong_row_is_caught() -> None:
    """The proof itself can fail: cosine's derivative without its sign is refused."""
    with pytest.raises(AssertionError):
        _prove(Formula("CosBackward0", "cos(a)", ("g * sin(a)",), ("a",)))


@pytest.mark.parametrize("row", FORMULAS.values(), ids=lambda row: row.name)
def test_a_row_can_be_written_and_said(row: Formula) -> None:
    assert row.forward_latex().startswith("y = ")
    for position in range(len(row.vjps)):
        written = row.vjp_latex(position)
        assert written.count("{") == written.count("}")
    for language in LANGUAGES:
        assert render(row.code, language=language)


def test_numbers_are_put_in() -> None:
    row = formula("MulBackward0")
    assert row is not None
    assert row.vjp_latex(0, {"g": "1", "b": "-2"}) == r"1 \cdot (-2)"
    assert latex("-g * a / b ** 2") == r"\frac{-g \cdot a}{b^{2}}"
    assert latex("g * (1 - y ** 2)") == r"g \cdot \left(1 - y^{2}\right)"
    assert latex("g @ b.T") == r"g \, b^{\top}"


def test_a_name_without_a_row_has_none() -> None:
    assert formula("ConvolutionBackward0") is None
