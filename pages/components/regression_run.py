"""The run that the Regression page shows: made when its settings change, found again when they come back.

    settings --current--> token of a Training (prepared, running or over)

A change of settings stops the run before and makes another, so two runs never mix. The new one starts by itself unless
the reader had paused, stopped or reset the one before.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import streamlit as st

from engine.errors import EngineError
from engine.executors import training
from engine.executors.training import Training
from engine.history import names
from engine.regression_state import Points, Settings, digest
from pages.components.http import VISITOR
from pages.components.live import RUNS, live
from pages.components.run import visitor

_TOKEN, _NAME, _KEPT = "regression.token", "regression.name", "regression.kept"
_RESTARTED = ("running", "finished", "diverged")
KEPT_RUNS = 8
EDITED_POINTS = 500
"""Points that can be edited on the page, by table or by pen, and go into the link where they fit."""


def browser() -> str:
    """Who this is across reloads: the browser's name, else (in a foreign frame, without cookies) this session."""
    cookie = st.context.cookies.get(VISITOR, "")
    return hashlib.sha256(cookie.encode()).hexdigest()[:24] if cookie else visitor()


def current(settings: Settings, table: Points | None, axes: tuple[int, int] | None) -> tuple[str, bool]:
    """The token of the run with these settings, and whether it is another than before.

    Raises InvalidState where settings and points do not fit each other; the run before then stays.
    """
    name = f"{digest(settings)}{axes}"
    before = RUNS.get(st.session_state.get(_TOKEN, ""))
    if before is not None and st.session_state.get(_NAME) == name:
        return st.session_state[_TOKEN], False
    token = RUNS.find(browser(), name)
    if token is None:
        token = RUNS.keep(browser(), name, training.shared().prepare(settings, table, axes=axes))
    run = RUNS.get(token)
    assert run is not None
    st.session_state[_TOKEN], st.session_state[_NAME] = token, name
    if before is None:  # a first visit trains; a reload finds the run as it was left
        if run.status == "ready":
            run.resume()
        return token, True
    restart = before.status in _RESTARTED
    before.stop()
    if restart and run.status in ("ready", "stopped"):
        run.resume()
    return token, True


def shown() -> Training | None:
    """The run on the page."""
    return RUNS.get(st.session_state.get(_TOKEN, ""))


def devices() -> list[str]:
    """Every device that may be wished for; a wish that cannot be met is answered with the reason."""
    known: list[str] = st.session_state.setdefault("regression.devices", [])
    if not known:
        try:
            known.extend(training.shared().devices().names)
        except EngineError:
            return ["auto", "cpu"]
    return list(dict.fromkeys([*known, "cuda", "mps"]))


def kept() -> list[dict[str, Any]]:
    """The runs that the reader keeps for comparison."""
    runs: list[dict[str, Any]] = st.session_state.setdefault(_KEPT, [])
    return runs


def keep(label: str) -> None:
    """Keep the run on the page, thinned to what is drawn; the oldest goes when there are too many."""
    run = shown()
    if run is None or not run.history.count:
        return
    rows = run.history.table()
    stride = max(1, len(rows) // 400)
    thin = rows[(len(rows) - 1) % stride :: stride]
    last = run.history.row(-1)
    distance = sum((a - b) ** 2 for a, b in zip(last.parameters, run.examination.answer, strict=True)) ** 0.5
    one = {
        "label": label,
        "axes": list(run.examination.bowl.axes),
        "rows": [
            [None if value != value or abs(value) == float("inf") else value for value in row] for row in thin.tolist()
        ],
        "epochs": run.state.epoch,
        "loss": last.loss,
        "parameters": last.parameters,
        "distance": distance,
        "seconds": run.seconds,
        "status": run.status,
        "settings": msgspec.to_builtins(run.settings),
    }
    st.session_state[_KEPT] = [*kept(), one][-KEPT_RUNS:]


def watch(token: str, language: Any, *, read_only: bool) -> Any:
    """The live component; what it returns is said in `live`."""
    run = RUNS.get(token)
    assert run is not None
    overlays = [{key: one[key] for key in ("label", "axes", "rows")} for one in kept()]
    return live(
        token,
        key="regression.live",
        language=language,
        kept=overlays,
        names=names(len(run.examination.start) - 1),
        read_only=read_only,
        drawable=EDITED_POINTS,
    )
