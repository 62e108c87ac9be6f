"""Small Python expressions as LaTeX: the one place where the look of a formula is decided.

`latex("g * cos(a)")` gives `g \\cdot \\cos\\left(a\\right)`.
Numbers can be put in for names: `latex("g * b", {"b": "3"})`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache

_PRECEDENCE = {ast.Add: 1, ast.Sub: 1, ast.BitAnd: 1, ast.Mult: 2, ast.MatMult: 2, ast.Div: 4, ast.Pow: 3}
_COMPARISONS = {ast.Gt: ">", ast.Lt: "<", ast.GtE: r"\ge", ast.LtE: r"\le", ast.Eq: "="}
_NAMES = {"pi": r"\pi", "m": "m", "dim": r"\mathrm{dim}", "Phi": r"\Phi", "phi": r"\varphi"}
_NATIVE = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "log", "det", "max", "min"}
_WRAPPED = {
    "exp": "e^{{{}}}",
    "exp2": "2^{{{}}}",
    "sqrt": r"\sqrt{{{}}}",
    "abs": r"\left|{}\right|",
    "norm": r"\left\lVert {} \right\rVert",
    "reciprocal": r"\frac{{1}}{{{}}}",
    "rsqrt": r"\frac{{1}}{{\sqrt{{{}}}}}",
    "inv": r"{}^{{-1}}",
    "t": r"{}^{{\top}}",
    "floor": r"\lfloor {} \rfloor",
    "ceil": r"\lceil {} \rceil",
    "ones": r"\mathbf{{1}}_{{{}}}",
    "count": r"N_{{{}}}",
    "sum": r"\sum {}",
    "mean": r"\operatorname{{mean}}\left({}\right)",
    "sigmoid": r"\sigma\left({}\right)",
    "Phi": r"\Phi\left({}\right)",
    "phi": r"\varphi\left({}\right)",
    "lgamma": r"\ln\Gamma\left({}\right)",
}


def latex(expression: str, numbers: Mapping[str, str] | None = None) -> str:
    """The LaTeX of an expression of names, numbers, operators and calls; `numbers` are put in for the names they are
    given for, a negative one in parentheses. Raises SyntaxError for no expression and ValueError for other syntax."""
    return _write(_tree(expression), numbers or {}, 0)


@cache
def _tree(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body


def _write(node: ast.expr, numbers: Mapping[str, str], outer: int) -> str:
    """`outer` is the precedence around the node: a looser operator inside is put in parentheses."""
    match node:
        case ast.Name(id=name):
            number = numbers.get(name)
            if number is not None:
                return f"({number})" if number.startswith("-") and outer else number
            return _NAMES.get(name, name)
        case ast.Constant(value=value):
            return str(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _parenthesise("-" + _write(operand, numbers, 2), outer > 2)
        case ast.BinOp():
            return _operator(node, numbers, outer)
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            sign = _COMPARISONS[type(comparison)]
            return f"{_write(left, numbers, 1)} {sign} {_write(right, numbers, 1)}"
        case ast.Attribute(value=value, attr="T" | "mT"):
            return f"{_write(value, numbers, 3)}^{{\\top}}"
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, arguments, numbers)
    raise ValueError(f"no LaTeX for {type(node).__name__}")


def _parenthesise(text: str, needed: bool) -> str:
    return rf"\left({text}\right)" if needed else text


def _operator(node: ast.BinOp, numbers: Mapping[str, str], outer: int) -> str:
    precedence = _PRECEDENCE[type(node.op)]
    if isinstance(node.op, ast.Div):
        return rf"\frac{{{_write(node.left, numbers, 0)}}}{{{_write(node.right, numbers, 0)}}}"
    if isinstance(node.op, ast.Pow):
        return f"{_write(node.left, numbers, 4)}^{{{_write(node.right, numbers, 0)}}}"
    left = _write(node.left, numbers, precedence)
    right = _write(node.right, numbers, precedence + (not isinstance(node.op, ast.Add)))
    sign = {ast.Add: " + ", ast.Sub: " - ", ast.BitAnd: r" \wedge ", ast.Mult: r" \cdot ", ast.MatMult: r" \, "}
    return _parenthesise(left + sign[type(node.op)] + right, outer > precedence)


def _call(name: str, arguments: list[ast.expr], numbers: Mapping[str, str]) -> str:
    if name == "where":
        test, yes, no = (_write(argument, numbers, 0) for argument in arguments)
        return rf"\begin{{cases}} {yes} & {test} \\ {no} & \text{{otherwise}} \end{{cases}}"
    tight = name in ("sum", "inv", "t")
    written = [_write(argument, numbers, 2 if tight else 0) for argument in arguments]
    if name in _WRAPPED and len(written) == 1:
        return _WRAPPED[name].format(written[0])
    sign = rf"\{name}" if name in _NATIVE else rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}"
    return rf"{sign}\left({', '.join(written)}\right)"
