"""The workbench on a page: mounts the component that shows a history's tensors, and hands on what the reader does.

    what the reader does  --trigger "action"-->  page  -->  History  -->  Trace  -->  cards  -->  component

The browser steps through nothing here: every action is a run, and a run takes milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
import streamlit as st

from engine.case import Reason
from engine.cells import origins
from engine.figures import PALETTES
from engine.fills import DEVICES, DTYPES, FILLS
from engine.messages import Language, area, render
from engine.mistakes import explain_failure
from engine.tensor_cards import cards
from engine.trace import Trace, decode_trace, encode
from engine.workbench import ACTIONS, History, free_name, holes
from pages.components import assets

_component = st.components.v2.component(
    "workbench",
    html='<div class="bench" role="region"></div>',
    css=assets.css("workbench"),
    js=assets.loader("workbench"),
)


def failed_at(trace: Trace | None, now: History) -> int | None:
    """Which statement of the history did not run to its end; None where all did."""
    ended = trace.outcome if trace is not None else None
    if ended is None or ended.kind == "finished":
        return None
    return now.place(ended.span[0]) if ended.span is not None else now.done - 1


def fix(trace: Trace | None) -> str | None:
    """The program mended, where we know how."""
    reason = explain_failure(trace) if trace is not None else None
    return reason.fix if reason is not None else None


def workbench(
    trace: Trace | None,
    now: History,
    *,
    key: str,
    language: Language,
    card: str,
    panel: str,
    problem: str,
    answered: str,
    read_only: bool,
    on_action: Callable[[], None],
    on_rest: Callable[[], None],
) -> None:
    """Show the tensors at the end of the trace beside the history; `card` is the name of the selected one.

    The trigger `action` is what the reader did (see `engine.workbench.compose`, and {"kind": "go", "done": n},
    {"kind": "walk", "way": 1 or -1}, {"kind": "fix"}), with a nonce that comes back as `answered`; the state `at` is
    {"card": name, "panel": name}.
    """
    given: dict[str, Any] = {
        "drawn": _drawn(encode(trace), language) if trace is not None else None,
        "failure": _failure(trace, language),
        "lines": _lines(now, failed_at(trace, now)),
        "done": now.done,
        "count": len(now.statements),
        "free": [free_name(now.names, "x"), free_name(now.names)],
        "open": {"card": card, "panel": panel},
        "problem": problem,
        "answered": answered,
        "readOnly": read_only,
        **_fixed(language),
    }
    _component(
        key=key, data=msgspec.msgpack.encode(given), on_action_change=on_action, on_at_change=on_rest, height="content"
    )


@lru_cache(maxsize=2)
def _fixed(language: Language) -> dict[str, Any]:
    """What does not change between two actions."""
    actions = [
        {"name": row.name, "group": row.group, "template": row.template, "holes": holes(row), "defaults": row.holes}
        for row in ACTIONS.values()
    ]
    texts = area("tensors.", language)
    return {
        "texts": texts,
        "language": language,
        "actions": actions,
        "fills": FILLS,
        "dtypes": DTYPES,
        "devices": DEVICES,
        "palettes": PALETTES,
    }


@lru_cache(maxsize=16)
def _drawn(content: bytes, language: Language) -> dict[str, Any]:
    """The cards, with their reasons as sentences, and what feeds each."""
    trace = decode_trace(content)
    table = cards(trace)
    drawn: dict[str, Any] = msgspec.structs.asdict(table)
    drawn["cards"] = [
        msgspec.structs.asdict(card) | {"why": _sentence(card.why, language) if card.why else ""}
        for card in table.cards
    ]
    drawn["origins"] = origins(trace, [card.tensor for card in table.cards])
    return drawn


def _sentence(reason: Reason, language: Language) -> str:
    """Why, and the way out."""
    parts = [render(code, reason.params, language) for code in (reason.code, f"{reason.code}.way")]
    return (" " if language == "en" else "").join(parts)


def _failure(trace: Trace | None, language: Language) -> dict[str, Any] | None:
    """What PyTorch said, why, and whether there is a fix."""
    ended = trace.outcome if trace is not None else None
    if trace is None or ended is None or ended.kind == "finished":
        return None
    line = ended.span[0] if ended.span else trace.source.count("\n")
    codes = {"failed": "tensors.refused", "refused": "tensors.outside", "stopped": "tensors.stopped"}
    reason = explain_failure(trace)
    elsewhere = re.search(r"CUDA|MPS|NVIDIA|XPU|\bmps\b", ended.message) is not None
    code = "tensors.device" if elsewhere else "tensors.kernel" if " not implemented for '" in ended.message else ""
    why = _sentence(reason, language) if reason else render(code, {}, language) if code else ""
    return {
        "heading": render(codes.get(ended.kind, "tensors.lost"), {"line": line, "type": ended.type or ""}, language),
        "message": ended.message or (render(ended.code, ended.params, language) if ended.code else ""),
        "why": why,
        "fix": reason is not None and reason.fix is not None,
    }


def _lines(now: History, failed: int | None) -> list[dict[str, Any]]:
    """The statements with their lines and how they stand: done, failed, unreached or undone."""
    rows = []
    for place, text in enumerate(now.statements):
        state = "undone" if place >= now.done else "done"
        if failed is not None and state == "done" and place >= failed:
            state = "failed" if place == failed else "unreached"
        rows.append({"text": text, "line": now.line(place), "state": state})
    return rows
