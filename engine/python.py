"""Python's own builtins, with budgets. Types stay the real types; functions that need a check are `Builtin` values."""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from engine.budget import SIZED, Budget
from engine.errors import Refused
from engine.formatting import Formatting
from engine.methods import DEPTHS, LAZY, deepened, guards
from engine.operators import Operators
from engine.program import READABLE, is_dunder
from engine.scopes import Scope

if TYPE_CHECKING:
    from engine.access import Access

_MISSING = object()

NATIVE: tuple[Any, ...] = (
    *(abs, bin, callable, chr, hash, hex, isinstance, issubclass, len, next, oct, ord),
    *(object, bool, float, complex, range, slice, reversed, staticmethod, classmethod),
)
"""Builtins that need no check: they make little, and call nothing but methods of their argument."""

EXCEPTIONS: dict[str, type[BaseException]] = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException) and not issubclass(value, BaseExceptionGroup)
}


_ARITY = {
    **dict.fromkeys(("all", "any", "repr", "id", "ascii"), (1, 1)),
    **dict.fromkeys(("hasattr", "delattr", "divmod"), (2, 2)),
    "setattr": (3, 3),
    "getattr": (2, 3),
    "format": (1, 2),
}
"""How many arguments those take that take no keywords."""


def check_name(name: Any) -> None:
    """A name that the program made up at run time is held to what may be written in its text."""
    if not isinstance(name, str):
        raise TypeError(f"attribute name must be string, not '{type(name).__name__}'")
    if is_dunder(name) and name not in READABLE:
        raise Refused("refused.dunder", name=name)


class Builtin:
    """A function of Python's that the interpreter runs in its own way. `scoped` ones are given the scope they are
    called in."""

    __slots__ = ("__name__", "__weakref__", "run", "scoped")

    def __init__(self, name: str, run: Callable[..., Any], scoped: bool = False) -> None:
        self.__name__ = name
        self.run = _counting(name, run) if name in _ARITY else run
        self.scoped = scoped

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<built-in function {self.__name__}>"


Builtin.__name__ = Builtin.__qualname__ = type(len).__name__
Builtin.__module__ = "builtins"


def _counting(name: str, run: Callable[..., Any]) -> Callable[..., Any]:
    """`run`, with Python's own words where the number of arguments is wrong: the real builtin then does nothing but
    complain."""
    least, most = _ARITY[name]
    real = getattr(builtins, name)

    def counting(*args: Any, **kwargs: Any) -> Any:
        if kwargs or not least <= len(args) <= most:
            return real(*args, **kwargs)
        return run(*args)

    return counting


class Python:
    """The builtins of one run. `names` is what a program finds there; `constructors` how the real types are called."""

    def __init__(self, access: Access, budget: Budget, operators: Operators, write: Callable[[str], None]) -> None:
        self.access = access
        self.budget = budget
        self.operators = operators
        self.formatting: Formatting = operators.formatting
        self.write = write
        self.guards = guards(self)
        self.constructors: dict[Any, Callable[..., Any]] = {
            int: self.integer, str: self.string, bytes: self.octets, type: self.type_of,
            property: self.make_property, list: self.make_list, tuple: self.make_tuple, set: self.make_set,
            frozenset: self.make_frozenset, dict: self.make_dict,
            map: self.map, filter: self.filter, zip: self.zip, enumerate: self.enumerate,
            **{native: native for native in NATIVE},
            **{kind: kind for kind in EXCEPTIONS.values()},
        }  # fmt: skip
        offered: dict[str, Callable[..., Any]] = {
            "print": self.print, "input": self.input, "all": self.all, "any": self.any, "sum": self.sum,
            "min": self.min, "max": self.max, "sorted": self.sorted, "divmod": self.divmod, "pow": self.pow,
            "round": self.round,
            "repr": self.formatting.representation, "format": self.formatting.format, "ascii": self.ascii,
            "id": self.id, "iter": self.iter, "getattr": self.getattr, "hasattr": self.hasattr, "setattr": self.setattr,
            "delattr": self.delattr, "exit": self.exit, "quit": self.exit,
        }  # fmt: skip
        scoped: dict[str, Callable[..., Any]] = {
            "globals": self.globals, "locals": self.locals, "vars": self.vars, "dir": self.dir,
        }  # fmt: skip
        self.names: dict[str, Any] = {
            **{kind.__name__: kind for kind in self.constructors},
            **{name: Builtin(name, run) for name, run in offered.items()},
            **{name: Builtin(name, run, scoped=True) for name, run in scoped.items()},
            **EXCEPTIONS,
            "super": super,
            "NotImplemented": NotImplemented,
            "Ellipsis": ...,
            "__debug__": True,
            "__name__": "__main__",
        }

    # Iterators.

    def deepen(self, values: Iterable[Any]) -> int:
        """The depth of an iterator over these, which is within the limit."""
        return deepened(values, self.budget.limits.iterator_nesting)

    def remember(self, generator: types.GeneratorType[Any, Any, Any], depth: int) -> None:
        """Note the depth of a generator just made."""
        DEPTHS[generator] = depth

    def _lazy(self, kind: type, sources: tuple[Any, ...], *args: Any, **kwargs: Any) -> Any:
        depth = self.deepen(sources)
        iterator = LAZY[kind](*args, **kwargs)
        iterator.depth = depth
        return iterator

    def key(self, function: Any) -> Any:
        """A callable for C code to call: what the program may call, called the way it would."""
        if function is None or self.access.is_function(function):
            return function
        return lambda *args: self.access.call(function, args, {})

    def map(self, *args: Any) -> Any:
        """`map(function, *iterables)`."""
        if len(args) < 2:
            return map(*args)
        return self._lazy(map, args[1:], self.key(args[0]) or args[0], *args[1:])

    def filter(self, *args: Any) -> Any:
        """`filter(function, iterable)`."""
        return self._lazy(filter, args[1:], self.key(args[0]), *args[1:]) if len(args) == 2 else filter(*args)

    def zip(self, *iterables: Any, **kwargs: Any) -> Any:
        """`zip(*iterables, strict=False)`."""
        return self._lazy(zip, iterables, *iterables, **kwargs)

    def enumerate(self, *args: Any, **kwargs: Any) -> Any:
        """`enumerate(iterable, start=0)`."""
        return self._lazy(enumerate, args[:1], *args, **kwargs) if args else enumerate(*args, **kwargs)

    def iter(self, *args: Any) -> Any:
        """`iter(iterable)` or `iter(callable, sentinel)`."""
        return iter(self.key(args[0]), args[1]) if len(args) == 2 and callable(args[0]) else iter(*args)

    # Containers.

    def make_list(self, *args: Any) -> Any:
        """`list(iterable)`."""
        return list(self.budget.collected(args[0])) if len(args) == 1 else list(*args)

    def make_tuple(self, *args: Any) -> Any:
        """`tuple(iterable)`."""
        if len(args) == 1 and type(args[0]) is not tuple:
            return tuple(self.budget.collected(args[0]))
        return tuple(*args)

    def make_set(self, *args: Any) -> Any:
        """`set(iterable)`."""
        return set(self.budget.collected(args[0])) if len(args) == 1 else set(*args)

    def make_frozenset(self, *args: Any) -> Any:
        """`frozenset(iterable)`."""
        if len(args) == 1 and type(args[0]) is not frozenset:
            return frozenset(self.budget.collected(args[0]))
        return frozenset(*args)

    def make_dict(self, *args: Any, **kwargs: Any) -> Any:
        """`dict(mapping_or_pairs, **more)`."""
        if len(args) == 1 and not hasattr(args[0], "keys"):
            return dict(self.budget.collected(args[0]), **kwargs)
        return dict(*args, **kwargs)

    # Numbers and texts.

    def integer(self, *args: Any, **kwargs: Any) -> int:
        """`int(value, base)`."""
        value = int(*args, **kwargs)
        self.budget.bits(value.bit_length())
        return value

    def string(self, *args: Any, **kwargs: Any) -> str:
        """`str(value)` or `str(bytes, encoding)`."""
        return self.formatting.text(args[0]) if len(args) == 1 and not kwargs else str(*args, **kwargs)

    def octets(self, *args: Any, **kwargs: Any) -> bytes:
        """`bytes(...)`."""
        if len(args) == 1 and not kwargs:
            if isinstance(args[0], int):
                self.budget.text(args[0])
            elif type(args[0]) not in SIZED:
                return bytes(list(self.budget.collected(args[0])))
        return bytes(*args, **kwargs)

    def ascii(self, value: Any, /) -> Any:
        """`ascii(value)`."""
        return self.formatting.converted(value, "a")

    def id(self, value: Any, /) -> int:
        """`id(value)`, as a number of this run."""
        return self.formatting.identity(id(value))

    def pow(self, *args: Any, **kwargs: Any) -> Any:
        """`pow(base, exp, mod=None)`."""
        if len(args) == 2 and not kwargs:
            return self.operators.apply("**", pow, *args)
        for value in (*args, *kwargs.values()):
            if type(value) is int:
                self.budget.bits(value.bit_length())
        return pow(*args, **kwargs)

    def divmod(self, *args: Any) -> Any:
        """`divmod(a, b)`."""
        return self.operators.apply("divmod", divmod, *args)

    def round(self, *args: Any, **kwargs: Any) -> Any:
        """`round(number, ndigits=None)`."""
        for digits in (*args[1:], kwargs.get("ndigits")):
            if isinstance(digits, int):
                self.budget.width(abs(digits) // 2)
        return round(*args, **kwargs)

    def sum(self, iterable: Any, /, *args: Any, **kwargs: Any) -> Any:
        """`sum(iterable, start=0)`."""
        total = sum(self.budget.walk(iterable), *args, **kwargs)
        if type(total) is int:
            self.budget.bits(total.bit_length())
        elif type(total) in SIZED:
            self.operators.sized(total)
        return total

    def _extreme(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs.get("key") is not None:
            kwargs["key"] = self.key(kwargs["key"])
        if len(args) == 1:
            return function(self.budget.walk(args[0]), **kwargs)
        return function(*args, **kwargs)

    def min(self, *args: Any, **kwargs: Any) -> Any:
        """`min(iterable, key=None, default=...)` or of several values."""
        return self._extreme(min, args, kwargs)

    def max(self, *args: Any, **kwargs: Any) -> Any:
        """`max(iterable, key=None, default=...)` or of several values."""
        return self._extreme(max, args, kwargs)

    def sorted(self, *args: Any, **kwargs: Any) -> Any:
        """`sorted(iterable, key=None, reverse=False)`."""
        if len(args) != 1:
            return sorted(*args, **kwargs)
        return self._extreme(sorted, (self.budget.collected(args[0]),), kwargs)

    def all(self, iterable: Any, /) -> bool:
        """`all(iterable)`."""
        return all(self.budget.walk(iterable))

    def any(self, iterable: Any, /) -> bool:
        """`any(iterable)`."""
        return any(self.budget.walk(iterable))

    # Objects.

    def type_of(self, *args: Any) -> Any:
        """`type(value)`, or `type(name, bases, namespace)`."""
        if len(args) == 1:
            return type(args[0])
        if len(args) != 3:
            raise TypeError("type() takes 1 or 3 arguments")
        return self.access.make_class(*args)

    def make_property(self, *args: Any, **kwargs: Any) -> Any:
        """`property(...)` of the program's own functions."""
        for function in (*args, *(value for name, value in kwargs.items() if name != "doc")):
            if function is not None and not isinstance(function, str) and not self.access.is_function(function):
                raise Refused("refused.property")
        return property(*args, **kwargs)

    def getattr(self, value: Any, name: Any, default: Any = _MISSING, /) -> Any:
        """`getattr(value, name[, default])`."""
        try:
            return self.access.read_named(value, name)
        except AttributeError:
            if default is _MISSING:
                raise
            return default

    def hasattr(self, value: Any, name: Any, /) -> bool:
        """`hasattr(value, name)`: what is there but not on the list is there."""
        try:
            self.access.read_named(value, name)
        except AttributeError:
            return False
        except Refused as refusal:
            if refusal.code == "refused.dunder":
                raise
        return True

    def setattr(self, value: Any, name: Any, new: Any, /) -> None:
        """`setattr(value, name, new)`."""
        check_name(name)
        self.access.write(value, name, new)

    def delattr(self, value: Any, name: Any, /) -> None:
        """`delattr(value, name)`."""
        check_name(name)
        self.access.delete(value, name)

    def globals(self, scope: Scope) -> Any:
        """A copy of the program's variables."""
        while scope.enclosing is not None:
            scope = scope.enclosing
        return dict(scope.variables)

    def locals(self, scope: Scope) -> Any:
        """A copy of the variables of the scope."""
        return dict(scope.variables)

    def vars(self, scope: Scope, *args: Any) -> Any:
        """`vars()` or `vars(value)`."""
        return self.access.read(args[0], "__dict__") if args else dict(scope.variables)

    def dir(self, scope: Scope, *args: Any) -> Any:
        """`dir()` or `dir(value)`."""
        return dir(*args) if args else sorted(scope.variables)

    def exit(self, code: Any = None) -> None:
        """`exit(code)`."""
        raise SystemExit(code)

    # Input and output.

    def input(self, *_: Any) -> str:
        """Nobody is there to type."""
        raise Refused("refused.input")

    def print(self, *values: Any, sep: Any = None, end: Any = None, file: Any = None, **others: Any) -> None:
        """`print(...)`."""
        for name in others:
            if name != "flush":
                raise TypeError(f"'{name}' is an invalid keyword argument for print()")
        for name, text in (("sep", sep), ("end", end)):
            if text is not None and not isinstance(text, str):
                raise TypeError(f"{name} must be None or a string, not {type(text).__name__}")
        text = (" " if sep is None else sep).join([self.formatting.text(value) for value in values])
        text += "\n" if end is None else end
        if file is None or file is sys.stdout:
            self.write(text)
        elif file is not sys.stderr:
            self.access.call(self.access.read(file, "write"), (text,), {})
