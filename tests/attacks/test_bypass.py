"""Plain Python with real builtins inside a child: what a stranger could do who owned the interpreter and the heap.

Each attack reports ESCAPED where it got out. Those marked `open_without` are first shown to get out of a child without
the system call filter, so that the test is known to be able to fail.
"""

from __future__ import annotations

import os
import platform
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.executors import sandbox
from engine.executors.base import Job
from engine.executors.local import LocalExecutor
from engine.limits import Limits
from engine.trace import Trace, assemble
from tests.attacks.firing import SECRET, fire, printed, still_works, words
from tests.executors.bypass import TORCH

pytestmark = pytest.mark.skipif(sandbox.fence().kind != "strong", reason="this system offers no strong fence")


class Bypass(NamedTuple):
    """Plain Python that reports ESCAPED where it gets out."""

    source: str
    ends: tuple[str, ...] = ("failed",)
    open_without: bool = False


def raises(source: str, *, open_without: bool = False) -> Bypass:
    """Must raise before it can report."""
    return Bypass(source + "\nreport('ESCAPED')", ("failed",), open_without)


ATTACKS = {
    # files
    "read a file of the app": raises("open(FILE).read()", open_without=True),
    "read the password file": raises("open('/etc/passwd').read()", open_without=True),
    "read its own source": raises("open(os.__file__).read()"),
    "read the environment through /proc": raises("open('/proc/self/environ').read()"),
    "read the parent's environment through /proc": raises("open(f'/proc/{os.getppid()}/environ').read()"),
    "read memory through /proc": raises("open('/proc/self/mem', 'rb').read(1)"),
    "read the memory map": raises("open('/proc/self/maps').read()"),
    "read the command line of the first process": raises("open('/proc/1/cmdline').read()", open_without=True),
    "write a file": raises("open(os.path.join(FOLDER, 'x'), 'w')", open_without=True),
    "append to a file of the app": raises("open(FILE, 'a')"),
    "open by descriptor number": raises("os.open('/', os.O_RDONLY)", open_without=True),
    "list the root": raises("os.listdir('/')", open_without=True),
    "learn that a file exists": raises("os.stat('/etc/passwd')", open_without=True),
    "learn that a file exists by access": Bypass(
        "report('ESCAPED' if os.access('/', 0) else '')", ("finished",), open_without=True
    ),
    "learn where it is": raises("os.getcwd()", open_without=True),
    "read a link": raises("os.readlink('/proc/self/exe')", open_without=True),
    "make a folder": raises("os.mkdir(os.path.join(FOLDER, 'y'))", open_without=True),
    "remove a file": raises("os.unlink(FILE)"),
    "rename a file": raises("os.rename(FILE, FILE + '2')"),
    "make a symbolic link": raises("os.symlink('/etc/passwd', os.path.join(FOLDER, 'z'))", open_without=True),
    "change the folder": raises("os.chdir('/')", open_without=True),
    "change the root": raises("os.chroot('/')"),
    "change permissions": raises("os.chmod(FILE, 0o777)"),
    "walk with pathlib": Bypass(
        "report('ESCAPED' if list(pathlib.Path('/').glob('*')) else '')", ("failed", "finished"), open_without=True
    ),
    "raw file object": raises("io.FileIO('/etc/passwd').read()", open_without=True),
    "make a temporary file": raises("tempfile.TemporaryFile(dir=FOLDER)", open_without=True),
    "copy a file": raises("shutil.copy(FILE, FILE + '3')"),
    "remove a tree": Bypass("shutil.rmtree(FOLDER, ignore_errors=True)", ("finished",)),
    "a database file": raises("sqlite3.connect(os.path.join(FOLDER, 'db')).execute('create table t(x)')"),
    "a database attached to a file": raises("sqlite3.connect(':memory:').execute(\"attach '/etc/passwd' as p\")"),
    "import from the disk": raises("import wave"),
    "numpy reads a file": raises("numpy.fromfile(FILE, dtype='u1')", open_without=True),
    "numpy maps a file": raises("numpy.memmap(FILE, mode='r')", open_without=True),
    "numpy writes a file": raises("numpy.save(os.path.join(FOLDER, 'a.npy'), numpy.ones(3))"),
    "torch reads a file in C": raises("torch.from_file(FILE, size=1, dtype=torch.uint8)", open_without=True),
    "torch saves a file": raises("torch.save(1, os.path.join(FOLDER, 'a.pt'))"),
    "torch loads a file": raises("torch.load(FILE)"),
    "torch downloads": raises("torch.hub.load_state_dict_from_url('http://127.0.0.1:%d/x' % PORT)"),
    "libc opens a file": Bypass(
        "libc = ctypes.CDLL(None); libc.fopen.restype = ctypes.c_void_p\n"
        "report('ESCAPED' if libc.fopen(b'/etc/passwd', b'r') else 'no')",
        ("finished",),
        open_without=True,
    ),
    "read every descriptor that may be left": Bypass(
        "open_ones = []\n"
        "for n in range(3, 1024):\n"
        "    try:\n"
        "        os.lseek(n, 0, 1)\n"
        "        report('ESCAPED')\n"
        "    except OSError as error:\n"
        "        if error.errno != errno.EBADF:\n"
        "            open_ones.append(n)\n"
        "report('ESCAPED' if len(open_ones) != 1 else '')",
        ("finished",),
    ),
    "speak on the app's terminal": Bypass("os.write(1, b'ESCAPED'); os.write(2, b'ESCAPED')", ("finished",)),
    # the network
    "connect to a port of this machine": raises("socket.socket().connect(('127.0.0.1', PORT))", open_without=True),
    "listen": raises("socket.socket().listen()", open_without=True),
    "send a datagram": raises("socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))"),
    "a socket in the file system": raises("socket.socket(socket.AF_UNIX).connect('/tmp/x')"),
    "a pair of sockets": raises("socket.socketpair()", open_without=True),
    "a raw packet socket": raises("socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"),
    "a kernel socket": raises("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"),
    "look a name up": raises("socket.getaddrinfo('example.org', 80)"),
    "fetch a page": raises("urllib.request.urlopen('http://127.0.0.1:%d/' % PORT, timeout=1)"),
    "pass a descriptor to the app": raises(
        "s = socket.socket(fileno=next(n for n in range(3, 64) if not fails(os.lseek, n, 0, 1) == 9))\n"
        "socket.send_fds(s, [b'x'], [0])"
    ),
    # processes
    "fork": raises("os.fork()"),
    "fork bomb": raises("while True: os.fork()"),
    "run a shell": Bypass("report('ESCAPED' if os.system('true') == 0 else '')", ("finished", "failed")),
    "run a program": raises("subprocess.run(['/bin/true'])"),
    "become another program": raises("os.execv('/bin/true', ['true'])"),
    "spawn a program": raises("os.posix_spawn('/bin/true', ['true'], {})"),
    "start a thread": raises("threading.Thread(target=int).start()"),
    "kill the zygote": raises("os.kill(os.getppid(), 9)"),
    "kill everything": raises("os.kill(-1, 0)"),
    "kill its group": raises("os.killpg(0, 9)"),
    "stop the app": raises("os.kill(APP, 19)"),
    "open the app as a process": raises("os.pidfd_open(APP)", open_without=True),
    "trace the app": Bypass(
        "libc = ctypes.CDLL(None, use_errno=True)\nreport('ESCAPED' if libc.ptrace(16, APP, 0, 0) == 0 else 'no')",
        ("finished",),
    ),
    "read the app's memory": Bypass(
        "libc = ctypes.CDLL(None, use_errno=True)\nbuffer = ctypes.create_string_buffer(64)\n"
        "report('ESCAPED' if libc.process_vm_readv(APP, buffer, 1, buffer, 1, 0) >= 0 else 'no')",
        ("finished",),
    ),
    # rights and limits
    "become root": Bypass("os.setuid(0)\nreport('ESCAPED')", ("failed",)),
    "be root": Bypass("report('ESCAPED' if 0 in (os.getuid(), os.geteuid()) else '')", ("finished", "failed")),
    "raise the memory limit": raises("resource.setrlimit(resource.RLIMIT_AS, (-1, -1))"),
    "raise the processor limit": raises("resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))"),
    "disarm the alarm": raises("signal.setitimer(signal.ITIMER_REAL, 0)", open_without=True),
    "ignore the alarm": raises("signal.signal(signal.SIGALRM, signal.SIG_IGN)", open_without=True),
    "block the alarm": raises("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])", open_without=True),
    "take normal priority again": raises("os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))"),
    "take a higher priority": raises("os.setpriority(os.PRIO_PROCESS, 0, -20)"),
    "turn the filter off": Bypass(
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "report('ESCAPED' if libc.prctl(22, 0, 0, 0, 0) == 0 or libc.prctl(38, 0, 0, 0, 0) == 0 else 'no')",
        ("finished",),
    ),
    # secrets
    "read the environment": Bypass("report(dict(os.environ))", ("finished",)),
    "read the C environment": Bypass(
        "environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')\ni = 0\n"
        "while environ[i]:\n    report(environ[i])\n    i += 1",
        ("finished",),
    ),
    "read the command line": Bypass("report(sys.orig_argv, sys.argv)", ("finished",)),
    # memory
    "allocate without end": Bypass("x = []\nwhile True: x.append(bytearray(10**7))", ("failed",)),
    "map shared memory without end": Bypass("x = []\nwhile True: x.append(mmap.mmap(-1, 10**8))", ("failed",)),
    "a list of a billion": Bypass("[0] * 10**9", ("failed",)),
    "a tensor beyond the budget": Bypass("torch.ones(10**9)", ("failed",)),
    "an array beyond the budget": Bypass("numpy.ones(10**9)", ("failed",)),
    "lock memory": Bypass("report('ESCAPED' if ctypes.CDLL(None).mlockall(3) == 0 else 'no')", ("finished",)),
    # the machine
    "mount": Bypass(
        "report('ESCAPED' if ctypes.CDLL(None).mount(b'x', b'/', b'tmpfs', 0, 0) == 0 else 'no')", ("finished",)
    ),
    "a new user namespace": Bypass(
        "report('ESCAPED' if ctypes.CDLL(None).unshare(0x10000000) == 0 else 'no')", ("finished",), open_without=False
    ),
    "name the machine": raises("os.uname()", open_without=True),
    "count what the machine has": Bypass("report('ESCAPED' if os.getloadavg() else '')", ("failed",), True),
    "set the clock": raises("time.clock_settime(time.CLOCK_REALTIME, 0)"),
    "anonymous file": raises("os.memfd_create('x')", open_without=True),
}  # fmt: skip


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A port of this machine that nobody may reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        yield server


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that every user may write to, with a file that every user may read."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        made.chmod(0o777)
        (made / "secret").write_text(SECRET)
        yield made


@pytest.fixture(scope="module")
def preamble(listener: socket.socket, folder: Path) -> str:
    """What every attack knows about this machine."""
    return (
        f"FILE, FOLDER = {str(folder / 'secret')!r}, {str(folder)!r}\n"
        f"PORT, APP = {listener.getsockname()[1]}, {os.getpid()}\n"
        "def fails(function, *values):\n"
        "    try:\n        function(*values)\n    except OSError as error:\n        return error.errno\n    return 0\n"
    )


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    """Children that execute plain Python behind the fence."""
    before = os.environ.get("AUTOGRAD_TEST_SECRET")
    os.environ["AUTOGRAD_TEST_SECRET"] = SECRET
    made = LocalExecutor(Limits(memory=500_000_000), entry=TORCH)
    yield made
    made.close()
    del os.environ["AUTOGRAD_TEST_SECRET"]
    assert before is None


@pytest.fixture(scope="module")
def traces(executor: LocalExecutor, preamble: str) -> dict[str, Trace]:
    """Every attack's run."""
    return fire(executor, {name: preamble + attack.source for name, attack in ATTACKS.items()}, deadline=3.0)


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_gets_out(name: str, traces: dict[str, Trace]) -> None:
    outcome = traces[name].outcome
    assert outcome is not None
    assert "ESCAPED" not in printed(traces[name])
    assert SECRET not in words(traces[name])
    assert outcome.kind in ATTACKS[name].ends
    assert outcome.type not in ("NameError", "SyntaxError", "AttributeError", "ModuleNotFoundError", "TypeError") or (
        name == "import from the disk"
    )


@pytest.fixture(scope="module")
def unfenced(preamble: str) -> Iterator[dict[str, Trace]]:
    """The same attacks in children without the system call filter."""
    patch = pytest.MonkeyPatch()
    patch.setattr(sandbox, "fence", lambda: sandbox.Fence("process", "executor.fence_process"))
    weak = LocalExecutor(entry=TORCH)
    patch.undo()
    sources = {name: preamble + attack.source for name, attack in ATTACKS.items() if attack.open_without}
    yield fire(weak, sources, deadline=3.0)
    weak.close()


@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.open_without])
def test_it_would_get_out_without_the_filter(name: str, unfenced: dict[str, Trace]) -> None:
    assert "ESCAPED" in printed(unfenced[name])


def test_nobody_reaches_a_port(executor: LocalExecutor) -> None:
    """Its own listener: the one above is reached by the attacks without a filter."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        source = f"socket.socket().connect(('127.0.0.1', {server.getsockname()[1]}))"
        assert assemble(executor.run(Job(source)), source=source).outcome is not None
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_folder_stays_untouched(executor: LocalExecutor) -> None:
    """A folder of its own, for the same reason."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        source = f"for f in (os.mkdir, os.unlink): f({name!r} + '/x')\nopen({name!r} + '/y', 'w')"
        assert assemble(executor.run(Job(source)), source=source).outcome is not None
        assert list(Path(name).iterdir()) == []


@pytest.mark.skipif(platform.machine() != "x86_64", reason="machine code of x86_64")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("32-bit system call", "b8 14 00 00 00 cd 80 c3"),  # mov eax, getpid; int 0x80; ret
        ("x32 system call", "b8 27 00 00 40 0f 05 c3"),  # mov eax, 0x40000027; syscall; ret
    ],
)
def test_another_interface_of_the_kernel_kills(name: str, code: str, executor: LocalExecutor) -> None:
    """Numbers mean other calls there, so the filter ends the process (SIGSYS)."""
    trace = assemble(executor.run(Job(_machine_code(code))), source=name)
    assert trace.outcome is not None
    assert (trace.outcome.kind, trace.outcome.params) == ("lost", {"signal": "SIGSYS"})


@pytest.mark.skipif(platform.machine() != "x86_64", reason="machine code of x86_64")
def test_machine_code_meets_the_same_fence(executor: LocalExecutor) -> None:
    """mov eax, fork; syscall; ret: it runs, since kernels are compiled at run time, and is refused."""
    trace = assemble(executor.run(Job(_machine_code("b8 39 00 00 00 0f 05 c3"))), source="")
    assert printed(trace) == "-1"


def _machine_code(code: str) -> str:
    return (
        f"code = bytes.fromhex({code!r})\n"
        "page = mmap.mmap(-1, 4096, prot=7)\n"
        "page.write(code)\n"
        "function = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))\n"
        "report(function())"
    )


def test_the_next_program_runs(executor: LocalExecutor) -> None:
    assert still_works(executor, "report(1)")
