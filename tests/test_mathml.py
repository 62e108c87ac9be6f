"""Formulas as MathML: every row can be drawn, and names stand where numbers go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.formulas import FORMULAS, Formula
from engine.mathml import mathml


def texts(formula: list[Any]) -> Iterator[str]:
    for part in formula[1:]:
        if isinstance(part, str):
            yield part
        else:
            yield from texts(part)


@pytest.mark.parametrize("row", FORMULAS.values(), ids=lambda row: row.key)
def test_every_row_can_be_drawn(row: Formula) -> None:
    for expression in (row.forward, *row.vjps):
        written = list(texts(mathml(expression)))
        assert written
        assert all(written)


def test_fractions_powers_and_parentheses() -> None:
    assert mathml("-g * a / b ** 2")[0] == "mfrac"
    assert list(texts(mathml("g * (1 - y ** 2)"))) == ["g", "·", "(", "1", "−", "y", "2", ")"]
    assert list(texts(mathml("a - (b - c)"))) == ["a", "−", "(", "b", "−", "c", ")"]
    assert mathml("sqrt(a)") == ["msqrt", ["mi", "a"]]
    assert ["mi", "g"] in mathml("g + a")


def test_other_syntax_is_refused() -> None:
    with pytest.raises(ValueError, match="Lambda"):
        mathml("lambda: 1")
