"""State <-> link: one table per page drives both directions.

    state (name -> value)  --Table.encode-->  query (key -> text)  --Table.decode-->  state, problems

A link says only what differs from the defaults, or from the scenario it names. Decoding never raises: what is wrong in
a link becomes a Problem (a message id with parameters) and the default stands in its place.

`embed` and `embed_options` belong to Streamlit, which hides them from the page and refuses to write them: they are no
fields, `decode` passes over them, and `address` can add the first.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias
from urllib.parse import quote, urlencode

from engine import scenarios
from engine.errors import Parameters
from engine.limits import DEFAULT
from engine.messages import LANGUAGES

Setting: TypeAlias = bool | int | float | str | None
State: TypeAlias = dict[str, Setting]

LINK_LENGTH = 6_000
"""Characters of query that every proxy and chat tool still carries whole (nginx takes 8 KiB for the line)."""

_SHOWN = 40  # characters of a stranger's text that a sentence repeats
_RESERVED = frozenset({"embed", "embed_options"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?")
_BASE64 = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a link, as a message id with parameters."""

    code: str
    params: Parameters = field(default_factory=dict)


class _Wrong(Exception):
    """A text that is no value of its field; carries the problem, never leaves this module."""

    def __init__(self, code: str, **params: str | int | float) -> None:
        super().__init__(code)
        self.problem = Problem(code, params)


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a table: a setting, what it may be, and how it is written.

    kind     the value in the state          the text in the link
    flag     bool                            "true" or "false"
    integer  int, low <= value <= high       decimal digits
    number   float, finite, in the range     the shortest text that gives the same float
    choice   one of `choices`                itself
    text     str of at most `length`         itself
    program  str of at most `length`         `key` = zlib and base64url where that is shorter, else `plain_key` = itself

    `key` is its name in the link, the field's own name unless given. A default of None makes the field optional: its
    value may be None, written as an empty text.
    """

    name: str
    kind: Literal["flag", "integer", "number", "choice", "text", "program"]
    default: Setting
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    length: int = 200
    key: str = ""
    plain_key: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys under which it may stand in a link."""
        return tuple(key for key in (self.key or self.name, self.plain_key) if key)

    def problem(self, value: object) -> Problem | None:
        """Why `value` may not be this setting, or None where it may. For what widgets, files and callers give."""
        try:
            self._check(value)
        except _Wrong as wrong:
            return wrong.problem
        return None

    def write(self, value: Setting) -> tuple[str, str]:
        """(key, text) of a valid value."""
        key = self.keys[0]
        if value is None:
            return key, ""
        if self.kind == "flag":
            return key, "true" if value else "false"
        if self.kind == "program":
            return _write_program(self, str(value))
        return key, repr(float(value)) if self.kind == "number" else str(value)

    def read(self, key: str, text: str) -> Setting:
        """The value that this text means. Raises _Wrong."""
        value = self._parse(key, text)
        self._check(value)
        return value

    def _parse(self, key: str, text: str) -> Setting:
        if text == "" and self.default is None:
            return None
        match self.kind:
            case "flag":
                if text.lower() not in ("true", "false", "1", "0"):
                    raise _Wrong("link.flag", name=key, value=_shown(text))
                return text.lower() in ("true", "1")
            case "integer":
                if not _INTEGER.fullmatch(text):
                    raise _Wrong("link.integer", name=key, value=_shown(text))
                return int(text)
            case "number":
                if not _NUMBER.fullmatch(text):
                    raise _Wrong("link.number", name=key, value=_shown(text))
                return float(text)
            case "program":
                text = _unpack(text, self.length) if key != self.plain_key else text
                return _lines(text)
            case _:
                return text

    def _check(self, value: object) -> None:
        key = self.keys[0]
        if value is None and self.default is None:
            return
        if self.kind == "flag":
            if not isinstance(value, bool):
                raise _Wrong("link.flag", name=key, value=_shown(value))
        elif self.kind in ("integer", "number"):
            whole = self.kind == "integer"
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise _Wrong(f"link.{self.kind}", name=key, value=_shown(value))
            assert isinstance(value, (int, float))
            if not (self.low <= value <= self.high and math.isfinite(value)):
                raise _Wrong("link.range", name=key, value=_shown(value), low=_plain(self.low), high=_plain(self.high))
        elif not isinstance(value, str):
            raise _Wrong("link.text", name=key, value=_shown(value))
        elif self.kind == "choice" and value not in self.choices:
            raise _Wrong("link.choice", name=key, value=_shown(value))
        elif self.kind != "choice" and len(value) > self.length:
            raise _Wrong("link.long", name=key, length=len(value), limit=self.length)


class Table:
    """The settings of one page.

    `presets` gives, by scenario name, the settings in which each scenario differs from the defaults; it is called when
    it is first needed. The field called "scenario" names one of them.
    """

    def __init__(self, *fields: Field, presets: Callable[[], Mapping[str, Mapping[str, Setting]]] = dict) -> None:
        self.fields = fields
        self._presets = cache(presets)
        self._keys = {key: row for row in fields for key in row.keys}
        if len(self._keys) != sum(len(row.keys) for row in fields):
            raise ValueError("two fields share a key")

    def defaults(self, scenario: Setting = None) -> State:
        """Every setting where a link says nothing, or only `scenario=`. An unknown scenario changes nothing."""
        state: State = {row.name: row.default for row in self.fields}
        name = state.get("scenario") if scenario is None else scenario
        if name in self._presets():
            state |= {**self._presets()[str(name)], "scenario": name}
        return state

    def encode(self, state: Mapping[str, Setting]) -> dict[str, str]:
        """What differs from the defaults, in the order of the fields. A setting that `state` lacks is at its default.

        Raises KeyError for a setting that the table lacks.
        """
        if unknown := state.keys() - {row.name for row in self.fields}:
            raise KeyError(", ".join(sorted(unknown)))
        start = {row.name: row.default for row in self.fields}
        base = self.defaults(state.get("scenario"))
        query: dict[str, str] = {}
        for row in self.fields:
            value = state.get(row.name, base[row.name])
            if value != (start if row.name == "scenario" else base)[row.name]:
                key, text = row.write(value)
                query[key] = text
        return query

    def decode(self, query: Mapping[str, object]) -> tuple[State, list[Problem]]:
        """The whole state that a link means, and what was wrong with it. Never raises, whatever the query holds."""
        problems: list[Problem] = []
        given: State = {}
        for key, text in query.items():
            row = self._keys.get(key)
            if row is None:
                if key not in _RESERVED:
                    problems.append(Problem("link.unknown", {"name": _shown(key)}))
                continue
            if row.name in given and key == row.plain_key:
                problems.append(Problem("link.twice", {"name": key, "other": row.keys[0]}))
                continue
            try:
                given[row.name] = row.read(key, _last(text))
            except _Wrong as wrong:
                problems.append(wrong.problem)
        return self.defaults(given.get("scenario")) | given, _few(problems)


def address(base: str, query: Mapping[str, str], *, embed: bool = False) -> tuple[str, Problem | None]:
    """The whole link (`base` is the page's own address), and a problem where it is too long to be passed on by hand:
    then the page offers the program as a file instead."""
    text = urlencode(dict(query) | ({"embed": "true"} if embed else {}))
    link = f"{base}?{text}" if text else base
    problem = Problem("link.too_long", {"length": len(link), "limit": LINK_LENGTH}) if len(text) > LINK_LENGTH else None
    return link, problem


def _last(text: object) -> str:
    """A key given several times counts as given last."""
    if isinstance(text, (list, tuple)):
        text = text[-1] if text else ""
    return text if isinstance(text, str) else str(text)


def _few(problems: list[Problem], most: int = 5) -> list[Problem]:
    """A hostile link may have a thousand faults; nobody reads more than a handful."""
    if len(problems) <= most:
        return problems
    return [*problems[: most - 1], Problem("link.more", {"count": len(problems) - most + 1})]


def _shown(value: object) -> str:
    """A stranger's text cut short, without anything that a page could take for markup."""
    text = value if isinstance(value, str) else str(value)
    clean = re.sub(r"[^\w.+\- ]", "?", text[:_SHOWN])
    return clean + "…" if len(text) > _SHOWN else clean


def _plain(bound: float) -> str:
    return f"{bound:.10g}"


def _lines(text: str) -> str:
    """Browsers and editors disagree about the ends of lines; a program has one kind."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _write_program(row: Field, text: str) -> tuple[str, str]:
    key, packed = row.keys[0], _pack(_lines(text))
    if row.plain_key and len(row.plain_key) + len(quote(text, safe="")) <= len(key) + len(packed):
        return row.plain_key, _lines(text)
    return key, packed


def _pack(text: str) -> str:
    content = zlib.compress(text.encode("utf-8", "replace"), 9)
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def _unpack(packed: str, length: int) -> str:
    """The text of at most `length` characters that was packed; no more than that is ever unpacked."""
    most = 4 * length  # bytes of UTF-8
    if not _BASE64.fullmatch(packed):
        raise _Wrong("link.program.broken")
    try:
        content = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        stream = zlib.decompressobj()
        raw = stream.decompress(content, most + 1)
        if len(raw) > most:
            raise _Wrong("link.program.long", limit=length)
        if not stream.eof:
            raise _Wrong("link.program.cut")
        if stream.unused_data:
            raise _Wrong("link.program.broken")
        text = raw.decode("utf-8")
    except (binascii.Error, zlib.error, UnicodeDecodeError) as error:
        raise _Wrong("link.program.broken") from error
    if len(text) > length:
        raise _Wrong("link.program.long", limit=length)
    return text


LANGUAGE = Field("lang", "choice", None, choices=LANGUAGES)
"""The language asked for; None leaves it to the browser."""

READ_ONLY = Field("read_only", "flag", False)
"""Controls that change the state are hidden: for a page embedded in another."""

SEED = Field("seed", "integer", 0, low=0, high=2**32 - 1)

FIRST = "chain_rule"
"""The scenario that the program page opens on."""


@cache
def program_table() -> Table:
    """The settings of the program page."""
    programs = {name: one for name, one in scenarios.load().items() if one.page == "program"}
    return Table(
        Field("scenario", "choice", FIRST, choices=tuple(programs)),
        Field("program", "program", programs[FIRST].program, length=DEFAULT.source_length, key="c", plain_key="code"),
        SEED,
        Field("step", "integer", None, low=1, high=DEFAULT.statements),
        Field("part", "integer", None, low=0, high=DEFAULT.autograd_nodes),
        Field("node", "integer", None, low=0, high=DEFAULT.autograd_nodes),
        Field("view", "choice", None, choices=("right", "down")),
        LANGUAGE,
        READ_ONLY,
        presets=lambda: {name: {"program": one.program, **one.state} for name, one in programs.items()},
    )
