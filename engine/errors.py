"""What can go wrong, as data: a code (a message id), its parameters, and a place.

    BaseException
    └── Stop                 ends a run; the program can neither catch nor mask it
        ├── Refused          outside the language or not on the allowlist: outcome "refused"
        └── LimitReached     a number of `limits.py` was exceeded: outcome "stopped"
    Exception
    └── EngineError          raised to the caller in the app, never inside a program
        ├── InvalidProgram   the text is no program (syntax, size): outcome "refused" before anything ran
        ├── InvalidState     a setting, link or file is out of its range
        ├── Busy             the queue is full
        ├── Replaced         a newer run of the same visitor took this one's place
        └── ExecutorFailed   our own fault: no child could be started

What a program itself raises is none of these: it stays Python's or PyTorch's own exception, and the outcome is
"failed".
"""

from __future__ import annotations

from engine.trace import Span

Parameters = dict[str, str | int | float]


class Stop(BaseException):
    """Ends the run. A BaseException, so that `except Exception` of our own code lets it pass; the interpreter gives it
    to no handler of the program and runs no `finally` of the program for it."""

    def __init__(self, code: str, span: Span | None = None, **params: str | int | float) -> None:
        super().__init__(code)
        self.code = code
        self.span = span
        self.params: Parameters = params


class Refused(Stop):
    """The program asks for something we do not run. The message says what to write instead."""


class LimitReached(Stop):
    """A number of `limits.py` was exceeded."""


class EngineError(Exception):
    """Raised to the caller of the engine. The page renders `code` with `params`."""

    def __init__(self, code: str, span: Span | None = None, **params: str | int | float) -> None:
        super().__init__(code)
        self.code = code
        self.span = span
        self.params: Parameters = params


class InvalidProgram(EngineError):
    """The text is not a program we can read."""


class InvalidState(EngineError):
    """A setting, a link or a file is outside its range."""


class Busy(EngineError):
    """The queue is full."""


class Replaced(EngineError):
    """A newer run of the same visitor took this one's place."""


class ExecutorFailed(EngineError):
    """No child could be started, or it broke the protocol: our own fault."""
