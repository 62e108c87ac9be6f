"""Questions of the reader about one run, and what was found: from the trace, or by running the same job again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.errors import EngineError
from engine.executors.base import Job, Question
from engine.executors.local import shared
from engine.paths import account
from engine.trace import Answer, InvalidTrace, Trace, assemble, check
from pages.components.language import say
from pages.components.run import visitor
from pages.components.stage import Asked

_KEPT = 24


def known(job: Job) -> list[dict[str, Any]]:
    """What was found so far about the run of this job."""
    return list(_held(job).values())


def ask(job: Job, trace: Trace, asked: Asked) -> None:
    """Find the answer and keep it with the session."""
    held = _held(job)
    if asked.key not in held:
        found = _paths(trace, asked) if asked.kind == "paths" else _again(job, trace, asked)
        held[asked.key] = {"key": asked.key, **found}
        while len(held) > _KEPT:
            held.pop(next(iter(held)))


def _held(job: Job) -> dict[str, dict[str, Any]]:
    kept: tuple[Job, dict[str, dict[str, Any]]] | None = st.session_state.get("answers")
    if kept is None or kept[0] != job:
        kept = st.session_state["answers"] = (job, {})
    return kept[1]


def _paths(trace: Trace, asked: Asked) -> dict[str, Any]:
    found = account(trace, asked.other or 0, asked.subject)
    if found.code:
        return {"text": say(found.code)}
    rows = [
        {"nodes": row.nodes, "values": row.values, "text": say(row.code) if row.code else ""} for row in found.paths
    ]
    return {"rows": rows, "total": found.total, "pass": found.pass_}


def _again(job: Job, trace: Trace, asked: Asked) -> dict[str, Any]:
    """The same deterministic run once more, with the question."""
    question = Question(asked.kind, asked.subject, asked.other)
    again = Job(job.source, job.seed, job.device, job.window, (question,))
    try:
        frames = list(shared().run(again, visitor=visitor()))
        answers = check(assemble(frames, source=trace.source)).answers
    except EngineError as error:
        return {"text": say(error.code, **error.params)}
    except InvalidTrace:
        return {"text": say("page.run.fault")}
    if any(answer.code and answer.preview is None for answer in answers):
        answer = next(answer for answer in answers if answer.code)
        return {"text": say(answer.code, **answer.params)}
    return {"rows": [_row(asked, answer) for answer in answers]}


def _row(asked: Asked, answer: Answer) -> dict[str, Any]:
    values = list(answer.preview.values) if answer.preview is not None else []
    if asked.kind == "truth":
        pairs = list(zip(answer.shape, values[::2], values[1::2], strict=True))
        text = say(answer.code, **answer.params)
        return {"text": text, "right": answer.label == "right", "checked": pairs}
    sizes = int(answer.params.get("outputs", 0))
    return {
        "label": answer.label,
        "outputs": answer.shape[:sizes],
        "inputs": answer.shape[sizes:],
        "values": values,
        "truncated": answer.preview.truncated if answer.preview is not None else False,
    }
