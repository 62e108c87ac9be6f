"""The vocabulary: what a program may import, read, write, call and derive from. One list, default deny.

    import a.b   -> Facade, or Refused                     names of a module: allowed/*.txt, stand-ins first
    value.name   -> by the exact type of the value          names of a class:  allowed/*_types.txt, along its MRO
    f(...)       -> listed, or made by a listed one         arguments: guards.py
    result       -> one gate: no module, frame, code or foreign function is ever a value, no tensor too large

No module object of a library is a value here. Functions that need a guard are guarded wherever they are read,
so that the
guard holds also where PyTorch, `functools.partial` or `map` calls them.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import pkgutil
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch._functorch.autograd_function import WrappedCtx
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

from engine import guards, lists, operations, overrides
from engine.errors import LimitReached, Refused
from engine.limits import DEFAULT, Limits
from engine.messages import vocabulary
from engine.program import READABLE
from engine.standins import Offered, Run, offered
from engine.vocabulary import Owner

_FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodWrapperType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
)
_NEVER_VALUES = (types.ModuleType, types.FrameType, types.CodeType, types.TracebackType, types.GetSetDescriptorType)
_SPACES = frozenset({argparse.Namespace, types.SimpleNamespace})
"""Classes whose instances are nothing but their fields: `vars` may show them."""

_OF_PROGRAMS = frozenset(
    {
        *("__dict__", "__new__", "__file__", "__mro__", "__bases__", "__wrapped__"),
        *("__getstate__", "__setstate__", "__copy__", "__deepcopy__", "__torch_dispatch__"),
    }
)
"""Dunder names that are read of the program's own values, or by a rule of their own."""

_TEXTS = frozenset({"__name__", "__qualname__", "__doc__", "__module__"})
_SENTENCES = {code.rpartition(".")[2] for code in vocabulary.ROWS if code.startswith("refused.import.")}
"""Modules that lessons import and that get a sentence of their own."""

_MAKERS = (
    *(torch.utils._contextlib._DecoratorContextManager, torch.autocast, functools.partial, functools.partialmethod),
    *(contextlib.ContextDecorator, torch.sparse.check_sparse_tensor_invariants),
)
"""Objects whose call gives back a function made of the program's."""

_MAKING = (torch.distributions.constraint_registry.ConstraintRegistry.register,)
"""Methods that do, as decorators."""

_BOUND = (types.BuiltinFunctionType, types.MethodType)
_CALLABLE_TYPES = (torch.nn.Module, torch.autograd.graph.Node, torch.autograd.Function, Offered, *_MAKERS)


class Facade:
    """Stands for a module: a name and nothing else. What may be read of it is in the lists."""

    __slots__ = ("dotted",)

    def __init__(self, dotted: str) -> None:
        self.dotted = dotted

    def __repr__(self) -> str:
        return f"<module '{self.dotted}'>"

    def __dir__(self) -> list[str]:
        """The names of the module itself, all of them, where it is there."""
        module = sys.modules.get(self.dotted)
        return sorted(lists.module_names().get(self.dotted, ())) if module is None else dir(module)


class Allowlist:
    """The Vocabulary of one run; `run` is what its stand-ins share (the folder, the figures, the clock)."""

    def __init__(self, limits: Limits = DEFAULT, seed: int = 0) -> None:
        self.limits = limits
        self.run = Run(limits, seed)
        self._standins = offered(self.run)
        self._modules = {*lists.module_names(), *self._standins, *guards.SWITCHES}
        self._packages = {name.rpartition(".")[0] for name in self._modules} | self._modules
        self._facades: dict[str, Facade] = {}
        self._admitted: dict[int, Any] = {}  # callables this run may call, held so that an id is never reused
        self._guarded: dict[int, Any] = {}
        self._owner: Owner | None = None
        self._readable: dict[tuple[type, str], bool] = {}
        self._callable: set[type] = set()  # types whose every instance may be called
        self._functions: dict[tuple[str, str], Any] = {}  # what names of modules gave, where it was a callable
        self._overridden: dict[Any, Any] = {}
        self._passing: set[type] = {int, float, bool, str, type(None), complex, bytes, dict, set, slice, range}
        self.builtins: Mapping[str, object] = {"open": self._admit(self.run.folder.open)}

    def attach(self, owner: Owner) -> None:
        """See Vocabulary.attach."""
        self._owner = owner
        self.run.owner = owner

    # Modules.

    def module(self, dotted: str) -> object:
        """The facade of a module. Raises ModuleNotFoundError for what no Python has, Refused for what is not "
        "offered."""
        if dotted in self._packages:
            return self._facades.setdefault(dotted, Facade(dotted))
        top = dotted.partition(".")[0]
        if top in _SENTENCES:
            raise Refused(f"refused.import.{top}", name=dotted)
        if top in sys.stdlib_module_names or top == "google":
            raise Refused("refused.import", name=dotted)
        if dotted == "torch.utils.tensorboard" and not _installed("tensorboard"):
            raise ModuleNotFoundError("No module named 'tensorboard'", name="tensorboard")
        if _installed(dotted):
            raise Refused("refused.import", name=dotted)
        raise ModuleNotFoundError(_missing(dotted), name=dotted)

    def _read_module(self, facade: Facade, name: str) -> Any:
        key = (facade.dotted, name)
        if key in self._functions:
            return self._functions[key]
        if name in guards.SWITCHES.get(facade.dotted, ()):
            return getattr(lists.resolve(facade.dotted), name)
        dotted = f"{facade.dotted}.{name}"
        standin = self._standins.get(facade.dotted, {})
        if name in standin:
            return self._admit(standin[name]) if callable(standin[name]) else standin[name]
        if name in lists.module_names().get(facade.dotted, ()):
            value = getattr(lists.real_module(facade.dotted), name)
            if not callable(value):
                return value
            value = self._functions[key] = self._admit(value)
            return value
        if dotted in self._packages:
            return self.module(dotted)
        if "*" in standin:
            return self._admit(standin["*"](name))
        if name in ("__name__", "__package__"):
            return facade.dotted
        if name == "__all__":
            return self._exported(facade.dotted, standin)
        if name in _TEXTS or name == "__file__":
            return None
        if facade.dotted in lists.module_names():
            found = getattr(lists.real_module(facade.dotted), name)  # raises what Python raises for a name it has not
            if isinstance(found, types.ModuleType) and self._is_sibling(facade.dotted, found.__name__):
                return self.module(found.__name__)  # `torch.functional.F`
            raise Refused("refused.name", name=dotted)
        raise Refused("refused.name", name=dotted)

    def _is_sibling(self, dotted: str, other: str) -> bool:
        """Whether the other is an offered module of the same library."""
        return other in self._modules and other.partition(".")[0] == dotted.partition(".")[0]

    def _exported(self, dotted: str, standin: Mapping[str, Any]) -> list[str]:
        """What `from module import *` asks for: the module's own `__all__`, else its public names that are listed."""
        listed = lists.module_names().get(dotted, ())
        names = getattr(lists.real_module(dotted), "__all__", None) if listed else None
        if names is None:
            names = [name for name in dict.fromkeys((*listed, *standin)) if not name.startswith("_")]
        return list(names)

    # Attributes.

    def read(self, value: Any, name: str) -> Any:
        """See Vocabulary.read."""
        kind = type(value)
        if kind is Facade:
            return self._read_module(value, name)
        key = (kind, name)
        listed = self._readable.get(key)
        if listed is None:
            if isinstance(value, type):
                return self._read_class(value, name)
            if kind is super:
                return self._read_super(value, name)
            listed = self._readable[key] = self._is_listed(kind, name)
        if listed:
            return self._attribute(kind, name, getattr(value, name))
        return self._read_unlisted(value, kind, name)

    def _read_unlisted(self, value: Any, kind: type, name: str) -> Any:
        """A public field that the instance carries, or the text of a function; else absent or refused."""
        if name == "__dict__" and kind in _SPACES:
            return dict(vars(value))
        if name == "__dict__" and isinstance(value, torch.nn.Module):
            return {key: one for key, one in vars(value).items() if key[0] != "_" or self._is_listed(kind, key)}
        found = getattr(value, name)
        if name in _TEXTS and isinstance(found, str | None):
            return found
        if not name.startswith("_") and (_carries(value, kind, name) or isinstance(found, type(None))):
            return self.gate(found)
        if self._is_programs(kind, name):
            return found
        if name == "register" and id(value) in self._made_ids:  # of functools.singledispatch
            return self.gate(functools.partial(_registered, found), made=True)
        raise Refused("refused.attribute", name=name, type=kind.__name__)

    def _is_programs(self, kind: type, name: str) -> bool:
        """Whether a class that the library derived from one of the program's has the name from the program, or "
        "a parametrization."""
        definer = next((base for base in kind.__mro__ if name in vars(base)), None)
        if definer is None or definer in lists.type_names():
            return False
        parametrized = definer.__module__ == "torch.nn.utils.parametrize" and isinstance(vars(definer)[name], property)
        return parametrized or (self._owner is not None and self._owner.owns(definer))

    def _read_class(self, value: type, name: str) -> Any:
        """`torch.Tensor.add`, `MyFunction.apply`."""
        if self._is_listed(value, name):
            return self._attribute(value, name, getattr(value, name))
        found = getattr(value, name)
        if name in _TEXTS and isinstance(found, str | None):
            return found
        if isinstance(found, str | int | float | bool | None) and not name.startswith("_"):
            return found
        if isinstance(found, value):  # a member of an enumeration
            return found
        raise Refused("refused.attribute", name=name, type=value.__name__)

    def _read_super(self, value: Any, name: str) -> Any:
        owner = value.__self__
        kind = owner if isinstance(owner, type) else type(owner)
        found = getattr(value, name)
        if self._is_listed(kind, name) or (name in READABLE and (name not in _OF_PROGRAMS or name == "__new__")):
            return self._attribute(kind, name, found)
        raise Refused("refused.attribute", name=name, type=kind.__name__)

    def _attribute(self, kind: type, name: str, found: Any) -> Any:
        """A value read under a listed name: a method is guarded and may be called from now on."""
        if name == "__torch_function__":
            return self._admit(self._default_override(found))
        if isinstance(found, _BOUND):
            guard = guards.of_method(kind, name)
            if guard is not None:
                return self._admit(guards.bind(guard, found, self.run))
            if type(found) is types.MethodType:
                self._admitted.setdefault(id(found.__func__), found.__func__)
            return found
        if isinstance(found, _FUNCTIONS):
            guard = guards.of_method(kind, name)
            if guard is None:
                return self._admit(found)
            wrapped = self._guarded.get(id(found))
            if wrapped is None:
                wrapped = self._guarded[id(found)] = self._admit(guards.bind(guard, found, self.run))
            return wrapped
        return self.gate(found)

    def _is_listed(self, kind: type, name: str) -> bool:
        table = lists.type_names()
        registered = False
        for base in kind.__mro__:
            names = table.get(base)
            if names is None:
                continue
            registered = True
            if name in names or any(one[-1] == "*" and len(one) > 1 and name.startswith(one[:-1]) for one in names):
                return True
        if issubclass(kind, torch.autograd.graph.Node):
            return self._is_listed_node(name)
        if issubclass(kind, Offered | WrappedCtx):
            public = not name.startswith("_") and not issubclass(kind, torch.nn.Module)  # whose own names have a list
            return public or name in READABLE or name in getattr(kind, "offered", ())
        if _is_record(kind):
            return name in kind.__dict__ and (
                not name.startswith("_") or name in ("_asdict", "_replace", "_fields", "_make")
            )
        return (registered or _is_context(kind)) and name in READABLE and name not in _OF_PROGRAMS

    def _is_listed_node(self, name: str) -> bool:
        names = lists.type_names()[torch.autograd.graph.Node]
        return name in names or name.startswith(("_saved_", "_raw_saved_")) or name in READABLE

    def write(self, value: Any, name: str, new: Any) -> None:
        """See Vocabulary.write."""
        if type(new) is type:
            guards.check_class(new)
        if isinstance(value, Facade):
            if name in guards.SETTINGS.get(value.dotted, ()):
                self._standins.setdefault(value.dotted, {})[name] = new
                self._functions.pop((value.dotted, name), None)
                return
            if name in guards.SWITCHES.get(value.dotted, ()):
                setattr(lists.resolve(value.dotted), name, new)
                return
            raise Refused("refused.write.module", name=f"{value.dotted}.{name}")
        if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType | types.MethodType):
            owned = self._owner is not None and self._owner.owns(value)
            if not owned:
                raise Refused("refused.write.library", name=name)
        elif isinstance(value, torch.Tensor):
            guards.write_tensor(value, name, new)
            return
        elif not self._may_carry(type(value), name):
            raise Refused("refused.write", name=name, type=type(value).__name__)
        setattr(value, name, new)

    def delete(self, value: Any, name: str) -> None:
        """See Vocabulary.delete."""
        if isinstance(value, Facade | type | types.FunctionType | types.BuiltinFunctionType):
            raise Refused("refused.write.library", name=name)
        if isinstance(value, torch.Tensor) and name != "grad" and name not in vars(value):
            raise Refused("refused.write", name=name, type=type(value).__name__)
        if not isinstance(value, torch.Tensor) and not self._may_carry(type(value), name):
            raise Refused("refused.write", name=name, type=type(value).__name__)
        delattr(value, name)

    def _may_carry(self, kind: type, name: str) -> bool:
        """Whether instances of `kind` take this name: their own fields yes, what the library keeps for itself no."""
        if name.startswith("_") and (hasattr(kind, name) or name in guards.KEPT):
            return False
        if issubclass(kind, np.ndarray):
            return name in ("shape", "real", "imag", "flat")
        if issubclass(kind, Offered) and name.startswith("_"):  # what a stand-in keeps for itself
            return self._owner is not None and self._owner.owns(kind)
        if issubclass(kind, Offered | WrappedCtx | torch.autograd.graph.Node | torch.autograd.function.FunctionCtx):
            return True
        table = lists.type_names()
        return any("*" in table.get(base, ()) or base in lists.base_types() for base in kind.__mro__)

    # Calls.

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """See Vocabulary.call."""
        kind = type(function)
        if kind not in self._callable and id(function) not in self._admitted:
            self._check_callable(function)
        if kind in guards.BY_INSTANCE:
            args, kwargs = guards.BY_INSTANCE[kind](function, args, kwargs)
        if isinstance(function, type):
            function, args, kwargs = guards.construct(function, args, kwargs)
        for argument in args:
            if type(argument) is type:
                guards.check_class(argument)
        if kwargs:
            for argument in kwargs.values():
                if type(argument) is type:
                    guards.check_class(argument)
        result = function(*args, **kwargs) if kwargs else function(*args)  # an empty dict is not the same to PyTorch
        if type(result) in self._passing:
            return result
        if isinstance(result, torch.Tensor):
            self._check_size(result)
            return result
        return self.gate(result, made=self._makes(function))

    def _makes(self, function: Any) -> bool:
        """Whether functions in the result are this run's own making: `grad(f)`, `partial(f)`, `no_grad()(f)`."""
        return (
            id(function) in self._made_ids
            or isinstance(function, _MAKERS)
            or (isinstance(function, type) and issubclass(function, (*_MAKERS, functools.cached_property)))
            or guards.name_of(function) in guards.MAKERS
            or getattr(function, "__func__", None) in _MAKING
        )

    @functools.cached_property
    def _made_ids(self) -> set[int]:
        """Ids of functions that calls of this run made; what they make is made too."""
        return set()

    def _check_callable(self, function: Any) -> None:
        kind = type(function)
        if kind is types.MethodType and id(function.__func__) in self._admitted:
            return
        if self._owner is not None and self._owner.owns(function):
            return
        if kind in (types.MethodType, types.FunctionType) and self._wraps_own(function):
            return
        if kind in _FUNCTIONS and self._is_listed_method(function):
            return
        if isinstance(function, type):
            if any(base in lists.type_names() for base in function.__mro__[:-1]) and function in lists.type_names():
                return
        elif isinstance(function, _CALLABLE_TYPES) or kind in lists.type_names() or _is_callable_record(kind):
            if issubclass(kind, _CALLABLE_TYPES) or kind in lists.type_names():
                self._callable.add(kind)
            return
        if not callable(function):
            raise TypeError(f"'{kind.__name__}' object is not callable")
        raise Refused("refused.call", name=guards.name_of(function) or kind.__name__)

    def _wraps_own(self, function: Any) -> bool:
        """Whether it is the program's own, or the library put it around the program's own (as schedulers do with
        `step`)."""
        for _ in range(4):
            if self._owner is None or function is None:
                return False
            if self._owner.owns(function):
                return True
            function = getattr(function, "__func__", None) or getattr(function, "__wrapped__", None)
        return False

    def _is_listed_method(self, function: Any) -> bool:
        name = function.__name__
        owner = getattr(function, "__self__", None)
        if owner is None or isinstance(owner, types.ModuleType):
            owner = getattr(function, "__objclass__", None)
            if owner is None:
                return False
        kind = owner if isinstance(owner, type) else type(owner)
        listed = self._readable.get((kind, name))
        if listed is None:
            listed = self._readable[kind, name] = self._is_listed(kind, name)
        inherited = name in READABLE and (name not in _OF_PROGRAMS or name == "__new__")
        return listed or (inherited and any(base in lists.type_names() for base in kind.__mro__))

    def overridden(self, function: Any) -> Any:
        """See Vocabulary.overridden."""
        known = self._overridden.get(function)
        if known is None:
            known = self._overridden[function] = self._written(function)
        return known

    def _written(self, function: Any) -> Any:
        if id(function) in self._made_ids or (self._owner is not None and self._owner.owns(function)):
            return function  # the program's own, through `handle_torch_function`
        if id(function) in self._replaced:
            return self._admit(self._replaced[id(function)])
        listed = overrides.listed_function(function)
        if listed is not None:
            return self._admit(listed)
        name = overrides.member(function)
        if name is not None and self._is_listed(torch.Tensor, name):
            if isinstance(function, types.MethodWrapperType):
                return self._admit(function)
            return self._attribute(torch.Tensor, name, function)
        raise Refused("refused.call", name=getattr(function, "__name__", "?"))

    @functools.cached_property
    def _replaced(self) -> dict[int, Any]:
        """The stand-ins by the identity of what they stand for: `torch.load` is never the real one."""
        found = {}
        for home, names in self._standins.items():
            module = sys.modules.get(home)
            for name, standin in names.items():
                real = getattr(module, name, None)
                if callable(real) and callable(standin):
                    found[id(real)] = standin
        return found

    def _default_override(self, original: Any) -> Any:
        """`super().__torch_function__`, which calls only what the program itself may call."""

        def default(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if id(func) not in self._admitted:
                self._check_callable(func)
            return original(func, types, args, kwargs or {})

        return default

    def looking(self) -> bool:
        """See Vocabulary.looking."""
        return overrides.looking()

    def look(self, function: Any, kinds: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """See Vocabulary.look."""
        return overrides.look(function, args, kwargs)

    def dispatched(self, function: Any) -> Any:
        """See Vocabulary.dispatched."""
        return self._admit(operations.dispatched(function, self.run))

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """See Vocabulary.quiet."""
        if self._owner is None or not overrides.looking(depth=4):
            yield
            return
        with self._owner.muted():
            yield

    def base(self, cls: Any) -> Any:
        """See Vocabulary.base."""
        if cls in lists.base_types():
            return cls
        if isinstance(cls, type) and (id(cls) in self._made_ids or _is_derivable(cls)):
            return cls
        if not isinstance(cls, type) and hasattr(cls, "__mro_entries__"):  # NamedTuple, Generic[T]
            return cls
        if isinstance(cls, type) and issubclass(cls, torch.nn.Module) and cls in lists.type_names():
            return cls
        raise Refused("refused.base", name=getattr(cls, "__name__", str(cls)))

    def operate(self, symbol: str, operands: tuple[Any, ...]) -> None:
        """See Vocabulary.operate."""
        guards.operate(symbol, operands)

    # The gate.

    def gate(self, value: Any, made: bool = False, depth: int = 2) -> Any:
        """The value, once it is known to be one a program may hold. `made`: functions in it were made of the "
        "program's own."""
        kind = type(value)
        if kind in self._passing:
            return value
        if isinstance(value, torch.Tensor):
            self._check_size(value)
        elif isinstance(value, tuple | list):
            if depth:
                for item in value[:100]:
                    self.gate(item, made, depth - 1)
        elif isinstance(value, np.ndarray):
            if value.dtype.hasobject:
                raise Refused("refused.object_array")
        elif isinstance(value, _NEVER_VALUES):
            raise Refused("refused.value", type=kind.__name__)
        elif isinstance(value, (*_FUNCTIONS, functools.partial)) or (made and callable(value)):
            self._gate_function(value, made)
        elif not isinstance(value, type):
            self._passing.add(kind)
        return value

    def _gate_function(self, value: Any, made: bool) -> None:
        if made:
            self._admit(value)
            self._made_ids.add(id(value))
        elif id(value) in self._admitted or (self._owner is not None and self._owner.owns(value)):
            return
        elif isinstance(value, functools.partial):
            self._gate_function(value.func, made)
        elif guards.is_library_function(value):
            self._admit(value)
        elif not self._is_listed_method(value):
            raise Refused("refused.value", type=type(value).__name__)

    def _admit(self, value: Any) -> Any:
        """The callable, guarded if it has a guard; it may be called from now on."""
        guard = guards.of_function(value)
        if guard is not None:
            wrapped = self._guarded.get(id(value))
            if wrapped is None:
                wrapped = self._guarded[id(value)] = guards.bind(guard, value, self.run)
                self._admitted[id(wrapped)] = wrapped
            value = wrapped
        self._admitted.setdefault(id(value), value)
        return value

    def _check_size(self, tensor: torch.Tensor) -> None:
        if (
            tensor.__class__ is torch.Tensor
            and tensor.layout is torch.strided
            and tensor.numel() <= self.limits.tensor_elements
            and tensor.dim() <= self.limits.tensor_dimensions
        ):
            return  # nearly all
        if tensor.layout is not torch.strided or torch._C._functorch.is_functorch_wrapped_tensor(tensor):
            return
        if isinstance(tensor, UninitializedTensorMixin):
            return
        if tensor.numel() > self.limits.tensor_elements and tensor.device.type != "meta":
            raise LimitReached("limit.elements", elements=tensor.numel(), limit=self.limits.tensor_elements)
        if tensor.dim() > self.limits.tensor_dimensions:
            raise LimitReached("limit.dimensions", dimensions=tensor.dim(), limit=self.limits.tensor_dimensions)


def warm() -> None:
    """Read the lists and import what they name, once, before runs are forked: a run then imports nothing."""
    lists.type_names()
    lists.base_types()
    guards.name_of(warm)
    guards.of_function(warm)
    _top_levels()
    for package in ("torch", "numpy"):
        _submodules(package)
    Allowlist()


def _installed(dotted: str) -> bool:
    """Whether such a module is there to import; nothing is imported, and no file is looked at once it is warm."""
    top, _, rest = dotted.partition(".")
    if dotted in sys.modules:
        return True
    if top not in _top_levels():
        return False
    return not rest or top not in ("torch", "numpy") or dotted in _submodules(top)


@functools.cache
def _top_levels() -> frozenset[str]:
    """Every module that stands in a folder of the path."""
    return frozenset(module.name for module in pkgutil.iter_modules())


@functools.cache
def _submodules(package: str) -> frozenset[str]:
    """The dotted names of all modules in the files of a package."""
    root = Path(sys.modules[package].__path__[0])
    found: set[str] = set()
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name.isidentifier() and name != "__pycache__"]
        home = ".".join((package, *Path(folder).relative_to(root).parts))
        found.add(home)
        found.update(f"{home}.{name.partition('.')[0]}" for name in files if name.endswith((".py", ".so", ".pyd")))
    return frozenset(found)


def _is_derivable(cls: type) -> bool:
    """Whether a class of ours that stands in for one of the library's is a base too."""
    return issubclass(cls, Offered) and getattr(cls, "derivable", False)


def _registered(register: Any, kind: Any, function: Any = None) -> Any:
    """`show.register(function)`: its first annotation is a class. Python would run an annotation that is a text."""
    annotations = getattr(kind, "__annotations__", None)
    if function is not None or isinstance(kind, type) or not annotations:
        return register(kind, function)
    first = next(iter(annotations.values()))
    if not isinstance(first, type):
        raise Refused("refused.annotation")
    return register(first, kind)


def _missing(dotted: str) -> str:
    """Python's own words for a module that is not there."""
    parts = dotted.split(".")
    for count in range(1, len(parts)):
        parent = ".".join(parts[:count])
        if parent in sys.modules and not hasattr(sys.modules[parent], "__path__"):
            return f"No module named {dotted!r}; {parent!r} is not a package"
        if parent not in sys.modules:
            return f"No module named {parent!r}"
    return f"No module named {dotted!r}"


def _carries(value: Any, kind: type, name: str) -> bool:
    """Whether the instance itself holds this public name: a field, a parameter, a buffer, a submodule."""
    table = lists.type_names()
    if not any("*" in table.get(base, ()) for base in kind.__mro__) and not isinstance(value, torch.Tensor):
        return False
    fields: Mapping[str, Any] = getattr(value, "__dict__", {})
    if name in fields:
        return True
    return isinstance(value, torch.nn.Module) and not hasattr(kind, name)


def _is_record(kind: type) -> bool:
    """A named tuple or one of torch's result records."""
    return issubclass(kind, tuple) and (hasattr(kind, "_fields") or hasattr(kind, "n_sequence_fields"))


def _is_callable_record(kind: type) -> bool:
    return kind.__module__.startswith("torch.distributions") and hasattr(kind, "__call__")  # noqa: B004


def _is_context(kind: type) -> bool:
    return (
        hasattr(kind, "__enter__")
        and hasattr(kind, "__exit__")
        and kind.__module__.split(".")[0] in ("torch", "contextlib")
    )
