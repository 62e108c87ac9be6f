"""Where the points of the Regression page come from: a maker with its settings, a table to edit, or a CSV file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from engine import tables
from engine.errors import InvalidState
from engine.executors import reading, training
from engine.executors.training import Training
from engine.permalink import Setting
from engine.regression_program import arrays, points_csv
from engine.regression_state import DATASETS, POINTS_LIMIT, Points
from pages.components.language import say
from pages.components.regression_run import EDITED_POINTS, shown
from pages.components.share import Link

_FILE, _TEXT = "regression.csv", "regression.values"
_START = "x,y\n0,1\n1,3\n2,5\n3,7\n4,9.5\n5,10\n"


def chooser(link: Link) -> None:
    """The one control in view: which points."""
    st.selectbox(
        say("regression.data"),
        DATASETS,
        format_func=lambda name: say(f"regression.data.{name}"),
        key=link.key("data"),
        help=say("regression.data.help"),
        on_change=_fitting_start,
        args=(link,),
        persist_state="session",
    )


def _fitting_start(link: Link) -> None:
    """A start that was typed for other parameters would only be refused; the lesson's line has 11 points."""
    link.put({"start": ""})
    if link.get("data") not in ("line", "table") and link.get("points") == 11:
        link.put({"points": 60})
    if link.get("data") == "table" and not link.get("values") and not link.get("file"):
        link.put({"values": _START})


def settings(link: Link) -> None:
    """Everything else about the points, for the popover."""
    data = link.get("data")
    st.toggle(
        say("regression.standardise"),
        key=link.key("standardise"),
        help=say("regression.standardise.help"),
        persist_state="session",
    )
    if data == "table":
        _own(link)
    else:
        _made(link, str(data))


def _made(link: Link, data: str) -> None:
    left, right = st.columns(2)
    _number(left, link, "points", 2, POINTS_LIMIT)
    _number(right, link, "data_seed", 0, 2**32 - 1)
    if data != "line":
        left.number_input(
            say("regression.noise"),
            0.0,
            1000.0,
            step=0.5,
            key=link.key("noise"),
            help=say("regression.noise.help"),
            persist_state="session",
        )
    if data == "features":
        _number(right, link, "features", 1, 8)
    run = shown()
    if run is not None and run.examination.count <= EDITED_POINTS:
        st.button(
            say("regression.edit.use"),
            icon=":material/edit:",
            help=say("regression.edit.use.help"),
            on_click=_edit,
            args=(link,),
        )


def _number(place: Any, link: Link, name: str, low: int, high: int) -> None:
    place.number_input(
        say(f"regression.{name}"),
        low,
        high,
        step=1,
        key=link.key(name),
        help=say(f"regression.{name}.help"),
        persist_state="session",
    )


def _edit(link: Link) -> None:
    """Make the points on the page a table of the reader's own."""
    run = shown()
    if run is not None:
        one = run.examination
        x = np.array(one.rows, float) * np.array(one.scale) + np.array(one.mean)
        link.put(_written(x, np.array(one.y, float), [*one.names, one.target]))


def _written(x: NDArray[np.float64], y: NDArray[np.float64], columns: list[str]) -> dict[str, Setting]:
    """The settings that make these points the reader's own, as text that the link bears."""
    plain = [name.replace(",", " ").replace('"', "'") for name in columns]
    return {"values": points_csv(_short(x), _short(y), plain), "data": "table", "file": ""}


def drawn(run: Training, points: object) -> dict[str, Setting] | None:
    """The settings that make what the reader's pen left the points of the run; None for what no pen leaves."""
    if not isinstance(points, list) or not 2 <= len(points) <= EDITED_POINTS:
        return None
    try:
        pairs = np.array(points, float)
    except (TypeError, ValueError):
        return None
    if pairs.shape != (len(points), 2) or not (np.abs(pairs) <= 1e12).all():
        return None
    return _written(pairs[:, :1], pairs[:, 1], [*run.examination.names, run.examination.target])


def _short(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded to a millionth of the largest: what a hand can mean, in as few letters as a link can bear."""
    largest = float(np.abs(values).max(initial=0.0))
    return np.round(values, 6 - math.ceil(math.log10(largest))) if largest else values


def _own(link: Link) -> None:
    file = st.file_uploader(
        say("regression.file"),
        type=["csv", "tsv", "txt"],
        help=say("regression.file.help"),
        key=_FILE,
        on_change=_taken_away,
        args=(link,),
    )
    if file is not None:
        _sheet(link, file.getvalue())
    elif not link.get("file"):
        _table(link)
    else:
        st.button(say("regression.file.forget"), icon=":material/close:", on_click=_taken_away, args=(link,))


def _taken_away(link: Link) -> None:
    """The reader took the file away: the table is there again. After a reload the points stay, without the file."""
    if st.session_state.get(_FILE) is None:
        link.put({"file": ""})


def _table(link: Link) -> None:
    """Rows to edit, add and delete; what is typed becomes the points when it is whole."""
    import pandas as pd  # 80 MB that only a table on screen needs

    text = str(link.get("values") or "") or _START
    names, rows = _split(text)
    frame = pd.DataFrame(rows, columns=names)
    st.caption(say("regression.edit"))
    edited = st.data_editor(
        frame, num_rows="dynamic", height=230, hide_index=True, key=f"regression.editor.{hash(text)}"
    )
    whole = edited.dropna()
    if len(whole) >= 2 and not whole.reset_index(drop=True).equals(frame):
        lines = [
            ",".join(names),
            *(",".join(f"{value:.10g}" for value in row) for row in whole.to_numpy(float).tolist()),
        ]
        st.session_state[_TEXT] = "\n".join([*lines, ""])
        st.rerun()


def _split(text: str) -> tuple[list[str], list[list[float]]]:
    try:
        points = tables.typed(text)
    except InvalidState as error:
        st.error(say(error.code, **error.params))
        points = tables.typed(_START)
    x, y = arrays(points)
    return [*points.names, points.target], np.column_stack([x, y]).tolist()


def _sheet(link: Link, content: bytes) -> None:
    """What was read of the file, and the choices that it leaves."""
    try:
        guess = _read(content, tables.GUESS)
        choice = _choices(guess)
        sheet = _read(content, choice)
    except InvalidState as error:
        st.error(say(error.code, **error.params), icon=":material/block:")
        return
    if sheet.missing or sheet.unreadable:
        st.warning(say("csv.missing", missing=sheet.missing, unreadable=sheet.unreadable))
        if sheet.first is not None:
            st.text(say("csv.first", line=sheet.first[0], column=sheet.first[1], text=sheet.first[2]))
    if sheet.points is None:
        return
    st.caption(say("csv.read", rows=sheet.rows, count=sheet.points.count))
    training.shared().keep(sheet.points)
    link.put({"file": sheet.points.digest})


def _choices(guess: tables.Sheet) -> tables.Choice:
    marks = {",": ",", ";": ";", "\t": "Tab", "|": "|", " ": "␣"}
    left, right = st.columns(2)
    header = left.checkbox(say("regression.file.header"), guess.header)
    comma = right.checkbox(say("regression.file.comma"), guess.decimal_comma)
    st.caption(f"{say('regression.file.separator')}: {marks.get(guess.separator, guess.separator)}")
    numbers = list(range(len(guess.names)))
    x = st.multiselect(
        say("regression.file.x"), numbers, guess.x, format_func=lambda index: guess.names[index], max_selections=8
    )
    y = st.selectbox(say("regression.file.y"), numbers, guess.y, format_func=lambda index: guess.names[index])
    drop = st.checkbox(say("csv.drop"), False)
    return tables.Choice(guess.separator, comma, header, x, y, drop)


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs={tables.Choice: repr, tables.Sheet: repr})
def _cached(content: bytes, choice: tables.Choice) -> tuple[str, dict[str, Any], tables.Sheet | None]:
    try:
        return "", {}, reading.read_csv(content, choice)
    except InvalidState as error:
        return error.code, dict(error.params), None


def _read(content: bytes, choice: tables.Choice) -> tables.Sheet:
    code, params, sheet = _cached(content, choice)
    if sheet is None:
        raise InvalidState(code, None, **params)
    return sheet


def own(link: Link) -> Points | None:
    """The reader's own points: those of the file, else those of the table; None where a maker makes them.

    Raises InvalidState where there are none. A link names a file's points without carrying them: they are there as long
    as this server remembers them.
    """
    if link.get("data") != "table":
        return None
    if name := str(link.get("file") or ""):
        return training.shared().table(name)
    return tables.typed(str(link.get("values") or "") or _START)
