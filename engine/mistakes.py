"""The classic errors: what PyTorch said, which variable and which lines it is about, and a fix that runs.

One small function per error. Each reads the trace of the run that failed, never the message alone, and gives a Reason:
a message id, the place that needed something, the place that caused it, and the program with the fix applied. PyTorch's
own message stays on the page as it is; a Reason stands beside it.

To add one: write a function from Case to Reason | None and give it a row in MISTAKES with the part of PyTorch's message
that only this error has.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

import msgspec

from engine.edits import Source
from engine.trace import Node, Span, TensorValue, Trace


class Reason(msgspec.Struct, frozen=True):
    """Why something is as it is. `code` is a message id; its way out is the id with ".way" appended.

    `span` is the place the reason is about, `cause` the place that brought it about; `fix` the whole program, mended.
    """

    code: str
    params: dict[str, str | int | float] = {}
    span: Span | None = None
    cause: Span | None = None
    fix: str | None = None


class Case:
    """A failed run, laid out for the functions below: its message, the failing statement, and the names it mentions."""

    def __init__(self, trace: Trace) -> None:
        assert trace.outcome is not None
        self.trace = trace
        self.message = trace.outcome.message
        self.tick = trace.outcome.tick or trace.ticks
        self.source = Source(trace.source)
        self.span = trace.outcome.span
        self.expression = self.source.innermost(self.span) if self.span else None
        self.values = {value.number: value for value in trace.values}
        self.variables = dict(trace.steps[-1].variables) if trace.steps else {}

    def tensor(self, name: str) -> TensorValue | None:
        """The tensor a name holds at the moment of failure."""
        value = self.values.get(self.variables.get(name, -1))
        return value if isinstance(value, TensorValue) else None

    def tensors(self) -> Iterator[tuple[ast.Name, TensorValue]]:
        """The names in the failing statement that hold tensors, in reading order."""
        statement = self.source.statement(self.span) if self.span else None
        for node in ast.walk(statement) if statement else ():
            if isinstance(node, ast.Name) and (value := self.tensor(node.id)):
                yield node, value

    def name_of(self, tensor: int) -> str:
        """A name bound to that tensor in any step so far, or "a tensor" of ours in words."""
        for step in reversed(self.trace.steps):
            for name, number in step.variables:
                value = self.values.get(number)
                if isinstance(value, TensorValue) and value.tensor == tensor:
                    return name
        return self.source.text_at(self.span) if self.span else ""

    def call(self, method: str) -> ast.Call | None:
        """The call of that method in the failing statement."""
        statement = self.source.statement(self.span) if self.span else None
        for node in ast.walk(statement) if statement else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
                return node
        return None


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
    freed = [row for row in case.trace.freed if row.pass_ is not None]
    passes = {row.number: row for row in case.trace.passes}
    if not freed:
        return None
    earlier = passes[max(row.pass_ for row in freed if row.pass_ is not None)]
    if earlier.span is None:
        return None
    call = case.source.innermost(earlier.span)
    fix = case.source.with_keyword(call, "retain_graph", "True") if isinstance(call, ast.Call) else None
    here = case.span[0] if case.span else 0
    code = "mistake.second_backward" if earlier.span != case.span else "mistake.second_backward_loop"
    return Reason(code, {"line": here, "cause": earlier.span[0]}, case.span, earlier.span, fix)


def modified_in_place(case: Case) -> Reason | None:
    """A saved tensor was changed between forward and backward; the fix makes a new tensor instead."""
    found = re.search(r"is at version (\d+); expected version (\d+)", case.message)
    if found is None:
        return None
    expected = int(found[2])
    node, tensor = _saved_then_changed(case, expected)
    changes = [row for row in case.trace.changes if row.tensor == tensor and row.before >= expected]
    if node is None or not changes:
        return None
    change = changes[0]
    statement = case.source.statement(change.span)
    fix = case.source.out_of_place(statement) if statement else None
    needed = node.span or case.span
    params: dict[str, str | int | float] = {
        "name": case.name_of(tensor), "line": change.span[0], "need": needed[0] if needed else 0, "node": node.name,
        "version": int(found[1]), "expected": expected,
    }  # fmt: skip
    return Reason("mistake.modified_in_place", params, needed, change.span, fix)


def _saved_then_changed(case: Case, expected: int) -> tuple[Node | None, int]:
    """The node that saved a tensor at that version, which a statement changed afterwards; the tensor."""
    changed = {row.tensor for row in case.trace.changes if row.after > expected}
    reached = [node for node in case.trace.nodes for saved in node.saved if saved.tensor in changed]
    for node in reversed(reached):
        for saved in node.saved:
            if saved.tensor in changed and saved.version == expected:
                return node, saved.tensor or 0
    return None, -1


def in_place_on_leaf(case: Case) -> Reason | None:
    """A leaf that requires grad was changed where its history is recorded; the fix does it under no_grad."""
    statement = case.source.statement(case.span) if case.span else None
    leaf = next((name.id for name, value in case.tensors() if value.is_leaf and value.requires_grad), None)
    if statement is None or leaf is None:
        return None
    fix = case.source.under(statement, "with torch.no_grad():")
    return Reason("mistake.in_place_on_leaf", {"name": leaf}, case.span, None, fix)


def not_scalar(case: Case) -> Reason | None:
    """backward() without a gradient on more than one element; the fix sums first."""
    call = case.call("backward") or case.call("grad")
    if call is None:
        return None
    output = call.func.value if call.func.attr == "backward" else call.args[0]  # type: ignore[attr-defined]
    text = case.source.segment(output)
    value = case.tensor(output.id) if isinstance(output, ast.Name) else None
    params: dict[str, str | int | float] = {"name": text, "shape": str(value.shape) if value else ""}
    return Reason(
        "mistake.not_scalar", params, case.span, None, case.source.replaced(output, f"{_atom(output, text)}.sum()")
    )


def no_grad_fn(case: Case) -> Reason | None:
    """Nothing in the history of the output requires grad: a cut, or no leaf asked for it."""
    call = case.call("backward") or case.call("grad")
    if call is None:
        return None
    cuts = case.trace.cuts
    if cuts:
        cut = cuts[-1]
        fix = _uncut(case, cut.reason, cut.span)
        params: dict[str, str | int | float] = {"line": cut.span[0], "reason": cut.reason}
        return Reason(f"mistake.cut.{cut.reason}", params, case.span, cut.span, fix)
    created = case.source.first_factory()
    fix = case.source.with_keyword(created, "requires_grad", "True") if created else None
    cause = case.source.span(created) if created else None
    return Reason("mistake.nothing_requires_grad", {"line": cause[0] if cause else 0}, case.span, cause, fix)


def _uncut(case: Case, reason: str, span: Span) -> str | None:
    node = case.source.innermost(span)
    if reason == "detach" and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return case.source.replaced(node, case.source.segment(node.func.value))
    if reason == "data" and isinstance(node, ast.Attribute):
        return case.source.replaced(node, case.source.segment(node.value))
    return None


def integer_leaf(case: Case) -> Reason | None:
    """Integers cannot require grad; the fix makes the tensor of floats."""
    node = case.expression
    created = node if isinstance(node, ast.Call) else None
    if created is None:
        return None
    if isinstance(created.func, ast.Attribute) and created.func.attr == "requires_grad_":
        receiver = created.func.value
        fix = case.source.replaced(receiver, f"{case.source.segment(receiver)}.float()")
    else:
        fix = case.source.with_keyword(created, "dtype", "torch.float32")
    return Reason("mistake.integer_leaf", {}, case.span, None, fix)


def numpy_of_grad(case: Case) -> Reason | None:
    """numpy() would lose the history in silence; the fix says so with detach()."""
    call = case.call("numpy")
    if call is None:
        return None
    receiver = call.func.value  # type: ignore[attr-defined]
    text = case.source.segment(receiver)
    fix = case.source.replaced(receiver, f"{text}.detach()")
    return Reason("mistake.numpy_of_grad", {"name": text}, case.span, None, fix)


def shapes_differ(case: Case) -> Reason | None:
    """Two shapes do not fit; where a transpose makes them fit, the fix writes it."""
    shapes = [(name.id, value.shape) for name, value in case.tensors()]
    params: dict[str, str | int | float] = {"shapes": ", ".join(f"{name} {_shape(shape)}" for name, shape in shapes)}
    product = _matrix_product(case)
    fix = None
    if product is not None:
        left, right = product
        a, b = (case.tensor(side.id) if isinstance(side, ast.Name) else None for side in product)
        if a and b and len(a.shape) == len(b.shape) == 2:
            if a.shape[1] == b.shape[1]:
                fix = case.source.replaced(right, f"{case.source.segment(right)}.T")
            elif a.shape[0] == b.shape[0]:
                fix = case.source.replaced(left, f"{case.source.segment(left)}.T")
    return Reason("mistake.shapes_differ", params, case.span, None, fix)


def _matrix_product(case: Case) -> tuple[ast.expr, ast.expr] | None:
    statement = case.source.statement(case.span) if case.span else None
    for node in ast.walk(statement) if statement else ():
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            return node.left, node.right
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("matmul", "mm"):
            owner = [] if isinstance(node.func.value, ast.Name) and node.func.value.id == "torch" else [node.func.value]
            sides = [*owner, *node.args]
            if len(sides) == 2:
                return sides[0], sides[1]
    return None


def dtypes_differ(case: Case) -> Reason | None:
    """Two dtypes meet where they must be equal; the fix brings the odd one to float32."""
    odd = next(((node, value) for node, value in case.tensors() if value.dtype != "float32"), None)
    if odd is None:
        return None
    node, value = odd
    fix = case.source.replaced(node, f"{node.id}.float()")
    return Reason("mistake.dtypes_differ", {"name": node.id, "dtype": value.dtype}, case.span, None, fix)


def devices_differ(case: Case) -> Reason | None:
    """Tensors on two devices meet; the fix moves them to the first one's."""
    tensors = list(case.tensors())
    devices = {value.device for _, value in tensors}
    if len(devices) < 2:
        return None
    odd, value = next((node, value) for node, value in tensors if value.device != "cpu")
    params: dict[str, str | int | float] = {"name": odd.id, "device": value.device}
    return Reason("mistake.devices_differ", params, case.span, None, None)


def inference_tensor(case: Case) -> Reason | None:
    """A tensor made under inference_mode cannot be saved for backward; the fix uses no_grad there."""
    for node in ast.walk(case.source.tree):
        if isinstance(node, ast.Attribute) and node.attr == "inference_mode":
            cause = case.source.span(node)
            fix = case.source.replaced(node, f"{case.source.segment(node.value)}.no_grad")
            return Reason("mistake.inference_tensor", {"line": cause[0]}, case.span, cause, fix)
    return None


def _atom(node: ast.expr, text: str) -> str:
    """The text of an expression, in parentheses unless a method can be called on it as it stands."""
    return text if isinstance(node, (ast.Name, ast.Call, ast.Attribute, ast.Subscript)) else f"({text})"


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


MISTAKES: tuple[tuple[str, Callable[[Case], Reason | None]], ...] = (
    (r"backward through the graph a second time", second_backward),
    (r"modified by an inplace operation", modified_in_place),
    (r"leaf Variable that requires grad is being used in an in-place", in_place_on_leaf),
    (r"grad can be implicitly created only for scalar outputs", not_scalar),
    (r"does not require grad and does not have a grad_fn", no_grad_fn),
    (r"[Oo]nly Tensors of floating point and complex dtype can require gradients", integer_leaf),
    (r"Can't call numpy\(\) on Tensor that requires grad", numpy_of_grad),
    (
        r"shapes cannot be multiplied|must match the size of tensor|size mismatch|inconsistent tensor size",
        shapes_differ,
    ),
    (r"same dtype|expected scalar type|but expected (Float|Double|Long)", dtypes_differ),
    (r"same device|is not on the expected device", devices_differ),
    (r"Inference tensors cannot be saved for backward", inference_tensor),
)
