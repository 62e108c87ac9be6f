"""Questions of the reader about one run, and what was found: from the trace, or by running the same job again."""

from __future__ import annotations

from typing import Any

import msgspec
import streamlit as st

from engine.errors import EngineError
from engine.executors.base import Job, Question
from engine.executors.local import shared
from engine.paths import Account, account, completed
from engine.side_by_side import side_by_side
from engine.trace import Answer, TensorValue, Trace
from pages.components.language import say
from pages.components.run import visitor
from pages.components.stage import Asked

_KEPT = 24
_COUNTED = 1_000_000
"""More paths than these are not counted out."""


def known(job: Job, trace: Trace, asked: Asked | None) -> list[dict[str, Any]]:
    """What was found so far about the run of this job, `asked` included: found now, if it was not, and kept with the
    session."""
    held = _held(job)
    if asked is not None and asked.key not in held:
        held[asked.key] = {"key": asked.key, **_found(job, trace, asked)}
        while len(held) > _KEPT:
            held.pop(next(iter(held)))
    return list(held.values())


def _found(job: Job, trace: Trace, asked: Asked) -> dict[str, Any]:
    if asked.kind == "paths":
        return _paths(job, trace, asked)
    return _forward(job, trace, asked) if asked.kind == "forward" else _again(job, asked)


def _held(job: Job) -> dict[str, dict[str, Any]]:
    kept: tuple[Job, dict[str, dict[str, Any]]] | None = st.session_state.get("answers")
    if kept is None or kept[0] != job:
        kept = st.session_state["answers"] = (job, {})
    return kept[1]


def _paths(job: Job, trace: Trace, asked: Asked) -> dict[str, Any]:
    """From the record alone where it tells the paths apart, else with the answers of the live nodes of another run."""
    found = account(trace, asked.other or 0, asked.subject)
    if found.target >= 0 and not found.known:
        answers = _answers(job, Question("paths", found.target, found.pass_))
        found = found if isinstance(answers, str) else completed(found, answers)
    if not found.paths:
        return {"text": say(found.code)}
    rows = [
        {
            "nodes": row.nodes,
            "inputs": [int(edge.partition(":")[2]) for edge in row.label.split()],
            "values": row.values,
            "text": say(row.code) if row.code else "",
        }
        for row in found.paths
    ]
    return {
        "rows": rows,
        "total": found.total,
        "rest": found.rest,
        "count": str(found.count) if found.count <= _COUNTED else f"> {_COUNTED:,}",
        "others": _others(found),
        "changed": say(found.code) if found.code else "",
        "shape": _shape(trace, asked.subject),
        "pass": found.pass_,
    }


def _forward(job: Job, trace: Trace, asked: Asked) -> dict[str, Any]:
    """Tangents of another run beside the gradients of this one."""
    answers = _answers(job, Question("forward", asked.subject))
    if isinstance(answers, str):
        return {"text": answers}
    if not answers:
        return {"text": say("page.run.fault")}
    end = answers[-1]
    if "forward" not in end.params:
        return {"text": say(end.code, **end.params)}
    rows = side_by_side(trace, asked.subject, int(end.params["pass"]), answers)
    numbers = {name: f"{end.params[name]:.4g}" for name in ("forward", "backward")}
    return {
        "rows": [msgspec.structs.asdict(row) for row in rows],
        "says": say(end.code, **numbers),
        "right": end.code == "forward.agree",
        "left": end.params["left_out"],
    }


def _others(found: Account) -> str:
    """How many paths have no part of their own, in words."""
    others = found.count - sum(row.values is not None for row in found.paths)
    if others > _COUNTED:
        return say("paths.rest.many", count=_COUNTED)
    return say("paths.rest", count=others) if others else ""


def _shape(trace: Trace, tensor: int) -> tuple[int, ...]:
    return next((one.shape for one in trace.values if isinstance(one, TensorValue) and one.tensor == tensor), ())


def _answers(job: Job, question: Question) -> list[Answer] | str:
    """The same deterministic run once more, with the question; a sentence where there is no answer."""
    again = Job(job.source, job.seed, job.device, job.window, (question,))
    try:
        # Of that run only the answers are of interest: its rows are those that are known already.
        return [answer for frame in shared().run(again, visitor=visitor()) for answer in frame.answers]
    except EngineError as error:
        return say(error.code, **error.params)


def _again(job: Job, asked: Asked) -> dict[str, Any]:
    answers = _answers(job, Question(asked.kind, asked.subject, asked.other))
    if isinstance(answers, str):
        return {"text": answers}
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
