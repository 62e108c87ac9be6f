"""Attacks as rows, and firing many at once: one module's attacks run side by side while its tests look at each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from engine.executors.base import Job
from engine.executors.local import LocalExecutor
from engine.limits import Limits
from engine.messages import render
from engine.trace import Trace, assemble, check

SECRET = "marker-7c1f0e-of-the-app"
"""Put where an attack would find it (environment, files); must appear in no trace."""

LIMITS = Limits(memory=600_000_000, soft_deadline=2.0, processor_time=3.0, queue_length=1_000)
"""Processor time is for those that never end: any other attack takes tenths of a second."""

CANARY = "w = 3\nprint(w * w)"


class Attack(NamedTuple):
    """A program that means harm: where the idea comes from, how its run may end, and with which message id."""

    idea: str
    source: str
    kinds: tuple[str, ...] = ("refused",)
    code: str = ""


def fire(executor: LocalExecutor, sources: Mapping[str, str], deadline: float | None = None) -> dict[str, Trace]:
    """Run them all, side by side, and give each one's trace."""
    flights = {name: executor.start(Job(source), deadline=deadline) for name, source in sources.items()}
    return {name: assemble(flight.frames(), source=sources[name]) for name, flight in flights.items()}


def printed(trace: Trace) -> str:
    """All that a run printed."""
    return "".join(step.printed for step in trace.steps)


def words(trace: Trace) -> str:
    """Every text in a trace, for looking for what must not be there."""
    return repr(trace)


def still_works(executor: LocalExecutor, source: str = CANARY) -> bool:
    """Whether a harmless program runs to its end now."""
    trace = assemble(executor.run(Job(source)), source=source)
    return trace.outcome is not None and trace.outcome.kind == "finished"


def road(limits: Limits = LIMITS) -> Iterator[LocalExecutor]:
    """The product itself: parser, interpreter, allowlist, recorder, sandbox. For a fixture: `yield from road()`."""
    made = LocalExecutor(limits)
    yield made
    made.close()


def ruled(attack: Attack, trace: Trace) -> None:
    """The run ended as it must, with words for the reader, nothing got out, and the trace holds."""
    outcome = check(trace).outcome
    assert outcome is not None
    assert "ESCAPED" not in printed(trace)
    assert SECRET not in repr(trace)
    assert outcome.kind in attack.kinds, (outcome.kind, outcome.code, outcome.type, outcome.message)
    if attack.code:
        assert outcome.code == attack.code
    if outcome.kind != "failed" and outcome.kind != "finished":
        assert render(outcome.code, outcome.params)
        assert render(outcome.code, outcome.params, "zh")
