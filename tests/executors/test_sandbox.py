"""The fences one by one: the filter's program, the limits, the words about what is missing."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import ExecutorFailed
from engine.executors import sandbox
from engine.messages import render

linux = pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
strong = pytest.mark.skipif(sandbox.fence().kind != "strong", reason="this system offers no strong fence")

WEAK = sandbox.Fence("process", "executor.fence_process", "no seccomp here")
STRONG = sandbox.Fence("strong", "executor.fence_strong")


def verdict(program: bytes, architecture: int, number: int) -> int:
    """What the filter answers to this call: a small machine for the four instructions it is made of."""
    instructions = list(struct.iter_unpack("=HBBI", program))
    call, at, value = {0: number, 4: architecture}, 0, 0
    while True:
        code, then, otherwise, operand = instructions[at]
        at += 1
        if code == 0x20:
            value = call[operand]
        elif code == 0x15:
            at += then if value == operand else otherwise
        elif code == 0x35:
            at += then if value >= operand else otherwise
        else:
            return int(operand)


@pytest.mark.parametrize("machine", sandbox.ARCHITECTURES)
def test_the_filter_allows_its_list_and_nothing_else(machine: str) -> None:
    column, architecture = sandbox.ARCHITECTURES[machine]
    program = sandbox.filter_program(machine)
    listed = {row[column] for row in sandbox.SYSTEM_CALLS.values()}
    for number in range(600):
        expected = 0x7FFF0000 if number in listed else 0x00050001
        assert verdict(program, architecture, number) == expected


@pytest.mark.parametrize("machine", sandbox.ARCHITECTURES)
def test_the_filter_kills_other_interfaces(machine: str) -> None:
    _, architecture = sandbox.ARCHITECTURES[machine]
    program = sandbox.filter_program(machine)
    assert verdict(program, 0x40000003, 0) == 0x80000000  # i386
    assert verdict(program, architecture, 0x40000000) == 0x80000000  # x32


def test_each_column_has_distinct_numbers() -> None:
    for column in (0, 1):
        numbers = [row[column] for row in sandbox.SYSTEM_CALLS.values()]
        assert len(set(numbers)) == len(numbers)


def test_another_machine_is_refused() -> None:
    with pytest.raises(OSError, match="riscv64"):
        sandbox.filter_program("riscv64")


def in_a_process(source: str) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own, which may lock itself."""
    return subprocess.run(
        [sys.executable, "-c", "from engine.executors import sandbox\nimport os, sys, signal\n" + source],
        capture_output=True,
        text=True,
        env=sandbox.bare_environment(),
        timeout=30,
    )


@strong
def test_probe_locks_the_process_that_asks() -> None:
    answer = in_a_process("print(repr(sandbox.probe()))\ntry: open('/etc/passwd')\nexcept OSError as e: print(e.errno)")
    assert answer.stdout == "''\n1\n"


@strong
def test_a_filter_cannot_be_replaced() -> None:
    answer = in_a_process("sandbox.lock()\ntry: sandbox.lock()\nexcept OSError as e: print(e.errno)")
    assert answer.stdout == "1\n"


@linux
def test_the_alarm_ends_a_process_without_its_help() -> None:
    answer = in_a_process("sandbox.arm(0.05)\nwhile True:\n    try:\n        while True: pass\n    except: pass")
    assert answer.returncode == -signal.SIGALRM


@linux
def test_memory_is_what_was_mapped_and_the_budget() -> None:
    answer = in_a_process(
        "b = sandbox.mapped()\nsandbox.bound(memory=50_000_000, processor_time=5, open_files=16, base=b)\n"
        "x = bytearray(30_000_000); print('fits')\n"
        "try: y = bytearray(60_000_000)\nexcept MemoryError: print('does not')"
    )
    assert answer.stdout == "fits\ndoes not\n"


@linux
def test_processor_time_is_bounded() -> None:
    answer = in_a_process(
        "sandbox.bound(memory=50_000_000, processor_time=0.4, open_files=16, base=sandbox.mapped())\nwhile True: pass"
    )
    assert answer.returncode == -signal.SIGXCPU


@linux
def test_detach_leaves_one_descriptor_and_no_root() -> None:
    answer = in_a_process(
        "keep = os.open('/dev/null', os.O_RDWR); other = os.dup(keep); out = os.dup(1)\n"
        "os.dup2(out, 50); sandbox.detach(50)\n"
        "left = [n for n in range(3, 100) if n != 50 and os.path.exists(f'/proc/self/fd/{n}')]\n"
        "os.write(50, repr((left, os.geteuid() == 0)).encode())"
    )
    assert answer.stdout == "([], False)"


@linux
def test_a_process_dies_with_the_one_that_started_it() -> None:
    source = (
        "import subprocess, time\n"
        "inner = 'from engine.executors import sandbox, sandbox as s; import time; s.die_with_parent();"
        " print(1, flush=True); time.sleep(60)'\n"
        "p = subprocess.Popen([sys.executable, '-c', inner], stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); print(p.pid, flush=True)"
    )
    pid = int(in_a_process(source).stdout)
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]:
            return
        os.sched_yield()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_environment_is_bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "x")
    bare = sandbox.bare_environment()
    assert "A_SECRET" not in bare
    assert "PATH" not in bare
    assert bare["CUDA_VISIBLE_DEVICES"] == ""


def test_production_may_require_the_strong_fence() -> None:
    required = {sandbox.REQUIRE_FENCE: "strong"}
    with pytest.raises(ExecutorFailed) as caught:
        sandbox.require_fence(WEAK, required)
    assert "no seccomp here" in render(caught.value.code, caught.value.params)
    sandbox.require_fence(STRONG, required)
    sandbox.require_fence(WEAK, {})


def test_strangers_are_answered_behind_the_strong_fence_only() -> None:
    assert sandbox.answers_strangers(STRONG, {})
    assert not sandbox.answers_strangers(WEAK, {})
    assert sandbox.answers_strangers(WEAK, {sandbox.ALLOW_WEAK_FENCE: "1"})


def test_every_fence_has_words() -> None:
    for fence in (STRONG, WEAK):
        assert render(fence.code)
        assert render(fence.code, language="zh")
