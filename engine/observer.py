"""What the interpreter tells, and to whom: empty hooks.

The interpreter knows nothing of gradients; it tells an Observer what happens and the Observer decides what to keep.
Every hook here does nothing, so an observer overrides only what it listens to. Hooks are called on the thread that
runs the program and must not change any value they are shown.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any


class Nothing:
    """The type of NOTHING: a statement that is no expression has no value (None is a value)."""


NOTHING = Nothing()


class Observer:
    """Hooks around statements, expressions, scopes and loops.

    Order for one statement: `before_statement`, then for each evaluated expression in it `before_expression` ...
    `after_expression` (properly nested), then `after_statement`, or `raised` when an exception leaves it.

    A compound statement is its header: `after_statement` comes when its test, iterable or context is evaluated and its
    target bound, before its body. A loop's header is a statement again at each iteration. Each `before_statement` is
    one tick.
    """

    def before_statement(self, node: ast.stmt, scope: Any, tick: int) -> None:
        """A statement is about to run. `scope` has `.number`, `.name` and `.variables` (name -> value,
        first-appearance order)."""

    def after_statement(self, node: ast.stmt, scope: Any, value: object) -> None:
        """It ran. `value` is that of a bare expression statement, else NOTHING."""

    def raised(self, node: ast.stmt, scope: Any, error: BaseException) -> None:
        """An exception leaves this statement; called once for each statement it passes, innermost first."""

    def before_expression(self, node: ast.AST, function: object = None, operands: Sequence[object] = ()) -> None:
        """A call, operator, comparison, subscript, attribute read, in-place operator or unpacking is about to be
        evaluated, its operands already being values. The method of a call is read as part of the call's operands. Of a
        call `function` is what is called, `operands` the receiver and the arguments."""

    def after_expression(self, node: ast.AST, value: object, function: object, operands: Sequence[object]) -> None:
        """It gave `value`. `function` is what was called (None for operators); `operands` the receiver and the
        arguments."""

    def failed_expression(self, node: ast.AST, error: BaseException) -> None:
        """It raised instead; pairs with `before_expression`."""

    def enter_scope(self, scope: Any, node: ast.AST) -> None:
        """A user function (or the program itself, first) begins; `scope.parent` is the number of the caller's scope or
        None."""

    def leave_scope(self, scope: Any) -> None:
        """It returned or raised."""

    def begin_loop(self, node: ast.stmt, length: int | None) -> None:
        """A for or while statement begins; `length` is its number of iterations where that is known."""

    def iteration(self, node: ast.stmt, index: int) -> None:
        """Its next iteration, from 0, begins: comes before the header's `before_statement`."""

    def end_loop(self, node: ast.stmt) -> None:
        """It is over, however it ended."""

    def printed(self, text: str) -> None:
        """The program wrote this to its output."""

    def warned(self, message: str) -> None:
        """A warning was issued, as "UserWarning: text"."""
