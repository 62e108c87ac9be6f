"""What feeds and steers a run: events for what is new, tokens that cannot be guessed, numbers that JSON can say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from starlette.applications import Starlette

from engine.executors.training import Training, TrainingExecutor
from engine.regression_state import Bowl, Chunk, Examination, Settings, Stability, State
from pages.components import live
from tests.pages.asgi import request

KNOWN = Examination(
    count=2, names=["x"], target="y", rows=[[0.0], [1.0]], y=[0.0, 1.0], start=[0.0, 0.0], start_loss=1.0,
    answer=[1.0, 0.0], answer_loss=0.0, r2=1.0, total=0.25, mean=[0.0], scale=[1.0],
    stability=Stability(1.0, 0.5, 2.0, "stability.sgd"), bowl=Bowl((0, 1), [0.0], [0.0], [1.0]), device="cpu",
)  # fmt: skip


@pytest.fixture
def training() -> Training:
    """A run of ten thousand epochs of which four thousand are recorded; no worker is needed to look at it."""
    settings = Settings(epochs=10_000)
    run = Training(TrainingExecutor(workers=1), settings, State(settings), KNOWN)
    count = 4_000
    loss, wide = np.geomspace(100.0, 1e-3, count), np.ones((count, 2))
    loss[-1] = np.inf
    run.history.add(Chunk(0, 1, loss.tobytes(), wide.tobytes(), wide.tobytes(), epochs=count, reached=count))
    return run


def test_a_browser_is_sent_what_it_lacks(training: Training) -> None:
    """The first rows, the rest thinned, then only what is new; the latest row always, null for what JSON cannot say."""
    first, sent = live.news(training, 0, fresh=True)
    assert [row[0] for row in first["rows"]] == [*range(live.EARLY), *range(live.EARLY, 4_000, 5)]
    assert first["now"][:2] == [3_999, None]
    assert first["fresh"]
    again, still = live.news(training, sent)
    assert (again["rows"], again["now"], still) == ([], None, 4_000)
    json.dumps(first, allow_nan=False)


def test_a_token_steers_its_run_and_no_other(training: Training) -> None:
    """Only by POST, only the five words, only with the token."""
    app = Starlette(routes=live.routes())
    token = live.RUNS.keep("somebody", "a run", training)
    assert live.RUNS.find("somebody", "a run") == token
    assert live.RUNS.find("somebody else", "a run") is None
    assert request(app, f"/live/{token}/stop", method="POST").status == 200
    assert training.status == "stopped"
    assert request(app, f"/live/{token}/reset", method="POST").status == 200
    assert training.history.count == 0
    assert request(app, f"/live/{token}/close", method="POST").status == 404
    assert request(app, f"/live/{token}/stop").status == 405
    assert request(app, "/live/guess/stop", method="POST").status == 404
    assert request(app, "/live/guess").status == 404


def test_a_row_is_exact(training: Training) -> None:
    """Any kept epoch with seven digits; one that was not reached is refused."""
    app = Starlette(routes=live.routes())
    token = live.RUNS.keep("somebody", "another", training)
    answer = request(app, f"/live/{token}/row/0")
    assert json.loads(answer.body) == [0, 100.0, 1.0, 1.0, 1.0, 1.0]
    assert request(app, f"/live/{token}/row/9000").status == 409
