"""Values of every kind as rows, and the names under which the program can reach a tensor."""

from __future__ import annotations
import __future__

import types
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.inside import parts_of, tensors_of
from engine.known import Known
from engine.limits import Limits
from engine.moment import Moment
from engine.previews import NUMERIC, preview_of_array
from engine.rows import Rows
from engine.snapshots import Snapshots
from engine.text import module_text, text_of
from engine.trace import ArrayValue, ModuleValue, NumberValue, OtherValue

EXACT = 2**53
"""Whole numbers beyond this are text: not every reader can hold them."""

NAMELESS = (
    *(type, types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType),
    type(__future__.annotations),
)
"""What a program binds without it being a value to look at: imports, functions, classes."""

CONSTANT = frozenset({int, float, bool, complex, str, bytes, type(None), range})
"""Types whose objects never change: the same object is the same row."""

RUNNING = ("running_mean", "running_var")
"""Buffers that normalization layers write to without the version counter."""

Represent = Callable[[object], str | None]
"""A value -> its repr as the program would see it, None where there is none."""

IMMUTABLE = frozenset({int, float, bool, complex, str, bytes, type(None)})
"""What a list may hold without a tensor being inside."""

Writer = Callable[[Any, str, int], int]
"""(value, the path that leads to it, how good that path is) -> number of the row."""

Place = tuple[int, str]
"""How good a name is (0 the best), and the name."""
GLOBAL, GLOBAL_PATH, LOCAL, LOCAL_PATH = range(4)


Entry = tuple[tuple[str, int] | None, tuple[int, ...], int | None]
"""One variable: (its name and the number of its row, None where it is not shown; the nodes it leads to; which tensor it
is, None where it holds none, SEVERAL where it may)."""
_NO_ENTRY: Entry = (None, (), None)
SEVERAL = -1


class Looked:
    """The variables of a scope as they were when it was looked at. Of the objects nothing is kept."""

    __slots__ = ("found", "positions", "roots", "shared", "size", "tensors", "turn")

    def __init__(self, size: int) -> None:
        self.size = size
        """How many names the scope had, those that are not shown too."""
        self.turn = -1
        self.found: list[tuple[str, int]] = []
        self.positions: dict[str, int] = {}
        self.shared: set[str] = set()
        """Names of tensors that have several."""
        self.roots: dict[str, tuple[int, ...]] = {}
        self.tensors: dict[str, int] = {}
        """Which tensor a variable is, SEVERAL where it may hold some."""

    def put(self, pair: tuple[str, int], roots: tuple[int, ...], tensor: int | None) -> None:
        """One variable more, or another value of one."""
        name = pair[0]
        if tensor is not None:
            self.tensors[name] = tensor
        elif name in self.tensors:
            del self.tensors[name]
        position = self.positions.get(name)
        if position is None:
            self.positions[name] = len(self.found)
            self.found.append(pair)
        else:
            self.found[position] = pair
        if roots:
            self.roots[name] = roots
        elif name in self.roots:
            del self.roots[name]


@dataclass(slots=True)
class ModuleSeen:
    """A module as it was when it was looked at, and the number of the row that says so."""

    ref: Callable[[], nn.Module | None]
    asked: tuple[str, int, str | None]
    """(the path that leads to it, how good that path is, its text where it is given)"""
    inside: tuple[bool, list[int], list[str], set[str]]
    """(training, its members, the paths of its tensors, those of them that are buffers)"""
    tensors: list[Known]
    numbers: list[int]
    """The latest snapshot of each of these, then."""
    row: int
    turn: int


class Variables:
    """Snapshots of whatever a variable holds. Equal numbers, texts, arrays and modules share a row."""

    def __init__(self, rows: Rows, moment: Moment, snapshots: Snapshots, limits: Limits) -> None:
        self._rows = rows
        self._moment = moment
        self._snapshots = snapshots
        self._limits = limits
        self._rows_by_content: dict[Any, int] = {}
        self._constants: dict[str, tuple[object, Entry]] = {}
        self._texts: dict[int, tuple[Any, Any, str]] = {}
        self._arrays: dict[int, tuple[Any, Any, Any, int]] = {}
        self._modules: dict[int, ModuleSeen] = {}
        self._writers: dict[type, Writer] = {}
        self._names: dict[int, Place] = {}
        self._latest: Looked | None = None
        self.dropped = False
        """Whether some scope had more variables than are recorded."""

    def forget(self) -> None:
        """Rows were dropped: nothing said so far can be referred to."""
        self._rows_by_content.clear()
        self._constants.clear()
        self._arrays.clear()
        self._modules.clear()
        self._names.clear()
        self._latest = None

    def forget_texts(self) -> None:
        """An attribute was assigned: the text of a module may be another."""
        self._latest = None
        self._texts.clear()
        self._modules.clear()

    def name(self, tensor: int) -> str:
        """The path a learner would write for this tensor, "" where no variable leads to it."""
        place = self._names.get(tensor)
        return "" if place is None else place[1]

    def of_scope(
        self, scope: Mapping[str, object], *, is_global: bool, bound: Sequence[str] | None = None
    ) -> list[tuple[str, int]]:
        """(name, number of a Value) of each variable, in order of first appearance; names of tensors are noted.

        `bound` are the names that the statement has bound, None where it may have done more than that: where nothing
        else ran since the latest look at the program's scope, only they are looked at, and what holds a tensor that a
        pass has changed. (In a function it could have been another call's scope.)
        """
        snapshots, turn = self._snapshots, self._moment.turn
        latest = self._latest if is_global and bound is not None else None
        if latest is None or latest.turn != turn or not self._bind(latest, scope, bound or ()):
            latest = self._all(scope, GLOBAL if is_global else LOCAL)
        if is_global:
            latest.turn = self._moment.turn
            self._latest = latest
            snapshots.changed.clear()
        snapshots.roots.update(*latest.roots.values())
        return latest.found.copy()

    def _bind(self, latest: Looked, scope: Mapping[str, object], names: Sequence[str]) -> bool:
        """Look at these variables only; False where that is not enough."""
        unknown = len(set(names) - latest.positions.keys())
        if len(scope) != latest.size + unknown or len(latest.found) + unknown > self._limits.variables:
            return False  # a name is gone, as that of a caught exception, or stood for something that is not shown
        latest.size = len(scope)
        changed = self._snapshots.changed
        if changed:
            held = [name for name, tensor in latest.tensors.items() if tensor == SEVERAL or tensor in changed]
            names = [*held, *names]
        for name in names:
            pair, roots, tensor = self._entry(name, scope[name], GLOBAL)
            if pair is None or name in latest.shared:
                return False
            if tensor is not None and tensor != SEVERAL:
                place = self._names.get(tensor)
                if place is not None and place[0] < LOCAL and place[1] != name:
                    return False  # another variable holds it too
                self._note(tensor, GLOBAL, name)
            latest.put(pair, roots, tensor)
        return True

    def _all(self, scope: Mapping[str, object], rank: int) -> Looked:
        """Every variable of a scope, as many as are recorded. A tensor that several hold has all their names."""
        looked = Looked(len(scope))
        found, noted = looked.found, dict[int, str]()
        for name, value in list(scope.items()):
            pair, roots, tensor = self._entry(name, value, rank)
            if pair is None:
                continue
            if len(found) >= self._limits.variables:
                self.dropped = True
                break
            found.append(pair)
            if roots:
                looked.roots[name] = roots
            if tensor is None:
                continue
            looked.tensors[name] = tensor
            if tensor != SEVERAL:
                noted[tensor] = f"{noted[tensor]}, {name}" if tensor in noted else name
        looked.positions = {name: position for position, (name, _) in enumerate(found)}
        for tensor, names in noted.items():
            self._note(tensor, rank, names)
            if ", " in names:
                looked.shared.update(names.split(", "))
        return looked

    def _entry(self, name: str, value: object, rank: int) -> Entry:
        """One variable as it is now."""
        held = self._constants.get(name)
        if held is not None and held[0] is value:
            return held[1]
        kind = type(value)
        write = self._writers.get(kind) or self._writer(value)
        if write is _looked_at:
            known = self._snapshots.look(value)  # type: ignore[arg-type]
            return ((name, known.value), known.roots, known.number)
        if write is _nothing or _is_dunder(name):
            return _NO_ENTRY
        self._snapshots.roots.clear()
        number = write(value, name, rank + 1)
        constant = kind in CONSTANT
        bare = constant or (write == self._module and not self._modules[id(value)].tensors)
        bare = bare or (kind is list and IMMUTABLE.issuperset(map(type, value)))  # type: ignore[call-overload]
        entry = ((name, number), tuple(self._snapshots.roots), None if bare else SEVERAL)
        if constant:
            self._constants[name] = (value, entry)
        return entry

    def spelled(
        self, found: list[tuple[str, int]], scope: Mapping[str, object], represent: Represent
    ) -> list[tuple[str, int]]:
        """The same variables, with the whole text of each that is shown as text. Together they are at most
        `final_length` characters long; what comes after keeps its short text."""
        room = self._limits.final_length
        spelled: list[tuple[str, int]] = []
        for name, number in found:
            value = scope[name]
            write = self._writers.get(type(value)) or self._writer(value)
            if write in (self._other, self._array, self._module, self._optimizer) and not self._is_numeric(value):
                text = represent(value) if room > 0 else None
                if text is not None and len(text) <= room:
                    room -= len(text)
                    number = self._with_text(value, text, name)
            spelled.append((name, number))
        return spelled

    def _is_numeric(self, value: object) -> bool:
        return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in NUMERIC

    def _with_text(self, value: Any, text: str, name: str) -> int:
        """The row of a value whose text is known."""
        if isinstance(value, nn.Module):
            return self._module(value, name, GLOBAL_PATH, text)
        return self._with_parts(value, text, name, GLOBAL_PATH)

    def value(self, value: object, name: str = "", rank: int = LOCAL_PATH) -> int:
        """The number of a row that says what this is now. `name` is the path that leads to it."""
        write = self._writers.get(type(value)) or self._writer(value)
        if write is _looked_at:
            return self._snapshots.tensor(value)  # type: ignore[arg-type]
        return self._other(value, name, rank) if write is _nothing else write(value, name, rank)

    def _writer(self, value: object) -> Writer:
        """The method that writes values of this exact type."""
        kind = type(value)
        if isinstance(value, torch.Tensor):
            write: Writer = _looked_at
        elif kind in (int, float, bool, complex):
            write = self._number
        elif isinstance(value, (np.ndarray, np.generic)):
            write = self._array
        elif isinstance(value, nn.Module):
            write = self._module
        elif isinstance(value, torch.optim.Optimizer):
            write = self._optimizer
        else:
            write = _nothing if is_nameless(value) else self._other
        self._writers[kind] = write
        return write

    def _note(self, tensor: int, rank: int, name: str) -> None:
        place = self._names.get(tensor)
        if place is None or rank <= place[0]:
            self._names[tensor] = (rank, name)

    def _row(self, content: tuple[Any, ...], make: Any) -> int:
        number = self._rows_by_content.get(content)
        if number is None:
            number = self._rows_by_content[content] = self._snapshots.reserve()
            self._rows.values.append(make(number, *content[1:]))
        return number

    def _number(self, value: Any, name: str, rank: int) -> int:
        key = ("number", repr(value))
        number = self._rows_by_content.get(key)
        if number is None:
            number = self._rows_by_content[key] = self._snapshots.reserve()
            if isinstance(value, complex):
                value = (value.real, value.imag)
            elif isinstance(value, int) and abs(value) > EXACT:
                value = text_of(value, self._limits.repr_length)
            self._rows.values.append(NumberValue(number, value))
        return number

    def _array(self, array: Any, name: str, rank: int) -> int:
        if array.dtype.kind not in NUMERIC:
            return self._other(array, name, rank)
        content = array.tolist() if array.size <= self._limits.preview_elements else None
        held = self._arrays.get(id(array))
        if held is not None and content is not None and held[:3] == (content, array.dtype, array.shape):
            return held[3]
        number = self._array_row(array)
        if content is not None:
            self._arrays[id(array)] = (content, array.dtype, array.shape, number)
        return number

    def _array_row(self, array: Any) -> int:
        preview = preview_of_array(array, self._limits.preview_elements)
        shape, dtype = tuple(array.shape), str(array.dtype)
        key = (
            "array",
            shape,
            dtype,
            tuple(map(repr, preview.values)),
            preview.maximum,
            preview.mean,
            preview.nonfinite,
        )
        number = self._rows_by_content.get(key)
        if number is None:
            number = self._rows_by_content[key] = self._snapshots.reserve()
            self._rows.values.append(ArrayValue(number, shape, dtype, preview))
        return number

    def _module(self, module: nn.Module, name: str, rank: int, text: str | None = None) -> int:
        held = self._modules.get(id(module))
        turn, asked = self._moment.turn, (name, rank, text)
        if held is not None and (held.asked != asked or held.ref() is not module):
            held = None
        if held is not None and held.turn == turn:  # only a pass can have run since, which writes to tensors
            inside = held.inside
            tensors = [tensor for known in held.tensors if (tensor := known.ref()) is not None]
        else:
            paths, tensors, buffers, members = tensors_of(module)
            for path, tensor in zip(paths, tensors, strict=True) if buffers else ():
                if path.endswith(RUNNING):
                    self._snapshots.share(tensor)
            training = module.__dict__.get("training", True)  # it is not there before nn.Module.__init__ has run
            inside = (training, members, paths, buffers)
        looked = list(map(self._snapshots.look, tensors))
        numbers = [known.value for known in looked]
        if held is not None and held.numbers == numbers and held.inside == inside:
            held.turn = turn
            return held.row
        training, members, paths, buffers = inside
        found: tuple[list[tuple[str, int]], list[tuple[str, int]]] = ([], [])
        for path, known in zip(paths, looked, strict=True):
            found[path in buffers].append((path, known.value))
            if name:
                self._note(known.number, rank, f"{name}.{path}")
        shown = self._text(module, members, module_text) if text is None else text
        row = self._row(
            ("module", type(module).__name__, shown, training, tuple(found[0]), tuple(found[1])), _module_value
        )
        self._modules[id(module)] = ModuleSeen(weakref.ref(module), asked, inside, looked, numbers, row, turn)
        return row

    def _text(self, value: Any, content: Any, write: Callable[[Any], str]) -> str:
        """Its text, written again only when what the text depends on is another than before."""
        held = self._texts.get(id(value))
        if held is not None and held[0]() is value and held[1] == content:
            return held[2]
        text = write(value)[: self._limits.repr_length]
        self._texts[id(value)] = (weakref.ref(value), content, text)
        return text

    def _optimizer(self, optimizer: Any, name: str, rank: int) -> int:
        groups = optimizer.__dict__.get("param_groups", ())  # not there before Optimizer.__init__ has run
        content = [[item for key, item in group.items() if key != "params"] for group in groups]
        text = self._text(optimizer, content, lambda value: text_of(value, self._limits.repr_length))
        return self._with_parts(optimizer, text, name, rank)

    def _other(self, value: object, name: str, rank: int) -> int:
        if type(value) is list and IMMUTABLE.issuperset(map(type, value)):  # nothing to look for inside
            return self._row(("other", "list", text_of(value, self._limits.repr_length), ()), _other_value)
        return self._with_parts(value, text_of(value, self._limits.repr_length), name, rank)

    def _with_parts(self, value: object, text: str, name: str, rank: int) -> int:
        parts = []
        for path, tensor in parts_of(value):
            parts.append((path, self._snapshots.tensor(tensor)))
            if name:
                self._note(self._snapshots.known(tensor).number, rank, name + path)
        return self._row(("other", type(value).__name__, text, tuple(parts)), _other_value)


def _module_value(number: int, kind: str, text: str, training: bool, parameters: Any, buffers: Any) -> ModuleValue:
    return ModuleValue(number, kind, text, training, list(parameters), list(buffers))


def _other_value(number: int, kind: str, text: str, parts: Any) -> OtherValue:
    return OtherValue(number, kind, text, list(parts))


def is_nameless(value: object) -> bool:
    """Whether a variable that holds this is an import, a function or a class rather than a value."""
    return isinstance(value, NAMELESS) or (type(value).__module__.startswith("engine.") and callable_or_facade(value))


def callable_or_facade(value: object) -> bool:
    """Whether an object of ours stands for a library or one of its functions."""
    return callable(value) or "facade" in type(value).__name__.lower()


def _is_dunder(name: str) -> bool:
    return name[:2] == "__" == name[-2:]


def _looked_at(value: Any, name: str, rank: int) -> int:
    """The writer of tensors: never called, it stands for their snapshots."""
    raise AssertionError(name, rank, value)


def _nothing(value: Any, name: str, rank: int) -> int:
    """The writer of what is not shown: never called, it stands for there being none."""
    raise AssertionError(name, rank, value)
