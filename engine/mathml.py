"""The small expressions of `latex.py` as MathML, which a browser draws by itself.

    mathml("g * cos(a)")  ->  ["mrow", ["mi", "g"], ["mo", "·"], ["mrow", ["mi", "cos"], ["mo", "("], ["mi", "a"], ...]]

A formula is a nested list, [element, child, ...], whose innermost children are texts. So a page can build the elements
one by one, and put a number in where ["mi", name] stands.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import Any

Formula = list[Any]
"""[element name, child or text, ...]."""

_PRECEDENCE = {ast.Add: 1, ast.Sub: 1, ast.BitAnd: 1, ast.Mult: 2, ast.MatMult: 2, ast.Div: 4, ast.Pow: 3}
_SIGNS = {ast.Add: "+", ast.Sub: "−", ast.BitAnd: "∧", ast.Mult: "·", ast.MatMult: "\u2062"}
_COMPARISONS = {ast.Gt: ">", ast.Lt: "<", ast.GtE: "≥", ast.LtE: "≤", ast.Eq: "="}
_NAMES = {"pi": "π", "Phi": "Φ", "phi": "φ", "sigmoid": "σ", "log": "ln"}


@cache
def mathml(expression: str) -> Formula:
    """The MathML of an expression of names, numbers, operators and calls. Raises SyntaxError for no expression and
    ValueError for other syntax. The list is shared: do not change it."""
    return _write(ast.parse(expression, mode="eval").body, 0)


def _write(node: ast.expr, outer: int) -> Formula:
    """`outer` is the precedence around the node: a looser operator inside is put in parentheses."""
    match node:
        case ast.Name(id=name):
            return ["mi", _NAMES.get(name, name)]
        case ast.Constant(value=value):
            return ["mn", str(value)]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _parenthesise(["mrow", ["mo", "−"], _write(operand, 2)], outer > 2)
        case ast.BinOp():
            return _operator(node, outer)
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            return ["mrow", _write(left, 1), ["mo", _COMPARISONS[type(comparison)]], _write(right, 1)]
        case ast.Attribute(value=value, attr="T" | "mT"):
            return ["msup", _write(value, 3), ["mo", "⊤"]]
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, arguments)
    raise ValueError(f"no MathML for {type(node).__name__}")


def _parenthesise(formula: Formula, needed: bool) -> Formula:
    return ["mrow", ["mo", "("], formula, ["mo", ")"]] if needed else formula


def _operator(node: ast.BinOp, outer: int) -> Formula:
    if isinstance(node.op, ast.Div):
        return ["mfrac", _write(node.left, 0), _write(node.right, 0)]
    if isinstance(node.op, ast.Pow):
        return ["msup", _write(node.left, 4), _write(node.right, 0)]
    precedence = _PRECEDENCE[type(node.op)]
    left = _write(node.left, precedence)
    right = _write(node.right, precedence + (not isinstance(node.op, ast.Add)))
    return _parenthesise(["mrow", left, ["mo", _SIGNS[type(node.op)]], right], outer > precedence)


def _call(name: str, arguments: list[ast.expr]) -> Formula:
    if name == "where":
        test, yes, no = (_write(argument, 0) for argument in arguments)
        rows = [["mtr", ["mtd", value], ["mtd", ["mtext", "  "], case]] for value, case in
                ((yes, test), (no, ["mtext", "…"]))]  # fmt: skip
        return ["mrow", ["mo", "{"], ["mtable", *rows]]
    written = [_write(argument, 2 if name in ("sum", "inv", "t") else 0) for argument in arguments]
    if len(written) == 1 and (known := _known(name, written[0])):
        return known
    inside: Formula = []
    for number, argument in enumerate(written):
        inside += [["mo", ","], argument] if number else [argument]
    return ["mrow", ["mi", _NAMES.get(name, name)], ["mo", "("], *inside, ["mo", ")"]]


def _known(name: str, inside: Formula) -> Formula | None:
    """The functions that have a sign of their own."""
    fences = {"abs": ("|", "|"), "norm": ("‖", "‖"), "floor": ("⌊", "⌋"), "ceil": ("⌈", "⌉")}
    if name in fences:
        before, after = fences[name]
        return ["mrow", ["mo", before], inside, ["mo", after]]
    return {
        "exp": ["msup", ["mi", "e"], inside],
        "exp2": ["msup", ["mn", "2"], inside],
        "sqrt": ["msqrt", inside],
        "reciprocal": ["mfrac", ["mn", "1"], inside],
        "rsqrt": ["mfrac", ["mn", "1"], ["msqrt", inside]],
        "inv": ["msup", inside, ["mrow", ["mo", "−"], ["mn", "1"]]],
        "t": ["msup", inside, ["mo", "⊤"]],
        "ones": ["msub", ["mn", "𝟏"], inside],
        "count": ["msub", ["mi", "N"], inside],
        "sum": ["mrow", ["mo", "∑"], inside],
    }.get(name)
