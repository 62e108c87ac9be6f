"""What crosses between the app and a training worker: typed records as MessagePack, each behind its length.

Start, Advance, Examine, Provide, Offer, Save   --worker-->   State, Advanced, Examination, Done, Offered, Saved, Failed
"""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from engine.errors import Parameters
from engine.executors.wire import HEADER, BrokenProtocol
from engine.regression_state import Available, Budget, Chunk, Examination, Points, Settings, State

MESSAGE_SIZE = 128_000_000
"""Bytes of one message: a million points with eight features and their y take 72 MB."""


class Start(msgspec.Struct, frozen=True, tag=True):
    """Make the state before the first epoch."""

    settings: Settings


class Advance(msgspec.Struct, frozen=True, tag=True):
    """Train on."""

    state: State
    budget: Budget


class Examine(msgspec.Struct, frozen=True, tag=True):
    """Say what is known before training."""

    settings: Settings
    axes: tuple[int, int] | None = None


class Provide(msgspec.Struct, frozen=True, tag=True):
    """Keep a table of points."""

    points: Points


class Offer(msgspec.Struct, frozen=True, tag=True):
    """Say which devices there are."""


class Save(msgspec.Struct, frozen=True, tag=True):
    """Write parameters as the lesson's state_dict with torch.save."""

    settings: Settings
    parameters: list[float]


Request = Start | Advance | Examine | Provide | Offer | Save


class Started(msgspec.Struct, frozen=True, tag=True):
    """The answer to Start."""

    state: State


class Advanced(msgspec.Struct, frozen=True, tag=True):
    """The answer to Advance."""

    state: State
    chunk: Chunk


class Examined(msgspec.Struct, frozen=True, tag=True):
    """The answer to Examine."""

    examination: Examination


class Done(msgspec.Struct, frozen=True, tag=True):
    """The answer to Provide."""


class Offered(msgspec.Struct, frozen=True, tag=True):
    """The answer to Offer."""

    available: Available


class Saved(msgspec.Struct, frozen=True, tag=True):
    """The answer to Save."""

    content: bytes


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The request asks for what cannot be: a message id with parameters."""

    code: str
    params: Parameters = {}


Reply = Started | Advanced | Examined | Done | Offered | Saved | Failed

_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def write(stream: BinaryIO, message: Request | Reply) -> None:
    """One message."""
    content = _encoder.encode(message)
    stream.write(HEADER.pack(len(content)))
    stream.write(content)
    stream.flush()


def read_request(stream: BinaryIO) -> Request | None:
    """The next request; None at the end of the stream."""
    content = _read(stream)
    return None if content is None else _requests.decode(content)


def read_reply(stream: BinaryIO) -> Reply:
    """The next reply. Raises BrokenProtocol where the stream ends or holds anything else."""
    content = _read(stream)
    if content is None:
        raise BrokenProtocol("the worker ended")
    try:
        return _replies.decode(content)
    except msgspec.MsgspecError as error:
        raise BrokenProtocol(str(error)) from error


def _read(stream: BinaryIO) -> bytes | None:
    header = stream.read(HEADER.size)
    if not header:
        return None
    (length,) = HEADER.unpack(header)
    if length > MESSAGE_SIZE:
        raise BrokenProtocol(f"a message of {length} bytes")
    content = stream.read(length)
    if len(content) < length:
        raise BrokenProtocol("the stream ended inside a message")
    return content
