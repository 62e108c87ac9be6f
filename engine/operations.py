"""`torch.ops.aten`: the operations of PyTorch's core, by the rules for the functions of the same names.

Where the program defines `__torch_dispatch__`, it is told of operations, and what it answers is the result. Backward
formulas trust some results without looking (indices, saved statistics), so it is told of those operations only whose
formulas look at what they get.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from engine import guards, lists
from engine.errors import Refused
from engine.own_operations import Overload
from engine.standins import Offered

if TYPE_CHECKING:
    from engine.standins import Run


class Operation(Offered):
    """One operation, or one overload of it. Equal to PyTorch's own."""

    offered = frozenset({"__name__", "_overloadname", "_opname"})

    def __init__(self, real: Any, run: Run) -> None:
        self._real = real
        self._run = run
        self.__name__ = real.__name__

    def __getattr__(self, name: str) -> Any:
        real = self.__dict__["_real"]
        if isinstance(real, torch._ops.OpOverloadPacket):
            if name in real.overloads():  # type: ignore[no-untyped-call]
                return operation(getattr(real, name), self._run)
        elif name in ("namespace", "_overloadname", "_opname"):
            return getattr(real, name)
        elif name == "overloadpacket":
            return operation(real.overloadpacket, self._run)
        raise AttributeError(f"'{type(real).__name__}' object has no attribute '{name}'")

    def name(self) -> str:
        """Its full name."""
        return str(self._real.name())

    def overloads(self) -> list[str]:
        """The names of its overloads."""
        return list(self._real.overloads())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _call(self._real, self._run, args, kwargs)

    def __eq__(self, other: object) -> bool:
        return self._real is (other._real if isinstance(other, Operation) else other)

    def __hash__(self) -> int:
        return hash(self._real)

    def __str__(self) -> str:
        return str(self._real)

    def __repr__(self) -> str:
        return repr(self._real)


Operation.__module__ = "torch._ops"
Operation.__name__ = Operation.__qualname__ = "OpOverload"


def operation(real: Any, run: Run) -> Operation:
    """The one that stands for `real` in this run."""
    found = run.operations.get(real)
    if found is None:
        found = run.operations[real] = Operation(real, run)
    return found


def named(name: str, run: Run) -> Operation:
    """`torch.ops.aten.name`. Raises Refused for what a program may not call."""
    real = getattr(torch.ops.aten, name)  # raises what PyTorch raises for a name it has not
    if _base(real) not in _callable():
        raise Refused("refused.name", name=f"torch.ops.aten.{name}")
    return operation(real, run)


def dispatched(real: Any, run: Run) -> Operation | Overload:
    """What a `__torch_dispatch__` of the program is told was called."""
    if isinstance(real, Overload):
        return real  # the program's own
    if getattr(real, "namespace", "") not in ("aten", "prim") or _base(real) not in TOLD:
        raise Refused("refused.dispatch", name=str(real))
    return operation(real, run)


def _base(real: Any) -> str:
    packet = real if isinstance(real, torch._ops.OpOverloadPacket) else real.overloadpacket
    return str(packet.__name__)


@cache
def _callable() -> frozenset[str]:
    names = lists.module_names()
    listed = {*names["torch"], *names["torch.nn.functional"], *lists.type_names()[torch.Tensor], *TOLD}
    return frozenset(listed - {"as_subclass", "_make_subclass", "set_", "data_ptr", "type", "storage"})


def _call(real: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """By the guard of the function of that name, where it has one."""
    base = _base(real)
    if base not in _callable():
        raise Refused("refused.name", name=str(real))
    for home in (torch, torch.nn.functional):
        function = getattr(home, base, None)
        if function is not None:
            guard = guards.of_function(function)
            if guard is not None:
                return guard(function, run, args, kwargs)
    if guards.is_method_guarded(base):
        raise Refused("refused.name", name=str(real))
    return real(*args, **kwargs)


_POINTWISE = """
abs neg exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh sqrt
rsqrt square reciprocal sigmoid relu relu_ gelu silu elu leaky_relu softplus hardtanh erf erfc ceil floor
round trunc frac sign clamp clamp_min clamp_max add add_ sub sub_ mul mul_ div div_ pow pow_ maximum minimum
atan2 lerp addcmul addcdiv rsub where masked_fill eq ne lt le gt ge logical_and logical_or logical_not
logical_xor bitwise_and bitwise_or bitwise_not isnan isinf nan_to_num sgn remainder fmod real imag conj _conj
angle threshold_backward tanh_backward sigmoid_backward gelu_backward
"""
_OTHER = """
mm bmm addmm matmul mv dot baddbmm t transpose permute view _unsafe_view reshape expand squeeze unsqueeze
select slice detach detach_ alias clone copy_ contiguous _to_copy lift_fresh sum mean prod amax amin max min
norm var std logsumexp any all cat stack split chunk unbind flatten movedim zeros ones full rand randn arange
empty zeros_like ones_like full_like rand_like randn_like empty_like new_zeros new_ones new_full new_empty
scalar_tensor fill_ zero_ _softmax _log_softmax softmax log_softmax linear uniform_ normal_ bernoulli_ random_
exponential_ tril triu cumsum diagonal _local_scalar_dense item is_same_size
"""
TOLD = frozenset({*_POINTWISE.split(), *_OTHER.split()})
"""Operations that a `__torch_dispatch__` of the program is told of."""
