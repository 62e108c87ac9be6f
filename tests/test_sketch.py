"""Sketches: one line of text becomes a small picture."""

from __future__ import annotations

from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from engine.scenarios import load
from engine.sketch import Sketch, address, draw, parse

CHAIN = "x=3 [w]=2~30 > (*)=6~10; (*) [b]=-1~10 > (+)=5~10; (+) > loss"
SVG = "{http://www.w3.org/2000/svg}"


def ends(sketch: Sketch) -> set[tuple[str, str, bool]]:
    """Every edge as (from, to, whether it is cut)."""
    return {(edge.start.label, edge.end.label, edge.cut) for edge in sketch.edges}


def test_everything_on_the_left_feeds_everything_on_the_right() -> None:
    assert ends(parse("a b > (+) (*)")) == {("a", "+", False), ("b", "+", False), ("a", "*", False), ("b", "*", False)}


def test_a_node_named_again_is_the_same_node() -> None:
    sketch = parse(CHAIN)
    assert [node.label for node in sketch.nodes.values()] == ["x", "w", "*", "b", "+", "loss"]
    assert [node.kind for node in sketch.nodes.values()] == ["value", "leaf", "operation", "leaf", "operation", "value"]


def test_a_label_may_be_two_words() -> None:
    sketch = parse("[w] > (too far)!; (too far) > inf")
    assert [node.label for node in sketch.nodes.values()] == ["w", "too far", "inf"]


def test_numbers_belong_to_their_node() -> None:
    nodes = parse(CHAIN).nodes
    assert (nodes["x"].value, nodes["x"].grad) == ("3", "")
    assert (nodes["[b]"].value, nodes["[b]"].grad) == ("-1", "10")


def test_gradients_come_back_where_something_requires_them() -> None:
    sketch = parse(CHAIN)
    assert [node.label for node in sketch.nodes.values() if sketch.carries(node)] == ["w", "*", "b", "+", "loss"]


def test_nothing_comes_back_through_a_cut() -> None:
    sketch = parse("[x] > (**2); (**2) >| detached; detached > (sum)")
    assert [node.label for node in sketch.nodes.values() if sketch.carries(node)] == ["x", "**2"]
    assert ("**2", "detached", True) in ends(sketch)


def test_a_broken_node_is_marked() -> None:
    assert parse("[x] > (sin)!; (sin)! > y").nodes["(sin)"].broken
    assert "✕" in draw("[x] > (sin)!; (sin) > y")
    assert "✕" not in draw("[x] > (sin); (sin) > y")


def test_values_run_from_left_to_right() -> None:
    for edge in parse(CHAIN).edges:
        assert edge.start.x + edge.start.width / 2 < edge.end.x - edge.end.width / 2


@pytest.mark.parametrize("text", ["", "x", "x >", "a > b; c", "a > b; b > a", "a > [", "( > y"])
def test_what_is_no_sketch_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


@pytest.mark.parametrize("name", load())
def test_the_sketch_of_a_scenario_is_a_picture_in_its_frame(name: str) -> None:
    for moving in (False, True):
        picture = ElementTree.fromstring(draw(load()[name].sketch, moving=moving))
        _, _, width, height = map(float, picture.attrib["viewBox"].split())
        for box in picture.iter(f"{SVG}rect"):
            x, y, across, down = (float(box.attrib[side]) for side in ("x", "y", "width", "height"))
            assert x >= 0
            assert x + across <= width + 0.1
            assert y >= 0
            assert y + down <= height
        for text in picture.iter(f"{SVG}text"):
            assert 0 <= float(text.attrib["y"]) <= height


@pytest.mark.parametrize("name", load())
def test_no_two_nodes_of_a_scenario_overlap(name: str) -> None:
    nodes = list(parse(load()[name].sketch).nodes.values())
    for number, one in enumerate(nodes):
        for other in nodes[:number]:
            assert abs(one.x - other.x) >= (one.width + other.width) / 2 or abs(one.y - other.y) >= 24


def test_only_a_moving_picture_moves_and_says_its_numbers() -> None:
    still, moving = draw(CHAIN), draw(CHAIN, moving=True)
    assert "animation" not in still
    assert ">30<" not in still
    assert "prefers-reduced-motion:no-preference" in moving
    assert ">30<" in moving
    assert "infinite" not in moving


def test_the_address_holds_the_picture_and_needs_no_quotes() -> None:
    text = address(CHAIN)
    assert '"' not in text
    assert unquote(text.removeprefix("data:image/svg+xml,")) == draw(CHAIN)


def test_labels_are_text() -> None:
    assert "&lt;b" in draw("<b > (+)")
