"""The Expressions page: type a formula, move its variables, watch its value and its derivatives."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from engine import scenarios
from engine.expression_answer import Answer
from engine.expression_state import expressions_table
from engine.permalink import State, program_table
from pages.components.expression import asked, expression, look, spoiled
from pages.components.expression_chain import chain_rule
from pages.components.language import current, say
from pages.components.share import Link, copy_field

_PROGRAM = Path(__file__).resolve().parent / "program.py"
_KEY = "expression"
_link = Link("expressions", expressions_table())
_presets = {name: one for name, one in scenarios.load().items() if one.page == "expressions"}
_REVISION, _NUMBER, _GOOD, _OPEN, _SHOWN, _OURS = (
    _link.key(name) for name in ("revision", "number", "good", "open", "shown", "ours")
)


def _renew() -> None:
    """The settings come from elsewhere: the component takes them over."""
    st.session_state[_REVISION] = st.session_state.get(_REVISION, 0) + 1


def _pick(scenario: str) -> None:
    _link.put(_link.table.defaults(scenario))
    _link.write()
    _renew()


def _picked(scenario: str | None, shown: str | None) -> None:
    if scenario not in (None, shown):
        _pick(str(scenario))


def _heard() -> None:
    """What the reader did in the component becomes the settings; a link is written once they rest."""
    state = st.session_state.get(_KEY) or {}
    if state.get("open"):
        st.session_state[_OPEN] = True
    given = state.get("asked")
    if not isinstance(given, dict) or _link.get("read_only") or given.get("number") == st.session_state.get(_NUMBER):
        return
    _link.put(asked(given, _link.table, _link.state()))
    st.session_state[_NUMBER] = given.get("number")
    if given.get("settled"):
        _link.write()


def _example() -> str | None:
    """The example whose expression this is; None where it is the reader's own."""
    state = _link.state()
    name = str(state["scenario"])
    return name if state["expression"] == _link.table.defaults(name)["expression"] else None


def _toolbar() -> None:
    example = st.session_state[_SHOWN] = _example()
    # One widget for each example: set to another one, it would be told by a browser that has not heard of it what it
    # showed before, and take that for a choice.
    picker = _link.key(f"picker.{current()}.{example}")
    st.session_state[picker] = example
    with st.container(horizontal=True, vertical_alignment="center", key="expressions-toolbar"):
        st.selectbox(
            say("expressions.scenario"),
            list(_presets),
            format_func=lambda name: say(_presets[name].title_id),
            key=picker,
            placeholder=say("expressions.own"),
            on_change=lambda: _picked(st.session_state[picker], example),
            help=say("expressions.scenario.help"),
            label_visibility="collapsed",
            width=280,
        )
        st.caption(
            f":material/visibility: {say(_presets[example].notice_id)}" if example else say("expressions.own.says")
        )
        with st.popover(
            say("page.share"), icon=":material/share:", help=say("page.share.help"), on_change="rerun", width="content"
        ) as box:
            if box.open:
                copy_field(_link.address()[0], key="expressions-link", label=say("page.share.says"))
                copy_field(_link.address(embed=True)[0], key="expressions-embed", label=say("page.share.embed"))


@st.fragment
def _work() -> None:
    if _OPEN in st.session_state:
        st.rerun()  # another page is for the whole script to open: a fragment leaves the address behind
    given = (st.session_state.get(_KEY) or {}).get("asked") or {}
    state = _link.state()
    holds = str(given.get("holds") or "")
    found, wrong = look(state, current(), holds=holds)
    if found is not None and wrong is None:
        st.session_state[_GOOD] = (found, state)
    elif _GOOD not in st.session_state:  # a link to what is wrong: behind its sentence stands the example
        example = _link.table.defaults(str(state["scenario"]))
        first, _ = look(example, current(), holds="")
        st.session_state[_GOOD] = None if first is None else (first, example)
    good: tuple[Answer, State] | None = st.session_state.get(_GOOD)
    expression(
        good,
        state,
        key=_KEY,
        language=current(),
        number=int(st.session_state.get(_NUMBER) or 0),
        revision=int(st.session_state.get(_REVISION, 0)),
        wrong=wrong or spoiled(given.get("texts"), current(), found),
        refused=found if wrong is not None else None,
        read_only=bool(_link.get("read_only")),
        on_change=_heard,
    )
    with st.container(key="expressions-chain"):
        if state["chain"] and good is not None:
            chain_rule(good[0])
    if _SHOWN in st.session_state and st.session_state[_SHOWN] != _example() and not _link.get("read_only"):
        # The toolbar names the example, or says that the expression is the reader's own. The browser may not have heard
        # yet of the link that was written last: in this one run its address is not read.
        st.session_state[_OURS] = True
        st.rerun()


def _page() -> None:
    good: tuple[Answer, State] | None = st.session_state.get(_GOOD)
    if st.session_state.pop(_OPEN, False) and good is not None:
        st.switch_page(str(_PROGRAM), query_params=program_table().encode({"program": good[0].program}))
    if not st.session_state.pop(_OURS, False) and _link.seed():
        _renew()
    _link.keep()
    if not _link.get("read_only"):
        _toolbar()
    with st.container():
        _link.say_problems()
    _work()


_page()
