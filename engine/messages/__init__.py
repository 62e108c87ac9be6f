"""Every sentence of ours, in English and Simplified Chinese.

A sentence is a row of one of the area files here: a message id, the English and the Chinese template. Templates take
their parameters by name, `{line}`. PyTorch's own messages are never in here: they stay verbatim.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

Rows = Mapping[str, tuple[str, str]]
"""What an area file exports as ROWS: message id -> (English, Simplified Chinese)."""


@cache
def catalogue() -> Mapping[str, tuple[str, str]]:
    """All rows of all area files. Raises ValueError where two files give one id."""
    rows: dict[str, tuple[str, str]] = {}
    for module in pkgutil.iter_modules(__path__):
        area: Rows = importlib.import_module(f"{__name__}.{module.name}").ROWS
        if twice := rows.keys() & area.keys():
            raise ValueError(f"{module.name} gives again: {sorted(twice)}")
        rows.update(area)
    return rows


def render(code: str, params: Mapping[str, object] | None = None, language: Language = "en") -> str:
    """The sentence of that id with its parameters put in, literally: a parameter is never itself read as a template.

    Raises KeyError for an id that no area file has, or a parameter that is missing.
    """
    template = catalogue()[code][LANGUAGES.index(language)]
    params = params or {}
    return "".join(
        literal + ("" if name is None else format(params[name], spec or ""))
        for literal, name, spec, _ in Formatter().parse(template)
    )


def area(prefix: str, language: Language = "en") -> dict[str, str]:
    """The raw templates whose id starts with `prefix`, by id: what a browser component is given to speak with."""
    column = LANGUAGES.index(language)
    return {code: row[column] for code, row in catalogue().items() if code.startswith(prefix)}
