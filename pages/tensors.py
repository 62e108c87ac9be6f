"""The Tensors page: build tensors, do things to them one click at a time, and watch the program grow."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from engine import scenarios
from engine.errors import InvalidState
from engine.executors.base import Job
from engine.messages import render
from engine.permalink import program_table
from engine.trace import Trace
from engine.workbench import History, compose, history, tensors_table
from pages.components import run, workbench
from pages.components.language import current, say
from pages.components.share import Link, copy_field

_PROGRAM = Path(__file__).resolve().parent / "program.py"
_STYLE = Path(__file__).resolve().parent / "components" / "tensors.css"
_BENCH = "workbench"
_link = Link("tensors", tensors_table())
_presets = {name: one for name, one in scenarios.load().items() if one.page == "tensors"}
_PROBLEM, _MINE, _ANSWERED = _link.key("problem"), _link.key("mine"), _link.key("answered")


def _history() -> History:
    done = _link.get("done")
    return history(str(_link.get("program") or ""), done if isinstance(done, int) else None)


def _keep(now: History) -> None:
    """Make this the history, in the session and in the address bar."""
    _link.put({"program": now.whole, "done": None if now.done == len(now.statements) else now.done})
    st.session_state[_PROBLEM] = None
    _link.write()


def _asked() -> None:
    """Do what the reader did on the bench. What cannot be written as a statement is said; nothing else changes."""
    asked = st.session_state[_BENCH].get("action")
    if not isinstance(asked, dict) or _link.get("read_only"):
        return
    st.session_state[_ANSWERED] = str(asked.get("nonce") or "")
    now = _history()
    try:
        after = _next(now, asked)
        made = sorted(after.names - now.names)
        _at(made[-1] if made and asked.get("kind") not in ("go", "walk") else asked.get("card"), asked.get("panel"))
        _keep(after)
    except InvalidState as error:
        st.session_state[_PROBLEM] = render(error.code, error.params, current())


def _next(now: History, asked: dict[str, Any]) -> History:
    """The history after an action. A statement that failed gives its place to the next one."""
    landing = st.session_state.get("tensors.landing")
    trace = landing.trace if landing is not None and landing.job.source == now.program else None
    failed = workbench.failed_at(trace, now)
    match asked.get("kind"):
        case "go":
            return now.to(int(asked.get("done") or 1))
        case "walk":
            return now.to(now.done + (1 if asked.get("way") == 1 else -1))
        case "fix":
            mended = workbench.fix(trace)
            return now if mended is None else history(mended)
    return now.do(*compose(asked, now.names), keep=failed)


def _rest() -> None:
    """Keep which card and which panel the reader looks at: the link says them when it is next written."""
    at = st.session_state[_BENCH].get("at")
    if isinstance(at, dict):
        _at(at.get("card"), at.get("panel"))


def _at(card: object, panel: object) -> None:
    _link.put({"card": card if isinstance(card, str) else None, "panel": panel if isinstance(panel, str) else None})


def _is_example(now: History) -> str | None:
    """The example that this history is, done or partly taken back; None where it is the reader's own."""
    return next((name for name, whole in _wholes().items() if whole == now.whole), None)


@cache
def _wholes() -> dict[str, str]:
    return {name: history(str(one.state["program"])).whole for name, one in _presets.items()}


def _keep_mine() -> None:
    """Before another history takes its place, keep one that is nobody's example."""
    now = _history()
    if now.done > 1 and _is_example(now) is None:
        st.session_state[_MINE] = now


def _back() -> None:
    mine = st.session_state.pop(_MINE)
    _keep_mine()
    _at(None, None)
    _keep(mine)


def _pick(scenario: str) -> None:
    _keep_mine()
    _link.put(_link.table.defaults(scenario))
    st.session_state[_PROBLEM] = None
    _link.write()


def _picked(scenario: str | None, shown: str | None) -> None:
    if scenario not in (None, shown):
        _pick(str(scenario))


def _toolbar(now: History) -> None:
    example = _is_example(now)
    # One widget for each example: set to another one, it would be told by a browser that has not heard of it what it
    # showed before, and take that for a choice.
    picker = _link.key(f"picker.{current()}.{example}")
    st.session_state[picker] = example
    with st.container(horizontal=True, vertical_alignment="center", key="tensors-toolbar"):
        st.selectbox(
            say("tensors.scenario"),
            list(_presets),
            format_func=lambda name: say(_presets[name].title_id),
            key=picker,
            placeholder=say("tensors.own"),
            on_change=lambda: _picked(st.session_state[picker], example),
            help=say("tensors.scenario.help"),
            label_visibility="collapsed",
            width=300,
        )
        if st.button(say("tensors.open"), icon=":material/code:", help=say("tensors.open.help")):
            seed = _link.state()["seed"]
            query = program_table().encode({"program": now.program, "seed": seed})
            st.switch_page(str(_PROGRAM), query_params=query)
        with st.container(width="content"):
            if _MINE in st.session_state:
                st.button(say("tensors.mine"), icon=":material/undo:", help=say("tensors.mine.help"), on_click=_back)
        st.space("stretch")
        _share()
        _more()


def _share() -> None:
    with st.popover(
        say("page.share"), icon=":material/share:", help=say("tensors.share.help"), on_change="rerun"
    ) as box:
        if box.open:
            link, problem = _link.address()
            copy_field(link, key="share-link", label=say("page.share.says"))
            copy_field(_link.address(embed=True)[0], key="share-embed", label=say("page.share.embed"))
            if problem is not None:
                st.warning(say(problem.code, **problem.params))


def _more() -> None:
    with st.popover(say("page.program.more"), icon=":material/tune:"):
        st.number_input(
            say("page.program.seed"),
            min_value=0,
            max_value=2**32 - 1,
            step=1,
            key=_link.key("seed"),
            on_change=_link.write,
            help=say("tensors.seed.help"),
            persist_state="session",
        )
        st.download_button(
            say("page.program.save"),
            lambda: _history().program,
            file_name="tensors.py",
            mime="text/x-python",
            icon=":material/download:",
            help=say("page.program.save.help"),
            on_click="ignore",
        )
        st.button(
            say("tensors.clear"),
            icon=":material/ink_eraser:",
            help=say("tensors.clear.help"),
            on_click=lambda: _keep(_history().to(1)),
        )


def _trace(now: History) -> tuple[Trace | None, str]:
    """What came of the history, and a sentence where nothing did."""
    seed = _link.state()["seed"]
    landing = run.landed(Job(source=now.program, seed=int(seed or 0)), "tensors")
    return landing.trace, "" if landing.trace is not None else say(landing.code, **landing.params)


def _page() -> None:
    _link.seed()
    _link.keep()
    st.html(_STYLE)
    now = _history()
    read_only = bool(_link.get("read_only"))
    with st.container(gap="xsmall", key="tensors-page"):
        if not read_only:
            _toolbar(now)
        with st.container():
            _link.say_problems()
            if (example := _is_example(now)) is not None:
                st.caption(f":material/visibility: {say(_presets[example].notice_id)}")
        with st.container():
            trace, lost = _trace(now)
        state = _link.state()
        workbench.workbench(
            trace,
            now,
            key=_BENCH,
            language=current(),
            card=str(state["card"] or ""),
            panel=str(state["panel"] or ""),
            problem=st.session_state.get(_PROBLEM) or lost,
            answered=str(st.session_state.get(_ANSWERED) or ""),
            read_only=read_only,
            on_action=_asked,
            on_rest=_rest,
        )


_page()
