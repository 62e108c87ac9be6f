"""Where gradient stops flowing: an operation with an input that requires grad and an output that does not, and why."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import numpy as np
import torch

_BY_NAME = {
    "detach": "detach",
    "detach_": "detach",
    "tensor": "detach",
    "item": "item",
    "tolist": "item",
    "float": "item",
    "int": "item",
    "complex": "item",
    "bool": "item",
    "numpy": "numpy",
    "array": "numpy",
    "asarray": "numpy",
}
_NUMBERS = (bool, int, float, complex, list)
_NO_CUT = ("_like", "backward", "grad", "requires_grad_")
"""Endings of names whose results do not continue their input: new tensors of its shape, gradients, a flag that was
set."""


def reason_of(
    node: ast.AST, name: str, inputs: Sequence[torch.Tensor], value: object, outputs: list[torch.Tensor]
) -> str | None:
    """Why gradient stops here, or None where it does not. `name` is the last part of what was called."""
    if not any(tensor.requires_grad for tensor in inputs):
        return None
    if isinstance(node, ast.Attribute):
        return "data" if name == "data" and outputs else None
    if not outputs:
        return _left_torch(node, name, value)
    if any(output.requires_grad for output in outputs) or any(
        output is tensor for output in outputs for tensor in inputs
    ):
        return None
    if name.startswith("new_") or name.endswith(_NO_CUT):
        return None
    return _among_tensors(name, outputs[0])


def _left_torch(node: ast.AST, name: str, value: object) -> str | None:
    """A Python number or an array came out."""
    if isinstance(value, (np.ndarray, np.generic)):
        return "numpy"
    if isinstance(node, ast.Call) and isinstance(value, _NUMBERS) and _BY_NAME.get(name) == "item":
        return "item"
    return None


def _among_tensors(name: str, output: torch.Tensor) -> str:
    if _BY_NAME.get(name) == "detach":
        return "detach"
    if output.dtype == torch.bool:
        return "comparison"
    if not (output.is_floating_point() or output.is_complex()):
        return "integer"
    if torch.is_inference_mode_enabled():
        return "inference_mode"
    if not torch.is_grad_enabled():
        return "no_grad"
    return "not_differentiable"
