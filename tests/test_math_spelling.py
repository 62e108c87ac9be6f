"""What mathematicians write is read as PyTorch, and every part still knows where it was typed."""

from __future__ import annotations

import pytest

from engine.typed_expression import InvalidExpression, read


@pytest.mark.parametrize(
    ("text", "torch"),
    [
        ("|x|", "torch.abs(x)"),
        ("|x−1| + 2|y|", "torch.abs(x - 1) + 2 * torch.abs(y)"),
        ("||x|-1|", "torch.abs(torch.abs(x) - 1)"),
        ("|x||y|", "torch.abs(x) * torch.abs(y)"),
        ("||x||", "torch.linalg.norm(x)"),
        ("‖x‖", "torch.linalg.norm(x)"),
        ("|sin x|", "torch.abs(torch.sin(x))"),
        ("sin x", "torch.sin(x)"),
        ("sin 2x + 1", "torch.sin(2 * x) + 1"),
        ("sin x^2", "torch.sin(x ** 2)"),
        ("sin²x", "torch.sin(x) ** 2"),
        ("sin^2(x) + cos²(x)", "torch.sin(x) ** 2 + torch.cos(x) ** 2"),
        ("2sin²x cos x", "2 * torch.sin(x) ** 2 * torch.cos(x)"),
        ("sin⁻¹(x)", "torch.asin(x)"),
        ("tan^-1 x", "torch.atan(x)"),
        ("sin cos x", "torch.sin(torch.cos(x))"),
        ("ln|x|", "torch.log(torch.abs(x))"),
        ("√x + √(x+1)", "torch.sqrt(x) + torch.sqrt(x + 1)"),
        ("∛x", "x ** (1 / 3)"),
        ("x⁴ + x⁻¹ + x²³", "x ** 4 + x ** (-1) + x ** 23"),
        ("(x+1)(x-1)", "(x + 1) * (x - 1)"),
        ("sin(x)cos(x)", "torch.sin(x) * torch.cos(x)"),
        ("2πx", "2 * 3.141592653589793 * x"),
        ("½x", "1 / 2 * x"),
        ("1e-3*x", "0.001 * x"),
        ("1e10*x", "10000000000.0 * x"),
        ("a·b ∙ c", "a * b * c"),
        ("x mod 3", "x % 3"),
        ("x₁ + x₂", "x1 + x2"),
        ("e^{-x²/2}", "torch.exp(-x ** 2 / 2)"),
        ("y = x^2", "x ** 2"),
        ("f(x) = sin(x)", "torch.sin(x)"),
        ("（ｘ＋１）＊２", "(x + 1) * 2"),
        ("sin（x）＋y。", "torch.sin(x) + y"),
        ("x – 1 — y", "x - 1 - y"),
        ("x^T A x", "x @ A @ x"),
        ("Wᵀ y", "W.T @ y"),
        ("log₂(x) + lg x", "torch.log2(x) + torch.log10(x)"),
        ("log(x, 10)", "torch.log(x) / torch.log(torch.tensor(10.0))"),
        ("sec(x)", "1 / torch.cos(x)"),
        ("max(x, y, 0)", "torch.clamp(torch.maximum(x, y), min=0)"),
        ("np.sin(x) + np.pi", "torch.sin(x) + 3.141592653589793"),
        ("[x*y, x+y]", "torch.stack([x * y, x + y])"),
        ("[[1, 2], [3, 4]] @ x", "torch.tensor([[1.0, 2.0], [3.0, 4.0]]) @ x"),
        ("sum(x, dim=[0, 1])", "torch.sum(x, dim=[0, 1])"),
        ("einsum('ij,j->i', A, x)", "torch.einsum('ij,j->i', A, x)"),
        ("cross_entropy(z, 1)", "F.cross_entropy(z, torch.tensor(1))"),
    ],
)
def test_mathematics_becomes_pytorch(text: str, torch: str) -> None:
    assert read(text).torch == torch


@pytest.mark.parametrize(
    ("text", "part", "typed"),
    [
        ("sin²x + y", "torch.sin(x)**2", "sin²x"),
        ("y + |x − 1|", "torch.abs(x - 1)", "|x − 1|"),
        ("2√(x+1)", "torch.sqrt(x + 1)", "√(x+1)"),
        ("f = ｘ＋ｙ", "x + y", "ｘ＋ｙ"),
    ],
)
def test_a_rewritten_part_is_found_where_it_was_typed(text: str, part: str, typed: str) -> None:
    found = read(text)
    at = found.place(part)
    assert at is not None
    assert text[slice(*at)] == typed


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("|x", "open", "|"),
        ("(x|)", "open", "|"),
        ("x, y", "comma", "x, y"),
        ("2 + 1/0*x", "zero", "1/0"),
        ("sin² + x", "argument", "sin"),
        ("sin('a')", "part", "'a'"),
        ("nan*x", "name", "nan"),
    ],
)
def test_what_stays_wrong_is_found_at_its_character(text: str, code: str, part: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        read(text)
    assert caught.value.code == f"expressions.wrong.{code}"
    assert text[slice(*caught.value.at)] == part
