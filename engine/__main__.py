"""The command line: `python -m engine run FILE... [--json] [--seed N]` and `python -m engine train ...`.

Exit status of `run` is that of the worst file: 0 finished, 1 failed, 2 refused, stopped or lost.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.errors import EngineError, Parameters
from engine.executors.base import Executor, Job, trace_of
from engine.executors.local import LocalExecutor
from engine.messages import render
from engine.report import refused, report, text, warned
from engine.trace import Trace

Reason = tuple[str, Parameters]
"""The id of a message, and its parameters."""
STATUS = {"finished": 0, "failed": 1, "refused": 2, "stopped": 2, "lost": 2}


def main(argv: list[str] | None = None) -> int:
    """The exit status of that command."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["train"]:
        from engine.train_command import train_command

        return train_command(arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m engine", description=render("cli.description"))
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("train", help=render("cli.train"), add_help=False)
    run = commands.add_parser("run", help=render("cli.run"))
    run.add_argument("files", metavar="FILE", nargs="+", help=render("cli.files"))
    run.add_argument("--json", action="store_true", help=render("cli.json"))
    run.add_argument("--seed", type=int, default=0, metavar="N", help=render("cli.seed"))
    given = parser.parse_args(arguments)
    executor = LocalExecutor()
    try:
        return run_files(given.files, executor, seed=given.seed, as_json=given.json)
    finally:
        executor.close()


def run_files(files: list[str], executor: Executor, *, seed: int, as_json: bool) -> int:
    """Run each file, as many at once as the executor takes, and print the results in order. The worst status."""
    worst = 0
    with ThreadPoolExecutor(max_workers=min(len(files), 32)) as threads:
        runs = [threads.submit(_run_file, file, index, executor, seed) for index, file in enumerate(files)]
        for file, running in zip(files, runs, strict=True):
            result = running.result()
            shown = report(file, result) if isinstance(result, Trace) else refused(file, *result)
            for line in _lines(file, result, shown) if not as_json else [json.dumps(shown, allow_nan=False)]:
                print(line, flush=True)
            for line in warned(result) if isinstance(result, Trace) and not as_json else []:
                print(line, file=sys.stderr)
            worst = max(worst, STATUS[shown["outcome"]["kind"]])
    return worst


def _run_file(file: str, index: int, executor: Executor, seed: int) -> Trace | Reason:
    """The Trace of that file, or why there is none."""
    try:
        source = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else render("cli.not_utf8")
        return "cli.unreadable", {"reason": reason}
    try:
        job = Job(source, seed)
        return trace_of(job, executor.run(job, visitor=f"file {index}"))
    except EngineError as error:
        return error.code, error.params


def _lines(file: str, result: Trace | Reason, shown: dict[str, object]) -> Iterator[str]:
    if isinstance(result, Trace):
        yield from text(file, result)
    else:
        yield f"{file}: refused: {shown['outcome']['message']}"  # type: ignore[index]


if __name__ == "__main__":
    sys.exit(main())
