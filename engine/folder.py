"""The run's folder: files that live in memory and end with the run. `open`, `torch.save` and `torch.load` use it.

torch.save writes what PyTorch writes; torch.load reads with PyTorch. Only bytes that torch.save of this run
wrote are ever
unpickled in full: anything else is read with weights_only.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

import torch

from engine.errors import LimitReached, Refused
from engine.limits import DEFAULT, Limits


class Folder:
    """Files by path, each its bytes."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self._files: dict[str, bytes] = {}
        self._written: set[bytes] = set()
        self._classes: dict[str, Any] = {}
        self.own_only = False
        """Whether only what this run has saved may be loaded: classes of a library are trusted."""

    def files(self) -> list[tuple[str, bytes]]:
        """(path, content) of every file, in the order in which they were first written."""
        return list(self._files.items())

    def exists(self, path: Any) -> bool:
        """Whether there is a file, or a folder on the way to one."""
        name = self._name(path)
        return name in self._files or any(file.startswith(f"{name.rstrip('/')}/") for file in self._files)

    def remove(self, path: Any) -> None:
        """Delete a file."""
        self._content(path)
        del self._files[self._name(path)]

    def names(self) -> list[str]:
        """The paths."""
        return list(self._files)

    def keep(self, path: str, content: bytes) -> None:
        """Write a file whole. Raises LimitReached beyond the number or size of files."""
        if len(content) > self.limits.file_size:
            raise LimitReached("limit.file_size", size=len(content), limit=self.limits.file_size)
        if path not in self._files and len(self._files) >= self.limits.files:
            raise LimitReached("limit.files", limit=self.limits.files)
        self._files[path] = content

    def _name(self, path: Any) -> str:
        name = os.fspath(path) if not isinstance(path, str) else path
        if isinstance(name, bytes):
            name = name.decode()
        return str(name).removeprefix("./")

    def _content(self, path: Any) -> bytes:
        name = self._name(path)
        if name not in self._files:
            raise FileNotFoundError(2, "No such file or directory", os.fspath(path))
        return self._files[name]

    def open(
        self, file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None, errors: str | None = None,
        newline: str | None = None, closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        """`open` on the folder: an object like a file; written ones are kept when closed."""
        if not isinstance(file, str | bytes | os.PathLike):
            raise TypeError(f"expected str, bytes or os.PathLike object, not {type(file).__name__}")
        letters = set(mode)
        if letters - set("rwaxbt+") or len(letters & set("rwax")) != 1:
            raise ValueError(f"invalid mode: {mode!r}")
        name = self._name(file)
        if "x" in letters and name in self._files:
            raise FileExistsError(17, "File exists", os.fspath(file))
        content = b"" if letters & set("wx") else self._files.get(name, b"") if "a" in letters else self._content(file)
        opened: Any = _Bytes(content) if "b" in letters else _Text(content.decode(encoding or "utf-8"))
        if "a" in letters:
            opened.seek(0, io.SEEK_END)
        opened.name, opened.mode = file, mode
        if "b" not in letters:
            opened.encoding = encoding or "UTF-8"
        if letters & set("wax+"):
            opened.keep = lambda written: self.keep(name, written)
            opened.flush_to_folder()
        return opened

    def save(
        self, obj: object, f: Any, pickle_module: Any = None, pickle_protocol: int = 2,
        _use_new_zipfile_serialization: bool = True,
    ) -> None:  # fmt: skip
        """`torch.save` to a path or an open file of the run."""
        buffer = io.BytesIO()
        with self.classes(obj):
            torch.save(
                obj,
                buffer,
                pickle_protocol=pickle_protocol,
                _use_new_zipfile_serialization=_use_new_zipfile_serialization,
            )
        content = buffer.getvalue()
        self._written.add(hashlib.sha256(content).digest())
        if isinstance(f, str | bytes | os.PathLike):
            self.keep(self._name(f), content)
        elif isinstance(f, io.BytesIO):
            f.write(content)
        else:
            torch.save(obj, f)  # raises what PyTorch raises for what is no file

    def load(
        self, f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None,
        mmap: bool | None = None, **pickle_load_args: Any,
    ) -> Any:  # fmt: skip
        """`torch.load` from a path or an open file of the run."""
        if isinstance(f, str | bytes | os.PathLike):
            content = self._content(f)
        elif isinstance(f, io.BytesIO):
            content = f.read()
        else:
            raise AttributeError(_NO_FILE.format(type(f).__name__))
        if (weights_only is False or self.own_only) and not self._is_ours(content):
            raise Refused("refused.load")
        with self.classes(None), _whole():
            return torch.load(io.BytesIO(content), map_location=map_location, weights_only=weights_only is not False)

    def _is_ours(self, content: bytes) -> bool:
        """Whether `torch.save` has written it in this run."""
        return hashlib.sha256(content).digest() in self._written

    def classes(self, obj: object) -> _Main:
        """While saving and loading, the program's own classes are found where pickle looks for them."""
        for value in _walk(obj):
            kind = value if isinstance(value, type) else type(value)
            if kind.__module__ == "__main__":
                self._classes[kind.__qualname__] = kind
            if isinstance(value, types.FunctionType) and value.__module__ == "__main__":
                self._classes[value.__qualname__] = value
        return _Main(self._classes)


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """Where `skip_data` is entered PyTorch would give memory that nobody wrote: here the tensors are read all the
    same."""
    here = torch.serialization._serialization_tls
    skipping, here.skip_data = here.skip_data, False
    try:
        yield
    finally:
        here.skip_data = skipping


_NO_FILE = (
    "'{}' object has no attribute 'read'. You can only torch.load from a file that is seekable. "
    "Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
)


class _Main:
    """A module `__main__` that holds the program's classes, in place of ours for one call."""

    def __init__(self, classes: dict[str, Any]) -> None:
        self.module = types.ModuleType("__main__")
        vars(self.module).update(classes)
        self.ours: types.ModuleType | None = None

    def __enter__(self) -> None:
        self.ours = sys.modules.get("__main__")
        sys.modules["__main__"] = self.module

    def __exit__(self, *_: object) -> None:
        if self.ours is not None:
            sys.modules["__main__"] = self.ours


def _walk(obj: object) -> Iterator[object]:
    """The values inside a value that pickle would meet, without recursion."""
    stack, seen = [obj], set[int]()
    while stack and len(seen) < 100_000:
        value = stack.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float) or value is None:
            continue
        if isinstance(value, torch.Tensor) and type(value).__module__ != "__main__":
            continue
        seen.add(id(value))
        yield value
        if isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list | tuple | set | frozenset):
            stack.extend(value)
        elif not isinstance(value, type | types.FunctionType | types.ModuleType):
            stack.extend(getattr(value, "__dict__", {}).values())


class _Kept:
    """What an open file of the folder adds to an in-memory one."""

    keep: Any = None
    name: Any = ""
    mode = "r"

    def flush_to_folder(self) -> None:
        """Write what there is to the folder."""
        if self.keep is not None:
            text = self.getvalue()  # type: ignore[attr-defined]
            self.keep(text.encode() if isinstance(text, str) else text)

    def flush(self) -> None:
        """Likewise."""
        self.flush_to_folder()

    def close(self) -> None:
        """Likewise, and no more."""
        if not self.closed:  # type: ignore[attr-defined]
            self.flush_to_folder()
        super().close()  # type: ignore[misc]


class _Bytes(_Kept, io.BytesIO):
    """A binary file."""

    def __repr__(self) -> str:
        kind = "Random" if "+" in self.mode else "Reader" if "r" in self.mode else "Writer"
        return f"<_io.Buffered{kind} name={self.name!r}>"


class _Text(_Kept, io.StringIO):
    """A text file."""

    encoding = "UTF-8"

    def __repr__(self) -> str:
        return f"<_io.TextIOWrapper name={self.name!r} mode={self.mode!r} encoding={self.encoding!r}>"
