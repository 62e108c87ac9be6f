"""What is called, as the learner wrote it, read from the tree; and what else the recorder wants to know of a text."""

from __future__ import annotations

import ast
from dataclasses import dataclass

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    ast.UAdd: "+", ast.USub: "-", ast.Invert: "~", ast.Not: "not",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip

_ALIASING = frozenset(
    """data numpy from_numpy asarray as_tensor set_ frombuffer from_dlpack to_dlpack __array__ cpu
    batch_norm instance_norm""".split()  # noqa: SIM905
)
"""Names through which memory can be shared, or written to, past the version counter."""


@dataclass(frozen=True, slots=True)
class Name:
    """`shown` is for the reader ("torch.matmul", ".detach", "@"); `last` the last part of it ("matmul", "detach")."""

    shown: str
    last: str


class Naming:
    """Names of the expressions of one program, each worked out once."""

    def __init__(self, tree: ast.Module) -> None:
        self._names: dict[ast.AST, Name] = {}
        self._modules = {
            (alias.asname or alias.name).split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        } | {"self"}
        self.aliasing = frozenset([node for node in ast.walk(tree) if _last(node) in _ALIASING])
        """The expressions after which a tensor that they touch can be changed behind its version counter."""
        self.modes = any(isinstance(node, ast.alias) and node.name.endswith("Mode") for node in ast.walk(tree)) or any(
            isinstance(node, ast.Attribute) and node.attr.endswith("Mode") for node in ast.walk(tree)
        )
        """Whether the text may enter a mode that is told of every operation."""

    def of(self, node: ast.AST) -> Name:
        """The name of an expression that was evaluated."""
        name = self._names.get(node)
        if name is None:
            name = self._names[node] = self._name(node)
        return name

    def _name(self, node: ast.AST) -> Name:
        match node:
            case ast.Call(func=function):
                return self._called(function)
            case ast.BinOp(op=operator) | ast.UnaryOp(op=operator):
                return _sign(_OPERATORS[type(operator)])
            case ast.AugAssign(op=operator):
                return _sign(_OPERATORS[type(operator)] + "=")
            case ast.Compare(ops=operators):
                return _sign(" ".join(_OPERATORS[type(operator)] for operator in operators))
            case ast.Subscript(ctx=ast.Store()):
                return _sign("[...] =")
            case ast.Subscript():
                return _sign("[...]")
            case ast.Attribute(attr=name, ctx=ast.Store()):
                return Name(f".{name} =", "=")
            case ast.Attribute(attr=name):
                return Name(f".{name}", name)
            case ast.Tuple() | ast.List():
                return _sign("=")
        return _sign(type(node).__name__)

    def _called(self, function: ast.AST) -> Name:
        """A dotted name from an import or from `self` as it stands; a method of anything else with its dot only."""
        parts: list[str] = []
        while isinstance(function, ast.Attribute):
            parts.append(function.attr)
            function = function.value
        if isinstance(function, ast.Name):
            if not parts:
                return Name(function.id, function.id)
            if function.id in self._modules:
                return Name(".".join([function.id, *reversed(parts)]), parts[0])
        if parts:
            return Name(f".{parts[0]}", parts[0])
        return _sign("(...)")

    def assigns_attribute(self, node: ast.stmt) -> bool:
        """Whether a statement may give an object another attribute or element."""
        if isinstance(node, ast.Expr):
            return isinstance(node.value, ast.Call) and self.of(node.value).last == "setattr"
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        return any(isinstance(target, (ast.Attribute, ast.Subscript)) for target in targets)


def _last(node: ast.AST) -> str:
    """The name of what is called, read or changed in place."""
    if isinstance(node, ast.Call):
        node = node.func
    elif isinstance(node, ast.AugAssign):
        node = node.target
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _sign(text: str) -> Name:
    return Name(text, text)
