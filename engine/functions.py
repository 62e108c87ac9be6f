"""Functions and classes of the program, as real Python functions and classes, so that PyTorch takes them as it takes
any.

A function is a stub compiled from its own header, so that CPython itself binds the arguments (with CPython's own error
messages and signature); its one line hands them to the interpreter. The program never reaches the stub's code.
"""

from __future__ import annotations

import ast
import keyword
import types
from collections.abc import Callable
from typing import Any

from engine import natives
from engine.access import Access, UserClass
from engine.errors import Refused
from engine.program import DEFINABLE, is_dunder
from engine.scopes import parameters

_RUN = ".run"  # no identifier, so that no parameter can be called that


class Stub:
    """What is known of a function's text, once for all functions made of it."""

    __slots__ = ("code", "doc", "names")

    def __init__(self, node: ast.FunctionDef | ast.Lambda, name: str, qualname: str) -> None:
        self.names = tuple(parameter.arg for parameter in parameters(node.args))
        self.code = _compiled(node, name, self.names).replace(co_qualname=qualname)
        self.doc = ast.get_docstring(node, clean=False) if isinstance(node, ast.FunctionDef) else None


def _compiled(node: ast.FunctionDef | ast.Lambda, name: str, names: tuple[str, ...]) -> types.CodeType:
    """The code of `def name(...): return .run(names)`, with `.run` from the closure."""
    values: list[ast.expr] = [ast.Name(parameter, ast.Load()) for parameter in names]
    body: list[ast.stmt] = [ast.Return(ast.Call(ast.Name(_RUN, ast.Load()), values, []))]
    inner = ast.FunctionDef(name=name, args=_bare(node.args), body=body, decorator_list=[], returns=None)
    outer_arguments = ast.arguments(posonlyargs=[], args=[ast.arg(_RUN)], kwonlyargs=[], kw_defaults=[], defaults=[])
    outer = ast.FunctionDef(name="outer", args=outer_arguments, body=[inner], decorator_list=[], returns=None)
    module = ast.Module(body=[outer], type_ignores=[])
    for part in ast.walk(module):
        if isinstance(part, (ast.stmt, ast.expr, ast.arg)):
            part.lineno = part.end_lineno = node.lineno
            part.col_offset = part.end_col_offset = 0
    code = compile(module, "<program>", "exec", dont_inherit=True)
    for _ in range(2):
        code = next(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return code


def _bare(arguments: ast.arguments) -> ast.arguments:
    """The same parameters without annotations; their defaults are set on the function."""

    def bare(parameter: ast.arg | None) -> ast.arg | None:
        return ast.arg(parameter.arg) if parameter else None

    return ast.arguments(
        posonlyargs=[ast.arg(parameter.arg) for parameter in arguments.posonlyargs],
        args=[ast.arg(parameter.arg) for parameter in arguments.args],
        vararg=bare(arguments.vararg),
        kwonlyargs=[ast.arg(parameter.arg) for parameter in arguments.kwonlyargs],
        kw_defaults=[None for _ in arguments.kwonlyargs],
        kwarg=bare(arguments.kwarg),
        defaults=[],
    )


def make_function(
    stub: Stub,
    run: Callable[..., Any],
    namespace: dict[str, Any],
    defaults: tuple[Any, ...],
    keyword_defaults: dict[str, Any],
) -> types.FunctionType:
    """A real function with that header that calls `run` with the values of its parameters."""
    function = types.FunctionType(stub.code, namespace, stub.code.co_name, defaults or None, (types.CellType(run),))
    function.__kwdefaults__ = keyword_defaults or None
    function.__doc__ = stub.doc
    return function


def is_made(function: object) -> bool:
    """Whether it is a function that `make_function` made: a call of it runs code of the program."""
    return type(function) is types.FunctionType and function.__code__.co_freevars == (_RUN,)


def make_class(
    access: Access,
    name: str,
    qualname: str,
    bases: tuple[Any, ...],
    keywords: dict[str, Any],
    fill: Callable[[Any], None],
) -> type:
    """The class that `class name(*bases, **keywords)` makes; `fill` runs its body in the namespace it is given."""
    metaclass = keywords.get("metaclass")
    if metaclass is not None and metaclass.__module__ not in ("abc", "enum"):
        raise Refused("refused.metaclass")
    plain = True
    for base in bases:
        if not (isinstance(base, type) and _is_pythons(access, base)):
            access.vocabulary.base(base)
    resolved = types.resolve_bases(bases)
    meta, namespace, keywords = types.prepare_class(name, resolved, keywords)
    namespace["__module__"] = "__main__"
    namespace["__qualname__"] = qualname
    fill(namespace)
    _check_namespace(access, namespace)
    _own_annotations(namespace)
    native = natives.base_of(resolved)
    if native is not None:
        natives.check_names(native, namespace, resolved)
    if resolved is not bases:
        namespace["__orig_bases__"] = bases
    _call_safely(access, namespace)
    names = set(namespace)
    made: type = meta(name, resolved, namespace, **keywords)
    plain = all(base in access.classes or access.is_plain(base) for base in made.__mro__[1:])
    records = [access.classes[base] for base in made.__mro__[1:] if base in access.classes]
    plain = plain and all(record.plain for record in records)
    for name in ("__getstate__", "__setstate__"):
        if name in names and not plain:  # the library sets what it says without a look
            raise Refused("refused.dunder", name=name)
    access.classes[made] = UserClass(names, plain, records, native)
    return made


def made_class(access: Access, name: Any, bases: Any, namespace: Any) -> type:
    """`type(name, bases, namespace)`: as the class statement that says the same."""
    if not (isinstance(name, str) and isinstance(bases, tuple) and isinstance(namespace, dict)):
        return type(name, bases, namespace)  # raises what CPython raises
    for key in namespace:
        if type(key) is not str or (is_dunder(key) and key not in DEFINABLE and key not in _SAID):
            raise Refused("refused.dunder", name=str(key))
    return make_class(access, name, name, bases or (object,), {}, lambda filled: filled.update(namespace))


_SAID = frozenset({"__module__", "__qualname__", "__annotations__"})
"""What a class statement itself writes into the namespace of a class."""


def _is_pythons(access: Access, base: type) -> bool:
    return (
        base in access.classes
        or base in (object, dict, list, *natives.BASES)
        or (base.__module__ == "builtins" and issubclass(base, BaseException))
    )


def _check_namespace(access: Access, namespace: dict[str, Any]) -> None:
    """Python itself calls dunder methods, so those are the program's own functions and nothing else."""
    own = (staticmethod, classmethod, property)
    for name, value in namespace.items():
        if type(value) is type and issubclass(value, type):
            raise Refused("refused.type")
        if not is_dunder(name) or isinstance(value, (str, tuple, list, dict, types.NoneType)):
            continue
        if isinstance(value, own):
            value = value.fget if isinstance(value, property) else value.__func__
        if not access.is_function(value):
            raise Refused("refused.dunder", name=name)


def call_safely(access: Access, namespace: dict[str, Any]) -> None:
    """What a program writes to a class later is held to the same as what stands in its body."""
    _check_namespace(access, namespace)
    _call_safely(access, namespace)


def _own_annotations(namespace: dict[str, Any]) -> None:
    """The names of annotated fields are names: `dataclass` writes them into code that it runs. The dict that the body
    had in its hands is not the one of the class."""
    annotations = namespace.get("__annotations__")
    if annotations is None:
        return
    if type(annotations) is not dict or not all(type(key) is str and _is_name(key) for key in annotations):
        raise Refused("refused.dunder", name="__annotations__")
    namespace["__annotations__"] = dict(annotations)


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _call_safely(access: Access, namespace: dict[str, Any]) -> None:
    """Those methods that Python or PyTorch call at moments or with values of their own are put behind one of ours."""
    override = namespace.get("__torch_function__")
    if isinstance(override, classmethod | staticmethod):
        namespace["__torch_function__"] = type(override)(_overriding(access, override.__func__))
    elif override is not None:
        namespace["__torch_function__"] = _overriding(access, override)
    dispatch = namespace.get("__torch_dispatch__")
    if isinstance(dispatch, classmethod | staticmethod):
        namespace["__torch_dispatch__"] = type(dispatch)(_dispatching(access, dispatch.__func__))
    elif dispatch is not None:
        namespace["__torch_dispatch__"] = _dispatching(access, dispatch)
    if "__del__" in namespace:
        namespace["__del__"] = _finalizing(access, namespace["__del__"])


def _overriding(access: Access, function: Any) -> Any:
    """`__torch_function__`, told of functions as the program itself would write them, and not asked where the engine
    only looks at a value."""
    vocabulary = access.vocabulary

    def override(owner: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        if vocabulary.looking():
            return vocabulary.look(func, *args, **kwargs)
        return function(owner, vocabulary.overridden(func), *args, **kwargs)

    return _own(access, override, function)


def _dispatching(access: Access, function: Any) -> Any:
    """`__torch_dispatch__`, told of operations as the program itself would write them."""
    vocabulary, budget = access.vocabulary, access.budget

    def dispatch(owner: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        if budget.stopped is not None:  # the run is over, and so is the mode
            given, named = (*args, (), {})[1:3]
            return func(*given, **(named or {}))
        with vocabulary.quiet():
            return function(owner, vocabulary.dispatched(func), *args, **kwargs)

    return _own(access, dispatch, function)


def _finalizing(access: Access, function: Any) -> Any:
    """`__del__`, which waits for the next statement."""
    finalizers = access.budget.finalizers

    def finalize(value: Any) -> None:
        def call() -> Any:
            return function(value)

        finalizers.append(call)

    return _own(access, finalize, function)


def _own(access: Access, wrapper: Any, function: Any) -> types.FunctionType:
    """The wrapper as a function of the program's: it needs no global name, and is known by the globals it has."""
    made = types.FunctionType(wrapper.__code__, access.namespace, function.__name__, None, wrapper.__closure__)
    made.__qualname__, made.__doc__ = function.__qualname__, function.__doc__
    return made
