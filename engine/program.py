"""Text -> Program: the syntax tree, spans, the size and the language checked, what a paste left in it cleaned.

Nothing here runs anything. `parse` raises InvalidProgram for text that is no program (syntax, size) and Refused for
what lies outside the language: any node type and any dunder name that is not listed here.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.errors import InvalidProgram, Refused
from engine.limits import DEFAULT, Limits
from engine.pasted import clean
from engine.trace import Notice, Span

COMPOUND = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.With, ast.Match, ast.Try)

_NODES: frozenset[type[ast.AST]] = frozenset(
    {
        *(ast.Module, ast.Expression, ast.FunctionDef, ast.ClassDef, ast.Return, ast.Delete, ast.Assign, ast.AugAssign),
        *(ast.AnnAssign, ast.For, ast.While, ast.If, ast.With, ast.Match, ast.Raise, ast.Try, ast.Assert, ast.Import),
        *(ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Expr, ast.Pass, ast.Break, ast.Continue),
        *(ast.BoolOp, ast.NamedExpr, ast.BinOp, ast.UnaryOp, ast.Lambda, ast.IfExp, ast.Dict, ast.Set, ast.ListComp),
        *(ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Yield, ast.YieldFrom, ast.Compare, ast.Call, ast.JoinedStr),
        *(ast.FormattedValue, ast.Constant, ast.Attribute, ast.Subscript, ast.Starred, ast.Name, ast.List, ast.Tuple),
        *(
            ast.Slice,
            ast.Load,
            ast.Store,
            ast.Del,
            ast.And,
            ast.Or,
            ast.comprehension,
            ast.ExceptHandler,
            ast.arguments,
        ),
        *(ast.arg, ast.keyword, ast.alias, ast.withitem, ast.match_case, *ast.pattern.__subclasses__()),
        *(*ast.operator.__subclasses__(), *ast.unaryop.__subclasses__(), *ast.cmpop.__subclasses__()),
    }
)

_OPERATORS = """
add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv ifloordiv mod
rmod imod pow rpow ipow matmul rmatmul imatmul and rand iand or ror ior xor rxor ixor lshift rlshift
ilshift rshift rrshift irshift neg pos abs invert eq ne lt le gt ge bool len getitem setitem delitem
contains iter next reversed call int float complex index round trunc floor ceil divmod rdivmod hash
str repr format bytes enter exit
"""
OPERATORS = frozenset(f"__{name}__" for name in _OPERATORS.split())
"""Operator, conversion and container methods."""

DEFINABLE = OPERATORS | {
    *("__init__", "__new__", "__post_init__", "__getattr__", "__setattr__", "__delattr__", "__get__", "__set__"),
    *("__set_name__", "__init_subclass__", "__class_getitem__", "__missing__", "__length_hint__", "__dir__"),
    *("__slots__", "__match_args__", "__doc__", "__all__", "__version__", "__author__", "__constants__"),
    *(
        "__torch_function__",
        "__torch_dispatch__",
        "__del__",
        "__getstate__",
        "__setstate__",
        "__copy__",
        "__deepcopy__",
    ),
}
"""Dunder names a program may define, and read."""

READABLE = (DEFINABLE - {"__del__"}) | {
    *("__name__", "__qualname__", "__class__", "__dict__", "__module__", "__annotations__", "__file__", "__debug__"),
    *("__cause__", "__context__", "__suppress_context__", "__notes__", "__future__", "__config__"),
    *("__mro__", "__bases__", "__wrapped__", "__array__"),
}
"""Dunder names a program may read, as a name or an attribute."""


def is_dunder(name: str) -> bool:
    """Whether Python keeps this name for itself."""
    return name.startswith("__") and name.endswith("__") and len(name) > 4


@dataclass(frozen=True, eq=False)
class Program:
    """A text that may run. `source` is what was pasted; `text` the cleaned text that every span refers to."""

    source: str
    text: str
    tree: ast.Module
    notices: list[Notice]
    weights: dict[ast.AST, int]
    """How many nodes a simple statement, a header, or a comprehension's or lambda's body has: its cost in visits."""
    lines: list[str] = field(repr=False)
    _spans: dict[ast.AST, Span] = field(default_factory=dict, repr=False)

    def span(self, node: ast.AST) -> Span:
        """The place of a node, columns in code points; of a compound statement, its header up to the colon."""
        span = self._spans.get(node)
        if span is None:
            span = self._spans[node] = self._locate(node)
        return span

    def _locate(self, node: ast.AST) -> Span:
        if isinstance(node, ast.Module):
            return (1, 0, max(len(self.lines), 1), len(self.lines[-1]) if self.lines else 0)
        line, column, end_line, end_column = _place(node)
        end = (end_line, self._column(end_line, end_column))
        if isinstance(node, (*COMPOUND, ast.ExceptHandler, ast.match_case)):
            end = self._header_end(node, line, column)
        return (line, self._column(line, column), *end)

    def _column(self, line: int, column: int) -> int:
        """UTF-8 bytes -> code points."""
        text = self.lines[min(line, len(self.lines)) - 1]
        return column if text.isascii() else len(text.encode()[:column].decode(errors="ignore"))

    def _header_end(self, node: ast.AST, line: int, column: int) -> tuple[int, int]:
        """After the colon that ends the header: the first one behind its last part and outside parentheses."""
        parts = [(line, column), *(_place(part)[2:] for part in _header(node))]
        line, column = max(parts)
        column = self._column(line, column)
        while line <= len(self.lines):
            found = self.lines[line - 1].split("#")[0].find(":", column)
            if found >= 0:
                return (line, found + 1)
            line, column = line + 1, 0
        return max(parts)


def _place(node: ast.AST) -> tuple[int, int, int, int]:
    if isinstance(node, (ast.match_case, ast.withitem, ast.comprehension)):
        node = next(ast.iter_child_nodes(node))
    at: Any = node
    return at.lineno, at.col_offset, at.end_lineno, at.end_col_offset


def _header(node: ast.AST) -> Iterator[ast.AST]:
    """The located children of a compound statement that belong to its header."""
    bodies = {
        id(child) for name in ("body", "orelse", "finalbody", "handlers", "cases") for child in getattr(node, name, ())
    }
    for child in ast.iter_child_nodes(node):
        if id(child) in bodies or child in getattr(node, "decorator_list", ()):
            continue
        if isinstance(child, (ast.arguments, ast.withitem)):
            yield from (part for part in ast.walk(child) if hasattr(part, "end_lineno"))
        elif hasattr(child, "end_lineno"):
            yield child


def parse(source: str, limits: Limits = DEFAULT) -> Program:
    """The program in this text. Raises InvalidProgram or Refused, each with its place."""
    _check_size(source, limits)
    text, tree, told = _read(source)
    program = Program(source, text, tree, [Notice(code) for code in dict.fromkeys(told)], {}, text.split("\n"))
    _check_tree(program, limits)
    _compile(program)
    return program


def readable(source: str) -> str:
    """The text that every span refers to: the source as it stands where it is Python, else what a paste left in it
    cleaned away."""
    try:
        return _read(source)[0]
    except InvalidProgram:
        return source


def _read(source: str) -> tuple[str, ast.Module, list[str]]:
    """The text, its tree, and the ids of what was cleaned. A text that is Python as it stands is not touched."""
    try:
        tree = _tree(source)
    except InvalidProgram as error:
        text, told = clean(source)
        if not told:
            raise
        try:
            return text, _tree(text), told
        except InvalidProgram as still:
            raise (still if len(told) > 1 or told[0] != "pasted.newlines" else error) from None
    return source.replace("\r\n", "\n").replace("\r", "\n"), tree, []


def _check_size(source: str, limits: Limits) -> None:
    if len(source) > limits.source_length:
        raise InvalidProgram("invalid.length", length=len(source), limit=limits.source_length)
    lines = source.count("\n") + 1
    if lines > limits.source_lines:
        raise InvalidProgram("invalid.lines", lines=lines, limit=limits.source_lines)
    for character in source:
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise InvalidProgram("invalid.character", character=f"U+{ord(character):04X}")


def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except SyntaxError as error:
            raise _syntax(error, text) from None
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            raise InvalidProgram("invalid.nesting", type=type(error).__name__) from None


def _compile(program: Program) -> None:
    """What CPython finds wrong only when it compiles (a `return` outside a function); its code is thrown away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(program.tree, "<program>", "exec", dont_inherit=True)
        except SyntaxError as error:
            raise _syntax(error, program.text) from None
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            raise InvalidProgram("invalid.nesting", type=type(error).__name__) from None


def _syntax(error: SyntaxError, text: str) -> InvalidProgram:
    """CPython's own words and its place: `offset` counts code points from 1."""
    span = None
    lines = text.split("\n")
    if error.lineno and 1 <= error.lineno <= len(lines):
        start = max((error.offset or 1) - 1, 0)
        end_line = error.end_lineno or error.lineno
        end = (error.end_offset or 0) - 1
        if end_line == error.lineno and end <= start:
            end = start + 1
        span = (error.lineno, start, end_line, max(end, 0))
    return InvalidProgram("invalid.syntax", span, type=type(error).__name__, message=error.msg)


def _check_tree(program: Program, limits: Limits) -> None:
    """One pass without recursion: node types, names, count, depth; and each statement's weight."""
    stack: list[tuple[ast.AST, int, ast.AST]] = [(program.tree, 0, program.tree)]
    count = 0
    while stack:
        node, depth, unit = stack.pop()
        count += 1
        if count > limits.tree_nodes:
            raise InvalidProgram("invalid.nodes", limit=limits.tree_nodes)
        if depth > limits.tree_depth:
            raise InvalidProgram("invalid.depth", program.span(unit), limit=limits.tree_depth)
        if type(node) not in _NODES:
            raise _outside(program, node, unit)
        _check_names(program, node, unit)
        if isinstance(node, (ast.stmt, ast.comprehension, ast.Lambda, ast.ExceptHandler, ast.match_case)):
            unit = node
            program.weights[unit] = 0
        if not isinstance(node, (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)):
            program.weights[unit] = program.weights.get(unit, 0) + 1
        stack.extend((child, depth + 1, unit) for child in ast.iter_child_nodes(node))
        if isinstance(node, ast.stmt):
            _check_yield(program, node)


def _outside(program: Program, node: ast.AST, unit: ast.AST) -> Refused:
    name = type(node).__name__
    place = node if hasattr(node, "lineno") else unit
    code = "refused.async" if name.startswith("Async") or name == "Await" else "refused.syntax"
    return Refused(code, program.span(place), name=name)


def _check_names(program: Program, node: ast.AST, unit: ast.AST) -> None:
    for name, allowed in _identifiers(node):
        if is_dunder(name) and name not in allowed:
            raise Refused("refused.dunder", program.span(node if hasattr(node, "lineno") else unit), name=name)


def _identifiers(node: ast.AST) -> Iterator[tuple[str, frozenset[str]]]:
    """Every identifier in a node, and the dunder names that are allowed in that place."""
    match node:
        case ast.Name(id=name, ctx=context):
            yield name, READABLE if isinstance(context, ast.Load) else DEFINABLE
        case ast.Attribute(attr=name):
            yield name, READABLE
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, DEFINABLE
        case ast.arg(arg=name):
            yield name, frozenset()
        case ast.alias(name=name, asname=other):
            yield from ((part, READABLE) for part in name.split("."))
            yield other or "", frozenset()
        case ast.ImportFrom(module=name):
            yield from ((part, READABLE) for part in (name or "").split("."))
        case ast.keyword(arg=name) | ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            yield name or "", frozenset()
        case ast.Global(names=names) | ast.Nonlocal(names=names) | ast.MatchClass(kwd_attrs=names):
            yield from ((name, frozenset()) for name in names)
        case ast.MatchMapping(rest=name):
            yield name or "", frozenset()


def _check_yield(program: Program, node: ast.stmt) -> None:
    """A yield is a statement, or the whole right side of an assignment or return: anywhere else is refused."""
    value = getattr(node, "value", None)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            continue
        stack = [child]
        while stack:
            part = stack.pop()
            if isinstance(part, (ast.Yield, ast.YieldFrom)) and part is not value:
                raise Refused("refused.yield", program.span(part))
            stack.extend(ast.iter_child_nodes(part))
