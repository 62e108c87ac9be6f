"""Which name means which variable: CPython's rules, decided from the text before anything runs.

A Block is one region with names of its own (the program, a function, a lambda, a class body, a comprehension); a Scope
is one execution of a block. Private names (`self.__x` in a class) are mangled in the tree, as CPython does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.program import is_dunder

GLOBAL = -1
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(eq=False)
class Block:
    """One region of the text with names of its own. `owner` is the name of the class around it, for private names."""

    node: ast.AST
    kind: str
    name: str
    parent: Block | None
    owner: str = ""
    locals: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    generator: bool = False
    _hops: dict[str, int] = field(default_factory=dict)

    @property
    def qualname(self) -> str:
        """As CPython names what is defined here: `outer.<locals>.inner`, `Class.method`."""
        parent = self.parent
        if parent is None or parent.kind == "module" or self.name in parent.globals:
            return self.name
        between = ".<locals>." if parent.kind == "function" else "."
        return parent.qualname + between + self.name

    def hops(self, name: str) -> int:
        """How many enclosing scopes out `name` is found, 0 here, GLOBAL for the program's own and builtins."""
        found = self._hops.get(name)
        if found is None:
            found = self._hops[name] = self._find(name)
        return found

    def _find(self, name: str) -> int:
        if name in self.locals:
            return 0
        if self.kind == "module" or name in self.globals:
            return GLOBAL
        block, count = self.parent, 1
        while block is not None and block.kind != "module":
            if block.kind != "class" and name in block.locals:
                return count
            if block.kind != "class" and name in block.globals:
                return GLOBAL
            block, count = block.parent, count + 1
        return GLOBAL


class Scope:
    """One execution of a block. `variables` holds what is bound, in order of first appearance."""

    __slots__ = ("block", "cell", "enclosing", "first", "name", "number", "parent", "variables")

    def __init__(
        self, block: Block, variables: dict[str, Any], enclosing: Scope | None, number: int, parent: int | None
    ) -> None:
        self.block = block
        self.variables = variables
        self.enclosing = enclosing
        self.number = number
        self.parent = parent
        self.name = block.name
        self.first: tuple[Any, ...] = ()
        """The first argument of a function, in a tuple: what a bare `super()` is about."""
        self.cell: list[type] = enclosing.cell if enclosing is not None else []
        """The class whose body this code stands in, once it exists."""


def analyse(tree: ast.Module) -> dict[ast.AST, Block]:
    """The blocks of a program by their node."""
    blocks: dict[ast.AST, Block] = {}
    _Analysis(blocks).module(tree)
    return blocks


class _Analysis:
    """Walks the tree once; recursion is bounded by the depth that `parse` allows."""

    def __init__(self, blocks: dict[ast.AST, Block]) -> None:
        self.blocks = blocks

    def module(self, tree: ast.Module) -> None:
        block = self._open(tree, "module", "", None)
        self._all(tree.body, block)

    def _open(self, node: ast.AST, kind: str, name: str, parent: Block | None) -> Block:
        block = Block(node, kind, name, parent, parent.owner if parent else "")
        self.blocks[node] = block
        return block

    def _all(self, nodes: Any, block: Block) -> None:
        for node in nodes:
            if node is not None:
                self._visit(node, block)

    def _visit(self, node: ast.AST, block: Block) -> None:
        match node:
            case ast.FunctionDef():
                self._function(node, block)
            case ast.Lambda():
                self._arguments(node.args, block)
                inner = self._open(node, "function", "<lambda>", block)
                self._parameters(node.args, inner)
                self._visit(node.body, inner)
            case ast.ClassDef():
                self._class(node, block)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node, block)
            case ast.NamedExpr():
                self._visit(node.value, block)
                node.target.id = self._mangled(node.target.id, block)
                target = block
                while target.kind == "comprehension" and target.parent is not None:
                    target = target.parent
                self._bind(node.target.id, target)
            case _:
                self._simple(node, block)
                self._all(ast.iter_child_nodes(node), block)

    def _simple(self, node: ast.AST, block: Block) -> None:
        """Names that a node without a block of its own binds, declares or mentions."""
        match node:
            case ast.Name():
                node.id = self._mangled(node.id, block)
                if not isinstance(node.ctx, ast.Load):
                    self._bind(node.id, block)
            case ast.Attribute():
                node.attr = self._mangled(node.attr, block)
            case ast.Global() | ast.Nonlocal():
                node.names = [self._mangled(name, block) for name in node.names]
                (block.globals if isinstance(node, ast.Global) else block.nonlocals).update(node.names)
                block.locals.difference_update(node.names)
            case ast.alias():
                self._bind(node.asname or node.name.split(".")[0], block)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                self._bind(name, block)
            case ast.MatchMapping(rest=str(name)):
                self._bind(name, block)
            case ast.Yield() | ast.YieldFrom():
                block.generator = True

    def _function(self, node: ast.FunctionDef, block: Block) -> None:
        self._all(node.decorator_list, block)
        self._arguments(node.args, block)
        self._all([node.returns], block)
        self._bind(self._mangled(node.name, block), block)
        inner = self._open(node, "function", node.name, block)
        self._parameters(node.args, inner)
        self._all(node.body, inner)

    def _arguments(self, arguments: ast.arguments, block: Block) -> None:
        annotations = [parameter.annotation for parameter in parameters(arguments)]
        self._all([*arguments.defaults, *arguments.kw_defaults, *annotations], block)

    def _parameters(self, arguments: ast.arguments, block: Block) -> None:
        for parameter in parameters(arguments):
            parameter.arg = self._mangled(parameter.arg, block)
            block.locals.add(parameter.arg)

    def _class(self, node: ast.ClassDef, block: Block) -> None:
        self._all([*node.decorator_list, *node.bases, *node.keywords], block)
        self._bind(self._mangled(node.name, block), block)
        inner = self._open(node, "class", node.name, block)
        inner.owner = node.name
        self._all(node.body, inner)

    def _comprehension(self, node: ast.AST, block: Block) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        self._visit(generators[0].iter, block)
        name = {"ListComp": "<listcomp>", "SetComp": "<setcomp>", "DictComp": "<dictcomp>"}
        inner = self._open(node, "comprehension", name.get(type(node).__name__, "<genexpr>"), block)
        for index, generator in enumerate(generators):
            self._visit(generator.target, inner)
            if index:
                self._visit(generator.iter, inner)
            self._all(generator.ifs, inner)
        for part in ("elt", "key", "value"):
            if hasattr(node, part):
                self._visit(getattr(node, part), inner)

    def _bind(self, name: str, block: Block) -> None:
        if name not in block.globals and name not in block.nonlocals:
            block.locals.add(name)

    def _mangled(self, name: str, block: Block) -> str:
        return mangled(name, block.owner)


def mangled(name: str, owner: str) -> str:
    """A private name as seen inside the class `owner`."""
    owner = owner.lstrip("_")
    return f"_{owner}{name}" if owner and name.startswith("__") and not is_dunder(name) and len(name) > 2 else name


def parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    """All parameters, in CPython's order of local variables."""
    yield from arguments.posonlyargs
    yield from arguments.args
    yield from arguments.kwonlyargs
    if arguments.vararg:
        yield arguments.vararg
    if arguments.kwarg:
        yield arguments.kwarg
