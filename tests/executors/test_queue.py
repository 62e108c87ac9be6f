"""Who is let in, and when. The clock is a list of one number."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Busy
from engine.executors.queue import PENALTY, Entry, Queue, runs_in_memory


class Door:
    """A queue with a clock of its own, and who came in so far."""

    def __init__(self, front: int = 1, running: int = 10, length: int = 100) -> None:
        self.now = 0.0
        self.inside: list[str] = []
        self.queue = Queue(front=front, running=running, length=length, clock=lambda: self.now)

    def enter(self, visitor: str) -> Entry:
        """One arrival, a millisecond after the one before."""
        self.now += 0.001
        return self.queue.enter(visitor, lambda: self.inside.append(visitor))


def test_as_many_as_there_are_places_go_in_at_once() -> None:
    door = Door(front=2)
    entries = [door.enter(name) for name in "abc"]
    assert door.inside == ["a", "b"]
    assert [door.queue.place(entry) for entry in entries] == [None, None, 1]


def test_leaving_lets_the_next_in_by_arrival() -> None:
    door = Door()
    first, _, _ = (door.enter(name) for name in "abc")
    door.queue.leave(first)
    assert door.inside == ["a", "b"]


def test_leaving_twice_makes_room_once() -> None:
    door = Door()
    first, _, _ = (door.enter(name) for name in "abc")
    door.queue.leave(first)
    door.queue.leave(first)
    assert door.inside == ["a", "b"]


def test_a_run_at_idle_priority_makes_room() -> None:
    door = Door()
    first, _ = door.enter("a"), door.enter("b")
    door.queue.settle(first)
    assert door.inside == ["a", "b"]
    door.queue.settle(first)
    assert door.inside == ["a", "b"]


def test_no_more_run_than_memory_allows() -> None:
    door = Door(front=1, running=2)
    entries = [door.enter(name) for name in "abc"]
    door.queue.settle(entries[0])
    door.queue.settle(entries[1])
    assert door.inside == ["a", "b"]
    door.queue.leave(entries[0])
    assert door.inside == ["a", "b", "c"]


def test_who_used_the_machine_waits_behind_who_did_not() -> None:
    door = Door()
    door.queue.leave(door.enter("heavy"), seconds=3.0)
    door.enter("first")
    heavy, light = door.enter("heavy"), door.enter("light")
    assert (door.queue.place(heavy), door.queue.place(light)) == (2, 1)


def test_nobody_waits_for_ever() -> None:
    door = Door()
    door.queue.leave(door.enter("heavy"), seconds=1000.0)
    inside = door.enter("first")
    heavy = door.enter("heavy")
    door.now += PENALTY + 1
    late = door.enter("light")
    assert door.queue.place(heavy) == 1
    assert door.queue.place(late) == 2
    door.queue.leave(inside)
    assert door.inside[-1] == "heavy"


def test_use_is_forgotten() -> None:
    door = Door()
    door.queue.leave(door.enter("heavy"), seconds=3.0)
    door.now += 600
    door.enter("first")
    heavy, light = door.enter("heavy"), door.enter("light")
    assert (door.queue.place(heavy), door.queue.place(light)) == (1, 2)


def test_withdrawing_moves_the_others_up() -> None:
    door = Door()
    _, second, third = (door.enter(name) for name in "abc")
    assert door.queue.withdraw(second)
    assert not door.queue.withdraw(second)
    assert door.queue.place(third) == 1


def test_a_full_queue_says_so() -> None:
    door = Door(length=2)
    for name in "abc":
        door.enter(name)
    with pytest.raises(Busy) as caught:
        door.enter("d")
    assert caught.value.params == {"waiting": 2}


@given(st.lists(st.sampled_from(["enter", "settle", "leave", "withdraw"]), max_size=60), st.integers(1, 3))
def test_places_are_never_over_filled_nor_left_empty(moves: list[str], front: int) -> None:
    door = Door(front=front, running=front + 2)
    entries: list[Entry] = []
    for number, move in enumerate(moves):
        if move == "enter" or not entries:
            entries.append(door.enter(str(number)))
        else:
            entry = entries[number % len(entries)]
            if move == "settle":
                door.queue.settle(entry)
            elif move == "withdraw":
                door.queue.withdraw(entry)
            elif entry.state != "waiting":
                door.queue.leave(entry)
        states = [entry.state for entry in entries]
        in_front, running = states.count("front"), states.count("front") + states.count("idle")
        assert in_front <= front
        assert running <= front + 2
        assert "waiting" not in states or in_front == front or running == front + 2


def test_runs_in_memory_reads_what_is_free(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   10000000 kB\n")
    assert runs_in_memory(10**9, system=tmp_path) == 8
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("3000000000\n")
    (group / "memory.current").write_text("500000000\n")
    assert runs_in_memory(10**9, system=tmp_path) == 2
    (group / "memory.max").write_text("max\n")
    assert runs_in_memory(10**9, system=tmp_path) == 8
    assert runs_in_memory(10**12, system=tmp_path) == 1
