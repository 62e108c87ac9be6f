"""The clock: every row of a trace happens at one moment, and moments are in the order in which things were over."""

from __future__ import annotations

from engine.clock import clock
from engine.trace import Operation, Outcome, Scope, Step, Trace
from tests import traces


def test_a_step_is_over_after_its_operations_and_events() -> None:
    trace = traces.accumulate()
    read = clock(trace)
    kinds = [moment.kind for moment in read.moments if trace.steps[moment.step].tick == 5]
    assert kinds == ["operation", "operation", "done"]
    kinds = [moment.kind for moment in read.moments if trace.steps[moment.step].tick == 6]
    assert kinds == ["event"] * 4 + ["done"]


def test_moments_of_steps_rise_and_each_is_done_once() -> None:
    trace = traces.epochs(5)
    read = clock(trace)
    assert read.steps == sorted(set(read.steps))
    assert [read.moments[moment].kind for moment in read.steps] == ["done"] * len(trace.steps)


def test_a_deposit_happens_when_its_node_fires() -> None:
    trace = traces.accumulate()
    read = clock(trace)
    for deposit in trace.deposits:
        moment = read.moments[read.deposits[deposit.number]]
        assert moment.kind == "event"
        assert trace.events[moment.row].node == deposit.node
        assert trace.steps[moment.step].tick == deposit.tick


def test_a_node_is_born_in_the_operation_that_made_it() -> None:
    trace = traces.accumulate()
    read = clock(trace)
    for operation in trace.operations:
        for node in operation.nodes:
            assert read.nodes[node] == read.operations[operation.number]


def test_what_happened_in_a_step_that_was_not_kept_is_seen_at_the_next_kept_one() -> None:
    span = (1, 0, 1, 5)
    trace = Trace(
        source="x + x",
        ticks=9,
        scopes=[Scope(0, "", None, 1, None)],
        steps=[Step(1, span, 0, []), Step(7, span, 0, []), Step(9, span, 0, [])],
        operations=[Operation(0, 4, span, "+", [], [], [], 0)],
        outcome=Outcome("finished"),
    )
    read = clock(trace)
    assert read.operations[0] == read.steps[1]


def test_a_trace_without_steps_has_no_moments() -> None:
    assert clock(Trace(source="")).moments == []
