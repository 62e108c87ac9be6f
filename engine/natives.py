"""Classes of the program on int, float, str and tuple: what they may define.

Sizes and numbers are checked by looking at values, and an int is believed to be the int it is. So such a class adds
names, and does not replace what the base has: no `__len__`, `__index__` or `bit_length` of its own.
"""

from __future__ import annotations

import enum
from typing import Any

from engine.errors import Refused

BASES: tuple[Any, ...] = (int, float, str, tuple)
"""Types of Python's own whose values never change, that a class may derive from."""

_FREE = frozenset(
    {
        *("__new__", "__init__", "__repr__", "__str__", "__doc__", "__module__", "__qualname__", "__slots__"),
        *("__annotations__", "__init_subclass__", "__class_getitem__", "__class__", "__dict__"),
    }
)
"""What the base has and a class on it may define again: nothing that a check asks."""


def base_of(bases: tuple[Any, ...]) -> Any:
    """The one of BASES that a class on these derives from, or None; a record (NamedTuple) is none of it."""
    for base in bases:
        if isinstance(base, type) and not hasattr(base, "_fields"):
            found = next((one for one in BASES if issubclass(base, one)), None)
            if found is not None:
                return found
    return None


def check_name(base: type, name: str) -> None:
    """Refuse a name that replaces what the base has."""
    if hasattr(base, name) and name not in _FREE:
        raise Refused("refused.native", name=name, type=base.__name__)


def check_names(base: type, namespace: dict[str, Any], bases: tuple[Any, ...]) -> None:
    """Likewise for all names of a class that is about to be made. An enumeration may call its members as it likes."""
    members = any(isinstance(one, type) and issubclass(one, enum.Enum) for one in bases)
    for name, value in namespace.items():
        if not members or callable(value) or hasattr(value, "__get__"):
            check_name(base, name)


def plain(base: type, value: Any) -> Any:
    """The value as one of exactly that type."""
    if base is str:
        return str.__str__(value)
    if base is tuple:
        return tuple(tuple.__iter__(value))
    return int.__int__(value) if base is int else float.__float__(value)
