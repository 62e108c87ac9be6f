"""What the executor promises whoever runs something: an outcome always, one run each, shared results, no harm done."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import Busy, ExecutorFailed, Replaced
from engine.executors import sandbox
from engine.executors.base import Job
from engine.executors.children import End, Entry
from engine.executors.forked import Forked
from engine.executors.local import LocalExecutor, ending
from engine.limits import Limits
from engine.messages import render
from engine.trace import Outcome, Trace, assemble
from tests.attacks.firing import printed
from tests.executors.bypass import PLAIN

LIMITS = Limits(memory=300_000_000, deadline=5.0, soft_deadline=4.0, queue_length=150)
forked = pytest.mark.skipif(not sandbox.can_fork(), reason="this system cannot fork")


@pytest.fixture(scope="module", params=["fork", "spawn"])
def executor(request: pytest.FixtureRequest) -> Iterator[LocalExecutor]:
    """Both places where children come from."""
    if request.param == "fork" and not sandbox.can_fork():
        pytest.skip("this system cannot fork")
    made = LocalExecutor(LIMITS, 2, entry=PLAIN, mode=request.param)
    yield made
    made.close()


@pytest.fixture
def fresh() -> Iterator[LocalExecutor]:
    """One whose processes a test may kill, with one place."""
    made = LocalExecutor(LIMITS, 1, entry=PLAIN, mode="fork" if sandbox.can_fork() else "spawn")
    yield made
    made.close()


def run(executor: LocalExecutor, source: str, visitor: str = "", deadline: float | None = None) -> Trace:
    """The trace of one program."""
    return assemble(executor.run(Job(source), visitor=visitor, deadline=deadline), source=source)


def ended(trace: Trace) -> Outcome:
    """Its outcome, which is always there."""
    assert trace.outcome is not None
    return trace.outcome


def zygote_of(executor: LocalExecutor) -> int:
    """The process that this executor's children are forked from."""
    assert ended(run(executor, f"report({time.monotonic()})")).kind == "finished"
    assert isinstance(executor._source, Forked)
    (pid, *_) = executor._source.zygotes()
    return pid


# What a run gives


def test_frames_come_in_order_and_the_last_has_the_outcome(executor: LocalExecutor) -> None:
    frames = list(executor.run(Job("for i in range(20): report(i)")))
    assert [frame.ticks for frame in frames] == [*range(1, 21), 20]
    assert [frame.outcome is not None for frame in frames] == [False] * 20 + [True]


def test_what_a_program_raises_is_its_own(executor: LocalExecutor) -> None:
    assert ended(run(executor, "{}['x']")) == Outcome("failed", type="KeyError", message="'x'")


def test_frames_come_while_the_program_runs(executor: LocalExecutor) -> None:
    frames = executor.run(Job("report('first')\nwhile True: pass"), deadline=1.0)
    began = time.monotonic()
    assert next(frames).ticks == 1
    assert time.monotonic() - began < 0.9 or sys.platform != "linux"
    frames.close()  # type: ignore[attr-defined]


def test_an_endless_run_is_stopped_and_keeps_what_it_sent(executor: LocalExecutor) -> None:
    trace = run(executor, "report('before')\nwhile True: pass", deadline=0.3)
    assert ended(trace) == Outcome("stopped", "limit.time", {"seconds": 0.3}, tick=1)
    assert printed(trace) == "before"


def test_a_crash_is_lost_and_keeps_what_was_sent(executor: LocalExecutor) -> None:
    trace = run(executor, "report('before')\nctypes.string_at(0)")
    assert ended(trace) == Outcome("lost", "lost.crash", {"signal": "SIGSEGV"}, tick=1)
    assert printed(trace) == "before"


def test_nothing_passes_from_one_run_to_the_next(executor: LocalExecutor) -> None:
    run(executor, "sys.MARK = os.MARK = 1\nimport builtins\nbuiltins.len = None")
    trace = run(executor, "report(hasattr(sys, 'MARK'), hasattr(os, 'MARK'), len([1]))")
    assert printed(trace) == "False False 1"


def test_a_source_beyond_its_limit_is_cut_where_the_child_sees_it(executor: LocalExecutor) -> None:
    trace = run(executor, "#" * (LIMITS.source_length + 50_000))
    assert ended(trace).kind == "finished"


@pytest.mark.parametrize(
    ("end", "kind", "code"),
    [
        (End(-signal.SIGSEGV), "lost", "lost.crash"),
        (End(-signal.SIGABRT), "lost", "lost.crash"),
        (End(-signal.SIGFPE), "lost", "lost.division"),
        (End(-signal.SIGKILL, 0.1), "lost", "lost.killed"),
        (End(-9, 9.0), "stopped", "limit.time"),
        (End(-14), "stopped", "limit.time"),
        (End(-24), "stopped", "limit.time"),
        (End(127), "stopped", "limit.memory"),
        (End(0), "lost", "lost.protocol"),
        (End(70), "lost", "lost.protocol"),
        (End(None), "lost", "lost.killed"),
        (End(-1000), "lost", "lost.protocol"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_every_end_has_a_sentence(end: End, kind: str, code: str) -> None:
    outcome = ending(end, Limits())
    assert (outcome.kind, outcome.code) == (kind, code)
    assert render(outcome.code, outcome.params) != render(outcome.code, outcome.params, "zh")


# Visitors, the queue, sharing


def test_a_newer_run_of_a_visitor_replaces_the_older(executor: LocalExecutor) -> None:
    older = executor.run(Job("report(1)\nwhile True: pass"), visitor="a")
    assert next(older).ticks == 1
    assert ended(run(executor, "report('newer')", "a")).kind == "finished"
    with pytest.raises(Replaced):
        next(older)


def test_a_newer_run_replaces_one_that_waits(fresh: LocalExecutor) -> None:
    first = fresh.start(Job("report(1)\nwhile True: pass"), visitor="first")
    assert first.wait(10)
    waiting = fresh.start(Job("report('old')"), visitor="a")
    assert (waiting.place(), fresh.place("a")) == (1, 1)
    newer = fresh.start(Job("report('new')"), visitor="a")
    with pytest.raises(Replaced):
        next(waiting.frames())
    del first
    assert printed(assemble(newer.frames(), source="")) == "new"
    assert fresh.place("a") is None


def test_nobody_in_particular_is_never_replaced(executor: LocalExecutor) -> None:
    flights = [executor.start(Job(f"report({n}, 'anonymous')")) for n in range(4)]
    assert [printed(assemble(flight.frames(), source="")) for flight in flights] == [f"{n} anonymous" for n in range(4)]


def test_a_visitor_who_leaves_frees_the_place(fresh: LocalExecutor) -> None:
    flight = fresh.start(Job("report(1)\nwhile True: pass"), visitor="a")
    assert flight.wait(10)
    began = time.monotonic()
    del flight
    gc.collect()
    assert ended(run(fresh, "report(2)")).kind == "finished"
    assert time.monotonic() - began < 2.0


def test_closing_the_frames_ends_the_run(fresh: LocalExecutor) -> None:
    frames = fresh.run(Job("report(1)\nwhile True: pass"))
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    began = time.monotonic()
    assert ended(run(fresh, "report(3)")).kind == "finished"
    assert time.monotonic() - began < 2.0


def test_equal_jobs_share_one_run(executor: LocalExecutor) -> None:
    source = "report(random.SystemRandom().random())\ntime.sleep(0.2)"
    with ThreadPoolExecutor(20) as pool:
        traces = list(pool.map(lambda n: run(executor, source, f"visitor {n}"), range(20)))
    assert len({printed(trace) for trace in traces}) == 1
    assert printed(run(executor, source)) == printed(traces[0])


def test_a_shared_run_goes_on_when_who_began_it_leaves(executor: LocalExecutor) -> None:
    job = Job("report('begun')\ntime.sleep(0.3)\nreport('done')")
    began = executor.start(job, visitor="a")
    other = executor.start(job, visitor="b")
    assert began.wait(10)
    executor.start(Job("report('else')"), visitor="a")
    assert printed(assemble(other.frames(), source="")) == "begundone"


def test_what_time_ended_is_run_again(executor: LocalExecutor) -> None:
    source = "report(random.SystemRandom().random())\nwhile True: pass"
    assert printed(run(executor, source, deadline=0.2)) != printed(run(executor, source, deadline=0.2))


def test_jobs_that_differ_in_anything_are_run_apart(executor: LocalExecutor) -> None:
    source = "report(random.SystemRandom().random(), 'apart')"
    jobs = [Job(source), Job(source, seed=1), Job(source, window=(5, 9)), Job(source + " ")]
    texts = {printed(assemble(executor.run(job), source=source)) for job in jobs}
    assert len(texts) == len(jobs)


def test_a_full_queue_says_so_at_once() -> None:
    made = LocalExecutor(Limits(queue_length=1), 1, entry=PLAIN)
    try:
        held = [made.start(Job(f"report({n})\nwhile True: pass"), visitor=str(n)) for n in range(2)]
        with pytest.raises(Busy):
            made.run(Job("report('third')"))
        del held
    finally:
        made.close()


@forked
def test_a_hundred_at_once_all_arrive(executor: LocalExecutor) -> None:
    if isinstance(executor._source, Forked):
        with ThreadPoolExecutor(100) as pool:
            traces = list(pool.map(lambda n: run(executor, f"report('of', {n})", f"visitor {n}"), range(100)))
        assert [printed(trace) for trace in traces] == [f"of {n}" for n in range(100)]


@forked
def test_a_long_run_at_idle_priority_lets_others_in() -> None:
    made = LocalExecutor(Limits(idle_priority_after=0.1, deadline=1.0), 1, entry=PLAIN)
    try:
        long = made.start(Job("report('long')\nwhile True: pass"), visitor="long")
        assert long.wait(10)
        assert ended(run(made, "report('short')", "short")).kind == "finished"
        assert ended(assemble(long.frames(), source="")).code == "limit.time"
    finally:
        made.close()


# Processes that die


@forked
def test_a_child_killed_in_mid_run_is_lost_and_others_do_not_notice() -> None:
    made = LocalExecutor(LIMITS, 2, entry=PLAIN)
    try:
        victim = made.start(Job("report('before')\nwhile True: pass"))
        other = made.start(Job("time.sleep(0.3)\nreport('well')"))
        assert victim.wait(10)
        for pid in _children(zygote_of(made)):
            if _busy(pid):
                os.kill(pid, signal.SIGKILL)
        trace = assemble(victim.frames(), source="")
        assert ended(trace).code == "lost.killed"
        assert printed(trace) == "before"
        assert printed(assemble(other.frames(), source="")) == "well"
        assert ended(run(made, "report('next')")).kind == "finished"
    finally:
        made.close()


@forked
def test_a_killed_zygote_harms_no_run_and_the_next_one_starts_at_once() -> None:
    made = LocalExecutor(LIMITS, 2, entry=PLAIN)
    try:
        flight = made.start(Job("report('before')\ntime.sleep(0.5)\nreport('after')"))
        assert flight.wait(10)
        os.kill(zygote_of(made), signal.SIGKILL)
        began = time.monotonic()
        assert ended(run(made, "report('next')")).kind == "finished"
        assert time.monotonic() - began < 1.0
        trace = assemble(flight.frames(), source="")
        assert printed(trace) == "beforeafter"
        assert ended(trace).kind == "finished"
    finally:
        made.close()


@forked
def test_zygotes_killed_one_after_the_other_are_replaced(fresh: LocalExecutor) -> None:
    assert isinstance(fresh._source, Forked)
    for number in range(3):
        assert ended(run(fresh, f"report({number}, 'again')")).kind == "finished"
        for pid in fresh._source.zygotes():
            os.kill(pid, signal.SIGKILL)
    assert ended(run(fresh, "report('at last')")).kind == "finished"


@forked
def test_a_zygote_is_renewed_after_its_runs_and_nobody_waits() -> None:
    made = LocalExecutor(Limits(runs_per_zygote=5), 1, entry=PLAIN)
    try:
        first = zygote_of(made)
        for number in range(40):
            assert ended(run(made, f"report({number})\ntime.sleep(0.02)")).kind == "finished"
        assert zygote_of(made) != first
    finally:
        made.close()


def test_processes_that_cannot_start_are_said_so() -> None:
    made = LocalExecutor(entry=Entry(run="tests.executors.bypass:nothing_of_this_name", warm="", rehearse=""))
    try:
        with pytest.raises(ExecutorFailed):
            list(made.run(Job("report(1)")))
    finally:
        made.close()


def test_a_closed_executor_says_so() -> None:
    made = LocalExecutor(entry=PLAIN)
    made.close()
    with pytest.raises(ExecutorFailed):
        list(made.run(Job("report(1)")))


@forked
def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """An app that is killed without a word takes its zygote and its waiting children with it."""
    source = (
        "import sys, time\nfrom engine.executors.local import LocalExecutor\nfrom engine.executors.base import Job\n"
        "from tests.executors.bypass import PLAIN\n"
        "e = LocalExecutor(entry=PLAIN, workers=3)\nlist(e.run(Job('report(1)')))\ntime.sleep(0.3)\n"
        "print('up', flush=True)\ntime.sleep(60)"
    )
    environment = {**sandbox.bare_environment(), "MARK": "x"}
    app = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, env=environment, cwd=tmp_path)
    assert app.stdout is not None
    assert app.stdout.readline() == b"up\n"
    family = _descendants(app.pid)
    assert len(family) >= 5
    app.kill()
    app.wait()
    until = time.monotonic() + 5
    while any(_alive(pid) for pid in family) and time.monotonic() < until:
        time.sleep(0.05)
    assert [pid for pid in family if _alive(pid)] == []


@forked
def test_the_zygote_knows_nothing_of_the_apps_environment(
    fresh: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGRAD_TEST_SECRET", "do-not-pass-on")
    zygote = zygote_of(fresh)
    assert b"do-not-pass-on" not in Path(f"/proc/{zygote}/environ").read_bytes()
    assert Path(f"/proc/{zygote}/cwd").resolve() != Path.cwd()


# Where it is called from


def test_it_can_be_warmed_and_closed_from_an_event_loop() -> None:
    async def life() -> Trace:
        made = LocalExecutor(entry=PLAIN)
        made.warm()
        try:
            return await asyncio.to_thread(run, made, "report('awaited')")
        finally:
            await asyncio.to_thread(made.close)

    assert printed(asyncio.run(life())) == "awaited"


def test_importing_it_imports_no_torch() -> None:
    source = "import sys, engine.executors.local\nprint('torch' in sys.modules, 'streamlit' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, env=sandbox.bare_environment()
    )
    assert answer.stdout == "False False\n"


def test_threads_do_not_pile_up(executor: LocalExecutor) -> None:
    for number in range(5):
        run(executor, f"report('pile', {number})")
    time.sleep(0.1)
    before = threading.active_count()
    for number in range(20, 26):
        run(executor, f"report('pile', {number})")
    time.sleep(0.1)
    assert threading.active_count() <= before + 3


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def _descendants(pid: int) -> list[int]:
    family: list[int] = []
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    for child in [int(word) for task in tasks for word in task.read_text().split()]:
        family += [child, *_descendants(child)]
    return family


def _busy(pid: int) -> bool:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0] == "R"


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
