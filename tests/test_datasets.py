"""Made points come from their seed alone; strangers' tables are read right or refused with the reason."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import datasets, tables
from engine.errors import InvalidState
from engine.regression_program import arrays
from engine.regression_state import Points, Settings


def test_the_line_is_the_lessons() -> None:
    """x = 0..10, y = 2x + 1, exactly."""
    x, y, names, target = datasets.points(Settings())
    assert x[:, 0].tolist() == list(range(11))
    assert y.tolist() == [2 * i + 1 for i in range(11)]
    assert (names, target) == (["x"], "y")


@pytest.mark.parametrize("data", datasets.MAKERS)
def test_points_come_from_the_seed(data: str) -> None:
    """The same seed, the same points; another seed, others (the lesson's line has none)."""
    make = datasets.MAKERS[data]
    one, other = Settings(data=data, points=50), Settings(data=data, points=50, data_seed=1)
    (x, y), (again, _), (differ, _) = (make(**datasets.arguments(settings)) for settings in (one, one, other))
    assert x.shape == (50, 3 if data == "features" else 1)
    assert y.shape == (50,)
    np.testing.assert_array_equal(x, again)
    assert np.isfinite(x).all()
    assert (x != differ).any() == (data != "line")


def test_each_kind_is_what_it_says() -> None:
    """Outliers lie far off, noise grows, clusters are two, scaled x is a thousand times larger."""
    residual = {}
    for data in ("noise", "outliers", "heteroscedastic"):
        x, y, _, _ = datasets.points(Settings(data=data, points=2_000))
        residual[data] = np.abs(y - 2 * x[:, 0] - 1)
    assert (residual["outliers"] > 15).sum() == 200
    assert residual["heteroscedastic"][-500:].mean() > 3 * residual["heteroscedastic"][:500].mean()
    x, _, _, _ = datasets.points(Settings(data="clusters", points=200))
    assert ((x > 4) & (x < 6)).mean() < 0.05
    assert datasets.points(Settings(data="scaled", points=50))[0].max() > 5_000


def test_a_table_is_kept_by_its_digest() -> None:
    """Provided once, found by name; what is not there is said."""
    table = Points(["a", "b"], "c", np.arange(8.0).tobytes(), np.arange(4.0).tobytes())
    name = datasets.provide(table)
    x, y, names, target = datasets.points(Settings(data="table", table=name))
    assert x.shape == (4, 2)
    assert y.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert (names, target) == (["a", "b"], "c")
    with pytest.raises(InvalidState, match=r"regression\.table\.missing"):
        datasets.points(Settings(data="table", table="0" * 24))


@pytest.mark.parametrize(
    ("x", "y", "code"),
    [
        (np.arange(3.0), np.arange(4.0), "regression.table.shape"),
        (np.arange(1.0), np.arange(1.0), "regression.table.shape"),
        (np.array([1.0, np.nan]), np.arange(2.0), "regression.table.nonfinite"),
    ],
)
def test_a_table_that_lies_is_refused(x: datasets.Array, y: datasets.Array, code: str) -> None:
    """Sizes that do not fit, numbers that are none."""
    with pytest.raises(InvalidState, match=code.replace(".", r"\.")):
        datasets.provide(Points(["x"], "y", x.tobytes(), y.tobytes()))


@pytest.mark.parametrize(
    ("text", "x", "y"),
    [
        ("x,y\n1,2\n3,4\n", [[1.0], [3.0]], [2.0, 4.0]),
        ("1,2\n3,4\n", [[1.0], [3.0]], [2.0, 4.0]),
        ("a;b\n1,5;2\n3;4,25\n", [[1.5], [3.0]], [2.0, 4.25]),
        ("1;2,5\n3;4,5\n", [[1.0], [3.0]], [2.5, 4.5]),
        ('a,b\n"1,5",2\n"3,0",4\n', [[1.5], [3.0]], [2.0, 4.0]),
        ('a,b\n"1,500",2\n"3,000.5",4\n', [[1500.0], [3000.5]], [2.0, 4.0]),
        ("a;b\n1.234,5;2\n2.000;4\n", [[1234.5], [2000.0]], [2.0, 4.0]),
        ("面积，价格\n1，2\n3，4\n", [[1.0], [3.0]], [2.0, 4.0]),
        ("x\ty\r\n1\t2\r\n\r\n3\t4e2", [[1.0], [3.0]], [2.0, 400.0]),
        ("x|y\n1|2\n3|-4\n", [[1.0], [3.0]], [2.0, -4.0]),
        ("x  y\n1  2\n3  4\n", [[1.0], [3.0]], [2.0, 4.0]),
        ('name,x,y\n"a, b",1,2\nc,3,4\n', [[1.0], [3.0]], [2.0, 4.0]),
        ("﻿x,y\n1,2\n3,4\n", [[1.0], [3.0]], [2.0, 4.0]),
    ],
)
def test_tables_are_read(text: str, x: list[list[float]], y: list[float]) -> None:
    """Separators, decimal commas, headers and marks are guessed."""
    sheet = tables.read(text.encode())
    assert sheet.points is not None
    found_x, found_y = arrays(sheet.points)
    assert (found_x.tolist(), found_y.tolist()) == (x, y)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_chinese_names_are_read(encoding: str) -> None:
    """In the encodings that spreadsheets write."""
    assert tables.read("面积,价格\n1,2\n3,4\n".encode(encoding)).names == ["面积", "价格"]


def test_several_columns_may_be_chosen() -> None:
    """In the order they were chosen."""
    sheet = tables.read(b"a,b,c\n1,2,3\n4,5,6\n", tables.Choice(x=[1, 0], y=2))
    assert sheet.points is not None
    assert sheet.points.names == ["b", "a"]
    assert arrays(sheet.points)[0].tolist() == [[2.0, 1.0], [5.0, 4.0]]


def test_missing_and_unreadable_cells_are_reported_and_left_out_by_choice() -> None:
    """Counted apart; the first unreadable one with its line."""
    content = b"x,y\n1,2\nNA,3\n4,oops\n5,6\n,\n7,inf\n"
    sheet = tables.read(content)
    assert sheet.points is None
    assert (sheet.missing, sheet.unreadable, sheet.first) == (1, 2, (4, "y", "oops"))
    kept = tables.read(content, tables.Choice(drop=True)).points
    assert kept is not None
    assert arrays(kept)[1].tolist() == [2.0, 6.0]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "csv.empty"),
        (b" \n \n", "csv.empty"),
        (b"\x00\x01\x02\x03", "csv.binary"),
        (b"PK\x03\x04workbook", "csv.workbook"),
        (b"a\n1\n2\n", "csv.one_column"),
        (b"a,b\n1,2\n1,2,3\n", "csv.ragged"),
        (b"hello,world\nfoo,bar\nx,y\n", "csv.no_numbers"),
        (b"x,y\n1,2\n", "csv.rows"),
        (b"1," * 300 + b"1\n", "csv.columns"),
        (b"x" * (tables.CSV_SIZE + 1), "csv.large"),
    ],
)
def test_nonsense_is_refused_with_the_reason(content: bytes, code: str) -> None:
    """Each with a sentence of its own."""
    with pytest.raises(InvalidState) as caught:
        tables.read(content)
    assert caught.value.code == code


@pytest.mark.parametrize("choice", [tables.Choice(x=[0], y=0), tables.Choice(x=[], y=1), tables.Choice(x=[9], y=0)])
def test_impossible_choices_are_refused(choice: tables.Choice) -> None:
    """Columns that are not there, or both."""
    with pytest.raises(InvalidState, match=r"csv\.choice"):
        tables.read(b"x,y\n1,2\n3,4\n", choice)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    """Whatever comes is a sheet or a refusal."""
    with contextlib.suppress(InvalidState):
        assert tables.read(content).rows >= 2


def test_typed_points_are_whole_or_refused() -> None:
    """What the page's own table holds."""
    assert tables.typed("x,y\n1,2\n3,4\n").count == 2
    with pytest.raises(InvalidState, match=r"csv\.typed"):
        tables.typed("x,y\n1,2\n3,\n5,6\n")
