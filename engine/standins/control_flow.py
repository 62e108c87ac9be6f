"""torch.cond, torch.while_loop, scan, map: PyTorch compiles what it calls; here the functions are called as they stand.

Where a gradient may be asked for, PyTorch makes one node of the whole. So do we: what the functions computed is kept
inside the node, and the backward goes through it there. Tensors from outside that the functions use are inputs of the
node too: a mode that sees every operation finds them.
"""

from __future__ import annotations

import ast
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import _C
from torch._higher_order_ops.associative_scan import associative_scan as _associative_scan
from torch._prims_common import canonicalize_dim
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from engine.errors import Refused
from engine.own_operations import tensors
from engine.standins import Names, Run


class UncapturedHigherOrderOpError(RuntimeError):
    """The functions do what cannot be compiled."""

    def __init__(self, text: str, name: str, why: str = "") -> None:
        super().__init__(f"{text}\n  Higher Order Operator: {name}{why}")


class TorchRuntimeError(RuntimeError):
    """The functions give back what cannot be put together."""


UncapturedHigherOrderOpError.__module__ = TorchRuntimeError.__module__ = "torch._dynamo.exc"

_BREAK = (
    "This higher order operator doesn't work unless it is captured completely with torch.compile. "
    "Got graph break/error:\n\n"
)


class _Outside(TorchDispatchMode):  # type: ignore[misc,no-untyped-call,unused-ignore]
    """Passes every operation on, and keeps what it was given that needs a gradient and was there before."""

    def __init__(self, known: list[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._first = torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]
        self._known = {id(one) for one in known}
        self.found: dict[int, torch.Tensor] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for one in tensors(args, kwargs):
            if one.requires_grad and id(one) not in self._known:
                node = one.grad_fn
                if node is None or node._sequence_nr() < self._first:
                    self.found[id(one)] = one
        return func(*args, **(kwargs or {}))


class _Held:
    """What a node keeps: the inputs and outputs of the functions, with the graph between them."""

    def __init__(self, inputs: list[torch.Tensor], outputs: list[Any]) -> None:
        self.inputs, self.outputs = inputs, outputs


def _forward(ctx: Any, held: _Held, *tensors: torch.Tensor) -> tuple[Any, ...]:
    ctx.held = held
    ctx.save_for_backward(*tensors)
    return tuple(one.detach().clone() if isinstance(one, torch.Tensor) else one for one in held.outputs)


def _backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
    wanted = ctx.needs_input_grad[1:]
    assert len(ctx.saved_tensors) == len(wanted)  # raises where the graph is gone
    held = ctx.held
    pairs = [
        (one, grad)
        for one, grad in zip(held.outputs, grads, strict=True)
        if isinstance(one, torch.Tensor) and one.requires_grad
    ]
    inputs = [one for one, needs in zip(held.inputs, wanted, strict=True) if needs]
    grads = (None,) * len(inputs)
    if pairs and inputs:
        outputs, given = zip(*pairs, strict=True)
        grads = torch.autograd.grad(outputs, inputs, given, retain_graph=True, allow_unused=True)
    found: Iterator[Any] = iter(
        [torch.zeros_like(one) if grad is None else grad for one, grad in zip(inputs, grads, strict=True)]
    )
    return (None, *(next(found) if needs else None for needs in wanted))


def _node(name: str) -> Any:
    members = {"forward": staticmethod(_forward), "backward": staticmethod(_backward)}
    return type(name, (torch.autograd.Function,), members)


_COND, _WHILE, _SCAN, _MAP = (_node(f"{name}AutogradOp") for name in ("Cond", "WhileLoop", "Scan", "Map"))


def _as_one(
    node: Any, name: str, function: Callable[..., Any], operands: Any, others: Callable[[], list[torch.Tensor]] = list
) -> Any:
    """`function(*operands)`, as one node where a gradient may be asked for; changes no operand, and gives back none.
    `others`: tensors that need a gradient and are inputs of the node, though nothing was done with them."""
    if not torch.is_grad_enabled() or _C._functorch.peek_interpreter_stack() is not None:
        return function(*operands)
    leaves, spec = pytree.tree_flatten(operands)
    given = [one for one in leaves if isinstance(one, torch.Tensor)]
    copies = {id(one): one.detach().requires_grad_() for one in given if one.requires_grad}
    before = _versions(given)
    with _Outside(list(copies.values())) as outside:
        result = function(*pytree.tree_unflatten([copies.get(id(one), one) for one in leaves], spec))
    outputs, shape = pytree.tree_flatten(result)
    _check(name, given, before, outputs)
    found = outside.found
    found |= {id(one): one for one in others() if id(one) not in copies}
    if not copies and not found:
        return result
    if found and node is _WHILE:
        raise Refused("refused.name", name=f"{name} of a tensor from outside that requires grad")
    inputs = list({id(one): one for one in given if one.requires_grad}.values())
    held = _Held([*(copies[id(one)] for one in inputs), *found.values()], outputs)
    made = node.apply(held, *inputs, *found.values())
    return pytree.tree_unflatten(list(made), shape)


def _check(name: str, given: list[Any], before: list[int], outputs: list[Any]) -> None:
    """Where a gradient may be asked for, no input is changed and none is given back."""
    if not torch.is_grad_enabled():
        return
    what = ""
    if before != _versions(given):
        what = "input mutation"
    elif _storages(outputs) & _storages(given):
        what = "aliasing"
    if what:
        raise UncapturedHigherOrderOpError(f"{_BREAK}Encountered {what} during higher order op tracing", name)


def _versions(values: list[Any]) -> list[int]:
    return [one._version for one in values if isinstance(one, torch.Tensor) and not one.is_inference()]


def _storages(values: list[Any]) -> set[int]:
    return {
        one.untyped_storage()._cdata for one in values if isinstance(one, torch.Tensor) and one.layout is torch.strided
    }


def _alike(name: str, first: tuple[str, list[Any]], second: tuple[str, list[Any]]) -> None:
    """What is carried on is as what was carried in. Raises what PyTorch raises where it is not."""
    (left, lefts), (right, rights) = first, second
    if len(lefts) != len(rights):
        raise UncapturedHigherOrderOpError(
            f"Expected {left} and {right} to have same number of outputs but got lhs:{_fake(lefts)} and "
            f"rhs:{_fake(rights)}",
            name,
        )
    lines = []
    for place, (one, other) in enumerate(zip(lefts, rights, strict=True)):
        if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
            facts = (
                ("shape", one.shape, other.shape),
                ("dtype", one.dtype, other.dtype),
                ("stride", one.stride(), other.stride()),
            )
            differ = ", ".join(f"'{what}: {a} vs {b}'" for what, a, b in facts if a != b)
        else:
            both = isinstance(one, int) and isinstance(other, int)
            differ = "" if both else f"type: {_fake([one])[1:-1]} vs {_fake([other])[1:-1]}"
        if differ:
            where = f"where lhs is {_fake([one])[1:-1]} and rhs is {_fake([other])[1:-1]}"
            lines.append(f"pair[{place}] differ in {differ}, {where}")
    if lines:
        text = "\n".join(lines)
        raise UncapturedHigherOrderOpError(
            f"Expected {left} and {right} to have same metadata but found:\n{text}", name
        )


def _fake(values: list[Any]) -> str:
    """As PyTorch shows them while it compiles."""
    shown = []
    for one in values:
        if isinstance(one, torch.Tensor):
            kind = "" if one.dtype is torch.get_default_dtype() else f", dtype={one.dtype}"
            shown.append(f"FakeTensor(..., size={tuple(one.shape)}{kind})")
        else:
            shown.append(str(one))
    return f"[{', '.join(shown)}]"


def offer(run: Run) -> Names:
    """Each under every name it has."""

    def call(function: Any, *args: Any) -> Any:
        return run.owner.invoke(function, args, {})

    def cond(pred: Any, true_fn: Any, false_fn: Any, operands: Any = ()) -> Any:
        """`torch.cond`: the branch that is taken is called, the other one is not looked at."""
        if isinstance(pred, bool | int | float):
            return call(true_fn if pred else false_fn, *operands)
        if not isinstance(pred, torch.Tensor):
            raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
        if pred.numel() != 1:
            raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
        if not (callable(true_fn) and callable(false_fn)):
            raise RuntimeError("Expect both branches to be callable.")
        leaves = pytree.tree_leaves(operands)
        if not isinstance(operands, tuple | list) or any(not isinstance(one, torch.Tensor) for one in leaves):
            raise RuntimeError(
                "Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of tensor leaves, "
                f"but got {operands}."
            )
        taken, left = (true_fn, false_fn) if bool(pred) else (false_fn, true_fn)
        return _as_one(
            _COND, "torch.cond", lambda *given: call(taken, *given), tuple(operands), lambda: _named(run.owner, left)
        )

    def while_loop(cond_fn: Any, body_fn: Any, carried_inputs: Any) -> Any:
        """`torch.while_loop`."""
        if not callable(cond_fn) or not callable(body_fn):
            raise RuntimeError("Expect cond_fn and body_fn to be callable.")
        leaves = pytree.tree_leaves(carried_inputs)
        if any(not isinstance(one, torch.Tensor | int) for one in leaves):
            kinds = (torch.Tensor, int, torch.SymInt)
            raise AssertionError(f"{leaves} can only be of {kinds} but got {tuple(type(one) for one in leaves)}")
        name = "torch.while_loop"

        def goes_on(*carried: Any) -> bool:
            found = call(cond_fn, *carried)
            scalar = isinstance(found, torch.Tensor) and found.dim() == 0 and found.dtype is torch.bool
            if not scalar and not isinstance(found, bool):
                size = found.shape if isinstance(found, torch.Tensor) else found
                raise UncapturedHigherOrderOpError(
                    f"{_BREAK}torch.while_loop: unsupported cond_fn return type",
                    name,
                    f"\n  Explanation: Expected cond_fn to return a scalar tensor or a bool but got {size}.",
                )
            if found is True and not any(isinstance(one, int) for one in leaves):
                raise UncapturedHigherOrderOpError(f"{_BREAK}torch.while_loop: infinite loop detected", name)
            return bool(found)

        def loop(*carried: Any) -> Any:
            result: Any = carried
            while goes_on(*result):
                given = pytree.tree_leaves(result)
                before = _versions(given)
                result = call(body_fn, *result)
                got = pytree.tree_leaves(result)
                _check(name, given, before, got)
                _alike(name, ("body_fn_output", got), ("carried_inputs", leaves))
            if result is carried:
                return pytree.tree_map_only(torch.Tensor, torch.clone, carried)
            return result

        return _as_one(_WHILE, name, loop, tuple(carried_inputs))

    def scan(combine_fn: Any, init: Any, xs: Any, *, dim: int = 0, reverse: bool = False) -> Any:
        """`scan`."""
        leaves, spec = pytree.tree_flatten(xs)
        begin = pytree.tree_leaves(init)
        if not leaves:
            return init, []
        dim = canonicalize_dim(leaves[0].ndim, dim)
        if not callable(combine_fn):
            raise RuntimeError(f"Combine_fn must be a callable, but got {combine_fn}")
        if not isinstance(reverse, bool):
            raise RuntimeError(f"Reverse must be a bool, but got {type(reverse)}")
        if not begin:
            raise RuntimeError("scan() operator requires init leaves.")
        for what, values in (("init", begin), ("xs", leaves)):
            for one in values:
                if not isinstance(one, torch.Tensor):
                    raise RuntimeError(f"All {what} leaves must be a Tensor but got {one}")
        if any(one.ndim <= dim or one.shape[dim] == 0 for one in leaves):
            raise RuntimeError("All xs leaves must at least have 'dim' number of dimensions and scan dimension > 0")
        name = "torch.ops.higher_order.scan"

        def steps(carry: Any, *values: Any) -> Any:
            start, kind = pytree.tree_flatten(carry)
            columns = []
            for index in range(values[0].shape[dim]):
                place = values[0].shape[dim] - 1 - index if reverse else index
                part = [one.select(dim, place) for one in values]
                given = [*pytree.tree_leaves(carry), *part]
                before = _versions(given)
                result = call(
                    combine_fn,
                    pytree.tree_unflatten(pytree.tree_leaves(carry), kind),
                    pytree.tree_unflatten(part, spec),
                )
                if not isinstance(result, tuple | list) or len(result) != 2:
                    raise UncapturedHigherOrderOpError(
                        f"{_BREAK}Encountered aliasing during higher order op tracing", name
                    )
                carry, output = result
                carried, out = pytree.tree_leaves(carry), pytree.tree_leaves(output)
                _check(name, given, before, [*carried, *out])
                if len(_storages([*carried, *out])) < len(carried) + len(tensors(out)) and torch.is_grad_enabled():
                    raise UncapturedHigherOrderOpError(
                        f"{_BREAK}Encountered aliasing during higher order op tracing", name
                    )
                _alike(name, ("init", start), ("carry", carried))
                for one in out:
                    if not isinstance(one, torch.Tensor):
                        raise TorchRuntimeError(
                            "RuntimeError when making fake tensor call\n  "
                            f"'{type(one).__name__}' object has no attribute 'unsqueeze'"
                        )
                columns.append(output)
            if reverse:
                columns.reverse()
            return carry, _stacked(columns, dim)

        return _as_one(_SCAN, name, steps, (init, *leaves))

    def map(f: Any, xs: Any, *args: Any) -> Any:
        """`map` over the first dimension."""
        leaves, spec = pytree.tree_flatten(xs)
        if not all(isinstance(one, torch.Tensor) for one in leaves):
            raise RuntimeError(f"Mapped xs can only consist of tensors. Got xs {leaves}.")
        shapes = [one.shape for one in leaves]
        length = shapes[0][0]
        if length == 0:
            raise RuntimeError("Leading dimensions of mapped xs cannot be 0.")
        if any(shape[0] != length for shape in shapes):
            raise RuntimeError(f"Leading dimensions of mapped xs must be consistent. Got shapes {shapes}.")
        name = "torch.ops.higher_order.map_impl"

        def steps(rest: Any, *values: Any) -> Any:
            columns = []
            given = [*values, *pytree.tree_leaves(rest)]
            before = _versions(given)
            for index in range(length):
                part = [one.select(0, index) for one in values]
                result = call(f, pytree.tree_unflatten(part, spec), *rest)
                out = pytree.tree_leaves(result)
                if any(not isinstance(one, torch.Tensor) for one in out):
                    raise UncapturedHigherOrderOpError(f"{_BREAK}HOP: non torch.Tensor leaf", name)
                _check(name, given, before, out)
                columns.append(result)
            return _stacked(columns, 0)

        return _as_one(_MAP, name, steps, (args, *leaves))

    def associative_scan(
        combine_fn: Any, xs: Any, dim: int, reverse: bool = False, combine_mode: str = "pointwise"
    ) -> Any:
        """`associative_scan`: PyTorch's own does not compile on a CPU."""
        function = combine_fn
        if callable(combine_fn):
            function = run.invoked(combine_fn)
            function.__name__ = getattr(combine_fn, "__name__", "call")
        return _associative_scan(function, xs, dim, reverse, combine_mode)

    every = {"cond": cond, "while_loop": while_loop, "scan": scan, "map": map, "associative_scan": associative_scan}
    home = "torch._higher_order_ops"
    return {
        "torch": {"cond": cond, "while_loop": while_loop},
        home: every,
        **{f"{home}.{name}": {name: function} for name, function in every.items()},
        "functorch.experimental.control_flow": {"cond": cond, "map": map},
    }


def _named(owner: Any, function: Any) -> list[torch.Tensor]:
    """Tensors that need a gradient, of those that the text of a function names: globals, and what `self` has."""
    text = owner.source_of(function) if owner.access.is_function(function) else None
    try:
        tree = ast.parse(textwrap.dedent(text or ""))
    except SyntaxError:
        return []
    fields: dict[str, Any] = {}
    if isinstance(function, types.MethodType):
        bound = function.__self__
        fields.update(getattr(bound, "__dict__", {}))
        if isinstance(bound, torch.nn.Module):
            fields |= {**bound._modules, **bound._parameters, **bound._buffers}
    values = []
    kind = ast.Lambda if function.__name__ == "<lambda>" else ast.FunctionDef
    bodies = [one for one in ast.walk(tree) if isinstance(one, kind)]
    own = {one.arg for body in bodies for one in ast.walk(body) if isinstance(one, ast.arg)}
    for node in (one for body in bodies for one in ast.walk(body)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in own:
            values.append(owner.globals.get(node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            values.append(fields.get(node.attr))
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.nn.Module):
            found += value.parameters()
        elif isinstance(value, torch.Tensor):
            found.append(value)
    return [one for one in found if one.requires_grad]


def _stacked(columns: list[Any], dim: int) -> Any:
    """Outputs of the steps, leaf by leaf; what has fewer dimensions is stacked first."""
    flat = [pytree.tree_flatten(one) for one in columns]
    rows = list(zip(*(leaves for leaves, _ in flat), strict=True))
    stacked = [torch.stack(row, dim if dim <= row[0].dim() else 0) for row in rows]
    return pytree.tree_unflatten(stacked, flat[0][1])
