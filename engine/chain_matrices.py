"""The chain rule where steps hold vectors or matrices: every local derivative is a Jacobian, a path their product.

    relu(w @ x + b)   ->   path  v3 <- v2 <- v1 <- w     [1] · [1] · [x0 x1 x2]  =  a row as long as w

Elements are counted row by row, so the Jacobian of a step has a row for each element of its result and a column for
each element of what it uses. The steps and paths are those of `engine.chain_rule`; every number is PyTorch's, from one
torch.func.jacrev per step. A result of several elements stands for their sum, as everywhere on the page.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from engine.chain_rule import Chain, Link, digits, name_latex, signed, symbol_latex
from engine.expression_program import Dtype
from engine.trace import Trace
from engine.typed_expression import Typed
from engine.typed_values import Numbers

_ONES = r"\mathbf{1}^{\top}"
SHOWN = 12
"""Elements up to which a matrix is written out; of a larger one only its size is."""


class Block(msgspec.Struct, frozen=True):
    """Numbers of a tensor, row-major."""

    shape: tuple[int, ...]
    elements: tuple[float, ...]


class Matrices(msgspec.Struct, frozen=True):
    """PyTorch's numbers for a Chain: the value of each step and variable, the Jacobian of each link by (later,
    earlier), the product of each path and the sum for each variable, both as one row."""

    values: dict[str, Block]
    locals: dict[tuple[str, str], Block]
    products: dict[str, list[Block]]
    sums: dict[str, Block]


def matrices_program(typed: Typed, steps: Chain, values: Mapping[str, Numbers], dtype: Dtype = "float32") -> str:
    """The program that computes every step, every Jacobian, every product and every sum."""
    lines = ["import torch", "import torch.nn.functional as F", "import matplotlib.pyplot as plt"]
    if dtype == "float64":
        lines.append("torch.set_default_dtype(torch.float64)")
    lines += [f"{name} = torch.tensor({values[name].text})" for name in typed.variables]
    lines += [f"{line.name} = {line.code}" for line in steps.lines]
    names = _names(typed, steps)
    lines.append("shapes_, values_, locals_, products_, sums_ = [], [], [], [], []")
    for name in names:
        lines.append(f"shapes_ += [{name}.dim(), *{name}.shape]; values_ += {name}.flatten().tolist()")
    for line in steps.lines:
        if not line.links:
            continue
        inputs = ", ".join(link.earlier for link in line.links)
        places = ", ".join(map(str, range(len(line.links))))
        lines += [f"def step_({inputs}):", f"    return {line.code}"]
        lines.append(f"jacobians_ = torch.func.jacrev(step_, argnums=({places},))({inputs})")
        for place, link in enumerate(line.links):
            name = _jacobian(link)
            lines.append(f"{name} = jacobians_[{place}].reshape({link.later}.numel(), {link.earlier}.numel())")
            lines.append(f"locals_ += {name}.flatten().tolist()")
    last = steps.lines[-1].name
    for variable, paths in steps.paths.items():
        lines.append(f"sum_ = torch.zeros(1, {variable}.numel())")
        for path in paths:
            factors = " @ ".join([f"torch.ones(1, {last}.numel())", *map(_jacobian, path)])
            lines.append(f"product_ = {factors}; products_ += product_.flatten().tolist(); sum_ = sum_ + product_")
        lines.append("sums_ += sum_.flatten().tolist()")
    lines += [f"plt.figure(); plt.title({one!r}); plt.plot({one}_, {one}_)" for one in _FIGURES]
    return "\n".join(lines) + "\n"


_FIGURES = ("shapes", "values", "locals", "products", "sums")


def _names(typed: Typed, steps: Chain) -> list[str]:
    return [*typed.variables, *(line.name for line in steps.lines)]


def _jacobian(link: Link) -> str:
    return f"d_{link.later}_{link.earlier}_"


def matrices(trace: Trace, typed: Typed, steps: Chain) -> Matrices | None:
    """The numbers of a run of `matrices_program`; None where it did not finish."""
    if trace.outcome is None or trace.outcome.kind != "finished":
        return None
    found = {figure.title: iter(figure.series[0][2]) for figure in trace.figures}
    shapes = {
        name: tuple(int(one) for one in _taken(found["shapes"], int(next(found["shapes"]))))
        for name in _names(typed, steps)
    }
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    values = {name: Block(shape, _taken(found["values"], sizes[name])) for name, shape in shapes.items()}
    jacobians = {
        (link.later, link.earlier): _matrix(found["locals"], sizes[link.later], sizes[link.earlier])
        for line in steps.lines
        for link in line.links
    }
    products = {
        name: [_matrix(found["products"], 1, sizes[name]) for _ in paths] for name, paths in steps.paths.items()
    }
    return Matrices(values, jacobians, products, {name: _matrix(found["sums"], 1, sizes[name]) for name in steps.paths})


def _matrix(numbers: Iterator[float], rows: int, columns: int) -> Block:
    return Block((rows, columns), _taken(numbers, rows * columns))


def _taken(numbers: Iterator[float], count: int) -> tuple[float, ...]:
    return tuple(next(numbers) for _ in range(count))


def block_latex(block: Block) -> str:
    """A number as itself, a small vector or matrix in brackets, of a larger one the size."""
    if len(block.elements) == 1:
        return digits(block.elements[0])
    rows = block.shape if len(block.shape) > 1 else (1, *block.shape)
    if len(block.elements) > SHOWN:
        return rf"\left[{rows[0]} \times {rows[1]}\right]"
    lines = [block.elements[start : start + rows[1]] for start in range(0, len(block.elements), rows[1])]
    written = r" \\ ".join(" & ".join(digits(float(f"{one:.3g}") + 0.0) for one in line) for line in lines)
    return rf"\begin{{bmatrix}} {written} \end{{bmatrix}}"


def jacobian_latex(link: Link, code: str, numbers: Matrices) -> str:
    """The derivative of a step by one it uses: as a symbol where there is a short one, and its numbers."""
    parts = [rf"\frac{{\partial {name_latex(link.later)}}}{{\partial {name_latex(link.earlier)}}}"]
    if symbol := _symbol(link, code, numbers):
        parts.append(symbol)
    parts.append(block_latex(numbers.locals[link.later, link.earlier]))
    return " = ".join(dict.fromkeys(parts))


def _symbol(link: Link, code: str, numbers: Matrices) -> str:
    """Products of matrices have transposes for derivatives, sums rows of ones, what works element by element a
    diagonal."""
    later, earlier = numbers.values[link.later], numbers.values[link.earlier]
    match ast.parse(code, mode="eval").body:
        case ast.BinOp(left=ast.Name(id=left), op=ast.MatMult(), right=ast.Name(id=right)) if left != right:
            return _of_product(left, right, link.earlier, numbers)
        case ast.Call(func=ast.Attribute(attr="sum"), args=arguments, keywords=[]) if len(arguments) < 2:
            return _ONES if later.shape == () else ""
        case ast.Subscript() | ast.BinOp(op=ast.MatMult()):
            return ""
    if not link.symbol or later.shape != earlier.shape:
        return ""
    written = symbol_latex(link.symbol)
    if len(later.elements) == 1:
        return written
    return "I" if link.symbol == "1" else rf"\operatorname{{diag}}\left({written}\right)"


def _of_product(left: str, right: str, by: str, numbers: Matrices) -> str:
    ranks = len(numbers.values[left].shape), len(numbers.values[right].shape)
    first, second = name_latex(left), name_latex(right)
    rows = {
        (1, 1): (rf"{second}^{{\top}}", rf"{first}^{{\top}}"),
        (2, 1): (rf"I \otimes {second}^{{\top}}", first),
        (1, 2): (rf"{second}^{{\top}}", rf"{first}^{{\top}} \otimes I"),
        (2, 2): (rf"I \otimes {second}^{{\top}}", rf"{first} \otimes I"),
    }
    return rows[ranks][by == right] if ranks in rows else ""


def matrix_path_latex(path: Sequence[Link], product: Block, numbers: Matrices) -> str:
    """One path: the Jacobians along it, their numbers, their product."""
    signs = [rf"\frac{{\partial {name_latex(one.later)}}}{{\partial {name_latex(one.earlier)}}}" for one in path]
    factors = [signed(block_latex(numbers.locals[one.later, one.earlier])) for one in path]
    ones = [_ONES] if path and len(numbers.values[path[0].later].elements) > 1 else []
    signs, factors = ones + signs, ones + factors
    written = r" \cdot ".join(signs) + " = " + r" \cdot ".join(factors)
    return f"{written} = {block_latex(product)}" if len(signs) > 1 else written


def matrix_sum_latex(result: str, variable: str, numbers: Matrices) -> str:
    """The gradient as the sum over its paths."""
    products, total = numbers.products[variable], numbers.sums[variable]
    sign = rf"\frac{{\partial {name_latex(result)}}}{{\partial {name_latex(variable)}}}"
    if len(numbers.values[result].elements) > 1:
        sign = rf"{_ONES} \cdot {sign}"
    if len(products) < 2:
        return f"{sign} = {block_latex(total)}"
    return f"{sign} = {' + '.join(signed(block_latex(one)) for one in products)} = {block_latex(total)}"
