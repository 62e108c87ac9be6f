"""The Regression page: watch a line learn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine import scenarios
from engine.errors import EngineError, InvalidState
from engine.executors.training import Training
from engine.history import names
from engine.permalink import program_table
from engine.regression_program import step
from engine.regression_state import LOSSES, OPTIMIZERS, Points, Settings, settings, table
from pages.components import regression_data, regression_doctor, regression_files, regression_run
from pages.components.language import current, say
from pages.components.live import RUNS
from pages.components.share import Link, copy_field

_link = Link("regression", table())
_STYLE = Path(__file__).resolve().parent / "components" / "regression.css"
_NEXT = "regression.next"  # settings that a component asked for, put before the widgets of the next rerun exist
_PROGRAM = Path(__file__).resolve().parent / "program.py"
_presets = {name: one for name, one in scenarios.load().items() if one.page == "regression"}
_EXTRA = {
    "sgd": ("weight_decay",),
    "momentum": ("momentum", "weight_decay"),
    "nesterov": ("momentum", "weight_decay"),
    "adam": ("beta1", "beta2", "eps", "weight_decay"),
    "adamw": ("beta1", "beta2", "eps", "weight_decay"),
    "rmsprop": ("alpha", "eps", "weight_decay"),
    "adagrad": ("lr_decay", "eps", "weight_decay"),
    "lbfgs": ("max_iter", "history_size", "line_search"),
}


def _pick() -> None:
    _link.put({**table().defaults(_link.get("scenario")), "lang": None})


def _preset() -> None:
    st.selectbox(
        say("regression.scenario"),
        [None, *_presets],
        format_func=lambda name: say(_presets[name].title_id) if name else say("regression.scenario.none"),
        key=_link.key("scenario"),
        on_change=_pick,
        help=say("regression.scenario.help"),
        placeholder=say("regression.scenario.none"),
        persist_state="session",
    )


def _choice(name: str, options: tuple[str, ...]) -> None:
    st.selectbox(
        say(f"regression.{name}"),
        options,
        format_func=lambda option: say(f"regression.{name}.{option}"),
        key=_link.key(name),
        help=say(f"regression.{name}.help"),
        persist_state="session",
    )


def _number(name: str, label: str = "", placeholder: str | None = None) -> None:
    """A number as its row of the table says: range, whole or not, optional or not."""
    row = next(field for field in table().fields if field.name == name)
    whole = row.kind == "integer"
    kind = int if whole else float
    st.number_input(
        say(label or f"regression.{name}"),
        min_value=kind(row.low),
        max_value=kind(row.high),
        step=1 if whole else None,
        format="%d" if whole else "%.6g",
        key=_link.key(name),
        help=say(f"regression.{name}.help"),
        placeholder=placeholder,
        persist_state="session",
    )


def _more(run: Training | None) -> None:
    with st.popover(say("regression.more"), icon=":material/tune:", width="stretch"):
        _choice("loss", LOSSES)
        if _link.get("loss") in ("huber", "smooth_l1"):
            _number("delta")
        left, right = st.columns(2)
        with left:
            _number("batch", placeholder=say("regression.batch.full"))
            _number("seed")
        with right:
            st.selectbox(
                "dtype",
                ("float32", "float64"),
                key=_link.key("dtype"),
                help=say("regression.dtype.help"),
                persist_state="session",
            )
            offered = dict.fromkeys([*regression_run.devices(), str(_link.get("device") or "auto")])
            st.selectbox(
                say("regression.device.label"),
                list(offered),
                key=_link.key("device"),
                help=say("regression.device.help"),
                persist_state="session",
            )
        for index, name in enumerate(_EXTRA[str(_link.get("optimizer"))]):
            with (left, right)[index % 2]:
                if name == "line_search":
                    st.toggle(
                        say("regression.line_search"),
                        key=_link.key(name),
                        help=say("regression.line_search.help"),
                        persist_state="session",
                    )
                else:
                    _number(name)
        st.text_input(
            say("regression.start.label"),
            key=_link.key("start"),
            placeholder=say("regression.start.seed"),
            help=say("regression.start.help"),
            persist_state="session",
        )
        if run is not None and len(run.examination.start) > 2:
            _axes(names(len(run.examination.start) - 1))


def _axes(offered: list[str]) -> None:
    if _link.get("axis2") is None:
        _link.put({"axis2": len(offered) - 1})
    left, right = st.columns(2)
    for place, name in ((left, "axis1"), (right, "axis2")):
        place.selectbox(
            say("regression.axes.label"),
            range(len(offered)),
            format_func=lambda index: offered[index],
            key=_link.key(name),
            help=say("regression.axes.help"),
            persist_state="session",
        )


def _share() -> None:
    with st.popover(say("page.share"), icon=":material/share:", width="stretch", on_change="rerun") as box:
        if box.open:
            link, problem = _link.address()
            copy_field(link, key="regression.link", label=say("page.share.says"))
            copy_field(_link.address(embed=True)[0], key="regression.link.embed", label=say("page.share.embed"))
            if problem is not None:
                st.warning(say(problem.code, **problem.params))


def _label() -> str:
    parts = [say(f"regression.optimizer.{_link.get('optimizer')}"), f"lr {_link.get('lr'):g}"]
    if _link.get("batch") is not None:
        parts.append(f"batch {_link.get('batch')}")
    if _link.get("loss") != "mse":
        parts.append(str(_link.get("loss")))
    if _link.get("standardise"):
        parts.append("z(x)")
    return " · ".join(parts)


def _controls(run: Training | None) -> tuple[DeltaGenerator, DeltaGenerator]:
    """The controls, and the places for what is said of the run that they lead to: under the slider, and under all."""
    _preset()
    regression_data.chooser(_link)
    regression_doctor.rate(_link)
    zones = st.container()
    left, right = st.columns([2, 3])
    with left:
        _number("epochs")
        _more(run)
        st.button(
            say("regression.keep"),
            icon=":material/bookmark_add:",
            help=say("regression.keep.help"),
            on_click=lambda: regression_run.keep(_label()),
            width="stretch",
        )
    with right:
        _choice("optimizer", OPTIMIZERS)
        with st.popover(say("regression.points.own"), icon=":material/table_chart:", width="stretch"):
            regression_data.settings(_link)
        _share()
    return zones, st.container()


def _axes_of(state: Mapping[str, object], width: int | None) -> tuple[int, int] | None:
    first, second = state.get("axis1"), state.get("axis2")
    if not isinstance(first, int) or not isinstance(second, int) or first == second:
        return None
    return None if width is not None and max(first, second) >= width else (first, second)


def _current(*, write: bool) -> tuple[str | None, Points | None]:
    """The run that the settings ask for, and the reader's own points; what is wrong with them is said."""
    try:
        points = regression_data.own(_link)
        asked = settings(_link.state(), points.digest if points is not None else "")
        width = {"features": asked.features, "table": len(points.names) if points is not None else 1}.get(
            asked.data, 1
        ) + 1
        axes = _axes_of(_link.state(), width) if width > 2 else None
        token, changed = regression_run.current(asked, points, axes)
        if changed and write:  # a link that was just read stays as it is, and what was wrong with it is said
            _link.write()
        return token, points
    except InvalidState as error:
        st.error(say(error.code, **error.params), icon=":material/block:")
        if not regression_run.shown():  # a link that cannot be met: the lesson, so that the page is not empty
            return regression_run.current(Settings(), None, None)[0], None
    except EngineError as error:
        st.error(say(error.code, **error.params))
    return st.session_state.get("regression.token"), None


def _open(run: Training, epoch: int) -> None:
    """That one epoch as a program on the Program page."""
    try:
        row = run.row(epoch)
    except EngineError as error:
        st.error(say(error.code, **error.params))
        return
    one = run.examination
    text = step(run.settings, row, one.rows, one.y, one.count)
    st.switch_page(str(_PROGRAM), query_params=program_table().encode({"program": text}))


def _answers(run: Training) -> None:
    """Where it ran, what is left out, and the exact answer's quality."""
    one = run.examination
    parts = [say(notice.code, **notice.params) for notice in one.notices if notice.code != "device.small"]
    if one.bowl.subsample is not None:
        parts.append(say("regression.bowl.sampled", count=one.bowl.subsample))
    if one.r2 is not None:
        parts.insert(0, f"{say('regression.answer')}: {say('regression.r2', r2=one.r2)}")
    if run.settings.standardise and run.history.count:
        parts.append(say("regression.standardised", equation=_equation(run)))
    st.caption("  \n".join(parts))


def _equation(run: Training) -> str:
    one, theta = run.examination, run.history.row(-1).parameters
    weights = [weight / scale for weight, scale in zip(theta[:-1], one.scale, strict=True)]
    bias = theta[-1] - sum(weight * mean for weight, mean in zip(weights, one.mean, strict=True))
    terms = " + ".join(f"{weight:.4g}·{name}" for weight, name in zip(weights, one.names, strict=True))
    return f"{one.target} = {terms} + {bias:.4g}"


def _page() -> None:
    fresh = _link.seed()
    _link.put(st.session_state.pop(_NEXT, {}))
    st.html(_STYLE)
    _link.say_problems()
    read_only = bool(_link.get("read_only"))
    left, right = (None, st.container()) if read_only else st.columns([10, 29], gap="medium")
    places = None
    if left is not None:
        with left, st.container(key="regression-controls"):
            places = _controls(regression_run.shown())
    with right:
        token, points = _current(write=not fresh)
        run = RUNS.get(token or "")
        if run is None:
            return
        result = regression_run.watch(str(token), current(), read_only=read_only)
        start, words = st.session_state.get(regression_files.LOADED, ("", ""))
        if start and start == _link.get("start"):
            st.success(say("regression.loaded", values=words))
    if places is not None:
        with places[0]:
            regression_doctor.zones(run)
        with places[1]:
            regression_doctor.verdict(_link, run)
            if (scenario := _presets.get(str(_link.get("scenario")))) is not None:
                st.caption(f":material/visibility: {say(scenario.notice_id)}")
            regression_doctor.words(run)
            _answers(run)
        regression_files.tabs(run, points)
    if result.opened is not None:
        _open(run, int(result.opened))
    if result.chosen is not None:
        _begin_at(run, result.chosen)
    if (state := regression_data.drawn(run, result.drawn)) is not None:
        st.session_state[_NEXT] = state
        st.rerun()


def _begin_at(run: Training, chosen: list[float]) -> None:
    """Start from the place on the bowl; parameters that span it not stay at the answer."""
    first, second = run.examination.bowl.axes
    values = list(run.examination.answer)
    values[first], values[second] = float(chosen[0]), float(chosen[1])
    st.session_state[_NEXT] = {"start": ",".join(f"{value:.6g}" for value in values)}
    st.rerun()


_page()
