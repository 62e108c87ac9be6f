"""What can be taken away from a run of the Regression page, and brought back: comparison, files, predictions."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import numpy as np
import streamlit as st

from engine import datasets
from engine.errors import EngineError, InvalidState
from engine.executors import reading, training
from engine.executors.training import Training
from engine.history import names
from engine.regression_program import arrays, points_csv, script
from engine.regression_state import Points
from pages.components import regression_run
from pages.components.language import say

LOADED = "regression.model.loaded"
"""In the session: (the start that a model gave, its words)."""
PREDICTED = 200
"""Rows that are predicted at once."""


def tabs(run: Training, table: Points | None) -> None:
    """Compare, keep, predict."""
    compare, files, predict = st.tabs([say("regression.compare"), say("regression.files"), say("regression.predict")])
    with compare:
        _compare()
    with files:
        _files(run, table)
    with predict:
        _predict(run)


def _compare() -> None:
    runs = regression_run.kept()
    if not runs:
        st.caption(say("regression.kept.none"))
        return
    rows = [
        {
            say("regression.compare.label"): one["label"],
            say("regression.compare.status"): say(f"live.{one['status']}"),
            say("regression.compare.epochs"): one["epochs"],
            say("regression.compare.loss"): f"{one['loss']:.4g}",
            **{
                name: f"{value:.6g}"
                for name, value in zip(names(len(one["parameters"]) - 1), one["parameters"], strict=True)
            },
            say("regression.compare.distance"): f"{one['distance']:.4g}",
            say("regression.compare.seconds"): f"{one['seconds']:.3g}",
        }
        for one in runs
    ]
    st.dataframe(rows, hide_index=True)
    with st.container(horizontal=True):
        st.download_button(
            say("regression.kept.csv"),
            lambda: _comparison(runs),  # called later, outside the session
            "runs.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button(say("regression.kept.clear"), icon=":material/delete:", on_click=runs.clear)


def _comparison(runs: list[dict[str, Any]]) -> str:
    """Every recorded row of these runs, with its label."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["run", "epoch", "loss", "parameters and gradients"])
    for one in runs:
        for row in one["rows"]:
            writer.writerow([one["label"], int(row[0]), *row[1:]])
    return stream.getvalue()


def _files(run: Training, table: Points | None) -> None:
    settings = run.settings
    with st.container(horizontal=True):
        _download(
            "model", lambda: training.shared().save(settings, _parameters(run)), "model.pkl", "application/octet-stream"
        )
        _download("history", lambda: run.history.csv(names(len(run.examination.start) - 1)), "history.csv", "text/csv")
        _download("script", lambda: script(settings, table), "train.py", "text/x-python")
        _download("points", lambda: _points(run, table), "points.csv", "text/csv")
    file = st.file_uploader(
        say("regression.load"), type=["pkl", "pt", "pth"], help=say("regression.load.help"), key="regression.model"
    )
    if file is None or st.session_state.get("regression.model.taken") == file.file_id:
        return
    st.session_state["regression.model.taken"] = file.file_id
    try:
        values = reading.read_model(file.getvalue(), len(run.examination.start) - 1)
    except EngineError as error:
        st.error(say(error.code, **error.params), icon=":material/block:")
        return
    start = ",".join(f"{value:.9g}" for value in values)
    st.session_state["regression.next"] = {"start": start}
    st.session_state[LOADED] = (start, ", ".join(f"{value:.6g}" for value in values))
    st.rerun()


def _download(name: str, content: object, file: str, mime: str) -> None:
    st.download_button(
        say(f"regression.save.{name}"),
        content,  # type: ignore[arg-type]
        file,
        mime,
        icon=":material/download:",
        help=say(f"regression.save.{name}.help"),
        on_click="ignore",
        key=f"regression.save.{name}",
    )


def _parameters(run: Training) -> list[float]:
    """The parameters the run has reached; those it starts from before the first epoch."""
    return run.history.row(-1).parameters if run.history.count else run.examination.start


def _points(run: Training, table: Points | None) -> str:
    one = run.examination
    x, y = arrays(table) if table is not None else datasets.points(run.settings)[:2]
    return points_csv(x, y, [*one.names, one.target])


def _predict(run: Training) -> None:
    one = run.examination
    width = len(one.names)
    text = st.text_area(
        say("regression.predict.x"),
        "11, 12.5" if width == 1 else ", ".join(["1"] * width),
        help=say("regression.predict.x.help"),
        height=80,
    )
    try:
        rows = _rows(text, width)
    except InvalidState as error:
        st.error(say(error.code, **error.params))
        return
    if not rows:
        return
    raw = np.array(rows)
    theta, answer = np.array(_parameters(run)), np.array(one.answer)
    seen = (raw - np.array(one.mean)) / np.array(one.scale)
    st.dataframe(
        [
            {
                **dict(zip(one.names, row, strict=True)),
                say("live.predicted"): float(f"{guess:.7g}"),
                say("live.answer"): float(f"{exact:.7g}"),
            }
            for row, guess, exact in zip(
                rows, seen @ theta[:-1] + theta[-1], seen @ answer[:-1] + answer[-1], strict=True
            )
        ],
        hide_index=True,
    )


def _rows(text: str, width: int) -> list[list[float]]:
    """The rows that were typed: with one feature every number is one. Raises InvalidState."""
    lines = [line.strip() for line in text.replace("，", ",").splitlines() if line.strip()]
    parts = [[part for part in re.split(r"[,;\s]+", line) if part] for line in lines]
    if width == 1:
        parts = [[part] for line in parts for part in line]
    if len(parts) > PREDICTED:
        raise InvalidState("regression.predict.many", None, limit=PREDICTED)
    rows = []
    for line in parts:
        try:
            row = [float(part) for part in line]
        except ValueError:
            row = []
        if len(row) != width or not np.isfinite(row).all():
            raise InvalidState("regression.predict.wrong", None, value=" ".join(line)[:40], expected=width)
        rows.append(row)
    return rows
