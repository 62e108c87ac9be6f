"""torch.jit: traces are PyTorch's own; what would be compiled from its text runs as it stands: it computes the same."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import copy
import hashlib
import io
import os
import types
import typing
import warnings
from typing import Any

import torch

from engine.errors import Refused
from engine.scripted import (
    EXPORTED,
    Compiled,
    FrozenModule,
    OptimizedModule,
    RecursiveScriptModule,
    ScriptFunction,
    ScriptModule,
    TopLevelTracedModule,
    real_parts,
)
from engine.standins import Names, Run
from engine.standins.waiting import offer as waiting
from engine.tracing import check, watched

_FREEZES = "Please use torch.jit.script or torch.jit.trace to script your 'nn.Module'."


def _same(value: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Marks for the compiler."""
    return value


def offer(run: Run) -> Names:
    """`script`, `trace`, `freeze`, `save`, `load` and the marks."""
    future_class = waiting(run)["torch.futures"]["Future"]
    save, load = _storage(run)
    RecursiveScriptModule.save = ScriptFunction.save = save  # type: ignore[attr-defined]

    def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
        """`torch.jit.script`."""
        if isinstance(obj, ScriptModule | ScriptFunction | type):
            return obj
        if isinstance(obj, torch.nn.Module):
            return RecursiveScriptModule(obj)
        if not callable(obj):
            raise RuntimeError(f"Could not get name of python class object {obj}")
        return ScriptFunction(run, obj)

    def fork(func: Any, *args: Any, **kwargs: Any) -> Any:
        """`torch.jit.fork`: done where it is asked for."""
        future = future_class()
        future.set_result(run.owner.invoke(func, args, kwargs))
        return future

    def wait(future: Any) -> Any:
        """`torch.jit.wait`."""
        return future.wait()

    def export(fn: Any) -> Any:
        """`torch.jit.export`."""
        if isinstance(fn, types.FunctionType):
            EXPORTED.add(fn)
        return fn

    def annotate(the_type: Any, the_value: Any) -> Any:
        """`torch.jit.annotate`."""
        return the_value

    marks = dict.fromkeys(("ignore", "unused", "script_method", "script_if_tracing", "interface"), _same)
    names = {
        "script": script,
        "save": save,
        "load": load,
        "fork": fork,
        "wait": wait,
        "annotate": annotate,
        "export": export,
    }
    kinds = (ScriptFunction, ScriptModule, RecursiveScriptModule, TopLevelTracedModule)
    own = ("Attribute", "TracerWarning", "TracingCheckError", "isinstance", "is_tracing", "strict_fusion")
    return {
        "torch.jit": {
            **{name: getattr(torch.jit, name) for name in own},
            **{kind.__name__: kind for kind in kinds},
            **names,
            **marks,
            **_tracing(run),
            **_optimizing(),
            "is_scripting": lambda: False,
            "Final": typing.Final,
        }
    }


def _tracing(run: Run) -> dict[str, Any]:
    def able(module: Any) -> None:
        for part in module.modules():
            noted = getattr(type(part), "__annotations__", {}).values()
            if type(part).__module__ == "__main__" and any(isinstance(one, str) for one in noted):
                raise Refused("refused.trace", name=type(part).__name__)

    def trace(
        func: Any,
        example_inputs: Any = None,
        optimize: Any = None,
        check_trace: bool = True,
        check_inputs: Any = None,
        check_tolerance: float = 1e-5,
        strict: bool = True,
        *,
        example_kwarg_inputs: Any = None,
    ) -> Any:
        """`torch.jit.trace` of a function or module of the program."""
        if isinstance(func, types.MethodType) and func.__name__ == "forward":
            func = func.__self__ if isinstance(func.__self__, torch.nn.Module) else func
        if isinstance(func, ScriptModule):
            warnings.warn(
                "The input to trace is already a ScriptModule, tracing it is a no-op. Returning the object as is.",
                stacklevel=2,
            )
            return func
        if not (isinstance(func, torch.nn.Module) or run.owner.owns(func)):
            raise Refused("refused.trace", name=getattr(func, "__name__", type(func).__name__))
        options = (example_inputs, optimize, check_trace, check_inputs, check_tolerance, strict)
        if isinstance(func, torch.nn.Module):
            able(func)
        with real_parts(func), watched(run):
            real = torch.jit.trace(func, *options, example_kwarg_inputs=example_kwarg_inputs)  # type: ignore[no-untyped-call]
        check(real)
        return (
            TopLevelTracedModule(func, real) if isinstance(func, torch.nn.Module) else ScriptFunction(run, func, real)
        )

    def trace_module(
        mod: Any,
        inputs: Any,
        optimize: Any = None,
        check_trace: bool = True,
        check_inputs: Any = None,
        check_tolerance: float = 1e-5,
        strict: bool = True,
        *,
        example_inputs_is_kwarg: bool = False,
    ) -> Any:
        """`torch.jit.trace_module`: methods of a module by their names."""
        if isinstance(mod, torch.nn.Module) and isinstance(inputs, dict):
            able(mod)
            inputs = {**inputs}
            for name in inputs:
                if type(name) is not str or (name != "forward" and not run.owner.owns(run.owner.read(mod, name))):
                    raise Refused("refused.trace", name=str(name))
        options = (inputs, optimize, check_trace, check_inputs, check_tolerance, strict)
        with real_parts(mod), watched(run):
            real = torch.jit.trace_module(mod, *options, example_inputs_is_kwarg=example_inputs_is_kwarg)  # type: ignore[no-untyped-call]
        check(real)
        return TopLevelTracedModule(mod, real)

    return {"trace": trace, "trace_module": trace_module}


def _optimizing() -> dict[str, Any]:
    fusion = [False]

    def freeze(mod: Any, preserved_attrs: Any = None, optimize_numerics: bool = True) -> Any:
        """`torch.jit.freeze`."""
        if not isinstance(mod, ScriptModule):
            raise RuntimeError(f"Freezing expects a ScriptModule as input. {_FREEZES}")
        if mod.training:
            raise RuntimeError(
                "Freezing is currently only implemented for modules in eval mode. "
                "Please call .eval() on your module before freezing."
            )
        preserved = [] if preserved_attrs is None else list(preserved_attrs)
        if isinstance(mod, RecursiveScriptModule) and mod._real is not None:
            real = torch.jit.freeze(mod._real, preserved, optimize_numerics)
            return RecursiveScriptModule(real, real)
        module = mod._scripted if isinstance(mod, RecursiveScriptModule) else mod
        for name in preserved:
            if "." in name:
                raise Refused("refused.name", name=name)
            if not hasattr(module, name):
                raise RuntimeError(f"Unknown name: {name}")
        return FrozenModule(copy.deepcopy(module), preserved)

    def optimize_for_inference(mod: Any, other_methods: Any = None) -> Any:
        """`torch.jit.optimize_for_inference`: freezes."""
        if not isinstance(mod, ScriptModule):
            raise RuntimeError(f"optimize_for_inference expects a ScriptModule as input. {_FREEZES}")
        frozen = freeze(mod.eval(), other_methods) if hasattr(mod, "training") else mod
        real = getattr(frozen, "_real", None)
        return frozen if real is None else OptimizedModule(real, real)

    def enable_onednn_fusion(enabled: bool) -> None:
        """`torch.jit.enable_onednn_fusion`: it would change no value."""
        fusion[0] = bool(enabled)

    def onednn_fusion_enabled() -> bool:
        """`torch.jit.onednn_fusion_enabled`."""
        return fusion[0]

    made = (freeze, optimize_for_inference, enable_onednn_fusion, onednn_fusion_enabled)
    return {function.__name__: function for function in made}


def _storage(run: Run) -> tuple[Any, Any]:
    written: set[bytes] = set()
    kept: dict[str, Any] = {}

    def save(m: Any, f: Any, *args: Any, **kwargs: Any) -> None:
        """`torch.jit.save` to the run's folder or an open file."""
        path = os.fspath(f) if isinstance(f, str | os.PathLike) else None
        if isinstance(m, Compiled):
            if m._real is None:
                if path is None:
                    raise Refused("refused.trace", name="save")
                kept[path] = copy.deepcopy(m) if isinstance(m, ScriptModule) else m
                run.folder.keep(path, b"scripted")
                return
            m = m._real
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
                return copy.deepcopy(kept[path]) if isinstance(kept[path], ScriptModule) else kept[path]
            content = run.folder.open(path, "rb").read()
        else:
            content = run.owner.invoke(run.owner.read(f, "read"), (), {})
        if hashlib.sha256(content).digest() not in written:
            raise Refused("refused.load")
        real = torch.jit.load(io.BytesIO(content))  # type: ignore[no-untyped-call]
        return RecursiveScriptModule(real, real)

    return save, load
