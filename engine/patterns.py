"""`match`: whether a value fits a pattern, and what it binds. Attributes are read as the program would read them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.scopes import Scope

if TYPE_CHECKING:
    from engine.expressions import Expressions

_SELF = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)


class Patterns:
    """One method per pattern node."""

    def __init__(self, walker: Expressions) -> None:
        self.walker = walker

    def matches(self, pattern: ast.pattern, value: Any, bound: dict[str, Any], scope: Scope) -> bool:
        """Whether `value` fits; names it binds are added to `bound`."""
        match pattern:
            case ast.MatchValue(value=expected):
                return bool(value == self.walker.evaluate(expected, scope))
            case ast.MatchSingleton(value=constant):
                return value is constant
            case ast.MatchAs(pattern=inner, name=name):
                if inner is not None and not self.matches(inner, value, bound, scope):
                    return False
                if name is not None:
                    bound[name] = value
                return True
            case ast.MatchOr(patterns=patterns):
                return any(self.matches(one, value, bound, scope) for one in patterns)
            case ast.MatchSequence(patterns=patterns):
                return self._sequence(patterns, value, bound, scope)
            case ast.MatchMapping():
                return self._mapping(pattern, value, bound, scope)
            case ast.MatchClass():
                return self._class(pattern, value, bound, scope)
        return False

    def _sequence(self, patterns: list[ast.pattern], value: Any, bound: dict[str, Any], scope: Scope) -> bool:
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
            return False
        values = list(self.walker.budget.collected(value))
        star = next((index for index, one in enumerate(patterns) if isinstance(one, ast.MatchStar)), None)
        if star is None:
            return len(values) == len(patterns) and all(
                self.matches(one, part, bound, scope) for one, part in zip(patterns, values, strict=True)
            )
        after = len(patterns) - star - 1
        if len(values) < star + after:
            return False
        name = patterns[star].name  # type: ignore[attr-defined]
        middle = values[star : len(values) - after]
        rest = [*zip(patterns[:star], values[:star], strict=True)]
        rest += zip(patterns[star + 1 :], values[len(values) - after :], strict=True)
        if not all(self.matches(one, part, bound, scope) for one, part in rest):
            return False
        if name is not None:
            bound[name] = middle
        return True

    def _mapping(self, pattern: ast.MatchMapping, value: Any, bound: dict[str, Any], scope: Scope) -> bool:
        if not isinstance(value, Mapping):
            return False
        keys = [self.walker.evaluate(key, scope) for key in pattern.keys]
        if not all(key in value for key in keys):
            return False
        if not all(
            self.matches(one, value[key], bound, scope) for one, key in zip(pattern.patterns, keys, strict=True)
        ):
            return False
        if pattern.rest is not None:
            bound[pattern.rest] = {key: part for key, part in value.items() if key not in keys}
        return True

    def _class(self, pattern: ast.MatchClass, value: Any, bound: dict[str, Any], scope: Scope) -> bool:
        kind = self.walker.evaluate(pattern.cls, scope)
        if not isinstance(kind, type):
            raise TypeError("called match pattern must be a type")
        if not isinstance(value, kind):
            return False
        read = self.walker.access.read_named
        if pattern.patterns and kind in _SELF and len(pattern.patterns) == 1:
            positional: list[Any] = [value]
        else:
            names = getattr(kind, "__match_args__", ())
            if len(pattern.patterns) > len(names):
                count, given = len(names), len(pattern.patterns)
                plural = "" if count == 1 else "s"
                raise TypeError(f"{kind.__name__}() accepts {count} positional sub-pattern{plural} ({given} given)")
            positional = [read(value, name) for name in names[: len(pattern.patterns)]]
        if not all(
            self.matches(one, part, bound, scope) for one, part in zip(pattern.patterns, positional, strict=True)
        ):
            return False
        for name, one in zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True):
            try:
                part = read(value, name)
            except AttributeError:
                return False
            if not self.matches(one, part, bound, scope):
                return False
        return True
