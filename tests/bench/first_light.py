"""The road from text to Trace and page, as ratios: `python -m tests.bench.first_light`.

a  one regression step, run and recorded, against the same plain steps, torchlens and torchviz
b  the lesson's 500 epochs through the sandbox, recorded, against plain Python without its imports
c  a warm request for the chain rule's Trace, in the app process, against a bare fork that runs the same program
d  the first page painted by a fresh server, and the memory of the app process
"""

from __future__ import annotations

import gc
import itertools
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.executors.base import Job
from engine.executors.local import LocalExecutor
from engine.scenarios import load
from engine.trace import Trace, assemble, check, decode_frame
from tests.bench.timing import median, milliseconds, once, processor
from tests.run import NO_BROWSER, find_browser

ROOT = Path(__file__).resolve().parents[2]

STEP = """\
import torch
x = torch.linspace(0, 1, 20).reshape(-1, 1)
y = 2 * x + 1
linear = torch.nn.Linear(1, 1)
criterion = torch.nn.MSELoss()
for _ in range({steps}):
    loss = criterion(linear(x), y)
    loss.backward()
"""
STATEMENTS = 3  # of one step, the header of the loop among them
FIRST, LAST = 12, 60
"""Steps of one run are timed from one to the other: what comes once is over by then."""
LONG = 500
ROUNDS = 40  # in each, everything that is compared runs once


def one_step() -> Iterator[str]:
    """(a) In this process, where torch is imported for the purpose."""
    import torch
    import torchviz  # type: ignore[import-untyped]

    from engine.executors.worker import run_job

    torch.set_num_threads(1)

    def recorded() -> float:
        sent: list[tuple[float, bytes]] = []
        run_job(Job(source=STEP.format(steps=LAST)), lambda frame: sent.append((time.process_time(), frame)))
        times = [(seconds, decode_frame(frame).ticks) for seconds, frame in sent[:-1]]  # the last is the end of the run
        (began, first), (ended, last) = next(one for one in times if one[1] > STATEMENTS * FIRST), times[-1]
        return (ended - began) / (last - first) * STATEMENTS

    class Step(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(1, 1)
            self.criterion = torch.nn.MSELoss()

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            loss: torch.Tensor = self.criterion(self.linear(x), y)
            return loss

    model, x = Step(), torch.linspace(0, 1, 20).reshape(-1, 1)
    y = 2 * x + 1

    def steps(step: Callable[[], None]) -> float:
        for number in range(LAST):
            if number == FIRST:
                began = time.process_time()
            step()
        return (time.process_time() - began) / (LAST - FIRST)

    def viz(**shown: bool) -> None:
        loss = model(x, y)
        assert torchviz.make_dot(loss, params=dict(model.named_parameters()), **shown).source
        loss.backward()

    measured: dict[str, Callable[[], float]] = {
        "ours": recorded,
        "plain": lambda: steps(lambda: model(x, y).backward()),
        "torchviz, with what is saved": lambda: steps(lambda: viz(show_attrs=True, show_saved=True)),
        "torchviz, names and shapes only": lambda: steps(viz),
    }
    for run in measured.values():
        run()
    gc.collect()
    gc.freeze()  # as in the process that the children are forked from, which is warm
    taken: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(ROUNDS):
        for name, run in measured.items():
            taken[name].append(run())
    # The quickest tenth: what disturbs a round only ever adds to it.
    best = {name: sorted(times)[ROUNDS // 10] for name, times in taken.items()}
    ours, bare = best["ours"], best["plain"]
    events = sum(len(frame.events) for frame in _decoded(frames(2)))
    yield f"one step, run and recorded: {milliseconds(ours)}, plain {milliseconds(bare)}: {ours / bare:.1f} times"
    rivals = {name: best[name] for name in list(measured)[2:]}
    long = processor(lambda: frames(LONG), 7) / LONG
    kept = len({step.iterations[0] for frame in frames(LONG) for step in decode_frame(frame).steps if step.iterations})
    import torchlens  # only now: it puts functions of its own in the place of torch's, and all becomes slower

    options = torchlens.options.CaptureOptions(save_grads="all", backward_ready=True)

    def lens() -> None:
        trace = torchlens.trace(model, [x, y], capture=options)
        trace.log_backward(trace[trace.output_layers[0]].out)

    rivals["torchlens"] = processor(lens, 15)
    for name, seconds in rivals.items():
        yield f"  {name}: {milliseconds(seconds)}, {seconds / ours:.2f} times ours"
    yield f"  a step of {LONG} in one loop, of which {kept} are recorded: {milliseconds(long)}"
    yield f"  we hold {events // 2} events a step with every gradient in and out, and every value; torchviz holds none"


def frames(steps: int) -> list[bytes]:
    """What a run of so many steps sends."""
    from engine.executors.worker import run_job

    sent: list[bytes] = []
    run_job(Job(source=STEP.format(steps=steps)), sent.append)
    return sent


def _decoded(frames: list[bytes]) -> Iterator[Trace]:
    yield assemble(map(decode_frame, frames), source="")


def lesson(executor: LocalExecutor) -> Iterator[str]:
    """(b) Each time another seed, since equal jobs share one result."""
    program = load()["linear_regression"].program
    ours, bare = in_turns(executor, program, "loop", 5)
    times = f"{ours / bare:.2f} times (at most 3)"
    yield f"the lesson's 500 epochs: {milliseconds(ours)}, plain {milliseconds(bare)}: {times}"


def warm_request(executor: LocalExecutor) -> Iterator[str]:
    """(c) From the Job to a checked Trace."""
    program = load()["chain_rule"].program
    ours, bare = in_turns(executor, program, "fork", 21)
    yield f"a warm request: {milliseconds(ours)}, bare fork {milliseconds(bare)}: {ours / bare:.2f} times (at most 3)"
    again = Job(source=program)
    cached = median(lambda: list(executor.run(again)), 41)
    yield f"  the same request again: {milliseconds(cached)}"


TURNS = 5


def in_turns(executor: LocalExecutor, program: str, way: str, times: int) -> tuple[float, float]:
    """Seconds of our requests and of plain Python (see plain.py): each so many times, in turns, since the speed of a
    machine that others share drifts."""
    rounds = [(median(lambda: request(executor, program), times), plainly(way, program, times)) for _ in range(TURNS)]
    ours, bare = zip(*rounds, strict=True)
    return statistics.median(ours), statistics.median(bare)


_seeds = itertools.count(1)


def request(executor: LocalExecutor, program: str) -> Trace:
    """A run nobody has asked for before."""
    job = Job(source=program, seed=next(_seeds))
    trace = check(assemble(executor.run(job), source=program, seed=job.seed))
    assert trace.outcome is not None
    assert trace.outcome.kind == "finished", trace.outcome
    return trace


def plainly(way: str, program: str, times: int) -> float:
    """Seconds of plain Python (see plain.py)."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as file:
        file.write(program)
        file.flush()
        command = [sys.executable, "-m", "tests.bench.plain", way, file.name, str(times)]
        return float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def first_page() -> Iterator[str]:
    """(d) A fresh server, and a fresh browser that has never seen it."""
    from playwright.sync_api import sync_playwright

    browser = find_browser()
    if browser is None:
        yield NO_BROWSER
        return
    with served() as (address, process, seconds), sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page()
        shown = once(lambda: (page.goto(address), page.wait_for_selector("figure.motion img")))
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        page.goto(f"{address}/program")
        page.wait_for_timeout(3_000)
        memory, torch = megabytes(process), "libtorch" in Path(f"/proc/{process}/maps").read_text()
        chromium.close()
    yield f"a fresh server answers after {seconds:.2f} s; its first page is painted after {paint / 1e3:.2f} s, "
    yield f"  the picture moves after {shown:.2f} s; the app process holds {memory} MB (at most 150), torch: {torch}"


@contextmanager
def served() -> Iterator[tuple[str, int, float]]:
    """A fresh server: its address, its process and the seconds until it answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "streamlit_app:app", "--port", str(port), "--log-level", "warning"]
    start = time.perf_counter()
    server = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port) and time.perf_counter() - start < 60:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}", server.pid, time.perf_counter() - start
    finally:
        server.terminate()
        server.wait(10)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def megabytes(process: int) -> int:
    """Resident megabytes, files mapped included."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) // 1000


def main() -> None:
    """Print everything, the app process first: afterwards this one has imported torch."""
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for line in first_page():
        print(line, flush=True)
    executor = LocalExecutor()
    try:
        for measure in (warm_request, lesson):
            for line in measure(executor):
                print(line, flush=True)
    finally:
        executor.close()
    for line in one_step():
        print(line, flush=True)


if __name__ == "__main__":
    main()
