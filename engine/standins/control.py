"""torch.ops.aten and torch.utils.dlpack: what the library does by a detour is done directly."""

# ruff: noqa: ARG001
# Every stand-in is offered alike, whether or not it looks at the run.

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils import checkpoint
from torch.utils._python_dispatch import TorchDispatchMode as _Mode

from engine import operations
from engine.errors import Refused
from engine.standins import Names, Offered, Run


def offer(run: Run) -> Names:
    """An operation is a function of the same name; a tensor is handed over as it is."""

    def handed(ext_tensor: Any, **options: Any) -> Any:
        """`from_dlpack` of a tensor or array: another one on the same memory."""
        if isinstance(ext_tensor, np.ndarray):
            return torch.from_numpy(ext_tensor)
        if not isinstance(ext_tensor, torch.Tensor) or type(ext_tensor) is not torch.Tensor:
            raise Refused("refused.guard.plain", name="from_dlpack")
        if ext_tensor.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return ext_tensor.detach()

    def array(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
        """`numpy.from_dlpack` of a tensor or array."""
        if isinstance(x, np.ndarray):
            return x.copy() if copy else x.view()
        found = handed(x) if isinstance(x, torch.Tensor) else None
        if found is None:
            raise AttributeError(f"'{type(x).__name__}' object has no attribute '__dlpack__'")
        return run.owner.read(found.clone() if copy else found, "numpy")()

    def capsule(tensor: Any) -> Any:
        """`to_dlpack`: the tensor stands for itself."""
        return tensor

    def aten(name: str) -> Any:
        """`torch.ops.aten.name`."""
        return operations.named(name, run)

    def selective(policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False) -> Any:
        """`create_selective_checkpoint_contexts`, whose policy is told of operations as the program writes them."""
        if isinstance(policy_fn_or_list, list):
            real: Any = [one._real if isinstance(one, operations.Operation) else one for one in policy_fn_or_list]
        else:

            def real(ctx: Any, op: Any, *args: Any, **kwargs: Any) -> Any:
                given = (ctx, operations.operation(op, run), *args)
                return run.owner.invoke(policy_fn_or_list, given, kwargs)

        return checkpoint.create_selective_checkpoint_contexts(  # type: ignore[no-untyped-call]
            real, allow_cache_entry_mutation=allow_cache_entry_mutation
        )

    class TorchDispatchMode(Offered, _Mode):  # type: ignore[misc,no-untyped-call,unused-ignore]
        """A mode of the program."""

        derivable = True

    return {
        "torch.utils._python_dispatch": {"TorchDispatchMode": TorchDispatchMode},
        "torch.utils.checkpoint": {"create_selective_checkpoint_contexts": selective},
        "torch.ops.aten": {"*": aten},
        "torch": {"from_dlpack": handed},
        "numpy": {"from_dlpack": array},
        "torch.utils.dlpack": {"from_dlpack": handed, "to_dlpack": capsule},
    }
