"""Executes statements: one method per node type.

Simple statements are plain methods. Compound statements are generator methods, so that a `yield` anywhere in the
program's own generator functions is a yield of ours. A body ends with a signal: None, BREAK, CONTINUE or Returned.
"""

from __future__ import annotations
import __future__

import ast
import sys
from collections.abc import Callable, Generator
from typing import Any

from engine.errors import Refused, Stop
from engine.expressions import Expressions, listens
from engine.functions import make_class
from engine.observer import NOTHING
from engine.patterns import Patterns
from engine.scopes import Scope, mangled

Walk = Generator[Any, Any, Any]

BREAK, CONTINUE = object(), object()


def _breaks(_node: ast.AST, _scope: Scope) -> object:
    return BREAK


def _continues(_node: ast.AST, _scope: Scope) -> object:
    return CONTINUE


def _nothing(_node: ast.AST, _scope: Scope) -> None:
    return None


class Returned:
    """A `return` on its way out."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Carried(BaseException):
    """A StopIteration of the program on its way out: raised as itself it would not pass a generator of ours."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


def _own(caught: BaseException) -> BaseException:
    """The program's exception in what was caught."""
    return caught.error if isinstance(caught, Carried) else caught


class Statements(Expressions):
    """The half of the interpreter that does things."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patterns = Patterns(self)
        self.current: ast.stmt | None = None
        self.weights = self.program.weights
        self.tells_statements = listens(self.observer, "before_statement", "after_statement")
        self.simple: dict[type[ast.AST], Callable[[Any, Scope], Any]] = {
            ast.Assign: self.assignment, ast.AugAssign: self.augmented, ast.AnnAssign: self.annotated,
            ast.Return: self.return_, ast.Raise: self.raise_, ast.Assert: self.assert_, ast.Delete: self.delete,
            ast.Import: self.import_, ast.ImportFrom: self.import_from, ast.Break: _breaks,
            ast.Continue: _continues, ast.Pass: _nothing,
            ast.Global: _nothing, ast.Nonlocal: _nothing,
            ast.FunctionDef: self.function_definition, ast.ClassDef: self.class_definition,
        }  # fmt: skip
        self.compound: dict[type[ast.AST], Callable[[Any, Scope], Walk]] = {
            ast.If: self.if_, ast.For: self.for_, ast.While: self.while_, ast.With: self.with_, ast.Try: self.try_,
            ast.Match: self.match,
        }  # fmt: skip

    # Bodies.

    def body(self, statements: list[ast.stmt], scope: Scope) -> Walk:
        """Execute statements in order; returns the signal that ended them."""
        simple, generator, tells = self.simple, scope.block.generator, self.tells_statements
        spend, weights = self.budget.statement, self.weights
        for node in statements:
            try:
                kind = node.__class__
                run = simple.get(kind)
                if kind is ast.Expr:
                    self.current = node  # as `begin` does, without a call for each statement
                    tick = spend(weights[node])
                    if tells:
                        self.observer.before_statement(node, scope, tick)
                    expression: ast.expr = node.value  # type: ignore[attr-defined]
                    if generator and isinstance(expression, (ast.Yield, ast.YieldFrom)):
                        value = yield from self.yield_(expression, scope)
                    else:
                        value = self.table[expression.__class__](expression, scope)
                    if tells:
                        self.observer.after_statement(node, scope, value)
                    value = signal = None  # nothing of ours keeps it alive
                elif run is None:
                    signal = yield from self.compound[kind](node, scope)
                elif generator and isinstance(getattr(node, "value", None), (ast.Yield, ast.YieldFrom)):
                    signal = yield from self.yielding(node, scope)
                else:
                    self.current = node
                    tick = spend(weights[node])
                    if tells:
                        self.observer.before_statement(node, scope, tick)
                    signal = run(node, scope)
                    if tells:
                        self.observer.after_statement(node, scope, NOTHING)
            except BaseException as caught:
                self.passed(node, scope, caught)
                if isinstance(caught, StopIteration):
                    raise Carried(caught) from None
                raise
            if signal is not None:
                return signal
        return None

    def begin(self, node: ast.stmt, scope: Scope) -> None:
        """A statement is about to run."""
        self.current = node
        tick = self.budget.statement(self.weights[node])
        if self.tells_statements:
            self.observer.before_statement(node, scope, tick)

    def passed(self, node: ast.stmt, scope: Scope, caught: BaseException) -> None:
        """An exception leaves a statement."""
        error = _own(caught)
        if isinstance(error, GeneratorExit):
            return
        self.place(node, error)
        self.observer.raised(node, scope, error)

    def finish(self, walk: Walk) -> Any:
        """Run a walk that does not yield to its end; its signal."""
        try:
            next(walk)
        except StopIteration as done:
            return done.value
        except Carried as carried:
            raise carried.error from None
        raise AssertionError("a yield outside of a generator function")

    # Generators.

    def yield_(self, node: ast.Yield | ast.YieldFrom, scope: Scope) -> Walk:
        """`yield value` and `yield from values`."""
        if isinstance(node, ast.YieldFrom):
            return (yield from self.evaluate(node.value, scope))
        sent = yield None if node.value is None else self.evaluate(node.value, scope)
        if self.budget.stopped is not None:
            raise self.budget.stopped
        return sent

    def yielding(self, node: Any, scope: Scope) -> Walk:
        """A statement whose value is a yield."""
        self.begin(node, scope)
        value = yield from self.yield_(node.value, scope)
        signal = None
        if isinstance(node, ast.Return):
            signal = Returned(value)
        elif isinstance(node, ast.AugAssign):
            self.augment(node, scope, value)
        else:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                self.assign(target, value, scope)
        self.observer.after_statement(node, scope, NOTHING)
        return signal

    def generate(self, statements: list[ast.stmt], scope: Scope) -> Walk:
        """What a call of a generator function gives."""
        try:
            signal = yield from self.body(statements, scope)
        except Carried as carried:
            raise carried.error from None
        return signal.value if isinstance(signal, Returned) else None

    # Simple statements.

    def assignment(self, node: ast.Assign, scope: Scope) -> None:
        """`a = b = value`."""
        value = self.table[node.value.__class__](node.value, scope)
        for target in node.targets:
            if target.__class__ is ast.Name:
                if target.id in scope.block.locals:
                    scope.variables[target.id] = value
                else:
                    self.store(target.id, value, scope)
            else:
                self.assign(target, value, scope)

    def augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        """`target op= value`."""
        self.augment(node, scope)

    def augment(self, node: ast.AugAssign, scope: Scope, *sent: Any) -> None:
        """The target is read before the value, which a yield may have given."""
        target: Any = node.target
        container = key = None
        if isinstance(target, ast.Name):
            old = self.name(target, scope)
        else:
            container = self.evaluate(target.value, scope)
            if isinstance(target, ast.Subscript):
                key = self.evaluate(target.slice, scope)
                old = self.operators.item(container, key)
            else:
                old = self.access.read(container, target.attr)
        value = sent[0] if sent else self.evaluate(node.value, scope)
        self.observer.before_expression(node)
        try:
            new = self.operators.inplace(node.op.__class__, old, value)
        except BaseException as error:
            self.failed(node, error)
            raise
        self.observer.after_expression(node, new, None, (old, value))
        if isinstance(target, ast.Name):
            self.store(target.id, new, scope)
        elif isinstance(target, ast.Subscript):
            self.set_item(target, container, key, new)
        else:
            self.set_attribute(target, container, new)

    def annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        """`target: annotation = value`; annotations matter in classes only, where dataclasses read them."""
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value, scope), scope)
        if scope.block.kind == "class" and isinstance(node.target, ast.Name):
            annotations = scope.variables.setdefault("__annotations__", {})
            annotations[node.target.id] = self.annotation(node.annotation, scope)

    def return_(self, node: ast.Return, scope: Scope) -> Returned:
        """`return value`."""
        return Returned(None if node.value is None else self.evaluate(node.value, scope))

    def raise_(self, node: ast.Raise, scope: Scope) -> None:
        """`raise error from cause`."""
        if node.exc is None:
            current = sys.exc_info()[1]
            if current is None:
                raise RuntimeError("No active exception to reraise")
            raise _own(current)
        error = self._exception(self.evaluate(node.exc, scope), "exceptions must derive from BaseException")
        if node.cause is None:
            raise error
        cause = self.evaluate(node.cause, scope)
        if cause is not None:
            cause = self._exception(cause, "exception causes must derive from BaseException")
        raise error from cause

    def _exception(self, value: Any, otherwise: str) -> BaseException:
        if isinstance(value, type) and issubclass(value, BaseException):
            value = self.access.call(value, (), {})
        if not isinstance(value, BaseException):
            raise TypeError(otherwise)
        return value

    def assert_(self, node: ast.Assert, scope: Scope) -> None:
        """`assert test, message`."""
        if not self.truth(node.test, self.evaluate(node.test, scope)):
            raise AssertionError(self.evaluate(node.msg, scope)) if node.msg is not None else AssertionError

    def delete(self, node: ast.Delete, scope: Scope) -> None:
        """`del a, b.c, d[e]`."""
        for target in node.targets:
            self._delete(target, scope)

    def _delete(self, target: ast.expr, scope: Scope) -> None:
        match target:
            case ast.Name(id=name):
                self.unbind(name, scope)
            case ast.Attribute(value=value, attr=name):
                self.access.delete(self.evaluate(value, scope), name)
            case ast.Subscript(value=value, slice=key):
                self.operators.delete_item(self.evaluate(value, scope), self.evaluate(key, scope))
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._delete(part, scope)

    # Imports.

    def import_(self, node: ast.Import, scope: Scope) -> None:
        """`import a.b as c`."""
        for alias in node.names:
            module = self.vocabulary.module(alias.name)
            first = alias.name.split(".")[0]
            if alias.asname is None and first != alias.name:
                module = self.vocabulary.module(first)
            self.store(alias.asname or first, module, scope)

    def import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        """`from a import b as c`."""
        if node.module == "__future__":
            self.postponed = self.postponed or any(alias.name == "annotations" for alias in node.names)
            for alias in node.names:
                self.store(alias.asname or alias.name, getattr(__future__, alias.name), scope)
            return
        if node.level:
            raise ImportError("attempted relative import with no known parent package")
        module = self.vocabulary.module(node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self._import_all(module)
            else:
                self.store(alias.asname or alias.name, self._imported(module, node.module or "", alias.name), scope)

    def _import_all(self, module: Any) -> None:
        """`from a import *`: a name that is not offered is refused where it is used."""
        for name in self.vocabulary.read(module, "__all__"):
            try:
                self.globals[name] = self.vocabulary.read(module, name)
            except Refused as refusal:
                self.withheld[name] = refusal

    def _imported(self, module: Any, dotted: str, name: str) -> Any:
        try:
            return self.vocabulary.read(module, name)
        except AttributeError:
            pass
        try:
            return self.vocabulary.module(f"{dotted}.{name}")
        except ModuleNotFoundError:
            pass
        path = getattr(sys.modules.get(dotted), "__file__", None)
        place = f" ({path})" if path else " (unknown location)"
        raise ImportError(f"cannot import name {name!r} from {dotted!r}{place}")

    # Definitions.

    def function_definition(self, node: ast.FunctionDef, scope: Scope) -> None:
        """`def name(...): ...`."""
        decorators = [self.evaluate(decorator, scope) for decorator in node.decorator_list]
        statements, block = node.body, self.blocks[node]

        def run(inner: Scope) -> Any:
            signal = self.finish(self.body(statements, inner))
            return signal.value if signal is not None else None

        def start(inner: Scope) -> Any:
            depth = self.python.deepen(inner.variables.values())
            return self.named_generator(self.generate(statements, inner), block, depth)

        function = self.function(node, block, scope, start if block.generator else run)
        self._decorate(node, function, decorators, scope)

    def class_definition(self, node: ast.ClassDef, scope: Scope) -> None:
        """`class Name(bases): ...`."""
        decorators = [self.evaluate(decorator, scope) for decorator in node.decorator_list]
        bases = tuple(self.elements(node.bases, scope))
        keywords = {keyword.arg: self.evaluate(keyword.value, scope) for keyword in node.keywords if keyword.arg}
        block = self.blocks[node]
        cell: list[type] = []

        def fill(namespace: Any) -> None:
            inner = Scope(block, namespace, scope, scope.number, scope.parent)
            inner.cell = cell
            doc = ast.get_docstring(node, clean=False)
            if doc is not None:
                namespace["__doc__"] = doc
            self.finish(self.body(node.body, inner))

        made = make_class(self.access, node.name, block.qualname, bases, keywords, fill)
        cell.append(made)
        self._decorate(node, made, decorators, scope)

    def _decorate(self, node: ast.FunctionDef | ast.ClassDef, value: Any, decorators: list[Any], scope: Scope) -> None:
        for decorator, place in zip(reversed(decorators), reversed(node.decorator_list), strict=True):
            try:
                value = self.access.call(decorator, (value,), {})
            except BaseException as error:
                self.place(place, error)
                raise
        self.store(mangled(node.name, scope.block.owner), value, scope)

    # Compound statements.

    def if_(self, node: ast.If, scope: Scope) -> Walk:
        """`if test: ... else: ...`."""
        self.begin(node, scope)
        chosen = node.body if self.truth(node.test, self.evaluate(node.test, scope)) else node.orelse
        self.observer.after_statement(node, scope, NOTHING)
        return (yield from self.body(chosen, scope)) if chosen else None

    def for_(self, node: ast.For, scope: Scope) -> Walk:
        """`for target in iterable: ... else: ...`."""
        self.begin(node, scope)
        iterable = self.evaluate(node.iter, scope)
        elements = self.iterator(node.iter, iterable)
        self.observer.after_statement(node, scope, NOTHING)
        self.observer.begin_loop(node, _length(iterable))
        del iterable
        try:
            for index, element in enumerate(elements):
                self.observer.iteration(node, index)
                self.begin(node, scope)
                self.assign(node.target, element, scope)
                del element
                self.observer.after_statement(node, scope, NOTHING)
                signal = yield from self.body(node.body, scope)
                if signal is not None and signal is not CONTINUE:
                    return None if signal is BREAK else signal
        finally:
            self.observer.end_loop(node)
        return (yield from self.body(node.orelse, scope))

    def while_(self, node: ast.While, scope: Scope) -> Walk:
        """`while test: ... else: ...`."""
        self.observer.begin_loop(node, None)
        index = 0
        try:
            while True:
                self.observer.iteration(node, index)
                self.begin(node, scope)
                goes_on = self.truth(node.test, self.evaluate(node.test, scope))
                self.observer.after_statement(node, scope, NOTHING)
                if not goes_on:
                    break
                signal = yield from self.body(node.body, scope)
                if signal is not None and signal is not CONTINUE:
                    return None if signal is BREAK else signal
                index += 1
        finally:
            self.observer.end_loop(node)
        return (yield from self.body(node.orelse, scope))

    def with_(self, node: ast.With, scope: Scope) -> Walk:
        """`with context as target, ...: ...`."""
        self.begin(node, scope)
        return (yield from self._with(node, 0, scope))

    def _with(self, node: ast.With, index: int, scope: Scope) -> Walk:
        if index == len(node.items):
            self.observer.after_statement(node, scope, NOTHING)
            return (yield from self.body(node.body, scope))
        item = node.items[index]
        context = self.evaluate(item.context_expr, scope)
        kind: Any = type(context)
        if not hasattr(kind, "__enter__") or not hasattr(kind, "__exit__"):
            missed = " (missed __exit__ method)" if hasattr(kind, "__enter__") else ""
            raise TypeError(f"'{kind.__name__}' object does not support the context manager protocol{missed}")
        value = kind.__enter__(context)
        try:
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, scope)
            signal = yield from self._with(node, index + 1, scope)
        except BaseException as caught:
            error = _own(caught)
            if isinstance(error, Stop) or self.budget.stopped is not None:
                if kind not in self.access.classes:
                    kind.__exit__(context, type(error), error, error.__traceback__)
                raise
            if not kind.__exit__(context, type(error), error, error.__traceback__):
                raise
            return None
        kind.__exit__(context, None, None, None)
        return signal

    def try_(self, node: ast.Try, scope: Scope) -> Walk:
        """`try: ... except: ... else: ... finally: ...`; none of it runs for a Stop."""
        self.begin(node, scope)
        self.observer.after_statement(node, scope, NOTHING)
        if not node.finalbody:
            return (yield from self._handled(node, scope))
        try:
            signal = yield from self._handled(node, scope)
        except BaseException:
            if self.budget.stopped is not None:
                raise self.budget.stopped from None
            override = yield from self.body(node.finalbody, scope)
            if override is not None:
                return override
            raise
        override = yield from self.body(node.finalbody, scope)
        return signal if override is None else override

    def _handled(self, node: ast.Try, scope: Scope) -> Walk:
        try:
            signal = yield from self.body(node.body, scope)
        except BaseException as caught:
            if self.budget.stopped is not None:
                raise self.budget.stopped from None
            if isinstance(caught, Stop):
                raise
            error = _own(caught)
            handler = self._handler(node, error, scope)
            if handler is None:
                raise
            if handler.name is None:
                signal = yield from self.body(handler.body, scope)
            else:
                self.store(handler.name, error, scope)
                del error
                try:
                    signal = yield from self.body(handler.body, scope)
                finally:
                    self.store(handler.name, None, scope)
                    self.unbind(handler.name, scope)
            self.forget_place()
            return signal
        if signal is None:
            signal = yield from self.body(node.orelse, scope)
        return signal

    def _handler(self, node: ast.Try, error: BaseException, scope: Scope) -> ast.ExceptHandler | None:
        for handler in node.handlers:
            if handler.type is None:
                return handler
            wanted = self.evaluate(handler.type, scope)
            for kind in wanted if isinstance(wanted, tuple) else (wanted,):
                if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                    raise TypeError("catching classes that do not inherit from BaseException is not allowed")
            if isinstance(error, wanted):
                return handler
        return None

    def match(self, node: ast.Match, scope: Scope) -> Walk:
        """`match subject: case pattern: ...`."""
        self.begin(node, scope)
        subject = self.evaluate(node.subject, scope)
        chosen: list[ast.stmt] = []
        for case in node.cases:
            bound: dict[str, Any] = {}
            if not self.patterns.matches(case.pattern, subject, bound, scope):
                continue
            for name, value in bound.items():
                self.store(name, value, scope)
            if case.guard is None or self.truth(case.guard, self.evaluate(case.guard, scope)):
                chosen = case.body
                break
        self.observer.after_statement(node, scope, NOTHING)
        return (yield from self.body(chosen, scope))


def _length(iterable: Any) -> int | None:
    """How many elements a loop will take, where its iterable says so without running code of the program."""
    if type(iterable) in (list, tuple, range, str, bytes, dict, set, frozenset):
        return len(iterable)
    return None
