"""The gallery: what this is, one run in motion, and a card for every scenario."""

from __future__ import annotations

from html import escape
from itertools import groupby
from pathlib import Path

import streamlit as st

from engine import scenarios
from engine.figures import PALETTES
from engine.permalink import FIRST
from engine.scenarios import Scenario
from engine.sketch import address, parse
from pages.components.language import say

_PAGES = Path(__file__).resolve().parent
_INVITATIONS = {
    "program": ("home.start", ":material/code:"),
    "regression": ("home.train", ":material/show_chart:"),
    "expressions": ("home.express", ":material/function:"),
    "tensors": ("home.build", ":material/grid_on:"),
}


def _exists(page: str) -> bool:
    return (_PAGES / f"{page}.py").exists()


def _words(code: str, **params: object) -> str:
    """A sentence as HTML."""
    return escape(say(code, **params))


def _colours() -> None:
    """The palette as variables of the page, for home.css."""
    light, dark = PALETTES["light"], PALETTES["dark"]
    st.html(
        f"<style>.stApp{{--accent:{light.value};--value:light-dark({light.value},{dark.value});"
        f"--value-text:light-dark({light.value_text},{dark.value_text});"
        f"--gradient-text:light-dark({light.gradient_text},{dark.gradient_text})}}</style>"
    )


def _opening() -> None:
    """What this is, in one sentence, beside one run in motion."""
    with st.container(key="opening"):
        with st.container(key="words"):
            st.title(say("home.title"), anchor=False)
            st.html(f'<p class="what">{_words("home.what")}</p>')
            with st.container(horizontal=True, key="invitations"):
                for page, (words, icon) in _INVITATIONS.items():
                    if _exists(page):
                        st.page_link(_PAGES / f"{page}.py", label=say(words), icon=icon)
        _motion(scenarios.load()[FIRST])


def _motion(one: Scenario) -> None:
    """The run of one scenario, its numbers as PyTorch gave them (a test runs it and compares)."""
    nodes = parse(one.sketch).nodes.values()
    values, grads = (
        ", ".join(filter(None, numbers)) for numbers in zip(*((n.value, n.grad) for n in nodes), strict=True)
    )
    st.html(
        f'<figure class="motion"><img src="{address(one.sketch, moving=True)}" '
        f'alt="{_words("home.picture", values=values, grads=grads)}">'
        f'<figcaption><span class="v">{_words("home.values")}</span><span class="g">{_words("home.gradients")}</span>'
        "</figcaption></figure>"
    )


def _card(one: Scenario) -> None:
    with st.container(border=True, key=f"card_{one.name}"):
        st.html(f'<img class="sketch" src="{address(one.sketch)}" alt="">')
        st.page_link(_PAGES / f"{one.page}.py", label=say(one.title_id), query_params={"scenario": one.name})
        st.html(f'<p class="notice">{_words(one.notice_id)}</p>')


_colours()
st.html(_PAGES / "components" / "home.css")
_opening()
for group, found in groupby(scenarios.load().values(), key=lambda one: one.group):
    cards = [one for one in found if _exists(one.page)]
    if cards:
        st.subheader(say(f"home.group.{group}"), anchor=group)
        with st.container(key=f"shelf_{group}"):
            for card in cards:
                _card(card)
