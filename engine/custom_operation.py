"""`torch.library.custom_op`: an operation made of a function of the program, with what is registered for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import _C
from torch._library import utils

from engine.own_operations import DEFAULT, Overload
from engine.standins import Maker, Offered

if TYPE_CHECKING:
    from engine.standins import Run

_check_aliases: Any = utils._c_check_aliasing_constraint
_MODULE = "<module 'torch._library.custom_ops'>"


class CustomOpDef(Offered):
    """An operation made by `custom_op`: its functions, and what was registered for it."""

    offered = frozenset({"_opoverload", "_name", "_namespace", "_qualname"})

    def __init__(self, run: Run, overload: Overload, function: Any) -> None:
        self._run, self._opoverload, self._first = run, overload, function
        self._namespace, self._name = overload.namespace, overload._opname
        self._qualname = overload._name
        self._functions: dict[str | None, Any] = {}
        self._disabled: set[str] = set()
        self._fake: Any = None
        self._setup_context_fn: Callable[..., Any] | None = None
        self._backward_fn: Callable[..., Any] | None = None
        schema = overload._schema
        if utils.has_kwarg_only_tensors(schema) and torch.Tag.out not in overload.tags:
            text = str(schema).partition("::")[2]
            raise NotImplementedError(
                f"custom_op with kwarg-only Tensor args. Please make your tensors not kwarg-only. Got: {text}"
            )
        overload._counts = True
        overload._kernels["Meta"] = self._faked
        overload._differentiate(self)

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._opoverload(*args, **kwargs)

    def register_fake(self, fn: Any, /) -> Any:
        """What its result looks like, for tensors without values."""
        self._fake = fn
        return fn

    def register_kernel(self, device_types: Any, fn: Any = None, /) -> Any:
        """The function for a kind of device."""

        def keep(function: Any) -> Any:
            kinds = [device_types] if device_types is None or isinstance(device_types, str) else list(device_types)
            for kind in kinds:
                key = DEFAULT if kind is None else str(_C._dispatch_key_for_device(kind))
                self._functions[kind] = function
                self._opoverload._kernels[key] = self._kernel(kind)
            return function

        schema = self._opoverload._schema
        if device_types is not None and not utils.has_tensor_arg(schema) and utils.get_device_arg_index(schema) is None:
            raise ValueError("Functions without tensor inputs are required to have a `device: torch.device` argument")
        return Maker(keep) if fn is None else keep(fn)

    def register_autograd(self, backward: Any, /, *, setup_context: Any = None) -> None:
        """Its backward formula."""
        overload = self._opoverload
        if torch.Tag.out in overload.tags:
            raise RuntimeError(
                f"Cannot register autograd formula for operator tagged with torch.Tag.out: {self}. "
                "Out variants do not support autograd."
            )
        if not utils.is_functional_schema(overload._schema, allow_valid_view=True):
            raise RuntimeError(
                f"Cannot register autograd formula for non-functional operator {self} with schema {overload._schema}. "
                "Please create a functional operator and register an autograd formula for that."
            )
        invoked = self._run.invoked
        self._backward_fn, self._setup_context_fn = invoked(backward), invoked(setup_context)

    def register_vmap(self, func: Any = None) -> Any:
        """Its rule for `vmap`."""

        def keep(function: Any) -> None:
            self._opoverload._batched = function

        return Maker(keep) if func is None else keep(func)

    def register_torch_dispatch(self, torch_dispatch_class: Any, fn: Any = None, /) -> Any:
        """What a mode or a class of tensors makes of it."""

        def keep(function: Any) -> Any:
            self._opoverload._told[torch_dispatch_class] = function
            return function

        return Maker(keep) if fn is None else keep(fn)

    def register_autocast(self, device_type: Any, cast_inputs: Any) -> None:
        """The dtype of its inputs where autocast is on."""
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        autocast(self._opoverload, device_type, cast_inputs)

    @contextmanager
    def set_kernel_enabled(self, device_type: str, enabled: bool = True) -> Iterator[None]:
        """With or without the function for a kind of device."""
        before = device_type in self._disabled
        (self._disabled.discard if enabled else self._disabled.add)(device_type)
        try:
            yield
        finally:
            (self._disabled.add if before else self._disabled.discard)(device_type)

    def _kernel(self, kind: str | None) -> Callable[..., Any]:
        def kernel(*args: Any, **kwargs: Any) -> Any:
            function = self._first if kind in self._disabled else self._functions[kind]
            result = self._run.owner.invoke(function, args, kwargs)
            self._check(args, kwargs, result)
            return result

        return kernel

    def _check(self, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        tags, schema = self._opoverload.tags, self._opoverload._schema
        begin = f"{self._name} (with implementation in {_MODULE}): An operator tagged with torch.Tag."
        if torch.Tag.inplace in tags:
            if result is not args[0]:
                raise RuntimeError(f"{begin}inplace must return its first argument.")
        elif torch.Tag.out in tags:
            outs = [kwargs[name] for name in utils.mutated_args_kwargs(schema)[1]]
            got = [result] if len(outs) == 1 else list(result) if isinstance(result, tuple) else []
            if len(got) != len(outs) or any(one is not out for one, out in zip(got, outs, strict=True)):
                raise RuntimeError(f"{begin}out must return its mutable keyword-only arguments.")
        elif not schema._is_view_op():
            _check_aliases(self._name, args, kwargs, result, lambda: _MODULE)

    def _faked(self, *args: Any, **kwargs: Any) -> Any:
        overload = self._opoverload
        if self._fake is not None:
            return self._run.owner.invoke(self._fake, args, kwargs)
        if torch.Tag.out in overload.tags:
            outs = [kwargs[name] for name in utils.mutated_args_kwargs(overload._schema)[1]]
            return outs[0] if len(outs) == 1 else tuple(outs)
        if torch.Tag.inplace in overload.tags:
            return args[0]
        if overload._schema.is_mutable and not overload._schema.returns:
            return None
        raise RuntimeError(
            f"There was no fake impl registered for {self}. This is necessary for torch.compile/export/fx tracing to "
            f"work. Please use `{self._first.__name__}.register_fake` to add an fake impl."
        )


CustomOpDef.__module__ = "torch._library.custom_ops"


def autocast(overload: Overload, device_type: str, dtype: Any) -> None:
    """Register the dtype for a device. Raises what PyTorch raises for a device it does not know."""
    if not _C._is_autocast_available(device_type):
        raise ValueError(f"Device type '{device_type}' does not support autocast.")
    if device_type == "cpu" and overload._autocast is None:
        overload._autocast = dtype
