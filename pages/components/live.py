"""A training run on a page: the component that shows it while it runs, and the routes that feed and steer it.

    GET  /live/TOKEN                 server-sent events: new rows about ten times a second
    GET  /live/TOKEN/row/EPOCH       any epoch, exactly
    POST /live/TOKEN/ACTION          resume, pause, step, stop, reset: at once, without a rerun of the page

A token names a run and cannot be guessed; who has it may steer that run. Training does not wait for drawing: the stream
looks at what is there and sends it.
"""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import numpy as np
import streamlit as st
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from engine.errors import Busy, EngineError
from engine.executors.training import Training
from engine.figures import PALETTES
from engine.messages import Language, area
from pages.components import assets

BEAT = 0.1
"""Seconds between two looks at a run."""
DRAWN = 2_000
"""Rows of a run that a browser holds; any other is asked for by its epoch."""
EARLY = 200
"""Recorded rows at the start of a run that a browser holds in any case: there most happens."""
RUNS_SIZE = 300_000_000
"""Bytes of histories kept for pages; those not looked at for longest go first."""
_ACTIONS = ("resume", "pause", "step", "stop", "reset")
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Runs:
    """The runs that pages show, by token, and by visitor and settings, so that a reload finds its run again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Training] = OrderedDict()
        self._tokens: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def get(self, token: str) -> Training | None:
        """The run of that token."""
        return self._kept.get(token)

    def find(self, visitor: str, name: str) -> str | None:
        """The token of that visitor's run of those settings, where it is still kept."""
        token = self._tokens.get((visitor, name))
        return token if token in self._kept else None

    def keep(self, visitor: str, name: str, training: Training) -> str:
        """Keep a run; its token."""
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._kept[token] = training
            self._tokens[visitor, name] = token
            self._make_room()
        return token

    def _make_room(self) -> None:
        while len(self._kept) > 1 and sum(one.history.size + 100_000 for one in self._kept.values()) > RUNS_SIZE:
            oldest = min(self._kept, key=lambda token: self._kept[token].seen)
            self._kept.pop(oldest).stop()
            self._tokens = {key: token for key, token in self._tokens.items() if token != oldest}


RUNS = Runs()


def routes() -> list[Route]:
    """What feeds and steers runs."""
    return [
        Route("/live/{token}", _stream, methods=["GET"]),
        Route("/live/{token}/row/{epoch:int}", _row, methods=["GET"]),
        Route("/live/{token}/{action}", _act, methods=["POST"]),
    ]


async def _stream(request: Request) -> Response:
    training = RUNS.get(request.path_params["token"])
    if training is None:
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    return StreamingResponse(events(training), media_type="text/event-stream", headers=_HEADERS)


async def events(training: Training) -> AsyncIterator[bytes]:
    """What is new, ten times a second while anything is; a beat of silence every 15 s keeps proxies from hanging up."""
    generation, sent, last, quiet = -1, 0, None, 0.0
    while True:
        training.look()
        if training.generation != generation:
            generation, sent, last = training.generation, 0, None
        state = (training.status, training.state.epoch, training.history.count, training.problem)
        if state != last:
            message, sent = news(training, sent, fresh=last is None)
            yield b"data: " + json.dumps(message, allow_nan=False, separators=(",", ":")).encode() + b"\n\n"
            last, quiet = state, time.monotonic()
        elif time.monotonic() - quiet > 15:
            yield b": still here\n\n"
            quiet = time.monotonic()
        await asyncio.sleep(BEAT)


def news(training: Training, sent: int, *, fresh: bool = False) -> tuple[dict[str, Any], int]:
    """What a browser that holds the first `sent` recorded rows needs, and how many it holds then.

    Rows are [epoch, loss, parameters..., gradients...], thinned to DRAWN over the whole run but for the first; `now` is
    the latest.
    """
    history, status, epochs = training.history, training.status, training.settings.epochs
    table = history.table(sent)
    stride = max(1, math.ceil(epochs / DRAWN))
    chosen = table[(table[:, 0] % stride == 0) | (np.arange(sent, sent + len(table)) < EARLY)]
    rate = training.rate
    message: dict[str, Any] = {
        "status": status,
        "epoch": training.state.epoch,
        "rate": _round(rate),
        "left": _round((epochs - training.state.epoch) / rate) if rate else None,
        "rows": [[_round(value) for value in row] for row in chosen.tolist()],
        "now": [_round(value) for value in table[-1].tolist()] if len(table) else None,
        "problem": training.problem[0] if training.problem else None,
    }
    if fresh:
        message["fresh"] = True
    return message, sent + len(table)


def _round(value: float) -> float | None:
    """Seven digits, as float32 has; None for what JSON cannot say."""
    return float(f"{value:.7g}") if math.isfinite(value) else None


async def _row(request: Request) -> Response:
    training = RUNS.get(request.path_params["token"])
    if training is None:
        return Response(status_code=404)
    try:
        row = await to_thread.run_sync(training.row, request.path_params["epoch"])
    except EngineError as error:
        return JSONResponse({"code": error.code}, status_code=409)
    numbers = [row.epoch, row.loss, *row.parameters, *row.gradients]
    return JSONResponse([_round(value) for value in numbers], headers={"Cache-Control": "no-store"})


async def _act(request: Request) -> Response:
    training, action = RUNS.get(request.path_params["token"]), request.path_params["action"]
    if training is None or action not in _ACTIONS:
        return Response(status_code=404)
    try:
        getattr(training, action)()
    except Busy as error:
        return JSONResponse({"code": error.code}, status_code=429)
    return JSONResponse({"status": training.status})


_component = st.components.v2.component(
    "live",
    html='<div class="live" role="region"></div>',
    css=assets.css("live"),
    js=assets.loader("live"),
    isolate_styles=False,
)


def live(
    token: str,
    *,
    key: str,
    language: Language,
    kept: list[dict[str, Any]],
    names: list[str],
    read_only: bool = False,
    drawable: int = 0,
) -> Any:
    """Show the run of that token; `kept` are runs to lay under it (label, rows); up to `drawable` points may
    be edited with a pen.

    The result's `chosen` is [first, second] where the reader clicked the bowl, `opened` the epoch to be opened as a
    program, `ended` the token once the run has ended, `drawn` the points ([x, y], in the units of the
    data) as the reader's pen left them.
    """
    training = RUNS.get(token)
    assert training is not None
    texts = {name.removeprefix("live."): text for name, text in area("live.", language).items()}
    if training.settings.loss != "mse":  # another loss may go below that of least squares
        texts["answer"] = texts["squares"]
    given = {
        "token": token,
        "texts": texts,
        "palettes": msgspec.to_builtins(PALETTES),
        "names": names,
        "epochs": training.settings.epochs,
        "loss": training.settings.loss,
        "batch": training.settings.batch,
        "known": _known(training),
        "device": training.device,
        "kept": kept,
        "drawable": 0 if read_only or len(names) != 2 or training.examination.count > drawable else drawable,
        "readOnly": read_only,
    }
    return _component(
        key=key,
        data=json.dumps(given, allow_nan=False).encode(),
        on_chosen_change=_nothing,
        on_opened_change=_nothing,
        on_ended_change=_nothing,
        on_drawn_change=_nothing,
    )


def _known(training: Training) -> dict[str, Any]:
    """The examination, in as few digits as drawing needs."""
    one = training.examination
    bowl = one.bowl
    return {
        "count": one.count,
        "features": one.names,
        "target": one.target,
        "rows": [[_round(value) for value in row] for row in one.rows],
        "mean": one.mean,
        "scale": one.scale,
        "y": [_round(value) for value in one.y],
        "start": one.start,
        "startLoss": _round(one.start_loss),
        "answer": one.answer,
        "answerLoss": _round(one.answer_loss),
        "axes": list(bowl.axes),
        "first": [_round(value) for value in bowl.first],
        "second": [_round(value) for value in bowl.second],
        "z": [_short(value) for value in bowl.loss],
    }


def _short(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _nothing() -> None:
    """State and triggers need a callback each; nothing is to be done at once."""
