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
from itertools import islice
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
    """What is known of one tensor: its identity and its latest snapshot."""

    __slots__ = (
        *(
            "number",
            "ref",
            "value",
            "version",
            "grad",
            "node",
            "requires_grad",
            "retains_grad",
            "preview",
            "generation",
        ),
        *(
            "elements",
            "roots",
            "storage",
            "pointer",
            "place",
            "plain",
            "is_parameter",
            "is_grad",
            "inference",
            "turn",
            "dtype",
        ),
    )

    def __init__(self, number: int, tensor: torch.Tensor) -> None:
        self.number = number
        self.ref = weakref.ref(tensor)
        self.value = -1
        self.version = 0
        self.grad: int | None = None
        self.node: int | None = None
        self.requires_grad = False
        self.retains_grad = False
        self.preview: Preview | None = None
        self.elements: list[Any] | None = None
        self.generation = -1
        self.storage = 0
        self.pointer = 0
        self.place: tuple[Any, ...] = ()
        self.plain = is_plain(tensor)
        self.dtype = tensor.dtype
        self.is_parameter = type(tensor) is not torch.Tensor and isinstance(tensor, nn.Parameter)
        self.is_grad = False
        self.inference = tensor.is_inference()
        self.turn = -1
        self.roots: tuple[int, ...] = ()


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
        self._numbers = 0
        self._storage_numbers = 0
        self._depth = 0
        self.find_node: Find
        self.new_node: Register
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

    def reserve(self) -> int:
        """The number of the next Value row, of any kind."""
        self._numbers += 1
        return self._numbers - 1

    def known(self, tensor: torch.Tensor) -> Known:
        """What is known of this tensor, without looking at its value."""
        known = self._known.get(id(tensor))
        if known is None or known.ref() is not tensor:
            known = self._known[id(tensor)] = Known(self._tensors, tensor)
            self._tensors += 1
        return known

    def tensor(self, tensor: torch.Tensor) -> int:
        """The number of a TensorValue that says how this tensor is now."""
        known = self._known.get(id(tensor))
        turn = self._moment.turn
        if known is None or known.ref() is not tensor:
            known = self.known(tensor)
        elif known.turn == turn:  # nothing ran since it was last looked at
            if known.roots:
                self.roots.update(known.roots)
            return known.value
        return self._look(tensor, known, turn)

    def _look(self, tensor: torch.Tensor, known: Known, turn: int) -> int:
        version = 0 if known.inference else tensor._version
        grad_fn = _grad_fn(tensor)
        reserved = grad = None
        roots: tuple[int, ...] = ()
        if grad_fn is None:
            node, retains, requires_grad = None, False, tensor.requires_grad
        else:
            node = self.find_node(grad_fn)
            if node is None:
                reserved = self.reserve()
                self._locate(tensor, known, tuple(tensor.shape))  # what the node keeps may be this very tensor
                node = self.new_node(grad_fn, tensor, reserved)
            retains, requires_grad = tensor.retains_grad, True
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
        if known.value >= 0:
            same = version == known.version and grad == known.grad and node == known.node
            same = same and requires_grad == known.requires_grad and retains == known.retains_grad
            if same and (not self._aliased or self._unchanged(tensor, known)):
                known.generation, known.turn = self._moment.generation, turn
                return known.value
            self._tell_change(known, version)
        known.version, known.grad, known.node = version, grad, node
        known.requires_grad, known.retains_grad = requires_grad, retains
        known.generation, known.turn = self._moment.generation, turn
        known.value = self.reserve() if reserved is None else reserved
        self._write(tensor, known, grad_fn is None)
        return known.value

    def _grad(self, grad: torch.Tensor) -> tuple[int, tuple[int, ...]]:
        """The snapshot of a `.grad`, and the nodes it leads to."""
        self._depth += 1
        known = self.known(grad)
        known.is_grad = True
        number = self.tensor(grad)
        self._depth -= 1
        return number, known.roots

    def _unchanged(self, tensor: torch.Tensor, known: Known) -> bool:
        if not known.plain:
            return True
        if tensor.data_ptr() != known.pointer or tuple(tensor.shape) != known.place[2] or tensor.dtype != known.dtype:
            return False
        if known.elements is not None and tensor.numel() <= self._limits.preview_elements:
            return elements(tensor) == known.elements
        return self._preview(tensor, known) == known.preview

    def _preview(self, tensor: torch.Tensor, known: Known) -> Preview | None:
        return self.preview(tensor) if known.plain else None

    def preview(self, tensor: torch.Tensor) -> Preview | None:
        """The elements of a plain tensor. Inside a functorch transform only small ones are read: no operation is run
        there."""
        limit = self._limits.preview_elements
        if maybe_current_level() is not None and tensor.numel() > limit:
            return None
        return preview_of(tensor, limit)

    def _tell_change(self, known: Known, version: int) -> None:
        moment = self._moment
        if version > known.version and known.generation == moment.generation and not known.is_grad:
            row = Change(moment.tick, known.number, moment.span, known.version, version)
            self._rows.add("changes", row)

    def _write(self, tensor: torch.Tensor, known: Known, leaf: bool) -> None:
        shape = tuple(tensor.shape)
        preview = known.preview = self._preview(tensor, known)
        known.dtype = tensor.dtype
        whole = preview is not None and not preview.truncated and not tensor.is_complex()
        known.elements = preview.values if preview is not None and whole else None
        stride, offset = self._locate(tensor, known, shape)
        row = TensorValue(
            known.value,
            known.number,
            shape,
            dtype_name(tensor.dtype),
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
            offset,
            stride,
            known.inference,
            known.is_parameter,
        )
        self._rows.add("values", row)
        if (leaf and known.requires_grad) or known.retains_grad:
            self.grad_holders.setdefault(known.number, known)

    def _locate(self, tensor: torch.Tensor, known: Known, shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
        """Where its elements lie: (stride, offset); its storage is found among those of live tensors."""
        if not known.plain:
            known.place = (0, 0, shape)
            return (), 0
        stride, offset = tensor.stride(), int(tensor.storage_offset())
        pointer = tensor.data_ptr()
        if not known.place or pointer != known.pointer or known.place[2] != shape:
            known.pointer = pointer
            address = tensor.untyped_storage()._cdata
            known.place = (address, offset, shape)
            self._places[known.place] = known
            known.storage = self._storage(address, known)
        return stride, offset

    def _storage(self, address: int, known: Known) -> int:
        """The number of the storage at this address: that of a live tensor on it, else a new one."""
        before = self._storages.get(address)
        if before is not None:
            others = [other for other in before if other is not known and _alive_at(other, address)]
            self._storages[address] = [*others[-8:], known]
            if others:
                return others[-1].storage
        else:
            self._storages[address] = [known]
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
        place = (tensor.untyped_storage()._cdata, tensor.storage_offset(), tuple(tensor.shape))
        known = self._places.get(place)
        return known if known is not None and known.place == place and known.ref() is not None else None

    def before(self, tensor: torch.Tensor) -> int:
        """The snapshot from before the operation that was just evaluated: the latest one, if there is one."""
        known = self._known.get(id(tensor))
        if known is None or known.ref() is not tensor or known.value < 0 or known.inference:
            return self.tensor(tensor)
        seen = known.generation == self._moment.generation
        return known.value if seen and tensor._version != known.version else self.tensor(tensor)

    def made(self, shape: tuple[int, ...], dtype: str, preview: Preview | None, node: int) -> int:
        """The snapshot of a tensor that is gone: it was seen inside a library call, the output of that node."""
        number = self.reserve()
        tensor, self._tensors = self._tensors, self._tensors + 1
        self._rows.add("values", TensorValue(number, tensor, shape, dtype, "cpu", True, False, preview, None, node))
        return number


def _alive_at(known: Known, address: int) -> bool:
    tensor = known.ref()
    return tensor is not None and known.place[0] == address and tensor.untyped_storage()._cdata == address


def _grad_fn(tensor: torch.Tensor) -> Any:
    """Its grad_fn; None too where PyTorch refuses to say (a view that was changed in a forbidden way)."""
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


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
