"""A child that lies, floods, hangs or dies: what the app makes of it. The interpreter is bypassed.

`raw` writes to the reply socket as the child's memory's new owner would.
"""

# ruff: noqa: E501 -- one attack is one row

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pytest

from engine.executors import sandbox
from engine.executors.base import Job
from engine.executors.local import LocalExecutor
from engine.limits import Limits
from engine.trace import Trace, assemble
from tests.attacks.firing import fire, printed, still_works
from tests.executors.bypass import PLAIN

pytestmark = pytest.mark.skipif(sandbox.fence().kind != "strong", reason="this system offers no strong fence")

LIMITS = Limits(memory=300_000_000, deadline=0.6, soft_deadline=0.5, grace=0.3, processor_time=2.0)
PREAMBLE = """
def descriptor():
    for n in range(3, 1024):
        try:
            os.lseek(n, 0, 1)
        except OSError as error:
            if error.errno == errno.ESPIPE:
                return n

def raw(content):
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor(), left):]

def frame(content):
    raw(struct.pack('!I', len(content)) + content)

report('before')
"""


class Lie(NamedTuple):
    """What the child does after one honest frame, and how its run ends then."""

    source: str
    kind: str
    code: str


ATTACKS = {
    # bytes that are no frames
    "random bytes": Lie("raw(bytes(range(256)) * 40)", "lost", "lost.protocol"),
    "a length of four gigabytes": Lie("raw(b'\\xff' * 4)", "lost", "lost.protocol"),
    "a frame over the limit": Lie("raw(struct.pack('!I', limits.frame_size + 1) + b'x')", "lost", "lost.protocol"),
    "an empty frame": Lie("frame(b'')", "lost", "lost.protocol"),
    "a frame of another type": Lie("frame(b'\\x93\\x01\\x02\\x03')", "lost", "lost.protocol"),
    "a frame with wrong columns": Lie("frame(b'\\x81\\xa5ticks\\xa1x')", "lost", "lost.protocol"),
    "an unknown outcome": Lie(
        "frame(b'\\x81\\xa7outcome\\x81\\xa4kind\\xa6winner')", "lost", "lost.protocol"
    ),
    "deeply nested content": Lie("frame(b'\\x91' * 500_000)", "lost", "lost.protocol"),
    "nesting in an unknown column": Lie("frame(b'\\x81\\xa1x' + b'\\x91' * 500_000)", "lost", "lost.protocol"),
    "an array that claims four billion rows": Lie(
        "frame(b'\\x81\\xa5steps\\xdd\\xff\\xff\\xff\\xff')", "lost", "lost.protocol"
    ),
    "a text that is no UTF-8": Lie(
        "frame(b'\\x81\\xa7outcome\\x82\\xa4kind\\xa8finished\\xa4code\\xa2\\xff\\xfe')", "lost", "lost.protocol"
    ),
    "an infinite count": Lie(
        "frame(b'\\x81\\xa5ticks\\xcb\\x7f\\xf0\\0\\0\\0\\0\\0\\0')", "lost", "lost.protocol"
    ),
    "a pickle that runs code": Lie(
        "class Evil:\n    def __reduce__(self): return (os.getpid, ())\nframe(pickle.dumps(Evil()))",
        "lost",
        "lost.protocol",
    ),
    "a JSON frame": Lie("frame(b'{\"ticks\": 1}')", "lost", "lost.protocol"),
    "half a length": Lie("raw(b'\\0\\0'); os._exit(0)", "lost", "lost.protocol"),
    "half a frame": Lie("raw(struct.pack('!I', 100) + b'x'); os._exit(0)", "lost", "lost.protocol"),
    "half a frame and silence": Lie("raw(struct.pack('!I', 100) + b'x')\nwhile True: pass", "stopped", "limit.time"),
    # too much
    "a flood of small frames": Lie(
        "flood = (struct.pack('!I', 8) + b'\\x81\\xa5ticks\\x01') * 50_000\nwhile True: raw(flood)", "lost", "lost.protocol"
    ),
    "a flood of empty frames": Lie(
        "flood = (struct.pack('!I', 1) + b'\\x80') * 50_000\nwhile True: raw(flood)", "lost", "lost.protocol"
    ),
    "a flood of large frames": Lie("while True: report('x' * 900_000)", "lost", "lost.protocol"),
    "a flood of bytes": Lie("while True: raw(b'\\xff' * 10**6)", "lost", "lost.protocol"),
    # no end
    "an endless loop": Lie("while True: pass", "stopped", "limit.time"),
    "an endless loop that catches everything": Lie(
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n    finally: continue",
        "stopped",
        "limit.time",
    ),
    "an endless call into C": Lie("pow(7, 10**9)", "stopped", "limit.time"),
    "an endless sleep": Lie("time.sleep(10**6)", "stopped", "limit.time"),
    "an endless drip": Lie("while True:\n    report('x')\n    time.sleep(0.02)", "stopped", "limit.time"),
    "waiting for a word from the app": Lie("os.read(descriptor(), 1)", "stopped", "limit.time"),
    "a lock that nobody releases": Lie(
        "lock = threading.Lock()\nlock.acquire()\nlock.acquire()", "stopped", "limit.time"
    ),
    # a sudden end
    "leaving without a word": Lie("os._exit(0)", "lost", "lost.protocol"),
    "leaving with a status": Lie("os._exit(3)", "lost", "lost.protocol"),
    "leaving as the loader does without memory": Lie("os._exit(127)", "stopped", "limit.memory"),
    "reading address zero": Lie("ctypes.string_at(0)", "lost", "lost.crash"),
    "writing to address zero": Lie("ctypes.memset(0, 1, 1)", "lost", "lost.crash"),
    "aborting": Lie("os.abort()", "lost", "lost.crash"),
    "overflowing the stack": Lie(
        "sys.setrecursionlimit(10**9)\nclass A:\n    def __getattr__(self, n): return getattr(A(), n)\nrepr(A().x)",
        "lost",
        "lost.crash",
    ),
    "closing its only socket": Lie("os.close(descriptor())\nwhile True: pass", "lost", "lost.protocol"),
    "overwriting its own heap": Lie("ctypes.memset(id(report) - 64, 65, 4096)\nreport('x')", "lost", "lost.crash"),
}  # fmt: skip


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    """Children that execute plain Python behind the fence, with little time."""
    made = LocalExecutor(LIMITS, entry=PLAIN)
    yield made
    made.close()


@pytest.fixture(scope="module")
def traces(executor: LocalExecutor) -> dict[str, Trace]:
    """Every attack's run. A flood ends when enough of it is read, and a busy machine reads slowly."""
    sources = {name: PREAMBLE + attack.source for name, attack in ATTACKS.items()}
    floods = {name: sources.pop(name) for name in ATTACKS if name.startswith("a flood")}
    patient = LocalExecutor(msgspec.structs.replace(LIMITS, deadline=20.0), entry=PLAIN)
    found = fire(executor, sources) | fire(patient, floods)
    patient.close()
    return found


@pytest.mark.parametrize("name", ATTACKS)
def test_it_ends_with_a_word_and_keeps_what_came(name: str, traces: dict[str, Trace]) -> None:
    trace = traces[name]
    assert trace.outcome is not None
    assert (trace.outcome.kind, trace.outcome.code) == (ATTACKS[name].kind, ATTACKS[name].code)
    assert printed(trace).startswith("before")


def test_what_comes_after_an_outcome_is_not_read(executor: LocalExecutor) -> None:
    """The child that said how it ended and goes on is killed, and its place is free at once."""
    source = "emit(encode(__import__('engine.trace').trace.Frame(outcome=OUTCOME)))\nwhile True: report('more')"
    source = source.replace("OUTCOME", "__import__('engine.trace').trace.Outcome('finished')")
    began = time.monotonic()
    trace = assemble(executor.run(Job(source)), source=source)
    assert trace.outcome is not None
    assert trace.outcome.kind == "finished"
    assert printed(trace) == ""
    assert time.monotonic() - began < LIMITS.deadline


def test_nothing_a_child_sends_is_run(executor: LocalExecutor) -> None:
    """A pickle whose loading leaves a mark: the mark is not there."""
    source = PREAMBLE + (
        "class Evil:\n    def __reduce__(self): return (exec, ('import builtins; builtins.TOUCHED = 1',))\n"
        "frame(pickle.dumps(Evil()))"
    )
    assemble(executor.run(Job(source)), source=source)
    assert "TOUCHED" not in vars(__import__("builtins"))


def test_the_next_program_runs(executor: LocalExecutor) -> None:
    assert still_works(executor, "report(1)")
