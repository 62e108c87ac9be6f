"""sys, gc, platform, pprint and switches of other devices: their harmless parts."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import pprint
import sys
import uuid
from typing import Any

import torch

from engine.standins import Names, Offered, Run


class Flags(Offered):
    """A group of switches that may be read and set, and change nothing on a CPU."""


class Warned(Flags):
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
        """`sys.stdout`, or `sys.stderr`, which nobody sees."""

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
            "stderr": Stream(nothing),
        },
        "gc": {"collect": zero, "enable": nothing, "disable": nothing, "isenabled": lambda: True},
        "platform": {
            "system": lambda: "Linux",
            "python_version": lambda: sys.version.split()[0],
            "machine": lambda: "x86_64",
        },
        "pprint": {"pprint": printed, "pformat": pprint.pformat, "pp": printed},
        "traceback": {"print_exc": nothing},
        "uuid": {"uuid4": identifier},
        "torch": {"compile": _compile},
        "torch.compiler": {"disable": _disable, "is_compiling": lambda: False, "reset": nothing},
        "torch.utils.deterministic": {"fill_uninitialized_memory": True},
        "torch.utils.backcompat": {"broadcast_warning": Warned(), "keepdim_warning": Warned()},
        "torch.backends.mkldnn": {"enabled": True, "deterministic": False},
        "torch.backends.opt_einsum": {"enabled": torch.backends.opt_einsum.enabled, "strategy": "auto"},
        "torch.backends": {"fp32_precision": "none"},
        "torch.backends.cudnn": {
            "enabled": True,
            "benchmark": False,
            "deterministic": False,
            "allow_tf32": True,
            "fp32_precision": "none",
        },
        "torch.backends.cudnn.conv": {"fp32_precision": "tf32"},
        "torch.backends.cudnn.rnn": {"fp32_precision": "tf32"},
        "torch.backends.cuda.matmul": {
            "allow_tf32": False,
            "allow_fp16_reduced_precision_reduction": True,
            "fp32_precision": "none",
        },
        "torch.cuda": {"empty_cache": nothing, "synchronize": torch.cuda.synchronize},
    }
