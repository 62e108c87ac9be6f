"""Stand-ins for what programs import without needing it for their gradients: files, time, plots, progress bars.

One small file each, with `offer(run) -> {module: {name: value}}`. A name offered here comes before the library's own.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from engine.folder import Folder
from engine.limits import Limits
from engine.trace import Figure

Names = dict[str, dict[str, Any]]


class Offered:
    """A base for our own classes that programs may use: all their public names may be read and called."""


def named(real: type) -> Callable[[type], Any]:
    """A decorator: a class of ours that programs know by the name of the library's."""

    def name(cls: type) -> type:
        cls.__module__, cls.__name__, cls.__qualname__ = real.__module__, real.__name__, real.__qualname__
        return cls

    return name


class Maker(Offered):
    """A decorator that a call of ours gives back."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __call__(self, value: Any, /) -> Any:
        return self._make(value)


class Run:
    """What the stand-ins of one run share: its folder, its figures, its clock, its seeds, its output."""

    def __init__(self, limits: Limits, seed: int) -> None:
        self.limits = limits
        self.seed = seed
        self.folder = Folder(limits)
        self.owner: Any = None
        self.seconds = 0.0
        self.states: set[bytes] = set()
        self.operations: dict[Any, Any] = {}
        self.rows: Any = None
        self.drawn: list[Callable[[], list[Figure]]] = []
        self._addresses: dict[int, int] = {}

    def invoked(self, function: Any) -> Any:
        """A function of the program for the library to call; None where there is none."""
        if function is None:
            return None

        def call(*args: Any, **kwargs: Any) -> Any:
            return self.owner.invoke(function, args, kwargs)

        return call

    def address(self, real: int) -> int:
        """A number for a place in memory that tells nothing of where it is."""
        return self._addresses.setdefault(real, 0x5500_0000_0000 + (len(self._addresses) << 32))

    def next_seed(self) -> int:
        """The next number of a sequence that the seed of the run begins."""
        self.seed = (self.seed * 6364136223846793005 + 1442695040888963407) % 2**63
        return self.seed

    def now(self) -> float:
        """Seconds since 1970 by the clock of the run: each reading is a tenth of a millisecond after the one before."""
        self.seconds += 1e-4
        return 1.7e9 + self.seconds

    def write(self, text: str) -> None:
        """To the output of the program, where `print` writes."""
        if self.owner is not None:
            self.owner.write_text(text)

    def write_error(self, text: str) -> None:
        """To the error stream of the program."""
        if self.owner is not None:
            self.owner.write_error(text)

    def figures(self) -> list[Figure]:
        """The figures the program drew, in order."""
        return [figure for draw in self.drawn for figure in draw()]


@cache
def _files() -> tuple[ModuleType, ...]:
    return tuple(importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))


def offered(run: Run) -> Names:
    """Every stand-in of one run, by module and name."""
    names: Names = {}
    for file in _files():
        for module, members in file.offer(run).items():
            names.setdefault(module, {}).update(members)
            for name, member in members.items():
                local = ".<locals>." in getattr(member, "__qualname__", "")
                ours = isinstance(member, FunctionType) or (isinstance(member, type) and issubclass(member, Offered))
                if local and ours:
                    member.__module__, member.__name__, member.__qualname__ = module, name, name
    return names
