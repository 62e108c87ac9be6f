"""torch.jit.trace: what may stand in a trace, how its values are named, and what is said where it fails.

A trace is PyTorch's own. It runs the recorded operations again on other values, past the guards of their functions: so
what a guard must see the values of does not stand in one, and a number read from a tensor is used as a size only.
"""

from __future__ import annotations

import contextlib
import difflib  # noqa: F401
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from engine import lists
from engine.errors import Refused
from engine.observer import Observer
from engine.standins import Run

# difflib tells two traces apart, and PyTorch imports it only then: too late in a child that opens no file.

FRAGILE = frozenset(
    {
        *("eigvals", "linalg_eigvals", "ctc_loss", "_ctc_loss", "repeat_interleave", "resize_", "resize_as_", "set_"),
        *("as_strided_", "polygamma", "special_zeta", "lobpcg", "embedding_bag", "_embedding_bag"),
    }
)
"""Operations whose guard looks at values: a trace would run them on other values without it."""

NUMBERS = frozenset({"aten::Int", "aten::IntImplicit", "aten::FloatImplicit", "aten::ScalarImplicit"})
"""Operations that make a number of a tensor."""

UPSAMPLES = frozenset(
    f"upsample_{kind}{n}d"
    for kind, sizes in (("nearest", "123"), ("linear", "1"), ("bilinear", "2"), ("bicubic", "2"), ("trilinear", "3"))
    for n in sizes
)

SIZED = frozenset(
    {
        *UPSAMPLES,
        *("view", "reshape", "expand", "repeat", "narrow", "slice", "select", "chunk", "split", "unflatten", "roll"),
        *("zeros", "ones", "full", "rand", "randn", "randint", "randperm", "arange", "linspace", "eye"),
        *("new_zeros", "new_ones", "new_full", "add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "rsub"),
        *("pow", "clamp", "fill_", "masked_fill", "masked_fill_", "eq", "ne", "lt", "le", "gt", "ge"),
        *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "topk", "constant_pad_nd", "pad"),
    }
)
"""Operations that take any number: with a wrong one they raise, and what they make is bounded by memory."""

_ENGINE = str(Path(__file__).parent) + os.sep
_FRAMES = re.compile(r"^[ \t]*(?:/|<|[A-Za-z]:\\)[^\n]*\(\d+\): [^\n]*\n?", re.MULTILINE)
_PLACES = re.compile(r"^[ \t]*(?:Trace source location|Check source location|Source Location):\n", re.MULTILINE)
_RANGES = re.compile(r" # [^\n#]*:\d+:\d+(?=\n|$)")


def check(traced: Any) -> None:
    """Every operation of a trace is one a program may call, and none that its guard must see the values of."""
    module = getattr(traced, "_c", None)
    methods = [traced] if module is None else [module._get_method(name) for name in module._method_names()]
    for method in methods:
        for node in _nodes(method.inlined_graph):
            _check_node(node)


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _check_node(node: Any) -> None:
    kind = node.kind()
    home, _, name = kind.partition("::")
    if home == "prim":
        return
    if kind in NUMBERS:
        if not all(_is_sized(output) for output in node.outputs()):
            raise Refused("refused.trace", name=kind)
        return
    known = name in _listed() or name.rstrip("_") in _listed()
    fragile = name in FRAGILE or name.startswith(("sparse_", "_sparse", "to_sparse"))
    if home != "aten" or not known or fragile or (name.startswith("div") and not _divides(node)):
        raise Refused("refused.trace", name=kind)


def _divides(node: Any) -> bool:
    """Whether a division cannot meet the smallest integer and -1: it is not cut off, or what it divides is a size."""
    divided, _, *modes = node.inputs()
    if all(mode.node().kind() == "prim::Constant" and mode.toIValue() in (None, "floor") for mode in modes):
        return True
    source = divided.node()
    return bool(source.kind() == "prim::NumToTensor" and next(source.inputs()).node().kind() == "aten::size")


def _is_sized(number: Any) -> bool:
    """Whether only operations that take any number use it."""
    for use in number.uses():
        home, _, name = use.user.kind().partition("::")
        if use.user.kind() == "prim::ListConstruct":
            if not all(_is_sized(output) for output in use.user.outputs()):
                return False
        elif home != "aten" or name not in SIZED:
            return False
    return True


@cache
def _listed() -> frozenset[str]:
    names = lists.module_names()
    of_tensor = lists.type_names()[torch.Tensor]
    linear = {f"linalg_{name}" for name in names["torch.linalg"]} | {f"fft_{name}" for name in names["torch.fft"]}
    more = {"_convolution", "linear", "batch_norm", "silu", "gelu", "contiguous", "to", "slice", "select", "upsample"}
    return frozenset({*UPSAMPLES, *names["torch"], *names["torch.nn.functional"], *of_tensor, *linear, *more})


class _Scopes(Observer):
    """Knows in which function of the program it is. Another observer would ask tensors, and so write to the trace."""

    def __init__(self) -> None:
        self.open: list[Any] = []

    def enter_scope(self, scope: Any, node: Any) -> None:
        self.open.append(scope)

    def leave_scope(self, scope: Any) -> None:
        if scope in self.open:
            self.open.remove(scope)

    def namer(self, *frames: int) -> Any:
        """What names the values of one trace."""
        return self.name

    def name(self, value: object) -> str:
        """A variable that holds the value, of the function that works on it now: PyTorch names values of a trace so."""
        frame = sys._getframe(1)
        variables: Any = frame.f_locals
        if frame.f_code.co_filename.startswith(_ENGINE):
            variables = self.open[-1].variables if self.open else {}
        names = [name for name, held in variables.items() if held is value]
        return names[0] if names and names[0] != "self" else ""


def _untraced(look: Any) -> Any:
    """What the engine asks of a value is no part of a trace."""

    def looked(value: Any) -> None:
        state, enter = torch._C._get_tracing_state(), torch._C._set_tracing_state  # type: ignore[attr-defined]
        enter(None)
        try:
            look(value)
        finally:
            enter(state)

    return looked


@contextlib.contextmanager
def watched(run: Run) -> Iterator[None]:
    """Meanwhile PyTorch traces: nothing else writes to the trace, and each is checked before it runs."""
    home: Any = torch.jit._trace
    scopes, owner = _Scopes(), run.owner
    compare, trace, trace_module = home._check_trace, torch.jit.trace, torch.jit.trace_module

    def checked(make: Any) -> Any:
        def made(*args: Any, **kwargs: Any) -> Any:
            traced = make(*args, **kwargs)
            check(traced)
            return traced

        return made

    def compared(inputs: Any, function: Any, traced: Any, *args: Any, **kwargs: Any) -> None:
        check(traced)
        compare(inputs, function, traced, *args, **kwargs)

    vocabulary = owner.access.vocabulary
    changed = (
        (vocabulary, "_check_size", _untraced(vocabulary._check_size)),
        (home, "_create_interpreter_name_lookup_fn", scopes.namer),
        (home, "_check_trace", compared),
        (torch.jit, "trace", checked(trace)),
        (torch.jit, "trace_module", checked(trace_module)),
        (owner, "observer", scopes),
    )
    kept = [(where, name, getattr(where, name)) for where, name, _ in changed]
    graph: Any = torch._C.Graph
    shown = graph.global_print_source_ranges
    for where, name, value in changed:
        setattr(where, name, value)
    graph.set_global_print_source_ranges(False)
    try:
        with plainly(), _disable_current_modes():
            yield
    finally:
        graph.set_global_print_source_ranges(shown)
        for where, name, value in kept:
            setattr(where, name, value)


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """What PyTorch says of a trace names frames and lines of ours instead of the program's: they are left out."""
    try:
        yield
    except (RuntimeError, torch.jit._trace.TracingCheckError, torch.jit.Error) as error:
        one: Any = error
        while one is not None:
            _cleaned(one)
            one = one.__cause__
        raise


def _cleaned(error: Any) -> None:
    said = str(error)
    text = _RANGES.sub("", _PLACES.sub("", _FRAMES.sub("", said)))
    if text != said:
        error.args = (text,)
        if hasattr(error, "message"):
            error.message = text
