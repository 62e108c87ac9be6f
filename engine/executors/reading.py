"""A stranger's files are read here: a fresh process per file, bounded and locked before it reads the first byte.

    read_csv(content, choice) -> Sheet          read_model(content, features) -> parameters

`torch.load` with weights_only is a pickle reader with an allowlist, and files that broke such readers have been found
before: so it runs where there is nothing to take and nothing to break. The answer is decoded by type.
"""

from __future__ import annotations

import subprocess
import sys

import msgspec

from engine.errors import ExecutorFailed, InvalidState, Parameters
from engine.executors import sandbox
from engine.executors.wire import HEADER
from engine.tables import Choice, Sheet

MODEL_SIZE = 1_000_000
"""Bytes of a model.pkl: that of a linear model takes two thousand."""
ANSWER_SIZE = 128_000_000
"""Bytes of one answer: a million rows of nine numbers take 72 MB."""
TIME = 20.0
"""Seconds of processor time that one file may take."""


class Csv(msgspec.Struct, frozen=True, tag=True):
    """Read a CSV."""

    content: bytes
    choice: Choice


class Model(msgspec.Struct, frozen=True, tag=True):
    """Read a state_dict for that many features."""

    content: bytes
    features: int


class Table(msgspec.Struct, frozen=True, tag=True):
    """The answer to Csv."""

    sheet: Sheet


class Parameter(msgspec.Struct, frozen=True, tag=True):
    """The answer to Model: weights, then the bias."""

    values: list[float]


class Unreadable(msgspec.Struct, frozen=True, tag=True):
    """Why there is nothing."""

    code: str
    params: Parameters = {}


orders: msgspec.msgpack.Decoder[Csv | Model] = msgspec.msgpack.Decoder(Csv | Model)
_answers: msgspec.msgpack.Decoder[Table | Parameter | Unreadable] = msgspec.msgpack.Decoder(
    Table | Parameter | Unreadable
)


def read_csv(content: bytes, choice: Choice | None = None) -> Sheet:
    """What `engine.tables.read` makes of the file. Raises InvalidState with the reason."""
    answer = _ask(Csv(content, choice or Choice()), torch=False)
    if not isinstance(answer, Table):
        raise ExecutorFailed("training.lost")
    return answer.sheet


def read_model(content: bytes, features: int) -> list[float]:
    """The weights and the bias in a file that torch.save wrote from the state_dict of a linear model.

    Raises InvalidState where the file is anything else, hostile ones included.
    """
    if len(content) > MODEL_SIZE:
        raise InvalidState("model.large", None, limit=MODEL_SIZE // 1_000)
    answer = _ask(Model(content, features), torch=True)
    if not isinstance(answer, Parameter):
        raise ExecutorFailed("training.lost")
    return answer.values


def _ask(order: Csv | Model, *, torch: bool) -> Table | Parameter:
    content = msgspec.msgpack.encode(order)
    process = subprocess.Popen(
        [sys.executable, "-P", "-B", "-m", "engine.executors.reading_worker", "torch" if torch else "plain"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=sandbox.bare_environment(),
    )
    try:
        output, _ = process.communicate(HEADER.pack(len(content)) + content, timeout=TIME + 60)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise InvalidState("reading.late") from error
    try:
        answer = _answers.decode(output[:ANSWER_SIZE])
    except msgspec.MsgspecError as error:
        raise InvalidState("reading.lost") from error
    if isinstance(answer, Unreadable):
        raise InvalidState(answer.code, None, **answer.params)
    return answer
