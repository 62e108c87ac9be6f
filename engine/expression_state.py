"""The settings of the Expressions page, as its link carries them, and what they ask of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from engine import scenarios
from engine.errors import EngineError
from engine.expression_program import MATRIX_LIMIT, Axis, Wanted
from engine.permalink import LANGUAGE, READ_ONLY, Field, Setting, Table
from engine.typed_expression import LENGTH_LIMIT, Typed
from engine.typed_shapes import shapes
from engine.typed_values import Numbers, guess, plain, read_settings

FIRST = "sine_of_product"
"""The scenario that the page opens on."""
VIEWS = ("curve", "contour", "surface", "matrices")
STEPS_LIMIT = 60
REACH = 1e6
"""How far a range may go: further out float32 has no place between two samples."""
Range = tuple[float, float, float]
_ELEMENT = re.compile(r"(\w+)(?:\[\s*(\d+)\s*(?:,\s*(\d+)\s*)?\])?")


class InvalidRange(EngineError):
    """The ends or the step of a slider's range make no range."""


@cache
def expressions_table() -> Table:
    """The settings of the page. `at` holds the variables' numbers, `ranges` the sliders' ends and steps."""
    found = {name: one for name, one in scenarios.load().items() if one.page == "expressions"}
    return Table(
        Field("scenario", "choice", FIRST, choices=tuple(found)),
        Field("expression", "text", str(found[FIRST].state["expression"]), length=LENGTH_LIMIT, key="f"),
        Field("at", "text", str(found[FIRST].state["at"]), length=4_000),
        Field("ranges", "text", "", length=600),
        Field("axis", "text", "", length=60),
        Field("across", "text", "", length=60),
        Field("view", "choice", "curve", choices=VIEWS),
        Field("second", "flag", False),
        Field("chain", "flag", False),
        Field("nudge", "number", 0.1, low=-100.0, high=100.0, key="h"),
        Field("descend", "flag", False),
        Field("lr", "number", 0.1, low=0.0, high=100.0),
        Field("steps", "integer", 20, low=1, high=STEPS_LIMIT),
        Field("dtype", "choice", "float32", choices=("float32", "float64")),
        LANGUAGE,
        READ_ONLY,
        presets=lambda: {name: dict(one.state) for name, one in found.items()},
    )


def write_ranges(ranges: Mapping[str, Range]) -> str:
    """The ranges in one line, as a link carries them: x=-3:3:0.01; y=0:1:0.1."""
    return "; ".join(f"{name}={':'.join(f'{one:.6g}' for one in range_)}" for name, range_ in ranges.items())


def read_ranges(text: str) -> dict[str, Range]:
    """What `write_ranges` wrote; a step may be left out. Raises InvalidRange for anything else."""
    ranges: dict[str, Range] = {}
    for part in filter(str.strip, text.split(";")):
        name, _, ends = part.partition("=")
        try:
            low, high, *step = [float(one) for one in ends.split(":")]
            ranges[name.strip()] = check_range(low, high, step[0] if step else (high - low) / 600)
        except (ValueError, IndexError):
            raise InvalidRange("expressions.range", name=name.strip()[:40]) from None
    return ranges


def check_range(low: float, high: float, step: float) -> Range:
    """The same range. Raises InvalidRange unless low < high, both within reach, and the step is above 0."""
    if not (-REACH <= low < high <= REACH and 0 < step <= high - low and (high - low) / step <= 100_000):
        raise InvalidRange("expressions.range", name=f"{low:.6g}:{high:.6g}:{step:.6g}")
    return low, high, step


def range_of(name: str, ranges: Mapping[str, Range], values: Mapping[str, Numbers]) -> Range:
    """The range of a variable: the one that was chosen, else -3 to 3, wider where its numbers need it."""
    if name in ranges:
        return ranges[name]
    most = max((abs(one) for one in values[name].elements), default=0.0)
    reach = 3.0 if most <= 3 else float(f"{min(2 * most, REACH):.1g}")
    return -reach, reach, reach / 300


def values_of(typed: Typed, at: str, *, fitting: bool = False) -> dict[str, Numbers]:
    """The numbers of every variable: those in the setting, else a guess of a shape that fits them. `fitting` lets the
    guess stand also for a variable whose numbers have fewer dimensions than are asked of it. Raises InvalidValues for
    a broken setting."""
    known = {name: one for name, one in read_settings(at).items() if name in typed.ranks}
    if fitting:
        known = {name: one for name, one in known.items() if len(one.shape) >= typed.ranks[name]}
    guessed = guess(shapes(typed.torch, typed.ranks, {name: one.shape for name, one in known.items()}))
    return {name: known.get(name, guessed[name]) for name in typed.ranks}


def element(text: str, values: Mapping[str, Numbers]) -> tuple[str, int] | None:
    """The variable and the place of the element that a text such as "x", "w[0]" or "W[1, 2]" names; None for none."""
    found = _ELEMENT.fullmatch(text.strip())
    if found is None or found[1] not in values:
        return None
    one = values[found[1]]
    names = one.names(found[1])
    wanted = re.sub(r",\s*", ", ", text.strip())
    return (found[1], names.index(wanted)) if wanted in names else None


def axes(state: Mapping[str, Setting], values: Mapping[str, Numbers]) -> tuple[tuple[str, int], tuple[str, int] | None]:
    """The two elements that are drawn along: those chosen, else the first two there are."""
    every = [(name, place) for name, one in values.items() for place in range(len(one.elements))]
    first = element(str(state["axis"]), values) or every[0]
    rest = [one for one in every if one != first]
    second = element(str(state["across"]), values)
    return first, second if second in rest else rest[0] if rest else None


def name_of(one: tuple[str, int], values: Mapping[str, Numbers]) -> str:
    """What an element is called."""
    return values[one[0]].names(one[0])[one[1]]


def wanted(state: Mapping[str, Setting], values: Mapping[str, Numbers], *, field: bool, summed: bool) -> Wanted:
    """The samplings that the view needs. `field` says whether the field must be sampled anew."""
    ranges = read_ranges(str(state["ranges"]))
    first, second = axes(state, values)
    axis = Axis(*first, *range_of(first[0], ranges, values)[:2])
    across = Axis(*second, *range_of(second[0], ranges, values)[:2]) if second else None
    view = state["view"]
    plane = view in ("contour", "surface") and across is not None
    count = sum(len(one.elements) for one in values.values())
    return Wanted(
        axis,
        across,
        curve=view == "curve",
        second=view == "curve" and bool(state["second"]),
        nudge=float(state["nudge"] or 0.0),
        field=plane and field,
        descent=(float(state["lr"] or 0.0), int(state["steps"] or 1)) if plane and state["descend"] else None,
        matrices=view == "matrices" and count <= MATRIX_LIMIT,
        summed=summed,
    )


def field_key(typed: Typed, state: Mapping[str, Setting], values: Mapping[str, Numbers]) -> str:
    """A name for everything the field depends on: where the point stands along the axes is none of it."""
    first, second = axes(state, values)
    ranges = read_ranges(str(state["ranges"]))
    still = dict(values)
    for one in filter(None, (first, second)):
        still[one[0]] = still[one[0]].replaced(one[1], 0.0)
    ends = [":".join(map(plain, range_of(one[0], ranges, values))) for one in filter(None, (first, second))]
    numbers = "; ".join(f"{name}={one.text}" for name, one in still.items())
    return f"{typed.torch} | {numbers} | {first} {second} {ends} | {state['dtype']}"
