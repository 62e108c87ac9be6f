"""Messages come out as they went in, however the stream is torn; too much is refused before it is kept."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.executors.wire import BrokenProtocol, Unpacker, pack, receive


@given(st.lists(st.binary(max_size=200), max_size=8), st.integers(1, 50))
def test_any_tearing_gives_the_same_messages(messages: list[bytes], size: int) -> None:
    stream = b"".join(map(pack, messages))
    unpacker = Unpacker(200, 10_000)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [content for piece in pieces for content in unpacker.feed(piece)] == messages


def test_a_message_over_the_cap_is_refused_by_its_length_alone() -> None:
    with pytest.raises(BrokenProtocol):
        list(Unpacker(10, 1000).feed((11).to_bytes(4, "big")))


def test_all_messages_are_capped_and_each_costs_something() -> None:
    unpacker = Unpacker(10, 3 * 256, 256)
    with pytest.raises(BrokenProtocol):
        list(unpacker.feed(pack(b"") * 4))


def test_receive_reads_one_message_and_sees_the_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(pack(b"first") + pack(b"second"))
        assert receive(ours, 10) == b"first"
        assert receive(ours, 10) == b"second"
        theirs.close()
        assert receive(ours, 10) is None


@pytest.mark.parametrize("torn", [b"\0\0", b"\0\0\0\5abc", b"\0\0\1\0"])
def test_receive_refuses_what_is_torn_or_too_large(torn: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(torn)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(BrokenProtocol):
            receive(ours, 10)
