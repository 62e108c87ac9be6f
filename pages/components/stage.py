"""The stage on a page: mounts the component that shows a Trace, and says where the reader came to rest.

    selection = stage(trace, key="stage", language="en", step=12)

The whole trace goes to the browser once, as bytes; stepping asks nothing of the server. The state `at` comes back when
the clock has rested for half a second, `closed` when the reader opens or closes a group, which asks for a new layout.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import streamlit as st

from engine.document import document
from engine.messages import Language, area
from engine.trace import Trace, decode_trace, encode
from pages.components import assets


class Selection(msgspec.Struct, frozen=True):
    """Where the reader is: the tick of the statement, the operation or sub-step inside it (None: after all of it), the
    number of the selected slot of the picture, and the direction of the graph where it was chosen ("right", "down").
    All None or "" until the reader moves."""

    step: int | None = None
    part: int | None = None
    node: int | None = None
    view: str = ""


QUESTIONS = ("jacobian", "kernels", "paths", "truth", "forward")


class Asked(msgspec.Struct, frozen=True):
    """A question of the reader: about a node ("jacobian", "kernels"), or a leaf tensor ("truth", "forward"; "paths" in
    the pass `other`)."""

    kind: str
    subject: int
    other: int | None = None

    @property
    def key(self) -> str:
        """What the browser knows this question by."""
        return f"{self.kind}:{self.subject}:{'null' if self.other is None else self.other}"


_component = st.components.v2.component(
    "stage",
    html='<div class="stage" role="region"></div>',
    css=assets.css("stage"),
    js=assets.loader("stage"),
)


@lru_cache(maxsize=8)
def _document(content: bytes, closed: tuple[int, ...] | None) -> bytes:
    return document(decode_trace(content), closed)


def _state(key: str) -> Mapping[str, Any]:
    state = st.session_state.get(key)
    return state if isinstance(state, Mapping) else {}


def _whole(number: object) -> int | None:
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None


def selection(key: str) -> Selection:
    """Where the reader of the stage with that key was last; also while it is not on the page."""
    at = _state(key).get("at")
    if not isinstance(at, Mapping):
        return Selection()
    view = at.get("view")
    step, part, node = (_whole(at.get(name)) for name in ("step", "part", "node"))
    return Selection(step, part, node, view if view in ("right", "down") else "")


def _closed(key: str, mark: str) -> tuple[int, ...] | None:
    """The groups the reader closed, forgotten with the trace they belong to: other traces have other groups."""
    chosen = _state(key).get("closed")
    known: dict[str, object] = st.session_state.setdefault(f"{key}.groups", {"mark": mark, "spent": None})
    if known["mark"] != mark:
        known.update(mark=mark, spent=chosen)
    if not isinstance(chosen, list) or chosen == known["spent"]:
        return None
    return tuple(sorted({number for number in map(_whole, chosen) if number is not None}))


def _opening(key: str, mark: str, asked: Selection) -> dict[str, object]:
    """Where the stage opens. A page that hands back what the stage itself reported, now or the last time, changes
    nothing: equal bytes are not sent again. `turn` counts what was really asked for, so that asking once more for the
    same place goes there once more."""
    last: dict[str, Any] = st.session_state.setdefault(f"{key}.opened", {"turn": 0})
    here = selection(key)
    asks = asked != last.get("before") and asked not in (here, last.get("told"))
    if last.get("mark") != mark or asks:
        last.update(mark=mark, asked=asked, turn=last["turn"] + 1)
    last.update(before=asked, told=here)
    opened: Selection = last["asked"]
    return {**msgspec.structs.asdict(opened), "turn": last["turn"]}


def stage(
    trace: Trace,
    *,
    key: str,
    language: Language,
    step: int | None = None,
    part: int | None = None,
    node: int | None = None,
    view: str = "",
    source: bool = True,
    closed: Collection[int] | None = None,
    answer: Callable[[Asked | None], Sequence[Mapping[str, Any]]] | None = None,
) -> Selection:
    """Show the trace, opened at the statement of tick `step` (None: the last), inside it at `part`, with slot `node`
    selected. `view` is the direction of the graph: "right", "down" or "" for the one that suits it. `closed` are the
    groups drawn as one at first. Without `source` the page shows the program in an editor, which marks what the stage
    tells. `answer` is called in every run with what the reader last asked of this trace, if anything, and gives all
    that was found so far, each with the `key` of its question: a run that is cut short by the next asks once more.
    Unknown ticks, parts and slots open the nearest.
    """
    content = encode(trace)
    mark = hashlib.blake2b(content, digest_size=8).hexdigest()
    chosen = _closed(key, mark)
    given = {
        "document": _document(
            content, chosen if chosen is not None else None if closed is None else tuple(sorted(closed))
        ),
        "texts": {
            code: text for name in ("stage.", "reason.", "formula.") for code, text in area(name, language).items()
        },
        "source": source,
        "open": _opening(key, mark, Selection(step, part, node, view)),
        "mark": mark,
    }
    answers = answer(_asked(key, mark)) if answer is not None else ()
    _component(
        key=key,
        data=msgspec.msgpack.encode({"whole": msgspec.msgpack.encode(given), "answers": answers}),
        on_at_change=_rest,
        on_closed_change=_rest,
        on_ask_change=_rest,
    )
    return selection(key)


def _asked(key: str, mark: str) -> Asked | None:
    """What the browser asked last, if it is a question about the trace that is shown."""
    given = _state(key).get("ask")
    if not isinstance(given, Mapping) or given.get("mark") != mark:
        return None
    kind, subject = given.get("kind"), _whole(given.get("subject"))
    known = isinstance(kind, str) and kind in QUESTIONS and subject is not None
    return Asked(str(kind), subject or 0, _whole(given.get("other"))) if known else None


def _rest() -> None:
    """A state has a callback so that it is kept; there is nothing more to do."""
