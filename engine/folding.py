"""Folds the iterations of loops into shared slots, and names the groups that can be drawn as one.

A loop is folded as deep as its iterations do not feed each other through the graph: the epochs of a training loop share
their places, the steps of a recurrence do not. Iterations that stay apart are groups instead.
"""

from __future__ import annotations

from collections import Counter

from engine.clock import Clock
from engine.picture import Arrow, Gatherer, Group, IterationPath, Picture, Raw, RawArrow, Slot
from engine.trace import Span, Trace

EDGE_ITERATIONS = 4
"""Of a loop that cannot be folded, so many first and last iterations are groups of their own; those between are one."""

STRETCH = 24
"""A graph without any other groups is cut into stretches; so many first and last slots are in none."""


def picture(trace: Trace, clock: Clock) -> Picture:
    """What of the Trace is drawn. Slots are numbered by position, in birth order; equal traces have equal pictures."""
    raws, arrows = _seen(*Gatherer(trace, clock).gather())
    units = _units(raws, arrows)
    places = _places(raws, units, {loop.number: loop.span for loop in trace.loops})
    groups = Groups(trace, raws)
    slots: list[Slot] = []
    names: list[str] = []
    for members in _members(places):
        first = raws[members[0]]
        variants = sorted((raws[member].variant for member in members), key=lambda variant: variant.at)
        slots.append(Slot(len(slots), first.kind, variants, groups.of(first, units[members[0]])))
        names.append(first.name)
    folded = _fold_arrows(arrows, places, units)
    groups.adopt(slots, names, folded)
    groups.finish(slots)
    return Picture(slots, folded, groups.rows)


def _apart(one: IterationPath, other: IterationPath) -> bool:
    """True where neither is around the other: two different iterations."""
    shared = min(len(one), len(other))
    return one[:shared] != other[:shared]


def _units(raws: list[Raw], arrows: list[RawArrow]) -> list[IterationPath]:
    """For each raw slot the part of its path that is folded: () where nothing is."""
    loops: dict[int, list[RawArrow]] = {}
    depths: dict[int, int] = {}
    for raw in raws:
        if raw.path:
            depths[raw.path[0][0]] = max(depths.get(raw.path[0][0], 0), len(raw.path))
    for arrow in arrows:
        source, target = raws[arrow.source].path, raws[arrow.target].path
        if arrow.kind == "gradient" and source and target and source[0][0] == target[0][0]:
            loops.setdefault(source[0][0], []).append(arrow)
    for loop, inside in loops.items():
        while depths[loop] and any(
            _apart(raws[arrow.source].path[: depths[loop]], raws[arrow.target].path[: depths[loop]]) for arrow in inside
        ):
            depths[loop] -= 1
    return [raw.path[: depths[raw.path[0][0]]] if raw.path else () for raw in raws]


def _seen(raws: list[Raw], arrows: list[RawArrow]) -> tuple[list[Raw], list[RawArrow]]:
    """Without what a folded loop made in iterations that were not kept: the clock never stands there."""
    kept = [place for place, unit in enumerate(_units(raws, arrows)) if not unit or raws[place].exact]
    numbers = {place: number for number, place in enumerate(kept)}
    for arrow in arrows:
        arrow.source, arrow.target = numbers.get(arrow.source, -1), numbers.get(arrow.target, -1)
    return [raws[place] for place in kept], [arrow for arrow in arrows if min(arrow.source, arrow.target) >= 0]


def _places(raws: list[Raw], units: list[IterationPath], spans: dict[int, Span]) -> list[int]:
    """The slot of each raw slot: the same for those that are the same thing in different iterations of a folded
    loop."""
    slots: dict[object, int] = {}
    counts: Counter[object] = Counter()
    places = []
    for number, (raw, unit) in enumerate(zip(raws, units, strict=True)):
        key: object = ("alone", number)
        if unit:
            mark = (raw.kind, raw.name, raw.variant.span, raw.module)
            counts[unit, mark] += 1
            loops = (unit[0][0], *(spans.get(loop, (0, 0, 0, 0)) for loop, _ in unit))
            key = (loops, mark, counts[unit, mark])
        places.append(slots.setdefault(key, len(slots)))
    return places


def _members(places: list[int]) -> list[list[int]]:
    members: list[list[int]] = [[] for _ in range(max(places, default=-1) + 1)]
    for number, place in enumerate(places):
        members[place].append(number)
    return members


def _fold_arrows(arrows: list[RawArrow], places: list[int], units: list[IterationPath]) -> list[Arrow]:
    folded: dict[Arrow, None] = {}
    for arrow in arrows:
        carried = _apart(units[arrow.source], units[arrow.target])
        source, target = places[arrow.source], places[arrow.target]
        folded[Arrow(source, target, arrow.kind, arrow.position, arrow.reason, carried or source == target)] = None
    return list(folded)


class Groups:
    """Gives each slot its groups and numbers them."""

    def __init__(self, trace: Trace, raws: list[Raw]) -> None:
        self.rows: list[Group] = []
        self.homes = _homes(raws)
        self.scopes = {scope.number: scope for scope in trace.scopes}
        self.longest: dict[int, int] = {}
        for step in trace.steps:
            for loop, iteration in step.iterations:
                self.longest[loop] = max(self.longest.get(loop, 0), iteration)
        self._numbers: dict[tuple[object, ...], int] = {}

    def of(self, raw: Raw, unit: IterationPath) -> list[int]:
        """The groups of a raw slot, outermost first. Leaves and inputs from outside belong to none."""
        if raw.kind in ("leaf", "input"):
            return []
        path: list[int] = []
        parts = raw.module.split(".") if raw.module else []
        loops = list(raw.path[len(unit) :])
        for depth in range(len(parts) + 1):
            if depth:
                path.append(self._number("module", ".".join(parts[:depth]), path))
            while loops and (self.homes[loops[0][0]] <= depth or depth == len(parts)):
                loop, iteration = loops.pop(0)
                low, high = self._range(loop, iteration)
                name = f"{low + 1}" if low == high else f"{low + 1} – {high + 1}"
                path.append(self._number("iterations", name, path, loop, low))
        if not parts:
            for number, name in self._calls(raw.scope):
                path.append(self._number("function", name, path, number if not unit else 0))
        return path

    def adopt(self, slots: list[Slot], names: list[str], arrows: list[Arrow]) -> None:
        """A parameter belongs to its module where nothing outside of it takes the parameter; and with it what it was
        made of."""
        takers: dict[int, list[Slot]] = {}
        for arrow in arrows:
            takers.setdefault(arrow.source, []).append(slots[arrow.target])
        for slot in reversed(slots):
            if slot.kind not in ("leaf", "input") or slot.number not in takers:
                continue
            shared = list(takers[slot.number][0].groups)
            for taker in takers[slot.number]:
                shared = [one for one, other in zip(shared, taker.groups, strict=False) if one == other]
            modules = [self.rows[one].name for one in shared if self.rows[one].kind == "module"]
            if slot.kind == "leaf":
                ours = any(names[slot.number].startswith(f"{module}.") for module in modules)
            else:
                ours = all(taker.kind == "leaf" for taker in takers[slot.number])
            if ours:
                slot.groups[:] = shared

    def _range(self, loop: int, iteration: int) -> tuple[int, int]:
        last = self.longest.get(loop, iteration)
        if iteration < EDGE_ITERATIONS or iteration > last - EDGE_ITERATIONS:
            return iteration, iteration
        return EDGE_ITERATIONS, last - EDGE_ITERATIONS

    def _calls(self, number: int) -> list[tuple[int, str]]:
        calls: list[tuple[int, str]] = []
        scope = self.scopes.get(number)
        while scope is not None and scope.parent is not None:
            calls.append((scope.number, scope.name))
            scope = self.scopes.get(scope.parent)
        return calls[::-1]

    def _number(self, kind: str, name: str, path: list[int], *marks: object) -> int:
        parent = path[-1] if path else None
        key = (kind, name, parent, *marks)
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            self.rows.append(Group(len(self.rows), kind, name, parent))  # type: ignore[arg-type]
        return self._numbers[key]

    def finish(self, slots: list[Slot]) -> None:
        """Drop the groups of a single slot and those that another says as well; where many slots are in none, the
        middle of them becomes a stretch."""
        sizes = Counter(group for slot in slots for group in slot.groups)
        dropped = {row.number for row in self.rows if sizes[row.number] < 2}
        for row in self.rows:
            outer = row.parent
            if row.number not in dropped and outer is not None and sizes[outer] == sizes[row.number]:
                dropped.add(outer if row.kind == "module" else row.number)
        kept = [row for row in self.rows if row.number not in dropped]
        numbers = {row.number: place for place, row in enumerate(kept)}
        for slot in slots:
            slot.groups[:] = [numbers[group] for group in slot.groups if group in numbers]
        self.rows = [
            Group(place, row.kind, row.name, self._above(row, numbers)) for place, row in enumerate(kept)
        ]  # fmt: skip
        loose = [slot for slot in slots if not slot.groups and slot.kind in ("operation", "plain")]
        middle = loose[STRETCH:-STRETCH]
        if len(middle) < STRETCH:
            return
        self.rows.append(Group(len(self.rows), "stretch", f"{len(middle)}", None))
        for slot in middle:
            slot.groups.append(len(self.rows) - 1)

    def _above(self, row: Group, numbers: dict[int, int]) -> int | None:
        """The new number of the nearest group around it that is kept."""
        outer = row.parent
        while outer is not None and outer not in numbers:
            outer = self.rows[outer].parent
        return None if outer is None else numbers[outer]


def _homes(raws: list[Raw]) -> dict[int, int]:
    """For each loop how deep in the tree of modules it stands: all that it made was made inside so many of them."""
    shared: dict[int, list[str]] = {}
    for raw in raws:
        parts = raw.module.split(".") if raw.module else []
        for loop, _ in raw.path:
            known = shared.setdefault(loop, parts)
            shared[loop] = [one for one, other in zip(known, parts, strict=False) if one == other]
    return {loop: len(parts) for loop, parts in shared.items()}
