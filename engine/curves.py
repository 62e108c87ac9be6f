"""What is special on a sampled curve: kinks, jumps, and stretches where it has no value.

All of it is judged from the samples and the derivatives that autograd gave at them, so a place is known to one step of
the sampling; nothing is computed anew.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal

import msgspec

MARKS_LIMIT = 12
_SHARP = 6.0  # a kink turns the slope this many times as much as its neighbours do
_BESIDE = 8  # so many samples around a pole tell nothing of kinks
_WIDE = 3.0  # a jump moves the value this many times as far as its slopes explain


class Mark(msgspec.Struct, frozen=True):
    """One special place, from `start` to `end` in units of the axis.

    kink: continuous, and the slope changes from `before` to `after` at once. jump: the value changes so. pole: it grows
    beyond all bounds. undefined: the value is nan there; infinite: it is infinite. steep: it has a value and its
    derivative is not finite.
    """

    kind: Literal["kink", "jump", "pole", "undefined", "infinite", "steep"]
    start: float
    end: float
    before: float | None = None
    after: float | None = None


def marks(xs: Sequence[float], values: Sequence[float], slopes: Sequence[float]) -> list[Mark]:
    """The special places of a curve, left to right, the first MARKS_LIMIT of them. Beside a pole slopes turn so
    fast that samples cannot tell a kink: there none is told."""
    found = [*_stretches(xs, values, slopes), *_turns(xs, values, slopes)]
    room = _BESIDE * (xs[1] - xs[0]) if len(xs) > 1 else 0.0
    wild = [one for one in found if one.kind in ("pole", "infinite", "steep")]
    found = [
        one
        for one in found
        if one.kind != "kink"
        or not any(one.end > other.start - room and one.start < other.end + room for other in wild)
    ]
    found.sort(key=lambda one: one.start)
    return found[:MARKS_LIMIT]


def kink_at(found: Sequence[Mark], x: float) -> Mark | None:
    """The kink that x lies on, as closely as samples tell."""
    return next((one for one in found if one.kind == "kink" and one.start - 1e-6 <= x <= one.end + 1e-6), None)


def _stretches(xs: Sequence[float], values: Sequence[float], slopes: Sequence[float]) -> list[Mark]:
    kinds = [_kind(value, slope) for value, slope in zip(values, slopes, strict=True)]
    found, start = [], 0
    for place in range(1, len(kinds) + 1):
        if place < len(kinds) and kinds[place] == kinds[start]:
            continue
        kind = kinds[start]
        if kind is not None:
            found.append(Mark(kind, xs[start], xs[place - 1]))
        start = place
    return found


def _kind(value: float, slope: float) -> Literal["undefined", "infinite", "steep"] | None:
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "infinite"
    return None if math.isfinite(slope) else "steep"


def _turns(xs: Sequence[float], values: Sequence[float], slopes: Sequence[float]) -> list[Mark]:
    """Kinks, jumps and poles between neighbouring samples that are both finite."""
    finite = [math.isfinite(value) and math.isfinite(slope) for value, slope in zip(values, slopes, strict=True)]
    scale = max((abs(slope) for slope, known in zip(slopes, finite, strict=True) if known), default=0.0)
    height = max((abs(value) for value, known in zip(values, finite, strict=True) if known), default=0.0)
    turns = [abs(slopes[i + 1] - slopes[i]) if finite[i] and finite[i + 1] else 0.0 for i in range(len(xs) - 1)]
    found: list[Mark] = []
    for i, turn in enumerate(turns):
        if not (finite[i] and finite[i + 1]):
            continue
        step = xs[i + 1] - xs[i]
        explained = step * max(abs(slopes[i]), abs(slopes[i + 1]))
        rise = abs(values[i + 1] - values[i])
        around = max(_at(turns, i - 2), _at(turns, i + 2))
        if rise > _WIDE * explained + 1e-4 * height and rise > 1e-6:
            found.append(Mark("jump", xs[i], xs[i + 1], values[i], values[i + 1]))
        elif _is_pole(xs, values, slopes, i):
            found.append(Mark("pole", xs[i], xs[i + 1]))
        elif turn > _SHARP * around + 1e-3 * scale and turn > 1e-6 and not _near(found, xs[i], step):
            left, right = max(i - 1, 0), min(i + 2, len(xs) - 1)
            if finite[left] and finite[right]:
                found.append(Mark("kink", xs[i], xs[i + 1], slopes[left], slopes[right]))
    return found


def _is_pole(xs: Sequence[float], values: Sequence[float], slopes: Sequence[float], i: int) -> bool:
    """It grows towards the place from both sides, by a good part of itself within one sample: with one sign, or with
    both, where the sign changes although both slopes point the same way."""
    step = xs[i + 1] - xs[i]
    far = all(abs(slopes[j]) * step > 0.2 * abs(values[j]) > 0 for j in (i, i + 1))
    if not (_grows(values, i, -1) and _grows(values, i + 1, 1)):
        return False
    if values[i] * values[i + 1] < 0 < slopes[i] * slopes[i + 1]:
        return (values[i + 1] - values[i]) * slopes[i] < 0 and abs(slopes[i]) * step > 0.2 * abs(values[i])
    return far and values[i] * slopes[i] > 0 > values[i + 1] * slopes[i + 1]


def _grows(values: Sequence[float], i: int, way: int) -> bool:
    """Whether the values grow towards that sample, over the three beyond it: those of a mere oscillation do not."""
    beyond = [abs(values[j]) for j in range(i, i + 4 * way, way) if 0 <= j < len(values)]
    return all(near > far for near, far in itertools.pairwise(beyond) if math.isfinite(far))


def _at(turns: Sequence[float], place: int) -> float:
    return turns[place] if 0 <= place < len(turns) else 0.0


def _near(found: Sequence[Mark], x: float, step: float) -> bool:
    return bool(found) and x - found[-1].start < 2.5 * step
