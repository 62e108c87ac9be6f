"""Points to fit: made from a seed, or given as a table.

Every maker below is plain numpy and stands on its own, so the script that a run can be kept as holds the very function
that made its points. x is (count, features), y is (count,), both float64.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.errors import InvalidState
from engine.regression_state import Points, Settings

Array = NDArray[np.float64]

CACHE_SIZE = 400_000_000
"""Bytes of tables and made points that one process keeps; the least recently used go first."""


def line(count: int) -> tuple[Array, Array]:
    """The lesson's y = 2x + 1 on 0..10, without noise."""
    x = np.linspace(0.0, 10.0, count).reshape(-1, 1)
    return x, 2.0 * x[:, 0] + 1.0


def noise(count: int, noise: float, seed: int) -> tuple[Array, Array]:
    """The line with the same normal noise everywhere."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.0, 10.0, count)).reshape(-1, 1)
    return x, 2.0 * x[:, 0] + 1.0 + noise * rng.standard_normal(count)


def outliers(count: int, noise: float, seed: int) -> tuple[Array, Array]:
    """The noisy line; every tenth point, at least one, is thrown far off upwards."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.0, 10.0, count)).reshape(-1, 1)
    y = 2.0 * x[:, 0] + 1.0 + noise * rng.standard_normal(count)
    thrown = rng.choice(count, max(1, count // 10), replace=False)
    y[thrown] += 25.0 + 10.0 * rng.uniform(size=thrown.size)
    return x, y


def heteroscedastic(count: int, noise: float, seed: int) -> tuple[Array, Array]:
    """The line with noise that grows with x."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.0, 10.0, count)).reshape(-1, 1)
    return x, 2.0 * x[:, 0] + 1.0 + noise * 0.4 * x[:, 0] * rng.standard_normal(count)


def clusters(count: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Two clouds around the line, near x = 2 and x = 8."""
    rng = np.random.default_rng(seed)
    x = np.where(np.arange(count) % 2 == 0, 2.0, 8.0) + 0.5 * rng.standard_normal(count)
    return x.reshape(-1, 1), 2.0 * x + 1.0 + noise * rng.standard_normal(count)


def scaled(count: int, noise: float, seed: int) -> tuple[Array, Array]:
    """The noisy line with x measured in units a thousand times smaller: its numbers are a thousand times larger."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.0, 10.0, count)).reshape(-1, 1)
    y = 2.0 * x[:, 0] + 1.0 + noise * rng.standard_normal(count)
    return 1000.0 * x, y


def sine(count: int, noise: float, seed: int) -> tuple[Array, Array]:
    """A sine: what a straight line cannot fit."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.0, 10.0, count)).reshape(-1, 1)
    return x, 5.0 * np.sin(x[:, 0]) + 0.3 * noise * rng.standard_normal(count)


def features(count: int, noise: float, seed: int, features: int) -> tuple[Array, Array]:
    """Several features, normally distributed, with weights 2, -1.5, 1, -0.5, 2, ... and bias 1."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, features))
    weights = np.resize([2.0, -1.5, 1.0, -0.5], features)
    return x, x @ weights + 1.0 + noise * rng.standard_normal(count)


MAKERS: dict[str, Callable[..., tuple[Array, Array]]] = {
    maker.__name__: maker for maker in (line, noise, outliers, heteroscedastic, clusters, scaled, sine, features)
}


def arguments(settings: Settings) -> dict[str, int | float]:
    """What the maker of these settings is called with: the lesson's line has no noise, and only some have features."""
    offered = {
        "count": settings.points,
        "noise": settings.noise,
        "seed": settings.data_seed,
        "features": settings.features,
    }
    return {name: offered[name] for name in inspect.signature(MAKERS[settings.data]).parameters}


_kept: OrderedDict[object, tuple[Array, Array, list[str], str]] = OrderedDict()


def provide(points: Points) -> str:
    """Keep a table here under its digest, which is returned. Raises InvalidState where its sizes do not fit."""
    x, y = np.frombuffer(points.x, "<f8"), np.frombuffer(points.y, "<f8")
    if not points.names or x.size != y.size * len(points.names) or y.size < 2:
        raise InvalidState("regression.table.shape")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InvalidState("regression.table.nonfinite")
    _keep(points.digest, (x.reshape(y.size, -1), y, points.names, points.target))
    return points.digest


def known(digest: str) -> bool:
    """True where that table is kept here."""
    return digest in _kept


def points(settings: Settings) -> tuple[Array, Array, list[str], str]:
    """x, y, the names of the features and of the target. Raises InvalidState for a table that is not kept here."""
    key = _key(settings)
    if key not in _kept:
        if settings.data == "table":
            raise InvalidState("regression.table.missing")
        x, y = MAKERS[settings.data](**arguments(settings))
        _keep(key, (x, y, names(x.shape[1]), "y"))
    _kept.move_to_end(key)
    return _kept[key]


def names(count: int) -> list[str]:
    """What features are called that have no names of their own."""
    return ["x"] if count == 1 else [f"x{index + 1}" for index in range(count)]


def standard(x: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of each feature; a constant feature has scale 1, so that it stays finite."""
    scale = x.std(axis=0)
    return x.mean(axis=0), np.where(scale > 0, scale, 1.0)


def _key(settings: Settings) -> object:
    if settings.data == "table":
        return settings.table
    return (settings.data, settings.points, settings.noise, settings.data_seed, settings.features)


def _keep(key: object, kept: tuple[Array, Array, list[str], str]) -> None:
    _kept[key] = kept
    _kept.move_to_end(key)
    while len(_kept) > 1 and sum(x.nbytes + y.nbytes for x, y, _, _ in _kept.values()) > CACHE_SIZE:
        _kept.popitem(last=False)
