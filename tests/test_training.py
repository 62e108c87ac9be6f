"""Runs in slices on real workers: steered at once, fair, alive after a worker's death; strangers' files fenced off."""

from __future__ import annotations

import io
import itertools
import json
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import InvalidState
from engine.executors import reading, slices, training_worker
from engine.executors.training import CROWDED_SLICE, FRESH, Training, TrainingExecutor
from engine.executors.training_process import NICENESS
from engine.regression_state import Points, Settings
from engine.train_command import train_command
from tests.plain_regression import agree, joined, plain

LONG = Settings(epochs=1_000_000, lr=1e-5)
Take = Callable[[slices.Advanced, int], None]


@pytest.fixture(scope="module")
def executor() -> Iterator[TrainingExecutor]:
    """One executor with two workers for all tests here."""
    running = TrainingExecutor(workers=2)
    yield running
    running.close()


def _until(training: Training, *statuses: str, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while training.status not in statuses:
        assert time.monotonic() < until, training.status
        time.sleep(0.005)


def test_a_run_has_the_plain_scripts_numbers(executor: TrainingExecutor) -> None:
    """Through processes and bytes: every epoch, and one row more for where it ended."""
    run = executor.prepare(Settings())
    run.resume()
    _until(run, "finished")
    rows = run.history.table()
    assert rows[:, 0].tolist() == list(range(501))
    theirs = plain(Settings())
    agree(type(theirs)(rows[:-1, 1], rows[:-1, 2:4], rows[:-1, 4:6]), theirs)
    assert run.rate > 0
    assert joined([], 2).loss.size == 0


def test_steering(executor: TrainingExecutor) -> None:
    """Pause, one step, go on, stop, reset: each holds, and no epoch is lost or doubled."""
    run = executor.prepare(LONG)
    run.step()
    _until(run, "paused")
    assert run.epoch == 1
    run.step(3)
    _until(run, "paused")
    assert run.epoch == 4
    run.resume()
    while run.epoch < 1_000:
        time.sleep(0.005)
    run.pause()
    time.sleep(0.5)
    held = run.epoch
    time.sleep(0.2)
    assert (run.status, run.epoch) == ("paused", held)
    assert np.diff(run.history.table()[:, 0]).tolist() == [1.0] * 100 + [50.0] * (run.history.count - 101)
    run.resume()
    run.stop()
    assert run.status == "stopped"
    run.reset()
    assert (run.status, run.epoch, run.history.count) == ("ready", 0, 0)


def test_any_epoch_can_be_asked_for(executor: TrainingExecutor) -> None:
    """Also those that were not kept, and the one that comes next; those ahead are refused."""
    run = executor.prepare(LONG)
    run.step(1_234)
    _until(run, "paused")
    assert run.history.find(777) is None
    assert run.row(777).epoch == 777
    assert run.row(1_234).epoch == 1_234
    assert run.row(776).loss > run.row(777).loss > run.row(1_234).loss
    with pytest.raises(InvalidState, match=r"regression\.epoch"):
        run.row(5_000)


def _counted(runs: list[Training]) -> list[int]:
    """Positions of runs, one for each slice that came back, as they come."""
    taken: list[int] = []
    for index, run in enumerate(runs):
        take = run.take

        def noted(reply: slices.Advanced, generation: int, index: int = index, take: Take = take) -> None:
            taken.append(index)
            take(reply, generation)

        run.take = noted  # type: ignore[method-assign]
    return taken


def test_ten_long_runs_leave_room_for_an_eleventh(executor: TrainingExecutor) -> None:
    """The newest goes first: while it trains, the others get what the second worker has to spare."""
    runs = [executor.prepare(LONG) for _ in range(10)] + [executor.prepare(Settings(seed=5))]
    *crowd, small = runs
    taken = _counted(runs)
    for run in crowd:
        run.resume()
    while min(run.seconds for run in crowd) == 0:
        time.sleep(0.01)
    for run in crowd:
        run.seconds += FRESH  # as if they had trained for a while
    before = len(taken)
    small.resume()
    _until(small, "finished")
    during = taken[before:]
    for run in crowd:
        run.stop()
    own = during.count(10)
    assert own >= 1
    assert len(during) - own <= 4 * own + 4  # in turns it would be ten for one


@pytest.mark.skipif(sys.platform == "win32", reason="niceness is a thing of Unix")
def test_workers_step_back_behind_programs(executor: TrainingExecutor) -> None:
    """By niceness, and by that of their session where Linux shares cores between sessions first."""
    executor.devices()
    pids = [worker.process.pid for worker in executor.workers if worker.process is not None]
    assert pids
    for pid in pids:
        here = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, here + NICENESS)
        group = Path(f"/proc/{pid}/autogroup")
        if group.exists() and group.read_text("ascii").strip() and os.getsid(pid) == pid:
            assert group.read_text("ascii").split()[-1] == str(NICENESS)


def test_long_runs_come_in_turns(executor: TrainingExecutor) -> None:
    """A slice is short, and every run gets one before any gets a third: a worker is never held for long."""
    crowd = [executor.prepare(LONG) for _ in range(4)]
    taken = _counted(crowd)
    for run in crowd:
        run.resume()
    while len(taken) < 40:
        time.sleep(0.01)
    asked = crowd[0].slice(crowded=True)
    for run in crowd:
        run.stop()
    assert asked is not None
    assert asked[0].budget.seconds == CROWDED_SLICE
    first = taken[:40]
    assert set(first) == {0, 1, 2, 3}
    for index in range(4):
        places = [place for place, one in enumerate(first) if one == index]
        assert max(np.diff(places)) <= 8  # two workers, four runs


def test_a_dead_worker_costs_a_slice() -> None:
    """The run goes on in the next worker from the state it had."""
    own = TrainingExecutor(workers=1)
    try:
        run = own.prepare(Settings(epochs=1_000_000, lr=1e-5))
        run.resume()
        while run.epoch < 500:
            time.sleep(0.005)
        worker = own.workers[0]
        assert worker.process is not None
        worker.process.kill()
        reached = run.epoch
        until = time.monotonic() + 60
        while run.epoch < reached + 20_000 and time.monotonic() < until:
            time.sleep(0.02)
        assert run.status == "running"
        assert np.diff(run.history.table()[:, 0]).tolist() == [1.0] * 100 + [50.0] * (run.history.count - 101)
    finally:
        own.close()


def test_a_table_follows_its_run(executor: TrainingExecutor) -> None:
    """A worker that never saw it is sent it."""
    table = Points(["x"], "y", np.arange(5.0).tobytes(), (3 * np.arange(5.0) - 2).tobytes())
    run = executor.prepare(Settings(data="table", table=table.digest), table)
    assert run.examination.answer == pytest.approx([3.0, -2.0])
    with pytest.raises(InvalidState, match=r"regression\.table\.missing"):
        executor.prepare(Settings(data="table", table="0" * 24))


def _saved(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


class _Hostile:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("pwned", "w")


def test_model_files() -> None:
    """What we save is what torch loads, and what we load; mistakes and hostile pickles get their sentence."""
    content = training_worker.state_dict([1.5, -0.5], torch.float32)
    model = torch.nn.Linear(1, 1)
    loaded = torch.load(io.BytesIO(content), weights_only=True)
    model.load_state_dict({name.removeprefix("linear."): value for name, value in loaded.items()})
    assert model.weight.item() == 1.5
    assert reading.read_model(content, 1) == [1.5, -0.5]
    with pytest.raises(InvalidState, match=r"model\.hostile"):
        reading.read_model(_saved(_Hostile()), 1)
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"garbage", "model.unreadable"),
        (pickle.dumps(_Hostile()), "model.unreadable"),
        (pickle.dumps(_Hostile(), protocol=2), "model.hostile"),
        (_saved([1, 2]), "model.type"),
        (_saved({"a": 1}), "model.keys"),
        (_saved(torch.nn.Linear(2, 1).state_dict()), "model.shape"),
        (_saved({"weight": 1, "bias": 2}), "model.dtype"),
        (_saved({"weight": torch.ones(1, 1, dtype=torch.int64), "bias": torch.ones(1)}), "model.dtype"),
        (_saved({"weight": torch.full((1, 1), float("nan")), "bias": torch.ones(1)}), "model.nonfinite"),
        (_saved(torch.nn.Linear(1, 1)), "model.hostile"),
    ],
    ids=itertools.count(),  # not the bytes, which differ from process to process
)
def test_model_mistakes(content: bytes, code: str) -> None:
    """The reader's own half, as it runs behind the fence."""
    from engine.executors.reading_worker import _answer

    answer = _answer(reading.Model(content, 1))
    assert isinstance(answer, reading.Unreadable)
    assert answer.code == code


def test_a_csv_is_read_behind_the_fence() -> None:
    """Numbers come back; a refusal comes back as itself."""
    sheet = reading.read_csv("面积,价格\n1,2\n3,4\n".encode("gb18030"))
    assert (sheet.names, sheet.rows) == (["面积", "价格"], 2)
    with pytest.raises(InvalidState, match=r"csv\.workbook"):
        reading.read_csv(b"PK\x03\x04")


def test_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """JSON in one line, files as asked, an exit status that tells."""
    status = train_command(["--json", "--epochs", "50", "--history", str(tmp_path / "h.csv")])
    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert told["outcome"] == {"kind": "finished", "epoch": 50, "diverged": None}
    last = plain(Settings(epochs=51)).parameters[-1]
    assert [told["parameters"]["w"], told["parameters"]["b"]] == pytest.approx(last.tolist(), rel=1e-5)
    assert len((tmp_path / "h.csv").read_text().splitlines()) == 52


def test_the_command_line_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is started."""
    assert train_command(["--lr", "50"]) == 2
    assert "between" in capsys.readouterr().err
