"""The process that reads one file of a stranger: bounded and locked before the first byte, gone after its answer.

Torch is loaded only where a model is read; a CSV is there in a fifth of a second.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
import warnings

import msgspec

from engine.errors import InvalidState
from engine.executors import sandbox
from engine.executors.reading import TIME, Csv, Model, Parameter, Table, Unreadable, orders
from engine.executors.wire import HEADER
from engine.regression_state import FEATURES_LIMIT
from engine.tables import ENCODINGS, read

MEMORY = 1_500_000_000
"""Bytes beyond what is mapped when the file is read."""
_FOREIGN = re.compile(r"Unsupported global|Unsupported class|Trying to (call|load|instantiate)|GLOBAL \S+ was not")
"""How torch says that a file asks for a function or a class that is not on its list."""
_KEYS = (("linear.weight", "linear.bias"), ("weight", "bias"))


def _state_dict(content: bytes, features: int) -> list[float]:
    """The parameters in the file. Raises InvalidState for anything but a state_dict of finite floats."""
    import torch  # the process that reads a CSV needs none

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        # torch names what it would not load; nothing of it ran.
        hostile = _FOREIGN.search(str(error)) is not None
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
        if value.layout != torch.strided or value.is_nested or value.device.type != "cpu":
            raise InvalidState("model.unreadable")  # sparse, nested or without numbers: no state_dict of this model
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
    content = msgspec.msgpack.encode(_answer(orders.decode(stream.read(length))))
    with os.fdopen(replies, "wb") as answer:
        answer.write(content)


if __name__ == "__main__":
    main()
