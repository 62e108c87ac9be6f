"""A page with nothing but the stage, for the browser tests: `?trace=NAME` and what `stage` takes."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.messages import Language
from engine.trace import Trace
from pages.components.stage import stage
from tests import traces

_TRACES: dict[str, Callable[[], Trace]] = {
    "accumulate": traces.accumulate,
    "diamond": lambda: traces.diamond(14),
    "epochs": lambda: traces.epochs(25),
    "chain": lambda: traces.chain(1_200),
    "wide": lambda: traces.wide(300),
    "hostile": traces.hostile,
}


def _number(name: str) -> int | None:
    text = st.query_params.get(name, "")
    return int(text) if text.isdigit() else None


st.set_page_config(layout="wide", page_icon="🔷")
language: Language = "zh" if st.query_params.get("lang") == "zh" else "en"
resting = stage(
    _TRACES[st.query_params.get("trace", "accumulate")](),
    key="stage",
    language=language,
    step=_number("step"),
    part=_number("part"),
    node=_number("node"),
    view=st.query_params.get("view", ""),
)
st.text(f"step={resting.step} part={resting.part} node={resting.node}")
