"""`torch.library.opcheck`: whether an operation of the program does what was said of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import torch
from torch import _C
from torch._prims_common import check_significant_strides
from torch._subclasses.fake_tensor import MetadataMismatchError
from torch.utils import _pytree as pytree

from engine.custom_operation import CustomOpDef
from engine.own_operations import COMPOSITE, DEFAULT, Overload, Packet, tensors

Named = dict[str, Any]
Given = tuple[Any, ...]


class OpCheckError(Exception):
    """A check has failed."""


OpCheckError.__module__ = "torch.testing._internal.optests.generate_tests"


def opcheck(
    op: Any,
    args: Given,
    kwargs: Named | None = None,
    *,
    test_utils: Any = ("test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_dynamic"),
    raise_exception: bool = True,
    atol: Any = None,
    rtol: Any = None,
) -> dict[str, Any]:
    """The checks by name, each "SUCCESS" or what it raised. Raises OpCheckError for the first that fails."""
    if (rtol is None) ^ (atol is None):
        raise ValueError("opcheck(op, ...): if you specify one of rtol/atol, you must specify both")
    overload = op._opoverload if isinstance(op, CustomOpDef) else op
    if isinstance(overload, Packet):
        members = overload._members
        if len(members) != 1:
            raise RuntimeError(
                "opcheck can only test operators without overloads. Got the following overloads for "
                f"{overload._qualified_op_name}: {[one._schema.overload_name for one in members.values()]}"
            )
        (overload,) = members.values()
    if not isinstance(overload, Overload):
        raise ValueError(
            "opcheck(op, ...): op must be instance of torch._ops.OpOverload, "
            f"e.g. torch.ops.aten.sin.default, got {type(op)}"
        )
    if test_utils == "ALL":
        test_utils = tuple(_CHECKS)
    if isinstance(test_utils, str):
        test_utils = (test_utils,)
    if not isinstance(test_utils, tuple | list) or not set(test_utils).issubset(_CHECKS):
        raise ValueError(
            f"opcheck(op, ..., test_utils={test_utils}), expected test_utils "
            f"to be subset of {tuple(_CHECKS)} but it was not"
        )
    results: dict[str, Any] = {}
    for name in test_utils:
        try:
            _CHECKS[name](overload, args, kwargs or {})
            results[name] = "SUCCESS"
        except Exception as error:
            if raise_exception:
                raise OpCheckError(
                    f"opcheck(op, ...): {name} failed with {error} (scroll up for stack trace)"
                ) from error
            results[name] = error
    return results


def _copied(args: Given, kwargs: Named) -> tuple[Given, Named]:
    """Inputs of their own, so that a check changes nothing of the program's."""

    def copy(one: torch.Tensor) -> torch.Tensor:
        if one.layout is not torch.strided or 0 in one.stride() or one.device.type != "cpu":
            return one.detach().clone().requires_grad_(one.requires_grad)
        length = 1 + sum((size - 1) * stride for size, stride in zip(one.size(), one.stride(), strict=True))
        memory = torch.zeros(max(length, 0), dtype=one.dtype)
        return memory.as_strided(one.size(), one.stride()).copy_(one.detach()).requires_grad_(one.requires_grad)

    copies: tuple[Given, Named] = pytree.tree_map_only(torch.Tensor, copy, (args, kwargs))
    return copies


def _shaped(args: Given, kwargs: Named) -> tuple[Given, Named]:
    """The inputs without their values."""

    def empty(one: torch.Tensor) -> torch.Tensor:
        made = torch.empty_strided(one.size(), one.stride(), dtype=one.dtype, device="meta")
        return made.requires_grad_(one.requires_grad)

    made: tuple[Given, Named] = pytree.tree_map_only(torch.Tensor, empty, (args, kwargs))
    return made


def _unshaped(function: Callable[[], Any]) -> Any:
    """Call it with tensors that have no values; PyTorch has a name of its own for those."""
    try:
        return function()
    except (TypeError, RuntimeError) as error:
        if "to numpy" in str(error) or "numpy()" in str(error):
            raise RuntimeError(".numpy() is not supported for tensor subclasses.") from error
        raise


def _overlap(one: Any, other: Any) -> bool:
    try:
        return bool(_C._overlaps(one, other))
    except RuntimeError as error:
        if str(error).startswith("Cannot inspect value of type "):
            return False
        raise


def _check_schema(op: Overload, args: Given, kwargs: Named) -> None:
    args, kwargs = _copied(args, kwargs)
    before, named = _copied(args, kwargs)
    result = op(*args, **kwargs)
    outputs = result if isinstance(result, tuple) else (result,)
    for place, argument in enumerate(op._schema.arguments):
        positional = not argument.kwarg_only and place < len(args)
        if not positional and argument.name not in kwargs:
            continue
        old, new = (before[place], args[place]) if positional else (named[argument.name], kwargs[argument.name])
        name = "input" if argument.name == "self" else argument.name
        if argument.alias_info is None:
            for number, output in enumerate(outputs):
                if _overlap(output, new):
                    raise RuntimeError(f"Argument {name} is not defined to alias output but was aliasing")
                if output is new and isinstance(new, torch.Tensor):
                    raise RuntimeError(
                        "Dispatcher operators below autograd are not allowed to directly return inputs.\n"
                        f"However, we found that `outputs[{number}] is {name}"
                    )
        if argument.alias_info is None or not argument.alias_info.is_write:
            for was, one in zip(tensors(old), tensors(new), strict=True):
                if was.size() != one.size() or not torch.allclose(was, one, equal_nan=True):
                    raise RuntimeError(f"Argument {name} is not defined as mutable but was mutated")
    for first, second in combinations(range(len(op._schema.returns)), 2):
        if _overlap(outputs[first], outputs[second]):
            raise RuntimeError(f"Outputs {first} and {second} alias unexpectedly")


def _check_autograd(op: Overload, args: Given, kwargs: Named) -> None:
    if not any(one.requires_grad for one in tensors(args, kwargs)) or op._autograd is not None:
        return
    args, kwargs = _copied(args, kwargs)
    if COMPOSITE in op._kernels:
        return
    given, named = op._arguments(args, kwargs)
    result = op._below(given, named)
    if any(one.requires_grad and not any(one is other for other in tensors(args, kwargs)) for one in tensors(result)):
        raise AssertionError(
            f"{op.name()}: at least one output of this operator has requires_grad=True but the operator does not have "
            "an autograd kernel defined at an autograd key (e.g. DispatchKey::Autograd). This could mean that you have "
            "incorrectly registered an autograd kernel to a non-Autograd DispatchKey, which may lead to silently "
            "incorrect results. If your operator consists of regular PyTorch operations, consider not using an "
            "operator at all or registering your operator as CompositeImplicitAutograd. If you have an "
            "autograd.Function registered to a backend (CPU/CUDA/XPU) key, the correct location for it is the "
            "Autograd key."
        )


def _check_fake(op: Overload, args: Given, kwargs: Named) -> None:
    if not {"Meta", DEFAULT} & set(op._kernels):
        return  # nothing to compare with
    args, kwargs = _copied(args, kwargs)
    given, named = _shaped(args, kwargs)
    shaped = _unshaped(lambda: op(*given, **named))
    context = f"When comparing the output of {op} on FakeTensor and concrete Tensors, found"
    result = op(*args, **kwargs)
    if shaped is None:
        return
    got, said = pytree.tree_leaves(result), pytree.tree_leaves(shaped)
    if len(got) != len(said):
        raise AssertionError(f"{context} mismatch in number of returns {len(said)} != {len(got)}")
    for name, test in _ALIASES.items():
        real, fake = (
            test(tensors(result), tensors(args, kwargs)),
            test(tensors(shaped), tensors(given, named)),
        )
        if real != fake:
            raise MetadataMismatchError(f"{context} mismatch in {name} check {fake} != {real}")
    for place, (one, other) in enumerate(zip(got, said, strict=True)):
        if isinstance(one, torch.Tensor) != isinstance(other, torch.Tensor):
            raise AssertionError(f"{context} mismatched number of tensor outputs")
        difference = _difference(one, other) if isinstance(one, torch.Tensor) else ""
        if difference:
            which = "" if len(got) == 1 else f" for output[{place}]"
            raise MetadataMismatchError(f"{context} mismatched tensor metadata{which}: {difference}")


def _storages(tensors: list[torch.Tensor]) -> list[int]:
    return [one.untyped_storage()._cdata for one in tensors]


_ALIASES: dict[str, Callable[[list[torch.Tensor], list[torch.Tensor]], bool]] = {
    "outputs_alias_inputs": lambda outs, ins: bool({*_storages(outs)} & {*_storages(ins)}),
    "outputs_are_inputs": lambda outs, ins: bool({*map(id, outs)} & {*map(id, ins)}),
    "outputs_alias_each_other": lambda outs, _: len({*_storages(outs)}) < len(outs),
}


def _difference(real: torch.Tensor, fake: torch.Tensor) -> str:
    """In what the two differ, as PyTorch says it."""
    if real.requires_grad != fake.requires_grad:
        return (
            " mismatched requires_grad-ness of outputs. This usually means that you have added autograd support for "
            "your operator at a dispatch key other than Autograd, which will lead to problems"
        )
    if real.storage_offset() != fake.storage_offset():
        return " mismatched storage offset"
    if real.shape != fake.shape:
        return f"Shapes {real.shape} and {fake.shape} are not equal!"
    if real.dtype != fake.dtype:
        return f"Dtypes {real.dtype} and {fake.dtype} are not equal!"
    same, place = check_significant_strides(real, fake, only_cuda=False)
    if not same:
        return f"Stride mismatch! Strides are {real.stride()} and {fake.stride()} (mismatched at {place})!"
    return ""


def _check_traced(op: Overload, args: Given, kwargs: Named) -> None:
    """Forward and backward, with values and without them."""
    result = _differentiated(op, *_copied(args, kwargs))
    if {"Meta", DEFAULT} & set(op._kernels):
        shaped = _unshaped(lambda: _differentiated(op, *_shaped(args, kwargs)))
        if (shaped is None) != (result is None):
            raise AssertionError(
                "Outputs of the operator are different in eager-mode PyTorch vs AOTDispatcher tracing. This means the "
                "operator will have incorrect output underneath torch.compile. This could be because the operator's "
                "implementation not traceable."
            )


def _differentiated(op: Overload, args: Given, kwargs: Named) -> Any:
    inputs = [one for one in tensors(args, kwargs) if one.requires_grad]
    args, kwargs = pytree.tree_map_only(torch.Tensor, torch.clone, (args, kwargs))
    result = op(*args, **kwargs)
    outputs = [one for one in tensors(result) if one.requires_grad]
    if inputs and outputs:
        torch.autograd.grad([one.sum().abs() for one in outputs], inputs, allow_unused=True)
    return result


_CHECKS: dict[str, Callable[[Overload, Given, Named], None]] = {
    "test_schema": _check_schema,
    "test_autograd_registration": _check_autograd,
    "test_faketensor": _check_fake,
    "test_aot_dispatch_static": _check_traced,
    "test_aot_dispatch_dynamic": _check_traced,
}
