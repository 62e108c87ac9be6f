"""Tensors as rows: which tensor is which through the run, and a new snapshot only where something changed.

A tensor is known by a weak reference, looked up by its address and believed only while that reference is alive; nothing
here keeps one alive. A snapshot is taken again when the version counter, the grad, the grad_fn or a flag differ.
Programs that can write to memory behind the version counter (`.data`, numpy) have the elements themselves compared as
well.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any

import torch
from torch import nn
from torch._C._functorch import is_functorch_wrapped_tensor, maybe_current_level

from engine.limits import Limits
from engine.moment import Moment
from engine.previews import elements, preview_of
from engine.rows import Rows
from engine.trace import Change, Preview, TensorValue

GRAD_DEPTH = 4
"""How far the chain tensor -> grad -> grad of the grad is followed."""
TENSORS_TOGETHER = 64
"""How many tensors of one argument list, list or tuple become inputs or outputs of an operation."""

Find = Callable[[Any], int | None]
"""grad_fn -> number of its node, None where it is new."""
Register = Callable[[Any, torch.Tensor, int], int | None]
"""(new grad_fn, the tensor it made, the number reserved for that tensor's snapshot) -> number of the node."""


class Known:
    """What is known of one tensor: its identity, and what its latest snapshot said."""

    def __init__(self, number: int, tensor: torch.Tensor) -> None:
        self.number = number
        self.ref = weakref.ref(tensor)
        self.plain = is_plain(tensor)
        self.inference = tensor.is_inference()
        self.is_parameter = type(tensor) is not torch.Tensor and isinstance(tensor, nn.Parameter)
        self.value = -1
        self.version = 0
        self.preview: Preview | None = None
        """Of the elements at that version, which may be read before the first snapshot is taken."""
        self.turn = -1

    is_grad = False
    shape: tuple[int, ...] = ()
    base = storage = 0
    pointer = offset = -1
    roots: tuple[int, ...] = ()
    generation = -1
    grad: int | None = None
    node: int | None = None
    requires_grad = retains_grad = False
    dtype: torch.dtype


def is_plain(tensor: torch.Tensor) -> bool:
    """Whether it has elements and a storage of its own that can be read here."""
    return (
        tensor.is_cpu
        and tensor.layout is torch.strided
        and not tensor.is_nested
        and not is_functorch_wrapped_tensor(tensor)
    )


class Snapshots:
    """`aliased` says that memory may change without the version counter; the graph sets `find_node` and `new_node`."""

    def __init__(self, rows: Rows, moment: Moment, limits: Limits, *, aliased: bool) -> None:
        self._rows = rows
        self._moment = moment
        self._limits = limits
        self._aliased = aliased
        self._known: dict[int, Known] = {}
        self._places: dict[tuple[Any, ...], Known] = {}
        self._storages: dict[int, list[Known]] = {}
        self._tensors = 0
        self._storage_numbers = 0
        self._depth = 0
        self.reserve: Callable[[], int] = count().__next__
        """The number of the next Value row, of any kind."""
        self.find_node: Find
        self.new_node: Register
        self.changed = 0
        """How many snapshots were taken of tensors that had one already."""
        self.roots: set[int] = set()
        """The nodes of the tensors that were looked at since this was last cleared."""
        self.grad_holders: dict[int, Known] = {}
        """Tensors that may hold a grad (leaves that require it, retained ones), by number: what the ledger watches."""

    def forget(self) -> None:
        """Rows were dropped: nothing said so far can be referred to."""
        self._known.clear()
        self._places.clear()
        self.grad_holders.clear()
        self.roots.clear()

    def distrust(self) -> None:
        """From here on the elements are compared as well: some library calls write behind the version counter."""
        self._aliased = True
        self._moment.turn += 1

    def known(self, tensor: torch.Tensor) -> Known:
        """What is known of this tensor, without looking at its value."""
        known = self._known.get(id(tensor))
        if known is None or known.ref() is not tensor:
            known = self._known[id(tensor)] = Known(self._tensors, tensor)
            self._tensors += 1
        return known

    def tensor(self, tensor: torch.Tensor) -> int:
        """The number of a TensorValue that says how this tensor is now."""
        return self.look(tensor).value

    def look(self, tensor: torch.Tensor) -> Known:
        """What is known of this tensor, its latest snapshot being how it is now."""
        known = self._known.get(id(tensor))
        turn = self._moment.turn
        if known is None or known.ref() is not tensor:
            known = self._known[id(tensor)] = Known(self._tensors, tensor)
            self._tensors += 1
            if not (tensor.requires_grad or known.inference) and tensor.grad is None:
                self._first(tensor, known, turn)
                return known
        elif known.turn == turn or self._is_same(tensor, known, turn):
            if known.roots:
                self.roots.update(known.roots)
            return known
        self._look(tensor, known, turn)
        return known

    def again(self, tensor: torch.Tensor) -> int:
        """The same as `tensor`, of a gradient on its way: the engine may have added another to it in place."""
        known = self._known.get(id(tensor))
        if known is None or known.ref() is not tensor or known.value < 0 or known.inference or self._aliased:
            return self.tensor(tensor)
        if tensor._version != known.version:
            known.turn, known.is_grad = -1, True
            return self.tensor(tensor)
        return known.value

    def _first(self, tensor: torch.Tensor, known: Known, turn: int) -> None:
        """The first snapshot of a tensor that has no part in autograd."""
        known.generation, known.turn = self._moment.generation, turn
        known.version = tensor._version
        if known.plain:
            known.preview = self.preview(tensor)
        known.value = self.reserve()
        self._write(tensor, known, True)

    def _is_same(self, tensor: torch.Tensor, known: Known, turn: int) -> bool:
        """Whether it is plainly as it was. Where its version is the same, its grad_fn can only have been taken away."""
        if self._aliased or known.value < 0 or known.inference or tensor._version != known.version:
            return False
        if known.node is not None:
            same = tensor.grad_fn is not None and not tensor.retains_grad and not known.retains_grad
        elif tensor.requires_grad is not known.requires_grad:
            same = False
        else:
            held = tensor.grad
            if held is None:
                same = known.grad is None
            else:
                inner = self._known.get(id(held))
                same = (
                    inner is not None
                    and (inner.value == known.grad and inner.ref() is held)
                    and (inner.turn == turn or self._is_same(held, inner, turn))
                )
        if same:
            known.generation, known.turn = self._moment.generation, turn
        return same

    def _look(self, tensor: torch.Tensor, known: Known, turn: int) -> None:
        """Another snapshot, if it is not as it was."""
        version = 0 if known.inference else tensor._version
        try:
            grad_fn = tensor.grad_fn
        except RuntimeError:  # PyTorch refuses to say: a view that was changed in a forbidden way
            grad_fn = None
        node = reserved = grad = None
        retains = False
        roots: tuple[int, ...] = ()
        if grad_fn is None:
            requires_grad = tensor.requires_grad
        else:
            requires_grad, retains = True, tensor.retains_grad
            node = self.find_node(grad_fn)
            if node is None:
                reserved = self.reserve()
                self._locate(tensor, known)  # what the node keeps may be this very tensor
                node = self.new_node(grad_fn, tensor, reserved)
            if node is not None:
                roots = (node,)
        if grad_fn is None or retains:  # where reading .grad does not warn
            held = tensor.grad
            if held is not None and self._depth < GRAD_DEPTH:
                grad, behind = self._grad(held)
                roots += behind
        known.roots = roots
        if roots:
            self.roots.update(roots)
        known.generation, known.turn, was = self._moment.generation, turn, known.generation
        written = version != known.version
        if known.value >= 0:
            same = not written and grad == known.grad and node == known.node
            same = same and requires_grad == known.requires_grad and retains == known.retains_grad
            if same and not (self._aliased and self._differs(tensor, known)):
                return
            self.changed += 1
            if written:
                self._tell_change(known, version, was)
        if written or self._aliased or known.preview is None:
            known.preview = self.preview(tensor) if known.plain else None
        known.version, known.grad, known.node = version, grad, node
        known.requires_grad, known.retains_grad = requires_grad, retains
        known.value = self.reserve() if reserved is None else reserved
        self._write(tensor, known, grad_fn is None)

    def _grad(self, grad: torch.Tensor) -> tuple[int, tuple[int, ...]]:
        """The snapshot of a `.grad`, and the nodes it leads to."""
        self.known(grad).is_grad = True
        self._depth += 1
        known = self.look(grad)
        self._depth -= 1
        return known.value, known.roots

    def _differs(self, tensor: torch.Tensor, known: Known) -> bool:
        """Whether its elements are others than they were, though its version is the same."""
        if not known.plain:
            return False
        if tensor.data_ptr() != known.pointer or tensor.shape != known.shape or tensor.dtype != known.dtype:
            return True
        before = known.preview
        if before is None or before.truncated or tensor.is_complex() or tensor.numel() != len(before.values):
            return self.preview(tensor) != before
        return elements(tensor) != before.values

    def seen(self, tensor: torch.Tensor) -> Known:
        """A plain tensor inside a library call: its elements are read, a snapshot of it may never be taken."""
        known = self.known(tensor)
        if known.value < 0:
            known.version = 0 if known.inference else tensor._version
            known.preview = self.preview(tensor)
            known.shape, known.dtype = tuple(tensor.shape), tensor.dtype
        return known

    def preview(self, tensor: torch.Tensor) -> Preview | None:
        """The elements of a plain tensor. Inside a functorch transform only small ones are read: no operation is run
        there."""
        limit = self._limits.preview_elements
        if maybe_current_level() is not None and tensor.numel() > limit:
            return None
        return preview_of(tensor, limit)

    def _tell_change(self, known: Known, version: int, generation: int) -> None:
        moment = self._moment
        if version > known.version and generation == moment.generation and not known.is_grad:
            row = Change(moment.tick, known.number, moment.span, known.version, version)
            self._rows.add(row)

    def _write(self, tensor: torch.Tensor, known: Known, leaf: bool) -> None:
        known.dtype = dtype = tensor.dtype
        stride = self._locate(tensor, known)
        row = TensorValue(
            known.value,
            known.number,
            known.shape,
            _DTYPES.get(dtype) or dtype_name(dtype),
            "cpu" if tensor.is_cpu else device_name(tensor.device),
            known.requires_grad,
            leaf,
            known.preview,
            known.grad,
            known.node,
            0 if leaf else tensor.output_nr,
            known.retains_grad,
            known.version,
            known.storage,
            known.offset,
            stride,
            known.inference,
            known.is_parameter,
        )
        self._rows.add(row)
        if (leaf and known.requires_grad) or known.retains_grad:
            self.grad_holders.setdefault(known.number, known)

    def _locate(self, tensor: torch.Tensor, known: Known) -> tuple[int, ...]:
        """Where its elements lie; its storage is found among those of live tensors. Its stride."""
        shape = tuple(tensor.shape)
        if not known.plain:
            known.shape = shape
            return ()
        pointer, offset = tensor.data_ptr(), int(tensor.storage_offset())
        if pointer != known.pointer or known.shape != shape or not known.base:
            known.pointer, known.offset, known.shape = pointer, offset, shape
            known.base = _base(tensor, pointer, offset)
            self._places[known.base, offset, shape] = known
            known.storage = self._storage(known)
        return tensor.stride()

    def _storage(self, known: Known) -> int:
        """The number of the storage it lies in: that of a live tensor there, else a new one."""
        before = self._storages.get(known.base)
        if before is not None:
            others = [other for other in before if other is not known and _is_still_at(other, known.base)]
            self._storages[known.base] = [*others[-8:], known]
            if others:
                return others[-1].storage
        else:
            self._storages[known.base] = [known]
        self._storage_numbers += 1
        return self._storage_numbers - 1

    def find(self, tensor: torch.Tensor) -> Known | None:
        """The tensor known by this object, or by another object for the same elements (a saved tensor is unpacked
        anew)."""
        known = self._known.get(id(tensor))
        if known is not None and known.ref() is tensor:
            return known
        if not is_plain(tensor):
            return None
        offset, shape = int(tensor.storage_offset()), tuple(tensor.shape)
        base = _base(tensor, tensor.data_ptr(), offset)
        known = self._places.get((base, offset, shape))
        if known is None or known.ref() is None or (known.base, known.offset, known.shape) != (base, offset, shape):
            return None
        return known

    def before(self, tensor: torch.Tensor) -> int:
        """The snapshot from before the operation that was just evaluated: the latest one, if there is one."""
        known = self._known.get(id(tensor))
        if known is None or known.ref() is not tensor or known.value < 0 or known.inference:
            return self.tensor(tensor)
        if known.turn == self._moment.turn:
            return known.value
        seen = known.generation == self._moment.generation
        return known.value if seen and tensor._version != known.version else self.tensor(tensor)

    def made(self, known: Known, node: int) -> int:
        """The snapshot of a tensor that is gone: it was seen inside a library call, the output of that node."""
        number = self.reserve()
        shape, dtype = known.shape, dtype_name(known.dtype)
        row = TensorValue(number, known.number, shape, dtype, "cpu", True, False, known.preview, None, node)
        self._rows.add(row)
        return number


def _base(tensor: torch.Tensor, pointer: int, offset: int) -> int:
    """What tells its storage from those of all other live tensors: the address of the storage's first element, or, of
    an empty one, that of the storage itself, as a negative number."""
    return pointer - offset * tensor.itemsize if pointer else -tensor.untyped_storage()._cdata


def _is_still_at(known: Known, base: int) -> bool:
    tensor = known.ref()
    return tensor is not None and base == known.base == _base(tensor, tensor.data_ptr(), int(tensor.storage_offset()))


_DTYPES: dict[torch.dtype, str] = {}
_DEVICES: dict[torch.device, str] = {}


def dtype_name(dtype: torch.dtype) -> str:
    """ "float32", without the module's name."""
    name = _DTYPES.get(dtype)
    if name is None:
        name = _DTYPES[dtype] = str(dtype).removeprefix("torch.")
    return name


def device_name(device: torch.device) -> str:
    """ "cpu", "meta"."""
    name = _DEVICES.get(device)
    if name is None:
        name = _DEVICES[device] = str(device)
    return name


def tensors_in(values: Iterable[object]) -> list[torch.Tensor]:
    """The tensors among these values and directly inside lists, tuples and dicts among them, in order, without
    repeats."""
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        else:
            found.extend(_inside(value))
    if len(found) > 1:
        found = list({id(tensor): tensor for tensor in found}.values())
    return found[:TENSORS_TOGETHER]


def _walks_as_tuple(kind: Any) -> bool:
    """Whether a class of tuples leaves walking them to tuple itself."""
    return kind.__iter__ is tuple.__iter__


def _inside(container: object) -> Iterator[torch.Tensor]:
    kind = type(container)
    if kind in (dict, OrderedDict):
        values: Iterable[object] = container.values()  # type: ignore[attr-defined]
    elif kind is list or (isinstance(container, tuple) and _walks_as_tuple(kind)):
        values = container  # type: ignore[assignment]
    else:
        return  # a class of the program's own may answer with code of its own
    for value in islice(values, 4 * TENSORS_TOGETHER):
        if isinstance(value, torch.Tensor):
            yield value
