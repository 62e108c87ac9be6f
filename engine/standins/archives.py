"""pickle: objects of the run to bytes and back. Only bytes that the run itself made are ever read."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import hashlib
import io
import pickle
import types
from typing import Any

from engine.errors import Refused
from engine.standins import Names, Offered, Run

_FUNCTIONS = (
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodWrapperType),
    *(types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType),
)

_REBUILDING = frozenset(
    {
        *("torch._utils", "torch.storage", "torch._tensor", "copyreg"),
        *("numpy._core.multiarray", "numpy.core.multiarray", "numpy._core.numeric"),
    }
)
"""Where the library keeps the functions that make a tensor or array again: no program holds one of them."""


class _Writer(pickle.Pickler):
    """Writes values; of functions only those of the program, since a name would give back one without its guard."""

    def reducer_override(self, value: Any) -> Any:
        """Asked of every value that is not Python's own data."""
        kind: Any = type(value)
        home = getattr(value, "__module__", None)
        named = issubclass(kind, _FUNCTIONS) and home != "__main__"
        if named and not (home in _REBUILDING and str(value.__name__).startswith("_")):
            raise Refused("refused.pickle", type=str(kind.__name__))
        if issubclass(kind, Offered) or kind.__module__.startswith("engine."):
            raise Refused("refused.pickle", type=kind.__name__)
        return NotImplemented


def offer(run: Run) -> Names:
    """`dumps`, `loads`, `dump` and `load`."""
    written: set[bytes] = set()

    def dumps(obj: Any, protocol: int | None = None, **kwargs: Any) -> bytes:
        """`pickle.dumps`."""
        buffer = io.BytesIO()
        with run.folder.classes(obj):
            _Writer(buffer, protocol).dump(obj)
        content = buffer.getvalue()
        written.add(hashlib.sha256(content).digest())
        return content

    def loads(data: Any, **kwargs: Any) -> Any:
        """`pickle.loads` of what `dumps` of this run gave."""
        if not isinstance(data, bytes):
            raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'")
        if hashlib.sha256(data).digest() not in written:
            raise Refused("refused.load")
        with run.folder.classes(None):
            return pickle.loads(data)

    def dump(obj: Any, file: Any, protocol: int | None = None, **kwargs: Any) -> None:
        """`pickle.dump` to an open file of the run."""
        run.owner.invoke(run.owner.read(file, "write"), (dumps(obj, protocol),), {})

    def load(file: Any, **kwargs: Any) -> Any:
        """`pickle.load` from an open file of the run."""
        return loads(run.owner.invoke(run.owner.read(file, "read"), (), {}))

    numbers = {name: getattr(pickle, name) for name in ("HIGHEST_PROTOCOL", "DEFAULT_PROTOCOL")}
    errors = {name: getattr(pickle, name) for name in ("PickleError", "PicklingError", "UnpicklingError")}
    return {"pickle": {"dumps": dumps, "loads": loads, "dump": dump, "load": load, **numbers, **errors}}
