"""torch.library: operations of the program's own. They are kept in the run, and registered nowhere."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import inspect
from typing import Any

import torch

from engine.errors import Refused
from engine.standins import Maker, Names, Offered, Run

_PASSED = ("test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_dynamic")


class CustomOpDef(Offered):
    """One operation: its function, and what was registered for it."""

    def __init__(self, run: Run, name: str, function: Any, mutated: tuple[str, ...]) -> None:
        namespace, _, short = name.partition("::")
        self._run, self._qualname = run, name
        self._namespace, self._name = namespace, short
        self._function, self._mutated = function, mutated
        self._fake: Any = None
        self._setup: Any = None
        self._backward: Any = None
        self._vmap: Any = None
        self.__name__ = short

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"

    def register_fake(self, fn: Any, /) -> Any:
        """What its result looks like, for tensors without values."""
        self._fake = fn
        return fn

    def register_kernel(self, device_types: Any, func: Any = None, /) -> Any:
        """The function for a kind of device."""

        def keep(function: Any) -> Any:
            kinds = (device_types,) if isinstance(device_types, str) else device_types
            if kinds is None or "cpu" in kinds:
                self._function = function
            return function

        return Maker(keep) if func is None else keep(func)

    def register_autograd(self, backward: Any, /, *, setup_context: Any = None) -> None:
        """Its backward formula."""
        self._backward, self._setup = backward, setup_context

    def register_vmap(self, func: Any = None, /) -> Any:
        """Its rule for `vmap`."""

        def keep(function: Any) -> Any:
            self._vmap = function
            return function

        return Maker(keep) if func is None else keep(func)

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tensors = [one for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)]
        meta = any(one.device.type == "meta" for one in tensors) and self._fake is not None
        result = self._run.owner.invoke(self._fake if meta else self._function, args, kwargs)
        for one in result if isinstance(result, tuple | list) else (result,):
            if isinstance(one, torch.Tensor) and any(one is other for other in tensors):
                raise RuntimeError(
                    f"{self._qualname} (with implementation in __main__): "
                    "The output of this custom operator (1) must not also be an input to this custom operator and "
                    "(2) may not alias any inputs to this custom operator or other returns. "
                    "The most common way to trigger this error is if we have y = custom_op(x) and y and x are the same "
                    "Tensor. Please instead return a clone of the offending output tensor(s) (e.g. return x.clone()) "
                    "or refactor the custom operator to not return y."
                )
        return result

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound = inspect.signature(self._function).bind(*args, **kwargs)
        bound.apply_defaults()
        args, kwargs = bound.args, bound.kwargs
        tensors = [one for one in args if isinstance(one, torch.Tensor)]
        if self._mutated:
            result = self._called(args, kwargs)
            changed = [bound.arguments[name] for name in self._mutated if name in bound.arguments]
            torch.autograd.graph.increment_version([one for one in changed if isinstance(one, torch.Tensor)])
            return result
        if torch.is_grad_enabled() and any(one.requires_grad for one in tensors):
            return self._differentiable().apply(*args)
        with torch.no_grad():
            return self._called(args, kwargs)

    def _differentiable(self) -> Any:
        """PyTorch makes the same class, of the same name."""
        made = self.__dict__.get("_made")
        if made is None:
            name = f"GeneratedBackwardFor_{self._namespace}_{self._name}_default"
            members = {"forward": staticmethod(self._forward), "backward": staticmethod(self._back)}
            made = self.__dict__["_made"] = type(name, (torch.autograd.Function,), members)
        return made

    def _forward(self, ctx: Any, *args: Any) -> Any:
        with torch.no_grad():
            result = self._called(args, {})
        if self._setup is not None:
            self._run.owner.invoke(self._setup, (), {"ctx": ctx, "inputs": args, "output": result})
        return result

    def _back(self, ctx: Any, *grads: Any) -> Any:
        if self._backward is None:
            raise RuntimeError(
                f"Trying to backward through {self._namespace}.{self._name}.default but no autograd formula was "
                "registered. Please use register_autograd to add one."
            )
        return self._run.owner.invoke(self._backward, (ctx, *grads), {})


def _checked(function: Any, mutates_args: Any) -> None:
    """PyTorch's own words for a header it cannot read; it would run an annotation that is a text."""
    annotations = getattr(function, "__annotations__", {}).values()
    if any(isinstance(one, str) for one in annotations):
        raise Refused("refused.annotation")
    torch.library.infer_schema(function, mutates_args=mutates_args)


def offer(run: Run) -> Names:
    """`custom_op`, the registrations by name, and `torch.ops` of the program's namespaces."""
    made: dict[str, dict[str, CustomOpDef]] = {}

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
            if schema is None:
                _checked(function, mutates_args)
            mutated = (
                tuple(inspect.signature(function).parameters) if mutates_args == "unknown" else tuple(mutates_args)
            )
            found = CustomOpDef(run, name, function, mutated)
            made.setdefault(found._namespace, {})[found._name] = found
            return found

        return Maker(make) if fn is None else make(fn)

    def found(op: Any) -> CustomOpDef:
        if isinstance(op, CustomOpDef):
            return op
        namespace, _, name = str(op).partition("::")
        if name not in made.get(namespace, {}):
            raise Refused("refused.name", name=str(op))
        return made[namespace][name]

    def registering(method: str) -> Any:
        def register(op: Any, *args: Any, lib: Any = None, **kwargs: Any) -> Any:
            """By the name of the operation, or the operation itself."""
            call = getattr(found(op), method)
            return call(*args, **kwargs) if args or method == "register_vmap" else call

        return register

    def checked(op: Any, args: Any, kwargs: Any = None, **options: Any) -> dict[str, str]:
        """`torch.library.opcheck`: the operation is called once."""
        found(op)(*args, **(kwargs or {}))
        return dict.fromkeys(_PASSED, "SUCCESS")

    def namespaces(name: str) -> Any:
        """`torch.ops.name`."""
        if name not in made:
            raise Refused("refused.name", name=f"torch.ops.{name}")
        return Namespace(name)

    class Namespace(Offered):
        """`torch.ops.name`, with the operations of the program."""

        def __init__(self, name: str) -> None:
            self.name = name

        def __getattr__(self, name: str) -> Any:
            members = made[self.__dict__["name"]]
            if name not in members:
                raise AttributeError(f"'_OpNamespace' '{self.__dict__['name']}' object has no attribute '{name}'")
            return members[name]

    registrations = ("register_fake", "register_kernel", "register_autograd", "register_vmap")
    return {
        "torch.library": {
            "custom_op": custom_op,
            "opcheck": checked,
            **{name: registering(name) for name in registrations},
        },
        "torch.ops": {"*": namespaces},
    }
