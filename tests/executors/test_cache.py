"""The cache keeps what will be the same again, within its size, the latest asked for longest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.executors.cache import Cache, lasting
from engine.trace import Outcome


def test_what_was_put_is_there() -> None:
    cache = Cache(10_000)
    cache.put(b"a", (b"1", b"2"))
    assert cache.get(b"a") == (b"1", b"2")
    assert cache.get(b"b") is None


def test_the_least_recently_asked_for_goes_first() -> None:
    cache = Cache(4 * 700)
    for key in (b"a", b"b", b"c", b"d"):
        cache.put(key, (b"x",))
    cache.get(b"a")
    cache.put(b"e", (b"x",))
    assert cache.get(b"a") is not None
    assert cache.get(b"b") is None


@given(st.lists(st.tuples(st.binary(max_size=4), st.binary(max_size=3000)), max_size=40))
def test_it_never_holds_more_than_its_size(rows: list[tuple[bytes, bytes]]) -> None:
    cache = Cache(8_000)
    for key, content in rows:
        cache.put(key, (content,))
        assert cache.held <= 8_000
    assert (cache.held == 0) == (len(cache) == 0)


def test_what_is_larger_than_a_quarter_is_not_kept() -> None:
    cache = Cache(1_000_000)
    cache.put(b"a", (b"x" * 300_000,))
    assert len(cache) == 0


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome("finished"), True),
        (Outcome("failed", type="RuntimeError"), True),
        (Outcome("refused", "refused.import"), True),
        (Outcome("stopped", "limit.statements"), True),
        (Outcome("stopped", "limit.time"), False),
        (Outcome("stopped", "limit.seconds"), False),
        (Outcome("stopped", "limit.memory"), False),
        (Outcome("lost", "lost.crash"), False),
    ],
)
def test_only_what_would_be_the_same_again_lasts(outcome: Outcome, expected: bool) -> None:
    assert lasting(outcome) is expected
