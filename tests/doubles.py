"""Small stand-ins for what the interpreter is given: a vocabulary of whole modules, and a writing observer."""

from __future__ import annotations

import ast
import contextlib
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from engine.observer import Observer
from engine.vocabulary import Owner


class OpenVocabulary:
    """Every module, every name: what the interpreter itself refuses is then its own doing."""

    builtins: Mapping[str, object] = {}

    def attach(self, owner: Owner) -> None:
        self.owner = owner

    def module(self, dotted: str) -> object:
        return importlib.import_module(dotted)

    def read(self, value: Any, name: str) -> Any:
        return getattr(value, name)

    def write(self, value: Any, name: str, new: Any) -> None:
        setattr(value, name, new)

    def delete(self, value: Any, name: str) -> None:
        delattr(value, name)

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return function(*args, **kwargs)

    def base(self, cls: Any) -> Any:
        return cls

    def overridden(self, function: Any) -> Any:
        return function

    def looking(self) -> bool:
        return False

    def dispatched(self, function: Any) -> Any:
        """The same."""
        return function

    def quiet(self) -> contextlib.AbstractContextManager[None]:
        """Nobody looks here."""
        return contextlib.nullcontext()

    def look(self, function: Any, kinds: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        return function(*args, **(kwargs or {}))

    def operate(self, symbol: str, operands: tuple[Any, ...]) -> None:
        pass


class Listening(Observer):
    """Writes down what it is told, one line each."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def before_statement(self, node: ast.stmt, scope: Any, tick: int) -> None:
        self.lines.append(f"{tick} {scope.name or 'program'}: {ast.unparse(node).splitlines()[0]}")

    def after_expression(self, node: ast.AST, value: object, function: object, operands: Sequence[object]) -> None:
        self.lines.append(f"{ast.unparse(node)} of {list(operands)!r} = {value!r}")
