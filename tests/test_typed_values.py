"""Numbers typed for a variable, and all variables in one line of a link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.typed_values import InvalidValues, Numbers, guess, read_settings, read_values, write_settings

FLOATS = some.floats(-1e6, 1e6).map(lambda one: float(f"{one:.10g}"))


@pytest.mark.parametrize(
    ("text", "shape", "elements"),
    [
        ("1.5", (), (1.5,)),
        (" -2 ", (), (-2.0,)),
        ("[1, 2]", (2,), (1.0, 2.0)),
        ("(1, 2)", (2,), (1.0, 2.0)),
        ("[[1, 2], [3, 4]]", (2, 2), (1.0, 2.0, 3.0, 4.0)),
        ("1e-3", (), (0.001,)),
        ("1/2", (), (0.5,)),
        ("−2π", (), (-6.283185307179586,)),
        ("√4", (), (2.0,)),
        ("2^-1", (), (0.5,)),
        ("1, 2, 3", (3,), (1.0, 2.0, 3.0)),
        ("1 2 3", (3,), (1.0, 2.0, 3.0)),
        ("[1 2; 3 4]", (2, 2), (1.0, 2.0, 3.0, 4.0)),
        ("［１，−２．５］", (2,), (1.0, -2.5)),
    ],
)
def test_numbers_vectors_matrices(text: str, shape: tuple[int, ...], elements: tuple[float, ...]) -> None:
    assert read_values(text) == Numbers(shape, elements)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "syntax"), ("one", "syntax"), ("[1, ", "syntax"), ("True", "syntax"), ("'1'", "syntax"),
        ("[1, 'a']", "syntax"),
        ("[[1, 2], [3]]", "ragged"), ("[1, [2]]", "syntax"), ("[[1], 2]", "ragged"), ("[]", "ragged"),
        ("[[[1]]]", "dimensions"), (str([0] * 37), "many"), ("1e31", "finite"), ("1e999", "finite"),
        ("1/0", "finite"), ("9**9**9", "finite"), ("x", "syntax"), ("(-1)**0.5", "syntax"), ("1 2; 3", "ragged"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_said(text: str, code: str) -> None:
    with pytest.raises(InvalidValues, match=f"expressions.values.{code}"):
        read_values(text)


@given(some.dictionaries(some.sampled_from(["x", "y", "W", "bias"]), some.lists(FLOATS, min_size=1, max_size=4)))
def test_all_variables_travel_in_one_line(rows: dict[str, list[float]]) -> None:
    values = {name: Numbers((len(one),), tuple(one)) for name, one in rows.items()}
    assert read_settings(write_settings(values)) == values


def test_elements_have_names_and_can_be_replaced() -> None:
    matrix = Numbers((2, 2), (1.0, 2.0, 3.0, 4.0))
    assert matrix.names("W") == ["W[0, 0]", "W[0, 1]", "W[1, 0]", "W[1, 1]"]
    assert Numbers((2,), (1.0, 2.0)).names("w") == ["w[0]", "w[1]"]
    assert Numbers((), (1.0,)).names("x") == ["x"]
    assert matrix.replaced(2, 9.0).text == "[[1.0, 2.0], [9.0, 4.0]]"


def test_guesses_fit_their_ranks_and_differ() -> None:
    values = guess({"x": (), "y": (), "z": (3,), "W": (2, 3), "A": (3, 3)})
    assert [one.shape for one in values.values()] == [(), (), (3,), (2, 3), (3, 3)]
    assert values["x"] != values["y"]
    rows = values["A"].elements
    assert len({rows[:3], rows[3:6], rows[6:]}) == 3
