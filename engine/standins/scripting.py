"""torch.jit: traces are PyTorch's own; what would be compiled from its text runs as it stands: it computes the same."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import os
import typing
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from engine import lists
from engine.errors import Refused
from engine.observer import Observer
from engine.standins import Names, Offered, Run
from engine.standins.waiting import offer as waiting

FRAGILE = frozenset(
    {
        *("eigvals", "linalg_eigvals", "ctc_loss", "_ctc_loss", "repeat_interleave", "resize_", "resize_as_", "set_"),
        *("as_strided_", "polygamma", "special_zeta", "lobpcg", "embedding_bag", "_embedding_bag"),
    }
)
"""Operations whose guard looks at values: a trace would run them on other values without it."""


class ScriptFunction(Offered):
    """What `torch.jit.script` makes of a function: it, called as it is."""

    def __init__(self, run: Run, function: Any) -> None:
        self._call = (run, function)
        self.name = getattr(function, "__name__", "")
        self.__name__ = self.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        run, function = self._call
        return run.owner.invoke(function, args, kwargs)

    @property
    def code(self) -> str:
        """It was not compiled."""
        raise Refused("refused.attribute", name="code", type="ScriptFunction")

    graph = code

    def __repr__(self) -> str:
        return f"<torch.jit.torch.jit.ScriptFunction object at {id(self):#x}>"


ScriptFunction.__module__ = "torch.jit"
ScriptFunction.__qualname__ = "torch.jit.ScriptFunction"


class RecursiveScriptModule(Offered, torch.nn.Module):
    """What `torch.jit.script` makes of a module: it, one level down, under the same names."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.__dict__["_scripted"] = module
        self.original_name = type(module).__name__
        self.training = module.training
        for name, child in module.named_children():
            self._modules[name] = child if isinstance(child, RecursiveScriptModule) else self._made_of(child)
        self._parameters.update(module._parameters)
        self._buffers.update(module._buffers)

    def _made_of(self, child: torch.nn.Module) -> RecursiveScriptModule:
        return RecursiveScriptModule(child)

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__
        for table in ("_parameters", "_buffers", "_modules"):
            if name in fields.get(table, ()):
                return fields[table][name]
        return getattr(fields["_scripted"], name)

    code = graph = ScriptFunction.code

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.__dict__["_scripted"](*args, **kwargs)

    def train(self, mode: bool = True) -> RecursiveScriptModule:
        """Likewise for the module itself."""
        self.__dict__["_scripted"].train(mode)
        super().train(mode)
        return self

    def extra_repr(self) -> str:
        """As PyTorch says it."""
        return f"original_name={self.original_name}"


class TracedModule(RecursiveScriptModule):
    """A part of what `torch.jit.trace` makes of a module: shown under the name it had."""

    def _made_of(self, child: torch.nn.Module) -> RecursiveScriptModule:
        return TracedModule(child)

    def _get_name(self) -> str:
        return str(self.original_name)


class TopLevelTracedModule(TracedModule):
    """What `torch.jit.trace` makes of a module: PyTorch's own trace, with the module's parameters under their names."""

    def __init__(self, module: torch.nn.Module, traced: Any) -> None:
        super().__init__(module)
        self.__dict__["_traced"] = traced

    @property
    def code(self) -> str:
        """As PyTorch writes it."""
        return str(self.__dict__["_traced"].code)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the trace gives."""
        return self.__dict__["_traced"](*args, **kwargs)

    def train(self, mode: bool = True) -> TopLevelTracedModule:
        """Likewise for the trace."""
        self.__dict__["_traced"].train(mode)
        torch.nn.Module.train(self, mode)
        return self


RecursiveScriptModule.__module__ = "torch.jit._script"
TracedModule.__module__ = "torch.jit._trace"
TopLevelTracedModule.__module__ = "torch.jit._trace"


def _same(value: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Marks for the compiler."""
    return value


def _nameless(*frames: int) -> Any:
    """For every value of a trace: no name."""

    def name(value: object) -> str:
        return ""

    return name


@contextlib.contextmanager
def _unnamed() -> Iterator[None]:
    """PyTorch names the values of a trace after variables of the calling frame, which is one of ours."""
    home: Any = torch.jit._trace
    kept = home._create_interpreter_name_lookup_fn
    home._create_interpreter_name_lookup_fn = _nameless
    try:
        yield
    finally:
        home._create_interpreter_name_lookup_fn = kept


@contextlib.contextmanager
def _unwatched(run: Run) -> Iterator[None]:
    """What an observer asks of a tensor meanwhile would become part of the trace."""
    owner = run.owner
    kept, owner.observer = owner.observer, Observer()
    try:
        with _disable_current_modes():
            yield
    finally:
        owner.observer = kept


def _check(traced: Any) -> None:
    """Every operation of a trace is one a program may call, and none that its guard must see the values of."""
    graph = traced.graph if isinstance(traced, torch._C.ScriptFunction) else traced.inlined_graph
    for node in graph.nodes():
        home, _, name = node.kind().partition("::")
        if home == "prim":
            continue
        inputs = len(list(node.inputs()))
        known = name in _listed() or name.rstrip("_") in _listed()
        fragile = name in FRAGILE or name.startswith(("sparse_", "_sparse", "to_sparse"))
        if home != "aten" or not known or fragile or (name.startswith("div") and inputs > 2):
            raise Refused("refused.trace", name=node.kind())


def _listed() -> frozenset[str]:
    names = lists.module_names()
    of_tensor = lists.type_names()[torch.Tensor]
    linear = {f"linalg_{name}" for name in names["torch.linalg"]} | {f"fft_{name}" for name in names["torch.fft"]}
    more = {"_convolution", "linear", "batch_norm", "silu", "gelu", "contiguous", "to", "slice", "select", "upsample"}
    return frozenset({*names["torch"], *names["torch.nn.functional"], *of_tensor, *linear, *more})


def offer(run: Run) -> Names:
    """`script`, `trace`, `save`, `load` and the marks."""
    written: set[bytes] = set()
    kept: dict[str, RecursiveScriptModule] = {}

    def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
        """`torch.jit.script`."""
        if isinstance(obj, torch.nn.Module):
            traced = isinstance(obj, RecursiveScriptModule | torch.jit.ScriptModule)
            return obj if traced else RecursiveScriptModule(obj)
        if isinstance(obj, type):
            return obj
        if not callable(obj):
            raise RuntimeError(f"Could not get name of python class object {obj}")
        return ScriptFunction(run, obj)

    def trace(
        func: Any, example_inputs: Any = None, optimize: Any = None, check_trace: bool = True, **options: Any
    ) -> Any:
        """`torch.jit.trace` of a function or module of the program."""
        if not (isinstance(func, torch.nn.Module) or run.owner.owns(func)):
            raise Refused("refused.trace", name=getattr(func, "__name__", type(func).__name__))
        allowed = {
            name: options[name] for name in ("strict", "check_tolerance", "example_kwarg_inputs") if name in options
        }
        for module in func.modules() if isinstance(func, torch.nn.Module) else ():
            own = type(module).__module__ == "__main__"
            if own and any(isinstance(one, str) for one in getattr(type(module), "__annotations__", {}).values()):
                raise Refused("refused.trace", name=type(module).__name__)
        with _unnamed(), _unwatched(run):
            traced = torch.jit.trace(func, example_inputs, check_trace=check_trace, **allowed)  # type: ignore[no-untyped-call]
        _check(traced)
        return TopLevelTracedModule(func, traced) if isinstance(func, torch.nn.Module) else traced

    def save(m: Any, f: Any, *args: Any, **kwargs: Any) -> None:
        """`torch.jit.save` to the run's folder or an open file."""
        path = os.fspath(f) if isinstance(f, str | os.PathLike) else None
        if isinstance(m, TopLevelTracedModule):
            m = m.__dict__["_traced"]
        elif isinstance(m, RecursiveScriptModule):
            if path is None:
                raise Refused("refused.trace", name="save")
            kept[path] = copy.deepcopy(m)
            run.folder.keep(path, b"scripted")
            return
        buffer = io.BytesIO()
        torch.jit.save(m, buffer)
        written.add(hashlib.sha256(buffer.getvalue()).digest())
        if path is not None:
            kept.pop(path, None)
            run.folder.keep(path, buffer.getvalue())
        else:
            run.owner.invoke(run.owner.read(f, "write"), (buffer.getvalue(),), {})

    def load(f: Any, map_location: Any = None, **kwargs: Any) -> Any:
        """`torch.jit.load` of what the run saved."""
        path = os.fspath(f) if isinstance(f, str | os.PathLike) else None
        if path is not None:
            if not run.folder.exists(path):
                raise ValueError(f"The provided filename {path} does not exist")
            if path in kept:
                return copy.deepcopy(kept[path])
            content = run.folder.open(path, "rb").read()
        else:
            content = run.owner.invoke(run.owner.read(f, "read"), (), {})
        if hashlib.sha256(content).digest() not in written:
            raise Refused("refused.load")
        return torch.jit.load(io.BytesIO(content))  # type: ignore[no-untyped-call]

    def fork(func: Any, *args: Any, **kwargs: Any) -> Any:
        """`torch.jit.fork`: done where it is asked for."""
        future = future_class()
        future.set_result(run.owner.invoke(func, args, kwargs))
        return future

    def wait(future: Any) -> Any:
        """`torch.jit.wait`."""
        return future.wait()

    def annotate(the_type: Any, the_value: Any) -> Any:
        """`torch.jit.annotate`."""
        return the_value

    future_class = waiting(run)["torch.futures"]["Future"]
    RecursiveScriptModule.save = save  # type: ignore[attr-defined]
    marks = dict.fromkeys(
        ("export", "ignore", "unused", "script_method", "script_if_tracing", "interface", "freeze"), _same
    )
    flags = dict.fromkeys(("is_scripting", "is_tracing"), lambda: False)
    names = {"script": script, "trace": trace, "save": save, "load": load, "fork": fork, "wait": wait}
    return {"torch.jit": {**names, **marks, **flags, "annotate": annotate, "Final": typing.Final}}
