"""Walks the tree of a program, one method per node type, and tells an Observer what happens; knows nothing of
gradients.

    Program + Vocabulary + Observer + Limits  ->  Interpreter.run()

The two halves are `expressions.py` and `statements.py`; what may be touched is decided in `access.py` for the
program's own values and Python's, and by the Vocabulary for every library.
"""

from __future__ import annotations

import ast
import contextlib
import sys
import types
import warnings
from collections.abc import Iterator
from typing import Any

from engine.budget import Clock
from engine.limits import DEFAULT, Limits
from engine.observer import Observer
from engine.program import Program
from engine.statements import Statements, _own
from engine.trace import Notice, Span
from engine.vocabulary import Owner, Vocabulary

__all__ = ["Interpreter", "Owner", "Vocabulary"]

_RECURSION = 5_000
"""Frames of ours: enough for `call_depth` functions of the program, within the 8 MB of a main thread's stack."""


REPR_VISITS = 20_000
"""Node visits for the texts of the variables at the end."""


class Interpreter(Statements):
    """One run of a program.

    `clock` gives the seconds since the run began; past `soft_deadline` the run ends with LimitReached. `globals` are
    the program's variables, `printed` what it printed, `notices` what the reader must be told, `tick` the statements
    executed.
    """

    def __init__(
        self,
        program: Program,
        vocabulary: Vocabulary,
        observer: Observer,
        limits: Limits = DEFAULT,
        clock: Clock | None = None,
    ) -> None:
        self.printed: list[str] = []
        self.notices: list[Notice] = []
        self._room = [limits.printed_length, limits.printed_lines]
        self._error_room = self._room.copy()
        self._mute = False
        self.redirects: list[Any] = []  # where `print` writes instead, innermost last
        super().__init__(program, vocabulary, observer, limits, clock)
        vocabulary.attach(self)

    @property
    def tick(self) -> int:
        """How many statements were executed so far."""
        return self.budget.tick

    @property
    def soft_deadline(self) -> float:
        """Seconds after which the run ends cleanly."""
        return self.budget.soft_deadline

    @soft_deadline.setter
    def soft_deadline(self, seconds: float) -> None:
        self.budget.soft_deadline = seconds

    def run(self) -> None:
        """Execute the program. The program's own exception, Refused and LimitReached pass out; `exit()` ends it
        quietly."""
        recursion = sys.getrecursionlimit()
        sys.setrecursionlimit(max(recursion, _RECURSION))
        try:
            self._run()
        finally:
            sys.setrecursionlimit(recursion)
        if self.budget.stopped is not None:
            raise self.budget.stopped

    def _run(self) -> None:
        with warnings.catch_warnings():
            self._listen_to_warnings()
            self.observer.enter_scope(self.module, self.program.tree)
            try:
                self.finish(self.body(self.program.tree.body, self.module))
                self.budget.finalize()
            except SystemExit as error:
                if error.code:
                    raise
            finally:
                self.observer.leave_scope(self.module)

    def represent(self, value: object) -> str | None:
        """`repr(value)` as the program would see it, once it has ended: nobody listens, what it prints is dropped, and
        it gets `REPR_VISITS` more. None where it raises or does not end in time."""
        self.observer = Observer()
        self._mute = True
        budget = self.budget
        budget.visits = max(budget.visits, budget.limits.visits - REPR_VISITS)
        budget.depth = 0
        recursion = sys.getrecursionlimit()
        sys.setrecursionlimit(max(recursion, _RECURSION))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.access.python.formatting.representation(value)
        except BaseException:
            return None
        finally:
            sys.setrecursionlimit(recursion)

    def span_of(self, error: BaseException) -> Span | None:
        """The innermost place of the program that an exception came from."""
        if self._failed is not None and self._failed[0] is error:
            return self.program.span(self._failed[1])
        return None

    # Owner.

    def owns(self, value: object) -> bool:
        """See `Owner.owns`."""
        return self.access.owns(value)

    def read(self, value: object, name: str) -> Any:
        """See `Owner.read`."""
        return self.access.read(value, name)

    def invoke(self, function: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """See `Owner.invoke`."""
        return self.access.call(function, args, kwargs)

    def handled(self) -> BaseException | None:
        """See `Owner.handled`."""
        error = sys.exc_info()[1]
        return None if error is None else _own(error)

    def source_of(self, value: Any) -> str | None:
        """The text of a function or class that the program defines, with its decorators."""
        if isinstance(value, types.MethodType):
            value = value.__func__
        line = value.__code__.co_firstlineno if isinstance(value, types.FunctionType) else None
        found = [
            node
            for node in ast.walk(self.program.tree)
            if (isinstance(node, ast.ClassDef) and line is None and node.name == value.__name__)
            or (isinstance(node, ast.FunctionDef | ast.Lambda) and node.lineno == line)
        ]
        if not found:
            return None
        node = found[-1]
        start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
        return "".join(f"{text}\n" for text in self.program.text.splitlines()[start - 1 : node.end_lineno])

    @contextlib.contextmanager
    def muted(self) -> Iterator[None]:
        """What is printed meanwhile is dropped."""
        kept, self._mute = self._mute, True
        try:
            yield
        finally:
            self._mute = kept

    # Output.

    def write_text(self, text: str) -> None:
        """Keep what is printed, up to the limit; what is beyond is dropped, and said once."""
        if self._mute:
            return
        if self.redirects:
            target = self.redirects.pop()
            try:
                self.access.call(self.access.read(target, "write"), (text,), {})
            finally:
                self.redirects.append(target)
            return
        kept = self._fitting(text, self._room)
        if kept:
            self.printed.append(kept)
            self.observer.printed(kept)

    def write_error(self, text: str) -> None:
        """What is written to the error stream is told line by line, as warnings are, with a limit of the same size."""
        if self._mute:
            return
        for line in self._fitting(text, self._error_room).splitlines():
            self.observer.warned(line)

    def _fitting(self, text: str, room: list[int]) -> str:
        """As much of a text as there is room for, in characters and lines; where some is lost, that is said once."""
        characters, lines = room
        kept = text[:characters] if lines > 0 else ""
        if kept.count("\n") >= lines > 0:
            kept = "".join(kept.splitlines(keepends=True)[:lines])
        if len(kept) < len(text) and not any(notice.code == "notice.printed" for notice in self.notices):
            limits = self.limits
            self.notices.append(
                Notice("notice.printed", {"characters": limits.printed_length, "lines": limits.printed_lines})
            )
        room[:] = characters - len(kept), lines - kept.count("\n")
        return kept

    def _listen_to_warnings(self) -> None:
        """Every warning that Python shows by default is told to the observer, once for each statement it comes from."""
        seen: set[tuple[str, int]] = set()
        warnings.simplefilter("ignore")
        for category in (UserWarning, FutureWarning, RuntimeWarning, SyntaxWarning):
            warnings.simplefilter("always", category)
        for hidden in (DeprecationWarning, PendingDeprecationWarning, ImportWarning):
            warnings.simplefilter("ignore", hidden)

        def show(message: Warning | str, category: type[Warning], *_: Any) -> None:
            text = f"{category.__name__}: {message}"
            key = (text, self.current.lineno if self.current is not None else 0)
            if key not in seen and len(seen) < self.limits.warnings:
                seen.add(key)
                self.observer.warned(text)

        warnings.showwarning = show  # type: ignore[assignment]
