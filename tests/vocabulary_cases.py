"""How the vocabulary's tests run a program: through the interpreter, in this process."""

from __future__ import annotations

from typing import Any

from engine.allowlist import Allowlist
from engine.errors import Stop
from engine.interpreter import Interpreter
from engine.observer import Observer
from engine.program import parse


def run(source: str) -> tuple[dict[str, Any], str]:
    """The variables and the printed text of a program."""
    interpreter = Interpreter(parse(source), Allowlist(), Observer())
    interpreter.run()
    return interpreter.globals, "".join(interpreter.printed)


def stop(source: str) -> Stop:
    """What ends a program that must not run to its end."""
    try:
        run(source)
    except Stop as ended:
        return ended
    raise AssertionError(f"ran: {source}")
