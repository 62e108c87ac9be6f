"""The whole front door: `streamlit run streamlit_app.py` and `uvicorn streamlit_app:app` both serve the playground.

Torch is never imported here. Programs run in children of the executor, which is warm before the port answers.
"""

from __future__ import annotations

import gc
import logging
import secrets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from anyio import to_thread
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from engine import scenarios
from engine.errors import EngineError
from engine.executors import local, sandbox, training
from engine.executors.base import Job
from engine.messages import catalogue, render
from engine.permalink import FIRST, program_table
from pages.components import assets, live
from pages.components.http import Compression, Loopback, SecurityHeaders, Visitors
from pages.components.language import say

_ROUTER = Path(__file__).resolve().parent / "pages" / "components" / "router.py"
_INDEX = Path(st.__file__).parent / "static" / "index.html"
_log = logging.getLogger(__name__)


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    """Do everything slow before the first visitor, and take everything that lives for ever from the collector."""
    sandbox.require_fence(sandbox.fence())
    executor = local.shared()
    executor.warm()
    training.shared().warm()
    catalogue()
    threading.Thread(target=_run_presets, name="presets", daemon=True).start()
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        await to_thread.run_sync(executor.close)
        await to_thread.run_sync(training.shared().close)


def _run_presets() -> None:
    """Run every example once, the front one first, so that opening it later finds its trace in the cache."""
    table = program_table()
    programs = [name for name, one in scenarios.load().items() if one.page == "program"]
    for name in sorted(programs, key=lambda name: name != FIRST):
        state = table.defaults(name)
        try:
            for _ in local.shared().run(Job(source=str(state["program"]), seed=int(state["seed"] or 0))):
                pass
        except EngineError:
            _log.warning("example %s did not run beforehand", name)


async def _health(_request: Request) -> PlainTextResponse:
    """For monitors: unknown paths answer 200 with the app, so they must not be asked."""
    return PlainTextResponse("ok", headers={"Cache-Control": "no-store"})


def _fault(error: Exception) -> bool:
    """Our own mistake: its story goes to the log under a number, the visitor gets the number."""
    number = secrets.token_hex(4)
    _log.error("page failed, number %s", number, exc_info=error)
    st.error(say("page.fault", id=number), icon=":material/report:")
    return True


app = st.App(
    _ROUTER,
    lifespan=_lifespan,
    routes=[*assets.routes(), *live.routes(), Route("/healthz", _health)],
    middleware=[
        Middleware(
            Loopback,
            open_to_all=lambda: sandbox.answers_strangers(sandbox.fence()),
            reason=lambda: render("page.loopback"),
        ),
        Middleware(SecurityHeaders, index=_INDEX),
        Middleware(Visitors),
        Middleware(Compression),
    ],
    on_script_error=_fault,
)
