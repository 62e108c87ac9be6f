"""itertools: iterators that know on how many others they stand. A million of them, one on the other, would crash
CPython when the first element is asked for."""

# ruff: noqa: ARG001
# Every stand-in is offered alike, whether or not it looks at the run.

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from engine.methods import DEPTHS, deepened
from engine.standins import Names, Run

LIMITED = (
    *("accumulate", "chain", "compress", "cycle", "dropwhile", "filterfalse", "groupby", "islice", "pairwise"),
    *("starmap", "takewhile", "zip_longest"),
)


def _limited(kind: Any) -> Any:
    """The same iterator, which notes its depth when it is made."""

    class Limited(kind):  # type: ignore[misc]
        __slots__ = ("depth",)

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            made = super().__new__(cls, *args, **kwargs)
            made.depth = deepened((*args, *kwargs.values()))
            return made

    if kind is itertools.chain:
        Limited.from_iterable = classmethod(_flattened)
    Limited.__name__ = Limited.__qualname__ = kind.__name__
    Limited.__module__ = "itertools"
    Limited.__doc__ = kind.__doc__
    return Limited


def _flattened(cls: Any, iterable: Iterable[Any]) -> Any:
    """`chain.from_iterable(iterable)`."""
    made = super(cls, cls).from_iterable(iterable)
    made.depth = deepened((iterable,))
    return made


def _tee(iterable: Any, n: int = 2) -> tuple[Any, ...]:
    """`tee(iterable, n)`."""
    depth = deepened((iterable,))
    made = itertools.tee(iterable, n)
    for one in made:
        DEPTHS[one] = depth
    return made


CLASSES = {name: _limited(getattr(itertools, name)) for name in LIMITED}


def offer(run: Run) -> Names:
    """In the place of itertools' own."""
    return {"itertools": {**CLASSES, "tee": _tee}}
