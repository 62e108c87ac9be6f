"""torch.library: operations of the program's own. They are kept in the run, and registered nowhere."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import inspect
import re
import typing
from functools import cache
from typing import Any

import torch
from torch import _C
from torch._library import utils
from torch._library.autograd import Info

from engine.custom_operation import CustomOpDef, autocast
from engine.errors import Refused
from engine.operation_checks import opcheck
from engine.own_operations import DEFAULT, Overload, Packet, parsed
from engine.standins import Maker, Names, Offered, Run

_SCHEMA = re.compile(r"\(.*\) -> .*")
_KERNELS = frozenset({"CPU", "CUDA", "MPS", "XPU", "XLA", "Meta", DEFAULT, "CompositeImplicitAutograd"})
_RESERVED = ("prim",)


@cache
def _taken() -> frozenset[str]:
    """Namespaces of PyTorch's own operations."""
    return frozenset(name.partition("::")[0] for name in _C._dispatch_get_all_op_names())


def _texts(annotation: Any) -> bool:
    """Whether there is a text in an annotation: PyTorch would run it."""
    if isinstance(annotation, str | typing.ForwardRef):
        return True
    return any(map(_texts, typing.get_args(annotation)))


def _inferred(function: Any, mutates_args: Any, op_name: str | None = None, tags: Any = ()) -> str:
    signature = inspect.signature(function)
    kinds = [signature.return_annotation, *(one.annotation for one in signature.parameters.values())]
    if any(map(_texts, kinds)):
        raise Refused("refused.annotation")
    return torch.library.infer_schema(function, mutates_args=mutates_args, op_name=op_name, tags=tags)


class _Registry:
    """The operations of one run, by namespace and name."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.packets: dict[str, dict[str, Packet]] = {}
        self.made: dict[str, CustomOpDef] = {}
        self.whole: set[str] = set()

    def define(self, name: str, schema: str, tags: Any, again: bool = False) -> Overload:
        """A new operation, of a namespace that is not PyTorch's."""
        namespace, short = utils.parse_namespace(name)
        if namespace in _taken():
            raise Refused("refused.name", name=f"torch.library.define {name}")
        tags = (tags,) if isinstance(tags, torch.Tag) else tuple(dict.fromkeys(tags or ()))
        if torch.Tag.out in tags:
            torch.library._validate_out_schema(parsed(short + schema))
        if torch.Tag.inplace in tags:
            torch.library._validate_inplace_schema(parsed(short + schema))
        try:
            found = parsed(name + schema)
        except RuntimeError:
            parsed(short + schema)  # its message quotes the text
            raise
        overload = Overload(self.run, found, tags)
        packet = self.packets.setdefault(namespace, {}).setdefault(short.partition(".")[0], Packet(found.name))
        if overload._overloadname in packet._members and not again:
            raise RuntimeError(
                f"Tried to register an operator ({found}) with the same name and overload name multiple times. Each "
                "overload's schema should only be registered with a single call to def()."
            )
        packet._members[overload._overloadname] = overload
        self.made.pop(overload._name, None)
        return overload

    def find(self, op: Any) -> Overload:
        """By its name, or itself. Refused where it is not of the program."""
        if isinstance(op, Overload | CustomOpDef):
            return op if isinstance(op, Overload) else op._opoverload
        namespace, short = utils.parse_namespace(str(op))
        if namespace not in self.packets:
            raise Refused("refused.name", name=str(op))
        packet = Namespace(self, namespace).__getattr__(short.partition(".")[0])
        found: Overload = getattr(packet, short.partition(".")[2] or "default")
        return found

    def resolve(self, op: Any, name: str) -> Overload | CustomOpDef:
        """What a registration is for."""
        if not isinstance(op, str | Overload | CustomOpDef):
            raise ValueError(f"{name}({op}): got unexpected type for op: {type(op)}")
        found = self.find(op)
        return self.made.get(found._name, found)

    def implement(self, op: Any, kinds: Any, function: Any) -> None:
        """The kernel for devices or dispatch keys."""
        overload = self.find(op)
        for kind in (kinds,) if isinstance(kinds, str) else kinds:
            key = kind if _C._parse_dispatch_key(kind) else _C._dispatch_key_for_device(kind)
            self._implement(overload, str(key), function)

    def _implement(self, overload: Overload, key: str, function: Any) -> None:
        kernel = self.run.invoked(function)
        if key in ("Autograd", "AutogradCPU"):
            overload._autograd = lambda _, *args, **kwargs: kernel(*args, **kwargs)
        elif key in _KERNELS:
            overload._kernels[key] = kernel
        else:
            raise Refused("refused.name", name=f"torch.library.impl {key}")


class Namespace(Offered):
    """`torch.ops.name`, with the operations of the program."""

    def __init__(self, registry: _Registry, name: str) -> None:
        self.name = name
        self._registry = registry

    def __getattr__(self, name: str) -> Any:
        members = self.__dict__["_registry"].packets[self.__dict__["name"]]
        if name not in members:
            raise AttributeError(f"'_OpNamespace' '{self.__dict__['name']}' object has no attribute '{name}'")
        return members[name]

    def __repr__(self) -> str:
        return f"<module 'torch.ops.{self.name}' from 'torch.ops'>"


def offer(run: Run) -> Names:
    """`custom_op`, `define`, the registrations, and `torch.ops` of the program's namespaces."""
    registry = _Registry(run)

    def custom_op(
        name: str,
        fn: Any = None,
        /,
        *,
        mutates_args: Any,
        device_types: Any = None,
        schema: Any = None,
        tags: Any = None,
    ) -> Any:
        """`torch.library.custom_op`."""

        def make(function: Any) -> CustomOpDef:
            if not run.owner.owns(function) or not isinstance(name, str):
                raise Refused("refused.name", name="torch.library.custom_op")
            given = (tags,) if isinstance(tags, torch.Tag) else tuple(tags or ())
            text = schema
            if schema is None:
                text = _inferred(function, mutates_args, tags=given)
            namespace, short = name.split("::")
            overload = registry.define(f"{namespace}::{short}", text, (torch.Tag.pt2_compliant_tag, *given), again=True)
            found = CustomOpDef(run, overload, function)
            if schema is not None:
                written = [one for one in overload._schema.arguments if one.alias_info and one.alias_info.is_write]
                expected = {one.name for one in written}
                if expected != set(mutates_args):
                    raise ValueError(
                        f"Attempted to create a custom op with `mutates_args={mutates_args}` and `schema={schema}. "
                        f"The schema suggests that the op mutates {expected}which is different from what was provided "
                        "to us in `mutates_args`. Please make these consistent."
                    )
            found.register_kernel(device_types)(function)
            registry.made[overload._name] = found
            return found

        return Maker(make) if fn is None else make(fn)

    def infer_schema(
        prototype_function: Any, /, *, mutates_args: Any, op_name: str | None = None, tags: Any = ()
    ) -> str:
        """`torch.library.infer_schema`."""
        if not run.owner.owns(prototype_function):
            raise Refused("refused.name", name="torch.library.infer_schema")
        return _inferred(prototype_function, mutates_args, op_name, tags)

    class Library(Offered):
        """`torch.library.Library`: what is defined and implemented through it is the run's."""

        def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
            if kind not in ("IMPL", "DEF", "FRAGMENT"):
                raise ValueError(f"Unsupported kind: {kind}")
            if ns in _RESERVED and kind != "IMPL":
                raise ValueError(f"{ns} is a reserved namespace. Please try creating a library with another name.")
            if ns in _taken() or not isinstance(ns, str) or not ns.isidentifier():
                raise Refused("refused.name", name=f"torch.library.Library {ns}")
            if kind == "DEF":
                if ns in registry.whole:
                    raise RuntimeError(
                        f"Only a single TORCH_LIBRARY can be used to register the namespace {ns}; please put all of "
                        "your definitions in a single TORCH_LIBRARY block."
                    )
                registry.whole.add(ns)
            self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key

        def __repr__(self) -> str:
            return f"Library(kind={self.kind}, ns={self.ns}, dispatch_key={self.dispatch_key})>"

        def define(self, schema: str, alias_analysis: str = "", *, tags: Any = ()) -> str:
            """A new operation, of a schema with its name."""
            if alias_analysis not in ("", "FROM_SCHEMA", "CONSERVATIVE"):
                raise RuntimeError(f"Invalid alias_analysis type {alias_analysis}")
            name, opening, rest = schema.partition("(")
            registry.define(f"{self.ns}::{name}", opening + rest, tags)
            return name

        def impl(
            self,
            op_name: Any,
            fn: Any,
            dispatch_key: str = "",
            *,
            with_keyset: bool = False,
            allow_override: bool = True,
        ) -> None:
            """The kernel of an operation."""
            if not callable(fn):
                raise TypeError(f"Input function is required to be a callable but found type {type(fn)}")
            if with_keyset:
                raise Refused("refused.name", name="with_keyset")
            key = dispatch_key or self.dispatch_key or "CompositeImplicitAutograd"
            full = op_name if not isinstance(op_name, str) or "::" in op_name else f"{self.ns}::{op_name}"
            registry.implement(full, key, fn)

    def define(qualname: Any, schema: Any, alias_analysis: str = "", *, lib: Any = None, tags: Any = ()) -> Any:
        """`torch.library.define`, of a name and a schema, or as a decorator of a Library."""
        if isinstance(qualname, Library):
            library = qualname

            def both(function: Any) -> Any:
                library.impl(library.define(schema, alias_analysis), function)
                return function

            return Maker(both)
        if not isinstance(qualname, str):
            raise ValueError(f"define(qualname, schema): expected qualname to be instance of str, got {type(qualname)}")
        utils.parse_namespace(qualname)
        if not _SCHEMA.fullmatch(schema):
            raise ValueError(
                "define(qualname, schema, ...): expected schema to look like e.g. "
                f'"(Tensor x) -> Tensor" but got "{schema}"'
            )
        registry.define(qualname, schema, tags)
        return None

    def impl(qualname: Any, types: Any, func: Any = None, *, lib: Any = None) -> Any:
        """`torch.library.impl`, of a name and devices, or as a decorator of a Library."""
        if isinstance(qualname, Library):
            library = qualname

            def legacy(function: Any) -> Any:
                library.impl(types, function, func or "")
                return function

            return Maker(legacy)

        kinds = [DEFAULT if one == "default" else one for one in ((types,) if isinstance(types, str) else types)]

        def keep(function: Any) -> None:
            registry.implement(qualname, kinds, function)

        return Maker(keep) if func is None else keep(func)

    def register_fake(op: Any, func: Any = None, /, *, lib: Any = None, allow_override: bool = True) -> Any:
        """`torch.library.register_fake`."""
        found = registry.resolve(op, "register_fake")

        def keep(function: Any) -> Any:
            if isinstance(found, CustomOpDef):
                return found.register_fake(function)
            found._kernels["Meta"] = run.invoked(function)
            return function

        return Maker(keep) if func is None else keep(func)

    def register_kernel(op: Any, device_types: Any, func: Any = None, /, *, lib: Any = None) -> Any:
        """`torch.library.register_kernel`."""
        found = registry.resolve(op, "register_kernel")
        if isinstance(found, CustomOpDef):
            return found.register_kernel(device_types, func)
        return impl(found, DEFAULT if device_types is None else device_types, func)

    def register_autograd(op: Any, backward: Any, /, *, setup_context: Any = None, lib: Any = None) -> None:
        """`torch.library.register_autograd`."""
        found = registry.resolve(op, "register_autograd")
        if isinstance(found, CustomOpDef):
            found.register_autograd(backward, setup_context=setup_context)
            return
        schema = found._schema
        if torch.Tag.out in found.tags:
            raise RuntimeError(
                f"Cannot register autograd formula for operator tagged with torch.Tag.out: {found}. "
                "Out variants do not support autograd."
            )
        if not utils.is_functional_schema(schema):
            raise RuntimeError(
                f"Cannot register autograd formula for non-functional operator {found} with schema {schema}. "
                "Please create a functional operator and register an autograd formula for that."
            )
        if utils.has_kwarg_only_tensors(schema):
            raise NotImplementedError(
                "register_autograd with kwarg-only Tensor args. In the original definition of the op, please make "
                f"your tensors not kwarg-only. Got: {schema}"
            )
        found._differentiate(Info(run.invoked(backward), run.invoked(setup_context)))

    def register_vmap(op: Any, func: Any = None, /, *, lib: Any = None) -> Any:
        """`torch.library.register_vmap`."""
        found = registry.resolve(op, "register_vmap")
        overload = found._opoverload if isinstance(found, CustomOpDef) else found

        def keep(function: Any) -> None:
            overload._batched = function

        return Maker(keep) if func is None else keep(func)

    def register_torch_dispatch(op: Any, torch_dispatch_class: Any, func: Any = None, /, *, lib: Any = None) -> Any:
        """`torch.library.register_torch_dispatch`."""
        found = registry.resolve(op, "register_torch_dispatch")
        overload = found._opoverload if isinstance(found, CustomOpDef) else found

        def keep(function: Any) -> Any:
            overload._told[torch_dispatch_class] = function
            return function

        return Maker(keep) if func is None else keep(func)

    def register_autocast(op: Any, device_type: Any, cast_inputs: Any, /, *, lib: Any = None) -> None:
        """`torch.library.register_autocast`."""
        found = registry.resolve(op, "register_autocast")
        autocast(found._opoverload if isinstance(found, CustomOpDef) else found, device_type, cast_inputs)

    def namespaces(name: str) -> Any:
        """`torch.ops.name`."""
        if name not in registry.packets:
            raise Refused("refused.name", name=f"torch.ops.{name}")
        return Namespace(registry, name)

    given = (register_fake, register_kernel, register_autograd, register_vmap, register_torch_dispatch)
    return {
        "torch.library": {
            "custom_op": custom_op,
            "define": define,
            "impl": impl,
            "infer_schema": infer_schema,
            "opcheck": opcheck,
            "Library": Library,
            "register_autocast": register_autocast,
            **{one.__name__: one for one in given},
        },
        "torch.ops": {"*": namespaces},
    }
