"""The classic errors of autograd: what PyTorch said, which variable and which lines it is about, and a fix that runs.

One small function per error. Each reads the trace of the run that failed, never the message alone, and gives a Reason:
a message id, the place that needed something, the place that caused it, and the program with the fix applied. PyTorch's
own message stays on the page as it is; a Reason stands beside it. Shapes, dtypes and devices are in mismatches.py.

To add one: write a function from Case to Reason | None and give it a row in MISTAKES with the part of PyTorch's message
that only this error has.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from engine.case import Case, Params, Reason, atom, line_of, shape_text
from engine.mismatches import devices_differ, dtypes_differ, index_dtype, no_cuda, shapes_differ
from engine.trace import Cut, Node, Pass, Span, TensorValue, Trace


def explain_failure(trace: Trace) -> Reason | None:
    """The reason of a failed run, where it is one of the classic errors; None for any other."""
    if trace.outcome is None or trace.outcome.kind != "failed":
        return None
    for pattern, explain in MISTAKES:
        if re.search(pattern, trace.outcome.message):
            return explain(Case(trace))
    return None


def second_backward(case: Case) -> Reason | None:
    """The graph was freed by an earlier pass; the fix keeps it there."""
    earlier = _freed_by(case)
    if earlier is None or earlier.span is None:
        return None
    call = case.source.innermost(earlier.span)
    fix = case.source.with_keyword(call, "retain_graph", "True") if isinstance(call, ast.Call) else None
    output = _output(case)
    params: Params = {"line": line_of(case.span), "cause": earlier.span[0]}
    params["name"] = case.source.segment(output) if output is not None else ""
    code = "mistake.second_backward" if earlier.span != case.span else "mistake.second_backward_loop"
    return Reason(code, params, case.span, earlier.span, fix)


def _freed_by(case: Case) -> Pass | None:
    """The pass that freed the node at which the failing one stopped, else the last that freed anything."""
    failing = [row.number for row in case.trace.passes if row.error is not None]
    passes = {row.number: row for row in case.trace.passes if row.error is None}
    freed = {row.node: row.pass_ for row in case.trace.freed if row.pass_ in passes}
    stopped = [row.node for row in case.trace.events if row.pass_ in failing]
    number = next((freed[node] for node in reversed(stopped) if node in freed), max(freed.values(), default=None))
    return None if number is None else passes[number]


def modified_in_place(case: Case) -> Reason | None:
    """A saved tensor was changed between forward and backward; the fix makes a new tensor instead."""
    found = re.search(r"is at version (\d+); expected version (\d+)", case.message)
    if found is None:
        return None
    expected = int(found[2])
    node, tensors = _saved_then_changed(case, expected)
    changes = [row for row in case.trace.changes if row.tensor in tensors and row.after > expected]
    if node is None or not changes:
        return None
    change = changes[0]
    statement = case.source.statement(change.span)
    fix = case.source.out_of_place(statement) if statement else None
    needed = node.span or case.span
    params: Params = {
        "name": case.name_of(change.tensor), "line": change.span[0], "need": line_of(needed), "node": node.name,
        "version": int(found[1]), "expected": expected,
    }  # fmt: skip
    return Reason("mistake.modified_in_place", params, needed, change.span, fix)


def _saved_then_changed(case: Case, expected: int) -> tuple[Node | None, set[int]]:
    """The node that saved a tensor at that version, which a statement changed afterwards; that tensor, and those that
    share its memory and so its version."""
    storages: dict[int, set[int]] = {}
    shares: dict[int, int] = {}
    for value in case.values.values():
        if isinstance(value, TensorValue):
            storages.setdefault(value.storage, set()).add(value.tensor)
            shares[value.tensor] = value.storage
    changed = {row.tensor for row in case.trace.changes if row.after > expected}
    for node in reversed(case.trace.nodes):
        for saved in node.saved:
            if saved.tensor is None or saved.version != expected:
                continue
            together = storages.get(shares.get(saved.tensor, -1), set()) | {saved.tensor}
            if together & changed:
                return node, together
    return None, set()


def in_place_on_leaf(case: Case) -> Reason | None:
    """A leaf that requires grad was changed where its history is recorded; the fix does it under no_grad."""
    statement = case.source.statement(case.span) if case.span else None
    found = next(((node, value) for node, value in case.tensors() if value.is_leaf and value.requires_grad), None)
    if statement is None or found is None:
        return None
    fix = case.source.under(statement, "with torch.no_grad():")
    made = case.made(found[1])
    params: Params = {"name": case.source.segment(found[0]), "made": line_of(made), "line": line_of(case.span)}
    return Reason("mistake.in_place_on_leaf", params, case.span, made, fix)


def not_scalar(case: Case) -> Reason | None:
    """backward() without a gradient on more than one element; the fix sums first."""
    output = _output(case)
    if output is None:
        return None
    text = case.source.segment(output)
    value = case.tensor(output)
    made = case.made(value)
    params: Params = {"name": text, "shape": shape_text(value.shape) if value else "", "line": line_of(made)}
    fix = case.source.replaced(output, f"{atom(output, text)}.sum()")
    return Reason("mistake.not_scalar", params, case.span, made, fix)


def _output(case: Case) -> ast.expr | None:
    """What backward() or grad() is called on in the failing statement."""
    call = case.call("backward") or case.call("grad")
    if call is None or not isinstance(call.func, ast.Attribute):
        return None
    owner = case.source.segment(call.func.value)
    if owner in ("torch.autograd", "autograd"):
        return call.args[0] if call.args else None
    return call.func.value if call.func.attr == "backward" else None


def no_grad_fn(case: Case) -> Reason | None:
    """Nothing in the history of the output requires grad: a cut, or no leaf asked for it."""
    output = _output(case)
    if output is None:
        return None
    value = case.tensor(output)
    if value is not None and (given := _given_by_grad(case, value)) is not None:
        return given
    cut = _cut_behind(case, value)
    if cut is not None:
        copied = cut.reason == "detach" and _copies(case.source.innermost(cut.span))
        code = "mistake.cut.copied" if copied else f"mistake.cut.{cut.reason}"
        params: Params = {"line": cut.span[0], "reason": cut.reason}
        return Reason(code, params, case.span, cut.span, _uncut(case, cut.reason, cut.span))
    return _nothing_asked(case)


def _given_by_grad(case: Case, value: TensorValue) -> Reason | None:
    """The output is itself a gradient, made without a graph of its own."""
    grads = [row for row in case.trace.passes if row.kind == "grad" and not row.create_graph and row.span is not None]
    made = case.made(value)
    for row in reversed(grads):
        if row.span is not None and made is not None and made[0] == row.span[0]:
            call = case.source.innermost(row.span)
            fix = case.source.with_keyword(call, "create_graph", "True") if isinstance(call, ast.Call) else None
            return Reason("mistake.no_create_graph", {"line": row.span[0]}, case.span, row.span, fix)
    return None


def _cut_behind(case: Case, value: TensorValue | None) -> Cut | None:
    """The last cut that the output was computed from, by the recorded operations; a number that left PyTorch (item) is
    followed no further, so any such cut may be it."""
    makers: dict[int, set[int]] = {}
    for row in case.trace.operations:
        inputs = {one.tensor for number in row.inputs if isinstance(one := case.values.get(number), TensorValue)}
        for number in row.outputs:
            if isinstance(one := case.values.get(number), TensorValue):
                makers.setdefault(one.tensor, set()).update(inputs)
    behind: set[int] = set()
    stack = [value.tensor] if value is not None else []
    while stack:
        tensor = stack.pop()
        if tensor not in behind:
            behind.add(tensor)
            stack.extend(makers.get(tensor, ()))
    for cut in reversed(case.trace.cuts):
        made = case.values.get(cut.output) if cut.output is not None else None
        if not isinstance(made, TensorValue) or value is None or made.tensor in behind:
            return cut
    return None


def _copies(node: ast.AST | None) -> bool:
    """torch.tensor(...) and its like, which copy the numbers alone."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _COPIES


_COPIES = ("tensor", "as_tensor")


def _uncut(case: Case, reason: str, span: Span) -> str | None:
    """The program without that cut, where a small edit can do it."""
    source = case.source
    node = source.innermost(span)
    if reason in ("no_grad", "inference_mode"):
        return _recording(case, span)
    if isinstance(node, ast.Call) and _copies(node) and node.args:
        return source.replaced(node, source.segment(node.args[0]))
    if reason in ("detach", "item") and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        whole = source.around(node, ast.Call)
        if isinstance(whole, ast.Call) and isinstance(whole.func, ast.Attribute) and whole.func.attr == "numpy":
            return None
        if not (_copies(whole) and isinstance(whole, ast.Call) and whole.args and whole.args[0] is node):
            whole = node
        return source.replaced(whole, source.segment(node.func.value))
    if reason == "data" and isinstance(node, ast.Attribute):
        return source.replaced(node, source.segment(node.value))
    return None


def _recording(case: Case, span: Span) -> str | None:
    """The program with the no_grad, inference_mode or set_grad_enabled(False) that ruled there turned on."""
    source = case.source
    for node in ast.walk(source.tree):
        name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if isinstance(node, ast.Call) and name == "set_grad_enabled" and node.args and source.span(node) < span:
            return source.replaced(node.args[0], "True")
    statement = source.statement(span)
    block = source.around(statement, ast.With, ast.FunctionDef) if statement is not None else None
    for node in ast.walk(block) if block is not None else ():
        if isinstance(node, ast.Attribute) and node.attr in ("no_grad", "inference_mode"):
            return source.replaced(node, f"{source.segment(node.value)}.enable_grad")
    return None


def _nothing_asked(case: Case) -> Reason:
    source = case.source
    for node in ast.walk(source.tree):
        frozen: ast.expr | None = None
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            frozen = node.value if node.targets[0].attr == "requires_grad" else None
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            frozen = node.args[0] if node.func.attr == "requires_grad_" else None
        if isinstance(frozen, ast.Constant) and frozen.value is False:
            place = source.span(node)
            return Reason("mistake.frozen", {"line": place[0]}, case.span, place, source.replaced(frozen, "True"))
    created = source.first_factory()
    fix = source.with_keyword(created, "requires_grad", "True") if created else None
    cause = source.span(created) if created else None
    code = "mistake.nothing_requires_grad" if cause else "mistake.nothing_requires_grad_here"
    return Reason(code, {"line": line_of(cause)}, case.span, cause, fix)


def integer_leaf(case: Case) -> Reason | None:
    """Integers cannot require grad; the fix makes the tensor of floats."""
    source, statement = case.source, case.source.statement(case.span) if case.span else None
    call = case.call("requires_grad_", "Parameter", *_FACTORIES)
    params: Params = {"line": line_of(case.span)}
    if call is None and isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute):
        owner = source.segment(statement.targets[0].value)  # x.requires_grad = True
        return Reason(
            "mistake.integer_leaf", params, case.span, None, source.inserted(statement, f"{owner} = {owner}.float()")
        )
    if call is None or not isinstance(call.func, ast.Attribute) or statement is None:
        return None
    receiver = call.func.value
    if call.func.attr == "requires_grad_" and isinstance(receiver, ast.Name):
        fix = source.inserted(statement, f"{receiver.id} = {receiver.id}.float()")
    elif call.func.attr == "requires_grad_":
        fix = source.replaced(receiver, f"{atom(receiver, source.segment(receiver))}.float()")
    elif call.func.attr == "Parameter":
        fix = source.replaced(call.args[0], f"{atom(call.args[0], source.segment(call.args[0]))}.float()")
    else:
        fix = source.with_keyword(call, "dtype", "torch.float32")
    return Reason("mistake.integer_leaf", params, case.span, None, fix)


_FACTORIES = ("tensor", "arange", "ones", "zeros", "full", "randint", "eye", "empty", "as_tensor")


def numpy_of_grad(case: Case) -> Reason | None:
    """numpy() would lose the history in silence; the fix says so with detach()."""
    call = case.call("numpy")
    given = [call.func.value] if call is not None and isinstance(call.func, ast.Attribute) else []
    for node in case.nodes():
        given += node.args if isinstance(node, ast.Call) else []
    for one in given:
        value = case.tensor(one)
        if (value is not None and value.requires_grad) or (call is not None and one is given[0]):
            text = case.source.segment(one)
            fix = case.source.replaced(one, f"{atom(one, text)}.detach()")
            made = case.made(value)
            return Reason("mistake.numpy_of_grad", {"name": text, "line": line_of(case.span)}, case.span, made, fix)
    return None


def missing_grad(case: Case) -> Reason | None:
    """A .grad that is None was used: of a non-leaf, of a leaf that was replaced, or before any backward."""
    statement = case.source.statement(case.span) if case.span else None
    for node in case.nodes():
        if not (isinstance(node, ast.Attribute) and node.attr == "grad" and statement is not None):
            continue
        value = case.tensor(node.value)
        if value is not None and value.grad is None:
            return _missing(case, statement, node.value, value)
    return None


def _missing(case: Case, statement: ast.stmt, owner: ast.expr, value: TensorValue) -> Reason:
    name, made = case.source.segment(owner), case.made(value)
    params: Params = {"name": name, "line": line_of(case.span), "made": line_of(made)}
    if not value.is_leaf:
        maker = case.source.statement(made) if made else None
        replaced = _replaced_leaf(case, maker, name)
        if replaced is not None:
            return Reason("mistake.leaf_replaced", params, case.span, made, replaced)
        passes = [row for row in case.trace.passes if row.accumulate and row.error is None and row.span is not None]
        before = case.source.statement(passes[-1].span) if passes and passes[-1].span else None
        fix = case.source.inserted(before, f"{name}.retain_grad()") if before else None
        return Reason("mistake.grad_of_non_leaf", params, case.span, made, fix)
    fix = None
    if isinstance(statement, ast.Expr):  # w.grad.zero_(): only where there is something to clear
        fix = case.source.replaced(statement, f"if {name}.grad is not None: {case.source.segment(statement)}")
    return Reason("mistake.grad_is_none", params, case.span, None, fix)


def _replaced_leaf(case: Case, maker: ast.stmt | None, name: str) -> str | None:
    """`w = w - lr * w.grad` written as a change of w itself, under no_grad; None for any other statement."""
    if not (isinstance(maker, ast.Assign) and isinstance(maker.value, ast.BinOp) and len(maker.targets) == 1):
        return None
    sign = {ast.Sub: "-=", ast.Add: "+="}.get(type(maker.value.op))
    if sign is None or {case.source.segment(maker.targets[0]), case.source.segment(maker.value.left)} != {name}:
        return None
    change = f"{name} {sign} {case.source.segment(maker.value.right)}"
    return case.source.replaced(maker, f"with torch.no_grad(): {change}")


def non_leaf_in_optimizer(case: Case) -> Reason | None:
    """An optimizer changes leaves; the fix makes a leaf of what it was given."""
    for node, value in case.tensors():
        made = case.made(value)
        maker = case.source.statement(made) if made else None
        if value.requires_grad and not value.is_leaf and maker is not None and isinstance(node, ast.Name):
            fix = case.source.inserted(maker, f"{node.id} = {node.id}.detach().requires_grad_()", after=True)
            params: Params = {"name": node.id, "made": line_of(made), "line": line_of(case.span)}
            return Reason("mistake.non_leaf_in_optimizer", params, case.span, made, fix)
    return None


def inference_tensor(case: Case) -> Reason | None:
    """A tensor made under inference_mode cannot be saved for backward; the fix uses no_grad there."""
    for node in ast.walk(case.source.tree):
        if isinstance(node, ast.Attribute) and node.attr == "inference_mode":
            cause = case.source.span(node)
            fix = case.source.replaced(node, f"{case.source.segment(node.value)}.no_grad")
            held = [name for name, value in case.tensors() if value.is_inference]
            name = case.source.segment(held[0]) if held else ""
            return Reason("mistake.inference_tensor", {"line": cause[0], "name": name}, case.span, cause, fix)
    return None


MISTAKES: tuple[tuple[str, Callable[[Case], Reason | None]], ...] = (
    (r"backward through the graph a second time", second_backward),
    (r"modified by an inplace operation", modified_in_place),
    (r"leaf Variable that requires grad is being used in an in-place", in_place_on_leaf),
    (r"a view of a leaf Variable that requires grad is being used in an in-place", in_place_on_leaf),
    (r"grad can be implicitly created only for scalar outputs", not_scalar),
    (r"does not require grad and does not have a grad_fn", no_grad_fn),
    (r"[Oo]nly Tensors of floating point (and complex )?dtype can require gradients", integer_leaf),
    (r"Can't call numpy\(\) on Tensor that requires grad", numpy_of_grad),
    (r"can't optimize a non-leaf Tensor", non_leaf_in_optimizer),
    (r"'NoneType'|not NoneType", missing_grad),
    (
        r"shapes cannot be multiplied|must match the size of tensor|size mismatch|inconsistent tensor size"
        r"|Sizes of tensors must match|input batch_size|is invalid for input of size|Expected size for first two",
        shapes_differ,
    ),
    (r"expected target dtype to be Long", index_dtype),
    (r"same dtype|expected scalar type|but expected (Float|Double|Long)", dtypes_differ),
    (r"same device|is not on the expected device", devices_differ),
    (r"Torch not compiled with CUDA|No CUDA GPUs|Found no NVIDIA driver", no_cuda),
    (r"Inference tensors cannot be saved for backward|Inplace update to inference tensor", inference_tensor),
)
