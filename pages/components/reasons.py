"""Why a run went wrong, and the quiet mistakes of one that did not: sentences with their lines as links, and a fix."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import streamlit as st

from engine.case import Reason
from engine.mistakes import explain_failure
from engine.reasons import quiet_notes
from engine.trace import Span, Trace, decode_trace, encode
from pages.components.language import say

Go = Callable[[Span], None]
"""What happens when the link to a line is pressed."""


def failure(trace: Trace, go: Go, apply: Callable[[str], None]) -> None:
    """The reason of a failed run, where it is known: in words, with its lines, and a button that runs the mended
    program. PyTorch's own message is shown by `outcome.ending` and stays as it is."""
    reason = _failure(encode(trace)) if trace.outcome is not None and trace.outcome.kind == "failed" else None
    if reason is None:
        return
    fix = reason.fix
    with st.container(key="reason", gap="xsmall"):
        _sentence(reason)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if fix is not None:
                st.button(
                    say("page.reason.apply"),
                    key="reason.apply",
                    icon=":material/build:",
                    help=say("page.reason.apply.help"),
                    on_click=lambda: apply(fix),
                )
            _links("reason", reason, go)


def notes(trace: Trace, go: Go) -> None:
    """The quiet mistakes of a run, each a calm note of two sentences."""
    found = _notes(encode(trace))
    if not found:
        return
    with st.container(key="quiet-notes", gap="small"):
        for number, reason in enumerate(found):
            with st.container(key=f"quiet-{number}", gap=None):
                _sentence(reason)
                with st.container(horizontal=True, gap="small"):
                    _links(f"quiet.{number}", reason, go)


@lru_cache(maxsize=32)
def _failure(content: bytes) -> Reason | None:
    return explain_failure(decode_trace(content))


@lru_cache(maxsize=32)
def _notes(content: bytes) -> tuple[Reason, ...]:
    return tuple(quiet_notes(decode_trace(content)))


def _sentence(reason: Reason) -> None:
    """What is so and why, then the way out. Names of the program are taken literally."""
    st.text(say(reason.code, **reason.params))
    st.text(say(f"{reason.code}.way", **reason.params))


def _links(prefix: str, reason: Reason, go: Go) -> None:
    """A link to each line that the reason is about, the cause first: that is the order in which things happened."""
    places = {span[0]: span for span in (reason.cause, reason.span) if span is not None}
    for line, span in places.items():
        st.button(
            say("page.reason.line", line=line),
            key=f"{prefix}.{line}",
            type="tertiary",
            icon=":material/arrow_forward:",
            help=say("page.reason.line.help"),
            on_click=go,
            args=(span,),
        )
