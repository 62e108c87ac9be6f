"""What a reader types is read in both spellings, and what is wrong is found at its character."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from engine.typed_expression import InvalidExpression, read


@pytest.mark.parametrize(
    ("text", "torch", "variables"),
    [
        ("sin(x*y) + x**2", "torch.sin(x * y) + x ** 2", ("x", "y")),
        ("torch.sin(x * y) + x ** 2", "torch.sin(x * y) + x ** 2", ("x", "y")),
        ("relu(w @ x + b)", "torch.relu(w @ x + b)", ("w", "x", "b")),
        ("log(softmax(z)[1])", "torch.log(torch.softmax(z, dim=-1)[1])", ("z",)),
        ("x^2", "x ** 2", ("x",)),
        ("2x", "2 * x", ("x",)),
        ("2(x+1)", "2 * (x + 1)", ("x",)),
        ("1e5x", "100000.0 * x", ("x",)),
        ("π*x²", "3.141592653589793 * x ** 2", ("x",)),
        ("x × y − 1", "x * y - 1", ("x", "y")),
        ("e^x", "torch.exp(x)", ("x",)),
        ("ln(x)", "torch.log(x)", ("x",)),
        ("log(2)*x", "torch.log(torch.tensor(2.0)) * x", ("x",)),
        ("max(x, 0)", "torch.clamp(x, min=0)", ("x",)),
        ("min(x, y)", "torch.minimum(x, y)", ("x", "y")),
        ("softplus(x)", "F.softplus(x)", ("x",)),
        ("x.sin().exp()", "x.sin().exp()", ("x",)),
        ("(W.T @ x).sum()", "(W.T @ x).sum()", ("W", "x")),
        ("norm(x)", "torch.linalg.norm(x)", ("x",)),
    ],
)
def test_both_spellings_become_pytorch(text: str, torch: str, variables: tuple[str, ...]) -> None:
    typed = read(text)
    assert (typed.torch, typed.variables) == (torch, variables)


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("", "empty", ""),
        ("sin(x", "open", "("),
        ("(x + [1, 2)", "closed", ")"),
        ("x)", "closed", ")"),
        ("x + ", "unfinished", ""),
        ("2x 4", "syntax", "4"),
        ("x = 2", "syntax", "="),
        ("x y", "syntax", "y"),
        ("sine(x)", "close", "sine"),
        ("qqqqq(x)", "function", "qqqqq"),
        ("x(2)", "times", "x"),
        ("sin", "argument", "sin"),
        ("x + sin()", "argument", "sin"),
        ("torch + x", "module", "torch"),
        ("print + x", "name", "print"),
        ("x_ + 1", "name", "x_"),
        ("x.__class__", "attribute", "x.__class__"),
        ("x[y]", "index", "y"),
        ("lambda: x", "part", "lambda: x"),
        ("x if y else z", "part", "x if y else z"),
        ("[x for x in y]", "part", "[x for x in y]"),
        ("f(*x)", "part", "*x"),
        ("sin(**x)", "part", "sin(**x)"),
        ("3 + 4", "constant", "3 + 4"),
        ("a+b+c+d+g+h+i+j+k", "variables", "a+b+c+d+g+h+i+j+k"),
    ],
)
def test_what_is_wrong_is_found_at_its_character(text: str, code: str, part: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        read(text)
    assert caught.value.code == f"expressions.wrong.{code}"
    assert text[slice(*caught.value.at)] == part


def test_a_place_survives_signs_that_grow() -> None:
    """One sign of the reader's may be two of Python's."""
    with pytest.raises(InvalidExpression) as caught:
        read("x² + x³ + sine(x)")
    assert caught.value.at == (10, 14)


def test_every_part_knows_where_it_was_typed() -> None:
    typed = read("x^2 + log( y )")
    for part, place in (
        ("torch.log(y)", "log( y )"),
        ("x ** 2", "x^2"),
        ("y", "y"),
        ("x**2 + torch.log(y)", "x^2 + log( y )"),
    ):
        at = typed.place(part)
        assert at is not None
        assert typed.text[slice(*at)] == place
    assert typed.place("z") is None


def test_ranks_are_judged_by_use() -> None:
    assert read("relu(w @ x + b)").ranks == {"w": 1, "x": 1, "b": 0}
    assert read("W @ x").ranks == {"W": 2, "x": 1}
    assert read("softmax(z)[1] + t").ranks == {"z": 1, "t": 0}
    assert read("det(M)").ranks == {"M": 2}


def test_nothing_is_too_long_or_too_deep() -> None:
    for text, code in (("x" * 400, "long"), ("(" * 60 + "x" + ")" * 60, None), ("-" * 60 + "x", "deep")):
        if code is None:
            assert read(text).torch == "x"
            continue
        with pytest.raises(InvalidExpression, match=code):
            read(text)


@settings(max_examples=150, deadline=None)
@given(
    some.text(alphabet="xyzWe0129.+-*/^@()[]=, πsincolgrtrelu²'_:\n\\", max_size=40)
    | some.text(alphabet="xW2|‖√ᵀ½²⁻¹ −·()[]{}=,.sin", max_size=20)
    | some.text(max_size=20)
)
def test_no_text_does_anything_but_read_or_be_wrong(text: str) -> None:
    wrong: InvalidExpression | None = None
    try:
        places = list(read(text).places.values())
    except InvalidExpression as error:
        wrong = error
        places = [error.at]
    assert places
    assert wrong is None or wrong.code.startswith("expressions.wrong.")
    assert all(0 <= start <= end <= len(text) for start, end in places)
