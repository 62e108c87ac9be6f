"""The seam between the walker of the tree and the list of what it may touch.

The interpreter knows Python; it knows no library. Whatever is not its own (user functions, user classes, Python's own
types and builtins) it asks of a Vocabulary, which denies by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Owner(Protocol):
    """What the interpreter tells a vocabulary about values: which of them this program made itself."""

    def owns(self, value: object) -> bool:
        """Whether `value` is callable and the program's or the interpreter's own: a user function, a bound method of
        one, a user class (`type`), an instance of a user class that defines `__call__`, or a builtin that the
        interpreter offers (print, len, sorted, ...). Such values may be handed to torch as hooks, closures and
        functions to be transformed."""
        ...

    def invoke(self, function: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call anything the way the program would: budgets, guards and refusals apply."""
        ...

    def read(self, value: object, name: str) -> Any:
        """Read an attribute the way the program would."""
        ...

    def muted(self) -> AbstractContextManager[None]:
        """Meanwhile nothing is printed."""
        ...

    def handled(self) -> BaseException | None:
        """The exception whose handler the program is in."""
        ...


class Vocabulary(Protocol):
    """Every library name a program may use. Each method raises Refused for what is not listed.

    Values of user classes reach these methods only where a listed base is involved: reading a name that the user class
    does not define, and calling a class whose `__init__` is inherited.
    """

    builtins: Mapping[str, object]
    """Names that are there without import, besides Python's own."""

    def attach(self, owner: Owner) -> None:
        """Called once, before the program starts."""
        ...

    def module(self, dotted: str) -> object:
        """The facade for `import dotted`. Raises the real ModuleNotFoundError for what is not installed anywhere."""
        ...

    def read(self, value: Any, name: str) -> Any:
        """`value.name`. Decides by exact type (its MRO over registered types). A name that does not exist on the real
        object raises the real AttributeError; one that exists and is not listed is refused.

        `value` may be an instance of a user class with a listed base (`self.linear` and `self.parameters` of an
        nn.Module: names the program wrote itself were looked up before), a user class with a listed base
        (`MyFunction.apply`), or a `super` object, for a name found on no user class: decide by the type of its
        `__self__`, and read it from the super object itself (`super().__init__`, `super().forward`, `super().train`).
        `name` may be `__init__` or an operator method; other dunder names never reach here, but `__name__`, `__doc__`,
        `__version__`, `__class__` may.
        """
        ...

    def write(self, value: Any, name: str, new: Any) -> None:
        """`value.name = new`. An instance of a user class may take any name of the program's choice except those
        underscored ones that the listed base keeps for itself."""
        ...

    def delete(self, value: Any, name: str) -> None:
        """`del value.name`, likewise."""
        ...

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the guard of that callable, if it has one, and call it; the result passes the gate for values.

        Never called for what `Owner.owns`, except a user class whose `__init__` is inherited from a listed base
        (guards of that base apply) and an instance of a user class whose `__call__` is a listed base's (an nn.Module).
        """
        ...

    def overridden(self, function: Any) -> Any:
        """What a `__torch_function__` of the program is told was called: the very value that the program itself would
        write for it. Raises Refused for what it could not write."""
        ...

    def looking(self) -> bool:
        """Whether it is the engine that looks at a value just now, and not the program that does something with it."""
        ...

    def look(self, function: Any, kinds: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """What that function gives where no `__torch_function__` is asked."""
        ...

    def dispatched(self, function: Any) -> Any:
        """What a `__torch_dispatch__` of the program is told was called. Raises Refused for what it may not answer."""
        ...

    def quiet(self) -> AbstractContextManager[None]:
        """While the engine only looks at a value, what the program prints meanwhile is dropped."""
        ...

    def base(self, cls: Any) -> Any:
        """`cls` as a base for a user class. `object`, `Exception` and its family, and user classes are the
        interpreter's."""
        ...

    def operate(self, symbol: str, operands: tuple[Any, ...]) -> None:
        """Called before an operator ("+", "@", "[]", "[]=", "+=", "<", ...) on at least one value that is not Python's
        own:
        the place for a check of sizes."""
        ...
