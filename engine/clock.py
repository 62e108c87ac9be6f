"""The clock of a Trace: every moment that can be looked at, in the order in which things were finished.

    step   step   step ...                      statements
     |      |      +- op op op done             the operations inside one
     |      +- event event ... done             the sub-steps of a backward pass
     +- done

A statement that calls a function is over after the statements in that function's body, so it comes after them, as in
`trace.steps`, though its tick is smaller. Every row of the Trace happens at one moment, a plain number, and comparing
two numbers says which came first.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal

import msgspec

from engine.trace import Trace


class Moment(msgspec.Struct, frozen=True, array_like=True):
    """One position of the clock. `row` is the number of the operation, or the position in `trace.events` of the event;
    for "done" it is -1: the statement is over. `step` is a position in `trace.steps`."""

    step: int
    kind: Literal["operation", "event", "done"]
    row: int = -1


class Clock(msgspec.Struct, frozen=True):
    """All moments, and the moment of each row of the tables that happen in time.

    `steps` is parallel to `trace.steps`: the moment at which each was done. `operations`, `nodes` and `deposits` are
    keyed by the row's number; `events`, `freed`, `cuts`, `changes` and `hooks` are parallel to their tables.
    """

    moments: list[Moment]
    steps: list[int]
    operations: dict[int, int]
    nodes: dict[int, int]
    deposits: dict[int, int]
    events: list[int]
    freed: list[int]
    cuts: list[int]
    changes: list[int]
    hooks: list[int]
    ticks: dict[int, int]
    """Tick -> position in `trace.steps`, smallest tick first."""


def clock(trace: Trace) -> Clock:
    """The clock of that trace. A trace without steps has no moments."""
    inside = _inside(trace)
    ticks = dict(sorted((step.tick, place) for place, step in enumerate(trace.steps)))
    built = Clock(
        moments=[], steps=[0] * len(trace.steps), operations={}, nodes={}, deposits={}, events=[-1] * len(trace.events),
        freed=[], cuts=[], changes=[], hooks=[], ticks=ticks,
    )  # fmt: skip
    for place, step in enumerate(trace.steps):
        for moment in [*inside.get(step.tick, []), Moment(place, "done")]:
            if moment.kind == "operation":
                built.operations[moment.row] = len(built.moments)
            elif moment.kind == "event":
                built.events[moment.row] = len(built.moments)
            built.moments.append(Moment(place, moment.kind, moment.row))
        built.steps[place] = len(built.moments) - 1
    _place_rows(trace, built)
    return built


def _inside(trace: Trace) -> dict[int, list[Moment]]:
    """By tick: the operations of the statement in their order; the events of a pass at its place among them."""
    inside: dict[int, list[Moment]] = {}
    for operation in trace.operations:
        inside.setdefault(operation.tick, []).append(Moment(-1, "operation", operation.number))
    ticks = {row.number: row.tick for row in trace.passes}
    events: dict[int, list[Moment]] = {}
    for place, event in enumerate(trace.events):
        if event.pass_ in ticks:
            events.setdefault(ticks[event.pass_], []).append(Moment(-1, "event", place))
    for tick, rows in events.items():
        before = inside.get(tick, [])
        # The call that runs the engine is the last operation of its statement, and is over only after its events.
        inside[tick] = [*before[:-1], *rows, *before[-1:]]
    return inside


def _place_rows(trace: Trace, built: Clock) -> None:
    kept = list(built.ticks)

    def done(tick: int) -> int:
        """The end of that tick's statement, or of the first kept one after it: its effect is seen there."""
        if not kept:
            return 0
        return built.steps[built.ticks[kept[min(bisect_left(kept, tick), len(kept) - 1)]]]

    for operation in trace.operations:
        built.operations.setdefault(operation.number, done(operation.tick))
        for node in operation.nodes:
            built.nodes[node] = built.operations[operation.number]
    for node_row in trace.nodes:
        built.nodes.setdefault(node_row.number, done(node_row.tick))
    passes = {row.number: row for row in trace.passes}
    fired: dict[tuple[int, int], int] = {}
    for place, event in enumerate(trace.events):
        if built.events[place] < 0:
            owner = passes.get(event.pass_)
            built.events[place] = done(owner.tick if owner else trace.ticks)
        fired[event.pass_, event.node] = built.events[place]
    for deposit in trace.deposits:
        exact = (
            fired.get((deposit.pass_, deposit.node)) if deposit.pass_ is not None and deposit.node is not None else None
        )
        built.deposits[deposit.number] = done(deposit.tick) if exact is None else exact
    for row in trace.freed:
        built.freed.append(done(row.tick))
    for cut in trace.cuts:
        built.cuts.append(done(cut.tick))
    for change in trace.changes:
        built.changes.append(done(change.tick))
    for hook in trace.hooks:
        built.hooks.append(done(hook.tick))
