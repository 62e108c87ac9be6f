"""`python -m engine train`: a run from the shell; progress goes to standard error, the result to standard output."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.executors import reading
from engine.executors.training import Training, TrainingExecutor
from engine.history import names
from engine.messages import render
from engine.permalink import Field
from engine.regression_program import script
from engine.regression_state import Points, settings, table
from engine.tables import Choice
from engine.trace import number_to_json, to_json

_HIDDEN = frozenset({"scenario", "values", "axis1", "axis2", "lang", "read_only"})
_WIDTH = 30  # characters of the bar


def train_command(argv: list[str]) -> int:
    """Train as the arguments say. Exit status: 0 finished, 1 diverged, 2 refused or lost."""
    parser = _parser()
    given = parser.parse_args(argv)
    executor = TrainingExecutor(workers=1)
    try:
        training, points = _prepare(executor, given)
        training.resume()
        _wait(training, quiet=given.quiet or given.json)
        if training.problem is not None:
            raise EngineError(training.problem[0], None, **training.problem[1])
        _write(executor, training, points, given)
    except EngineError as error:
        message = render(error.code, error.params)
        if given.json:
            print(json.dumps({"outcome": {"kind": "refused", "code": error.code, "message": message}}))
        else:
            print(message, file=sys.stderr)
        return 2
    finally:
        executor.close()
    print(json.dumps(result(training), allow_nan=False) if given.json else _words(training))
    return 1 if training.status == "diverged" else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m engine train", description="Train a linear regression.")
    for row in table().fields:
        if row.name not in _HIDDEN:
            _add(parser, row)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="train on this file instead of --data")
    parser.add_argument(
        "--x", metavar="COLUMNS", help="columns of the file for x: names or numbers from 1, with commas"
    )
    parser.add_argument("--y", metavar="COLUMN", help="column of the file for y: a name or a number from 1")
    parser.add_argument("--drop", action="store_true", help="leave out rows with missing or unreadable cells")
    parser.add_argument("--json", action="store_true", help="print the result as one line of JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--history", type=Path, metavar="FILE", help="write every recorded epoch as CSV")
    parser.add_argument("--model", type=Path, metavar="FILE", help="write the state_dict with torch.save")
    parser.add_argument("--script", type=Path, metavar="FILE", help="write the run as a plain script")
    return parser


def _add(parser: argparse.ArgumentParser, row: Field) -> None:
    """One option for one row of the table of settings: its kind, its default, its range in the help."""
    flag = "--" + row.name.replace("_", "-")
    if row.kind == "flag":
        parser.add_argument(flag, action="store_true", dest=row.name)
        return
    kind: Any = {"integer": int, "number": float}.get(row.kind, str)
    within = f"{row.low:g} to {row.high:g}; " if row.kind in ("integer", "number") else ""
    default = "the full batch" if row.name == "batch" else row.default
    choices = row.choices if row.kind == "choice" else None
    parser.add_argument(
        flag, type=kind, choices=choices, default=row.default, dest=row.name, help=f"{within}default: {default}"
    )


def _prepare(executor: TrainingExecutor, given: argparse.Namespace) -> tuple[Training, Points | None]:
    state = {row.name: getattr(given, row.name) for row in table().fields if row.name not in _HIDDEN}
    points = None
    if given.csv is not None:
        points = _file(given)
        state["data"] = "table"
    return executor.prepare(settings(state, points.digest if points is not None else ""), points), points


def _file(given: argparse.Namespace) -> Points:
    try:
        content = given.csv.read_bytes()
    except OSError as error:
        raise EngineError("csv.file", None, reason=error.strerror or str(error)) from error
    sheet = reading.read_csv(content, Choice(drop=given.drop))
    if given.x or given.y:
        x = [_column(sheet.names, name) for name in given.x.split(",")] if given.x else sheet.x
        y = _column(sheet.names, given.y) if given.y else sheet.y
        sheet = reading.read_csv(content, Choice(x=x, y=y, drop=given.drop))
    if sheet.points is None:
        raise EngineError("csv.missing", None, missing=sheet.missing, unreadable=sheet.unreadable)
    return sheet.points


def _column(offered: list[str], name: str) -> int:
    name = name.strip()
    if name in offered:
        return offered.index(name)
    return int(name) - 1 if name.isdigit() else -1


def _wait(training: Training, *, quiet: bool) -> None:
    """Until the run is over; an interrupt at the keyboard stops it where it is, and what was learned is kept."""
    with contextlib.suppress(KeyboardInterrupt):
        while training.status == "running":
            training.look()
            if not quiet:
                _bar(training)
            time.sleep(0.02 if quiet else 0.1)
    training.stop()
    if not quiet:
        _bar(training)
        print(file=sys.stderr)


def _bar(training: Training) -> None:
    epochs, done, rate = training.settings.epochs, training.state.epoch, training.rate
    filled = _WIDTH * done // epochs
    left = f"{(epochs - done) / rate:6.1f} s left" if rate and training.status == "running" else ""
    loss = f"loss {training.history.row(-1).loss:.4g}" if training.history.count else ""
    line = f"\r[{'#' * filled}{'.' * (_WIDTH - filled)}] {done:>9,}/{epochs:,}  {rate:>9,.0f} epochs/s  {left}  {loss}"
    print(f"{line:<100}", end="", file=sys.stderr, flush=True)


def _write(executor: TrainingExecutor, training: Training, points: Points | None, given: argparse.Namespace) -> None:
    """The files that were asked for."""
    width = len(training.examination.start) - 1
    if given.history is not None:
        given.history.write_text(training.history.csv(names(width)), encoding="utf-8")
    if given.model is not None:
        given.model.write_bytes(executor.save(training.settings, training.history.row(-1).parameters))
    if given.script is not None:
        given.script.write_text(script(training.settings, points), encoding="utf-8")


def result(training: Training) -> dict[str, Any]:
    """The result as plain data; non-finite numbers as "nan", "inf", "-inf"."""
    one, last = training.examination, training.history.row(-1)
    return {
        "outcome": {"kind": training.status, "epoch": training.state.epoch, "diverged": training.state.diverged},
        "loss": number_to_json(last.loss),
        "parameters": dict(zip(names(len(one.start) - 1), to_json(last.parameters), strict=True)),
        "gradients": dict(zip(names(len(one.start) - 1), to_json(last.gradients), strict=True)),
        "answer": {
            "parameters": dict(zip(names(len(one.start) - 1), to_json(one.answer), strict=True)),
            "loss": number_to_json(one.answer_loss),
            "r2": None if one.r2 is None else number_to_json(one.r2),
        },
        "stability": to_json(one.stability),
        "device": training.device,
        "seconds": training.seconds,
        "settings": to_json(training.settings),
        "notices": [render(notice.code, notice.params) for notice in one.notices],
    }


def _words(training: Training) -> str:
    one, last = training.examination, training.history.row(-1)
    lines = [f"{training.status} after {training.state.epoch:,} epochs on {training.device}, {training.seconds:.3g} s"]
    lines += [
        f"  {name:<6} {value:<14.7g} exact answer {answer:.7g}"
        for name, value, answer in zip(names(len(one.start) - 1), last.parameters, one.answer, strict=True)
    ]
    lines.append(f"  {'loss':<6} {last.loss:<14.7g} exact answer {one.answer_loss:.7g}")
    if training.state.diverged is not None:
        lines.append(render("regression.diverged", {"epoch": training.state.diverged}))
        if one.stability.limit is not None:
            lines.append(
                render(one.stability.reason, {"limit": one.stability.limit, "beta": training.settings.momentum})
            )
    lines += [render(notice.code, notice.params) for notice in one.notices]
    return "\n".join(lines)
