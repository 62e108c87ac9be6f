"""Is a leaf's gradient true? The same program again in float64, a little to both sides of each element.

    kind "truth", subject: the tensor number of a leaf  ->  one Answer

    grad[i]  against  (f(w + h e_i) - f(w - h e_i)) / 2h        f = sum(root * grad_output) of the leaf's first pass

The program is run as written; what its factories and random draws make is cast to float64 afterwards, since float64
draws other numbers from the same seed. The leaf is nudged just before the statement that first needs it, and a run ends
where the pass begins. Runs are compared only while the autograd nodes behind the roots have the same names; at a kink,
where both sides have slopes of their own, an element is left out. Central differences err by h**2 times the third
derivative and by rounding over h: about 1e-9 here, far below the tolerance.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd import graph as autograd_graph
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from engine.errors import LimitReached
from engine.executors.base import Question
from engine.observer import Observer
from engine.paths import delivered
from engine.previews import preview_values
from engine.trace import Answer, Node, TensorValue, Trace

ELEMENTS = 16
"""Elements of a leaf that are checked, spread evenly over it."""
STEP = 1e-6
"""h."""
TOLERANCE = 1e-3
"""Largest difference, relative to the largest gradient, that float32 may have against float64."""

Run = Callable[[Observer], None]
"""Runs the program from its first line, newly seeded, watched by that observer; whatever it raises is swallowed."""


class Wide(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Whatever is made in float32 is float64 from then on; random numbers are drawn in float32 first."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        mutable = func._schema.is_mutable
        if torch.Tag.nondeterministic_seeded in func.tags and mutable and args[0].dtype == torch.float64:
            drawn = args[0].to(torch.float32)
            func(drawn, *args[1:], **kwargs)
            return args[0].copy_(drawn)
        if torch.Tag.nondeterministic_seeded not in func.tags:
            if any(isinstance(one, torch.Tensor) for one in args) and kwargs.get("dtype") == torch.float32:
                kwargs["dtype"] = torch.float64
            if not mutable:
                args, kwargs = tree_map(_widened, args), tree_map(_widened, kwargs)
        made = func(*args, **kwargs)
        return made if mutable else tree_map(_widened, made)


def _widened(value: Any) -> Any:
    return value.to(torch.float64) if isinstance(value, torch.Tensor) and value.dtype == torch.float32 else value


class Nudge(Observer):
    """Adds `by` to one element of a leaf before a statement, and ends the run where its pass begins.

    Afterwards `value` is f there, `names` the names of the nodes behind the roots, in a fixed order.
    """

    def __init__(self, label: str, tick: int, pass_: int, element: int = 0, by: float = 0.0, *, wide: bool) -> None:
        self._label, self._tick, self._pass = label, tick, pass_
        self._element, self._by, self._wide = element, by, Wide() if wide else None  # type: ignore[no-untyped-call]
        self._globals: dict[str, object] = {}
        self._passes = 0
        self.value: float | None = None
        self.start: float | None = None
        self.names: list[str] = []

    def __enter__(self) -> Nudge:
        self._engine = autograd_graph._engine_run_backward
        for module in (autograd_graph, torch.autograd):
            if hasattr(module, "_engine_run_backward"):
                setattr(module, "_engine_run_backward", self._begun)  # noqa: B010
        if self._wide is not None:
            self._wide.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *_: object) -> None:
        if self._wide is not None:
            self._wide.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        for module in (autograd_graph, torch.autograd):
            if hasattr(module, "_engine_run_backward"):
                setattr(module, "_engine_run_backward", self._engine)  # noqa: B010

    def enter_scope(self, scope: Any, node: ast.AST) -> None:
        if scope.parent is None:
            self._globals = scope.variables

    def before_statement(self, node: ast.stmt, scope: Any, tick: int) -> None:
        if tick == self._tick:
            leaf = at_path(self._globals, self._label)
            if isinstance(leaf, torch.Tensor) and leaf.is_leaf and leaf.is_contiguous():
                flat = leaf.data.view(-1)
                self.start = float(flat[self._element])
                flat[self._element] += self._by

    def _begun(self, outputs: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        self._passes += 1
        if self._passes <= self._pass:
            return self._engine(outputs, *args, **kwargs)
        self.measure(outputs, args[0] if args else kwargs.get("grad_tensors", ()))
        raise LimitReached("limit.statements", limit=self._tick)

    def measure(self, outputs: Sequence[Any], cotangents: Sequence[Any]) -> None:
        """f, and the nodes behind the roots."""
        total = 0.0
        for output, cotangent in zip(outputs, cotangents, strict=True):
            if isinstance(output, torch.Tensor) and isinstance(cotangent, torch.Tensor):
                total += float((output.detach().double() * cotangent.detach().double()).sum())
                self.names += _names(output.grad_fn)
        self.value = total


def _names(root: Any) -> list[str]:
    names, seen, stack = [], {root}, [root]
    while stack:
        node = stack.pop()
        if node is None:
            continue
        names.append(node.name())
        for following, _ in reversed(node.next_functions):
            if following is not None and following not in seen:
                seen.add(following)
                stack.append(following)
    return names


def at_path(variables: dict[str, object], label: str) -> object:
    """The tensor at a path like "w" or "model.linear.weight"; None where there is none."""
    name, *parts = label.split(".")
    value = variables.get(name)
    for part in parts:
        held: dict[str, Any] = {}
        if isinstance(value, torch.nn.Module):
            held = {**dict(value.named_children()), **dict(value.named_parameters(recurse=False))}
        value = held.get(part)
    return value


def check_leaf(index: int, question: Question, trace: Trace, run: Run, hurry: Callable[[], bool]) -> Answer:
    """The answer to one question of this kind. `hurry` says when no more elements should be begun."""
    found = _first(trace, question.subject)
    if isinstance(found, str):
        return Answer(index, code=found)
    node, pass_, grad = found

    def at(element: int, by: float, *, wide: bool = True) -> Nudge:
        with Nudge(node.label, node.tick, pass_, element, by, wide=wide) as nudge:
            run(nudge)
        return nudge

    plain, middle = at(0, 0.0, wide=False), at(0, 0.0)
    if plain.value is None or plain.start is None or middle.value is None:
        return Answer(index, code="truth.unnamed")
    if plain.names != middle.names:
        return Answer(index, code="truth.other_nodes")
    return _compared(index, grad, middle, at, hurry)


def _compared(index: int, grad: list[float], middle: Nudge, at: Any, hurry: Callable[[], bool]) -> Answer:
    """Each element's slope by central differences, beside its gradient."""
    places = sorted({round(number * (len(grad) - 1) / max(ELEMENTS - 1, 1)) for number in range(ELEMENTS)})
    checked: list[int] = []
    pairs: list[float] = []
    kinks = 0
    for place in places[: len(grad)]:
        if hurry():
            break
        above, below = at(place, STEP), at(place, -STEP)
        if above.value is None or below.value is None or above.names != middle.names or below.names != middle.names:
            return Answer(index, code="truth.other_nodes")
        right, left = (above.value - middle.value) / STEP, (middle.value - below.value) / STEP
        if abs(right - left) > 0.02 * max(abs(right), abs(left), 1e-3):
            kinks += 1
            continue
        checked.append(place)
        pairs += [grad[place], (above.value - below.value) / (2 * STEP)]
    if not checked:
        return Answer(index, code="truth.kinks" if kinks else "truth.slow")
    scale = max(max(abs(one) for one in pairs), 1e-12)
    error = max(abs(a - b) for a, b in zip(pairs[::2], pairs[1::2], strict=True)) / scale
    right_one = error <= TOLERANCE
    params: dict[str, str | int | float] = {"error": f"{error:.1e}", "count": len(checked), "total": len(grad)}
    code = "truth.right" if right_one else "truth.wrong"
    return Answer(index, "right" if right_one else "wrong", tuple(checked), preview_values(pairs), code, params)


def _first(trace: Trace, leaf: int) -> tuple[Node, int, list[float]] | str:
    """The leaf's AccumulateGrad, the number of the first pass that delivered to it, and what; or why not."""
    node = next((node for node in trace.nodes if node.leaf == leaf), None)
    if node is None or not node.label:
        return "truth.unnamed"
    values = {value.number: value for value in trace.values if isinstance(value, TensorValue)}
    deposits = {row.pass_: row for row in reversed(trace.deposits) if row.tensor == leaf and row.kind == "deposit"}
    for row in trace.passes:
        if row.error is None and not row.accumulate and (brought := delivered(trace, row.number, leaf)) is not None:
            held = values.get(node.value) if node.value is not None else None
            return _checkable(node, row.number, held, list(brought))
        if row.number in deposits:
            number = deposits[row.number].amount
            amount = values.get(number) if number is not None else None
            known = amount is not None and amount.preview is not None and amount.dtype.startswith("float")
            return _checkable(node, row.number, amount, _real(amount) if amount is not None and known else [])
    return "truth.no_grad"


def _checkable(
    node: Node, pass_: int, like: TensorValue | None, grad: list[float]
) -> tuple[Node, int, list[float]] | str:
    """The gradient, if all of it was recorded, in a dtype that is compared. `like` has its shape."""
    if like is not None and like.dtype not in ("float32", "float64"):
        return "truth.dtype"
    return (node, pass_, grad) if like is not None and len(grad) == math.prod(like.shape) else "truth.not_recorded"


def _real(value: TensorValue) -> list[float]:
    assert value.preview is not None
    return [float(one) for one in value.preview.values]  # type: ignore[arg-type]
