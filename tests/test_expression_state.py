"""Settings of the Expressions page: ranges, elements, axes, and the table that drives its link."""

from __future__ import annotations

import pytest

from engine.expression_state import (
    InvalidRange,
    axes,
    element,
    expressions_table,
    field_key,
    range_of,
    read_ranges,
    values_of,
    wanted,
    write_ranges,
)
from engine.permalink import State
from engine.scenarios import load
from engine.typed_expression import read
from engine.typed_values import Numbers

VALUES = {"x": Numbers((), (1.0,)), "W": Numbers((2, 2), (1.0, 2.0, 3.0, 40.0))}


def state(**settings: str | bool | float) -> State:
    """The page's settings with some changed."""
    return expressions_table().defaults() | settings


def test_ranges_travel_and_have_a_default() -> None:
    ranges = {"x": (-1.0, 3.0, 0.01), "y": (0.0, 1.0, 0.25)}
    assert read_ranges(write_ranges(ranges)) == ranges
    assert read_ranges("x=0:6") == {"x": (0, 6, 0.01)}
    assert range_of("x", {}, VALUES) == (-3, 3, 0.01)
    assert range_of("W", {}, VALUES)[1] >= 40


@pytest.mark.parametrize(
    "text", ["x", "x=1", "x=3:1:1", "x=0:1:0", "x=0:1:2", "x=a:b", "x=0:1e9:1", "x=nan:1:1", "x=0:1e5:1e-9"]
)
def test_what_is_no_range_is_said(text: str) -> None:
    with pytest.raises(InvalidRange):
        read_ranges(text)


def test_elements_are_named_as_they_are_written() -> None:
    assert element("W[1, 0]", VALUES) == element("W[1,0]", VALUES) == ("W", 2)
    assert element("x", VALUES) == ("x", 0)
    assert [element(text, VALUES) for text in ("W", "W[2, 0]", "z", "x[0]", "", "W[")] == [None] * 6


def test_axes_are_two_different_elements() -> None:
    assert axes(state(axis="W[0, 1]", across="x"), VALUES) == (("W", 1), ("x", 0))
    assert axes(state(axis="", across=""), VALUES) == (("x", 0), ("W", 0))
    assert axes(state(axis="x", across="x"), VALUES) == (("x", 0), ("W", 0))
    assert axes(state(axis="x"), {"x": VALUES["x"]}) == (("x", 0), None)


def test_only_what_the_view_shows_is_asked_for() -> None:
    curve = wanted(state(view="curve"), VALUES, field=True, summed=False)
    assert (curve.curve, curve.field, curve.matrices, curve.descent) == (True, False, False, None)
    plane = wanted(state(view="contour", descend=True), VALUES, field=True, summed=False)
    assert (plane.curve, plane.field, plane.descent) == (False, True, (0.1, 20))
    assert wanted(state(view="matrices"), VALUES, field=True, summed=True).matrices


def test_the_field_has_another_name_where_it_has_other_numbers() -> None:
    typed = read("x*y + z")
    name = field_key(typed, state(), values_of(typed, "x=1; y=2; z=3"))
    assert field_key(typed, state(), values_of(typed, "x=2; y=-2; z=3")) == name
    assert field_key(typed, state(), values_of(typed, "x=1; y=2; z=4")) != name
    assert field_key(typed, state(ranges="x=0:1:0.1"), values_of(typed, "x=1; y=2; z=3")) != name
    assert field_key(typed, state(dtype="float64"), values_of(typed, "x=1; y=2; z=3")) != name


def test_every_example_is_within_the_table_and_travels() -> None:
    table = expressions_table()
    names = [name for name, one in load().items() if one.page == "expressions"]
    assert len(names) >= 8
    for name in names:
        settings = table.defaults(name)
        assert [row.name for row in table.fields if row.problem(settings[row.name])] == []
        changed = settings | {"at": "x=0.25", "second": True, "nudge": -0.5, "ranges": "x=0:1:0.1"}
        assert table.decode(table.encode(changed)) == (changed, [])
