"""torch.nested: where the rows of a nested tensor begin and how long they are is checked, then kept out of reach.

PyTorch reads offsets and lengths without a check, each time it works on the rows. So the nested tensor gets a copy that
nobody else holds, and the program gets a copy of that one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.nested._internal import nested_tensor as home
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils.weak import WeakTensorKeyDictionary

from engine.errors import Refused
from engine.standins import Names, Run


class Rows:
    """Which copies stand for which offsets and lengths: rows that are the same tensor are the same ragged size."""

    def __init__(self) -> None:
        self._copies: Any = WeakTensorKeyDictionary()

    def kept(self, given: torch.Tensor) -> torch.Tensor:
        """The copy for what a program gives: the one it was made for before, while both are equal."""
        known: torch.Tensor | None = self._copies.get(given)
        if known is not None and known.dtype == given.dtype and torch.equal(known, given):
            return known
        copy = given.clone(memory_format=torch.contiguous_format)
        self._copies[given] = copy
        return copy

    def handed(self, kept: torch.Tensor) -> torch.Tensor:
        """A copy of what a nested tensor holds, for the program."""
        copy = kept.clone()
        self._copies[copy] = kept
        return copy


def _plain(function: Any, values: tuple[Any, ...], kinds: Any) -> None:
    """They are of these kinds, and of no class that the program made."""
    for value in values:
        if not isinstance(value, kinds) or type(value).__module__ == "__main__":
            raise Refused("refused.guard.plain", name=function.__name__)


def _whole(rows: torch.Tensor) -> bool:
    """Whether it is a tensor whose numbers can be looked at, and whole ones."""
    plain = type(rows) is torch.Tensor and rows.is_cpu and rows.layout is torch.strided and not rows.is_nested
    return plain and rows.dtype in (torch.int32, torch.int64)


def _view(values: torch.Tensor, function: Any) -> torch.Tensor:
    """A view that nobody else holds, of this very shape: the tensor itself may get another one later."""
    if type(values) not in (torch.Tensor, torch.nn.Parameter) or values.is_nested or values.layout is not torch.strided:
        raise Refused("refused.guard.plain", name=function.__name__)
    return values.view(values.shape)


def _check(holds: Any) -> None:
    if not holds:
        raise Refused("refused.guard.rows")


def offer(run: Run) -> Names:
    """What takes the rows as numbers."""
    rows = run.rows = Rows()
    home._tensor_id_counter = 0 if home._dummy_instance is None else 1  # j1, j2, ... as where nothing ran before

    def nested_tensor_from_jagged(
        values: Any,
        offsets: Any = None,
        lengths: Any = None,
        jagged_dim: Any = None,
        min_seqlen: Any = None,
        max_seqlen: Any = None,
    ) -> Any:
        """`torch.nested.nested_tensor_from_jagged`."""
        make: Any = torch.nested.nested_tensor_from_jagged
        _plain(make, (jagged_dim, min_seqlen, max_seqlen), int | None)
        _plain(make, (lengths,), torch.Tensor | None)
        dim = 1 if jagged_dim is None else jagged_dim
        given = [one for one in (offsets, lengths) if one is not None]
        if not given or dim < 1 or not all(isinstance(one, torch.Tensor) for one in (values, *given)):
            return make(values, offsets, lengths, jagged_dim, min_seqlen, max_seqlen)
        view = _view(values, make)
        if dim <= view.dim():
            with _alone():
                _check(all(map(_whole, given)))
                offsets, lengths = (None if one is None else rows.kept(one) for one in (offsets, lengths))
                _check_rows(offsets, lengths, view.shape[dim - 1], min_seqlen, max_seqlen)
        return make(view, offsets, lengths, jagged_dim, min_seqlen, max_seqlen)

    def narrow(tensor: Any, dim: Any, start: Any, length: Any, layout: Any = torch.strided) -> Any:
        """`torch.nested.narrow`."""
        make: Any = torch.nested.narrow
        _plain(make, (layout,), torch.layout)
        _plain(make, (dim,), int)
        _plain(make, (tensor,), torch.Tensor)
        if layout is not torch.jagged or dim != 1 or tensor.dim() < 2:
            return make(tensor, dim, start, length, layout)
        if not all(isinstance(one, int | torch.Tensor) for one in (start, length)):
            _plain(make, (start, length), int | str | float | list | tuple | torch.Tensor | None)
            return make(tensor, dim, start, length, layout)
        view = _view(tensor, make)
        with _alone():
            start, length = (torch.tensor([int(one)]) if isinstance(one, int) else one for one in (start, length))
            _check(_whole(start) and _whole(length))
            start, length = start.clone(), length.clone()
            if all(one.dim() < 2 and one.numel() in (1, view.shape[0]) for one in (start, length)):
                _check((start >= 0).all() and (start <= view.shape[1]).all())
                _check((length >= 0).all() and (length <= view.shape[1] - start).all())
        return make(view, dim, start, length, layout)

    return {"torch.nested": {"nested_tensor_from_jagged": nested_tensor_from_jagged, "narrow": narrow}}


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """What the program put around PyTorch's functions does not see what is asked here, and cannot answer it."""
    with torch.no_grad(), _disable_current_modes(), torch._C.DisableTorchFunction():
        yield


def _check_rows(offsets: Any, lengths: Any, size: int, shortest: Any, longest: Any) -> None:
    """Rows lie one after the other, from the first value to the last at most, and are as long as is said."""
    if lengths is not None:
        _check(lengths.dim() == 1 and (lengths >= 0).all())
    if offsets is None:
        offsets, lengths = torch.nn.functional.pad(lengths.cumsum(0), (1, 0)), None
    if offsets.dim() != 1:
        return  # PyTorch says so itself
    _check(offsets.numel() and offsets[0] == 0 and (offsets >= 0).all() and (offsets <= size).all())
    room = offsets.diff()
    _check((room >= 0).all())
    if lengths is not None and lengths.shape == room.shape:  # that they are as many PyTorch sees itself
        _check((lengths <= room).all())
        room = lengths
    _check(shortest is None or (room >= shortest).all())
    _check(longest is None or (room <= longest).all())
