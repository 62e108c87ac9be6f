"""The Program page: write a program, run it once, watch everything that happened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from engine import scenarios
from engine.executors.base import Job
from engine.export import to_csv, to_json, to_notebook, to_script
from engine.permalink import Setting, State, program_table
from engine.scenarios import Scenario
from engine.trace import Span, Trace
from pages.components import answers, outcome, reasons, run
from pages.components.editor import editor, number
from pages.components.language import current, say
from pages.components.share import Link, copy_field
from pages.components.stage import stage

_STAGE = "stage"
_link = Link("program", program_table())
_programs = {name: one for name, one in scenarios.load().items() if one.page == "program"}
_START: State = {"step": None, "part": None, "node": None}
_STYLE = Path(__file__).resolve().parent / "components" / "program.css"
_JOB, _AGAIN, _MINE, _EDITOR = (_link.key(name) for name in ("job", "again", "mine", "editor"))


def _text() -> str:
    return str(_link.get("program") or "")


def _opened() -> Scenario:
    """The scenario that is open, as it was or edited."""
    return _programs[str(_link.state()["scenario"])]


def _start(*, again: bool = False) -> None:
    """Make what is in the editor the program to run."""
    state = _link.state()
    st.session_state[_JOB] = Job(source=str(state["program"]), seed=int(state["seed"] or 0))
    st.session_state[_AGAIN] = again
    if _STAGE in st.session_state:
        st.session_state[_STAGE]["at"] = None  # another run, other moments


def _keep_mine(text: str) -> None:
    """Before another program takes its place, keep one that is nobody's example."""
    if text.strip() and all(text != one.program for one in _programs.values()):
        st.session_state[_MINE] = text


def _run() -> None:
    _link.put(_START)
    _link.write()
    _start(again=True)


def _pick(scenario: str) -> None:
    _keep_mine(_text())
    _link.put(_link.table.defaults(scenario))
    _link.write()
    _start()


def _back() -> None:
    mine = st.session_state.pop(_MINE)
    _keep_mine(_text())
    _link.put({"program": mine, **_START})
    _link.write()
    _start()


def _toolbar() -> None:
    # The browser tells the choice by its title, so each language has a picker of its own.
    picker = _link.key(f"picker.{current()}")
    st.session_state[picker] = _opened().name if _text() == _opened().program else None
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
        st.selectbox(
            say("page.program.scenario"),
            list(_programs),
            format_func=lambda name: say(_programs[name].title_id),
            key=picker,
            placeholder=say("page.program.own"),
            on_change=lambda: _pick(st.session_state[picker] or _opened().name),
            help=say("page.program.scenario.help"),
            label_visibility="collapsed",
            width=260,
        )
        st.button(
            say("page.program.run"),
            type="primary",
            icon=":material/play_arrow:",
            shortcut="Mod+Enter",
            help=say("page.program.run.help"),
            on_click=_run,
        )
        shown = st.session_state.setdefault(_EDITOR, True)
        st.button(
            say("page.program.hide" if shown else "page.program.show"),
            icon=":material/left_panel_close:" if shown else ":material/left_panel_open:",
            help=say("page.program.hide.help" if shown else "page.program.show.help"),
            on_click=lambda: st.session_state.update({_EDITOR: not shown}),
        )
        with st.container(width="content"):
            if _MINE in st.session_state:
                st.button(
                    say("page.program.back"), icon=":material/undo:", help=say("page.program.back.help"), on_click=_back
                )
        st.space("stretch")
        _share()
        _more()


def _share() -> None:
    with st.popover(say("page.share"), icon=":material/share:", help=say("page.share.help"), on_change="rerun") as box:
        if box.open:
            link, problem = _link.address()
            copy_field(link, key="share-link", label=say("page.share.says"))
            copy_field(_link.address(embed=True)[0], key="share-embed", label=say("page.share.embed"))
            if problem is not None:
                st.warning(say(problem.code, **problem.params))
            landing = run.kept("program")
            if landing is not None and landing.trace is not None:
                _exports(landing.trace)


def _more() -> None:
    with st.popover(say("page.program.more"), icon=":material/tune:"):
        st.number_input(
            say("page.program.seed"),
            min_value=0,
            max_value=2**32 - 1,
            step=1,
            key=_link.key("seed"),
            help=say("page.program.seed.help"),
            persist_state="session",
        )
        st.download_button(
            say("page.program.save"),
            _text,
            file_name="program.py",
            mime="text/x-python",
            icon=":material/download:",
            help=say("page.program.save.help"),
            on_click="ignore",
        )


def _exports(trace: Trace) -> None:
    """What can be taken along of the run that is shown; the picture has its own buttons."""
    language = current()
    kinds: tuple[tuple[str, str, str, Callable[[], str]], ...] = (
        ("script", "checked.py", "text/x-python", lambda: to_script(trace, language)),
        ("notebook", "program.ipynb", "application/x-ipynb+json", lambda: to_notebook(trace, language)),
        ("json", "trace.json", "application/json", lambda: to_json(trace)),
        ("csv", "tensors.csv", "text/csv", lambda: to_csv(trace)),
    )
    for kind, name, mime, content in kinds:
        st.download_button(
            say(f"page.program.export.{kind}"),
            content,
            file_name=name,
            mime=mime,
            icon=":material/download:",
            help=say(f"page.program.export.{kind}.help"),
            on_click="ignore",
            key=f"export-{kind}",
        )


def _watch(landing: run.Landing, *, source: bool) -> None:
    """Everything there is to see of a run; without its source where the editor shows it."""
    trace = landing.trace
    with st.container():  # also where it stays empty, so that the stage keeps its place and is not drawn anew
        if trace is None:
            outcome.no_trace(landing.code, landing.params)
            return
        outcome.ending(trace)
        reasons.failure(trace, lambda span: _go(trace, span), _apply)
        reasons.notes(trace, lambda span: _go(trace, span))
    if trace.steps:
        asked = _link.state()
        at = stage(
            trace,
            key=_STAGE,
            language=current(),
            step=_number(asked["step"]),
            part=_number(asked["part"]),
            node=_number(asked["node"]),
            view=str(asked["view"] or ""),
            source=source,
            answer=lambda asked: answers.known(landing.job, trace, asked),
        )
        if at.step is not None:
            _link.put({"step": at.step, "part": at.part, "node": at.node, "view": at.view or None})
    outcome.left_over(trace)
    outcome.figures(trace.figures)


def _go(trace: Trace, span: Span) -> None:
    """Show the moment when the statement of that line was last over."""
    ticks = [step.tick for step in trace.steps if step.span[0] <= span[0] <= step.span[2]]
    if ticks:
        _link.put({"step": ticks[-1], "part": None})
        _link.write()


def _apply(fix: str) -> None:
    """Run the mended program; the one it was made from can be put back."""
    st.session_state[_MINE] = _text()
    _link.put({"program": fix, **_START})
    _link.write()
    _start(again=True)


def _number(setting: Setting) -> int | None:
    return setting if isinstance(setting, int) else None


def _page() -> None:
    before = _text()
    if _link.seed() or _JOB not in st.session_state:
        if before != _text():
            _keep_mine(before)
        _start()
    _link.keep()
    st.html(_STYLE)
    read_only = bool(_link.get("read_only"))
    with st.container(gap="xsmall", key="page"):
        if not read_only:
            _toolbar()
        # What may be absent has a place of its own: else the editor would move and be drawn anew under the typist.
        with st.container():
            _link.say_problems()
            if _text() == _opened().program:
                st.caption(f":material/visibility: {say(_opened().notice_id)}")
        if read_only or not st.session_state[_EDITOR]:
            _watch(_landing(), source=True)
            return
        left, right = st.columns([4, 7], gap="xsmall")
        with left:
            margin = editor(_link.key("program"))
        with right:
            landing = _landing()
            _watch(landing, source=False)
        number(margin, _link.key("program"), wrong=outcome.line(landing.trace))


def _landing() -> run.Landing:
    return run.landed(st.session_state[_JOB], "program", again=st.session_state.pop(_AGAIN, False))


_page()
