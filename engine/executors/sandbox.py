"""What is left to a child: its processor time, its memory, and one open socket to write to.

A child takes its own rights away in this order: `detach` (descriptors, user, signals), `bound` (memory, processor
time), `arm` (the alarm), `lock` (system calls). After `lock` it can compute, allocate within its budget, write to what
is already open and leave; every other system call fails with EPERM. None of it can be undone from inside, whatever
happens to the interpreter or to the heap, because the kernel holds it.

Only the standard library is used; `resource` is missing on Windows and seccomp everywhere but on Linux. What is missing
is skipped and `probe` says so, in words.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from engine.errors import ExecutorFailed

if sys.platform != "win32":
    import resource

SYSTEM_CALLS: Mapping[str, tuple[int, int]] = {
    # name: (number on x86_64, number on aarch64)
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),  # with PROT_EXEC too: oneDNN compiles its kernels
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "futex": (202, 98),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getcpu": (309, 168),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrandom": (318, 278),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "restart_syscall": (219, 128),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
"""All that a locked child may ask of the kernel. Paths, sockets, processes, signals and credentials have no entry;
neither has `newfstatat`, which would tell a stranger which files exist, nor `rt_sigaction` and `setitimer`, which would
disarm the alarm, nor `sched_setscheduler`, which would lift the idle priority."""

ARCHITECTURES: Mapping[str, tuple[int, int]] = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine -> (column in SYSTEM_CALLS, its AUDIT_ARCH constant of linux/audit.h)."""

NOBODY = 65534
REQUIRE_FENCE = "AUTOGRAD_PLAYGROUND_REQUIRE_FENCE"
ALLOW_WEAK_FENCE = "AUTOGRAD_PLAYGROUND_ALLOW_WEAK_FENCE"

# linux/prctl.h, linux/seccomp.h, linux/bpf_common.h
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_MODE_FILTER = 2
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4
_X32 = 0x40000000  # system calls of the x32 interface carry this bit and would pass as unknown numbers
_EPERM = 1


class Fence(NamedTuple):
    """What stands between a stranger's program and this machine.

    "strong": the kernel refuses all system calls but a few. "process": a process of its own with limits, no more.
    `code` is the message that says so, `reason` what the system answered when the strong fence was tried.
    """

    kind: Literal["strong", "process"]
    code: str
    reason: str = ""


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def filter_program(machine: str) -> bytes:
    """The seccomp filter for `machine` ("x86_64", "aarch64") as BPF instructions. Raises OSError for any other machine.

    Another architecture's calls and x32 calls kill the process; calls that are not listed fail with EPERM.
    """
    if machine not in ARCHITECTURES:
        raise OSError(f"no list of system calls for {machine}")
    column, architecture = ARCHITECTURES[machine]
    numbers = [row[column] for row in SYSTEM_CALLS.values()]
    to_allow = len(numbers)
    instructions = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        *((_EQUAL, to_allow - index, 0, number) for index, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


@functools.cache
def _filter() -> _Program:
    content = filter_program(platform.machine())
    return _Program(len(content) // 8, content)


def prepare() -> None:
    """Build what `lock` needs, before the fork: afterwards it is two calls."""
    if sys.platform == "linux" and platform.machine() in ARCHITECTURES:
        _libc()
        _filter()


def _prctl(option: int, *values: object) -> None:
    padded = [*values, *[ctypes.c_ulong(0)] * (4 - len(values))]
    if _libc().prctl(option, *padded) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends. Linux only; nothing elsewhere."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))


def detach(keep: int) -> None:
    """Close every descriptor but `keep`, put /dev/null on 0, 1 and 2, take signals' default actions, stop being root.

    As root this needs the right to change user; where a container took that right away, the process stays who it is.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    if sys.platform != "win32":  # there a socket is no descriptor, and children inherit nothing
        os.closerange(3, keep)
        os.closerange(keep + 1, 65536)
    for name in ("SIGINT", "SIGPIPE", "SIGTERM", "SIGALRM", "SIGXCPU", "SIGXFSZ", "SIGCHLD"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        # Where memory runs out, the kernel is to choose this process, not the app.
        Path("/proc/self/oom_score_adj").write_text("1000")
        if os.geteuid() == 0:
            _become_nobody()
        _prctl(_PR_SET_DUMPABLE, ctypes.c_ulong(0))


def _become_nobody() -> None:
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except PermissionError:
        return  # root without the right to change user: the other fences do not depend on it


def mapped() -> int:
    """Bytes of address space this process has mapped; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def bound(*, memory: int, processor_time: float, open_files: int, base: int) -> None:
    """Set the kernel's limits: `memory` bytes beyond the `base` bytes already mapped, `processor_time` seconds of CPU.

    No file can grow, no core is written, no process can be made. Limits are hard: they cannot be raised again. Does
    nothing on Windows, and sets no memory limit where `base` is unknown (0).
    """
    if sys.platform == "win32":
        return
    seconds = max(1, round(processor_time + 0.5))
    limits = {
        "RLIMIT_CPU": (seconds, seconds + 1),
        "RLIMIT_NOFILE": (open_files, open_files),
        "RLIMIT_FSIZE": (0, 0),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_NPROC": (0, 0),
        "RLIMIT_MEMLOCK": (0, 0),
    }
    if base:
        limits["RLIMIT_AS"] = (base + memory, base + memory)
    for name, pair in limits.items():
        if (number := getattr(resource, name, None)) is not None:
            resource.setrlimit(number, pair)


def arm(seconds: float) -> None:
    """Have SIGALRM end this process `seconds` from now, by its default action: no Python code has to run for it."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def lock() -> None:
    """Install the system call filter, for good. Raises OSError where the system has none or does not allow it."""
    if sys.platform != "linux":
        raise OSError(f"{sys.platform} has no seccomp")
    program = _filter()
    _prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))
    _prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(program))


def can_fork() -> bool:
    """Whether this system can fork and name a process by a descriptor."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def probe() -> str:
    """Lock this very process and see that the lock holds: "" when it does, else what is wrong."""
    if sys.platform != "linux" or not can_fork():
        return f"{sys.platform} has no fork with process descriptors"
    try:
        os.close(os.pidfd_open(os.getpid()))
        lock()
    except OSError as error:
        return str(error)
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except PermissionError:
        return ""
    return "the filter was accepted and does not filter"


@functools.cache
def fence() -> Fence:
    """Which fence this machine offers, tried once in a process of its own. Never raises."""
    command = [sys.executable, "-P", "-B", "-m", "engine.executors.sandbox"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=20, env=bare_environment(), check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Fence("process", "executor.fence_process", str(error))
    if answer.returncode == 0 and answer.stdout == b"locked\n":
        return Fence("strong", "executor.fence_strong")
    words = (answer.stdout or answer.stderr)[-300:].decode(errors="replace").strip()
    return Fence("process", "executor.fence_process", words or f"exit status {answer.returncode}")


def bare_environment() -> dict[str, str]:
    """All the environment a process of ours is started with: where this project is, and fixed hashes. No secrets.

    Hashes are fixed so that equal jobs visit sets in equal order. Windows cannot start Python without SYSTEMROOT.
    """
    bare = {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    if sys.platform == "win32":
        bare["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return bare


def require_fence(found: Fence, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse to run strangers' programs behind less than this installation asks for.

    Raises ExecutorFailed where AUTOGRAD_PLAYGROUND_REQUIRE_FENCE is "strong" and the fence is not.
    """
    if environment.get(REQUIRE_FENCE, "") == "strong" and found.kind != "strong":
        raise ExecutorFailed("executor.fence_required", reason=found.reason)


def answers_strangers(found: Fence, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the app may answer requests from beyond this machine: behind the strong fence, or where it was told to by
    AUTOGRAD_PLAYGROUND_ALLOW_WEAK_FENCE=1."""
    return found.kind == "strong" or environment.get(ALLOW_WEAK_FENCE, "") == "1"


if __name__ == "__main__":
    print(probe() or "locked", flush=True)
