"""The link: read once into the session, written when the visitor runs or shares.

    query --seed--> session_state["program.seed"], ... --widgets--> --write--> query

A page's settings live in session_state under "<page>.<setting>", which are also the keys of its widgets. A link is read
when it is not the one last read or written; an empty one never overwrites work. What is wrong with a link is said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from engine.permalink import Problem, Setting, State, Table, address
from pages.components import assets, language

_LANGUAGE = "lang"


@dataclass(frozen=True)
class Link:
    """The settings of one page and the way they are kept: `page` is its path and the prefix of its keys."""

    page: str
    table: Table

    def key(self, setting: str) -> str:
        """The key of a setting in session_state."""
        return f"{self.page}.{setting}"

    def get(self, setting: str) -> Setting:
        """The setting as it is now."""
        value: Setting = st.session_state.get(self.key(setting))
        return value

    def state(self) -> State:
        """All settings as they are now. One outside its range is its default: only browsers hold widgets to theirs."""
        base = self.table.defaults()
        state = {row.name: st.session_state.get(self.key(row.name), base[row.name]) for row in self.table.fields}
        state[_LANGUAGE] = language.chosen()
        return {
            row.name: base[row.name] if row.problem(state[row.name]) else state[row.name] for row in self.table.fields
        }

    def seed(self) -> bool:
        """Take over the link where it is new, before any widget exists. Says whether the settings changed."""
        query = _without_language(st.query_params.to_dict())
        fresh = self.key("settled") not in st.session_state
        if not fresh and (not query or query == st.session_state.get(self.key("url"))):
            return False
        state, problems = self.table.decode(st.query_params.to_dict())
        self.put(state)
        st.session_state[self.key("url")] = query
        st.session_state[self.key("problems")] = problems
        st.session_state[self.key("settled")] = True
        return True

    def put(self, state: Mapping[str, Setting]) -> None:
        """Set these settings. Only before their widgets exist in this run, or in a callback."""
        for name, value in state.items():
            st.session_state[self.key(name)] = value

    def write(self) -> None:
        """Make the address bar say the settings as they are: one entry in the browser's history."""
        query = self.table.encode(self.state())
        if query != st.query_params.to_dict():
            st.query_params.from_dict(query)
        st.session_state[self.key("url")] = _without_language(query)
        st.session_state[self.key("problems")] = []

    def keep(self) -> None:
        """Say again what the last link said, where the navigation has emptied the address bar."""
        last: dict[str, str] = st.session_state.get(self.key("url"), {})
        if last and not _without_language(st.query_params.to_dict()):
            spoken = language.chosen()
            st.query_params.from_dict(last if spoken is None else last | {_LANGUAGE: str(spoken)})

    def address(self, *, embed: bool = False) -> tuple[str, Problem | None]:
        """The whole link to the settings as they are, and why it may not travel well."""
        state = self.state() | ({"read_only": True} if embed else {})
        base = (st.context.url or "").partition("?")[0]
        return address(base, self.table.encode(state), embed=embed)

    def say_problems(self) -> None:
        """Say what was wrong with the link that was read last, until another is written."""
        problems: list[Problem] = st.session_state.get(self.key("problems"), [])
        for problem in problems:
            st.warning(language.say(problem.code, **problem.params), icon=":material/link_off:")


def _without_language(query: Mapping[str, str]) -> dict[str, str]:
    """The switch writes the language into the link at once; that must not make the page read the rest of it again."""
    return {name: text for name, text in query.items() if name != _LANGUAGE}


_copy_link = st.components.v2.component(
    "copy_link", js=assets.loader("copy_link"), css=assets.css("copy_link"), html='<div class="copy-link"></div>'
)


def copy_field(link: str, *, key: str, label: str) -> None:
    """A field that shows a link and a button that copies it."""
    words = {code: language.say(f"page.share.{code}") for code in ("copy", "copied")}
    _copy_link(key=key, data=json.dumps({"link": link, "label": label, **words}).encode(), height="content")
