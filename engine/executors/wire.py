"""How bytes cross between the app and a child: each message is its length, 4 bytes big-endian, then its content.

Nothing is unpickled on either side. What comes from a child is hostile until decoded: its length is checked before any
of it is kept, and its total is capped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Protocol

import msgspec

from engine.executors.base import Job
from engine.limits import Limits

HEADER = struct.Struct("!I")


class Order(msgspec.Struct, frozen=True):
    """What a child is given: the job and the limits it runs under."""

    job: Job
    limits: Limits


class BrokenProtocol(Exception):
    """The bytes are not what the other side was to send."""


class Receiver(Protocol):
    """The one method of a socket that reading needs."""

    def recv(self, size: int, /) -> bytes: ...


def pack(content: bytes) -> bytes:
    """One message."""
    return HEADER.pack(len(content)) + content


class Unpacker:
    """Cuts a stream into messages. `largest` caps one message and `total` all of them, in bytes, of which each
    message costs `each` beyond its own."""

    def __init__(self, largest: int, total: int, each: int = 0) -> None:
        self._largest = largest
        self._left = total
        self._each = each
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The messages that are complete once `piece` is added. Raises BrokenProtocol as soon as a cap is passed."""
        self._buffer += piece
        while len(self._buffer) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer)
            if length > self._largest:
                raise BrokenProtocol(f"a message of {length} bytes")
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            self._left -= length + self._each
            if self._left < 0:
                raise BrokenProtocol("too many bytes in all")
            content = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            yield content


def receive(source: Receiver, largest: int) -> bytes | None:
    """One whole message from a blocking socket; None at its end. Raises BrokenProtocol for a larger or a torn one."""
    header = _exactly(source, HEADER.size)
    if not header:
        return None
    (length,) = HEADER.unpack(header)
    if length > largest:
        raise BrokenProtocol(f"a message of {length} bytes")
    return _exactly(source, length)


def _exactly(source: Receiver, size: int) -> bytes:
    """`size` bytes, or none at all where the stream has ended."""
    content = bytearray()
    while len(content) < size:
        piece = source.recv(min(size - len(content), 1 << 16))
        if not piece:
            if content:
                raise BrokenProtocol("the stream ended inside a message")
            return b""
        content += piece
    return bytes(content)
