"""What a training run is, as plain data: its settings, its state between two slices, and what it leaves behind.

    Settings --start--> State --advance--> State + Chunk --advance--> ... --> History (in the app)

The table of settings drives controls, links and the command line; nothing gets past its ranges. This module imports no
torch: both sides of the seam read it.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from engine import scenarios
from engine.errors import InvalidState, Parameters
from engine.permalink import LANGUAGE, READ_ONLY, SEED, Field, Setting, Table

DATASETS = (
    "line", "noise", "outliers", "heteroscedastic", "clusters", "scaled", "sine", "features", "table"
)  # fmt: skip
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "adagrad", "lbfgs")
LOSSES = ("mse", "l1", "huber", "smooth_l1")
DTYPES = ("float32", "float64")

POINTS_LIMIT = 1_000_000
FEATURES_LIMIT = 8
EPOCHS_LIMIT = 1_000_000
KEPT_ROWS = 20_000
"""A run of at most so many epochs keeps every one; a longer one keeps every k-th, and checkpoints in between."""
BEGINNING = 100
"""Epochs at the start of a longer run of which every one is kept all the same."""
CHECKPOINTS = 64
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,2})?")


class Settings(msgspec.Struct, frozen=True):
    """Everything that decides the numbers of a run. Equal settings have equal runs, on one device.

    `batch` is None for the full batch. `start` is None for the start that the seed gives, else the weights and then the
    bias. `table` is the digest of a table of points where `data` is "table". `delta` and `noise` are in units of y.
    """

    lr: float = 0.01
    epochs: int = 500
    optimizer: str = "sgd"
    batch: int | None = None
    loss: str = "mse"
    delta: float = 1.0
    seed: int = 0
    start: tuple[float, ...] | None = None
    dtype: str = "float32"
    device: str = "auto"
    data: str = "line"
    points: int = 11
    noise: float = 1.0
    features: int = 3
    data_seed: int = 0
    standardise: bool = False
    table: str = ""
    momentum: float = 0.9
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    alpha: float = 0.99
    eps: float = 1e-8
    lr_decay: float = 0.0
    max_iter: int = 20
    history_size: int = 100
    line_search: bool = False


_ENCODER = msgspec.msgpack.Encoder()


def digest(settings: Settings) -> str:
    """A name for these settings: equal settings share it."""
    return hashlib.sha256(_ENCODER.encode(settings)).hexdigest()[:24]


class State(msgspec.Struct, frozen=True):
    """A run between two slices: small, plain, and enough to go on anywhere.

    `parameters` are the weights and then the bias, little-endian in the run's dtype. `optimizer` is the optimizer's own
    state and `generator` that of the random numbers, both readable on the torch side only. `batch` batches of epoch
    `epoch` are done; `began` are then the parameters that epoch started from, and `partial` is the sum of the losses so
    far, point by point. `diverged` is the epoch with the first non-finite number.
    """

    settings: Settings
    epoch: int = 0
    parameters: bytes = b""
    optimizer: bytes = b""
    generator: bytes = b""
    batch: int = 0
    began: bytes = b""
    partial: float = 0.0
    diverged: int | None = None

    @property
    def finished(self) -> bool:
        """True where nothing is left to do."""
        return self.diverged is not None or self.epoch >= self.settings.epochs


class Budget(msgspec.Struct, frozen=True):
    """How far one slice may go: whichever comes first, the epoch count or the time in seconds. `every` keeps each n-th
    epoch instead of what the length of the run asks for."""

    epochs: int | None = None
    seconds: float | None = None
    every: int | None = None


class Chunk(msgspec.Struct, frozen=True):
    """The epochs that one slice recorded.

    Row i is epoch `first + i * every`: the parameters that its forward pass started from, its loss, and what `.grad`
    held when it ended (with the full batch: the gradient at those parameters). With mini-batches the loss is the mean
    over the epoch's points, each as of its own batch. All columns are little-endian float64; parameters and gradients
    are `features + 1` wide, weights first. `end` is the same once more for the parameters the run ended with, computed
    without taking a step (on all points), where the run is finished and finite. `epochs` of them were made, and
    `reached` is the one that comes next; `seconds` is what it took.
    """

    first: int
    every: int
    loss: bytes = b""
    parameters: bytes = b""
    gradients: bytes = b""
    end: tuple[float, list[float], list[float]] | None = None
    checkpoints: list[State] = []
    epochs: int = 0
    reached: int = 0
    seconds: float = 0.0
    device: str = "cpu"


class Notice(msgspec.Struct, frozen=True):
    """Something the reader must be told: a message id with parameters."""

    code: str
    params: Parameters = {}


class Available(msgspec.Struct, frozen=True):
    """What this machine offers: the CPU always, CUDA devices by name, and Apple's mps.

    `without_cuda` is the message id that says why there is no CUDA device; empty where there is one.
    """

    cuda: list[str] = []
    mps: bool = False
    without_cuda: str = ""

    @property
    def names(self) -> list[str]:
        """Every wish that can be met, "auto" first."""
        cuda = [f"cuda:{index}" for index in range(len(self.cuda))]
        return ["auto", "cpu", *cuda, *(["mps"] if self.mps else [])]


class Points(msgspec.Struct, frozen=True):
    """A table of points as it crosses the seam: little-endian float64, row-major, `features` numbers of x and one y."""

    names: list[str]
    target: str
    x: bytes
    y: bytes

    @property
    def count(self) -> int:
        """How many points."""
        return len(self.y) // 8

    @property
    def digest(self) -> str:
        """A name for these points: equal tables share it."""
        named = "\0".join([*self.names, self.target]).encode()
        return hashlib.sha256(named + b"\0\0" + self.x + b"\0\0" + self.y).hexdigest()[:24]


class Stability(msgspec.Struct, frozen=True):
    """What the curvature of the loss says before training (see `engine.stability`).

    `largest` and `smallest` are the extreme eigenvalues of the Hessian, `condition` their quotient. `limit` is the
    largest stable learning rate, None where no such statement holds; `reason` is the message id that says which rule
    gave it, or why there is none. `best` is the learning rate with the fastest worst direction. `epochs` is how many
    epochs bring the parameters within 1 % of their first distance from the answer, None where that never happens.
    """

    largest: float
    smallest: float
    condition: float
    reason: str
    limit: float | None = None
    best: float | None = None
    rate: float | None = None
    epochs: int | None = None
    standardised_condition: float | None = None
    standardised_limit: float | None = None


class Bowl(msgspec.Struct, frozen=True):
    """The loss over a plane through two parameters; the others stay at the least-squares answer.

    `axes` are positions among the parameters; `first` and `second` the grid's coordinates, `loss` row-major with
    `second` as rows. `subsample` is how many points it was computed from, where not from all.
    """

    axes: tuple[int, int]
    first: list[float]
    second: list[float]
    loss: list[float]
    subsample: int | None = None


class Examination(msgspec.Struct, frozen=True):
    """What can be said of a run before it starts.

    `x` and `y` are at most 1,000 of the points, evenly taken; with several features `x` is the first of each row, and
    `rows` holds whole rows. `answer` is the least-squares solution, `answer_loss` its loss under the run's own loss.
    `mean` and `scale` turn raw x into what the model sees (mean 0, scale 1 where it sees raw x).
    """

    count: int
    names: list[str]
    target: str
    rows: list[list[float]]
    y: list[float]
    start: list[float]
    start_loss: float
    answer: list[float]
    answer_loss: float
    r2: float | None
    total: float
    mean: list[float]
    scale: list[float]
    stability: Stability
    bowl: Bowl
    device: str
    notices: list[Notice] = []


@cache
def table() -> Table:
    """The settings of the regression page, as controls, links and the command line see them."""
    presets = {name: one for name, one in scenarios.load().items() if one.page == "regression"}
    return Table(
        Field("scenario", "choice", None, choices=tuple(presets)),
        Field("lr", "number", 0.01, low=1e-6, high=10.0),
        Field("epochs", "integer", 500, low=1, high=EPOCHS_LIMIT),
        Field("optimizer", "choice", "sgd", choices=OPTIMIZERS),
        Field("batch", "integer", None, low=1, high=POINTS_LIMIT),
        Field("loss", "choice", "mse", choices=LOSSES),
        Field("delta", "number", 1.0, low=1e-6, high=1e6),
        SEED,
        Field("start", "text", "", length=400),
        Field("dtype", "choice", "float32", choices=DTYPES),
        Field("device", "text", "auto", length=8),
        Field("data", "choice", "line", choices=DATASETS),
        Field("points", "integer", 11, low=2, high=POINTS_LIMIT, key="n"),
        Field("noise", "number", 1.0, low=0.0, high=1000.0),
        Field("features", "integer", 3, low=1, high=FEATURES_LIMIT),
        Field("data_seed", "integer", 0, low=0, high=2**32 - 1),
        Field("standardise", "flag", False),
        Field("values", "program", "", length=20_000, key="t", plain_key="values"),
        Field("file", "text", "", length=24),
        Field("momentum", "number", 0.9, low=0.0, high=0.9999),
        Field("weight_decay", "number", 0.0, low=0.0, high=10.0),
        Field("beta1", "number", 0.9, low=0.0, high=0.9999),
        Field("beta2", "number", 0.999, low=0.0, high=0.999999),
        Field("alpha", "number", 0.99, low=0.0, high=0.999999),
        Field("eps", "number", 1e-8, low=1e-16, high=1.0),
        Field("lr_decay", "number", 0.0, low=0.0, high=10.0),
        Field("max_iter", "integer", 20, low=1, high=100),
        Field("history_size", "integer", 100, low=1, high=100),
        Field("line_search", "flag", False),
        Field("axis1", "integer", 0, low=0, high=FEATURES_LIMIT),
        Field("axis2", "integer", None, low=0, high=FEATURES_LIMIT),
        LANGUAGE,
        READ_ONLY,
        presets=lambda: {name: dict(one.state) for name, one in presets.items()},
    )


_ELSEWHERE = frozenset({"start", "table"})


def settings(state: Mapping[str, Setting], digest: str = "") -> Settings:
    """The run that a page state asks for; `digest` names the table of points where it has one.

    Raises InvalidState for the first setting outside its range, with its name, value and range.
    """
    rows = {row.name: row for row in table().fields}
    for name, value in state.items():
        problem = rows[name].problem(value) if name in rows else None
        if problem is not None:
            raise InvalidState("regression." + problem.code, None, **problem.params)
    named = {name: value for name, value in state.items() if name in Settings.__struct_fields__}
    named = {name: value for name, value in named.items() if name not in _ELSEWHERE}
    for name in ("lr", "delta", "noise", "momentum", "weight_decay", "beta1", "beta2", "alpha", "eps", "lr_decay"):
        if name in named:
            named[name] = float(str(named[name]))
    text = state.get("start")
    return valid(Settings(**named, start=start(str(text)) if text else None, table=digest))  # type: ignore[arg-type]


def start(text: str) -> tuple[float, ...] | None:
    """The weights and the bias written as numbers with commas, or None for an empty text. Raises InvalidState."""
    if not text.strip():
        return None
    try:
        numbers = tuple(float(part) for part in text.replace("，", ",").split(","))
    except ValueError as error:
        raise InvalidState("regression.start", value=text[:40]) from error
    if not all(math.isfinite(number) and abs(number) <= 1e9 for number in numbers):
        raise InvalidState("regression.start", value=text[:40])
    return numbers


def valid(one: Settings) -> Settings:
    """The same settings, once every value is known to be in its range. Raises InvalidState."""
    rows = {row.name: row for row in table().fields}
    for name in one.__struct_fields__:
        if name in rows and name not in _ELSEWHERE:
            problem = rows[name].problem(getattr(one, name))
            if problem is not None:
                raise InvalidState("regression." + problem.code, None, **problem.params)
    if one.optimizer == "lbfgs" and one.batch is not None:
        raise InvalidState("regression.lbfgs.batch")
    if one.optimizer == "nesterov" and one.momentum == 0:
        raise InvalidState("regression.nesterov")
    if not _DEVICE.fullmatch(one.device):
        raise InvalidState("regression.device", value=one.device[:40])
    if one.data == "table" and not re.fullmatch(r"[0-9a-f]{24}", one.table):
        raise InvalidState("regression.table.missing")
    width = {"features": one.features, "table": None}.get(one.data, 1)
    if one.start is not None and width is not None and len(one.start) != width + 1:
        raise InvalidState("regression.start.count", count=len(one.start), expected=width + 1)
    return one


def every(epochs: int) -> int:
    """Which epochs a run of that length keeps: each k-th."""
    return max(1, math.ceil(epochs / KEPT_ROWS))


def plain(value: Any) -> Any:
    """Records as what JSON takes, non-finite numbers as text (see `engine.trace.to_json`)."""
    from engine.trace import to_json

    return to_json(value)
