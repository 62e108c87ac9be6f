"""The language of the page: what the visitor chose, what the link asks for, or else what the browser prefers."""

from __future__ import annotations

from typing import cast

import streamlit as st

from engine.messages import LANGUAGES, Language, render

_NAMES: dict[Language, str] = {"en": "English", "zh": "中文"}
_CHOSEN = "language"
_ASKED = "language.asked"


def current() -> Language:
    """The language to speak now."""
    return chosen() or ("zh" if (st.context.locale or "").lower().startswith("zh") else "en")


def chosen() -> Language | None:
    """The language that the visitor or a link asked for; None while the browser decides."""
    asked = st.session_state.get(_CHOSEN)
    return cast("Language", asked) if asked in LANGUAGES else None


def choose(language: str | None) -> None:
    """Speak this language from now on; None leaves it to the browser."""
    st.session_state[_CHOSEN] = language if language in LANGUAGES else None


def follow_link() -> None:
    """Speak the language that the link asks for, once for each link that asks. Pages say what is wrong with a link."""
    asked = st.query_params.get("lang")
    if asked != st.session_state.get(_ASKED):
        st.session_state[_ASKED] = asked
        if asked is not None:
            choose(asked)


def say(code: str, **params: object) -> str:
    """The sentence of that id in the language of the page."""
    return render(code, params, current())


def switch() -> None:
    """Draw the switch. It changes the link too, so that a reload keeps the choice."""
    key = f"{_CHOSEN}.switch"
    st.session_state[key] = current()
    st.segmented_control(
        say("page.language"),
        LANGUAGES,
        format_func=lambda language: _NAMES[language],
        key=key,
        required=True,
        on_change=lambda: _switched(st.session_state[key]),
        label_visibility="collapsed",
        help=say("page.language.help"),
    )


def _switched(language: str | None) -> None:
    choose(language)
    if language is not None:
        st.session_state[_ASKED] = st.query_params["lang"] = language
