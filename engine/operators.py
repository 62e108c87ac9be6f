"""Operators with budgets: the real ones of Python, after a check where Python's own values could grow without bound."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from engine.budget import SIZED, Budget
from engine.formatting import Formatting
from engine.vocabulary import Vocabulary

_Function = Callable[[Any, Any], Any]

BINARY: dict[type[ast.AST], tuple[str, _Function]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
    ast.MatMult: ("@", operator.matmul),
    ast.LShift: ("<<", operator.lshift),
    ast.RShift: (">>", operator.rshift),
    ast.BitAnd: ("&", operator.and_),
    ast.BitOr: ("|", operator.or_),
    ast.BitXor: ("^", operator.xor),
}
INPLACE: dict[type[ast.AST], tuple[str, _Function]] = {
    ast.Add: ("+=", operator.iadd),
    ast.Sub: ("-=", operator.isub),
    ast.Mult: ("*=", operator.imul),
    ast.Div: ("/=", operator.itruediv),
    ast.FloorDiv: ("//=", operator.ifloordiv),
    ast.Mod: ("%=", operator.imod),
    ast.Pow: ("**=", operator.ipow),
    ast.MatMult: ("@=", operator.imatmul),
    ast.LShift: ("<<=", operator.ilshift),
    ast.RShift: (">>=", operator.irshift),
    ast.BitAnd: ("&=", operator.iand),
    ast.BitOr: ("|=", operator.ior),
    ast.BitXor: ("^=", operator.ixor),
}
UNARY: dict[type[ast.AST], tuple[str, Callable[[Any], Any]]] = {
    ast.USub: ("-", operator.neg),
    ast.UAdd: ("+", operator.pos),
    ast.Invert: ("~", operator.invert),
    ast.Not: ("not", operator.not_),
}
COMPARE: dict[type[ast.AST], tuple[str, _Function]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Is: ("is", operator.is_),
    ast.IsNot: ("is not", operator.is_not),
}

_PLAIN = frozenset({bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, type(None), range, slice})
_SEQUENCES = (str, bytes, list, tuple)


class Operators:
    """Applies an operator node to values, for one run."""

    def __init__(self, budget: Budget, vocabulary: Vocabulary, formatting: Formatting) -> None:
        self.budget = budget
        self.vocabulary = vocabulary
        self.formatting = formatting

    def binary(self, kind: type[ast.AST], left: Any, right: Any) -> Any:
        """`left op right`."""
        symbol, function = BINARY[kind]
        return self.apply(symbol, function, left, right)

    def inplace(self, kind: type[ast.AST], left: Any, right: Any) -> Any:
        """What `left op= right` binds."""
        symbol, function = INPLACE[kind]
        return self.apply(symbol, function, left, right)

    def apply(self, symbol: str, function: _Function, left: Any, right: Any) -> Any:
        """`function(left, right)`, checked before and after."""
        left_type, right_type = type(left), type(right)
        if left_type is float and right_type is float and symbol[:2] != "**":
            return function(left, right)
        operation = symbol.rstrip("=")
        if operation in ("*", "**", "<<", "%"):
            self._before(operation, left, right)
            if operation == "%" and isinstance(left, (str, bytes)):
                return self.formatting.percent(left, right)
        if left_type not in _PLAIN or right_type not in _PLAIN:
            self.vocabulary.operate(symbol, (left, right))
        if symbol == "+=" and isinstance(left, list):
            right = self.budget.collected(right)
            self.budget.container(list.__len__(left))
        result = function(left, right)
        result_type = type(result)
        if result_type is int:
            if not -self.budget.largest < result < self.budget.largest:
                self.budget.bits(result.bit_length())
        elif result_type in SIZED:
            self.sized(result)
        return result

    def sized(self, result: Any) -> None:
        """Check the length of a container or text that was just made."""
        if isinstance(result, (str, bytes)):
            self.budget.text(len(result))
        else:
            self.budget.container(len(result))

    def _before(self, operation: str, left: Any, right: Any) -> None:
        """Refuse what would take long or much to make."""
        if operation == "*":
            if isinstance(left, _SEQUENCES):
                self._repeat(left, right)
            elif isinstance(right, _SEQUENCES):
                self._repeat(right, left)
        elif operation == "**":
            if isinstance(left, int) and isinstance(right, int) and right > 0:
                self.budget.bits((left.bit_length() - 1) * right)
        elif operation == "<<" and isinstance(left, int) and isinstance(right, int) and left and right > 0:
            self.budget.bits(left.bit_length() + right)

    def _repeat(self, sequence: Any, count: Any) -> None:
        try:
            times = operator.index(count)
        except Exception:
            return  # the operator itself says what is wrong with it
        length = len(sequence) * max(times, 0)
        if isinstance(sequence, (str, bytes)):
            self.budget.text(length)
        else:
            self.budget.container(length)

    def unary(self, kind: type[ast.AST], value: Any) -> Any:
        """`op value`."""
        symbol, function = UNARY[kind]
        if type(value) not in _PLAIN and symbol != "not":
            self.vocabulary.operate(symbol, (value,))
        return function(value)

    def compare(self, kind: type[ast.AST], left: Any, right: Any) -> Any:
        """`left op right`; `in` is always a bool, the others may give anything."""
        if kind is ast.In:
            return self.contains(right, left)
        if kind is ast.NotIn:
            return not self.contains(right, left)
        symbol, function = COMPARE[kind]
        if (type(left) not in _PLAIN or type(right) not in _PLAIN) and symbol not in ("is", "is not"):
            self.vocabulary.operate(symbol, (left, right))
        return function(left, right)

    def contains(self, container: Any, value: Any) -> bool:
        """`value in container`, counting what an iterator gives."""
        kind = type(container)
        if kind is range and type(value) is not int:
            self.budget.range(len(container))
        if kind not in _PLAIN and not hasattr(kind, "__contains__") and hasattr(kind, "__next__"):
            return any(element is value or element == value for element in self.budget.walk(container))
        return operator.contains(container, value)

    def item(self, value: Any, key: Any) -> Any:
        """`value[key]`."""
        if type(value) not in _PLAIN:
            self.vocabulary.operate("[]", (value, key))
        return value[key]

    def set_item(self, value: Any, key: Any, new: Any) -> None:
        """`value[key] = new`."""
        kind = type(value)
        if kind not in _PLAIN:
            self.vocabulary.operate("[]=", (value, key, new))
        if isinstance(value, list) and type(key) is slice:
            self.budget.container(list.__len__(value))
            new = list(self.budget.collected(new))
        value[key] = new
        if kind in SIZED:
            self.sized(value)

    def delete_item(self, value: Any, key: Any) -> None:
        """`del value[key]`."""
        if type(value) not in _PLAIN:
            self.vocabulary.operate("del []", (value, key))
        del value[key]
