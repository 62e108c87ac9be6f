"""Runs a function in a fork of its own, so that what it sets, patches or breaks is not the next one's.

The forks are made by a process that has one thread (`multiprocessing`'s forkserver). A fork of the test process itself
would inherit locks that its other threads hold, and wait for them forever.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import multiprocessing.forkserver
import sys
import types
import unittest.mock
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_context = multiprocessing.get_context("forkserver")

PRELOADED = ("tests.warmed", "tests.corpus", "tests.test_interpreter_torch")
"""What every fork finds imported."""


def _prepare() -> None:
    """Start the process that makes the forks, where it does not run yet."""
    _context.set_forkserver_preload(list(PRELOADED))
    with contextlib.chdir(_ROOT):  # where it looks for them
        multiprocessing.forkserver.ensure_running()


def in_child(function: Callable[..., Any], *arguments: Any, seconds: float = 20.0) -> Any:
    """What `function`, which a module holds by its name, returns, by way of JSON. {"lost": status} where the fork died
    or took longer."""
    _prepare()
    reader, writer = _context.Pipe(duplex=False)
    child = _context.Process(target=_answer, args=(writer, function, arguments))
    with unittest.mock.patch.dict(sys.modules, {"__main__": types.ModuleType("__main__")}):
        child.start()  # a fork runs the main module again, and Streamlit's tests leave a page there
    writer.close()
    text = ""
    with contextlib.suppress(EOFError):
        text = reader.recv() if reader.poll(seconds) else ""
    child.kill()
    child.join()
    return json.loads(text) if text else {"lost": child.exitcode}


def _answer(writer: Connection, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
    writer.send(json.dumps(function(*arguments)))
