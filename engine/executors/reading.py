"""A stranger's files are read here: a fresh process per file, bounded and locked before it reads the first byte.

    read_csv(content, choice) -> Sheet          read_model(content, features) -> parameters

`torch.load` with weights_only is a pickle reader with an allowlist, and files that broke such readers have been found
before: so it runs where there is nothing to take and nothing to break. The answer is decoded by type.
"""

from __future__ import annotations

import codecs
import io
import os
import subprocess
import sys
import warnings

import msgspec

from engine.errors import ExecutorFailed, InvalidState, Parameters
from engine.executors import sandbox
from engine.executors.wire import HEADER
from engine.regression_state import FEATURES_LIMIT
from engine.tables import ENCODINGS, Choice, Sheet, read

MODEL_SIZE = 1_000_000
"""Bytes of a model.pkl: that of a linear model takes two thousand."""
ANSWER_SIZE = 128_000_000
MEMORY = 1_500_000_000
TIME = 20.0
_KEYS = (("linear.weight", "linear.bias"), ("weight", "bias"))


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


_orders: msgspec.msgpack.Decoder[Csv | Model] = msgspec.msgpack.Decoder(Csv | Model)
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
        [sys.executable, "-P", "-B", "-m", "engine.executors.reading", "torch" if torch else "plain"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=sandbox.bare_environment(),
    )
    try:
        output, _ = process.communicate(HEADER.pack(len(content)) + content, timeout=TIME + 10)
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


def _state_dict(content: bytes, features: int) -> list[float]:
    """The parameters in the file; runs in the fenced process only."""
    import torch  # the process that reads a CSV needs none

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        # torch names what it would not load; nothing of it ran.
        hostile = "Unsupported" in str(error) or "GLOBAL" in str(error)
        raise InvalidState("model.hostile" if hostile else "model.unreadable") from error
    if not isinstance(loaded, dict):
        raise InvalidState("model.type", None, type=type(loaded).__name__)
    pair = next((keys for keys in _KEYS if set(loaded) == set(keys)), None)
    if pair is None:
        found = ", ".join(str(key)[:40] for key in list(loaded)[:6])
        raise InvalidState("model.keys", None, found=found)
    weight, bias = loaded[pair[0]], loaded[pair[1]]
    for name, value, shape in ((pair[0], weight, (1, features)), (pair[1], bias, (1,))):
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            kind = str(value.dtype) if isinstance(value, torch.Tensor) else type(value).__name__
            raise InvalidState("model.dtype", None, name=name, type=kind)
        if tuple(value.shape) != shape:
            raise InvalidState("model.shape", None, name=name, shape=str(tuple(value.shape)), expected=str(shape))
        if not bool(torch.isfinite(value).all()):
            raise InvalidState("model.nonfinite", None, name=name)
    return [*weight[0].double().tolist(), *bias.double().tolist()]


def _answer(order: Csv | Model) -> Table | Parameter | Unreadable:
    try:
        if isinstance(order, Csv):
            return Table(read(order.content, order.choice))
        if not 1 <= order.features <= FEATURES_LIMIT:
            raise InvalidState("model.unreadable")
        return Parameter(_state_dict(order.content, order.features))
    except InvalidState as error:
        return Unreadable(error.code, error.params)
    except MemoryError:
        return Unreadable("reading.lost")


def _warm(*, with_torch: bool) -> None:
    """Load what reading loads late, while files can still be opened."""
    for encoding in ENCODINGS:
        codecs.lookup(encoding)
    read(b"x,y\n1,2\n3,4\n")
    if not with_torch:
        return
    import torch

    stream = io.BytesIO()
    torch.save({"weight": torch.zeros(1, 1)}, stream)
    torch.load(io.BytesIO(stream.getvalue()), weights_only=True)
    for broken in (b"", b"\x80\x02c__builtin__\nexit\n.", b"PK\x03\x04"):
        try:
            torch.load(io.BytesIO(broken), weights_only=True)
        except Exception as error:
            str(error)


def main() -> None:
    """Read one order, answer it, end."""
    _warm(with_torch="torch" in sys.argv)
    sandbox.prepare()
    replies = os.dup(1)
    sandbox.die_with_parent()
    sandbox.bound(memory=MEMORY, processor_time=TIME, open_files=16, base=sandbox.mapped())
    sandbox.arm(TIME + 5)
    if sandbox.can_fork():
        try:
            sandbox.lock()
        except OSError as error:
            print(error, file=sys.stderr)  # the weak fence: the process and its limits, as for programs
    stream = sys.stdin.buffer
    (length,) = HEADER.unpack(stream.read(HEADER.size))
    content = msgspec.msgpack.encode(_answer(_orders.decode(stream.read(length))))
    with os.fdopen(replies, "wb") as answer:
        answer.write(content)


if __name__ == "__main__":
    main()
