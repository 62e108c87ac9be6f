"""The history of a workbench: actions on tensors, each of which becomes one statement of a program that grows.

    action (plain data)  --compose-->  statement  --History.do-->  program  (run like any other)

A history is its program's statements and how many of them are done: undo and redo walk that number. What an action may
be is one table, ACTIONS; its templates are also what the buttons say.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Literal

import msgspec

from engine import scenarios
from engine.errors import InvalidState
from engine.fills import DEVICES, DTYPES, built, literal, number
from engine.limits import DEFAULT
from engine.pasted import clean
from engine.permalink import LANGUAGE, READ_ONLY, SEED, Field, Table

FIRST = "tensors_accumulate"
"""The scenario that the page opens on."""

_NAMES = ("y", "z", "u", "v", "p", "q", "r", "s", "t")
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*|\.\d+|\[\d+\]|\['\w+'\])*")
_INTEGERS = re.compile(r"\s*-?\d{1,9}\s*(,\s*-?\d{1,9}\s*)*,?\s*")
_INDEX = re.compile(r"[\d:,\s.\-]{1,40}")

Group = Literal["operate", "reduce", "apply", "backward", "graph", "shape", "place", "move", "name"]
Hole = Literal["other", "sizes", "dims", "index", "number", "dtype", "device", "gradient"]


class Action(msgspec.Struct, frozen=True):
    """One thing to do to the tensor {a}. `template` has holes to be filled in; `{new}` is the name of the result.

    `holes` gives what stands in each hole until the reader changes it.
    """

    name: str
    group: Group
    template: str
    holes: Mapping[str, str] = {}


def _operators() -> list[Action]:
    signs = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "matmul": "@", "power": "**"}
    return [Action(name, "operate", f"{{new}} = {{a}} {sign} {{other}}") for name, sign in signs.items()]


def _calls(group: Group, *names: str) -> list[Action]:
    return [Action(name, group, f"{{new}} = {{a}}.{name}()") for name in names]


ACTIONS: Mapping[str, Action] = {
    row.name: row
    for row in (
        *_operators(),
        *_calls("reduce", "sum", "mean"),
        Action("sum_dim", "reduce", "{new} = {a}.sum(dim={dims})", {"dims": "0"}),
        *_calls("apply", "exp", "log", "sin", "relu", "sigmoid", "tanh", "sqrt", "abs"),
        Action("backward", "backward", "{a}.backward()"),
        Action("backward_retain", "backward", "{a}.backward(retain_graph=True)"),
        Action("backward_gradient", "backward", "{a}.backward(gradient={gradient})", {"gradient": ""}),
        Action("grad_none", "backward", "{a}.grad = None"),
        Action("grad_zero", "backward", "{a}.grad.zero_()"),
        *_calls("graph", "detach", "clone"),
        Action("retain_grad", "graph", "{a}.retain_grad()"),
        Action("requires_grad", "graph", "{a}.requires_grad_()"),
        Action("requires_no_grad", "graph", "{a}.requires_grad_(False)"),
        Action("no_grad", "graph", "with torch.no_grad():\n    {new} = {a} * {number}", {"number": "2"}),
        Action("hook", "graph", "{a}.register_hook(lambda grad: grad * {number})", {"number": "2"}),
        Action("hook_print", "graph", "{a}.register_hook(print)"),
        Action("view", "shape", "{new} = {a}.view({sizes})", {"sizes": "-1"}),
        Action("reshape", "shape", "{new} = {a}.reshape({sizes})", {"sizes": "-1"}),
        Action("transpose", "shape", "{new} = {a}.transpose({dims})", {"dims": "0, 1"}),
        Action("expand", "shape", "{new} = {a}.expand({sizes})", {"sizes": "2, -1"}),
        Action("unsqueeze", "shape", "{new} = {a}.unsqueeze({dims})", {"dims": "0"}),
        *_calls("shape", "squeeze", "contiguous"),
        Action("select", "shape", "{new} = {a}[{index}]", {"index": "0"}),
        Action("add_in_place", "place", "{a}.add_({number})", {"number": "1"}),
        Action("multiply_in_place", "place", "{a}.mul_({number})", {"number": "2"}),
        Action("zero_in_place", "place", "{a}.zero_()"),
        Action("copy_in_place", "place", "{a}.copy_({other})"),
        Action("update", "place", "with torch.no_grad():\n    {a} -= {number} * {a}.grad", {"number": "0.1"}),
        Action("dtype", "move", "{new} = {a}.to({dtype})", {"dtype": "float64"}),
        Action("device", "move", "{new} = {a}.to({device})", {"device": "cpu"}),
        Action("alias", "name", "{new} = {a}"),
        Action("delete", "name", "del {a}"),
    )
}
"""Everything one click can do, by name, in the order of the page."""


class History(msgspec.Struct, frozen=True):
    """Statements in order, each with the comments above it; the first `done` of them are done."""

    statements: tuple[str, ...] = ("import torch",)
    done: int = 1

    @property
    def program(self) -> str:
        """What is done, as a program."""
        return _joined(self.statements[: self.done])

    @property
    def whole(self) -> str:
        """The program with what was undone."""
        return _joined(self.statements)

    @property
    def names(self) -> set[str]:
        """Every name that the done statements give to something."""
        nodes = (node for statement in parsed(self.program) or [] for node in ast.walk(statement))
        return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}

    def do(self, *statements: str, keep: int | None = None) -> History:
        """With these statements after what is done, of which only the first `keep` stay. What was undone is gone."""
        kept = self.statements[: self.done if keep is None else min(keep, self.done)]
        now = (*(kept or ("import torch",)), *statements)
        if len(_joined(now)) > DEFAULT.source_length or _joined(now).count("\n") > DEFAULT.source_lines:
            raise InvalidState("tensors.long", limit=DEFAULT.source_lines)
        return History(now, len(now))

    def to(self, done: int) -> History:
        """At another place of the same history: undo is one less, redo one more."""
        return History(self.statements, max(1, min(done, len(self.statements))))

    def line(self, place: int) -> int:
        """The line of the program at which a statement begins, from 1, comments above it included."""
        return 1 + sum(text.count("\n") + 1 for text in self.statements[:place])

    def place(self, line: int) -> int:
        """Which statement has that line of the program."""
        return next((place for place in range(self.done - 1, 0, -1) if self.line(place) <= line), 0)


def _joined(statements: Collection[str]) -> str:
    return "".join(f"{text}\n" for text in statements)


def history(program: str, done: int | None = None) -> History:
    """The history that a program is: its statements. One that cannot be read is a single statement."""
    text, _ = clean(program)
    statements = split(text)
    if not statements or not re.search(r"^\s*(import|from)\s+torch\b", text, re.MULTILINE):
        statements = ("import torch", *statements)
    return History(statements, len(statements)).to(len(statements) if done is None else done)


def split(program: str) -> tuple[str, ...]:
    """The statements of a program as they are written: blank lines go, comments stay with what follows them."""
    lines = program.split("\n")
    starts: list[int] = []
    end = 0
    for node in parsed(program) or []:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        if first > end:
            starts.append(end + 1)
        end = node.end_lineno or first
    if not starts:
        return (program.strip("\n"),) if program.strip() else ()
    ends = [start - 1 for start in starts[1:]] + [len(lines)]
    return tuple(_trimmed(lines[start - 1 : stop]) for start, stop in zip(starts, ends, strict=True))


def _trimmed(lines: list[str]) -> str:
    """Without blank lines around it. Those inside stay: they may be part of a text."""
    return re.sub(r"\A(\s*\n)+|\s+\Z", "", "\n".join(lines))


def parsed(text: str) -> list[ast.stmt] | None:
    """The statements of a text, None where it is no Python."""
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# ---- from what a reader did to a statement


def compose(asked: Mapping[str, Any], taken: Collection[str]) -> tuple[str, ...]:
    """The statements that an action is; `taken` are the names in use. Raises InvalidState with a sentence.

    kind "line"   text                                        what the reader typed
    kind "build"  see `fills.built`                           a new tensor
    kind "do"     action, a, and its holes; new (optional)    a row of ACTIONS
    kind "cell"   a, index, text, requires_grad               one element set to another number
    """
    match asked.get("kind"):
        case "line":
            return typed(str(asked.get("text", "")))
        case "build":
            return (f"{_name(asked.get('name'), taken, first='x')} = {built(asked)}",)
        case "do":
            return (_done(asked, taken),)
        case "cell":
            return (_cell(asked),)
    raise InvalidState("tensors.unknown")


def typed(text: str) -> tuple[str, ...]:
    """What was typed, cleaned, as statements. Raises InvalidState where it is none."""
    text, _ = clean(text.strip())
    if not text.strip():
        raise InvalidState("tensors.line.empty")
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", None) or 1
        raise InvalidState("tensors.line.syntax", column=column, why=getattr(error, "msg", None) or "") from error
    return split(text)


def _done(asked: Mapping[str, Any], taken: Collection[str]) -> str:
    action = ACTIONS.get(str(asked.get("action")))
    if action is None:
        raise InvalidState("tensors.unknown")
    filled = {"a": _path(asked.get("a"))}
    if "{new}" in action.template:
        filled["new"] = _name(asked.get("new"), taken)
    for hole in holes(action):
        text = str(asked.get(hole) or action.holes.get(hole, "")).strip()
        filled[hole] = _filled(hole, text, filled["a"])
    return action.template.format(**filled)


def holes(action: Action) -> list[str]:
    """The holes of an action that a reader fills, in the order in which they stand."""
    return [name for name in re.findall(r"\{(\w+)\}", action.template) if name not in ("a", "new")]


def _filled(hole: str, text: str, target: str) -> str:
    """The text of a hole, if it may stand there."""
    match hole:
        case "sizes" | "dims" if _INTEGERS.fullmatch(text):
            return ", ".join(part.strip() for part in text.strip(", ").split(","))
        case "index" if _INDEX.fullmatch(text):
            return text
        case "number":
            return number(text)
        case "dtype" if text in DTYPES:
            return f"torch.{text}"
        case "device" if text in DEVICES:
            return f'"{text}"'
        case "other":
            return text if _PATH.fullmatch(text) else number(text)
        case "gradient":
            return _expression(text or f"torch.ones_like({target})")
    raise InvalidState(f"tensors.hole.{hole}", value=text[:40])


def _expression(text: str) -> str:
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidState("tensors.hole.gradient", value=text[:40]) from error
    return text.strip()


def _cell(asked: Mapping[str, Any]) -> str:
    """An element set in place; where its history would be recorded, under no_grad, as PyTorch asks."""
    index = asked.get("index")
    if not isinstance(index, (list, tuple)) or not all(isinstance(one, int) and one >= 0 for one in index):
        raise InvalidState("tensors.unknown")
    place = ", ".join(str(one) for one in index) or "..."
    line = f"{_path(asked.get('a'))}[{place}] = {literal(str(asked.get('text', '')))}"
    return f"with torch.no_grad():\n    {line}" if asked.get("requires_grad") else line


def _path(name: object) -> str:
    """What the page calls a tensor: a variable, or a part of one."""
    if not isinstance(name, str) or not _PATH.fullmatch(name):
        raise InvalidState("tensors.unknown")
    return name


def _name(name: object, taken: Collection[str], first: str = "") -> str:
    """The name asked for, or else one that is free."""
    asked = str(name or "").strip()
    if asked:
        if not asked.isidentifier() or asked == "torch" or asked.startswith("__") or parsed(f"{asked} = 0") is None:
            raise InvalidState("tensors.name", value=asked[:40])
        return asked
    return free_name(taken, first)


def free_name(taken: Collection[str], first: str = "") -> str:
    """A short name that no variable has."""
    candidates = ("x", "w", "b", "a", "c") if first else _NAMES
    found = next((name for name in candidates if name not in taken), None)
    return found or next(f"t{count}" for count in range(1, 10_000) if f"t{count}" not in taken)


# ---- its link


@cache
def tensors_table() -> Table:
    """The settings of the tensors page: the whole history, how much of it is done, and the selected card."""
    presets = {name: one.state for name, one in scenarios.load().items() if one.page == "tensors"}
    return Table(
        Field("scenario", "choice", FIRST, choices=tuple(presets)),
        Field("program", "program", presets[FIRST]["program"], length=DEFAULT.source_length, key="c", plain_key="code"),
        Field("done", "integer", None, low=1, high=DEFAULT.source_lines),
        SEED,
        Field("card", "text", None, length=80),
        Field("panel", "choice", None, choices=("ledger", "storage", "cells", "hooks")),
        LANGUAGE,
        READ_ONLY,
        presets=lambda: presets,
    )
