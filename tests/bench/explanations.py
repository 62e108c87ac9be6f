"""What explaining costs: `python -m tests.bench.explanations`.

a  all explanations of a trace, in the app process, against the run that made it (in this process, torch imported)
b  the answer to a question (Jacobian, kernels, paths), in milliseconds, through a warm sandbox: the best of three
   seeds, since other work on the machine can only add to it, and equal jobs are answered from the cache
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

SEEDS = 3
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
    """(b) The slowest answer, over the first and the last node, leaf and pass of each scenario: what is asked about the
    end of a long run takes that run. `record` are paths that need no other run."""
    slowest = 0.0
    with_executor = LocalExecutor()
    try:
        with_executor.warm()
        list(with_executor.run(Job("import torch\n"), visitor="bench"))  # the first child waits for torch
        for name, source in programs().items():
            trace = traced(source)
            asked: dict[str, Callable[[], object]] = {}
            nodes = [node.number for node in trace.nodes if node.leaf is None]
            leaves = [(node.number, node.leaf) for node in trace.nodes if node.leaf is not None]
            questions: dict[str, Question] = {}
            for when, place in (("first", 0), ("last", -1)):
                if nodes:
                    questions |= {f"{kind} {when}": Question(kind, nodes[place]) for kind in ("jacobian", "kernels")}
                if leaves and trace.passes:
                    number, leaf = leaves[place]
                    pass_ = trace.passes[place].number
                    questions[f"paths {when}"] = Question("paths", number, pass_)
                    asked[f"record {when}"] = lambda trace=trace, leaf=leaf, pass_=pass_: account(trace, pass_, leaf)  # type: ignore[misc]
            for kind, question in questions.items():
                jobs = iter([Job(source, seed, questions=(question,)) for seed in range(SEEDS)])
                asked[kind] = lambda jobs=jobs: list(with_executor.run(next(jobs), visitor="bench"))  # type: ignore[misc]
            for kind, ask in asked.items():
                took = 1e3 * min(once(ask) for _ in range(SEEDS))
                slowest = max(slowest, took)
                print(f"b  {name:28} {kind:14} {took:7.1f} ms")
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
