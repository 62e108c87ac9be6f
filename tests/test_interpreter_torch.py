"""Programs in the manner of tutorials: plain PyTorch, and the interpreter with the real vocabulary, must agree.

Each runs in a forked child, so that one program's settings, patches and random numbers are not another's.
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.allowlist import Allowlist
from engine.errors import Stop
from engine.interpreter import Interpreter
from engine.observer import Observer
from engine.program import parse
from tests.forking import in_child

_ADDRESS = re.compile(r"0x[0-9a-f]+")

STOOD_IN = {"matplotlib and tqdm"}
"""Programs that need what may not be installed here: we stand in for it, plain Python cannot be asked."""


def programs() -> list[Any]:
    found = []
    for file in sorted((Path(__file__).parent / "programs" / "torch").glob("*.txt")):
        for part in file.read_text(encoding="utf-8").split("### ")[1:]:
            title, _, source = part.partition("\n")
            found.append(pytest.param(source, id=title))
    return found


def plain(source: str) -> tuple[str, str | None, str]:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(source, "<program>", "exec", dont_inherit=True), module.__dict__)
        except BaseException as error:
            return printed.getvalue(), type(error).__name__, str(error)
    return printed.getvalue(), None, ""


def interpreted(source: str) -> tuple[str, str | None, str]:
    interpreter = Interpreter(parse(source), Allowlist(), Observer())
    error: BaseException | None = None
    try:
        interpreter.run()
    except Stop as stop:
        return "".join(interpreter.printed), type(stop).__name__, f"{stop.code} {stop.params} {stop.span}"
    except BaseException as raised:
        error = raised
    return "".join(interpreter.printed), type(error).__name__ if error else None, str(error or "")


def seeded(run: Callable[[str], tuple[str, str | None, str]], source: str) -> list[str | None]:
    """What `run` gives with everything seeded, addresses made equal."""
    sys.stderr = io.StringIO()
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    return [_ADDRESS.sub("0x", part) if isinstance(part, str) else part for part in run(source)]


@pytest.mark.parametrize("source", [one for one in programs() if one.id not in STOOD_IN])
def test_agrees_with_plain_pytorch(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert in_child(seeded, interpreted, source) == in_child(seeded, plain, source)


@pytest.mark.parametrize("source", [one for one in programs() if one.id in STOOD_IN])
def test_what_we_stand_in_for_runs(source: str) -> None:
    printed, error, message = in_child(seeded, interpreted, source)
    assert (error, message) == (None, "")
    assert printed
