"""functorch: the older name of `torch.func`, and the models it made into functions."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import func

from engine.standins import Names, Offered, Run

_ALIASES = ("functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp", "vmap")
_State = tuple[torch.Tensor, ...]


class FunctionalModule(Offered, torch.nn.Module):
    """A model as a function of its parameters."""

    def __init__(self, model: torch.nn.Module, names: tuple[str, ...], buffered: tuple[str, ...]) -> None:
        super().__init__()
        self.stateless_model = model
        self.param_names = names
        self.buffer_names = buffered

    def forward(self, params: Any, *args: Any, **kwargs: Any) -> Any:
        """What the model gives with these parameters."""
        named = dict(zip(self.param_names, params, strict=True))
        return func.functional_call(self.stateless_model, named, args, kwargs)


class FunctionalModuleWithBuffers(FunctionalModule):
    """A model as a function of its parameters and buffers."""

    def forward(self, params: Any, buffers: Any, *args: Any, **kwargs: Any) -> Any:
        """What the model gives with these parameters and buffers."""
        named = dict(zip((*self.param_names, *self.buffer_names), (*params, *buffers), strict=True))
        return func.functional_call(self.stateless_model, named, args, kwargs)


def _state(model: Any, disable_autograd_tracking: bool) -> tuple[torch.nn.Module, dict[str, Any], dict[str, Any]]:
    if not isinstance(model, torch.nn.Module):
        raise AttributeError(f"{type(model).__name__!r} object has no attribute 'named_parameters'")
    copied = copy.deepcopy(model)
    params = dict(copied.named_parameters())
    if disable_autograd_tracking:
        for param in params.values():
            param.requires_grad_(False)
    buffers = dict(copied.named_buffers())
    return copied.to("meta"), params, buffers


def make_functional(model: Any, disable_autograd_tracking: bool = False) -> tuple[FunctionalModule, _State]:
    """The model as a function, and its parameters."""
    copied, params, buffers = _state(model, disable_autograd_tracking)
    if buffers:
        raise RuntimeError(
            "make_functional(model): `model` has buffers. Please use make_functional_with_buffers(model) instead."
        )
    return FunctionalModule(copied, tuple(params), ()), tuple(params.values())


def make_functional_with_buffers(
    model: Any, disable_autograd_tracking: bool = False
) -> tuple[FunctionalModuleWithBuffers, _State, _State]:
    """The model as a function, its parameters and its buffers."""
    copied, params, buffers = _state(model, disable_autograd_tracking)
    function = FunctionalModuleWithBuffers(copied, tuple(params), tuple(buffers))
    return function, tuple(params.values()), tuple(buffers.values())


def combine_state_for_ensemble(models: Any) -> tuple[FunctionalModuleWithBuffers, _State, _State]:
    """Models of one class as one function, and their states stacked."""
    params, buffers = func.stack_module_state(list(models))
    function, _, _ = make_functional_with_buffers(models[0])
    stacked, buffered = (tuple(one.detach() for one in state.values()) for state in (params, buffers))
    return function, stacked, buffered


def offer(run: Run) -> Names:  # noqa: ARG001
    """The functions of `torch.func` under their older names, and models as functions."""
    made = (make_functional, make_functional_with_buffers, combine_state_for_ensemble)
    names: dict[str, Any] = {name: getattr(func, name) for name in _ALIASES}
    return {"functorch": {**names, **{function.__name__: function for function in made}}}
