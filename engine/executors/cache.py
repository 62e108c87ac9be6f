"""Traces of jobs that were run before: equal jobs have equal traces, so a link that a class opens costs one run."""

from __future__ import annotations

import threading
from collections import OrderedDict

from engine.trace import Outcome

OVERHEAD = 512
"""Bytes counted for an entry beyond its content: keys and objects."""


def lasting(outcome: Outcome) -> bool:
    """Whether a run that ended so would end so again: not when it died, and not when time or memory ended it."""
    return outcome.kind != "lost" and outcome.code not in ("limit.time", "limit.seconds", "limit.memory")


class Cache:
    """Encoded frames by key, at most `size` bytes in all; the least recently asked for goes first. Thread-safe."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held = 0
        self._entries: OrderedDict[bytes, tuple[bytes, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> tuple[bytes, ...] | None:
        """The frames under `key`, or None."""
        with self._lock:
            frames = self._entries.get(key)
            if frames is not None:
                self._entries.move_to_end(key)
            return frames

    def put(self, key: bytes, frames: tuple[bytes, ...]) -> None:
        """Keep frames; what is larger than a quarter of the whole is not kept."""
        cost = _cost(key, frames)
        if cost > self._size // 4:
            return
        with self._lock:
            if (old := self._entries.pop(key, None)) is not None:
                self._held -= _cost(key, old)
            self._entries[key] = frames
            self._held += cost
            while self._held > self._size:
                gone, rows = self._entries.popitem(last=False)
                self._held -= _cost(gone, rows)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def held(self) -> int:
        """Bytes held now."""
        return self._held


def _cost(key: bytes, frames: tuple[bytes, ...]) -> int:
    return OVERHEAD + len(key) + sum(len(frame) + 64 for frame in frames)
