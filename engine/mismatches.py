"""Errors of two things that do not fit: shapes, dtypes, devices. Each function is as those in mistakes.py."""

from __future__ import annotations

import ast
import re

from engine.case import Case, Params, Reason, atom, line_of, shape_text
from engine.trace import ModuleValue, Span, TensorValue


def shapes_differ(case: Case) -> Reason | None:
    """Two shapes do not fit; where a transpose or another layer size makes them fit, the fix writes it."""
    shapes: dict[str, TensorValue] = {}
    for node, value in case.tensors():
        shapes.setdefault(case.source.segment(node), value)
    params: Params = {"shapes": ", ".join(f"{name} {shape_text(value.shape)}" for name, value in shapes.items())}
    layer = _layer(case)
    if layer is not None:
        call, size = layer
        cause = case.source.span(call)
        features = case.source.segment(call.args[0])
        params = {"line": cause[0], "size": size, "made": features, "name": case.source.segment(call)}
        fix = case.source.replaced(call.args[0], str(size))
        return Reason("mistake.layer_size", params, case.span, cause, fix)
    made = [place for value in shapes.values() if (place := case.made(value)) is not None]
    last = made[-1] if made else None
    return Reason("mistake.shapes_differ", params, case.span, last, _transposed(case) or _column(case))


def _layer(case: Case) -> tuple[ast.Call, int] | None:
    """The nn.Linear in the program that was given another number of features, and that number."""
    found = re.search(r"\((\d+)x(\d+) and (\d+)x(\d+)\)", case.message)
    if found is None or _product(case) is not None:
        return None
    for node in ast.walk(case.source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "Linear":
            sizes = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if sizes[:2] == [int(found[3]), int(found[4])]:
                return node, int(found[2])
    return None


def _product(case: Case) -> tuple[ast.expr, ast.expr] | None:
    """The two sides of a matrix product in the failing statement."""
    for node in case.nodes():
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            return node.left, node.right
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _PRODUCTS:
            owner = [] if isinstance(node.func.value, ast.Name) and node.func.value.id == "torch" else [node.func.value]
            sides = [*owner, *node.args]
            if len(sides) == 2:
                return sides[0], sides[1]
    return None


_PRODUCTS = ("matmul", "mm", "bmm", "mv")


def _transposed(case: Case) -> str | None:
    """The program with one side transposed, where that makes the sizes meet."""
    product = _product(case)
    a, b = (case.tensor(side) for side in product) if product is not None else (None, None)
    if product is None or a is None or b is None or not a.shape or not b.shape:
        return None
    left, right = (case.source.segment(side) for side in product)
    if len(b.shape) == 1:
        fits = len(a.shape) == 2 and a.shape[0] == b.shape[0]
        return case.source.replaced(product[0], f"{atom(product[0], left)}.T") if fits else None
    if len(a.shape) != len(b.shape) or a.shape[:-2] != b.shape[:-2]:
        return None
    if a.shape[-1] == b.shape[-1]:
        return case.source.replaced(product[1], f"{atom(product[1], right)}.mT")
    if a.shape[-2] == b.shape[-2]:
        return case.source.replaced(product[0], f"{atom(product[0], left)}.mT")
    return None


def _column(case: Case) -> str | None:
    """The program with a vector written as a column, where it has one element for each row of the other side."""
    for node in case.nodes():
        if not isinstance(node, ast.BinOp):
            continue
        for side, other in ((node.left, node.right), (node.right, node.left)):
            a, b = case.tensor(side), case.tensor(other)
            if a and b and len(a.shape) == 1 and len(b.shape) == 2 and a.shape[0] == b.shape[0] != b.shape[1]:
                return case.source.replaced(side, f"{atom(side, case.source.segment(side))}.unsqueeze(1)")
    return None


def dtypes_differ(case: Case) -> Reason | None:
    """Two dtypes meet where they must be equal; the fix brings one to the other."""
    tensors = list(case.tensors())
    wanted = _module_dtype(case) or "float32"
    odd = next(((node, value) for node, value in tensors if value.dtype != wanted), None)
    if odd is None:
        return None
    node, value = odd
    text, made = case.source.segment(node), case.made(value)
    call = _CONVERSIONS.get(wanted, "float")
    fix = case.source.replaced(node, f"{atom(node, text)}.{call}()")
    params: Params = {"name": text, "dtype": value.dtype, "wanted": wanted, "call": call, "line": line_of(made)}
    return Reason("mistake.dtypes_differ", params, case.span, made, fix)


_CONVERSIONS = {"float64": "double", "float16": "half", "bfloat16": "bfloat16"}


def _module_dtype(case: Case) -> str | None:
    """The dtype of the parameters of a module that is called in the failing statement."""
    for node in case.nodes():
        module = case.module(node.id) if isinstance(node, ast.Name) else None
        if isinstance(module, ModuleValue) and module.parameters:
            value = case.values.get(module.parameters[0][1])
            return value.dtype if isinstance(value, TensorValue) else None
    return None


def index_dtype(case: Case) -> Reason | None:
    """Classes are counted with int64; the fix converts the targets."""
    for node in case.nodes():
        if isinstance(node, ast.Call) and len(node.args) >= 2:
            target = node.args[1]
            text, value = case.source.segment(target), case.tensor(target)
            fix = case.source.replaced(target, f"{atom(target, text)}.long()")
            params: Params = {"name": text, "dtype": value.dtype if value else "", "line": line_of(case.span)}
            return Reason("mistake.class_dtype", params, case.span, case.made(value), fix)
    return None


def devices_differ(case: Case) -> Reason | None:
    """Tensors on two devices meet; the fix makes the odd one on the CPU, where this run has its numbers."""
    odd = next(((node, value) for node, value in case.tensors() if value.device != "cpu"), None)
    away = _away(case)
    name, device = (case.source.segment(odd[0]), odd[1].device) if odd else ("", "meta")
    cause = case.source.span(away) if away is not None else case.made(odd[1]) if odd else None
    if not name and away is not None:
        name = case.source.text_at(_line(case, away))
    if not name:
        return None
    fix = case.source.replaced(away, '"cpu"') if away is not None else None
    params: Params = {"name": name, "device": device, "line": line_of(cause)}
    return Reason("mistake.devices_differ", params, case.span, cause, fix)


def _line(case: Case, node: ast.AST) -> Span:
    """The place of what is made there."""
    call = case.source.around(node, ast.Call)
    return case.source.span(call if call is not None else node)


def _away(case: Case) -> ast.Constant | None:
    """The name of another device, as it is written in the program."""
    for node in ast.walk(case.source.tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.match(r"(meta|cuda|mps)\b", node.value)
        ):
            return node
    return None


def no_cuda(case: Case) -> Reason | None:
    """There is no GPU for programs here; the fix stays on the CPU."""
    edits: list[tuple[ast.AST, str]] = []
    for node in ast.walk(case.source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"cuda\b", node.value):
            edits.append((node, '"cpu"'))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "cuda":
            edits.append((node, f"{case.source.segment(node.func.value)}.cpu()"))
    fix = case.source.replaced_all(edits) if edits else None
    cause = min((case.source.span(node) for node, _ in edits), default=None)
    return Reason("mistake.no_cuda", {"line": line_of(cause or case.span)}, case.span, cause, fix)
