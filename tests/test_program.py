"""Text -> Program: sizes, places, and what a paste leaves in a text."""

from __future__ import annotations

import ast

import pytest

from engine.errors import InvalidProgram, Refused
from engine.limits import Limits
from engine.program import Program, parse, readable


def first(program: Program, kind: type[ast.AST]) -> ast.AST:
    return next(node for node in ast.walk(program.tree) if isinstance(node, kind))


CLEAN = [
    "x = 1\n",
    "s = '（，）“”' # 注释，（\n",
    's = """\n>>> not a prompt\n%matplotlib inline\n"""\n',
    "a = 7\nb = (a\n% 2)\n",
    "x = '\u00a0\u200b'\n",
    "if x:\n\ty = 1\n",
    "",
    "# only a comment",
]


@pytest.mark.parametrize("source", CLEAN)
def test_clean_text_is_untouched(source: str) -> None:
    program = parse(source)
    assert program.text == source
    assert program.notices == []


PASTED = {
    "prompts": (
        ">>> x = 1\n>>> for i in y:\n...     x += i\n...\n10\n>>> x\n11\n",
        "x = 1\nfor i in y:\n    x += i\n\nx\n",
    ),
    "indented prompts": ("    >>> x = 1\n    >>> x\n    1\n", "x = 1\nx\n"),
    "notebook": ("In [1]: x = 1\n   ...: y = 2\n\nOut[1]: 3\nIn [2]: y\n", "x = 1\ny = 2\ny\n"),
    "magics": ("%matplotlib inline\n!pip install torch\nx = 1\n", "\n\nx = 1\n"),
    "magic in a block": ("if x:\n    !ls\n", "if x:\n    pass\n"),
    "punctuation": ("print（“你好，世界”，x）# 注释（）\n", 'print("你好，世界",x)# 注释（）\n'),
    "indentation": ("  a = 1\n  b = 2\n", "a = 1\nb = 2\n"),
    "spaces": ("\ufeffx\u00a0=\u200b 1\n", "x = 1\n"),
    "newlines": ("x = 1\r\ny = (1\r\n", None),
    "tabs": ("if x:\n\ty = 1\n        z = 2\n", None),
    "mixed tabs": ("if x:\n    y = 1\n\tz = 2\n", "if x:\n    y = 1\n    z = 2\n"),
}


@pytest.mark.parametrize(("pasted", "expected"), PASTED.values(), ids=PASTED.keys())
def test_pasted_text_is_cleaned_and_said(pasted: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(InvalidProgram):
            parse(pasted)
        return
    program = parse(pasted)
    assert program.text == expected
    assert program.source == pasted
    assert program.notices


def test_carriage_returns_become_newlines() -> None:
    assert parse("x = 1\r\ny = 2\r\n").text == "x = 1\ny = 2\n"


def test_columns_are_code_points() -> None:
    program = parse("s = '中文🙂'; 变量 = s + '！'\n")
    assert program.span(first(program, ast.BinOp)) == (1, 16, 1, 23)
    assert program.span(program.tree) == (1, 0, 2, 0)


HEADERS = {
    "for i in range(3):  # a: b\n    pass": (ast.For, (1, 0, 1, 18)),
    "if x[1:2]: y = 1": (ast.If, (1, 0, 1, 10)),
    "def f(a: int, b=(1, 2)) -> int:\n    pass": (ast.FunctionDef, (1, 0, 1, 31)),
    "def f(): pass": (ast.FunctionDef, (1, 0, 1, 8)),
    "class A(B, c=1): pass": (ast.ClassDef, (1, 0, 1, 16)),
    "with a as b, c: pass": (ast.With, (1, 0, 1, 15)),
    "while (\n  x\n): pass": (ast.While, (1, 0, 3, 2)),
    "try:\n    x\nfinally: y": (ast.Try, (1, 0, 1, 4)),
    "@d\ndef f(): pass": (ast.FunctionDef, (2, 0, 2, 8)),
}


@pytest.mark.parametrize(("source", "expected"), HEADERS.items(), ids=HEADERS.keys())
def test_compound_statement_is_its_header(source: str, expected: tuple[type[ast.AST], tuple[int, ...]]) -> None:
    program = parse(source)
    assert program.span(first(program, expected[0])) == expected[1]


SIZES = {
    "length": ("x" * 20_001, "invalid.length"),
    "lines": ("\n" * 500, "invalid.lines"),
    "nul": ("x = '\0'", "invalid.character"),
    "surrogate": ("x = '\ud800'", "invalid.character"),
    "minus signs": ("-" * 19_000 + "1", "invalid.nesting"),
    "parentheses": ("(" * 5_000 + ")" * 5_000, "invalid.syntax"),
    "deep list": ("[" * 80 + "]" * 80, "invalid.depth"),
    "deep attribute": ("x" + ".a" * 200, "invalid.depth"),
    "elif chain": ("if x: pass\n" + "elif x: pass\n" * 300, "invalid.depth"),
    "many nodes": ("[" + "1," * 6_000 + "]", "invalid.nodes"),
}


@pytest.mark.parametrize(("source", "code"), SIZES.values(), ids=SIZES.keys())
def test_size_is_checked_before_anything_runs(source: str, code: str) -> None:
    with pytest.raises(InvalidProgram) as caught:
        parse(source)
    assert caught.value.code in (code, "invalid.nesting")


def test_limits_are_those_it_is_given() -> None:
    with pytest.raises(InvalidProgram):
        parse("x = 1", Limits(source_length=3))


def test_look_alike_names_are_seen_as_python_sees_them() -> None:
    with pytest.raises(Refused) as caught:
        parse("x.__ｃlass__ = 1\ny = x.__ｇlobals__")
    assert caught.value.params["name"] == "__globals__"


def test_syntax_errors_speak_with_pythons_words_and_place() -> None:
    with pytest.raises(InvalidProgram) as caught:
        parse("x = 1\ny = (2\n")
    assert caught.value.params == {"type": "SyntaxError", "message": "'(' was never closed"}
    assert caught.value.span is not None
    assert caught.value.span[:2] == (2, 4)


def test_the_text_that_spans_refer_to() -> None:
    """Python as it stands is not touched, a paste is cleaned, and what is no program stays what it was."""
    assert readable("x = '>>> y'\r\n") == "x = '>>> y'\n"
    assert readable(">>> x = 1\n1\n>>> y = 2\n") == "x = 1\ny = 2\n"
    assert readable("x = (\n") == "x = (\n"
