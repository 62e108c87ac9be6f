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

import numpy as np
import torch
from numpy._core import multiarray

from engine.errors import Refused
from engine.standins import Names, Offered, Run


class Options(Offered):
    """A group of options of torch.utils.serialization.config."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


class Opaque(Offered):
    """A function of numpy that a program may name as one to trust, and not call."""

    def __init__(self, real: Any) -> None:
        self._real = real


def _serialization(run: Run) -> Names:
    """torch.serialization and its options; none of these changes what is read back."""
    load = Options(mmap=False, endianness=None, mmap_flags=MAP_PRIVATE, calculate_storage_offsets=False)
    save = Options(compute_crc32=True, use_pinned_memory_for_d2h=False, storage_alignment=64)

    def trusted(classes: list[Any]) -> list[Any]:
        """Classes that torch.load may make: the program's own, and numpy's in what this run has saved."""
        found = [one._real if isinstance(one, Opaque) else one for one in classes]
        for one in found:
            if one in _REBUILDS.values() or (isinstance(one, type) and issubclass(one, _ARRAYS)):
                run.folder.own_only = True
            elif not (isinstance(one, type) and run.owner.owns(one)):
                raise Refused("refused.safe_globals")
        return found

    def add(safe_globals: list[Any]) -> None:
        """`torch.serialization.add_safe_globals`."""
        torch.serialization.add_safe_globals(trusted(list(safe_globals)))

    @contextlib.contextmanager
    def safe(safe_globals: list[Any]) -> Iterator[None]:
        """`torch.serialization.safe_globals`."""
        with torch.serialization.safe_globals(trusted(list(safe_globals))):
            yield

    def told() -> list[Any]:
        """`torch.serialization.get_safe_globals`, those of the program."""
        return [one for one in torch.serialization.get_safe_globals() if run.owner.owns(one)]

    def unsafe(f: Any) -> list[str]:
        """`torch.serialization.get_unsafe_globals_in_checkpoint`: read, not run."""
        content = io.BytesIO(run.folder.open(f, "rb").read())
        found: list[str] = torch.serialization.get_unsafe_globals_in_checkpoint(content)
        return found

    def set_crc32_options(compute_crc32: bool) -> None:
        """Whether checksums are written."""
        save.compute_crc32 = compute_crc32  # type: ignore[attr-defined]

    def set_default_load_endianness(endianness: Any) -> None:
        """The order of bytes where a file says none."""
        if not isinstance(endianness, torch.serialization.LoadEndianness) and endianness is not None:
            raise TypeError("Invalid argument type in function set_default_load_endianness")
        load.endianness = endianness  # type: ignore[attr-defined]

    class set_default_mmap_options(Offered):
        """A call, or a `with`."""

        def __init__(self, flags: int) -> None:
            if flags not in (MAP_PRIVATE, MAP_SHARED):
                raise ValueError(
                    "Invalid argument in function set_default_mmap_options, "
                    f"expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, but got {flags}"
                )
            self._before = load.mmap_flags  # type: ignore[attr-defined]
            load.mmap_flags = flags  # type: ignore[attr-defined]

        def __enter__(self) -> None:
            return None

        def __exit__(self, *error: object) -> None:
            load.mmap_flags = self._before  # type: ignore[attr-defined]

    return {
        "torch.serialization": {
            "save": run.folder.save,
            "load": run.folder.load,
            "get_unsafe_globals_in_checkpoint": unsafe,
            "add_safe_globals": add,
            "safe_globals": safe,
            "get_safe_globals": told,
            "clear_safe_globals": torch.serialization.clear_safe_globals,
            "skip_data": torch.serialization.skip_data,
            "LoadEndianness": torch.serialization.LoadEndianness,
            "get_crc32_options": lambda: save.compute_crc32,  # type: ignore[attr-defined]
            "set_crc32_options": set_crc32_options,
            "get_default_load_endianness": lambda: load.endianness,  # type: ignore[attr-defined]
            "set_default_load_endianness": set_default_load_endianness,
            "get_default_mmap_options": lambda: load.mmap_flags,  # type: ignore[attr-defined]
            "set_default_mmap_options": set_default_mmap_options,
        },
        "torch.utils.serialization.config": {"load": load, "save": save},
        "numpy._core.multiarray": {name: Opaque(real) for name, real in _REBUILDS.items()},
        "mmap": {"MAP_PRIVATE": MAP_PRIVATE, "MAP_SHARED": MAP_SHARED},
    }


_ARRAYS = (np.ndarray, np.dtype, np.generic)
_REBUILDS = {name: getattr(multiarray, name) for name in ("_reconstruct", "scalar")}
MAP_SHARED, MAP_PRIVATE = 1, 2
"""As in mmap, which Windows has without them."""


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
        """`os.listdir`: what lies right in a folder."""
        place = posixpath.normpath(str(path))
        start = "" if place in (".", "/") else f"{place}/"
        if start and not folder.exists(place):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        found = [name.removeprefix(start) for name in folder.names() if name.startswith(start)]
        return list(dict.fromkeys(name.split("/")[0] for name in found))

    def globbed(pathname: Any, **kwargs: Any) -> list[str]:
        """`glob.glob`: names of the folder that fit, part by part."""
        parts = PurePosixPath(pathname).parts

        def fits(name: str) -> bool:
            found = PurePosixPath(name).parts
            return len(found) == len(parts) and all(map(fnmatch.fnmatchcase, found, parts))

        return [name for name in folder.names() if fits(name)]

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
        **_serialization(run),
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
        "pathlib": {"PosixPath": Path, "Path": Path, "PurePath": PurePosixPath},
    }
