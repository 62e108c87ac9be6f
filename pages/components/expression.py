"""The expression on a page: one component that is typed into, slid and looked at; the server answers every change.

    what the reader asks  --state "asked"-->  settings  --answer-->  numbers  --data-->  component

The component sends the newest settings whenever the last answer has arrived, so it never queues more than one. Each
answer repeats the number of its question. The sampled field is sent only to a browser that does not hold it.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import msgspec
import streamlit as st

from engine.curves import kink_at
from engine.errors import EngineError
from engine.executors import local
from engine.executors.base import Job
from engine.expression_answer import Answer, answer
from engine.expression_results import Explanation
from engine.expression_state import axes, name_of, range_of, read_ranges
from engine.figures import PALETTES
from engine.messages import Language, area, render
from engine.permalink import Setting, State, Table
from engine.trace import Trace, assemble, check
from engine.typed_expression import InvalidExpression
from engine.typed_values import InvalidValues, Numbers, read_settings, read_values, write_settings
from pages.components import assets, run

_component = st.components.v2.component(
    "expression",
    html='<div class="expression" role="region"></div>',
    css=assets.css("expression"),
    js=assets.loader("expression"),
)
SETTINGS = (
    *("expression", "at", "ranges", "axis", "across", "view", "second", "chain"),
    *("nudge", "descend", "lr", "steps", "dtype"),
)

NAMES_LIMIT = 12
"""Variables whose numbers are remembered, also while they are not in the text."""


class Wrong(msgspec.Struct, frozen=True):
    """One sentence about what was asked: of the typed text (`at` its characters), or of one variable's numbers."""

    text: str
    at: tuple[int, int] | None = None
    variable: str = ""


def asked(given: Mapping[str, Any], table: Table, now: State) -> State:
    """The settings that a component asks for; whatever is none of the table's values is left out. Typed numbers that
    are none leave the variable as it is `now`."""
    rows = {row.name: row for row in table.fields if row.name in SETTINGS}
    settings, texts = given.get("settings"), given.get("texts")
    found: State = {}
    if isinstance(texts, Mapping):
        found["at"] = write_settings(_numbers(texts, str(now["at"])))
    for name, value in settings.items() if isinstance(settings, Mapping) else ():
        if name in rows and name != "at":
            number = float(value) if rows[name].kind == "number" and isinstance(value, int) else value
            if rows[name].problem(number) is None:
                found[name] = number
    return found


def _numbers(texts: Mapping[Any, Any], at: str) -> dict[str, Numbers]:
    """Those known before, with those that were typed, the last NAMES_LIMIT of them."""
    try:
        known = read_settings(at)
    except InvalidValues:
        known = {}
    for name, text in texts.items():
        if str(name).isidentifier() and len(str(name)) <= 20:
            with suppress(InvalidValues):
                known[str(name)] = read_values(str(text))
    return dict(list(known.items())[-NAMES_LIMIT:])


def spoiled(given: object, language: Language, found: Answer | None = None) -> Wrong | None:
    """The first variable (of those found) whose typed numbers are none, with the sentence; such numbers are not among
    the settings."""
    if isinstance(given, Mapping):
        for name, text in given.items():
            if found is not None and name not in found.values:
                continue
            try:
                read_values(str(text))
            except InvalidValues as error:
                return Wrong(render(error.code, error.params, language), None, str(name))
    return None


def look(state: State, language: Language, *, holds: str) -> tuple[Answer | None, Wrong | None]:
    """The answer to these settings, or what is wrong with them; both where the text was read and its run has no
    value."""
    vectors: set[str] = st.session_state.setdefault("expressions.vectors", set())
    try:
        found = answer(state, _trace, holds=holds, vectors=vectors)
    except InvalidExpression as error:
        return None, Wrong(render(error.code, error.params, language), error.at)
    except EngineError as error:
        return None, Wrong(render(error.code, error.params, language))
    problem = found.results.problem
    if problem is not None:
        return found, Wrong(_sentence(problem, language), problem.at)
    return found, None


def _trace(job: Job) -> Trace:
    frames = local.shared().run(job, visitor=run.visitor())
    return check(assemble(frames, source=job.source, seed=job.seed))


def _sentence(one: Explanation, language: Language) -> str:
    return " ".join(filter(None, (render(one.code, one.params, language), one.message)))


def expression(
    good: tuple[Answer, State] | None,
    state: State,
    *,
    key: str,
    language: Language,
    number: int,
    revision: int,
    wrong: Wrong | None,
    refused: Answer | None = None,
    read_only: bool,
    on_change: Any,
) -> None:
    """Show the last good answer, given with its settings; dimmed where `wrong` says what is wrong with the newest. What
    was read and `refused` by PyTorch brings its variables, so that their numbers can be changed.

    `number` is that of the question being answered; a higher `revision` puts `state` into the component's own inputs.
    State `asked` is {"number", "settings", "texts": {variable: typed numbers}, "holds", "settled"}; trigger `open` asks
    for the Program page.
    """
    given: dict[str, Any] = {
        "number": number,
        "revision": revision,
        "settings": {name: state[name] for name in SETTINGS},
        "wrong": wrong,
        "readOnly": read_only,
        "answer": _answer(*good, language) if good is not None else None,
        "refused": _variables(refused, state) if refused is not None else None,
        **_fixed(language),
    }
    _component(
        key=key,
        data=msgspec.msgpack.encode(given),
        on_asked_change=on_change,
        on_open_change=on_change,
        height="content",
    )


@lru_cache(maxsize=2)
def _fixed(language: Language) -> dict[str, Any]:
    said_here = ("expressions.wrong.", "expressions.values.", "expressions.nonfinite.", "expressions.chain.")
    texts = {name: text for name, text in area("expressions.", language).items() if not name.startswith(said_here)}
    return {"language": language, "texts": texts, "palettes": PALETTES}


def _answer(found: Answer, state: Mapping[str, Setting], language: Language) -> dict[str, Any]:
    results, values = found.results, found.values
    first, second = axes(state, values)
    curve, field = results.curve, results.field
    return {
        "expression": found.typed.text,
        "program": found.program,
        "variables": _variables(found, state),
        "axis": {"name": name_of(first, values), "variable": first[0], "element": first[1]},
        "across": second and {"name": name_of(second, values), "variable": second[0], "element": second[1]},
        "value": results.value,
        "summed": results.summed,
        "warnings": [
            *(Wrong(_sentence(one, language), one.at) for one in results.warnings),
            *_on_a_kink(found, first, language),
        ],
        "curve": curve and {
            "xs": _floats(curve.xs), "values": _floats(curve.values), "slopes": _floats(curve.slopes),
            "second": None if curve.second is None else _floats(curve.second), "bend": curve.bend, "marks": curve.marks,
        },
        "nudge": results.nudge,
        "fieldKey": found.field,
        "field": field and {
            "xs": _floats(field.xs), "ys": _floats(field.ys), "values": _floats(field.values),
            "first": _floats(field.first), "second": _floats(field.second),
        },
        "path": results.path,
        "jacobian": results.jacobian,
        "hessian": results.hessian,
    }  # fmt: skip


def _variables(found: Answer, state: Mapping[str, Setting]) -> list[dict[str, Any]]:
    ranges = read_ranges(str(state["ranges"]))
    return [
        {
            "name": name,
            "text": one.text,
            "shape": one.shape,
            "elements": one.elements,
            "names": one.names(name),
            "range": range_of(name, ranges, found.values),
            "partial": found.results.partials.get(name),
        }
        for name, one in found.values.items()
    ]


def _on_a_kink(found: Answer, axis: tuple[str, int], language: Language) -> list[Wrong]:
    """Which of the two slopes PyTorch takes, where the point lies on a kink."""
    curve, nudge = found.results.curve, found.results.nudge
    mark = kink_at(curve.marks, found.values[axis[0]].elements[axis[1]]) if curve is not None else None
    if mark is None or nudge is None:
        return []
    slopes = {"before": mark.before, "after": mark.after, "slope": nudge.slope}
    params = {name: f"{number:.2g}" for name, number in slopes.items() if number is not None}
    return [Wrong(render("expressions.kink", params, language))]


def _floats(numbers: list[float]) -> bytes:
    """As float32, little-endian: what a picture needs, in half the bytes."""
    return array(
        "f", (max(min(one, 3.4e38), -3.4e38) if one not in (float("inf"), -float("inf")) else one for one in numbers)
    ).tobytes()
