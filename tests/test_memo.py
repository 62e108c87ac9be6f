"""A table that works out what it does not have."""

from __future__ import annotations

import pytest

from engine.memo import Memo


def test_each_value_is_worked_out_once() -> None:
    asked: list[int] = []

    def double(number: int) -> int:
        asked.append(number)
        return 2 * number

    memo = Memo(double)
    assert [memo[3], memo[3], memo[4]] == [6, 6, 8]
    assert asked == [3, 4]


def test_what_cannot_be_worked_out_is_not_kept() -> None:
    memo: Memo[int, int] = Memo(lambda number: 1 // number)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            memo[0]
    assert not memo
