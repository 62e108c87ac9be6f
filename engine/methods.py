"""The methods of Python's own types: which there are, and the ones that need a check because they can make much of
little."""

from __future__ import annotations

import types
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from engine.errors import LimitReached
from engine.limits import DEFAULT
from engine.program import OPERATORS

if TYPE_CHECKING:
    from engine.python import Python


class Map(map):  # type: ignore[type-arg]
    """`map` that knows how many iterators it stands on."""

    __slots__ = ("depth",)


class Filter(filter):  # type: ignore[type-arg]
    """`filter` that knows how many iterators it stands on."""

    __slots__ = ("depth",)


class Zip(zip):  # type: ignore[type-arg]
    """`zip` that knows how many iterators it stands on."""

    __slots__ = ("depth",)


class Enumerate(enumerate):  # type: ignore[type-arg]
    """`enumerate` that knows how many iterators it stands on."""

    __slots__ = ("depth",)


LAZY: dict[type, type] = {map: Map, filter: Filter, zip: Zip, enumerate: Enumerate}
for _plain, _ours in LAZY.items():
    _ours.__name__ = _ours.__qualname__ = _plain.__name__
    _ours.__module__ = "builtins"


DEPTHS: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
"""On how many lazy iterators those stand that cannot say it themselves."""


def depth_of(value: Any) -> int:
    """On how many lazy iterators of ours this value stands."""
    kind = type(value)
    if kind is types.GeneratorType or kind.__name__ == "_tee":
        return DEPTHS.get(value, 0)
    return int(value.depth) if kind.__module__ in ("builtins", "itertools") and hasattr(kind, "depth") else 0


def deepened(values: Iterable[Any], limit: int = DEFAULT.iterator_nesting) -> int:
    """The depth of an iterator over these, which is within the limit."""
    depth = 1 + max(map(depth_of, values), default=0)
    if depth > limit:
        raise LimitReached("limit.iterators", limit=limit)
    return depth


_GROWING = {f"__{way}{name}__" for way in ("", "r", "i") for name in ("mul", "pow", "lshift", "mod", "add")} | {
    "__format__"
}


def _public(kind: type) -> frozenset[str]:
    """A type of Python's own: its public methods, and the operator methods it has. All only touch their own value; the
    operators that can make much of little are written as operators, where they are checked."""
    return frozenset(name for name in dir(kind) if not name.startswith("_") or name in OPERATORS - _GROWING)


METHODS: dict[type, frozenset[str]] = {
    kind: _public(kind)
    for kind in (
        *(str, bytes, int, bool, float, complex, list, tuple, dict, set, frozenset, range, slice, property, object),
        *(type(None), type(...), type(NotImplemented), *LAZY.values()),
        *(type({}.keys()), type({}.values()), type({}.items()), types.MappingProxyType),
        *(type(iter(())), type(iter([])), type(iter({})), type(iter("")), type(iter(range(0))), type(iter(set()))),
    )
} | {types.GeneratorType: frozenset({"send", "throw", "close", "__next__", "__iter__"})}
"""What may be read on a value of exactly that type."""

Guard = Callable[..., Any]


def guards(python: Python) -> dict[tuple[type, str], Guard]:
    """The methods that are checked, by type and name; each takes the value first and does what the real one does."""
    budget, formatting = python.budget, python.formatting

    def join(value: Any, /, *args: Any) -> Any:
        if len(args) != 1:
            return value.join(*args)
        parts = list(budget.walk(args[0]))
        total = sum(len(part) for part in parts if type(part) is type(value)) + len(value) * max(len(parts) - 1, 0)
        budget.text(total)
        return value.join(parts)

    def replace(value: Any, /, *args: Any, **kwargs: Any) -> Any:
        if len(args) > 1 and type(args[0]) is type(args[1]) is type(value):
            growth = len(args[1]) - len(args[0])
            budget.text(len(value) + max(growth, 0) * value.count(args[0]))
        return value.replace(*args, **kwargs)

    def padded(name: str) -> Guard:
        def pad(value: Any, /, *args: Any, **kwargs: Any) -> Any:
            for width in (*args, *kwargs.values()):
                if isinstance(width, int):
                    budget.text(
                        max(width, 0)
                        * (value.count(b"\t" if type(value) is bytes else "\t") + 1 if name == "expandtabs" else 1)
                    )
            return getattr(value, name)(*args, **kwargs)

        return pad

    def translate(value: Any, /, *args: Any, **kwargs: Any) -> Any:
        if args and type(args[0]) is dict:
            longest = max((len(new) for new in args[0].values() if type(new) is str), default=1)
            budget.text(len(value) * max(longest, 1))
        return value.translate(*args, **kwargs)

    def growing(name: str) -> Guard:
        def grow(value: Any, /, *args: Any, **kwargs: Any) -> Any:
            result = getattr(value, name)(*args, **kwargs)
            budget.container(len(value))
            return result

        return grow

    def gathering(name: str) -> Guard:
        """A method that walks its arguments: iterators are counted first, and mappings are left as they are."""

        def gather(value: Any, /, *args: Any, **kwargs: Any) -> Any:
            walked = [argument if hasattr(argument, "keys") else list(budget.collected(argument)) for argument in args]
            result = getattr(value, name)(*walked, **kwargs)
            budget.container(len(result if result is not None else value))
            return result

        return gather

    def sort(value: Any, /, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("key") is not None:
            kwargs["key"] = python.key(kwargs["key"])
        return value.sort(*args, **kwargs)

    def to_bytes(value: Any, /, *args: Any, **kwargs: Any) -> Any:
        for length in (*args, *kwargs.values()):
            if type(length) is int:
                budget.text(length)
        return value.to_bytes(*args, **kwargs)

    def counted(name: str) -> Guard:
        def count(value: Any, /, *args: Any, **kwargs: Any) -> Any:
            result = getattr(value, name)(*args, **kwargs)
            if type(result) is int:
                budget.bits(result.bit_length())
            return result

        return count

    def fill(value: str, /, *args: Any, **kwargs: Any) -> str:
        return formatting.fill(value, args, kwargs)

    def fill_map(value: str, /, mapping: Any) -> str:
        return formatting.fill(value, (), mapping)

    def fromkeys(value: Any, /, *args: Any) -> Any:
        return dict.fromkeys(list(budget.collected(args[0])), *args[1:]) if args else value.fromkeys()

    found: dict[tuple[type, str], Guard] = {
        (str, "format"): fill,
        (str, "format_map"): fill_map,
        (list, "sort"): sort,
        (dict, "fromkeys"): fromkeys,
        (type, "fromkeys"): fromkeys,
        (int, "to_bytes"): to_bytes,
        (bool, "to_bytes"): to_bytes,
        (type, "from_bytes"): counted("from_bytes"),
    }
    for text in (str, bytes):
        found |= {(text, "join"): join, (text, "replace"): replace, (text, "translate"): translate}
        found |= {(text, name): padded(name) for name in ("center", "ljust", "rjust", "zfill", "expandtabs")}
    found |= {(list, name): growing(name) for name in ("append", "insert")}
    found |= {(dict, "setdefault"): growing("setdefault"), (set, "add"): growing("add")}
    found |= {(kind, "update"): gathering("update") for kind in (dict, set)}
    found |= {(list, "extend"): gathering("extend"), (set, "union"): gathering("union")}
    return found
