"""The readable lists of `engine/allowed/` as tables: dotted module or class name -> names.

A list is plain text: comments, `[dotted.name]` headings, one name per line. A name that is not in a list is
not there for a
program, whatever the installed library offers.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parent / "allowed"
LIBRARIES = ("torch", "numpy", "python")


def parse(text: str) -> dict[str, tuple[str, ...]]:
    """The sections of one list. Raises ValueError for a name before the first heading, and for a heading given "
    "twice."""
    sections: dict[str, list[str]] = {}
    names: list[str] | None = None
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("["):
            heading = line.strip("[]")
            if heading in sections:
                raise ValueError(f"{heading} is listed twice")
            names = sections[heading] = []
        elif line and names is None:
            raise ValueError(f"{line} stands under no heading")
        elif line and names is not None:
            names.append(line)
    return {heading: tuple(names) for heading, names in sections.items()}


@cache
def module_names() -> dict[str, tuple[str, ...]]:
    """Every module a program may import, with the names it may use of it."""
    return {
        heading: names
        for library in LIBRARIES
        for heading, names in parse((FOLDER / f"{library}.txt").read_text()).items()
    }


@cache
def type_names() -> dict[type, frozenset[str]]:
    """Every class whose instances and methods may be read, with its own names (a base's names are at the base).

    "*" admits the public fields that an instance carries; "_saved_*" any name that begins so.
    """
    table: dict[type, frozenset[str]] = {}
    for library in LIBRARIES:
        for heading, names in parse((FOLDER / f"{library}_types.txt").read_text()).items():
            cls = resolve(heading)
            table[cls] = table.get(cls, frozenset()) | frozenset(names)
    return table


@cache
def base_types() -> frozenset[type]:
    """The library classes that a program may derive its own from."""
    return frozenset(resolve(heading) for heading in section("bases.txt", "bases"))


def section(file: str, heading: str) -> tuple[str, ...]:
    """The names under one heading of one list."""
    return parse((FOLDER / file).read_text())[heading]


def resolve(dotted: str) -> Any:
    """The object of that dotted name. Raises AttributeError or ModuleNotFoundError where the library has none."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(f"No module named {dotted!r}")


@cache
def real_module(dotted: str) -> ModuleType:
    """The library's module itself: read here, never handed out."""
    return importlib.import_module(dotted)
