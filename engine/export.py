"""Take it with you: a Trace as JSON or CSV, its program as a script or a notebook that proves the numbers on screen.

The exported program is the learner's own text. Before it stand the seeds of the run; after it come asserts that the
final variables, gradients included, are what the Trace says: exact in shape, close in value (relative 1e-4, absolute
1e-6, as numbers differ that much between machines). It needs torch and nothing of ours.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import keyword
import math
import textwrap
from collections.abc import Iterator

from engine import trace as rows
from engine.messages import Language, render
from engine.trace import ArrayValue, ModuleValue, NumberValue, OtherValue, TensorValue, Trace, Value

_SEEDS = """import random as _random

import numpy as _numpy
import torch as _torch

_random.seed({seed})
_numpy.random.seed({legacy_seed})
_torch.manual_seed({seed})
"""

_CHECK = '''_nan, _inf = float("nan"), float("inf")


def _check(name, value, shape, values):
    """The first values of a tensor or an array, row by row, and its whole shape."""
    assert tuple(value.shape) == shape, f"{name}: {tuple(value.shape)} is not {shape}"
    found = _torch.as_tensor(value).detach().cpu().resolve_conj().flatten()[: len(values)]
    wanted = _torch.tensor(values, dtype=found.dtype)
    assert _torch.allclose(found, wanted, rtol=1e-4, atol=1e-6, equal_nan=True), f"{name}: {found} is not {wanted}"
'''

_COLUMNS = (
    "tick", "line", "scope", "name", "shape", "dtype", "device", "requires_grad", "is_leaf", "grad_fn", "values",
    "truncated", "grad",
)  # fmt: skip


def to_json(trace: Trace) -> str:
    """All tables as one JSON object; NaN and infinities are "nan", "inf" and "-inf", the bytes of files base64."""
    return json.dumps(rows.to_json(trace), allow_nan=False, ensure_ascii=False)


def to_csv(trace: Trace) -> str:
    """One line for each tensor that a variable or a module held after each recorded step."""
    values = {value.number: value for value in trace.values}
    functions = {node.number: node.name for node in trace.nodes}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for step in trace.steps:
        for name, value in _tensors(step.variables, values):
            grad = values.get(value.grad) if value.grad is not None else None
            writer.writerow([
                step.tick, step.span[0], step.scope, name, _shape(value.shape), value.dtype, value.device,
                value.requires_grad, value.is_leaf, "" if value.node is None else functions.get(value.node, ""),
                _cells(value), value.preview is None or value.preview.truncated, _cells(grad) if isinstance(grad,
                TensorValue) else "None",
            ])  # fmt: skip
    return text.getvalue()


def to_script(trace: Trace, language: Language = "en") -> str:
    """The program as a .py file: seeds, the program, asserts. Running it in plain Python raises nothing."""
    return "\n\n".join(part.strip("\n") for part in _parts(trace, language)) + "\n"


def to_notebook(trace: Trace, language: Language = "en") -> str:
    """The same as a notebook (nbformat 4.5), one cell for each part."""
    cells: list[dict[str, object]] = [
        {"id": f"part-{number}", "cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [],
         "source": part.strip("\n").splitlines(keepends=True)}
        for number, part in enumerate(_parts(trace, language))
    ]  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False, indent=1)


def _parts(trace: Trace, language: Language) -> list[str]:
    text = trace.source
    seeds = _comment("export.seeds", language) + _SEEDS.format(seed=trace.seed, legacy_seed=trace.seed % 2**32)
    outcome = trace.outcome
    if outcome is None or outcome.kind in ("refused", "stopped", "lost"):
        return [seeds, text, _comment("export.unfinished", language)]
    if outcome.kind == "failed":
        text = _until_failure(trace, text, outcome.type or "Exception", _comment("export.raises", language))
    asserts = list(_asserts(trace))
    if not asserts:
        return [seeds, text]
    return [seeds, text, _comment("export.asserts", language) + _CHECK, "\n".join(asserts)]


def _comment(code: str, language: Language) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(render(code, language=language), 100))


def _until_failure(trace: Trace, text: str, raised: str, comment: str) -> str:
    """The program up to the statement that raised, that one inside a try: what stood after it never ran."""
    failed = next((step.span[0] for step in reversed(trace.steps) if step.raised and step.scope == 0), None)
    line = failed if failed is not None else trace.outcome.span[0] if trace.outcome and trace.outcome.span else None
    tree = ast.parse(text)
    statement = next((one for one in tree.body if line and one.lineno <= line <= (one.end_lineno or one.lineno)), None)
    if statement is None:
        return text
    lines = text.split("\n")
    before, inside = lines[: statement.lineno - 1], lines[statement.lineno - 1 : statement.end_lineno]
    after = [
        f"except {raised} as _error:" if raised.isidentifier() else "except Exception as _error:",
        "    print(_error)",
        "else:",
        f"    raise AssertionError({raised!r})",
    ]
    return "\n".join(
        [*before, *comment.splitlines(), "try:", *textwrap.indent("\n".join(inside), "    ").split("\n"), *after]
    )


def _asserts(trace: Trace) -> Iterator[str]:
    """What the variables of the program were at its end, as Python."""
    values = {value.number: value for value in trace.values}
    last = next((step for step in reversed(trace.steps) if step.scope == 0), None)
    seen: set[int] = set()
    for name, number in last.variables if last else []:
        value = values.get(number)
        if not name.isidentifier() or keyword.iskeyword(name) or value is None:
            continue
        if isinstance(value, NumberValue):
            yield from _number(name, value)
        elif isinstance(value, ArrayValue):
            yield f"_check({name!r}, {name}, {_shape(value.shape)}, {_cells(value)})"
        for path, tensor in _named(name, value, values):
            if tensor.number not in seen:
                seen.add(tensor.number)
                yield from _tensor(path, tensor, values)


def _number(name: str, value: NumberValue) -> Iterator[str]:
    if isinstance(value.value, (bool, int)):
        yield f"assert {name} == {value.value}, {name}"
    elif isinstance(value.value, float):
        if math.isfinite(value.value):
            yield f"assert abs({name} - {value.value!r}) <= {1e-6 + 1e-4 * abs(value.value):.3g}, {name}"
        else:
            yield f"assert repr(float({name})) == {repr(value.value)!r}, {name}"


def _tensor(path: str, value: TensorValue, values: dict[int, Value]) -> Iterator[str]:
    if value.preview is None or "quint" in value.dtype or "qint" in value.dtype:
        return
    yield f"_check({path!r}, {path}, {_shape(value.shape)}, {_cells(value)})"
    grad = values.get(value.grad) if value.grad is not None else None
    if isinstance(grad, TensorValue) and grad.preview is not None:
        yield f"_check({path + '.grad'!r}, {path}.grad, {_shape(grad.shape)}, {_cells(grad)})"
    elif value.is_leaf and value.grad is None:
        yield f"assert {path}.grad is None, {path}.grad"


def _named(name: str, value: Value, values: dict[int, Value]) -> Iterator[tuple[str, TensorValue]]:
    """The tensors that a variable holds, each as an expression that reads it."""
    if isinstance(value, TensorValue):
        yield name, value
    elif isinstance(value, ModuleValue):
        for method, parts in (("get_parameter", value.parameters), ("get_buffer", value.buffers)):
            for path, number in parts:
                part = values.get(number)
                if isinstance(part, TensorValue):
                    yield f"{name}.{method}({path!r})", part
    elif isinstance(value, OtherValue) and value.type in ("list", "tuple", "dict", "OrderedDict"):
        for path, number in value.parts:
            part = values.get(number)
            if isinstance(part, TensorValue) and path.startswith("["):
                yield name + path, part


def _tensors(variables: list[tuple[str, int]], values: dict[int, Value]) -> Iterator[tuple[str, TensorValue]]:
    """The tensors that variables hold, by the path a learner would write."""
    for name, number in variables:
        value = values.get(number)
        if isinstance(value, TensorValue):
            yield name, value
        elif isinstance(value, (ModuleValue, OtherValue)):
            parts = [*value.parameters, *value.buffers] if isinstance(value, ModuleValue) else value.parts
            for path, part in parts:
                held = values.get(part)
                if isinstance(held, TensorValue):
                    yield f"{name}.{path}" if isinstance(value, ModuleValue) else name + path, held


def _shape(shape: tuple[int, ...]) -> str:
    return repr(tuple(shape))


def _cells(value: TensorValue | ArrayValue) -> str:
    """The recorded elements as a Python list; a complex one is `complex(re, im)`."""
    if value.preview is None:
        return ""
    return f"[{', '.join(_cell(element) for element in value.preview.values)}]"


def _cell(element: rows.Scalar) -> str:
    if isinstance(element, (tuple, list)):
        return f"complex({_cell(element[0])}, {_cell(element[1])})"
    return repr(element).replace("nan", "_nan").replace("inf", "_inf")
