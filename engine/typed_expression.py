"""What a reader typed, as an expression of PyTorch: the variables found in it, and where each part of it stands.

    "sin(x*y) + x^2"  --read-->  Typed(torch="torch.sin(x * y) + x ** 2", variables=("x", "y"))

Two spellings are read, alone or mixed: that of mathematics (`sin(x)`, `x^2`, `2x`, `π`) and that of PyTorch
(`torch.sin(x)`, `F.relu(x)`, `x.sin()`, `x ** 2`). Nothing is evaluated here: the text is parsed by Python's `ast`, and
only a handful of kinds of nodes pass. What PyTorch itself makes of it is for the run to say.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import keyword
import math
import re

import msgspec

from engine.errors import EngineError
from engine.expression_words import (
    CALLED,
    FUNCTIONAL,
    LAST_DIMENSION,
    LINALG,
    OF_DIMENSIONS,
    OF_LISTS,
    OTHER_WORDS,
    RECIPROCAL,
    REDUCED,
    TORCH,
)
from engine.math_spelling import python

LENGTH_LIMIT = 300
VARIABLES_LIMIT = 8
DEPTH_LIMIT = 40
CALLS_LIMIT = 60

_CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}
_FOREIGN = ("math", "np", "numpy")
_MODULES = ("torch", "F", "math", "nn", "np", "numpy")
_BINARY = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult, ast.Mod, ast.FloorDiv)
_DIVIDED = (ast.Div, ast.FloorDiv, ast.Mod)
_EQUATION = re.compile(r"[a-zA-Z,.\s]*(->[a-zA-Z.\s]*)?")
_COMPARED = (ast.Gt, ast.Lt, ast.GtE, ast.LtE, ast.Eq, ast.NotEq)


class InvalidExpression(EngineError):
    """The text is no expression we can read. `at` is the half-open range of characters of the text that is wrong."""

    def __init__(self, code: str, at: tuple[int, int], **params: str | int | float) -> None:
        super().__init__(code, None, **params)
        self.at = at


class Typed(msgspec.Struct, frozen=True):
    """An expression that was read.

    `torch` is the same in PyTorch's spelling, for a program that imports torch (and F, where `functional`).
    `variables` are in the order in which they appear. `ranks` says of each how many dimensions it seems to have, judged
    by what is done with it: 0, 1 or 2. `places` gives, for the PyTorch spelling of each part, where it was typed.
    """

    text: str
    torch: str
    variables: tuple[str, ...]
    ranks: dict[str, int]
    places: dict[str, tuple[int, int]]
    functional: bool = False

    def place(self, part: str) -> tuple[int, int] | None:
        """Where the part with that PyTorch spelling was typed; None where it is none of the parts."""
        return self.places.get(_plain(part))


def _plain(part: str) -> str:
    return re.sub(r"\s+", "", part)


def read(text: str) -> Typed:
    """The expression in the text. Raises InvalidExpression with the characters that are wrong."""
    if not text.strip():
        raise InvalidExpression("expressions.wrong.empty", (0, 0))
    if len(text) > LENGTH_LIMIT:
        raise InvalidExpression("expressions.wrong.long", (LENGTH_LIMIT, len(text)), limit=LENGTH_LIMIT)
    source, origin = python(text, CALLED)
    _brackets(source, origin)
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _syntax(error, source, origin) from None
    reader = _Reader(source, origin)
    spelled = reader.read(tree, 0)
    if len(reader.variables) > VARIABLES_LIMIT:
        raise InvalidExpression("expressions.wrong.variables", (0, len(text)), limit=VARIABLES_LIMIT)
    if not reader.variables:
        raise InvalidExpression("expressions.wrong.constant", (0, len(text)))
    return Typed(
        text,
        ast.unparse(spelled),
        tuple(reader.variables),
        {name: reader.ranks.get(name, 0) for name in reader.variables},
        reader.places,
        reader.functional,
    )


def _brackets(source: str, origin: list[int]) -> None:
    """Python says of an open bracket only that the end came too soon; a reader wants to know which one."""
    pairs, open_ = {")": "(", "]": "["}, []
    for place, sign in enumerate(source):
        if sign in "([":
            open_.append(place)
        elif sign in pairs:
            if not open_ or source[open_[-1]] != pairs[sign]:
                raise InvalidExpression("expressions.wrong.closed", _range(origin, place, place + 1), sign=sign)
            open_.pop()
    if not open_ and "|" in source:
        open_ = [source.rindex("|")]
    if open_:
        place = open_[-1]
        raise InvalidExpression("expressions.wrong.open", _range(origin, place, place + 1), sign=source[place])


def _range(origin: list[int], start: int, end: int) -> tuple[int, int]:
    last = len(origin) - 1
    first = origin[min(start, last)]
    return first, max(origin[min(end - 1, last)] + 1, first) if end > start else first


def _syntax(error: Exception, source: str, origin: list[int]) -> InvalidExpression:
    place = len(source)
    if isinstance(error, SyntaxError) and error.offset is not None:
        place = max(len(source.encode()[: error.offset - 1].decode("utf-8", "ignore")), 0)
    if place >= len(source.rstrip()) or re.search(r"[-+*/@%,]\s*$", source):
        return InvalidExpression("expressions.wrong.unfinished", _range(origin, len(source), len(source)))
    found = re.match(r"\w+|.", source[place:])
    part = found.group() if found else source[place]
    return InvalidExpression("expressions.wrong.syntax", _range(origin, place, place + len(part)), part=part)


class _Reader:
    """Turns a tree into PyTorch's spelling, and notes variables, their ranks, and the place of every part."""

    def __init__(self, source: str, origin: list[int]) -> None:
        self.variables: list[str] = []
        self.ranks: dict[str, int] = {}
        self.places: dict[str, tuple[int, int]] = {}
        self.functional = False
        self._bytes = source.encode()
        self._origin = origin
        self._calls = 0

    def read(self, node: ast.AST, depth: int) -> ast.expr:
        """That node in PyTorch's spelling."""
        if depth > DEPTH_LIMIT:
            raise self._wrong("deep", node)
        spelled = self._spell(node, depth + 1)
        self.places.setdefault(_plain(ast.unparse(spelled)), self._place(node))
        return spelled

    def _spell(self, node: ast.AST, depth: int) -> ast.expr:
        match node:
            case ast.Constant(value=bool() | int() | float()):
                return node
            case ast.Name():
                return self._name(node)
            case ast.BinOp() if isinstance(node.op, _BINARY):
                if isinstance(node.op, _DIVIDED) and _is_zero(node.right) and _is_number(node.left):
                    raise self._wrong("zero", node)
                if isinstance(node.op, ast.MatMult):
                    self._product(node)
                if isinstance(node.op, ast.Pow) and isinstance(node.left, ast.Name) and node.left.id == "e":
                    return self._known("exp", [self.read(node.right, depth)], [])
                return ast.BinOp(self.read(node.left, depth), node.op, self.read(node.right, depth))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return ast.UnaryOp(node.op, self.read(node.operand, depth))
            case ast.Compare(ops=[one]) if isinstance(one, _COMPARED):
                return ast.Compare(self.read(node.left, depth), node.ops, [self.read(node.comparators[0], depth)])
            case ast.Call():
                return self._call(node, depth)
            case ast.Attribute():
                return self._attribute(node, depth)
            case ast.Subscript():
                self._rank(node.value, 2 if isinstance(node.slice, ast.Tuple) else 1)
                return ast.Subscript(self.read(node.value, depth), self._index(node.slice, depth), ast.Load())
            case ast.List():
                return self._stacked(node, depth)
            case ast.Tuple():
                raise self._wrong("comma", node)
        raise self._wrong("part", node, part=self._text(node)[:30])

    def _name(self, node: ast.Name) -> ast.expr:
        name = node.id
        if name in _CONSTANTS:
            return ast.Constant(_CONSTANTS[name])
        if name in _MODULES:
            raise self._wrong("module", node, name=name)
        if name in CALLED:
            raise self._wrong("argument", node, name=name)
        if (
            name == "nan"
            or hasattr(builtins, name)
            or keyword.issoftkeyword(name)
            or name.startswith("_")
            or name.endswith("_")
        ):
            raise self._wrong("name", node, name=name)
        if name not in self.variables:
            self.variables.append(name)
        return node

    def _call(self, node: ast.Call, depth: int) -> ast.expr:
        self._calls += 1
        if self._calls > CALLS_LIMIT:
            raise self._wrong("deep", node)
        if any(keyword_.arg is None for keyword_ in node.keywords):
            raise self._wrong("part", node, part=self._text(node)[:30])
        arguments = [self._argument(node, place, depth) for place in range(len(node.args))]
        options = [ast.keyword(one.arg, self._list(one.value, depth)) for one in node.keywords]
        if not isinstance(node.func, ast.Name):
            function = self._function(node.func, depth)
            return ast.Call(function, arguments, options)
        written = node.func.id
        name = OTHER_WORDS.get(written, written)
        if name in RECIPROCAL and len(arguments) == 1:
            return ast.BinOp(ast.Constant(1), ast.Div(), self._known(RECIPROCAL[name], arguments, []))
        if name not in (*TORCH, *FUNCTIONAL, *LINALG):
            if name in self.variables or (len(name) == 1 and name.isalpha()):
                raise self._wrong("times", node.func, name=name)
            close = difflib.get_close_matches(name, [*TORCH, *FUNCTIONAL, *LINALG, *OTHER_WORDS], 1, 0.6)
            raise self._wrong("close" if close else "function", node.func, name=name, close=close[0] if close else "")
        if not arguments:
            raise self._wrong("argument", node.func, name=name)
        if name in REDUCED:
            for one in node.args:
                self._rank(one, 1)
        if name in LINALG or name in ("trace", "tril", "triu"):
            self._rank(node.args[0], 2)
        if name == "cross_entropy" or (name == "solve" and len(node.args) > 1):
            self._rank(node.args[name == "solve"], 1)
        return self._known(name, arguments, options)

    def _argument(self, call: ast.Call, place: int, depth: int) -> ast.expr:
        """An argument of a call: lists of tensors and of dimensions stay lists, einsum has its equation."""
        node, name = call.args[place], call.func.id if isinstance(call.func, ast.Name) else ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if place == 0 and ast.unparse(call.func) in ("einsum", "torch.einsum") and _EQUATION.fullmatch(node.value):
                for operand, one in zip(node.value.partition("->")[0].split(","), call.args[1:], strict=False):
                    self._rank(one, min(len(operand.strip()), 2))
                return node
        elif not name or name in OF_LISTS or (place and name in OF_DIMENSIONS):
            return self._list(node, depth)
        return self.read(node, depth)

    def _list(self, node: ast.expr, depth: int) -> ast.expr:
        """The same, where a list may stay a list."""
        if isinstance(node, (ast.List, ast.Tuple)):
            return type(node)([self.read(one, depth) for one in node.elts], ast.Load())
        return self.read(node, depth)

    def _stacked(self, node: ast.List, depth: int) -> ast.expr:
        """[x*y, 2] as a tensor of its elements."""
        if not node.elts:
            raise self._wrong("part", node, part="[]")
        if (numbers := _numbers(node)) is not None:
            return _function("torch", "tensor", [numbers])
        parts = [self.read(one, depth) for one in node.elts]
        parts = [
            _function("torch", "tensor", [ast.Constant(float(_value(one)))]) if _is_number(one) else one
            for one in parts
        ]
        return _function("torch", "stack", [ast.List(parts, ast.Load())])

    def _known(self, name: str, arguments: list[ast.expr], options: list[ast.keyword]) -> ast.expr:
        """The call of a function that is known by its bare name."""
        numbers = [one for one in arguments if _is_number(one)]
        if name in ("max", "min") and len(arguments) == 2:
            if len(numbers) == 1:
                (number,), (other,) = numbers, [one for one in arguments if one is not numbers[0]]
                return _function("torch", "clamp", [other], [ast.keyword("min" if name == "max" else "max", number)])
            name += "imum"
        if name in ("max", "min") and len(arguments) > 2:
            *rest, last = arguments
            return self._known(name, [self._known(name, rest, []), last], [])
        if name == "log" and len(arguments) == 2:
            above, base = (self._known("log", [one], []) for one in arguments)
            return ast.BinOp(above, ast.Div(), base)
        if numbers and len(numbers) == len(arguments) and name != "pow":
            arguments = [
                _function("torch", "tensor", [ast.Constant(float(_value(arguments[0])))]),
                *arguments[1:],
            ]
        if name == "cross_entropy" and len(arguments) == 2 and _is_number(arguments[1]):
            arguments[1] = _function("torch", "tensor", [arguments[1]])
        if name in LAST_DIMENSION and len(arguments) == 1 and not options:
            options = [ast.keyword("dim", ast.UnaryOp(ast.USub(), ast.Constant(1)))]
        if name in FUNCTIONAL:
            self.functional = True
            return _function("F", name, arguments, options)
        return _function("torch.linalg" if name in (*LINALG, "norm") else "torch", name, arguments, options)

    def _function(self, node: ast.expr, depth: int) -> ast.expr:
        """What is called where it is no bare name: torch.sin, F.relu, or a method of a part."""
        path = ast.unparse(node).split(".")
        if path[0] == "torch" and all(map(str.isidentifier, path)) and not any(one.startswith("_") for one in path):
            return node
        if path[0] == "F" and len(path) == 2:
            self.functional = True
            return node
        if path[0] in _FOREIGN and len(path) == 2:
            return ast.parse(f"torch.{path[1]}", mode="eval").body
        if not isinstance(node, ast.Attribute) or node.attr.startswith("_"):
            raise self._wrong("part", node, part=self._text(node)[:30])
        if node.attr in REDUCED:
            self._rank(node.value, 1)
        return ast.Attribute(self.read(node.value, depth), node.attr, ast.Load())

    def _attribute(self, node: ast.Attribute, depth: int) -> ast.expr:
        if node.attr in _CONSTANTS and ast.unparse(node.value) in ("torch", *_FOREIGN):
            return ast.Constant(_CONSTANTS[node.attr])
        if node.attr not in ("T", "mT"):
            raise self._wrong("attribute", node, name=node.attr)
        self._rank(node.value, 2)
        return ast.Attribute(self.read(node.value, depth), node.attr, ast.Load())

    def _index(self, node: ast.AST, depth: int) -> ast.expr:
        match node:
            case ast.Slice():
                parts = (
                    None if one is None else self._index(one, depth) for one in (node.lower, node.upper, node.step)
                )
                return ast.Slice(*parts)
            case ast.Tuple():
                return ast.Tuple([self._index(one, depth) for one in node.elts], ast.Load())
            case ast.Constant(value=int()) | ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
                assert isinstance(node, ast.expr)
                return node
        raise self._wrong("index", node)

    def _product(self, node: ast.BinOp) -> None:
        """Both sides of @ are vectors, unless a capital letter says that one is a matrix."""
        for side in (node.left, node.right):
            self._rank(side, 1)

    def _rank(self, node: ast.AST, rank: int) -> None:
        """A name that is used so, alone or in what keeps its shape, has at least that many dimensions."""
        match node:
            case ast.Name():
                least = 2 if node.id[0].isupper() and rank else rank
                self.ranks[node.id] = max(self.ranks.get(node.id, 0), least)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult()):
                self._rank(node.left, rank)
                self._rank(node.right, rank)
            case ast.UnaryOp():
                self._rank(node.operand, rank)
            case ast.Call(func=ast.Name(id=name), args=[one], keywords=[]) if name not in REDUCED:
                self._rank(one, rank)

    def _place(self, node: ast.AST) -> tuple[int, int]:
        start, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 0)
        characters = [len(self._bytes[:one].decode("utf-8", "ignore")) for one in (start, end)]
        return _range(self._origin, *characters)

    def _text(self, node: ast.AST) -> str:
        return self._bytes[getattr(node, "col_offset", 0) : getattr(node, "end_col_offset", 0)].decode(
            "utf-8", "ignore"
        )

    def _wrong(self, code: str, node: ast.AST, **params: str | int | float) -> InvalidExpression:
        return InvalidExpression(f"expressions.wrong.{code}", self._place(node), **params)


def _numbers(node: ast.List) -> ast.List | None:
    """The list with its numbers as floats; None where it holds anything but numbers."""
    try:
        found = ast.literal_eval(node)
    except ValueError:
        return None
    return ast.parse(str(_floats(found)), mode="eval").body  # type: ignore[return-value]


def _floats(found: object) -> object:
    return [_floats(one) for one in found] if isinstance(found, list) else float(str(found))


def _value(node: ast.AST) -> float:
    found = ast.literal_eval(node)
    return float(found) if isinstance(found, (int, float)) else 0.0


def _is_zero(node: ast.AST) -> bool:
    return _is_number(node) and _value(node) == 0


def _is_number(node: ast.AST) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and not isinstance(inner.value, str)


def _function(module: str, name: str, arguments: list[ast.expr], options: list[ast.keyword] | None = None) -> ast.expr:
    return ast.Call(ast.parse(f"{module}.{name}", mode="eval").body, arguments, options or [])
