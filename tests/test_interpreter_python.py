"""The interpreter is Python: each small program is run by CPython and by the interpreter, and both must agree.

Compared are the printed text, the program's variables at its end, and the exception's type and message.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Stop
from engine.interpreter import Interpreter
from engine.observer import Observer
from engine.program import parse
from tests.doubles import OpenVocabulary

_ADDRESS = re.compile(r"0x[0-9a-f]+")
_PLAIN = (int, float, complex, str, bytes, bool, type(None), list, tuple, dict, set, frozenset, range)


def programs() -> list[Any]:
    """The programs of programs/*.txt, each after a line "### title"."""
    found = []
    for file in sorted((Path(__file__).parent / "programs").glob("*.txt")):
        for part in file.read_text(encoding="utf-8").split("### ")[1:]:
            title, _, source = part.partition("\n")
            found.append(pytest.param(source, id=f"{file.stem}: {title}"))
    return found


def outcome(error: BaseException | None) -> tuple[str, str] | None:
    return None if error is None else (type(error).__name__, _ADDRESS.sub("0x", str(error)))


def variables(found: dict[str, Any]) -> dict[str, str]:
    """The texts of plain values; others by their type."""
    return {
        name: _ADDRESS.sub("0x", repr(value)) if isinstance(value, _PLAIN) else type(value).__name__
        for name, value in found.items()
        if not name.startswith("__") and not name.startswith("@")
    }


def plain_python(source: str) -> tuple[str, dict[str, str], tuple[str, str] | None]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    error = None
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(source, "<program>", "exec", dont_inherit=True), namespace)
        except BaseException as raised:
            error = raised
    if isinstance(error, SystemExit) and not error.code:
        error = None
    return _ADDRESS.sub("0x", printed.getvalue()), variables(namespace), outcome(error)


def interpreted(source: str) -> tuple[str, dict[str, str], tuple[str, str] | None]:
    interpreter = Interpreter(parse(source), OpenVocabulary(), Observer())
    error = None
    try:
        interpreter.run()
    except BaseException as raised:
        error = raised
    if isinstance(error, Stop):
        raise AssertionError(f"stopped: {error.code} {error.params}") from error
    return _ADDRESS.sub("0x", "".join(interpreter.printed)), variables(interpreter.globals), outcome(error)


@pytest.mark.parametrize("source", programs())
def test_agrees_with_cpython(source: str) -> None:
    assert interpreted(source) == plain_python(source)


def test_there_are_many_programs() -> None:
    assert len(programs()) >= 250
