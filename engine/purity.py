"""Expressions after which every tensor there was is still as it was: the recorder need not look at them again.

Only what the library does itself is judged here. Where it calls code of the program (a hook, an operator, an argument
of a class of its own), that code is evaluated like the rest of the program, and is noticed there.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import torch
from torch import nn

from engine.functions import is_made
from engine.inside import tensors_of

_OPERATORS = (ast.BinOp, ast.UnaryOp, ast.Compare)
_CONTAINERS = (torch.Tensor, nn.Parameter, list, tuple, dict, str)
"""What can be read at a place without a change: not a defaultdict."""

_NUMBERS = frozenset({int, float, bool, complex, str})
"""Where `+=` makes another value."""

_MODULES = frozenset(
    {
        *(nn.Linear, nn.Bilinear, nn.Identity, nn.Flatten, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.LayerNorm, nn.GroupNorm),
        *(nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Softmax, nn.LogSoftmax),
        *(nn.Sigmoid, nn.Tanh, nn.Softplus, nn.GELU, nn.LogSigmoid, nn.Tanhshrink, nn.Softsign),
        *(nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss, nn.BCEWithLogitsLoss),
        *(nn.CrossEntropyLoss, nn.NLLLoss, nn.KLDivLoss, nn.PoissonNLLLoss, nn.GaussianNLLLoss, nn.HingeEmbeddingLoss),
    }
)
_NOT_IN_PLACE = frozenset({nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.Dropout, nn.Hardtanh, nn.SELU})
"""These write to their input where `inplace` is set."""

_NAMES = frozenset(
    """abs add argmax argmin atan bmm cat ceil clamp cos cosh cumsum detach diag diagonal div dot erf exp expand
    expm1 eye flatten floor from_numpy full full_like gather index_select item linspace log log10 log1p log2 log_softmax
    logsumexp matmul max mean min mm mul mv ne neg norm numel ones ones_like outer permute pow prod rand
    rand_like randn randn_like reciprocal repeat reshape round rsqrt sigmoid sign sin sinh size softmax sqrt
    square squeeze stack std sub sum t tan tanh tensor tolist trace transpose tril triu unbind unsqueeze var
    view where zeros zeros_like""".split()  # noqa: SIM905
)


_TOLD = frozenset(
    {
        *(ast.Call, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Attribute, ast.Subscript),
        *(ast.Name, ast.Constant, type(None)),
    }
)
"""Expressions whose evaluation ends with the recorder being told of them, or that run nothing."""


def is_pure(node: Any, function: Any, operands: Sequence[Any]) -> bool:
    """Whether the evaluation of this expression left all tensors and containers as they were. Of a backward pass it
    says so too: what a pass changes is told by the pass."""
    kind = type(node)
    if kind is ast.Call:
        return _is_pure_call(function, node.keywords)
    if kind is ast.Subscript:
        return type(node.ctx) is ast.Load and type(operands[0]) in _CONTAINERS
    if kind is ast.AugAssign:
        return type(operands[0]) in _NUMBERS
    return kind in _OPERATORS or (kind is ast.Attribute and type(node.ctx) is ast.Load)


def _is_pure_call(function: Any, keywords: list[ast.keyword]) -> bool:
    kind = type(function)
    if kind is BuiltinFunctionType:
        owner = type(function.__self__)
        ours = owner is torch.Tensor or owner is nn.Parameter or owner is type(None)
        return ours and function.__name__ in _NAMES and not keywords  # one of them could be `out`
    if kind is MethodType:
        return function.__func__ is torch.Tensor.backward
    if kind in _MODULES or (kind in _NOT_IN_PLACE and not function.inplace):
        return not function._forward_pre_hooks  # spectral_norm writes to a buffer in one
    return False


def is_told(function: Any) -> bool:
    """Whether a call does nothing but run code of the program, of which the recorder is told."""
    kind: Any = type(function)
    if kind is FunctionType:
        return is_made(function)
    if kind is MethodType:
        return is_made(function.__func__)
    if kind.__module__ != "__main__" or not isinstance(function, nn.Module):
        return False
    own = object.__getattribute__(function, "__dict__")  # without asking its class
    return (
        kind.__call__ is nn.Module.__call__
        and is_made(own.get("forward") or kind.forward)
        and not (own.get("_forward_pre_hooks") or own.get("_forward_hooks"))
        and not (own.get("_backward_pre_hooks") or own.get("_backward_hooks"))  # the library puts some there, too
    )


def written_by(node: Any, function: Any) -> list[torch.Tensor] | None:
    """The tensors that a call can have written to, or whose `.grad` it can have taken away, where it does nothing else;
    None where that is not known."""
    if type(node) is not ast.Call or node.args or type(function) is not MethodType:
        return None
    owner: Any = function.__self__
    kind: Any = type(owner)
    if kind in _OPTIMIZERS:
        steps = function.__func__ is kind.step and not node.keywords
        if steps or function.__func__ is torch.optim.Optimizer.zero_grad:
            state = [part for parts in owner.state.values() for part in parts.values()]
            parameters = [tensor for group in owner.param_groups for tensor in group["params"]]
            return [*parameters, *[part for part in state if isinstance(part, torch.Tensor)]]
    elif isinstance(owner, nn.Module) and function.__func__ is nn.Module.zero_grad:
        return tensors_of(owner)[1]
    return None


_OPTIMIZERS = frozenset(
    {
        *(torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adagrad),
        *(torch.optim.Adadelta, torch.optim.Adamax, torch.optim.NAdam, torch.optim.RAdam, torch.optim.ASGD),
        torch.optim.Rprop,
    }
)


def is_calm(node: ast.AST) -> bool:
    """Whether nothing that the recorder is not told of runs between the parts of an expression and its own
    evaluation."""
    parts: list[ast.AST]
    match node:
        case ast.Call(func=function, args=arguments, keywords=keywords):
            called = function.value if isinstance(function, ast.Attribute) else function
            parts = [called, *arguments, *(key if key.arg is None else key.value for key in keywords)]
        case ast.Attribute(value=value, ctx=ast.Load()):
            parts = [value]
        case _:
            parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
    return all(type(part) in _TOLD for part in parts)


def names_bound(node: ast.stmt) -> tuple[str, ...] | None:
    """The names that a statement binds, where it does nothing else that the recorder is not told of; else None. Of a
    loop it is so where its iterable runs no code to give the next element."""
    match node:
        case ast.For(target=ast.Name(id=name)):
            return (name,)
        case ast.Expr(value=value) | ast.Return(value=value) | ast.If(test=value) | ast.While(test=value):
            names: tuple[str, ...] = ()
        case ast.Assign(targets=targets, value=value):
            names = tuple([target.id for target in targets if isinstance(target, ast.Name)])
            if len(names) < len(targets):
                return None
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            names = (name,)
        case _:
            return None
    return names if type(value) in _TOLD else None
