"""What `torch.jit` gives back: functions and modules that run as they stand, or traces, which are PyTorch's own.

`_real` is PyTorch's own object where there is one. It is never a value: its errors and its graph name lines of ours.
"""

from __future__ import annotations

import contextlib
import copy
import weakref
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import torch

from engine.errors import Refused
from engine.standins import Offered, Run
from engine.tracing import plainly


class Graph(Offered):
    """The graph of a trace, as text. PyTorch writes where each node comes from too: those are lines of ours."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


Graph.__module__ = "torch"


class Compiled(Offered):
    """A function or method, and what PyTorch made of it where it made something."""

    _call: Any = None
    _real: Any = None
    _scripted: Any = None
    _exported: Any = ()
    _preserved: Any = ()
    # Fields that the class has too are not the program's to write.

    @property
    def code(self) -> str:
        """As PyTorch writes it."""
        if self._real is None:
            raise Refused("refused.attribute", name="code", type=type(self).__name__)
        return str(self._real.code)

    @property
    def graph(self) -> Graph:
        """As PyTorch writes it, without the places."""
        if self._real is None:
            raise Refused("refused.attribute", name="graph", type=type(self).__name__)
        return Graph(self._real.graph.str(False))

    @property
    def inlined_graph(self) -> Graph:
        """Likewise, with what it calls in its place."""
        if self._real is None:
            raise Refused("refused.attribute", name="inlined_graph", type=type(self).__name__)
        return Graph(self._real.inlined_graph.str(False))


class ScriptFunction(Compiled):
    """What `torch.jit.script` and `torch.jit.trace` make of a function: it, called as it is, or its trace."""

    def __init__(self, run: Any = None, function: Any = None, real: Any = None) -> None:
        if not isinstance(run, Run):
            raise TypeError("ScriptFunction: No constructor defined!")
        self._call = (run, function)
        self._real = real
        self.name = getattr(function, "__name__", "") if real is None else real.name
        self.qualified_name = f"__torch__.{self.name}" if real is None else real.qualified_name
        if real is None:
            self.__name__ = "ScriptFunction"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._real is not None:
            with plainly():
                return self._real(*args, **kwargs)
        run, function = self._call
        return run.owner.invoke(function, args, kwargs)

    def __repr__(self) -> str:
        return f"<torch.jit.torch.jit.ScriptFunction object at {id(self):#x}>"


ScriptFunction.__module__ = "torch.jit"
ScriptFunction.__qualname__ = "torch.jit.ScriptFunction"


EXPORTED: weakref.WeakSet[Any] = weakref.WeakSet()
"""Functions that a program marked to be compiled with the module they are methods of."""


def _exported(kind: type) -> frozenset[str]:
    """Names of the methods that are compiled whether or not they are traced."""
    return frozenset(
        name
        for base in kind.__mro__
        for name, one in vars(base).items()
        if isinstance(one, FunctionType) and one in EXPORTED
    )


class ScriptMethod(Compiled):
    """A method of a traced module."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.name = real.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with plainly():
            return self._real(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<torch.ScriptMethod object at {id(self):#x}>"


ScriptMethod.__module__ = "torch"


class ScriptModule(Offered, torch.nn.Module):
    """A module that is compiled as it is made: here a module like any other."""

    derivable = True
    offered = frozenset({"code", "graph", "inlined_graph", "original_name", "save"})


class RecursiveScriptModule(Compiled, ScriptModule):
    """What `torch.jit` makes of a module: it, one level down, under the same names; or PyTorch's own, where it is a
    trace."""

    derivable = False

    def __init__(self, module: torch.nn.Module, real: Any = None) -> None:
        super().__init__()
        self.__dict__.update(_scripted=module, _real=real, _exported=_exported(type(module)))
        self.original_name = getattr(module, "original_name", type(module).__name__)
        if hasattr(module, "training"):
            self.training = module.training
        else:  # frozen
            del self.__dict__["training"]
        for name, child in module.named_children():
            part = None if real is None else getattr(real, name)
            self._modules[name] = child if isinstance(child, RecursiveScriptModule) else self._made_of(child, part)
        self._read()

    def _made_of(self, child: torch.nn.Module, real: Any) -> RecursiveScriptModule:
        return RecursiveScriptModule(child, real)

    def _read(self) -> None:
        """The parameters and buffers are those of what is called."""
        source = self._scripted if self._real is None else self._real
        self._parameters = dict(source._parameters.items())
        self._buffers = dict(source._buffers.items())

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__
        for table in ("_parameters", "_buffers", "_modules"):
            if name in fields.get(table, ()):
                return fields[table][name]
        if "_scripted" not in fields:
            raise AttributeError(name)
        if self._real is None:
            return getattr(fields["_scripted"], name)
        if not self._real._c.hasattr(name) and name in fields["_exported"]:
            return getattr(fields["_scripted"], name)
        found = getattr(self._real, name)
        return ScriptMethod(found) if isinstance(found, torch._C.ScriptMethod) else found

    def __setattr__(self, name: str, value: Any) -> None:
        if self._real is not None and name[:1] != "_" and self._real._c.hasattr(name):
            setattr(self._real, name, value)
            if name not in self._parameters and name not in self._buffers and name != "training":
                return
        super().__setattr__(name, value)

    def _apply(self, fn: Any, recurse: bool = True) -> RecursiveScriptModule:
        (self._scripted if self._real is None else self._real)._apply(fn, recurse)
        for module in self.modules():
            if isinstance(module, RecursiveScriptModule):
                module._read()
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> RecursiveScriptModule:
        if self._real is None:
            return RecursiveScriptModule(copy.deepcopy(self._scripted, memo))
        real = copy.deepcopy(self._real, memo)
        return RecursiveScriptModule(real, real)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module or its trace gives."""
        if self._real is None:
            return self._scripted(*args, **kwargs)
        with plainly():
            return self._real(*args, **kwargs)

    def train(self, mode: bool = True) -> RecursiveScriptModule:
        """Likewise for the module itself."""
        (self._scripted if self._real is None else self._real).train(mode)
        super().train(mode)
        return self

    def extra_repr(self) -> str:
        """As PyTorch says it."""
        return f"original_name={self.original_name}"


class TracedModule(RecursiveScriptModule):
    """A part of what `torch.jit.trace` makes of a module: shown under the name it had."""

    def _made_of(self, child: torch.nn.Module, real: Any) -> RecursiveScriptModule:
        return TracedModule(child, real)

    def _get_name(self) -> str:
        return str(self.original_name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Only the whole was traced."""
        raise RuntimeError("Trace submodules cannot be called.")


class TopLevelTracedModule(TracedModule):
    """What `torch.jit.trace` makes of a module: PyTorch's own trace, with the module's parameters under their names."""

    forward = RecursiveScriptModule.forward


class FrozenModule(RecursiveScriptModule):
    """What `torch.jit.freeze` makes of a scripted module: a copy whose parts and values are no longer to be seen."""

    def __init__(self, module: torch.nn.Module, preserved: list[str]) -> None:
        ScriptModule.__init__(self)
        self.__dict__.update(_scripted=module.requires_grad_(False), _preserved=preserved)
        self.original_name = type(module).__name__
        del self.__dict__["training"]

    def _read(self) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name not in self.__dict__.get("_preserved", ()):
            raise AttributeError(f"'RecursiveScriptModule' object has no attribute '{name}'")
        return getattr(self._scripted, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenModule:
        return FrozenModule(copy.deepcopy(self._scripted, memo), self._preserved)


class OptimizedModule(RecursiveScriptModule):
    """What `torch.jit.optimize_for_inference` makes of a trace: frozen; the layouts of this machine are not put in."""

    def _hidden(self) -> Any:
        raise Refused("refused.attribute", name="code", type="RecursiveScriptModule")

    code = graph = inlined_graph = property(_hidden)


ScriptModule.__module__ = RecursiveScriptModule.__module__ = "torch.jit._script"
TracedModule.__module__ = TopLevelTracedModule.__module__ = "torch.jit._trace"
for _kind in (FrozenModule, OptimizedModule):
    _kind.__module__, _kind.__name__, _kind.__qualname__ = "torch.jit._script", *["RecursiveScriptModule"] * 2


@contextlib.contextmanager
def real_parts(module: Any) -> Iterator[None]:
    """Parts that are traces already take part in a trace as PyTorch's own."""
    kept = []
    for home in list(module.modules()) if isinstance(module, torch.nn.Module) else ():
        for name, part in list(home._modules.items()):
            if isinstance(part, RecursiveScriptModule) and part._real is not None:
                kept.append((home._modules, name, part))
    for parts, name, part in kept:
        parts[name] = part._real
    try:
        yield
    finally:
        for parts, name, part in kept:
            parts[name] = part
