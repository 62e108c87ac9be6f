"""inspect and traceback: what a function of the program says of itself, and what an exception says at its end."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import functools
import inspect
import types
from typing import Any

from engine.errors import Refused
from engine.standins import Names, Run

_TOLD = ("__signature__", "__text_signature__", "__wrapped__")
"""What `inspect.signature` believes where an object has it: it is believed of no object of the program."""


def _plain(run: Run, value: Any) -> Any:
    """A callable whose header may be told: a function or class of the program, or one of the library's that is known
    to have no words of the program's about itself."""
    kind = value if isinstance(value, type) else type(value)
    for base in kind.__mro__:
        if base.__module__ == "__main__" and any(name in vars(base) for name in _TOLD):
            raise Refused("refused.name", name="inspect.signature")
    function = value.func if isinstance(value, functools.partial) else value
    if "__signature__" in getattr(function, "__dict__", {}):
        raise Refused("refused.name", name="inspect.signature")
    return value


def offer(run: Run) -> Names:
    """Headers, texts and kinds; no frames, no code, no members of classes."""

    def signature(value: Any, **kwargs: Any) -> inspect.Signature:
        """`inspect.signature`."""
        return inspect.signature(_plain(run, value))

    def arguments(value: Any) -> inspect.FullArgSpec:
        """`inspect.getfullargspec`."""
        return inspect.getfullargspec(_plain(run, value))

    def source(value: Any) -> str:
        """`inspect.getsource` of what the program defines."""
        while isinstance(value, types.MethodType | types.FunctionType) and hasattr(value, "__wrapped__"):
            value = value.__wrapped__
        if not run.owner.owns(value):
            raise OSError("could not get source code")
        text: str | None = run.owner.source_of(value)
        if text is None:
            raise OSError("could not get source code")
        return text

    def documented(value: Any) -> str | None:
        """`inspect.getdoc`."""
        text = getattr(value, "__doc__", None)
        return inspect.cleandoc(text) if isinstance(text, str) else None

    def ended(limit: Any = None, chain: bool = True) -> str:
        """`traceback.format_exc`: the last line is Python's."""
        error = run.owner.handled()
        if error is None:
            return "NoneType: None\n"
        return "Traceback (most recent call last):\n" + _said(error)

    def _said(error: BaseException) -> str:
        name = type(error).__qualname__
        home = type(error).__module__
        text = run.owner.operators.formatting.text(error)
        shown = name if home in ("builtins", "__main__") else f"{home}.{name}"
        return f"{shown}: {text}\n" if text else f"{shown}\n"

    def printed(*args: Any, **kwargs: Any) -> None:
        """`traceback.print_exc`, without the way there."""
        error = run.owner.handled()
        run.write_error("NoneType: None\n" if error is None else _said(error))

    def listed(error: Any, value: Any = None, tb: Any = None, **kwargs: Any) -> list[str]:
        """`traceback.format_exception`."""
        raised = error if isinstance(error, BaseException) else value
        return ["Traceback (most recent call last):\n", _said(raised)]

    def last(error: Any, value: Any = None) -> list[str]:
        """`traceback.format_exception_only`."""
        return [_said(error if isinstance(error, BaseException) else value)]

    asked = {
        name: getattr(inspect, name)
        for name in ("isclass", "isfunction", "ismethod", "isbuiltin", "isroutine", "isgenerator", "cleandoc")
    }
    return {
        "inspect": {
            **asked,
            "signature": signature,
            "getfullargspec": arguments,
            "getsource": source,
            "getdoc": documented,
            "Parameter": inspect.Parameter,
            "Signature": inspect.Signature,
        },
        "traceback": {
            "format_exc": ended,
            "print_exc": printed,
            "format_exception": listed,
            "format_exception_only": last,
        },
    }
