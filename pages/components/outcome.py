"""What is said about a run beside its picture: how it ended, notes, figures it drew, files it saved.

All text of a program (its messages, its lines, its names) goes through `st.text`, which takes it literally.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import streamlit as st

from engine.errors import Parameters
from engine.trace import Figure, Notice, Outcome, Span, Trace
from pages.components.language import say

_ICONS: Mapping[str, str] = {
    "failed": ":material/error:",
    "refused": ":material/block:",
    "stopped": ":material/timer_off:",
    "lost": ":material/link_off:",
}


def ending(trace: Trace) -> None:
    """How the run ended, where it did not simply finish: what, at which line, why and what to do."""
    outcome = trace.outcome or Outcome("lost", code="page.outcome.unfinished")
    if outcome.kind == "finished":
        return
    with st.container(key=f"outcome-{outcome.kind}", gap="xsmall"):
        st.markdown(f"{_ICONS[outcome.kind]} **{_heading(outcome)}**")
        if outcome.span is not None:
            st.text(_excerpt(trace.source, outcome.span))
        sentence = outcome.message or (say(outcome.code, **outcome.params) if outcome.code else "")
        if sentence:
            st.text(sentence)


def line(trace: Trace | None) -> int | None:
    """The line at which a run went wrong, None where it did not."""
    ended = None if trace is None else trace.outcome
    return None if ended is None or ended.span is None or ended.kind == "finished" else ended.span[0]


def no_trace(code: str, params: Parameters | None) -> None:
    """Why there is nothing to show."""
    with st.container(key="outcome-lost", gap="xsmall"):
        st.markdown(f"{_ICONS['lost']} **{say('page.outcome.lost')}**")
        st.text(say(code, **(params or {})))


def figures(drawn: list[Figure]) -> None:
    """The plots that the program drew, with their numbers behind each."""
    if not drawn:
        return
    st.subheader(say("page.figures"))
    with st.grid(2):
        for figure in drawn:
            title = figure.title or say("page.figure", number=figure.number + 1)
            st.plotly_chart(_chart(figure), key=f"figure.{figure.number}", alt=title, config={"displaylogo": False})


def left_over(trace: Trace) -> None:
    """What a run left beside its picture, in one row: what the reader must be told about it (caps that applied, text
    that was cleaned), and a button for each file that the program saved."""
    if not trace.notices and not trace.files:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="left-over"):
        if trace.notices:
            _notes(trace.notices)
        if trace.files:
            st.caption(say("page.files"), width="content")
        for file in trace.files:
            name = file.name.replace("\\", "/").rsplit("/", 1)[-1]
            st.download_button(
                file.name,
                file.content,
                file_name=name,
                mime="application/octet-stream",
                key=f"file.{file.name}",
                icon=":material/download:",
                on_click="ignore",
            )


def _notes(notices: list[Notice]) -> None:
    with st.popover(say("page.notices.count", count=len(notices)), icon=":material/info:"):
        for notice in notices:
            sentence = say(notice.code, **notice.params)
            st.text(say("page.line", line=notice.span[0], text=sentence) if notice.span else sentence)


def _heading(outcome: Outcome) -> str:
    if outcome.kind == "lost":
        return say("page.outcome.lost")
    if outcome.code == "invalid.syntax" and outcome.span is not None:
        return say("page.outcome.syntax", line=outcome.span[0])
    if outcome.span is None:
        return say(f"page.outcome.{outcome.kind}.somewhere", type=_plain(outcome.type))
    return say(f"page.outcome.{outcome.kind}", line=outcome.span[0], type=_plain(outcome.type))


def _plain(name: str | None) -> str:
    """A name as code, so that its underscores are no markup."""
    return f"`{name}`" if name else ""


def _excerpt(source: str, span: Span) -> str:
    """The line at which it happened and a mark under the very characters. Wide characters take two places on screen."""
    lines = source.splitlines()
    line, start, end_line, end = span
    if not 1 <= line <= len(lines):
        return ""
    text = lines[line - 1]
    last = end if end_line == line else len(text)
    shift, width = _places(text[:start]), max(_places(text[start:last]), 1)
    margin = f"{line}  "
    return f"{margin}{text}\n{' ' * (len(margin) + shift)}{'^' * width}"


def _places(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _chart(figure: Figure) -> dict[str, object]:
    """A program's figure as a plotly figure. Its colours are the theme's."""
    modes = {"line": ("scatter", "lines"), "scatter": ("scatter", "markers"), "bar": ("bar", None)}
    data = []
    for kind, label, xs, ys in figure.series:
        trace_type, mode = modes[kind]
        series: dict[str, object] = {"type": trace_type, "name": label, "x": xs, "y": ys, "showlegend": bool(label)}
        data.append(series | ({"mode": mode} if mode else {}))
    layout = {
        "title": {"text": figure.title},
        "xaxis": {"title": {"text": figure.xlabel}},
        "yaxis": {"title": {"text": figure.ylabel}},
        "height": 320,
        "margin": {"l": 50, "r": 20, "t": 40, "b": 45},
    }
    return {"data": data, "layout": layout}
