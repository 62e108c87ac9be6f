"""A page with nothing but the stage, for the browser tests: `?trace=NAME` and what `stage` takes.

The field takes the same, where the page need not be loaded again; another `number` makes another stage.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

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
    text = asked.get(name, "")
    return int(text) if text.isdigit() else None


st.set_page_config(layout="wide", page_icon="🔷")
place = st.container()
asked = dict(parse_qsl(st.text_input("query"))) or st.query_params.to_dict()
language: Language = "zh" if asked.get("lang") == "zh" else "en"
with place:
    resting = stage(
        _TRACES[asked.get("trace", "accumulate")](),
        key=f"stage-{asked.get('number', '')}",
        language=language,
        step=_number("step"),
        part=_number("part"),
        node=_number("node"),
        view=asked.get("view", ""),
    )
st.text(f"step={resting.step} part={resting.part} node={resting.node}")
