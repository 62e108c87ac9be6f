"""Small edits of a program's text by its syntax tree: what a fix does. Only the characters that must change do."""

from __future__ import annotations

import ast

from engine.trace import Span

_FACTORIES = {"tensor", "ones", "zeros", "rand", "randn", "full", "arange", "linspace", "eye"}


class Source:
    """A program's text and tree; every span is in code points, as in the Trace."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.tree = ast.parse(text)

    def span(self, node: ast.AST) -> Span:
        """The place of a node: ast's UTF-8 columns turned into code points."""
        line, end = node.lineno, node.end_lineno  # type: ignore[attr-defined]
        start = self._column(line, node.col_offset)  # type: ignore[attr-defined]
        return (line, start, end, self._column(end, node.end_col_offset))  # type: ignore[attr-defined]

    def _column(self, line: int, offset: int) -> int:
        return len(self.lines[line - 1].encode()[:offset].decode())

    def text_at(self, span: Span) -> str:
        """The characters of a span."""
        return self.text[self._offset(span[0], span[1]) : self._offset(span[2], span[3])]

    def segment(self, node: ast.AST) -> str:
        """The characters of a node."""
        return self.text_at(self.span(node))

    def _offset(self, line: int, column: int) -> int:
        return sum(len(text) + 1 for text in self.lines[: line - 1]) + column

    def innermost(self, span: Span) -> ast.expr | None:
        """The outermost expression that has exactly this span, else the one of a statement that has it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.expr) and self.span(node) == span:
                return node
        statement = self.statement(span)
        return statement.value if isinstance(statement, (ast.Expr, ast.Assign)) else None

    def statement(self, span: Span) -> ast.stmt | None:
        """The smallest statement that begins on or before, and ends on or after, this span."""
        found: ast.stmt | None = None
        for node in ast.walk(self.tree):
            if isinstance(node, ast.stmt):
                place = self.span(node)
                if place[:2] <= span[:2] and span[2:] <= place[2:]:
                    found = node
        return found

    def replaced(self, node: ast.AST, text: str) -> str:
        """The program with a node's characters replaced."""
        line, column, end_line, end_column = self.span(node)
        return self.text[: self._offset(line, column)] + text + self.text[self._offset(end_line, end_column) :]

    def replaced_all(self, edits: list[tuple[ast.AST, str]]) -> str:
        """The program with the characters of several nodes, none inside another, replaced."""
        text = self.text
        for node, new in sorted(edits, key=lambda edit: self.span(edit[0]), reverse=True):
            line, column, end_line, end_column = self.span(node)
            text = text[: self._offset(line, column)] + new + text[self._offset(end_line, end_column) :]
        return text

    def inserted(self, statement: ast.stmt, line: str, *, after: bool = False) -> str:
        """The program with a line of its own before (or after) a statement, indented as that is."""
        first = self.lines[statement.lineno - 1]
        indent = first[: len(first) - len(first.lstrip())]
        place = (statement.end_lineno or statement.lineno) if after else statement.lineno - 1
        return "\n".join([*self.lines[:place], indent + line, *self.lines[place:]])

    def around(self, node: ast.AST, *kinds: type[ast.AST]) -> ast.AST | None:
        """The innermost node of one of these kinds that holds this one."""
        place = self.span(node)
        found: ast.AST | None = None
        for other in ast.walk(self.tree):
            if isinstance(other, kinds) and other is not node:
                span = self.span(other)
                if span[:2] <= place[:2] and place[2:] <= span[2:]:
                    found = other
        return found

    def with_keyword(self, call: ast.Call, name: str, value: str) -> str:
        """The program with `name=value` in a call, replacing that keyword's value where it is there."""
        for keyword in call.keywords:
            if keyword.arg == name:
                return self.replaced(keyword.value, value)
        written = self.segment(call)
        body = written[: written.rstrip().rfind(")")]
        comma = ", " if (call.args or call.keywords) and not body.rstrip().endswith(",") else ""
        return self.replaced(call, f"{body}{comma}{name}={value})")

    def out_of_place(self, statement: ast.stmt) -> str | None:
        """The program with `y += 1` as `y = y + 1`, `y.add_(1)` as `y = y.add(1)`, and `y[0] = 1` on a copy; None for
        anything else."""
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            target, value = self.segment(statement.target), self.segment(statement.value)
            between = self.text_at((*self.span(statement.target)[2:], *self.span(statement.value)[:2]))
            operator = between.strip(" ()").removesuffix("=").strip()
            value = value if isinstance(statement.value, (ast.Name, ast.Constant, ast.Call)) else f"({value})"
            return self.replaced(statement, f"{target} = {target} {operator} {value}")
        written = getattr(statement, "target", None) or (
            statement.targets[0] if isinstance(statement, ast.Assign) else None
        )
        if isinstance(written, ast.Subscript) and isinstance(written.value, ast.Name):
            return self.inserted(statement, f"{written.value.id} = {written.value.id}.clone()")
        call = statement.value if isinstance(statement, ast.Expr) else None
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
        ):
            owner, method = call.func.value.id, call.func.attr
            if method.endswith("_") and not method.endswith("__"):
                arguments = self.segment(call)[len(self.segment(call.func)) :]
                return self.replaced(statement, f"{owner} = {owner}.{method[:-1]}{arguments}")
        return None

    def under(self, statement: ast.stmt, header: str) -> str:
        """The program with a statement indented under a header of its own."""
        first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
        indent = self.lines[first][: len(self.lines[first]) - len(self.lines[first].lstrip())]
        inner = [f"    {line}" for line in self.lines[first : last + 1]]
        return "\n".join([*self.lines[:first], indent + header, *inner, *self.lines[last + 1 :]])

    def first_factory(self) -> ast.Call | None:
        """The first call in the text that makes a tensor without asking for its gradient."""
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
            named = isinstance(call.func, ast.Attribute) and call.func.attr in _FACTORIES
            if named and not any(keyword.arg == "requires_grad" for keyword in call.keywords):
                return call
        return None

    def optimizer_call(self, span: Span) -> set[str] | None:
        """The names listed in a torch.optim constructor's first argument in the statement there; None if there is
        none."""
        statement = self.statement(span)
        for node in ast.walk(statement) if statement else ():
            if not (isinstance(node, ast.Call) and node.args and "optim." in self.segment(node.func)):
                continue
            if isinstance(node.args[0], (ast.List, ast.Tuple)):
                return {item.id for item in node.args[0].elts if isinstance(item, ast.Name)}
        return None
