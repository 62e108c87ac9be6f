"""The script that Streamlit runs for every visitor and page: the frame, the navigation, and links that name a scenario.

It lies in a folder without a `pages/` beside it: otherwise Streamlit takes that folder for its own older kind of
navigation until somebody opens the front page of a fresh server.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from engine import scenarios
from engine.figures import PALETTES
from engine.permalink import program_table
from pages.components import language
from pages.components.language import say

_PAGES = Path(__file__).resolve().parents[1]
_HERE = Path(__file__).resolve().parent
_ICONS = {
    "home": ":material/apps:",
    "program": ":material/code:",
    "regression": ":material/show_chart:",
    "expressions": ":material/function:",
    "tensors": ":material/grid_on:",
}


def _registered() -> dict[str, st.Page]:
    """The pages there are, by name. The gallery is the front page and has no path of its own."""
    return {
        name: st.Page(
            _PAGES / f"{name}.py",
            title=say(f"page.nav.{name}"),
            icon=icon,
            url_path="" if name == "home" else name,
            default=name == "home",
        )
        for name, icon in _ICONS.items()
        if (_PAGES / f"{name}.py").exists()
    }


def _palette() -> str:
    """The palette as CSS variables that follow the theme, for what we draw outside our components."""
    light, dark = PALETTES["light"], PALETTES["dark"]
    rows = ((name, getattr(light, name), getattr(dark, name)) for name in light.__struct_fields__)
    rules = "".join(f"--{name.replace('_', '-')}: light-dark({one}, {other}); " for name, one, other in rows)
    return f"<style>:root {{ {rules}}}</style>"


def _open_scenario(pages: dict[str, st.Page]) -> None:
    """`/?scenario=NAME` opens the page of that scenario; a name that nobody knows is said."""
    name = st.query_params.get("scenario")
    if name is None:
        return
    found = scenarios.load().get(name)
    if found is not None and found.page in pages:
        st.switch_page(pages[found.page], query_params=st.query_params.to_dict())
    for problem in program_table().decode({"scenario": name})[1]:
        st.warning(say(problem.code, **problem.params), icon=":material/link_off:")


language.follow_link()
st.set_page_config(page_title=say("page.title"), page_icon=str(_HERE / "icon.svg"), layout="wide")
if not st.context.is_embedded:
    st.logo(str(_HERE / "icon.svg"), size="large")
st.html(_palette())
st.html(_HERE / "frame.css")
registered = _registered()
page = st.navigation(list(registered.values()), position="hidden" if st.context.is_embedded else "top")
if not st.context.is_embedded:
    with st.container(key="language"):
        language.switch()
if page == registered.get("home"):
    _open_scenario(registered)
page.run()
