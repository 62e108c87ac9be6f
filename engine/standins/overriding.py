"""torch.overrides: which functions `__torch_function__` can be told of, as the functions that the program has."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

import torch

from engine.errors import Refused
from engine.standins import Names, Offered, Run


class Dummy(Offered):
    """A function that has the header of another and answers -1."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self._real = real

    @functools.cached_property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._real)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._real(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(self._real)


def offer(run: Run) -> Names:
    """Tables of those functions that a program may call."""

    def own(function: Any) -> Any:
        """The function as the program has it, None where it has it not."""
        try:
            return run.owner.vocabulary.overridden(function)
        except Refused:
            return None

    def get_testing_overrides() -> dict[Any, Dummy]:
        """`torch.overrides.get_testing_overrides`."""
        found = {own(function): Dummy(dummy) for function, dummy in torch.overrides.get_testing_overrides().items()}
        found.pop(None, None)
        return found

    def get_overridable_functions() -> dict[Any, list[Any]]:
        """`torch.overrides.get_overridable_functions`, of the modules and of Tensor."""
        found = {}
        for home, functions in torch.overrides.get_overridable_functions().items():
            if isinstance(home, types.ModuleType):
                home = run.owner.vocabulary.module(home.__name__)
            elif home is not torch.Tensor:
                continue
            found[home] = [mine for mine in map(own, functions) if mine is not None]
        return found

    def get_ignored_functions() -> set[Any]:
        """`torch.overrides.get_ignored_functions`."""
        return set(map(own, torch.overrides.get_ignored_functions())) - {None}

    functions = (get_testing_overrides, get_overridable_functions, get_ignored_functions)
    return {"torch.overrides": {function.__name__: function for function in functions}}
