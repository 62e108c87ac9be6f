"""The contract: codec, assembly, and that each rule of `check` catches a trace that breaks it."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import trace as rows
from engine.trace import (
    Deposit,
    Edge,
    Event,
    File,
    Frame,
    InvalidTrace,
    Node,
    NumberValue,
    OtherValue,
    Outcome,
    Pass,
    Preview,
    Scope,
    Step,
    TensorValue,
    Trace,
    assemble,
    check,
    decode_frame,
    decode_trace,
    encode,
    to_json,
)

SPAN = (1, 0, 1, 5)


def tensor(number: int = 0, **columns: Any) -> TensorValue:
    made = TensorValue(number, 0, (1,), "float32", "cpu", False, True, Preview([1.0]))
    return msgspec.structs.replace(made, **columns)


def whole(**tables: Any) -> Trace:
    """A small trace that holds, with some of its tables replaced."""
    made: dict[str, Any] = {
        "source": "w * w",
        "ticks": 2,
        "values": [tensor()],
        "scopes": [Scope(0, "", None, 0, None), Scope(1, "f", 0, 1, SPAN)],
        "nodes": [Node(0, "MulBackward0", 1, SPAN), Node(1, "AccumulateGrad", 1, None, leaf=0)],
        "edges": [Edge(0, 0, 1, 0), Edge(0, 1, 1, 0)],
        "steps": [Step(1, SPAN, 0, [("w", 0)]), Step(2, SPAN, 0, [("w", 0)])],
        "passes": [Pass(0, "backward", 2, SPAN, [0], [0])],
        "events": [Event(0, 0, 0, [0], [0, None]), Event(0, 1, 1, [0], [])],
        "deposits": [Deposit(0, "deposit", 2, 0, 0, None, 0, 0, 1)],
        "outcome": Outcome("finished"),
    }
    return Trace(**(made | tables))


def test_a_whole_trace_holds_and_survives_the_wire() -> None:
    trace = check(whole())
    assert decode_trace(encode(trace)) == trace


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ({"values": [tensor(), tensor()]}, "values: a number is given twice"),
        ({"nodes": [Node(0, "A", 1, SPAN), Node(0, "B", 1, SPAN)]}, "nodes: a number is given twice"),
        ({"scopes": [Scope(0, "", None, 0, None), Scope(1, "f", 7, 1, None)]}, "scopes: parent 7"),
        ({"values": [tensor(grad=9)]}, "values: grad 9"),
        ({"values": [tensor(node=9)]}, "values: node 9"),
        ({"values": [tensor(), OtherValue(1, "list", "[]", [("[0]", 9)])]}, "values: parts 9"),
        ({"operations": [rows.Operation(0, 1, SPAN, "*", [5], [], [], 0)]}, "operations: inputs 5"),
        ({"operations": [rows.Operation(0, 1, SPAN, "*", [], [5], [], 0)]}, "operations: outputs 5"),
        ({"operations": [rows.Operation(0, 1, SPAN, "*", [], [], [5], 0)]}, "operations: nodes 5"),
        ({"operations": [rows.Operation(0, 1, SPAN, "*", [], [], [], 5)]}, "operations: scope 5"),
        ({"nodes": [Node(0, "A", 1, SPAN), Node(1, "B", 1, None, leaf=9)]}, "nodes: leaf 9 is not among the tensors"),
        ({"nodes": [Node(0, "A", 1, SPAN, value=9), Node(1, "B", 1, None)]}, "nodes: value 9"),
        ({"nodes": [Node(0, "A", 1, SPAN, pass_=9), Node(1, "B", 1, None)]}, "nodes: pass_ 9"),
        ({"edges": [Edge(0, 0, 9, 0)]}, "edges: to_node 9"),
        ({"edges": [Edge(9, 0, 0, 0)]}, "edges: from_node 9"),
        ({"freed": [rows.Freed(9, 1, None)]}, "freed: node 9"),
        ({"passes": [Pass(0, "grad", 2, SPAN, [9], [])]}, "passes: roots 9"),
        ({"passes": [Pass(0, "grad", 2, SPAN, [], [9])]}, "passes: grad_outputs 9"),
        ({"passes": [Pass(0, "grad", 2, SPAN, [], [], [9])]}, "passes: inputs 9"),
        ({"passes": [Pass(0, "grad", 2, SPAN, [], [], parent=9)]}, "passes: parent 9"),
        ({"events": [Event(9, 0, 0, [], [])]}, "events: pass_ 9"),
        ({"events": [Event(0, 0, 9, [], [])]}, "events: node 9"),
        ({"events": [Event(0, 0, 0, [9], [])]}, "events: grad_outputs 9"),
        ({"deposits": [Deposit(0, "zero", 1, 9, None, None, None)]}, "deposits: tensor 9"),
        ({"deposits": [Deposit(0, "zero", 1, 0, None, 9, None)]}, "deposits: before 9"),
        ({"cuts": [rows.Cut(0, 1, SPAN, "detach", 9, None)]}, "cuts: input 9"),
        ({"changes": [rows.Change(1, 9, SPAN, 0, 1)]}, "changes: tensor 9"),
        ({"hooks": [rows.HookCall(1, 9, "f", None, None)]}, "hooks: pass_ 9"),
        ({"steps": [Step(1, SPAN, 9, [])]}, "steps: scope 9"),
        ({"steps": [Step(1, SPAN, 0, [("w", 9)])]}, "steps: variables 9"),
        ({"steps": [Step(1, SPAN, 0, [], 9)]}, "steps: value 9"),
        ({"steps": [Step(1, SPAN, 0, [], iterations=[(9, 0)])]}, "steps: iterations 9"),
        ({"steps": [Step(2, SPAN, 0, []), Step(1, SPAN, 0, [])]}, "steps: tick 1 comes after tick 2"),
        ({"steps": [Step(1, SPAN, 0, []), Step(1, SPAN, 1, [])]}, "steps: tick 1 is given twice"),
        ({"steps": [Step(3, SPAN, 0, [])]}, "steps: tick 3 is beyond the 2 that ran"),
        ({"steps": [Step(1, (2, 0, 1, 5), 0, [])]}, "Step: span (2, 0, 1, 5) is out of order"),
        ({"steps": [Step(1, (0, 0, 1, 5), 0, [])]}, "Step: span (0, 0, 1, 5) is out of order"),
        ({"values": [tensor(shape=(2,))]}, "values: 0 of shape (2,) previews 1 elements"),
        ({"values": [tensor(preview=Preview([1.0], truncated=True), shape=())]}, None),
        ({"edges": [Edge(0, 0, 1, 0), Edge(0, 0, 1, 1)]}, "edges: two edges leave one node at one position"),
        ({"events": [Event(0, 1, 0, [], [])]}, "events: pass 0 goes from 0 to 1"),
    ],
)
def test_what_check_refuses(tables: dict[str, Any], problem: str | None) -> None:
    trace = whole(**{"deposits": [], "events": []} | tables)
    if problem is None:
        assert check(trace) is trace
        return
    with pytest.raises(InvalidTrace) as caught:
        check(trace)
    assert str(caught.value).startswith(problem)


def test_statements_of_a_function_may_end_before_the_call() -> None:
    steps = [Step(2, SPAN, 1, []), Step(1, SPAN, 0, [])]
    assert check(whole(steps=steps)).steps == steps


def test_frames_laid_end_to_end() -> None:
    trace = whole()
    frames = [
        Frame(ticks=1, values=trace.values, scopes=trace.scopes, nodes=trace.nodes, edges=trace.edges),
        Frame(ticks=2, steps=trace.steps, passes=trace.passes, events=trace.events, deposits=trace.deposits),
        Frame(ticks=2, outcome=trace.outcome),
    ]
    assert assemble(frames, source="w * w") == trace
    assert check(assemble(frames[:1], source="w * w")).outcome is None


def test_a_file_may_come_in_parts() -> None:
    frames = [Frame(files=[File("a", b"12")]), Frame(files=[File("a", b"3"), File("b", b"")])]
    assert assemble(frames, source="").files == [File("a", b"123"), File("b", b"")]


@given(st.binary(max_size=200))
def test_bytes_that_are_no_frame(content: bytes) -> None:
    try:
        frame = decode_frame(content)
    except InvalidTrace:
        return
    assert isinstance(frame, Frame)


def test_an_encoded_frame_cut_short_is_refused() -> None:
    content = encode(whole())
    for length in range(0, len(content), 7):
        with pytest.raises(InvalidTrace):
            decode_trace(content[:length])


def test_json_for_people() -> None:
    shown = to_json(whole(values=[NumberValue(0, math.nan), tensor(1, preview=Preview([-math.inf]))]))
    text = json.dumps(shown, allow_nan=False)
    assert '"nan"' in text
    assert '"-inf"' in text
    assert shown["values"][0]["kind"] == "number"
    assert to_json([File("a", b"12")])[0]["content"] == "MTI="


@given(st.lists(st.floats(), max_size=5))
def test_floats_survive_the_wire(values: list[float]) -> None:
    trace = whole(values=[tensor(shape=(len(values),), preview=Preview(values))])  # type: ignore[arg-type]
    made = decode_trace(encode(trace)).values[0]
    assert isinstance(made, TensorValue)
    assert made.preview is not None
    assert [repr(value) for value in made.preview.values] == [repr(value) for value in values]
