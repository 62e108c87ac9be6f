"""The editor: Streamlit's text area, with line numbers, indentation and a draft that survives by a small script."""

from __future__ import annotations

import json

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import assets
from pages.components.language import current, say

_MARGIN = 44  # pixels for three digits

_lines = st.components.v2.component(
    "editor_lines",
    js=assets.loader("editor"),
    css=assets.css("editor"),
    html='<ol class="lines" aria-hidden="true"></ol>',
)


def editor(key: str) -> DeltaGenerator:
    """Draw the editor of the text in `session_state[key]`; gives the place of its line numbers, see `number`.

    What is typed reaches the session with the next rerun that something else causes. Until then the browser tab keeps
    it, beside the text it was typed over, and puts it back after a reload or a visit to another page.
    """
    with st.container(horizontal=True, gap=None, key="editor"):
        margin = st.container(width=_MARGIN, height="stretch", key="editor-margin")
        st.text_area(
            say("page.program.editor"),
            key=key,
            on_change="ignore",
            persist_state="session",
            placeholder=say("page.program.placeholder"),
            label_visibility="collapsed",
            height=480,
        )
    return margin


def number(margin: DeltaGenerator, key: str, *, wrong: int | None = None) -> None:
    """Draw the line numbers of the editor with that key, line `wrong` marked. Drawn later than the editor,
    which is there while a program runs."""
    view = {"key": key.replace(".", "-"), "text": st.session_state.get(key), "wrong": wrong, "language": current()}
    with margin:
        _lines(key=f"{key}.lines", data=json.dumps(view).encode(), width=_MARGIN, height="stretch")
