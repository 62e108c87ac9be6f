"""Shapes that nobody typed are guessed so that PyTorch accepts the expression."""

from __future__ import annotations

import pytest
import torch

from engine.typed_expression import read
from engine.typed_shapes import Shape, shapes


@pytest.mark.parametrize(
    "text",
    [
        "W @ x + b",
        "x @ A @ x",
        "x.T @ A @ x",
        "W2 @ relu(W1 @ x + b1) + b2",
        "det(A)",
        "trace(A @ B)",
        "solve(A, b)",
        "norm(A @ x - b)",
        "(A + B)^T x",
        "dot(x, y)",
        "einsum('ij,j->i', A, x)",
        "A @ B @ x",
        "sum(relu(W @ x))",
        "softmax(z)[1]",
        "x.T @ y",
        "P*V/T",
    ],
)
def test_pytorch_accepts_the_guess(text: str) -> None:
    typed = read(text)
    found = shapes(typed.torch, typed.ranks, {})
    assert {name: len(shape) for name, shape in found.items()} == typed.ranks
    names = {name: torch.eye(*shape) if len(shape) == 2 else torch.ones(shape) for name, shape in found.items()}
    result = eval(typed.torch, {"torch": torch, "F": torch.nn.functional}, dict(names))
    assert isinstance(result, torch.Tensor)


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("W @ x", {"x": (5,)}, {"W": (2, 5), "x": (5,)}),
        ("x @ A @ x", {"x": (2,)}, {"x": (2,), "A": (2, 2)}),
        ("x * y", {"x": (4,)}, {"x": (4,), "y": ()}),
    ],
)
def test_known_shapes_fix_the_others(text: str, known: dict[str, Shape], expected: dict[str, Shape]) -> None:
    typed = read(text)
    assert shapes(typed.torch, typed.ranks, known) == expected
