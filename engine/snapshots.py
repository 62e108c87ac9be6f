"""Tensors as rows: which tensor is which through the run, and a new snapshot only where something changed.

A tensor is known by a weak reference, looked up by its address and believed only while that reference is alive; nothing
here keeps one alive. A snapshot is taken again when the version counter, the grad, the grad_fn or a flag differ. Memory
that something can write to behind the version counter (`.data` and numpy share it) has its elements compared as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import torch
from torch._C._functorch import maybe_current_level
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

from engine.hearing import unheard
from engine.known import (
    DTYPES,
    Known,
    base_of,
    device_name,
    dtype_name,
    is_moved,
    is_plain,
    is_still_at,
    meet,
    shape_of,
)
from engine.limits import Limits
from engine.moment import Moment
from engine.previews import elements, preview_of
from engine.rows import Rows
from engine.trace import Change, Preview, TensorValue

GRAD_DEPTH = 4
"""How far the chain tensor -> grad -> grad of the grad is followed."""
SHARING = 8
"""How many tensors of one storage are remembered besides the latest."""

Find = Callable[[Any], int | None]
"""grad_fn -> number of its node, None where it is new."""
Register = Callable[[Any, torch.Tensor, int], int | None]
"""(new grad_fn, the tensor it made, the number reserved for that tensor's snapshot) -> number of the node."""


class Snapshots:
    """The graph sets `find_node` and `new_node`."""

    def __init__(self, rows: Rows, moment: Moment, limits: Limits) -> None:
        self._rows = rows
        self._moment = moment
        self.limit = limits.preview_elements
        """Elements that are shown of a tensor."""
        self._shared: set[int] = set()
        """The storages that may change without the version counter, by address."""
        self._distrusted = False
        """Whether all memory may."""
        self._known: dict[int, Known] = {}
        self._storages: dict[int, list[Known]] = {}
        """The latest tensors in each storage, by its address."""
        self._places: dict[tuple[Any, ...], Known] = {}
        """Those of storages that several were in, by storage, offset and shape."""
        self._views: dict[tuple[Any, ...], tuple[tuple[int, int], Preview | None]] = {}
        """(leaf, shape, stride) -> (version and address of the leaf, the elements of that view of it)"""
        self._tensors = 0
        self._next_storage = count().__next__
        self._depth = 0
        self.reserve: Callable[[], int] = count().__next__
        """The number of the next Value row, of any kind."""
        self.find_node: Find
        self.new_node: Register
        self.changed: set[int] = set()
        """The tensors of which another snapshot was taken, or may have to be, since this was last cleared."""
        self.roots: set[int] = set()
        """The nodes of the tensors that were looked at since this was last cleared."""
        self.retaining = False
        """Whether some of these are non-leaf tensors."""
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
        self._distrusted = True
        self._moment.turn += 1

    def share(self, tensor: torch.Tensor) -> None:
        """From here on the elements of all that lies in this tensor's storage are compared as well: something else can
        write to it."""
        if is_plain(tensor):
            base = base_of(tensor, tensor.data_ptr(), int(tensor.storage_offset()))
            self._shared.add(base)
            for known in self._storages.get(base, ()):
                known.turn = -1

    def _is_aliased(self, known: Known) -> bool:
        return known.base in self._shared or self._distrusted

    def known(self, tensor: torch.Tensor) -> Known:
        """What is known of this tensor, without looking at its value."""
        known = self._known.get(id(tensor))
        if known is None or known.ref() is not tensor:
            known = self._known[id(tensor)] = meet(self._tensors, tensor)
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
            known = self._known[id(tensor)] = meet(self._tensors, tensor)
            self._tensors += 1
        elif known.turn == turn or self._is_same(tensor, known, turn):
            if known.roots:
                self.roots.update(known.roots)
            return known
        apart = not (tensor.requires_grad or known.requires_grad or known.is_parameter or known.inference)
        apart = apart and known.plain and known.grad is None and tensor.grad is None
        if apart and (known.value < 0 or tensor._version != known.version):
            self._look_apart(tensor, known, turn)
        else:
            self._look(tensor, known, turn)
        return known

    def again(self, tensor: torch.Tensor) -> int:
        """The same as `tensor`, of a gradient on its way: the engine may have added another to it in place."""
        known = self._known.get(id(tensor))
        if known is None or known.value < 0 or known.ref() is not tensor or known.inference:
            return self.tensor(tensor)
        if self._is_aliased(known):
            return self.tensor(tensor)
        if tensor._version != known.version:
            known.turn, known.is_grad = -1, True
            return self.tensor(tensor)
        return known.value

    def written(self, known: Known) -> None:
        """The engine has written to a tensor: others may lie in the same storage."""
        sharing = self._storages.get(known.base, ())
        if len(sharing) > SHARING:
            self._moment.turn += 1
        for other in sharing:
            other.turn = -1
            self.changed.add(other.number)

    def rewritten(self, tensors: Iterable[torch.Tensor]) -> None:
        """A call may have written to these leaves and to what their `.grad` holds, or have taken that away."""
        for tensor in tensors:
            for one in (tensor, tensor.grad if tensor.is_leaf else None):
                if one is not None:
                    known = self.known(one)
                    known.turn = -1
                    self.changed.add(known.number)
                    self.written(known)

    def _look_apart(self, tensor: torch.Tensor, known: Known, turn: int) -> None:
        """A snapshot of a tensor that has no part in autograd, as the gradients on their way: it is new, or was written
        to."""
        version = tensor._version
        if known.value >= 0:
            self.changed.add(known.number)
            self._tell_change(known, version, known.generation)
        known.generation, known.turn = self._moment.generation, turn
        if known.value >= 0 or known.preview is None or version != known.version:
            known.preview = preview_of(tensor, self.limit)
        known.version = version
        known.value = self.reserve()
        self._write(tensor, known, True)

    def _is_same(self, tensor: torch.Tensor, known: Known, turn: int) -> bool:
        """Whether it is plainly as it was. Where its version is the same, its grad_fn can only have been taken away."""
        if known.value < 0 or known.inference or tensor._version != known.version:
            return False
        if self._is_aliased(known):
            return False
        if is_moved(tensor, known):
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
        if known.lazy and not isinstance(tensor, UninitializedTensorMixin):
            known.plain, known.lazy, known.inference = is_plain(tensor), False, tensor.is_inference()
            known.version = -1
        moved = known.value >= 0 and is_moved(tensor, known)
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
        known.generation, was = self._moment.generation, known.generation
        known.turn = -1 if known.lazy else turn  # it is given a shape in the middle of a call
        written = version != known.version
        if known.value >= 0:
            same = not (written or moved) and grad == known.grad and node == known.node
            same = same and requires_grad == known.requires_grad and retains == known.retains_grad
            if same and not (self._is_aliased(known) and self._differs(tensor, known)):
                return
            self.changed.add(known.number)
            if written:
                self._tell_change(known, version, was)
        if written or moved or known.preview is None or self._is_aliased(known):
            known.preview = preview_of(tensor, self.limit) if known.plain else None
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
            return preview_of(tensor, self.limit) != before
        now = elements(tensor)
        return now != before.values and not all(map(_is_equal, now, before.values))

    def seen(self, tensor: torch.Tensor) -> Known | None:
        """A tensor inside a library call: its elements are read, a snapshot of it may never be taken. None where it has
        no value of its own."""
        known = self.known(tensor)
        if not known.plain or maybe_current_level() is not None:
            return None
        if known.value < 0:
            known.version = 0 if known.inference else tensor._version
            known.preview = preview_of(tensor, self.limit)
            known.shape, known.dtype = tensor.shape, tensor.dtype
            known.within = (tensor.data_ptr(), tensor.dtype, tensor.stride())
        return known

    def _tell_change(self, known: Known, version: int, generation: int) -> None:
        moment = self._moment
        if version > known.version and generation == moment.generation and not known.is_grad:
            row = Change(moment.tick, known.number, moment.span, known.version, version)
            self._rows.changes.append(row)

    def _write(self, tensor: torch.Tensor, known: Known, leaf: bool) -> None:
        known.dtype = dtype = tensor.dtype
        self._locate(tensor, known)
        row = TensorValue(
            known.value,
            known.number,
            known.shape,
            DTYPES.get(dtype) or dtype_name(dtype),
            "cpu" if known.plain else device_name(tensor.device),
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
            tensor.stride() if known.plain else (),
            known.inference and not known.lazy,
            known.is_parameter,
        )
        self._rows.values.append(row)
        if (leaf and known.requires_grad) or known.retains_grad:
            self.grad_holders.setdefault(known.number, known)
            self.retaining = self.retaining or known.retains_grad

    def _locate(self, tensor: torch.Tensor, known: Known) -> None:
        """Where its elements lie; its storage is found among those of live tensors."""
        if not known.plain:
            known.shape = shape_of(tensor)
            return
        shape = tensor.shape
        pointer = tensor.data_ptr()
        if pointer == known.pointer and shape == known.shape:
            return
        offset = int(tensor.storage_offset())
        base = base_of(tensor, pointer, offset)
        known.pointer, known.shape, known.offset, known.base = pointer, shape, offset, base
        known.storage = self._storage(known, base)

    def _storage(self, known: Known, base: int) -> int:
        """The number of the storage that begins there, in which this tensor lies now."""
        before = self._storages.get(base)
        if before is None:
            self._storages[base] = [known]
        elif len(before) == 1 and before[0].ref() is None:  # memory is used again and again
            before[0] = known
        else:
            for one in (*before, known):
                self._places[base, one.offset, one.shape] = one
            others = [other for other in before if other is not known and is_still_at(other, base)]
            self._storages[base] = [*others[-SHARING:], known]
            if others:
                return others[-1].storage
        return self._next_storage()

    def find(self, tensor: torch.Tensor) -> Known | None:
        """The tensor known by this object, or by another object for the same elements (a saved tensor is unpacked
        anew)."""
        known = self._known.get(id(tensor))
        if known is not None and known.ref() is tensor:
            return known
        if not is_plain(tensor):
            return None
        offset, shape = int(tensor.storage_offset()), tensor.shape
        base = base_of(tensor, tensor.data_ptr(), offset)
        sharing = self._storages.get(base)
        if sharing is None:
            return None
        known = sharing[0] if len(sharing) == 1 else self._places.get((base, offset, shape))
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

    def view_of_leaf(
        self, leaf: torch.Tensor, shape: tuple[int, ...], stride: tuple[int, ...], node: int
    ) -> int | None:
        """The snapshot of a view that a call made inside, the output of that node, and that is gone: it is taken again.
        It begins where the leaf begins. None where that has no elements to look at."""
        known = self.known(leaf)
        if not known.plain or maybe_current_level() is not None:
            return None
        now = (leaf._version, leaf.data_ptr())
        held = self._views.get((known.number, shape, stride))
        if held is None or held[0] != now or self._is_aliased(known):
            preview = preview_of(unheard(lambda: leaf.detach().as_strided(shape, stride)), self.limit)
            held = self._views[known.number, shape, stride] = (now, preview)
        number, tensor = self.reserve(), self._tensors
        self._tensors += 1
        row = TensorValue(number, tensor, shape, dtype_name(leaf.dtype), "cpu", True, False, held[1], None, node)
        self._rows.values.append(row)
        return number

    def made(self, known: Known, node: int) -> int:
        """The snapshot of a tensor that is gone: it was seen inside a library call, the output of that node."""
        number = self.reserve()
        shape, dtype = known.shape, dtype_name(known.dtype)
        row = TensorValue(number, known.number, shape, dtype, "cpu", True, False, known.preview, None, node)
        self._rows.values.append(row)
        return number


def _is_equal(one: Any, other: Any) -> bool:
    """Whether two elements are the same, NaN among them."""
    return bool(one == other or (one != one and other != other))
