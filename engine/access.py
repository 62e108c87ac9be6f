"""What may be read, written and called: the program's own values here, Python's by their tables, all else by the
vocabulary."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable
from typing import Any

from engine import natives
from engine.budget import Budget
from engine.errors import Refused
from engine.formatting import Formatting
from engine.methods import METHODS
from engine.operators import Operators
from engine.program import READABLE, is_dunder
from engine.python import Builtin, Python, check_name
from engine.vocabulary import Vocabulary

_STANDARD = frozenset(
    {"builtins", "abc", "enum", "dataclasses", "collections", "collections.abc", "typing", "__main__"}
)
"""Modules of the standard library whose classes keep to themselves: a class on these bases alone is wholly the
program's."""

_TYPE_NAMES = frozenset({"__name__", "__qualname__", "__module__", "__doc__"})
_LINEAGE = frozenset({"__mro__", "__bases__"})
_GENERIC: Any = typing._GenericAlias  # type: ignore[attr-defined]
_EXCEPTION_NAMES = frozenset(
    {
        *("args", "add_note", "code", "value", "errno", "strerror", "filename", "name", "msg", "lineno", "key"),
        *("__cause__", "__context__", "__suppress_context__", "__notes__"),
    }
)
_BINDING = (types.MethodType, types.FunctionType)


def _bind_again(*args: Any) -> None:
    """`super(Class).__init__()`, which older lessons write for `super(Class, self).__init__()`: it binds the `super`
    object, which nobody keeps, and calls no class."""
    if args:
        super(*args)


class UserClass:
    """What the interpreter knows of a class the program made.

    `plain`: no listed base, so that everything on it is the program's. `names`: those the program itself gave to the
    class or to its instances. `lineage`: this and the user classes among its bases, nearest first.
    `native`: int, float, str or tuple where it derives from one (natives.py).
    """

    __slots__ = ("lineage", "names", "native", "plain")

    def __init__(self, names: set[str], plain: bool, bases: list[UserClass], native: Any = None) -> None:
        self.names = names
        self.plain = plain
        self.native = native
        self.lineage: list[UserClass] = [self, *dict.fromkeys(record for base in bases for record in base.lineage)]

    def defines(self, name: str) -> bool:
        """Whether the program gave this name to the class, a base of it, or an instance."""
        return any(name in record.names for record in self.lineage)


class Access:
    """Reads, writes and calls for one run; an Owner to the vocabulary."""

    def __init__(self, budget: Budget, vocabulary: Vocabulary, write: Callable[[str], None]) -> None:
        self.budget = budget
        self.vocabulary = vocabulary
        self.classes: dict[type, UserClass] = {}
        self._foreign: set[type] = set()  # types found to be the vocabulary's alone
        self._defined: set[tuple[type, str]] = set()  # names found to be the program's; once given they stay so
        self.make_class: Callable[[Any, Any, Any], type]
        """`type(name, bases, namespace)`."""
        self.safely: Callable[[dict[str, Any]], None]
        """Puts the methods in a namespace that the library calls behind ones of ours."""
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": {}}
        """The globals of every function the program makes: by it they are known."""
        operators = Operators(
            budget, vocabulary, Formatting(budget, self.read_named, lambda value, key: operators.item(value, key))
        )
        self.operators = operators
        self.python = Python(self, budget, operators, write)

    # Whose is it?

    def is_function(self, value: object) -> bool:
        """Whether `value` is a function of the program or a bound method of one."""
        if type(value) is types.MethodType:
            value = value.__func__
        return type(value) is types.FunctionType and value.__globals__ is self.namespace

    def owns(self, value: object) -> bool:
        """See `Owner.owns`."""
        if type(value) is Builtin or self.is_function(value):
            return True
        record = self.classes.get(type(value))
        if record is not None:
            return record.plain or record.defines("__call__")
        return isinstance(value, type) and value in self.classes

    def is_plain(self, kind: type) -> bool:
        """Whether a base keeps to itself, so that the program may use all of it."""
        return all(base in self.classes or base.__module__ in _STANDARD for base in kind.__mro__)

    # Reading.

    def read_named(self, value: Any, name: Any) -> Any:
        """`getattr(value, name)`."""
        check_name(name)
        return self.read(value, name)

    def read(self, value: Any, name: str) -> Any:
        """`value.name`."""
        kind = type(value)
        if kind in self._foreign and name != "__class__":
            return self.vocabulary.read(value, name)
        if (kind, name) in self._defined:
            return getattr(value, name)
        names = METHODS.get(kind)
        if names is not None:
            if name in names:
                return getattr(value, name)
            return self._read_common(value, name)
        record = self.classes.get(kind)
        if record is not None:
            if name == "__dict__" and not record.plain:  # never in _defined
                return {key: new for key, new in vars(value).items() if record.defines(key) or key[0] != "_"}
            if record.native is not None and not record.defines(name):
                return self._read_native(value, record.native, kind, name)
            if record.plain or record.defines(name) or name in _TYPE_NAMES or name == "__class__":
                self._defined.add((kind, name))
                return getattr(value, name)
            native = next((base for base in kind.__mro__ if base in METHODS and base is not object), None)
            if native is not None and name in METHODS[native]:
                return getattr(value, name)
            return self.vocabulary.read(value, name)
        if isinstance(value, type):
            return self._read_type(value, name)
        if kind is super:
            return self._read_super(value, name)
        if self.is_function(value):
            if name == "__annotations__":
                return dict(getattr(value, name))
            if name in _TYPE_NAMES or not is_dunder(name) or name == "__wrapped__":
                return getattr(value, name)
            return self._read_common(value, name)
        if isinstance(value, BaseException) and (name in _EXCEPTION_NAMES or name in ("__class__", "__doc__")):
            return getattr(value, name)
        if name == "__class__":
            return kind
        if kind is Builtin and name in _TYPE_NAMES:
            return {"__module__": "builtins", "__doc__": None}.get(name, value.__name__)
        if kind in (types.BuiltinMethodType, types.MethodDescriptorType, types.MethodType) and name in _TYPE_NAMES:
            return getattr(value, name)
        if kind is not Builtin and kind.__module__ != "builtins" and not isinstance(value, BaseException):
            self._foreign.add(kind)
        return self.vocabulary.read(value, name)

    def _read_native(self, value: Any, base: type, kind: type, name: str) -> Any:
        """What an instance of a class on int, float, str or tuple has from there: all of it but the operators that
        make much of little, which are written as operators."""
        found = getattr(value, name)
        if is_dunder(name) and name in vars(base) and name not in METHODS[base]:
            raise Refused("refused.dunder", name=name)
        self._defined.add((kind, name))
        return found

    def _read_common(self, value: Any, name: str) -> Any:
        """A name that is not in the table of its type: absent, or one of those all values have, or refused."""
        if name == "__class__":
            return type(value)
        found = getattr(value, name)
        if name in ("__doc__", "__name__", "__qualname__", "__module__") and isinstance(found, str | None):
            return found
        raise Refused("refused.attribute", name=name, type=type(value).__name__)

    def _read_type(self, value: type, name: str) -> Any:
        if name in _TYPE_NAMES or (name in _LINEAGE and value in self.classes):
            return getattr(value, name)
        if name in _LINEAGE:
            raise Refused("refused.dunder", name=name)
        if name == "__class__":
            return type(value)
        if name == "__annotations__":
            return dict(getattr(value, name))  # the library writes their names into code
        record = self.classes.get(value)
        if record is not None:
            if name == "mro":
                return Builtin(name, value.mro)
            if name == "__dict__" or (name not in READABLE and is_dunder(name)):
                raise Refused("refused.dunder", name=name)
            if record.plain or record.defines(name):
                return getattr(value, name)
        if value in METHODS and (name in METHODS[value] or name in ("__init__", "__new__")):
            found = getattr(value, name)
            return Builtin(name, found) if name == "maketrans" else found
        if self._is_exception(value) and name in ("__init__", "args", "__str__", "__repr__"):
            return getattr(value, name)
        return self.vocabulary.read(value, name)

    def _read_super(self, value: Any, name: str) -> Any:
        """Through `super()`: the class that the name is found on says whose it is."""
        if value.__self_class__ is None:  # `super(Class)`, bound to nothing: it has only its own names
            if name == "__init__":
                return Builtin(name, _bind_again)
            return self._read_common(value, name)
        lineage = value.__self_class__.__mro__
        for base in lineage[lineage.index(value.__thisclass__) + 1 :]:
            if name in vars(base):
                if base in self.classes or (base.__module__ in _STANDARD and (name in READABLE or not is_dunder(name))):
                    return getattr(value, name)
                break
        return self.vocabulary.read(value, name)

    # Writing.

    def write(self, value: Any, name: str, new: Any) -> None:
        """`value.name = new`."""
        if name == "__torch_function__" and isinstance(value, type) and value in self.classes:
            namespace = {name: new}
            self.safely(namespace)
            type.__setattr__(value, name, namespace[name])
            self.classes[value].names.add(name)
            return
        record = self.classes.get(type(value))
        if name == "__dict__" and record is not None and record.plain and (not isinstance(new, dict) or _is_space(new)):
            value.__dict__ = new  # raises what Python raises for what is no dict
            return
        self._target(value, name)
        if record is not None:
            if record.native is not None:
                natives.check_name(record.native, name)
            if record.plain or self._has_data_descriptor(type(value), name):
                setattr(value, name, new)
            else:
                self.vocabulary.write(value, name, new)
            record.names.add(name)
            return
        if isinstance(value, type) and value in self.classes:
            if self.classes[value].native is not None:
                natives.check_name(self.classes[value].native, name)
            setattr(value, name, new)
            self.classes[value].names.add(name)
        elif type(value) is types.FunctionType and self.is_function(value):
            setattr(value, name, new)
        elif type(value) in METHODS:
            setattr(value, name, new)  # raises what CPython raises
        else:
            self.vocabulary.write(value, name, new)

    def delete(self, value: Any, name: str) -> None:
        """`del value.name`."""
        self._target(value, name)
        record = self.classes.get(type(value))
        own = (record is not None and record.plain) or (isinstance(value, type) and value in self.classes)
        if own or type(value) in METHODS or (type(value) is types.FunctionType and self.is_function(value)):
            delattr(value, name)
        else:
            self.vocabulary.delete(value, name)

    def _target(self, value: Any, name: str) -> None:
        """No dunder name is written, but the words a function or class says about itself."""
        if is_dunder(name) and not (
            name in _TYPE_NAMES and (self.is_function(value) or value in self._own_types(value))
        ):
            raise Refused("refused.dunder", name=name)

    def _own_types(self, value: Any) -> dict[type, UserClass]:
        return self.classes if isinstance(value, type) else {}

    def _has_data_descriptor(self, kind: type, name: str) -> bool:
        """Whether the program's own property takes the write."""
        for base in kind.__mro__:
            if name in vars(base):
                return base in self.classes and hasattr(type(vars(base)[name]), "__set__")
        return False

    # Calling.

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`function(*args, **kwargs)`."""
        kind = type(function)
        if kind is Builtin:
            return function.run(*args, **kwargs)
        if kind is types.FunctionType:
            if function.__globals__ is self.namespace:
                return function(*args, **kwargs)
        elif kind is types.MethodType:
            if self._is_own_method(function):
                return function(*args, **kwargs)
            return self.vocabulary.call(function, args, kwargs)
        elif kind is types.BuiltinFunctionType:
            return self._call_builtin(function, args, kwargs)
        elif kind is types.MethodDescriptorType or kind is types.WrapperDescriptorType:
            if function.__objclass__ in METHODS or self._is_exception(function.__objclass__):
                return self._call_unbound(function, args, kwargs)
        elif kind is types.MethodWrapperType:
            owner = type(function.__self__)
            if function.__name__ in METHODS.get(owner, ()) or owner in self.classes or kind is super:
                return function(*args, **kwargs)
        elif isinstance(function, type):
            return self._construct(function, args, kwargs)
        elif kind in self.classes and self.owns(function):
            return function(*args, **kwargs)
        elif kind is _GENERIC and function.__origin__ in self.classes:  # `Box[int](3)`
            return self._construct(function.__origin__, args, kwargs)
        if not callable(function):
            raise TypeError(f"'{kind.__name__}' object is not callable")
        return self.vocabulary.call(function, args, kwargs)

    def _is_own_method(self, method: Any) -> bool:
        """A bound method of the program's, or one that the standard library gave to a plain class of it."""
        function = method.__func__
        if type(function) is not types.FunctionType:
            return False
        if function.__globals__ is self.namespace:
            return True
        if type(method.__self__) in self._foreign:
            return False
        owner = method.__self__ if isinstance(method.__self__, type) else type(method.__self__)
        record = self.classes.get(owner)
        module = function.__globals__.get("__name__", "")
        return record is not None and record.plain and (module in _STANDARD or module.startswith("namedtuple_"))

    def _call_builtin(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A C function: a builtin, or a method bound to one of Python's own values or types."""
        owner = function.__self__
        kind = type(owner)
        if kind in self._foreign or owner is None:  # torch.ones has None there
            return self.vocabulary.call(function, args, kwargs)
        if kind in METHODS or (kind is type and owner in METHODS):
            guard = self.python.guards.get((kind, function.__name__))
            return guard(owner, *args, **kwargs) if guard is not None else function(*args, **kwargs)
        constructor = self.python.constructors.get(function) if kind is types.ModuleType else None
        if constructor is not None:
            return constructor(*args, **kwargs)
        record = self.classes.get(owner if isinstance(owner, type) else kind)
        if record is not None and record.native is not None:
            return self._call_native(function, record.native, owner, args, kwargs)
        if (record is not None and self._is_native(record, owner, function.__name__)) or self._is_exception(kind):
            return function(*args, **kwargs)
        if record is not None and record.plain and isinstance(owner, (dict, list)):
            return self._call_growing(function, owner, args, kwargs)
        return self.vocabulary.call(function, args, kwargs)

    def _call_native(self, function: Any, base: type, owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A method that a class on int, float, str or tuple has from there."""
        name = function.__name__
        if name == "__new__":
            return function(args[0], *self._raw(base, args[1:]), **kwargs) if args else function(**kwargs)
        guard = self.python.guards.get((base, name))
        if guard is None or isinstance(owner, type):
            return function(*args, **kwargs)
        return guard(natives.plain(base, owner), *args, **kwargs)

    def _raw(self, base: type, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments for `base.__new__`: an iterator is counted, and a text is what `str` gives here."""
        if base is tuple and len(args) == 1:
            return (tuple(self.budget.collected(args[0])),)
        return (self.python.formatting.text(args[0]),) if base is str and len(args) == 1 else args

    def _call_growing(self, function: Any, owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A method that makes a dict or list of the program's own class longer: `self.append(x)`."""
        if function.__name__ in ("extend", "update"):
            args = tuple(arg if hasattr(arg, "keys") else list(self.budget.collected(arg)) for arg in args)
        elif kwargs.get("key") is not None:
            kwargs = {**kwargs, "key": self.python.key(kwargs["key"])}
        result = function(*args, **kwargs)
        self.budget.container((dict if isinstance(owner, dict) else list).__len__(owner))
        return result

    def _is_native(self, record: UserClass, owner: Any, name: str) -> bool:
        """`super().__new__(cls)`, `super().append(x)`: what a user class has from Python's own types."""
        mro = owner.__mro__ if isinstance(owner, type) else type(owner).__mro__
        base = next((base for base in mro if base not in self.classes and name in vars(base)), object)
        return record.plain and base.__module__ in _STANDARD and ((base, name) not in self.python.guards)

    def _call_unbound(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name, owner = function.__name__, function.__objclass__
        guard = self.python.guards.get((owner, name))
        if guard is not None and args and isinstance(args[0], owner):
            return guard(*args, **kwargs)
        if is_dunder(name) and name not in READABLE:
            raise Refused("refused.dunder", name=name)
        return function(*args, **kwargs)

    def _construct(self, kind: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A class is called."""
        record = self.classes.get(kind)
        if record is not None:
            if record.plain:
                if record.native is not None and not record.defines("__new__") and not issubclass(kind, enum.Enum):
                    args = self._raw(record.native, args)
                return kind(*args, **kwargs)
        elif (constructor := self.python.constructors.get(kind)) is not None:
            return constructor(*args, **kwargs)
        return self.vocabulary.call(kind, args, kwargs)

    def _is_exception(self, kind: Any) -> bool:
        return isinstance(kind, type) and issubclass(kind, BaseException) and kind.__module__ == "builtins"


def _is_space(names: dict[Any, Any]) -> bool:
    """Whether this can be the attributes of an object: none of the names is Python's own."""
    return all(type(name) is str and not is_dunder(name) for name in names)
