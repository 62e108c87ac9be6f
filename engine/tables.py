"""A stranger's CSV -> columns of numbers, or the reason why not. Standard library and numpy only; runs behind a fence.

The separator, the decimal comma and the header are guessed unless said; nothing is guessed about what is wrong: a cell
that is no number is missing when it is empty or says so (NA, NaN, null, -), and unreadable otherwise, and both are
reported. Rows with either are left out only where the reader chose that.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.errors import InvalidState
from engine.regression_state import FEATURES_LIMIT, POINTS_LIMIT, Points

CSV_SIZE = 20_000_000
"""Bytes of one file."""
COLUMNS_LIMIT = 200
SEPARATORS = (";", "\t", "|", ",", "，", " ")
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "--", "?", "."})
ENCODINGS = ("utf-16", "utf-8-sig", "gb18030", "latin-1")
"""The first where the file starts with its mark, else the others in turn."""
_PREVIEW = 8
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?[\d.]+,\d+([eE][+-]?\d+)?")
_GROUPS = {
    False: re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"),
    True: re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?"),
}
"""Thousands with marks between them, where the decimal sign is the point, and where it is the comma."""


class Choice(msgspec.Struct, frozen=True):
    """What a reader says about the file; None leaves it to be guessed. Columns are positions; `x` may name several."""

    separator: str | None = None
    decimal_comma: bool | None = None
    header: bool | None = None
    x: list[int] | None = None
    y: int | None = None
    drop: bool = False


GUESS = Choice()


class Sheet(msgspec.Struct, frozen=True):
    """What was read. `numeric` says of each column whether its cells are numbers (missing ones aside).

    `missing` and `unreadable` count rows with such a cell in a chosen column; `first` is the line, the column and the
    text of the first unreadable one. `points` are there where a choice of columns leaves only numbers.
    """

    names: list[str]
    numeric: list[bool]
    rows: int
    separator: str
    decimal_comma: bool
    header: bool
    x: list[int]
    y: int
    preview: list[list[str]]
    missing: int = 0
    unreadable: int = 0
    first: tuple[int, str, str] | None = None
    points: Points | None = None


def read(content: bytes, choice: Choice = GUESS) -> Sheet:
    """The file as a sheet. Raises InvalidState with the reason where it is no table of at least two rows and
    columns."""
    text = _text(content)
    separator = choice.separator or _separator(text)
    rows = list(_rows(text, separator))
    if not rows:
        raise InvalidState("csv.empty")
    width = len(rows[0][1])
    if width < 2:
        raise InvalidState("csv.one_column")
    if width > COLUMNS_LIMIT:
        raise InvalidState("csv.columns", None, count=width, limit=COLUMNS_LIMIT)
    for number, cells in rows:
        if len(cells) != width:
            raise InvalidState("csv.ragged", None, line=number, count=len(cells), expected=width)
    comma = _decimal_comma(rows, separator) if choice.decimal_comma is None else choice.decimal_comma
    header = _is_header(rows, comma) if choice.header is None else choice.header
    names = _names(rows[0][1] if header else [], width)
    rows = rows[1:] if header else rows
    if len(rows) < 2:
        raise InvalidState("csv.rows", None, count=len(rows))
    if len(rows) > POINTS_LIMIT:
        raise InvalidState("csv.long", None, count=len(rows), limit=POINTS_LIMIT)
    numeric = [_is_numeric([cells[index] for _, cells in rows[:200]], comma) for index in range(width)]
    x, y = _columns(choice, numeric)
    sheet = Sheet(names, numeric, len(rows), separator, comma, header, x, y, [cells for _, cells in rows[:_PREVIEW]])
    return _fill(sheet, rows, drop=choice.drop)


def _text(content: bytes) -> str:
    if len(content) > CSV_SIZE:
        raise InvalidState("csv.large", None, size=round(len(content) / 1e6, 1), limit=CSV_SIZE // 1_000_000)
    if not content.strip():
        raise InvalidState("csv.empty")
    if content[:4] == b"PK\x03\x04":
        raise InvalidState("csv.workbook")
    marked = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ENCODINGS[:1] if marked else ENCODINGS[1:]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if sum(not (letter.isprintable() or letter in "\r\n\t") for letter in text[:4_000]) > 0:
            raise InvalidState("csv.binary")
        return text
    raise InvalidState("csv.binary")


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each line that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=separator == " ")
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InvalidState("csv.broken", None, line=reader.line_num, reason=str(error)) from error


def _separator(text: str) -> str:
    """The separator that cuts the first lines into most columns, equally many in each."""
    head = "\n".join(text.splitlines()[:50])
    best, most = ",", 1
    for separator in SEPARATORS:
        try:
            widths = {len(cells) for _, cells in _rows(head, separator)}
        except InvalidState:
            continue
        if len(widths) == 1 and (width := widths.pop()) > most:
            best, most = separator, width
    if most == 1:  # none cuts evenly: take the commonest, so that the uneven line can be named
        best = max(SEPARATORS[:-1], key=head.count)
    return best


def _decimal_comma(rows: list[tuple[int, list[str]]], separator: str) -> bool:
    """Whether numbers are written 1,5. Between commas such a cell was quoted, and 1,500 may be meant as thousands."""
    cells = [cell for _, row in rows[:200] for cell in row if _COMMA.fullmatch(cell)]
    return any(separator != "," or not _GROUPS[False].fullmatch(cell) for cell in cells)


def _is_header(rows: list[tuple[int, list[str]]], comma: bool) -> bool:
    """A first line without a number above a line with one."""
    if len(rows) < 2 or any(_number(cell, comma) is not None for cell in rows[0][1]):
        return False
    return any(_number(cell, comma) is not None for _, row in rows[1:20] for cell in row)


def _names(cells: list[str], width: int) -> list[str]:
    """Names of columns: short, printable, distinct."""
    names: list[str] = []
    for index in range(width):
        raw = cells[index] if index < len(cells) else ""
        name = "".join(letter for letter in raw if letter.isprintable())[:40].strip() or f"column {index + 1}"
        names.append(f"{name} ({index + 1})" if name in names else name)
    return names


def _is_numeric(cells: list[str], comma: bool) -> bool:
    present = [cell for cell in cells if cell.lower() not in MISSING]
    return bool(present) and sum(_number(cell, comma) is not None for cell in present) * 2 > len(present)


def _number(cell: str, comma: bool) -> float | None:
    """The finite number that a cell holds."""
    text = _pointed(cell, comma)
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) <= 1e300 else None


def _pointed(cell: str, comma: bool) -> str:
    """The cell without marks between thousands, and with a decimal point."""
    if ("." if comma else ",") in cell and _GROUPS[comma].fullmatch(cell):
        cell = cell.replace("." if comma else ",", "")
    return cell.replace(",", ".") if comma else cell


def _columns(choice: Choice, numeric: list[bool]) -> tuple[list[int], int]:
    """The chosen columns, or the first numeric one against the last."""
    offered = [index for index, is_numeric in enumerate(numeric) if is_numeric]
    if choice.x is None or choice.y is None:
        if len(offered) < 2:
            raise InvalidState("csv.no_numbers", None, count=len(offered))
        x, y = [offered[0]], offered[-1]
    else:
        x, y = choice.x, choice.y
    if not x or y in x or not all(0 <= index < len(numeric) for index in [*x, y]) or len(set(x)) != len(x):
        raise InvalidState("csv.choice")
    if len(x) > FEATURES_LIMIT:
        raise InvalidState("csv.features", None, count=len(x), limit=FEATURES_LIMIT)
    return x, y


def _fill(sheet: Sheet, rows: list[tuple[int, list[str]]], *, drop: bool) -> Sheet:
    """The sheet with its points, and with what is missing or unreadable in the chosen columns."""
    numbers: NDArray[np.float64] = np.full((len(rows), len(sheet.x) + 1), np.nan)
    unreadable, first = set(), None
    for column, index in enumerate([*sheet.x, sheet.y]):
        whole = _column([cells[index] for _, cells in rows], sheet.decimal_comma)
        if whole is not None:
            numbers[:, column] = whole
            continue
        for row, (line, cells) in enumerate(rows):
            value = _number(cells[index], sheet.decimal_comma)
            if value is not None:
                numbers[row, column] = value
            elif cells[index].lower() not in MISSING:
                unreadable.add(row)
                first = first or (line, sheet.names[index], cells[index][:40])
    empty = np.isnan(numbers).any(axis=1)
    missing = int(empty.sum()) - len(unreadable)
    points = None
    if drop or not empty.any():
        kept = numbers[~empty]
        if len(kept) < 2:
            raise InvalidState("csv.rows", None, count=len(kept))
        names = [sheet.names[index] for index in sheet.x]
        points = Points(names, sheet.names[sheet.y], kept[:, :-1].tobytes(), kept[:, -1].tobytes())
    return msgspec.structs.replace(sheet, missing=missing, unreadable=len(unreadable), first=first, points=points)


def _column(cells: list[str], comma: bool) -> NDArray[np.float64] | None:
    """All cells at once, where each is plainly a finite number: forty times as fast as one by one."""
    try:
        values = np.array([_pointed(cell, comma) for cell in cells]).astype(np.float64)
    except ValueError:
        return None
    plain = not any("_" in cell for cell in cells)  # Python reads 1_000 as a number; tables do not mean it so
    return values if plain and bool((np.abs(values) <= 1e300).all()) else None


def typed(text: str) -> Points:
    """Points that were drawn or typed into the page's own table: lines of numbers with commas, the last of each is y; a
    first line may name the columns. Raises InvalidState."""
    width = text.partition("\n")[0].count(",") + 1
    columns = list(range(width - 1)) or None
    sheet = read(text.encode(), Choice(separator=",", decimal_comma=False, x=columns, y=width - 1 if columns else None))
    if sheet.points is None:
        line, _, cell = sheet.first or (0, "", "")
        raise InvalidState("csv.typed", None, line=line, text=cell)
    return sheet.points
