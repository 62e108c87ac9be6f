"""What explaining costs: `python -m tests.bench.explanations`.

a  all explanations of a trace, in the app process, against the run that made it (in this process, torch imported)
b  the answer to a question (Jacobian, kernels, paths), in milliseconds, through a warm sandbox
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from engine.clock import clock
from engine.executors.base import Job, Question
from engine.executors.local import LocalExecutor
from engine.explanations import explain
from engine.mistakes import explain_failure
from engine.paths import account
from engine.reasons import quiet_notes
from engine.scenarios import load
from engine.trace import Trace, assemble, check
from tests.bench.timing import milliseconds, once, processor

MOST_RATIO, MOST_MILLISECONDS = 1.0, 300.0


def programs() -> dict[str, str]:
    """Every scenario of the Program page."""
    return {name: one.program for name, one in load().items() if one.page == "program" and one.program}


def everything(trace: Trace) -> None:
    """All that is said of a trace without being asked."""
    explain(trace, clock(trace))
    quiet_notes(trace)
    explain_failure(trace)


def costs() -> float:
    """(a) The largest ratio of explaining to running."""
    from engine.executors.worker import run_job

    worst = 0.0
    for name, source in programs().items():
        frames: list[bytes] = []
        running = processor(lambda source=source, frames=frames: run_job(Job(source), frames.append), 3)  # type: ignore[misc]
        trace = traced(source)
        explaining = processor(lambda trace=trace: everything(trace), 3)  # type: ignore[misc]
        worst = max(worst, explaining / running)
        ratio = explaining / running
        print(f"a  {name:28} run {milliseconds(running)}, explained {milliseconds(explaining)}: {ratio:.2f}")
    return worst


def traced(source: str) -> Trace:
    """The trace of a program, made in this process."""
    from engine.executors.inline import InlineExecutor

    return check(assemble(InlineExecutor().run(Job(source)), source=source))


def answers() -> float:
    """(b) The slowest answer, over one node and one leaf of each scenario."""
    slowest = 0.0
    with_executor = LocalExecutor()
    try:
        with_executor.warm()
        for name, source in programs().items():
            trace = traced(source)
            asked: dict[str, Callable[[], object]] = {}
            node = next((node for node in trace.nodes if node.leaf is None), None)
            leaf = next((node.leaf for node in trace.nodes if node.leaf is not None), None)
            if node is not None:
                for kind in ("jacobian", "kernels"):
                    job = Job(source, questions=(Question(kind, node.number),))
                    asked[kind] = lambda job=job: list(with_executor.run(job, visitor="bench"))  # type: ignore[misc]
            if leaf is not None and trace.passes:
                asked["paths"] = lambda trace=trace, leaf=leaf: account(trace, trace.passes[0].number, leaf)  # type: ignore[misc]
            for kind, ask in asked.items():
                took = 1e3 * once(ask)  # equal jobs are answered from the cache, so each is asked once
                slowest = max(slowest, took)
                print(f"b  {name:28} {kind:9} {took:7.1f} ms")
    finally:
        with_executor.close()
    return slowest


def main() -> int:
    """Prints the numbers; 1 where one is beyond its bound."""
    ratio, slowest = costs(), answers()
    print(f"largest ratio {ratio:.2f} of {MOST_RATIO}; slowest answer {slowest:.0f} ms of {MOST_MILLISECONDS:.0f} ms")
    return int(ratio > MOST_RATIO or slowest > MOST_MILLISECONDS)


if __name__ == "__main__":
    sys.exit(main())
