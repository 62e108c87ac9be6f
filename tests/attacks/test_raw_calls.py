"""System calls made by number through libc, from a child whose interpreter is bypassed: each one is refused.

The idea is the same for all: whatever corrupts the child's memory can make any call, so the kernel must say no. Numbers
are those of x86_64 (linux/arch/x86/entry/syscalls/syscall_64.tbl).
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator

import pytest

from engine.executors.local import LocalExecutor
from engine.executors.sandbox import SYSTEM_CALLS
from engine.trace import Trace
from tests.attacks.firing import fire, printed, still_works
from tests.executors.bypass import PLAIN

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="numbers of Linux on x86_64"
)

CALLS = {
    # files and folders
    "open": 2, "openat": 257, "openat2": 437, "creat": 85, "stat": 4, "lstat": 6, "newfstatat": 262, "statx": 332,
    "access": 21, "faccessat2": 439, "readlink": 89, "getdents64": 217, "getcwd": 79, "chdir": 80, "rename": 82,
    "mkdir": 83, "rmdir": 84, "unlink": 87, "symlink": 88, "link": 86, "chmod": 90, "chown": 92, "truncate": 76,
    "ftruncate": 77, "fallocate": 285, "mknod": 133, "statfs": 137, "name_to_handle_at": 303, "open_by_handle_at": 304,
    "memfd_create": 319, "memfd_secret": 447, "inotify_init1": 294, "fanotify_init": 300, "setxattr": 188,
    # moving bytes and descriptors
    "dup": 32, "dup2": 33, "fcntl": 72, "ioctl": 16, "pipe2": 293, "sendfile": 40, "splice": 275, "tee": 276,
    "vmsplice": 278, "copy_file_range": 326, "pread64": 17, "pwrite64": 18, "readv": 19, "writev": 20, "poll": 7,
    "select": 23, "epoll_create1": 291, "eventfd2": 290, "timerfd_create": 283, "signalfd4": 289, "userfaultfd": 323,
    "io_uring_setup": 425, "io_setup": 206,
    # sockets
    "socket": 41, "socketpair": 53, "connect": 42, "bind": 49, "listen": 50, "accept4": 288, "sendto": 44,
    "recvfrom": 45, "sendmsg": 46, "recvmsg": 47, "sendmmsg": 307, "shutdown": 48, "setsockopt": 54,
    # processes, threads, signals
    "fork": 57, "vfork": 58, "clone": 56, "clone3": 435, "execve": 59, "execveat": 322, "wait4": 61, "kill": 62,
    "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "pidfd_open": 434, "pidfd_getfd": 438,
    "pidfd_send_signal": 424, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
    "rt_sigaction": 13, "rt_sigprocmask": 14, "sigaltstack": 131, "pause": 34, "setpgid": 109, "setsid": 112,
    # time, priority and limits
    "setitimer": 38, "alarm": 37, "timer_create": 222, "clock_settime": 227, "settimeofday": 164, "setpriority": 141,
    "sched_setscheduler": 144, "sched_setattr": 314, "sched_setaffinity": 203, "ioprio_set": 251, "setrlimit": 160,
    "prlimit64": 302,
    # who one is, and what one may
    "setuid": 105, "setgid": 106, "setresuid": 117, "setgroups": 116, "capset": 126, "prctl": 157, "arch_prctl": 158,
    "seccomp": 317, "landlock_create_ruleset": 444, "personality": 135, "unshare": 272, "setns": 308, "keyctl": 250,
    "add_key": 248,
    # the machine
    "mount": 165, "umount2": 166, "chroot": 161, "pivot_root": 155, "sethostname": 170, "uname": 63, "sysinfo": 99,
    "syslog": 103, "reboot": 169, "init_module": 175, "finit_module": 313, "kexec_load": 246, "swapon": 167,
    "bpf": 321, "perf_event_open": 298, "iopl": 172, "modify_ldt": 154, "quotactl": 179, "acct": 163,
    # memory shared with others
    "shmget": 29, "shmat": 30, "msgget": 68, "semget": 64, "mq_open": 240, "mlock": 149, "mlockall": 151,
    "mbind": 237, "move_pages": 279, "process_madvise": 440, "pkey_alloc": 330,
}  # fmt: skip
SOURCE = """
libc = ctypes.CDLL(None, use_errno=True)
ctypes.set_errno(0)
answer = libc.syscall({number}, 0, 0, 0, 0, 0, 0)
report(answer, ctypes.get_errno())
"""


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    """Children that execute plain Python behind the fence."""
    made = LocalExecutor(entry=PLAIN)
    yield made
    made.close()


@pytest.fixture(scope="module")
def traces(executor: LocalExecutor) -> dict[str, Trace]:
    """Every call's run."""
    return fire(executor, {name: SOURCE.format(number=number) for name, number in CALLS.items()})


@pytest.mark.parametrize("name", CALLS)
def test_call_is_refused(name: str, traces: dict[str, Trace]) -> None:
    assert printed(traces[name]) == "-1 1"


def test_a_listed_call_is_allowed(executor: LocalExecutor) -> None:
    number = SYSTEM_CALLS["getpid"][0]
    answer = printed(fire(executor, {"getpid": SOURCE.format(number=number)})["getpid"])
    assert answer.split()[1] == "0"
    assert int(answer.split()[0]) > 1


def test_no_attack_is_on_the_list() -> None:
    assert not CALLS.keys() & SYSTEM_CALLS.keys()


def test_the_next_program_runs(executor: LocalExecutor) -> None:
    assert still_works(executor, "report(1)")
