"""One run for this visitor: start it, say how it stands while it is on its way, keep what came of it.

    Job -> UnderWay (frames as they come) -> Landing (a Trace, or a sentence that says why there is none)

A run survives a rerun of the page: switching the language in the middle of one neither stops nor repeats it.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.errors import EngineError, Parameters
from engine.executors import local
from engine.executors.base import Job, trace_of
from engine.trace import Frame, InvalidTrace, Trace
from pages.components.language import say

_PATIENCE = 0.4  # seconds before a run is spoken of; a shorter one is simply there
_BEAT = 0.25  # seconds between two looks at the queue
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Landing:
    """What came of a job: its trace, or the message id of why there is none, with parameters."""

    job: Job
    trace: Trace | None
    code: str = ""
    params: Parameters = field(default_factory=dict)


class UnderWay:
    """A job on its way, with the frames that came so far. Dropping it gives its place up."""

    def __init__(self, job: Job, visitor: str) -> None:
        self.job = job
        self._flight = local.shared().start(job, visitor=visitor)
        self._coming: Iterator[Frame] = self._flight.frames()
        self._frames: list[Frame] = []

    def over(self, seconds: float) -> bool:
        """Take what comes within these seconds; whether that was all. Raises what the executor's `run` raises."""
        until = time.monotonic() + seconds
        while self._flight.wait(max(0.0, until - time.monotonic())):
            frame = next(self._coming, None)
            if frame is None:
                return True
            self._frames.append(frame)
        return False

    def words(self) -> str:
        """How it stands, in a sentence."""
        place = None if self._frames else self._flight.place()
        if place is None:
            return say("page.run.running", ticks=self._frames[-1].ticks if self._frames else 0)
        return say("page.run.next") if place == 1 else say("page.run.waiting", place=place - 1)

    def trace(self) -> Trace:
        """All that came. Raises InvalidTrace where it contradicts itself."""
        return trace_of(self.job, self._frames)


def landed(job: Job, prefix: str, *, again: bool = False) -> Landing:
    """What came of this job, run now unless it is what the session holds under `prefix`; `again` runs it in any case.

    While it is on its way, a line says so, with the place in the queue. A newer job of the same visitor replaces it.
    """
    line = st.empty()  # always there, so that what follows keeps its place on the page and is not drawn anew
    way = f"{prefix}.way"
    landing = kept(prefix)
    if landing is not None and landing.job == job and not again:
        return landing
    try:
        under_way: UnderWay | None = st.session_state.get(way)
        if under_way is None or under_way.job != job:
            under_way = st.session_state[way] = UnderWay(job, visitor())
        landing = Landing(job, _arrival(under_way, line))
    except EngineError as error:
        landing = Landing(job, None, error.code, error.params)
    except InvalidTrace:
        _log.exception("a run came back with a trace that contradicts itself")
        landing = Landing(job, None, "page.run.fault")
    st.session_state.pop(way, None)
    st.session_state[f"{prefix}.landing"] = landing
    return landing


def kept(prefix: str) -> Landing | None:
    """What `landed` holds under this prefix, if anything has come."""
    landing: Landing | None = st.session_state.get(f"{prefix}.landing")
    return landing


def _arrival(under_way: UnderWay, line: DeltaGenerator) -> Trace:
    """Wait for the end; after a moment, say how it stands."""
    if not under_way.over(_PATIENCE):
        while not under_way.over(_BEAT):
            line.caption(f":material/hourglass_top: {under_way.words()}")
        line.empty()
    return under_way.trace()


def visitor() -> str:
    """Who this visitor is to the executor: a name of this browser tab's session that nobody can guess."""
    name: str = st.session_state.setdefault("visitor", secrets.token_hex(8))
    return name
