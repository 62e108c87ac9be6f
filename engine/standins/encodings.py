"""codecs and gzip: texts to bytes and back, and compressed files of the run's folder. What is unpacked is bounded."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from typing import Any

from engine.errors import LimitReached, Refused
from engine.standins import Names, Offered, Run

_TEXT = frozenset(
    {
        *("utf-8", "utf8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii", "us-ascii"),
        *("latin-1", "latin1", "iso-8859-1", "cp1252", "gbk", "gb2312", "gb18030", "big5", "shift-jis"),
        *("unicode-escape", "raw-unicode-escape", "rot13", "rot-13", "hex", "base64"),
    }
)
"""The codecs that make at most a few bytes of each."""
for _name in _TEXT:
    codecs.lookup(_name)  # now: a child imports nothing


def _named(encoding: Any) -> str:
    """The name of a codec. Raises Refused for one that unpacks, LookupError for what is none."""
    codecs.lookup(encoding)
    if str(encoding).lower().replace("_", "-") not in _TEXT:
        raise Refused("refused.name", name=f"codecs {encoding}")
    return str(encoding)


def offer(run: Run) -> Names:
    """On bytes in memory and on the run's folder."""
    folder = run.folder

    def encode(obj: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
        """`codecs.encode`."""
        return codecs.encode(obj, _named(encoding), errors)

    def decode(obj: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
        """`codecs.decode`."""
        return codecs.decode(obj, _named(encoding), errors)

    def opened(
        filename: Any, mode: str = "r", encoding: str | None = None, errors: str = "strict", buffering: int = -1
    ) -> Any:
        """`codecs.open`: a file of the folder."""
        return folder.open(filename, mode, encoding=None if encoding is None else _named(encoding))

    def unpacked(data: Any) -> bytes:
        """`gzip.decompress`, as much as a file may hold."""
        if bytes(data[:2]) != b"\x1f\x8b":
            return gzip.decompress(data)  # raises what Python raises for what is not packed
        unpacker = zlib.decompressobj(wbits=31)
        content = unpacker.decompress(data, run.limits.file_size)
        if unpacker.unconsumed_tail:
            raise LimitReached("limit.file_size", size=len(content) + 1, limit=run.limits.file_size)
        if not unpacker.eof:
            return gzip.decompress(data)  # it is short or broken: raises what Python raises
        return content

    def packed(data: Any, compresslevel: int = 9, *, mtime: Any = None) -> bytes:
        """`gzip.compress`, without the time of day."""
        return gzip.compress(data, compresslevel, mtime=0 if mtime is None else mtime)

    class Packed(Offered, io.BytesIO):
        """A compressed file that is written: it is kept when it is closed."""

        def __init__(self, filename: Any) -> None:
            super().__init__()
            self._filename = filename

        def close(self) -> None:
            if not self.closed:
                with folder.open(self._filename, "wb") as file:
                    file.write(gzip.compress(self.getvalue(), mtime=0))
            super().close()

    def unzipped(filename: Any, mode: str = "rb", compresslevel: int = 9, encoding: str | None = None, **_: Any) -> Any:
        """`gzip.open`: bytes, or a text where the mode has a t."""
        if "r" in mode:
            source = filename if isinstance(filename, io.BytesIO) else folder.open(filename, "rb")
            content = unpacked(source.read())
            return io.StringIO(content.decode(encoding or "utf-8")) if "t" in mode else io.BytesIO(content)
        if "t" in mode or not set(mode) <= set("wb"):
            raise Refused("refused.name", name=f"gzip.open {mode}")
        return Packed(filename)

    marks = {name: getattr(codecs, name) for name in ("BOM_UTF8", "BOM_UTF16", "BOM_UTF16_LE", "BOM_UTF16_BE")}
    return {
        "codecs": {"encode": encode, "decode": decode, "open": opened, **marks},
        "gzip": {"open": unzipped, "compress": packed, "decompress": unpacked},
    }
