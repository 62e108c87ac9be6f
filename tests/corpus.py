"""Every doctest example in the docstrings of the installed PyTorch, run plainly and by our interpreter, and compared.

`python -m tests.bench.corpus` runs them all and prints the rate.
Each runs in a fork of its own, since some examples crash or never end on plain PyTorch too.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import inspect
import io
import os
import random
import re
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch

from engine.limits import DEFAULT
from tests.forking import in_child

WIDE = msgspec.structs.replace(DEFAULT, printed_length=10**7, printed_lines=10**6)
"""Limits under which long prints are compared whole."""
PREAMBLE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nimport math\n"
HOMES = [
    "torch",
    "torch.Tensor",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.nn.utils.rnn",
    "torch.nn.utils.parametrize",
    "torch.nn.utils.parametrizations",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.optim.swa_utils",
    "torch.linalg",
    "torch.fft",
    "torch.special",
    "torch.signal.windows",
    "torch.autograd",
    "torch.autograd.functional",
    "torch.autograd.graph",
    "torch.autograd.forward_ad",
    "torch.autograd.function",
    "torch.func",
    "torch.distributions",
    "torch.distributions.transforms",
    "torch.utils.data",
    "torch.utils.checkpoint",
    "torch.random",
    "torch.testing",
    "torch.amp",
    "torch.nn.Module",
    "torch.nn.modules.module.Module",
    "torch.autograd.Function",
    "torch.autograd.function.FunctionCtx",
    "torch.autograd.graph.Node",
    "torch.optim.Optimizer",
    "torch.distributions.Distribution",
]
UNSAFE = re.compile(
    r"torch\.(jit|compile|export|onnx|fx|hub|distributed|multiprocessing|ops|library|quantiz|ao\.|nested|_C|package|compiler)"
    r"|cuda|to_mkldnn|mps|xpu|share_memory|from_file|to_dlpack|from_dlpack|torchvision|DistributedDataParallel|tensorboard"
    r"|DataParallel|frombuffer|storage|data_ptr|torch\._|quantize|record_stream|pin_memory|dynamo|dist\.|mtia|meta__|\bjit\b"
    r"|hpu|urllib|as_subclass|SyncBatchNorm|process_group|nested_tensor|multiprocessing|subprocess|socket"
)
UNWRITTEN = re.compile(r"empty|Tensor\(\d|resize_")
"""Examples that show memory nobody wrote."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


class Example(NamedTuple):
    """One docstring: the name of what it documents, and its statements."""

    name: str
    chunks: list[str]


def examples() -> Iterator[Example]:
    """Each docstring once, by the first name it is found under."""
    seen: set[str] = set()
    for home in HOMES:
        owner = _resolve(home)
        for name in ["", *dir(owner)]:
            if name.startswith("_"):
                continue
            value = getattr(owner, name, None) if name else owner
            if value is None or isinstance(value, types.ModuleType):
                continue
            yield from _documented(f"{home}.{name}".rstrip("."), value, seen)
            if inspect.isclass(value) and value.__module__.startswith("torch"):
                for member, inner in vars(value).items():
                    if not member.startswith("_"):
                        yield from _documented(f"{home}.{name}.{member}", inner, seen)


def _resolve(dotted: str) -> Any:
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError:
        home, _, name = dotted.rpartition(".")
        return getattr(_resolve(home), name)


def _documented(name: str, value: Any, seen: set[str]) -> Iterator[Example]:
    text = getattr(value, "__doc__", None)
    if not isinstance(text, str) or ">>>" not in text or text in seen:
        return
    seen.add(text)
    try:
        found = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return
    chunks = [_shown(example.source) for example in found if _parses(example.source)]
    if chunks:
        yield Example(name, chunks)


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _shown(source: str) -> str:
    """A bare expression is printed, so that its value is compared."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
        value = tree.body[0].value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print":
            return source
        return f"print({ast.unparse(value)})\n"
    return source


def _seed() -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """What `function` returns in a fork, in a folder of its own; {"lost": status} where it died, {"broken": message}
    where it raised."""
    with tempfile.TemporaryDirectory() as folder:
        return in_child(_quietly, folder, function, *arguments)


def _quietly(folder: str, function: Callable[..., Any], *arguments: Any) -> Any:
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    os.chdir(folder)
    try:
        return function(*arguments)
    except BaseException as error:
        return {"broken": f"{type(error).__name__}: {error}"}


def probe(chunks: list[str]) -> list[str]:
    """The chunks that run one after the other in plain Python, and the first that raises, at the end."""
    found = apart(_probe, chunks)
    return found if isinstance(found, list) else []


def _probe(chunks: list[str]) -> list[str]:
    space: dict[str, Any] = {"__name__": "__main__"}
    good, bad = [], ""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(PREAMBLE, space)
        _seed()
        for chunk in chunks:
            try:
                exec(chunk, space)
                good.append(chunk)
            except Exception:
                bad = bad or chunk
    return [*good, bad] if bad else good


def plain(source: str) -> dict[str, Any]:
    """A program run by Python itself."""
    space: dict[str, Any] = {"__name__": "__main__"}
    module = types.ModuleType("__main__")
    module.__dict__.update(space)
    sys.modules["__main__"] = module
    output = io.StringIO()
    error: BaseException | None = None
    with contextlib.redirect_stdout(output), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _seed()
        try:
            exec(compile(source, "<program>", "exec", dont_inherit=True), module.__dict__)
        except BaseException as raised:
            error = raised
    return story(module.__dict__, output.getvalue(), error)


def ours(source: str) -> dict[str, Any]:
    """The same by the interpreter."""
    from engine.allowlist import Allowlist
    from engine.errors import InvalidProgram, Stop
    from engine.interpreter import Interpreter
    from engine.observer import Observer
    from engine.program import parse

    _seed()
    try:
        interpreter = Interpreter(parse(source), Allowlist(), Observer(), WIDE)
    except (Stop, InvalidProgram) as stop:
        return {"refused": f"{stop.code} {stop.params}"}
    error: BaseException | None = None
    try:
        interpreter.run()
    except Stop as stop:
        return {"refused": f"{stop.code} {stop.params}"}
    except BaseException as raised:
        error = raised
    return story(interpreter.globals, "".join(interpreter.printed), error)


def story(variables: dict[str, Any], printed: str, error: BaseException | None) -> dict[str, Any]:
    """What a run came to, as plain values."""
    from engine.allowlist import Facade

    kept = {}
    for name, value in variables.items():
        if (
            name.startswith("__")
            or isinstance(value, (types.ModuleType, types.FunctionType, type, Facade))
            or (callable(value) and not isinstance(value, torch.nn.Module))
        ):
            continue
        kept[name] = summary(value)
    failed = None if error is None else [type(error).__name__, _clean(str(error))]
    return {"printed": _clean(printed), "variables": kept, "error": failed}


def _clean(text: str) -> str:
    return _ADDRESS.sub("0x", text)


def summary(value: Any) -> Any:
    """A value as text that says all of it that a learner could see."""
    if isinstance(value, torch.Tensor):
        try:
            node = type(value.grad_fn).__name__ if value.grad_fn is not None else None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                grad = summary(value.grad) if value.is_leaf and value.grad is not None else None
            return [_clean(repr(value.detach())), str(value.dtype), value.requires_grad, value.is_leaf, node, grad]
        except Exception as error:
            return f"{type(value).__name__} {type(error).__name__}"
    if isinstance(value, torch.nn.Module):
        return [
            repr(value),
            {
                name: summary(one)
                for name, one in value.state_dict(keep_vars=True).items()
                if isinstance(one, torch.Tensor)
            },
        ]
    if isinstance(value, (list, tuple)):
        return [summary(one) for one in value[:50]]
    if isinstance(value, dict):
        return {str(key): summary(one) for key, one in list(value.items())[:50]}
    try:
        return _clean(repr(value))[:2000]
    except Exception as error:
        return type(error).__name__


def compare(source: str) -> tuple[str, str]:
    """(identical | different | refused | unstable | lost, what there is to say)."""
    first = apart(plain, source)
    if "lost" in first or "broken" in first:
        return "lost", str(first)
    got = apart(ours, source)
    if got == first:
        return "identical", ""
    if UNWRITTEN.search(source) or "No module named 'matplotlib'" in str(first["error"]):
        return "unstable", ""
    if first != apart(plain, source):
        return "unstable", ""
    if "refused" in got:
        return "refused", got["refused"]
    if "lost" in got or "broken" in got:
        return "different", str(got)
    return "different", difference(first, got)


def difference(expected: dict[str, Any], got: dict[str, Any]) -> str:
    """The first thing in which two stories differ."""
    for part in ("error", "printed"):
        if expected[part] != got[part]:
            return f"{part}: expected {str(expected[part])[-300:]!r}, got {str(got[part])[-300:]!r}"
    for name in {**expected["variables"], **got["variables"]}:
        a, b = expected["variables"].get(name), got["variables"].get(name)
        if a != b:
            return f"{name}: expected {str(a)[:200]}, got {str(b)[:200]}"
    return "?"


def program(example: Example) -> str:
    """The example as one program."""
    return PREAMBLE + "\n".join(probe(example.chunks))
