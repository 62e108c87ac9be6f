"""Picture -> places, once per trace, so that stepping never moves a node.

Places are abstract: `along` counts layers in the direction in which values flow, `across` counts nodes side by side.
The screen turns them into pixels, from left to right or from top to bottom, without asking again. Layers and order
come from the layered drawing method of Sugiyama, Tagawa and Toda (1981), by the fast-sugiyama library.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec
from fast_sugiyama import from_edges

from engine.clock import clock as read_clock
from engine.folding import picture as draw
from engine.picture import Picture
from engine.trace import Trace

COMFORTABLE = 320
"""So many things are drawn without being asked; beyond, groups are drawn as one each."""

CROWDED = 40
"""A graph with parts of its own (modules, functions, iterations) is drawn by those parts from here on."""

MOST = 2_500
"""More are never drawn at once: then the middle is left out, and said."""

_TRANSPOSED = 150  # up to here the library's slower, tidier ordering costs less than 20 ms
_RANKED = 600  # up to here its ranking by total edge length does
_BENDS = 4_000  # more bends than these cost seconds; the longest edges are then drawn without any


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a thing is. `slot` is a slot's number, or None where `group` is drawn as one with `size` slots inside."""

    slot: int | None
    group: int | None
    size: int
    along: float
    across: float


class Route(msgspec.Struct, frozen=True, array_like=True):
    """How an edge runs, from place to place (positions in `places`), bending at (along, across) points. `arrows` are
    the positions in `Picture.arrows` that it stands for."""

    source: int
    target: int
    bends: list[tuple[float, float]]
    arrows: list[int]


class Layout(msgspec.Struct, frozen=True):
    """All places and routes; the groups drawn as one; how many slots are inside those, and how many are not drawn at
    all."""

    places: list[Place]
    routes: list[Route]
    closed: list[int]
    hidden: int
    left_out: int
    length: float
    breadth: float


def layout(trace: Trace, closed: Collection[int] | None = None) -> Layout:
    """Where everything that is drawn of the Trace stands.

    `closed` are the groups to draw as one (numbers in `Picture.groups`, unknown ones are passed over); None chooses
    them, so that what is drawn stays comfortable.
    """
    return arrange(draw(trace, read_clock(trace)), closed)


def arrange(picture: Picture, closed: Collection[int] | None = None) -> Layout:
    """The same from a Picture that is already there."""
    chosen = _choose(picture) if closed is None else {group.number for group in picture.groups} & set(closed)
    outer = [next((group for group in slot.groups if group in chosen), None) for slot in picture.slots]
    things: dict[tuple[int | None, int | None], int] = {}
    sizes: list[int] = []
    owner: list[int | None] = []
    left_out = 0
    for slot, group in zip(picture.slots, outer, strict=True):
        key = (None, group) if group is not None else (slot.number, None)
        if key not in things and len(things) >= MOST:
            owner.append(None)
            left_out += 1
            continue
        place = things.setdefault(key, len(things))
        sizes.extend([0] * (place + 1 - len(sizes)))
        sizes[place] += 1
        owner.append(place)
    joined = _join(picture, owner)
    spots, bends, length, breadth = _solve(len(things), joined, picture)
    places = [
        Place(slot, group, sizes[place], *spots[place]) for (slot, group), place in things.items()
    ]  # fmt: skip
    routes = [Route(*pair, bends.get(pair, []), arrows) for pair, arrows in joined.items()]
    hidden = sum(place.size for place in places if place.group is not None)
    shut = sorted({place.group for place in places if place.group is not None})
    return Layout(places, routes, shut, hidden, left_out, length, breadth)


def _choose(picture: Picture) -> set[int]:
    """No group while all slots fit; else the deepest groups first, outer ones when that is not enough."""
    chosen: set[int] = set()
    deepest = max((len(slot.groups) for slot in picture.slots), default=0)
    most = COMFORTABLE if all(group.kind == "stretch" for group in picture.groups) else CROWDED
    for depth in range(deepest, -1, -1):
        things = {next((-1 - group for group in slot.groups if group in chosen), slot.number) for slot in picture.slots}
        if len(things) <= most:
            break
        chosen |= {slot.groups[depth - 1] for slot in picture.slots if depth and len(slot.groups) >= depth}
    return chosen


def _join(picture: Picture, owner: list[int | None]) -> dict[tuple[int, int], list[int]]:
    """The arrows between each pair of places. An arrow inside a group is not drawn."""
    joined: dict[tuple[int, int], list[int]] = {}
    for number, arrow in enumerate(picture.arrows):
        source, target = owner[arrow.source], owner[arrow.target]
        if source is not None and target is not None and source != target:
            joined.setdefault((source, target), []).append(number)
    return joined


Spots = dict[int, tuple[float, float]]
Bends = dict[tuple[int, int], list[tuple[float, float]]]


def _solve(count: int, joined: dict[tuple[int, int], list[int]], picture: Picture) -> tuple[Spots, Bends, float, float]:
    """Places, bends of long edges, and the extent of all. Parts that no edge joins are stacked across."""
    edges = [pair for pair, arrows in joined.items() if not all(picture.arrows[number].carried for number in arrows)]
    edges = _short_enough(count, edges)
    spots: Spots = {}
    bends: Bends = {}
    length = breadth = 0.0
    ranking: Literal["minimize", "down"] = "minimize" if count <= _RANKED else "down"
    parts = from_edges(
        edges, vertex_spacing=1, dummy_vertices=True, dummy_size=0.5, ranking_type=ranking, transpose=count <=
        _TRANSPOSED, check_layout=False,
    ) if edges else []  # fmt: skip
    for positions, *_, drawn in sorted(parts, key=lambda part: min(number for number, _ in part[0])):
        points = {int(number): (float(y), float(x)) for number, (x, y) in positions}
        last, low = max(along for along, _ in points.values()), min(across for _, across in points.values())
        points = {number: (last - along, across - low + breadth) for number, (along, across) in points.items()}
        spots.update({number: point for number, point in points.items() if number < count})
        bends.update(_bends(count, points, [(int(source), int(target)) for source, target in drawn or []]))
        length = max(length, *(along for along, _ in points.values()))
        breadth = max(across for _, across in points.values()) + 1
    alone = [number for number in range(count) if number not in spots]
    row = max(int(length) + 1, 4)
    for place, number in enumerate(alone):
        spots[number] = (float(place % row), breadth + place // row)
    breadth += -(-len(alone) // row)
    length = max(length, float(min(len(alone), row) - 1))
    return spots, bends, length + 1, max(breadth, 1.0)


def _bends(count: int, points: Spots, drawn: list[tuple[int, int]]) -> Bends:
    """The points at which edges pass through layers: chains of the library's dummy vertices, numbered from `count`."""
    onward = {source: target for source, target in drawn if source >= count}
    bends: Bends = {}
    for source, step in drawn:
        if source >= count or step < count:
            continue
        passed = []
        while step >= count:
            passed.append(points[step])
            step = onward[step]
        bends[source, step] = passed
    return bends


def _short_enough(count: int, edges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without the longest edges where all would need too many bends. Lengths are by longest path from the sources."""
    rank = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        rank[target] = max(rank[target], rank[source] + 1)
    spans = sorted(edges, key=lambda edge: abs(rank[edge[1]] - rank[edge[0]]))
    kept, total = [], 0
    for source, target in spans:
        total += max(abs(rank[target] - rank[source]) - 1, 0)
        if total > _BENDS:
            break
        kept.append((source, target))
    return sorted(kept)
