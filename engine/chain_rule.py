"""The chain rule of a typed expression, written out: its steps, the local derivatives, and every path.

    sin(x*y) + x**2   ->   v1 = x * y, v2 = sin(v1), v3 = x ** 2, v4 = v2 + v3
                           path  v4 <- v2 <- v1 <- x   1 * cos(v1) * y
                           path  v4 <- v3 <- x         1 * 2 * x

The symbols are rows of `engine.formulas` with a gradient of 1; the numbers are PyTorch's, from one torch.func.grad per
step; the products and their sums are PyTorch's too. Paths are written for numbers, not for vectors: there the step
itself is a matrix.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from functools import cache

import msgspec

from engine.expression_program import Dtype
from engine.formulas import FORMULAS, Formula
from engine.latex import latex
from engine.trace import Trace
from engine.typed_expression import Typed
from engine.typed_values import Numbers

STEPS_LIMIT = 24
PATHS_LIMIT = 24
_ROWS = {
    ast.Add: "AddBackward0", ast.Sub: "SubBackward0", ast.Mult: "MulBackward0", ast.Div: "DivBackward0",
    ast.MatMult: "MvBackward0",
}  # fmt: skip


class Link(msgspec.Struct, frozen=True):
    """One factor of a path: the derivative of step `later` by `earlier` (a step or a variable). `symbol` is a small
    expression of step names, "" where no formula is known."""

    later: str
    earlier: str
    symbol: str


class Line(msgspec.Struct, frozen=True):
    """One step: its name, the operation in PyTorch's spelling, and a link for each name that it uses."""

    name: str
    code: str
    links: tuple[Link, ...]


class Chain(msgspec.Struct, frozen=True):
    """All steps, the last one being the result; and for each variable every path from the result to it. `cut` says that
    there are more paths than are written."""

    lines: tuple[Line, ...]
    paths: dict[str, tuple[tuple[Link, ...], ...]]
    cut: bool = False


class Proof(msgspec.Struct, frozen=True):
    """PyTorch's numbers for a Chain: the value of each step and variable, the derivative of each link by (later,
    earlier), the product of each path and the sum for each variable."""

    values: dict[str, float]
    locals: dict[tuple[str, str], float]
    products: dict[str, list[float]]
    sums: dict[str, float]


def chain(typed: Typed) -> Chain | None:
    """The steps and paths of the expression, none where it is no operation on names; None where there are more steps
    than anybody reads."""
    writer = _Writer(typed)
    writer.step(ast.parse(typed.torch, mode="eval").body)
    if len(writer.lines) > STEPS_LIMIT:
        return None
    if not writer.lines:
        return Chain((), {})
    lines = {line.name: line for line in writer.lines}
    cut = False
    paths: dict[str, tuple[tuple[Link, ...], ...]] = {}
    for variable in typed.variables:
        found = _paths(lines, writer.lines[-1].name, variable)
        cut = cut or len(found) > PATHS_LIMIT
        paths[variable] = tuple(found[:PATHS_LIMIT])
    return Chain(tuple(writer.lines), paths, cut)


def _paths(lines: Mapping[str, Line], start: str, variable: str) -> list[tuple[Link, ...]]:
    found: list[tuple[Link, ...]] = []
    stack: list[tuple[str, tuple[Link, ...]]] = [(start, ())]
    while stack and len(found) <= PATHS_LIMIT:
        name, path = stack.pop()
        if name == variable:
            found.append(path)
        elif name in lines:
            stack.extend((link.earlier, (*path, link)) for link in reversed(lines[name].links))
    return found


class _Writer:
    """Writes an expression as steps of one operation each."""

    def __init__(self, typed: Typed) -> None:
        self.lines: list[Line] = []
        self._known: dict[str, str] = {}
        self._taken = set(typed.variables)

    def step(self, node: ast.expr) -> ast.expr:
        """What stands for that node in the next step: a name, a number, or what needs no step of its own."""
        match node:
            case ast.Name():
                return node
            case ast.BinOp():
                parts: list[ast.expr] = [self.step(node.left), self.step(node.right)]
                return self._write(ast.BinOp(parts[0], node.op, parts[1]), parts)
            case ast.UnaryOp() if not isinstance(node.operand, ast.Constant):
                inner = self.step(node.operand)
                return self._write(ast.UnaryOp(node.op, inner), [inner])
            case ast.Call(func=ast.Attribute(value=owner)) if not _is_module(owner):
                inner = self.step(owner)
                function = ast.Attribute(inner, node.func.attr, ast.Load())  # type: ignore[attr-defined]
                rest = [self.step(one) for one in node.args]
                return self._write(ast.Call(function, rest, node.keywords), [inner, *rest])
            case ast.Call():
                rest = [self.step(one) for one in node.args]
                parts = [part for one in rest for part in (one.elts if isinstance(one, ast.List) else [one])]
                return self._write(ast.Call(node.func, rest, node.keywords), parts)
            case ast.List():
                return ast.List([self.step(one) for one in node.elts], ast.Load())
            case ast.Subscript():
                inner = self.step(node.value)
                return self._write(ast.Subscript(inner, node.slice, ast.Load()), [inner])
            case ast.Attribute():
                inner = self.step(node.value)
                return self._write(ast.Attribute(inner, node.attr, ast.Load()), [inner])
        return node

    def _write(self, node: ast.expr, parts: list[ast.expr]) -> ast.expr:
        names = [one.id for one in parts if isinstance(one, ast.Name)]
        if not names:
            return node
        code = ast.unparse(node)
        if code not in self._known:
            name = next(f"v{n}" for n in range(len(self.lines) + 1, 1000) if f"v{n}" not in self._taken)
            self._taken.add(name)
            self._known[code] = name
            symbols = _symbols(node, parts, name)
            links: dict[str, Link] = {}
            for part, symbol in zip(parts, symbols, strict=True):
                if isinstance(part, ast.Name):
                    earlier = links.get(part.id)
                    known = f"{earlier.symbol} + {symbol}" if earlier and earlier.symbol and symbol else symbol
                    links[part.id] = Link(name, part.id, known)
            self.lines.append(Line(name, code, tuple(links.values())))
        return ast.Name(self._known[code], ast.Load())


def _is_module(node: ast.expr) -> bool:
    return ast.unparse(node).split(".")[0] in ("torch", "F")


@cache
def _by_function() -> Mapping[str, Formula]:
    """Rows by the function that their forward expression is one call of."""
    rows: dict[str, Formula] = {}
    for row in FORMULAS.values():
        match ast.parse(row.forward, mode="eval").body:
            case ast.Call(func=ast.Name(id=name)):
                rows.setdefault(name, row)
    return rows


def _symbols(node: ast.expr, parts: list[ast.expr], name: str) -> list[str]:
    """The derivative of a step by each of its parts, as expressions; "" where no row fits."""
    row, given = _row(node, parts)
    if row is None:
        return [""] * len(parts)
    names = {
        **dict(zip("abc", parts, strict=False)),
        "y": ast.Name(name, ast.Load()),
        **given,
    }
    known = {*"abc"[: len(parts)], "y", "g", *given, "pi"}
    symbols = []
    for place in range(len(parts)):
        vjp = row.vjps[place] if place < len(row.vjps) else ""
        tree = ast.parse(vjp or "0", mode="eval").body
        called = {id(one.func) for one in ast.walk(tree) if isinstance(one, ast.Call)}
        free = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and id(one) not in called}
        symbols.append(ast.unparse(_Local(names).visit(tree)) if vjp and free <= known else "")
    return symbols


def _row(node: ast.expr, parts: list[ast.expr]) -> tuple[Formula | None, dict[str, ast.expr]]:
    match node:
        case ast.BinOp(op=ast.Pow(), right=right):
            number = isinstance(right, (ast.Constant, ast.UnaryOp))
            return FORMULAS["PowBackward0" if number else "PowBackward1"], {"n": right} if number else {}
        case ast.BinOp(op=operator):
            return FORMULAS.get(_ROWS.get(type(operator), "")), {}
        case ast.UnaryOp():
            return (FORMULAS["NegBackward0"] if isinstance(node.op, ast.USub) else None), {}
        case ast.Call(func=ast.Attribute(attr=function), keywords=[]):
            row = _by_function().get(function)
            return (row, {}) if row is not None and len(row.vjps) == len(parts) else (None, {})
        case ast.Call(func=ast.Attribute(attr="clamp"), keywords=[ast.keyword(arg=side, value=bound)]):
            return FORMULAS["ClampMinBackward0" if side == "min" else "ClampMaxBackward0"], {"k": bound}
    return None, {}


class _Local(ast.NodeTransformer):
    """Puts names in, takes the gradient as 1, and leaves out what that makes idle."""

    def __init__(self, names: Mapping[str, ast.expr]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name of the row becomes what stands in its place."""
        return ast.Constant(1) if node.id == "g" else self._names.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """The function's own name stays."""
        return ast.Call(node.func, [self.visit(one) for one in node.args], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """1 * a is a, a ** 1 is a, and n - 1 is a number where n is."""
        left, right = self.visit(node.left), self.visit(node.right)
        match node.op, left, right:
            case ast.Mult(), ast.Constant(value=1), _:
                return right  # type: ignore[no-any-return]
            case (ast.Mult(), _, ast.Constant(value=1)) | (ast.Pow(), _, ast.Constant(value=1)):
                return left  # type: ignore[no-any-return]
            case ast.Mult(), ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)), _:
                return ast.UnaryOp(ast.USub(), right)
            case ast.Sub(), _, ast.Constant(value=int() | float() as taken) if (number := _number(left)) is not None:
                return _constant(number - taken)
        return ast.BinOp(left, node.op, right)


def _number(node: ast.expr) -> float | None:
    try:
        found = ast.literal_eval(node)
    except ValueError:
        return None
    return float(found) if isinstance(found, (int, float)) else None


def _constant(number: float) -> ast.expr:
    plain = ast.Constant(int(abs(number)) if number.is_integer() else abs(number))
    return ast.UnaryOp(ast.USub(), plain) if number < 0 else plain


def chain_program(typed: Typed, steps: Chain, values: Mapping[str, Numbers], dtype: Dtype = "float32") -> str:
    """The program that computes every step, every local derivative, every product and every sum. Each group of numbers
    leaves it as one plot."""
    lines = ["import torch", "import torch.nn.functional as F", "import matplotlib.pyplot as plt"]
    if dtype == "float64":
        lines.append("torch.set_default_dtype(torch.float64)")
    lines += [f"{name} = torch.tensor({values[name].text}, requires_grad=True)" for name in typed.variables]
    lines += [f"{line.name} = {line.code}" for line in steps.lines]
    names = [*typed.variables, *(line.name for line in steps.lines)]
    lines.append(_plotted("values", [f"{name}.item()" for name in names]))
    factors = {}
    for line in steps.lines:
        if line.links:
            inputs = ", ".join(link.earlier for link in line.links)
            detached = ", ".join(f"{link.earlier}.detach()" for link in line.links)
            places = ", ".join(map(str, range(len(line.links))))
            # A function of its own: in the graph of the whole, what one input owes to another would count as well.
            lines += [f"def step_({inputs}):", f"    return {line.code}"]
            lines.append(f"locals_{line.name}_ = torch.func.grad(step_, argnums=({places},))({detached})")
            factors.update(
                {(line.name, link.earlier): f"locals_{line.name}_[{place}]" for place, link in enumerate(line.links)}
            )
    lines.append(_plotted("locals", [f"{one}.item()" for one in factors.values()]))
    for variable, paths in steps.paths.items():
        products = [
            f"torch.stack([{', '.join(factors[link.later, link.earlier] for link in path)}]).prod()" for path in paths
        ]
        lines.append(f"products_ = torch.stack([{', '.join(products)}])" if products else "products_ = torch.zeros(1)")
        lines.append(_plotted(f"products {variable}", "products_.tolist()"))
        lines.append(_plotted(f"sum {variable}", ["products_.sum().item()"]))
    return "\n".join(lines) + "\n"


def _plotted(title: str, numbers: list[str] | str) -> str:
    written = numbers if isinstance(numbers, str) else f"[{', '.join(numbers)}]"
    return f'plt.figure(); plt.title("{title}"); numbers_ = {written}; plt.plot(numbers_, numbers_)'


def proof(trace: Trace, typed: Typed, steps: Chain) -> Proof | None:
    """The numbers of a run of `chain_program`; None where it did not finish, as with vectors."""
    if trace.outcome is None or trace.outcome.kind != "finished":
        return None
    found = {figure.title: figure.series[0][2] for figure in trace.figures}
    names = [*typed.variables, *(line.name for line in steps.lines)]
    links = [(link.later, link.earlier) for line in steps.lines for link in line.links]
    return Proof(
        dict(zip(names, found["values"], strict=True)),
        dict(zip(links, found.get("locals", []), strict=True)),
        {name: found[f"products {name}"] if steps.paths[name] else [] for name in typed.variables},
        {name: found[f"sum {name}"][0] for name in typed.variables},
    )


def digits(number: float) -> str:
    """Four significant digits, as LaTeX."""
    if not math.isfinite(number):
        return r"\mathrm{nan}" if math.isnan(number) else r"\infty" if number > 0 else r"-\infty"
    text = f"{number:.4g}"
    mantissa, sign, power = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}" if sign else text


def step_latex(line: Line, numbers: Mapping[str, float]) -> str:
    """v1 = x * y = 3, with the value of the step."""
    return f"{code_latex(line)} = {digits(numbers[line.name])}"


def code_latex(line: Line) -> str:
    """v1 = x * y."""
    return f"{name_latex(line.name)} = {_latex(line.code)}"


def link_latex(link: Link, numbers: Proof) -> str:
    """The derivative of a step by one it uses: symbol, numbers put in, result."""
    written = rf"\frac{{\partial {name_latex(link.later)}}}{{\partial {name_latex(link.earlier)}}}"
    parts = [written]
    if link.symbol:
        put = {name: digits(one) for name, one in numbers.values.items()}
        parts += [_latex(link.symbol), _latex(link.symbol, put)]
    parts.append(digits(numbers.locals[link.later, link.earlier]))
    return " = ".join(dict.fromkeys(parts))


def path_latex(path: tuple[Link, ...], product: float, numbers: Proof) -> str:
    """One path: the derivatives along it, their numbers, their product."""
    symbols = r" \cdot ".join(
        rf"\frac{{\partial {name_latex(one.later)}}}{{\partial {name_latex(one.earlier)}}}" for one in path
    )
    factors = r" \cdot ".join(signed(digits(numbers.locals[one.later, one.earlier])) for one in path)
    return f"{symbols} = {factors}" + (f" = {digits(product)}" if len(path) > 1 else "")


def sum_latex(result: str, variable: str, products: list[float], total: float) -> str:
    """The partial derivative as the sum over its paths."""
    sign = rf"\frac{{\partial {name_latex(result)}}}{{\partial {name_latex(variable)}}}"
    if len(products) < 2:
        return f"{sign} = {digits(total)}"
    return f"{sign} = {' + '.join(signed(digits(one)) for one in products)} = {digits(total)}"


def signed(text: str) -> str:
    """In brackets where it begins with a minus, so that it can follow another sign."""
    return f"({text})" if text.startswith("-") else text


def name_latex(name: str) -> str:
    """v12 with its number as an index; a long name upright."""
    if name[0] == "v" and name[1:].isdigit():
        return f"v_{{{name[1:]}}}"
    return name if len(name) == 1 else rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}"


def symbol_latex(symbol: str) -> str:
    """A derivative's symbol, an expression of step names, as LaTeX."""
    return _latex(symbol)


class _Bare(ast.NodeTransformer):
    """Functions by their bare names, a number in a tensor as the number, a clamp to one side as max or min."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """torch.sin(x) is sin(x)."""
        name = ast.unparse(node.func).rpartition(".")[2]
        arguments = [self.visit(one) for one in node.args]
        if name == "tensor":
            inner: ast.expr = arguments[0]
            return inner
        if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
            arguments = [self.visit(node.func.value), *arguments]
        if name == "clamp" and len(node.keywords) == 1:
            name = "max" if node.keywords[0].arg == "min" else "min"
            arguments.append(node.keywords[0].value)
        return ast.Call(ast.Name(name), arguments, [])


def _latex(code: str, numbers: Mapping[str, str] | None = None) -> str:
    """The LaTeX of a step or symbol; typewriter letters where `engine.latex` has no form for it."""
    tree = ast.fix_missing_locations(_Bare().visit(ast.parse(code, mode="eval")))
    names = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
    bare = ast.unparse(tree)
    try:
        return latex(bare, numbers or {name: name_latex(name) for name in names if name_latex(name) != name})
    except (ValueError, KeyError, SyntaxError):
        for name, number in (numbers or {}).items():
            bare = re.sub(rf"\b{name}\b", lambda _, number=number: number, bare)  # type: ignore[misc]
        return rf"\texttt{{{bare.replace('_', chr(92) + '_').replace('{', '').replace('}', '')}}}"
