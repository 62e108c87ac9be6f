"""Shapes for variables that nobody has given numbers yet, judged by how an expression uses them.

    W @ x + b   ->   {"W": (2, 3), "x": (3,), "b": ()}          x @ A @ x   ->   {"x": (3,), "A": (3, 3)}

Every dimension of every variable is an unknown; an operation that needs two to be equal joins them; shapes that are
known already fix theirs. This is a guess to begin with: what really fits, PyTorch says.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

Shape = tuple[int, ...]

_SQUARE = ("det", "inv", "eigvalsh", "slogdet", "solve", "trace")
_JOINED = (
    "dot",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "maximum",
    "minimum",
    "atan2",
    "hypot",
    "where",
)
_TO_ONE = ("dot", "sum", "mean", "prod", "norm", "det", "trace", "std", "var", "median", "logsumexp", "numel")
_TO_ONE_TOO = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "max", "min", "amax", "amin", "cross_entropy")
_OTHER = ("cat", "stack", "outer", "einsum", "reshape", "view", "flatten", "diag", "tensor", "unsqueeze", "squeeze")


def shapes(code: str, ranks: Mapping[str, int], known: Mapping[str, Shape]) -> dict[str, Shape]:
    """A shape for every variable of the expression in PyTorch's spelling; those that are `known` keep theirs."""
    judge = _Judge(code, ranks, known)
    return {name: known[name] if name in known else judge.shape(name) for name in ranks}


class _Judge:
    """Dimensions as numbers of unknowns, joined by what stands between them."""

    def __init__(self, code: str, ranks: Mapping[str, int], known: Mapping[str, Shape]) -> None:
        self._parent: list[int] = []
        self._size: dict[int, int] = {}
        self._dims = {name: [self._new() for _ in known.get(name, (0,) * rank)] for name, rank in ranks.items()}
        tree = ast.parse(code, mode="eval").body
        for name in _columns(tree):
            if name in ranks and name not in known and ranks[name] == 2 and name[0].islower():
                self._size[self._dims[name][1]] = 1
        for name, shape in known.items():
            for dim, size in zip(self._dims.get(name, ()), shape, strict=False):
                self._size.setdefault(self._root(dim), size)
        self._visit(tree)

    def shape(self, name: str) -> Shape:
        """Sizes for a variable: 3 for what is a vector somewhere, or has as many as one; matrices have 2 rows."""
        dims = [self._root(one) for one in self._dims[name]]
        vectors = {self._root(one[0]) for one in self._dims.values() if len(one) == 1}
        columns = {self._root(one[1]) for one in self._dims.values() if len(one) == 2}
        square = {self._root(a) for a, b in (one for one in self._dims.values() if len(one) == 2) if self._same(a, b)}
        return tuple(
            self._size.get(one) or (3 if one in vectors or (one in columns and one not in square) else 2)
            for one in dims
        )

    def _new(self) -> int:
        self._parent.append(len(self._parent))
        return len(self._parent) - 1

    def _root(self, one: int) -> int:
        while self._parent[one] != one:
            one = self._parent[one]
        return one

    def _same(self, one: int, other: int) -> bool:
        return self._root(one) == self._root(other)

    def _join(self, one: int, other: int) -> None:
        first, second = self._root(one), self._root(other)
        sizes = self._size.get(first), self._size.get(second)
        if first == second or 1 in sizes or (None not in sizes and sizes[0] != sizes[1]):
            return
        self._parent[second] = first
        if sizes[0] is None and sizes[1] is not None:
            self._size[first] = sizes[1]

    def _visit(self, node: ast.AST) -> list[int] | None:
        """The dimensions of that part; None where they are not told."""
        match node:
            case ast.Name(id=name):
                return self._dims.get(name)
            case ast.Constant():
                return []
            case ast.UnaryOp(operand=operand):
                return self._visit(operand)
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return self._product(self._visit(left), self._visit(right))
            case ast.BinOp(left=left, right=right) | ast.Compare(left=left, comparators=[right]):
                return self._together([self._visit(left), self._visit(right)])
            case ast.Attribute(value=value, attr="T" | "mT"):
                inner = self._visit(value)
                return None if inner is None else inner[::-1]
            case ast.Subscript(value=value, slice=ast.Constant() | ast.UnaryOp()):
                inner = self._visit(value)
                return None if inner is None else inner[1:]
            case ast.Call(func=ast.Attribute(value=owner, attr=name), args=arguments):
                method = ast.unparse(owner).split(".")[0] not in ("torch", "F")
                return self._call(name, [owner, *arguments] if method else arguments)
        return None

    def _call(self, name: str, arguments: Sequence[ast.AST]) -> list[int] | None:
        given = [self._visit(one) for one in arguments]
        first = given[0] if given else None
        if name in _SQUARE and first is not None and len(first) == 2:
            self._join(*first)
        if name == "solve":
            return self._product(first, given[1]) if len(given) > 1 else None
        if name in ("matmul", "mv", "mm") and len(given) > 1:
            return self._product(first, given[1])
        if name in _JOINED:
            first = self._together(given)
        if name in _TO_ONE or (name in _TO_ONE_TOO and len(given) < 2) or name.endswith("_loss"):
            return []
        return None if name in _OTHER else first

    def _product(self, left: list[int] | None, right: list[int] | None) -> list[int] | None:
        if not left or not right:
            return None
        self._join(left[-1], right[0])
        return [*left[:-1], *right[1:]]

    def _together(self, given: Sequence[list[int] | None]) -> list[int] | None:
        """What is joined element by element: equal from the last dimension on."""
        known = [one for one in given if one]
        if None in given or not known:
            return None if None in given else []
        longest = max(known, key=len)
        for one in known:
            for dim, other in zip(reversed(one), reversed(longest), strict=False):
                self._join(other, dim)
        return longest


def _columns(tree: ast.AST) -> set[str]:
    """The names that are transposed somewhere."""
    return {
        one.value.id
        for one in ast.walk(tree)
        if isinstance(one, ast.Attribute) and one.attr in ("T", "mT") and isinstance(one.value, ast.Name)
    }
