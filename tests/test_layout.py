"""The layout: every drawn thing has one place, values flow one way, and what is hidden is counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from engine.clock import clock
from engine.folding import picture
from engine.layout import COMFORTABLE, MOST, Layout, arrange, layout
from engine.picture import Arrow, Group, Picture, Slot, Variant
from engine.trace import Trace
from tests import traces

TRACES: dict[str, Callable[[], Trace]] = {
    "accumulate": traces.accumulate,
    "diamond": lambda: traces.diamond(14),
    "epochs": lambda: traces.epochs(25),
    "chain": lambda: traces.chain(1_200),
    "wide": lambda: traces.wide(300),
}


def graph(count: int, pairs: list[tuple[int, int]], groups: dict[int, list[int]] | None = None) -> Picture:
    """A picture of `count` slots and an arrow for each pair (earlier to later)."""
    inside = groups or {}
    slots = [Slot(number, "operation", [Variant(number, 1, None)], inside.get(number, [])) for number in range(count)]
    arrows = [Arrow(source, target, "gradient", position) for position, (source, target) in enumerate(pairs)]
    numbers = sorted({group for path in inside.values() for group in path})
    return Picture(slots, arrows, [Group(number, "module", f"m{number}", None) for number in numbers])


def spots(made: Layout) -> list[tuple[float, float]]:
    return [(place.along, place.across) for place in made.places]


@pytest.mark.parametrize("name", TRACES)
def test_no_two_places_are_one_and_all_lie_inside(name: str) -> None:
    made = layout(TRACES[name]())
    assert len(set(spots(made))) == len(made.places)
    assert all(0 <= along < made.length and 0 <= across < made.breadth for along, across in spots(made))


@pytest.mark.parametrize("name", TRACES)
def test_values_flow_one_way(name: str) -> None:
    made = layout(TRACES[name]())
    for route in made.routes:
        along = [made.places[route.source].along, *(bend[0] for bend in route.bends), made.places[route.target].along]
        assert along == sorted(along)
        assert along[0] < along[-1]


def test_the_same_trace_has_the_same_layout() -> None:
    assert layout(traces.wide(120)) == layout(traces.wide(120))


def test_a_layout_does_not_depend_on_how_far_the_run_is_watched() -> None:
    """One layout serves every moment: a slot's place is there from the start, with all variants of its loop."""
    made = layout(traces.epochs(25))
    assert len(made.places) == 4


@settings(max_examples=60, deadline=None)
@given(some.data())
def test_any_graph_gets_a_place_for_each_slot(data: some.DataObject) -> None:
    count = data.draw(some.integers(1, 24))
    ends = some.integers(0, count - 1)
    pairs = [
        (min(pair), max(pair))
        for pair in data.draw(some.lists(some.tuples(ends, ends), max_size=40))
        if pair[0] != pair[1]
    ]
    made = arrange(graph(count, pairs))
    assert [place.slot for place in made.places] == list(range(count))
    assert len(set(spots(made))) == count
    assert sorted(number for route in made.routes for number in route.arrows) == list(range(len(pairs)))


def test_closed_groups_are_drawn_as_one_and_say_what_they_hide() -> None:
    made = arrange(graph(5, [(0, 1), (1, 2), (2, 3), (3, 4)], {1: [0], 2: [0], 3: [0]}), closed=[0])
    assert [(place.slot, place.group, place.size) for place in made.places] == [
        (0, None, 1),
        (None, 0, 3),
        (4, None, 1),
    ]
    assert made.hidden == 3
    assert made.closed == [0]
    assert [(route.source, route.target, route.arrows) for route in made.routes] == [(0, 1, [0]), (1, 2, [3])]


def test_unknown_groups_are_passed_over() -> None:
    assert arrange(graph(2, [(0, 1)]), closed=[7, -1]).hidden == 0


def test_a_comfortable_graph_is_drawn_whole_and_a_larger_one_grouped() -> None:
    assert layout(traces.wide(COMFORTABLE - 1)).hidden == 0
    large = layout(traces.wide(COMFORTABLE + 60))
    assert len(large.places) <= COMFORTABLE
    assert large.hidden + len(large.places) - len(large.closed) == COMFORTABLE + 61


def test_a_long_loop_is_collapsed_and_every_operation_accounted_for() -> None:
    made = layout(traces.chain(1_200))
    assert len(made.places) < 20
    assert made.hidden + len(made.places) - len(made.closed) == 1_201


def test_what_is_beyond_the_most_is_left_out_and_counted() -> None:
    made = arrange(graph(MOST + 5, [(number, number + 1) for number in range(MOST + 4)]), closed=[])
    assert len(made.places) == MOST
    assert made.left_out == 5


def test_one_value_used_everywhere_does_not_slow_the_layout_down() -> None:
    """A weight used at every step of a long chain would need hundreds of thousands of bends."""
    pairs = [(number, number + 1) for number in range(1, 800)] + [(0, number) for number in range(1, 800)]
    made = arrange(graph(801, pairs), closed=[])
    assert sum(len(route.bends) for route in made.routes) <= 4_000
    assert len(made.routes) == len(pairs)


def test_nothing_gets_an_empty_layout() -> None:
    made = arrange(picture(Trace(source=""), clock(Trace(source=""))))
    assert made.places == []
    assert made.routes == []
