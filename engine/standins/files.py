"""torch.save, torch.load, io, os, pathlib: all on the run's folder."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import contextlib
import fnmatch
import io
import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import torch

from engine.errors import Refused
from engine.standins import Names, Offered, Run


def offer(run: Run) -> Names:
    """What reads and writes files."""
    folder = run.folder
    environment: dict[str, str] = {}

    class Path(Offered, PurePosixPath):
        """`pathlib.Path` on the run's folder."""

        def exists(self) -> bool:
            return folder.exists(self)

        def is_file(self) -> bool:
            return str(self) in folder.names()

        def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
            return None

        def unlink(self, missing_ok: bool = False) -> None:
            if not (missing_ok and not self.exists()):
                folder.remove(self)

        def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            return folder.open(self, mode, *args, **kwargs)

        def read_text(self) -> str:
            return str(folder.open(self).read())

        def write_text(self, text: str) -> int:
            with folder.open(self, "w") as file:
                return int(file.write(text))

    def nothing(*args: Any, **kwargs: Any) -> None:
        """A folder needs no making."""

    def listed(path: Any = ".") -> list[str]:
        """`os.listdir`."""
        return folder.names()

    def trusted(classes: list[Any]) -> list[Any]:
        """Classes that torch.load may make: the program's own, and no others."""
        for one in classes:
            if not (isinstance(one, type) and run.owner.owns(one)):
                raise Refused("refused.safe_globals")
        return classes

    def add(safe_globals: list[Any]) -> None:
        """`torch.serialization.add_safe_globals`."""
        torch.serialization.add_safe_globals(trusted(list(safe_globals)))

    @contextlib.contextmanager
    def safe(safe_globals: list[Any]) -> Iterator[None]:
        """`torch.serialization.safe_globals`."""
        with torch.serialization.safe_globals(trusted(list(safe_globals))):
            yield

    def globbed(pathname: Any, **kwargs: Any) -> list[str]:
        """`glob.glob`: names of the folder that fit, part by part."""
        parts = PurePosixPath(pathname).parts

        def fits(name: str) -> bool:
            found = PurePosixPath(name).parts
            return len(found) == len(parts) and all(map(fnmatch.fnmatchcase, found, parts))

        return [name for name in folder.names() if fits(name)]

    def unsafe(f: Any) -> list[str]:
        """`torch.serialization.get_unsafe_globals_in_checkpoint`: read, not run."""
        found: list[str] = torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(folder.open(f, "rb").read()))
        return found

    serialization = {
        "get_unsafe_globals_in_checkpoint": unsafe,
        "add_safe_globals": add,
        "safe_globals": safe,
        "get_safe_globals": torch.serialization.get_safe_globals,
        "clear_safe_globals": torch.serialization.clear_safe_globals,
    }
    path = {
        **{
            name: getattr(posixpath, name)
            for name in ("join", "basename", "dirname", "splitext", "split", "normpath", "sep")
        },
        "exists": folder.exists,
        "isfile": lambda path: str(path) in folder.names(),
        "isdir": lambda path: folder.exists(path) and str(path) not in folder.names(),
        "getsize": lambda path: len(dict(folder.files())[str(path)]),
        "abspath": lambda path: posixpath.normpath(posixpath.join("/", str(path))),
        "expanduser": lambda path: path,
    }
    return {
        "torch": {"save": folder.save, "load": folder.load},
        "torch.serialization": {"save": folder.save, "load": folder.load, **serialization},
        "io": {"BytesIO": io.BytesIO, "StringIO": io.StringIO, "open": folder.open},
        "glob": {"glob": globbed},
        "os": {
            "environ": environment,
            "getenv": environment.get,
            "makedirs": nothing,
            "mkdir": nothing,
            "listdir": listed,
            "remove": folder.remove,
            "unlink": folder.remove,
            "getcwd": lambda: "/",
            "cpu_count": lambda: 1,
            "sep": "/",
            "name": "posix",
            "linesep": "\n",
        },
        "os.path": path,
        "pathlib": {"Path": Path, "PurePath": PurePosixPath, "PosixPath": Path},
    }
