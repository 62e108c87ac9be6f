"""Operations of the program's own: what PyTorch's dispatcher does for them, done here, and registered nowhere.

    call -> arguments by schema -> autocast -> vmap, grad -> autograd -> the program's modes -> kernel of the device

The schema is read by PyTorch's own parser and the backward node made by PyTorch's own code; all else is in the run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch
from torch import _C
from torch._functorch import autograd_function
from torch._functorch.pyfunctorch import retrieve_current_functorch_interpreter
from torch._library import utils
from torch._library.autograd import make_autograd_impl
from torch._library.custom_ops import _cast as lowered
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack, _pop_mode, _push_mode

from engine.errors import Refused
from engine.standins import Offered

if TYPE_CHECKING:
    from engine.standins import Run

COMPOSITE = "CompositeImplicitAutograd"
DEFAULT = "CompositeExplicitAutograd"
_SCHEMA = 2_000
"""Characters of a schema at most: PyTorch's parser goes down with every bracket."""

_LONG = re.compile(r"[^=\[,]\[\d{4}")
"""`int[9999] x=0`: a list of that length is made at once."""

_batching: Any = autograd_function
_UNREAD = re.compile(r"[#\\]|\.\.\.")
"""Comments, lines that go on, and arguments without a name: PyTorch's parser takes them, no operation needs them."""

_PLAIN = frozenset({"FloatType", "IntType", "SymIntType", "BoolType", "DeviceObjType"})
_KEYS = _C.DispatchKeySet(_C.DispatchKey.AutogradCPU)
_GRADS, _BATCHES = _C._functorch.TransformType.Grad, _C._functorch.TransformType.Vmap
_FORWARD = _C._functorch.TransformType.Jvp


class _Uncast(Exception):
    """A value is not of the type that the schema says."""


def parsed(text: str) -> Any:
    """A schema, as PyTorch reads it."""
    if type(text) is not str or len(text) > _SCHEMA or _UNREAD.search(text) or _LONG.search("".join(text.split())):
        raise Refused("refused.guard.plain", name="torch.library.define")
    return _C.parse_schema(text)


def _cast(value: Any, kind: Any) -> Any:
    """What a kernel is given for `value`, or gives back."""
    name = kind.kind()
    if name == "OptionalType":
        return None if value is None else _cast(value, kind.getElementType())
    if name == "TensorType":
        if value is not None and not isinstance(value, torch.Tensor):
            raise _Uncast(f"Unable to cast {value} to Tensor")
        return value
    if name == "ListType":
        try:
            if isinstance(value, list | tuple):
                return [_cast(one, kind.getElementType()) for one in value]
        except _Uncast:
            pass
        raise _Uncast(_instance(value))
    if name == "DeviceObjType" and isinstance(value, str | torch.device):
        return torch.device(value)
    if name in ("FloatType", "IntType", "SymIntType", "NumberType") and isinstance(value, torch.Tensor):
        if value.numel() != 1 or value.requires_grad:
            raise _Uncast(_instance(value))
        value = value.item()
    if name == "FloatType" and isinstance(value, int | float):
        return float(value)
    if name in ("IntType", "SymIntType") and isinstance(value, int | torch.dtype | torch.layout | torch.memory_format):
        return int(value) if isinstance(value, bool) else value
    if name == "BoolType" and isinstance(value, int | float | torch.Tensor):
        return bool(value)
    if name == "NumberType" and not isinstance(value, int | float | complex):
        raise _Uncast(f"Cannot cast {value} to number")
    if name in _PLAIN or (name == "StringType" and not isinstance(value, str)):
        raise _Uncast(_instance(value))
    return value


def _instance(value: Any) -> str:
    return (
        f"Unable to cast Python instance of type {type(value)} to C++ type '?' "
        "(#define PYBIND11_DETAILED_ERROR_MESSAGES or compile in debug mode for details)"
    )


def tensors(*values: Any) -> list[torch.Tensor]:
    """The tensors among these values, and inside of lists, tuples and dicts there."""
    return [one for one in pytree.tree_leaves(values) if isinstance(one, torch.Tensor)]


def _same(value: Any, default: Any) -> bool:
    """Whether an argument is what the schema says it is by itself: a kernel is not given it then."""
    return not isinstance(value, torch.Tensor) and type(value) is type(default) and bool(value == default)


class Overload(Offered):
    """One operation, as `torch.ops.namespace.name.default`."""

    offered = frozenset({"__name__", "_overloadname", "_opname", "_namespace", "_schema", "_name"})

    def __init__(self, run: Run, schema: Any, tags: tuple[Any, ...] = ()) -> None:
        self._run, self._schema = run, schema
        self.namespace, _, self._opname = schema.name.partition("::")
        self._namespace = self.namespace
        self._overloadname = schema.overload_name or "default"
        self._name = schema.name + (f".{schema.overload_name}" if schema.overload_name else "")
        self.__name__ = f"{self._opname}.{self._overloadname}"
        self.tags = list(tags)
        self._kernels: dict[str, Any] = {}
        self._autograd: Any = None
        self._autocast: Any = None
        self._batched: Any = None
        self._told: dict[Any, Any] = {}
        self._counts = False  # whether a declared change counts as one more version, as for `custom_op`

    def __str__(self) -> str:
        return f"{self.namespace}.{self.__name__}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='{self.namespace}.{self._opname}', overload='{self._overloadname}')>"

    def name(self) -> str:
        """Its full name."""
        return str(self._name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given, named = self._arguments(args, kwargs)
        if self._autocast is not None and torch.is_autocast_enabled("cpu"):
            if named:
                raise AssertionError(f"Custom ops do not support kwargs yet, got {list(named)}")
            with torch.autocast("cpu", enabled=False):
                return self._transformed(lowered(given, "cpu", self._autocast), named)
        return self._transformed(given, named)

    # Arguments.

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Cast, those at their defaults left out: positional ones at the end, named ones anywhere."""
        declared = self._schema.arguments
        positional = [one for one in declared if not one.kwarg_only]
        if len(args) + len(kwargs) > len(declared):
            raise RuntimeError(
                f"{self._name}() expected at most {len(declared)} argument(s) but received {len(args) + len(kwargs)} "
                f"argument(s). Declaration: {self._schema}"
            )
        if len(args) > len(positional):
            raise RuntimeError(
                f"{self._name}() takes {len(positional)} positional argument(s) but {len(args)} was/were given.  "
                f"Declaration: {self._schema}"
            )
        rest = dict(kwargs)
        given: list[Any] = []
        named: dict[str, Any] = {}
        for place, argument in enumerate(declared):
            if not argument.kwarg_only and place < len(args):
                value = args[place]
                if argument.name in rest:
                    raise RuntimeError(
                        f"{self._name}() got multiple values for argument '{argument.name}'. "
                        f"Declaration: {self._schema}"
                    )
            elif argument.name in rest:
                value = rest.pop(argument.name)
            elif argument.has_default_value():
                value = argument.default_value
            else:
                raise RuntimeError(
                    f"{self._name}() is missing value for argument '{argument.name}'. Declaration: {self._schema}"
                )
            value = self._one(place, argument, value)
            if not argument.kwarg_only:
                given.append(value)
            elif not (argument.has_default_value() and _same(value, argument.default_value)):
                named[argument.name] = value
        if rest:
            raise RuntimeError(
                f"Unknown keyword argument '{next(iter(rest))}' for operator '{self._name}'. Schema: {self._schema}"
            )
        while given:
            last = positional[len(given) - 1]
            if not (last.has_default_value() and _same(given[-1], last.default_value)):
                break
            given.pop()
        return tuple(given), named

    def _one(self, place: int, argument: Any, value: Any) -> Any:
        try:
            return _cast(value, argument.type)
        except _Uncast as wrong:
            raise RuntimeError(
                f"{self._name}() Expected a value of type '{argument.type}' for argument '{argument.name}' but instead "
                f"found type '{type(value).__name__}'.\nPosition: {place}\nValue: {value!r}\n"
                f"Declaration: {self._schema}\nCast error details: {wrong}"
            ) from None

    # Transforms.

    def _transformed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if _C._functorch.peek_interpreter_stack() is None:
            return self._differentiated(args, kwargs)
        level = retrieve_current_functorch_interpreter()
        key = level.key()
        if key == _BATCHES:
            return self._over_batch(level, args, kwargs)
        if key not in (_GRADS, _FORWARD):
            raise Refused("refused.name", name=str(self))
        if key == _GRADS and torch.is_grad_enabled() and any(one.requires_grad for one in tensors(args)):
            return self._differentiated(args, kwargs)  # it raises what PyTorch raises for it
        number = level.level()
        inside = pytree.tree_map_only(torch.Tensor, lambda one: _C._functorch._unwrap_for_grad(one, number), args)
        with level.lower():
            result = self._transformed(inside, kwargs)
        return pytree.tree_map_only(torch.Tensor, lambda one: _C._functorch._wrap_for_grad(one, number), result)

    def _over_batch(self, level: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """By the rule of the program, or example by example where there is none."""
        number = level.level()
        inside, dims = _batching.unwrap_batched(args, number)
        if pytree.tree_all(lambda dim: dim is None, dims):
            with level.lower():
                return self._transformed(args, kwargs)
        if self._batched is None:
            return self._one_by_one(level, inside, dims, kwargs)
        info = _batching.VmapInfo(batch_size=level.batch_size(), randomness=level.randomness())
        with level.lower():
            result = self._run.owner.invoke(self._batched, (info, dims, *inside), kwargs)
        _batching.validate_vmap_returns_tuple_of_two_elements(result)
        output, out_dims = result

        def wrapped(one: torch.Tensor, dim: int | None) -> torch.Tensor:
            return one if dim is None else _C._functorch._add_batch_dim(one, dim, number)

        return _batching.wrap_outputs_maintaining_identity(output, inside, args, wrapped, out_dims=out_dims)

    def _one_by_one(self, level: Any, inside: Any, dims: Any, kwargs: dict[str, Any]) -> Any:
        if self._schema.is_mutable:
            raise RuntimeError(
                f"Batching rule not implemented for {self._name}; the fallback path doesn't work on out= or view ops."
            )
        if not self._schema.returns or any(one.type.kind() != "TensorType" for one in self._schema.returns):
            raise RuntimeError(f"Batching rule not implemented for {self._name}. We could not generate a fallback.")
        values, spec = pytree.tree_flatten(inside)
        places = pytree.tree_flatten(dims, is_leaf=lambda one: one is None)[0]
        parts = []
        with level.lower():
            for index in range(level.batch_size()):
                one = [
                    value if dim is None else value.select(dim, index)
                    for value, dim in zip(values, places, strict=True)
                ]
                parts.append(self._transformed(pytree.tree_unflatten(one, spec), kwargs))
            several = isinstance(parts[0], tuple)
            columns = list(zip(*parts, strict=True)) if several else [tuple(parts)]
            stacked = [torch.stack(column) for column in columns]
        results = tuple(_C._functorch._add_batch_dim(one, 0, level.level()) for one in stacked)
        return results if several else results[0]

    # Autograd.

    def _differentiate(self, info: Any) -> None:
        """Its node is made by PyTorch's own code, of what `info` holds."""
        self._autograd = make_autograd_impl(self, info)  # type: ignore[arg-type]

    def redispatch(self, keys: Any, /, *args: Any, **kwargs: Any) -> Any:
        """What PyTorch's node calls: the operation below autograd."""
        return self._below(args, kwargs)

    def _differentiated(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._autograd is not None:
            return self._autograd(_KEYS, *args, **kwargs)
        if COMPOSITE in self._kernels and self._kernel_key(args, kwargs) not in self._kernels:
            return self._returned(self._kernels[COMPOSITE](*args, **kwargs))
        result = self._below(args, kwargs)
        given = tensors(args, kwargs)
        if torch.is_grad_enabled() and any(one.requires_grad for one in given):
            for one in tensors(result):
                if not one.requires_grad and one.is_floating_point() and not any(one is other for other in given):
                    raise Refused("refused.name", name="WarnNotImplemented")
        return result

    # Below autograd.

    def _below(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._counts:
            places, names = utils.mutated_args_kwargs(self._schema)
            changed = [args[place] for place in places if place < len(args)]
            changed += [kwargs[name] for name in names if name in kwargs]
            torch.autograd.graph.increment_version(tensors(changed))
        return self._told_of(args, kwargs)

    def _told_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The program's mode, or its tensor class, where there is one; else the kernel."""
        modes = _get_current_dispatch_mode_stack()
        owner = self._run.owner
        mine = [place for place, mode in enumerate(modes) if owner.owns(type(mode))]
        if mine:
            mode = modes[mine[-1]]
            above = [_pop_mode() for _ in modes[mine[-1] :]]
            try:
                rule = self._told.get(type(mode))
                if rule is not None:
                    return self._returned(owner.invoke(rule, (mode, self, (), args, kwargs), {}))
                told: Any = mode
                return self._returned(told.__torch_dispatch__(self, (), args, kwargs))
            finally:
                for one in reversed(above):
                    _push_mode(one)
        kinds = tuple(dict.fromkeys(kind for kind in map(type, tensors(args, kwargs)) if self._dispatches(kind)))
        if kinds:
            rule = self._told.get(kinds[0])
            if rule is not None:
                return self._returned(owner.invoke(rule, (kinds[0], self, kinds, args, kwargs), {}))
            kind: Any = kinds[0]
            return self._returned(kind.__torch_dispatch__(self, kinds, args, kwargs))
        return self._computed(args, kwargs)

    def _dispatches(self, kind: Any) -> bool:
        """Whether it is a class of the program's with a `__torch_dispatch__`."""
        return self._run.owner.owns(kind) and kind.__torch_dispatch__ is not torch.Tensor.__torch_dispatch__

    def _computed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        key = self._kernel_key(args, kwargs)
        kernel = self._kernels.get(key) or self._kernels.get(DEFAULT) or self._kernels.get(COMPOSITE)
        if kernel is None and key == "Meta":
            raise NotImplementedError(
                f"{self._name}: attempted to run this operator with Meta tensors, but there was no fake impl or Meta "
                "kernel registered. You may have run into this message while using an operator with PT2 compilation "
                "APIs (torch.compile/torch.export); in order to use this operator with those APIs you'll need to add a "
                "fake impl. Please see the following for next steps:  "
                "https://pytorch.org/tutorials/advanced/custom_ops_landing_page.html"
            )
        if kernel is None:
            raise NotImplementedError(
                f"Could not run '{self._name}' with arguments from the '{key}' backend. This could be because the "
                "operator doesn't exist for this backend, or was omitted during the selective/custom build process "
                "(if using custom build)."
            )
        return self._returned(kernel(*args, **kwargs))

    def _kernel_key(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        devices = {one.device.type for one in tensors(args, kwargs)}
        if not devices:
            place = utils.get_device_arg_index(self._schema)
            devices = {args[place].type} if place is not None and place < len(args) else {"cpu"}
        kind = "meta" if "meta" in devices else "cpu" if "cpu" in devices else min(devices)
        return str(_C._dispatch_key_for_device(kind))

    def _returned(self, result: Any) -> Any:
        """What a kernel gave, as the schema says it."""
        declared = self._schema.returns
        if not declared:
            if result is not None:
                raise RuntimeError(
                    f"Expected PythonKernelHolder for {self._name} to return None but it returned something else "
                    "instead."
                )
            return None
        try:
            if len(declared) == 1:
                return _cast(result, declared[0].type)
            if isinstance(result, tuple) and len(result) == 1:
                (result,) = result
            if isinstance(result, torch.Tensor) or not isinstance(result, tuple | list):
                raise TypeError(f"Object of type '{type(result).__name__}' is not an instance of 'sequence'")
            if len(result) != len(declared):
                raise RuntimeError(
                    f"Expected PythonKernelHolder for {self._name} to return a tuple of {len(declared)} values, "
                    f"but it returned {len(result)}."
                )
            return tuple(_cast(one, argument.type) for one, argument in zip(result, declared, strict=True))
        except _Uncast as wrong:
            raise RuntimeError(str(wrong)) from None


Overload.__module__ = "torch._ops"
Overload.__name__ = Overload.__qualname__ = "OpOverload"


class Packet(Offered):
    """All operations of one name, as `torch.ops.namespace.name`."""

    offered = frozenset({"__name__", "_qualified_op_name"})

    def __init__(self, name: str) -> None:
        self._qualified_op_name = name
        self.__name__ = name.partition("::")[2]
        self._members: dict[str, Overload] = {}

    def __getattr__(self, name: str) -> Any:
        members = self.__dict__["_members"]
        if name not in members:
            raise AttributeError(
                f"The underlying op of '{self}' has no overload name '{name}'"
                if not name.startswith("_")
                else f"'OpOverloadPacket' object has no attribute '{name}'"
            )
        return members[name]

    def __str__(self) -> str:
        return self._qualified_op_name.replace("::", ".")

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self}')>"

    def overloads(self) -> list[str]:
        """The names of its overloads."""
        return list(self._members)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        members = list(self._members.values())
        for member in members[:-1]:
            try:
                member._arguments(args, kwargs)
            except RuntimeError:
                continue
            return member(*args, **kwargs)
        return members[-1](*args, **kwargs)


Packet.__module__ = "torch._ops"
Packet.__name__ = Packet.__qualname__ = "OpOverloadPacket"
