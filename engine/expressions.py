"""Evaluates expressions: one method per node type."""

from __future__ import annotations

import ast
import builtins
import functools
import itertools
import types
from collections.abc import Callable, Iterator
from typing import Any

from engine.access import Access
from engine.budget import Budget, Clock
from engine.errors import Refused, Stop
from engine.functions import Stub, call_safely, made_class, make_function
from engine.limits import Limits
from engine.observer import Observer
from engine.program import READABLE, Program, is_dunder
from engine.python import Builtin
from engine.scopes import GLOBAL, Block, Scope, analyse
from engine.vocabulary import Vocabulary

Evaluator = Callable[[Any, Scope], Any]


class Expressions:
    """The half of the interpreter that gives values. `table` says which method evaluates a node."""

    def __init__(
        self, program: Program, vocabulary: Vocabulary, observer: Observer, limits: Limits, clock: Clock | None = None
    ) -> None:
        self.program = program
        self.vocabulary = vocabulary
        self.observer = observer
        self.tells = listens(observer, "before_expression", "after_expression")
        self.limits = limits
        self.budget = Budget(limits, clock)
        self.access = Access(self.budget, vocabulary, self.write_text)
        self.access.make_class = functools.partial(made_class, self.access)
        self.access.safely = functools.partial(call_safely, self.access)
        self.operators = self.access.operators
        self.python = self.access.python
        self.blocks = analyse(program.tree)
        self.builtins: dict[str, Any] = {**vocabulary.builtins, **self.python.names}
        self.globals: dict[str, Any] = {}
        self.postponed = False  # after `from __future__ import annotations`
        self.withheld: dict[str, Refused] = {}  # names that a star import did not bring
        self.module = Scope(self.blocks[program.tree], self.globals, None, 0, None)
        self.stubs: dict[ast.AST, Stub] = {}
        self.scopes = 0
        self.caller = 0
        self._failed: tuple[BaseException, ast.AST] | None = None
        self.table: dict[type[ast.AST], Evaluator] = {
            ast.Constant: self.constant, ast.Name: self.name, ast.Attribute: self.attribute, ast.Call: self.call,
            ast.BinOp: self.binary, ast.UnaryOp: self.unary, ast.BoolOp: self.boolean, ast.Compare: self.compare,
            ast.IfExp: self.conditional, ast.NamedExpr: self.named, ast.Subscript: self.subscript,
            ast.Slice: self.slice_display, ast.Tuple: self.tuple_display, ast.List: self.list_display,
            ast.Set: self.set_display, ast.Dict: self.dict_display,
            ast.JoinedStr: self.joined, ast.FormattedValue: self.formatted, ast.Lambda: self.lambda_,
            ast.ListComp: self.list_comprehension, ast.SetComp: self.set_comprehension,
            ast.DictComp: self.dict_comprehension, ast.GeneratorExp: self.generator_expression,
        }  # fmt: skip

    def write_text(self, text: str) -> None:
        """What `print` writes goes here."""
        raise NotImplementedError

    def evaluate(self, node: ast.AST, scope: Scope) -> Any:
        """The value of an expression."""
        return self.table[node.__class__](node, scope)

    # Names.

    def constant(self, node: ast.Constant, scope: Scope) -> Any:
        """A literal."""
        return node.value

    def name(self, node: ast.Name, scope: Scope) -> Any:
        """A variable; what is bound in a scope is always its own."""
        try:
            return scope.variables[node.id]
        except KeyError:
            pass
        try:
            return self.free(node.id, scope)
        except BaseException as error:
            self.place(node, error)
            raise

    def free(self, name: str, scope: Scope) -> Any:
        """A variable of an enclosing scope, of the program, or a builtin."""
        block = scope.block
        hops = block.hops(name)
        if hops == 0 and block.kind in ("function", "comprehension"):
            raise UnboundLocalError(f"cannot access local variable '{name}' where it is not associated with a value")
        if hops > 0:
            outer = _outer(scope, hops)
            if name in outer.variables:
                return outer.variables[name]
            raise NameError(
                f"cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
            )
        if name in self.globals:
            return self.globals[name]
        if name in self.withheld:
            raise self.withheld[name]
        if name in self.builtins:
            return self.builtins[name]
        if name == "__class__" and scope.cell:
            return scope.cell[0]
        if hasattr(builtins, name) and not is_dunder(name):
            raise Refused("refused.builtin", name=name)
        raise NameError(f"name '{name}' is not defined")

    def store(self, name: str, value: Any, scope: Scope) -> None:
        """Bind a variable where the text says it lives."""
        block = scope.block
        if name in block.locals:
            scope.variables[name] = value
            return
        hops = block.hops(name)
        (self.globals if hops == GLOBAL else _outer(scope, hops).variables)[name] = value

    def unbind(self, name: str, scope: Scope) -> None:
        """`del name`."""
        hops = scope.block.hops(name)
        variables = self.globals if hops == GLOBAL else _outer(scope, hops).variables
        if name in variables:
            del variables[name]
        elif hops == 0 and scope.block.kind == "function":
            raise UnboundLocalError(f"cannot access local variable '{name}' where it is not associated with a value")
        else:
            raise NameError(f"name '{name}' is not defined")

    # Places of failures.

    def failed(self, node: ast.AST, error: BaseException) -> None:
        """An expression raised: remember the innermost place, and that a Stop ends everything."""
        self.place(node, error)
        self.observer.failed_expression(node, error)

    def place(self, node: ast.AST, error: BaseException) -> None:
        """Remember where an error came from, once."""
        if isinstance(error, Stop):
            if error.span is None:
                error.span = self.program.span(node)
            if self.budget.stopped is None:
                self.budget.stopped = error
        if self._failed is None or self._failed[0] is not error:
            self._failed = (error, node)

    def forget_place(self) -> None:
        """An exception was handled: neither its place nor what it holds is needed any more."""
        self._failed = None

    # Operators.

    def attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        """`value.name`."""
        return self.attribute_of(node, self.evaluate(node.value, scope))

    def attribute_of(self, node: ast.Attribute, value: Any) -> Any:
        """The attribute of a value that is there already."""
        tells = self.tells
        if tells:
            self.observer.before_expression(node)
        try:
            result = self.access.read(value, node.attr)
        except BaseException as error:
            self.failed(node, error)
            raise
        if tells:
            self.observer.after_expression(node, result, None, (value,))
        return result

    def binary(self, node: ast.BinOp, scope: Scope) -> Any:
        """`left op right`."""
        left = self.evaluate(node.left, scope)
        right = self.evaluate(node.right, scope)
        self.observer.before_expression(node)
        try:
            value = self.operators.binary(node.op.__class__, left, right)
        except BaseException as error:
            self.failed(node, error)
            raise
        self.observer.after_expression(node, value, None, (left, right))
        return value

    def unary(self, node: ast.UnaryOp, scope: Scope) -> Any:
        """`op value`."""
        operand = self.evaluate(node.operand, scope)
        self.observer.before_expression(node)
        try:
            value = self.operators.unary(node.op.__class__, operand)
        except BaseException as error:
            self.failed(node, error)
            raise
        self.observer.after_expression(node, value, None, (operand,))
        return value

    def boolean(self, node: ast.BoolOp, scope: Scope) -> Any:
        """`a and b and c`."""
        stops_at = node.op.__class__ is ast.Or
        for operand in node.values[:-1]:
            value = self.evaluate(operand, scope)
            if self.truth(operand, value) is stops_at:
                return value
        return self.evaluate(node.values[-1], scope)

    def truth(self, node: ast.AST, value: Any) -> bool:
        """`bool(value)`, where asking may fail."""
        try:
            return True if value else False  # noqa: SIM210 - bool() would name itself in the error
        except BaseException as error:
            self.place(node, error)
            raise

    def compare(self, node: ast.Compare, scope: Scope) -> Any:
        """`a < b < c`, each part once."""
        left = self.evaluate(node.left, scope)
        last = len(node.ops) - 1
        value: Any = True
        for index, (op, comparator) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = self.evaluate(comparator, scope)
            self.observer.before_expression(node)
            try:
                value = self.operators.compare(op.__class__, left, right)
            except BaseException as error:
                self.failed(node, error)
                raise
            self.observer.after_expression(node, value, None, (left, right))
            if index < last and not self.truth(node, value):
                return value
            left = right
        return value

    def conditional(self, node: ast.IfExp, scope: Scope) -> Any:
        """`a if test else b`."""
        chosen = node.body if self.truth(node.test, self.evaluate(node.test, scope)) else node.orelse
        return self.evaluate(chosen, scope)

    def named(self, node: ast.NamedExpr, scope: Scope) -> Any:
        """`(name := value)`."""
        value = self.evaluate(node.value, scope)
        self.store(node.target.id, value, scope)
        return value

    def subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        """`value[key]`."""
        value = self.evaluate(node.value, scope)
        key = self.evaluate(node.slice, scope)
        self.observer.before_expression(node)
        try:
            result = self.operators.item(value, key)
        except BaseException as error:
            self.failed(node, error)
            raise
        self.observer.after_expression(node, result, None, (value, key))
        return result

    def slice_display(self, node: ast.Slice, scope: Scope) -> Any:
        """`start:stop:step`."""
        parts = (node.lower, node.upper, node.step)
        return slice(*[None if part is None else self.evaluate(part, scope) for part in parts])

    # Displays.

    def elements(self, nodes: list[ast.expr], scope: Scope) -> list[Any]:
        """The values of a display or argument list, stars spread."""
        values: list[Any] = []
        for node in nodes:
            if node.__class__ is ast.Starred:
                spread = self.evaluate(node.value, scope)
                try:
                    iter(spread)
                except TypeError:
                    kind = type(spread).__name__
                    raise TypeError(f"Value after * must be an iterable, not {kind}") from None
                values.extend(self.budget.collected(spread))
                self.budget.container(len(values))
            else:
                values.append(self.table[node.__class__](node, scope))
        return values

    def tuple_display(self, node: ast.Tuple, scope: Scope) -> Any:
        """`(a, *b)`."""
        return tuple(self.elements(node.elts, scope))

    def list_display(self, node: ast.List, scope: Scope) -> Any:
        """`[a, *b]`."""
        return self.elements(node.elts, scope)

    def set_display(self, node: ast.Set, scope: Scope) -> Any:
        """`{a, *b}`."""
        return set(self.elements(node.elts, scope))

    def dict_display(self, node: ast.Dict, scope: Scope) -> Any:
        """`{a: b, **c}`."""
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                spread = self.evaluate(value, scope)
                if not hasattr(spread, "keys"):
                    raise TypeError(f"'{type(spread).__name__}' object is not a mapping")
                made.update(spread)
                self.budget.container(len(made))
            else:
                name = self.evaluate(key, scope)
                made[name] = self.evaluate(value, scope)
        return made

    def joined(self, node: ast.JoinedStr, scope: Scope) -> str:
        """`f"..."`."""
        text = "".join([self.evaluate(value, scope) for value in node.values])
        self.budget.text(len(text))
        return text

    def formatted(self, node: ast.FormattedValue, scope: Scope) -> str:
        """`{value!r:spec}` in an f-string."""
        value = self.evaluate(node.value, scope)
        spec = self.evaluate(node.format_spec, scope) if node.format_spec is not None else ""
        conversion = chr(node.conversion) if node.conversion > 0 else None
        try:
            return self.access.operators.formatting.format(
                self.access.operators.formatting.converted(value, conversion), spec
            )
        except BaseException as error:
            self.place(node.value, error)
            raise

    # Calls.

    def call(self, node: ast.Call, scope: Scope) -> Any:
        """`function(*args, **kwargs)`."""
        callee = node.func
        operands: list[Any] = []
        if callee.__class__ is ast.Attribute:
            holder = callee.value
            receiver = self.table[holder.__class__](holder, scope)
            operands.append(receiver)
            try:
                function = self.access.read(receiver, callee.attr)
            except BaseException as error:
                self.place(callee, error)
                raise
        else:
            function = self.table[callee.__class__](callee, scope)
        kwargs: dict[str, Any] = {}
        if not node.args:
            args: list[Any] = []
            if node.keywords:
                kwargs = self.keywords(node, function, scope)
        elif len(node.args) == 1 and node.args[0].__class__ is ast.Starred:
            spread = self.evaluate(
                node.args[0].value, scope
            )  # spread after the keywords are evaluated, as CPython does
            if node.keywords:
                kwargs = self.keywords(node, function, scope)
            args = self.spread(function, spread)
        else:
            args = self.arguments(node, function, scope)
            if node.keywords:
                kwargs = self.keywords(node, function, scope)
        tells = self.tells
        if tells:
            operands += args
            if kwargs:
                operands += kwargs.values()
            self.observer.before_expression(node, function, operands)
        try:
            if function is super or function.__class__ is Builtin:
                value = self.call_scoped(function, args, kwargs, scope)
            else:
                value = self.access.call(function, tuple(args), kwargs)
            if self.budget.finalizers:
                self.budget.finalize()
            if self.budget.stopped is not None:
                raise self.budget.stopped
        except BaseException as error:
            self.failed(node, error)
            raise
        if tells:
            self.observer.after_expression(node, value, function, operands)
        return value

    def arguments(self, node: ast.Call, function: Any, scope: Scope) -> list[Any]:
        """The positional arguments, stars spread."""
        args: list[Any] = []
        table = self.table
        for argument in node.args:
            if argument.__class__ is ast.Starred:
                args.extend(self.spread(function, self.evaluate(argument.value, scope)))
            else:
                args.append(table[argument.__class__](argument, scope))
        return args

    def spread(self, function: Any, value: Any) -> list[Any]:
        """The elements of a starred argument."""
        if not hasattr(type(value), "__iter__") and not hasattr(type(value), "__getitem__"):
            kind = type(value).__name__
            raise TypeError(f"{_described(function)} argument after * must be an iterable, not {kind}")
        return list(self.budget.collected(value))

    def keywords(self, node: ast.Call, function: Any, scope: Scope) -> dict[str, Any]:
        """The keyword arguments, double stars spread."""
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is not None:
                kwargs_new = {keyword.arg: value}
            else:
                if not hasattr(value, "keys"):
                    kind = type(value).__name__
                    raise TypeError(f"{_described(function)} argument after ** must be a mapping, not {kind}")
                kwargs_new = {name: value[name] for name in value.keys()}  # noqa: SIM118 - any mapping
            for name in kwargs_new:
                if not isinstance(name, str):
                    raise TypeError("keywords must be strings")
                if name in kwargs:
                    raise TypeError(f"{_described(function)} got multiple values for keyword argument '{name}'")
                if is_dunder(name) and name not in READABLE:
                    raise Refused("refused.dunder", name=name)
            kwargs.update(kwargs_new)
        return kwargs

    def call_scoped(self, function: Any, args: list[Any], kwargs: dict[str, Any], scope: Scope) -> Any:
        """A builtin; some are about the scope they stand in, as a bare `super()` is."""
        if function is not super:
            return function.run(scope, *args, **kwargs) if function.scoped else function.run(*args, **kwargs)
        if args:
            return super(*args)
        while scope.block.kind == "comprehension" and scope.enclosing is not None:
            scope = scope.enclosing
        if not scope.cell:
            raise RuntimeError("super(): __class__ cell not found")
        if not scope.first:
            raise RuntimeError("super(): no arguments")
        return super(scope.cell[0], scope.first[0])

    # Functions.

    def lambda_(self, node: ast.Lambda, scope: Scope) -> Any:
        """`lambda x: body`."""
        block = self.blocks[node]
        body, weight = node.body, self.program.weights[node]

        def run(inner: Scope) -> Any:
            self.budget.spend(weight)
            return self.evaluate(body, inner)

        return self.function(node, block, scope, run)

    def function(
        self, node: ast.FunctionDef | ast.Lambda, block: Block, scope: Scope, run: Callable[[Scope], Any]
    ) -> Any:
        """A real function with the header of `node`, its defaults evaluated now, that calls `run` with a new scope."""
        stub = self.stubs.get(node)
        if stub is None:
            stub = self.stubs[node] = Stub(node, block.name, block.qualname)
        defaults = tuple([self.evaluate(default, scope) for default in node.args.defaults])
        keyword_only = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        keyword_defaults = {
            parameter.arg: self.evaluate(default, scope) for parameter, default in keyword_only if default is not None
        }
        enclosing = scope
        names = stub.names

        def start(*values: Any) -> Any:
            budget = self.budget
            budget.enter()
            self.scopes += 1
            caller = self.caller
            inner = Scope(block, dict(zip(names, values, strict=True)), enclosing, self.scopes, caller)
            inner.first = values[:1]
            self.caller = inner.number
            self.observer.enter_scope(inner, node)
            try:
                return run(inner)
            finally:
                budget.depth -= 1
                self.caller = caller
                self.observer.leave_scope(inner)

        function = make_function(stub, start, self.access.namespace, defaults, keyword_defaults)
        if node.__class__ is ast.FunctionDef:
            function.__annotations__ = self.annotations(node, scope)
        return function

    def annotations(self, node: ast.FunctionDef, scope: Scope) -> dict[str, Any]:
        """The annotations of a function's parameters and of what it returns."""
        given = node.args
        found = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
        annotated = {one.arg: one.annotation for one in found if one is not None and one.annotation is not None}
        if node.returns is not None:
            annotated["return"] = node.returns
        return {name: self.annotation(annotation, scope) for name, annotation in annotated.items()}

    def annotation(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an annotation, or its text where it names what is not on the list or all are postponed."""
        if self.postponed:
            return ast.unparse(node)
        try:
            return self.evaluate(node, scope)
        except Refused:
            self.budget.stopped = None
            return ast.unparse(node)

    # Comprehensions.

    def list_comprehension(self, node: ast.ListComp, scope: Scope) -> Any:
        """`[element for ...]`."""
        inner, steps = self.clauses(node, scope)
        element, made = node.elt, []
        for _ in steps:
            made.append(self.evaluate(element, inner))
            self.budget.container(len(made))
        return made

    def set_comprehension(self, node: ast.SetComp, scope: Scope) -> Any:
        """`{element for ...}`."""
        inner, steps = self.clauses(node, scope)
        return {self.evaluate(node.elt, inner) for _ in steps}

    def dict_comprehension(self, node: ast.DictComp, scope: Scope) -> Any:
        """`{key: value for ...}`."""
        inner, steps = self.clauses(node, scope)
        return {self.evaluate(node.key, inner): self.evaluate(node.value, inner) for _ in steps}

    def generator_expression(self, node: ast.GeneratorExp, scope: Scope) -> Any:
        """`(element for ...)`, lazily."""
        source = self.evaluate(node.generators[0].iter, scope)
        depth = self.python.deepen((source,))
        inner, steps = self.clauses(node, scope, source)

        def generate() -> Iterator[Any]:
            for _ in steps:
                yield self.evaluate(node.elt, inner)

        generator = generate()
        block = inner.block
        return self.named_generator(generator, block, depth)

    def named_generator(self, generator: Any, block: Block, depth: int) -> types.GeneratorType[Any, Any, Any]:
        """The generator with its name, its depth noted."""
        generator.__name__ = block.name
        generator.__qualname__ = block.qualname
        self.python.remember(generator, depth)
        return generator  # type: ignore[no-any-return]

    def clauses(self, node: Any, scope: Scope, *source: Any) -> tuple[Scope, Iterator[None]]:
        """The scope of a comprehension, and an iterator that takes it from one element to the next."""
        inner = Scope(self.blocks[node], {}, scope, scope.number, scope.parent)
        first = source[0] if source else self.evaluate(node.generators[0].iter, scope)
        return inner, self._clause(node.generators, 0, self.iterator(node.generators[0].iter, first), inner)

    def iterator(self, node: ast.AST, value: Any) -> Iterator[Any]:
        """`iter(value)`."""
        try:
            return iter(value)
        except BaseException as error:
            self.place(node, error)
            raise

    def _clause(
        self, generators: list[ast.comprehension], index: int, elements: Iterator[Any], inner: Scope
    ) -> Iterator[None]:
        clause = generators[index]
        last = index == len(generators) - 1
        weight = self.program.weights[clause] + 1
        for element in elements:
            self.budget.spend(weight)
            self.assign(clause.target, element, inner)
            if not all(self.truth(test, self.evaluate(test, inner)) for test in clause.ifs):
                continue
            if last:
                yield
            else:
                following = generators[index + 1].iter
                again = self.iterator(following, self.evaluate(following, inner))
                yield from self._clause(generators, index + 1, again, inner)

    # Targets.

    def assign(self, target: ast.AST, value: Any, scope: Scope) -> None:
        """Bind a target of any form."""
        if target.__class__ is ast.Name:
            self.store(target.id, value, scope)
            return
        match target:
            case ast.Attribute():
                self.set_attribute(target, self.evaluate(target.value, scope), value)
            case ast.Subscript():
                container = self.evaluate(target.value, scope)
                self.set_item(target, container, self.evaluate(target.slice, scope), value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                values = self.unpack(target, parts, value)
                for part, element in zip(parts, values, strict=True):
                    self.assign(part.value if isinstance(part, ast.Starred) else part, element, scope)

    def set_attribute(self, target: ast.Attribute, value: Any, new: Any) -> None:
        """`value.name = new`."""
        self.observer.before_expression(target)
        try:
            self.access.write(value, target.attr, new)
        except BaseException as error:
            self.failed(target, error)
            raise
        self.observer.after_expression(target, new, None, (value, new))

    def set_item(self, target: ast.Subscript, container: Any, key: Any, new: Any) -> None:
        """`container[key] = new`."""
        self.observer.before_expression(target)
        try:
            self.operators.set_item(container, key, new)
        except BaseException as error:
            self.failed(target, error)
            raise
        self.observer.after_expression(target, new, None, (container, key, new))

    def unpack(self, target: ast.Tuple | ast.List, parts: list[ast.expr], value: Any) -> list[Any]:
        """The elements that go to the parts of a tuple target, with CPython's words where they are too many or too
        few."""
        self.observer.before_expression(target)
        try:
            values = _unpacked(parts, value, self.budget)
        except BaseException as error:
            self.failed(target, error)
            raise
        self.observer.after_expression(target, values, None, (value,))
        return values


def listens(observer: Observer, *hooks: str) -> bool:
    """Whether an observer does anything in one of these hooks."""
    return any(getattr(type(observer), hook) is not getattr(Observer, hook) for hook in hooks)


def _unpacked(parts: list[ast.expr], value: Any, budget: Budget) -> list[Any]:
    if not hasattr(type(value), "__iter__") and not hasattr(type(value), "__getitem__"):
        raise TypeError(f"cannot unpack non-iterable {type(value).__name__} object")
    star = next((index for index, part in enumerate(parts) if isinstance(part, ast.Starred)), None)
    wanted = len(parts)
    if star is None:
        values: list[Any] = []
        for element in value:
            if len(values) == wanted:
                raise ValueError(f"too many values to unpack (expected {wanted})")
            values.append(element)
        if len(values) < wanted:
            raise ValueError(f"not enough values to unpack (expected {wanted}, got {len(values)})")
        return values
    iterator, head = iter(value), []
    for element in itertools.islice(iterator, star):
        head.append(element)
    tail = list(budget.collected(iterator)) if len(head) == star else []
    after = wanted - star - 1
    if len(head) < star or len(tail) < after:
        got = len(head) + len(tail)
        raise ValueError(f"not enough values to unpack (expected at least {wanted - 1}, got {got})")
    return [*head, tail[: len(tail) - after], *tail[len(tail) - after :]]


def _outer(scope: Scope, hops: int) -> Scope:
    for _ in range(hops):
        assert scope.enclosing is not None
        scope = scope.enclosing
    return scope


def _described(function: Any) -> str:
    """A function as CPython names it in errors about its arguments."""
    name = function.__name__ if type(function) is Builtin else getattr(function, "__qualname__", None)
    if not isinstance(name, str):
        return f"{type(function).__name__} object"
    module = None if type(function) is Builtin else getattr(function, "__module__", None)
    return f"{name}()" if module in (None, "builtins") else f"{module}.{name}()"
