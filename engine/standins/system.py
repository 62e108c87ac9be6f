"""sys, gc, platform, pprint and switches of other devices: their harmless parts."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import contextlib
import pprint
import sys
import uuid
from typing import Any

import torch

from engine.errors import Refused
from engine.standins import Names, Offered, Run


class Warned(Offered):
    """A switch of warnings, which nobody sees here."""

    enabled = False


class OptimizedModule(Offered, torch.nn.Module):
    """What `torch.compile` makes of a module: the module itself, one level down."""

    offered = frozenset({"_orig_mod"})

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self._orig_mod = module
        self.training = module.training

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return super().__getattr__(name)
        return getattr(self._orig_mod, name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._orig_mod(*args, **kwargs)


def _compile(model: Any = None, **options: Any) -> Any:
    """`torch.compile`: the program runs eagerly, and computes the same."""
    if isinstance(model, torch.nn.Module):
        return OptimizedModule(model)
    return model if model is not None else _compile


def _disable(function: Any = None, recursive: bool = True, **options: Any) -> Any:
    """`torch.compiler.disable`: nothing is compiled anyway."""
    return function if function is not None else _disable


_OF_DEVICES = (
    *("Stream", "Event", "CUDAGraph", "current_stream", "default_stream", "get_device_properties"),
    *("get_device_capability", "mem_get_info", "memory_summary", "ipc_collect", "initial_seed"),
)


def _absent(name: str) -> Any:
    """What needs a device raises what PyTorch raises where there is none, and is refused where there is one."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if torch.cuda.is_available():
            raise Refused("refused.name", name=f"torch.cuda.{name}")
        return getattr(torch.cuda, name)(*args, **kwargs)

    call.__name__ = name
    return call


class Stance(Offered, contextlib.ContextDecorator):
    """`torch.compiler.set_stance`: said by a call, in a `with` or around a function. Nothing is compiled anyway."""

    def __init__(self, stance: str = "default", **options: Any) -> None:
        self.stance = stance

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        return None


def _same(value: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Marks for a compiler are none for anybody else."""
    return value


def offer(run: Run) -> Names:
    """Facts about the place, without the place."""

    def printed(value: Any, *args: Any, **kwargs: Any) -> None:
        """`pprint.pprint`."""
        run.write(pprint.pformat(value, **{key: one for key, one in kwargs.items() if key != "stream"}) + "\n")

    def leave(code: Any = None) -> None:
        """`sys.exit`."""
        raise SystemExit(code)

    def nothing(*args: Any, **kwargs: Any) -> None:
        """There is nothing to do here."""

    def zero(*args: Any, **kwargs: Any) -> int:
        """None were found."""
        return 0

    def identifier() -> uuid.UUID:
        """`uuid.uuid4()`, from the sequence of the run."""
        return uuid.UUID(int=run.next_seed() << 64 | run.next_seed(), version=4)

    class Stream(Offered):
        """`sys.stdout` or `sys.stderr`."""

        def __init__(self, write: Any) -> None:
            self._write = write

        def write(self, text: str) -> int:
            self._write(text)
            return len(text)

        def flush(self) -> None:
            return None

        def isatty(self) -> bool:
            return False

    return {
        "sys": {
            **{
                name: getattr(sys, name)
                for name in ("version", "version_info", "maxsize", "platform", "float_info", "byteorder")
            },
            "argv": ["program.py"],
            "exit": leave,
            "getsizeof": sys.getsizeof,
            "getrecursionlimit": sys.getrecursionlimit,
            "setrecursionlimit": nothing,
            "stdout": Stream(run.write),
            "stderr": Stream(run.write_error),
        },
        "gc": {"collect": zero, "enable": nothing, "disable": nothing, "isenabled": lambda: True},
        "platform": {
            "system": lambda: "Linux",
            "python_version": lambda: sys.version.split()[0],
            "machine": lambda: "x86_64",
        },
        "pprint": {"pprint": printed, "pformat": pprint.pformat, "pp": printed},
        "uuid": {"uuid4": identifier},
        "torch": {"compile": _compile},
        "torch.compiler": {
            "disable": _disable,
            **dict.fromkeys(("is_compiling", "is_dynamo_compiling", "is_exporting"), lambda: False),
            **dict.fromkeys(("allow_in_graph", "assume_constant_result"), _same),
            **dict.fromkeys(("reset", "cudagraph_mark_step_begin"), nothing),
            "set_stance": Stance,
        },
        "torch._dynamo": {
            **dict.fromkeys(("reset", "graph_break", "mark_dynamic", "mark_static", "maybe_mark_dynamic"), nothing),
            **dict.fromkeys(("allow_in_graph",), _same),
            "disable": _disable,
            "is_compiling": lambda: False,
        },
        "torch.utils.deterministic": {"fill_uninitialized_memory": True},
        "torch.utils.backcompat": {"broadcast_warning": Warned(), "keepdim_warning": Warned()},
        "torch.cuda": {
            "empty_cache": nothing,
            "synchronize": torch.cuda.synchronize,
            **{name: _absent(name) for name in _OF_DEVICES},
        },
        "torch._logging": {"set_logs": nothing},
    }
