"""Trace -> cards: every tensor that a name holds at the end of a run, with all that is known of it then.

    cards(trace) -> Table of Cards, the storages they lie in, the hooks that fired, what each line answered

A card is a tensor, not a name: two names of one tensor share a card. Everything is read from the rows of the trace.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.case import Reason
from engine.reasons import Rows, why_no_grad
from engine.strides import contiguous, places
from engine.trace import HookCall, ModuleValue, Node, OtherValue, Preview, Step, TensorValue, Trace, Value

STRIP = 96
"""Places of a storage that are drawn."""
KEPT = 24
"""Changes of one .grad, and firings of hooks, that are shown: the last ones."""


class Grid(msgspec.Struct, frozen=True):
    """A tensor's numbers: the first elements, row-major. `cells` is None where it has no numbers of its own."""

    shape: tuple[int, ...]
    cells: list[object] | None
    truncated: bool = False


class Entry(msgspec.Struct, frozen=True):
    """One change of a .grad: deposit, none, zero or assigned; what was added; what it held then (None for None)."""

    kind: str
    line: int
    amount: Grid | None
    after: Grid | None
    new: bool


class Holder(msgspec.Struct, frozen=True):
    """Who else has hold of a tensor. "view": a name that shares its storage. "saved": a node that keeps it for backward
    (`name`), made on `line`."""

    kind: str
    name: str
    line: int = 0


class Card(msgspec.Struct, frozen=True):
    """One tensor at the end of the run.

    `state` says what .grad is: "held", "none" (nothing yet), "unneeded" (does not require grad), "passing" (a non-leaf
    that does not keep what flows through it). `why` is the reason where there is none. `changed` are the cells that the
    last statement changed, `fresh` whether it made the tensor, `freed` whether a backward freed the node that made it.
    What has no places in a storage (on meta, sparse) is not `strided`; its `storage` is -1.
    """

    tensor: int
    names: list[str]
    value: Grid
    dtype: str
    device: str
    requires_grad: bool
    leaf: bool
    retains: bool
    node: str | None
    version: int
    storage: int
    offset: int
    stride: tuple[int, ...]
    strided: bool
    contiguous: bool
    places: list[int]
    state: str
    grad: Grid | None
    why: Reason | None
    ledger: list[Entry]
    holders: list[Holder]
    changed: list[int]
    regraded: bool
    fresh: bool
    freed: bool


class Storage(msgspec.Struct, frozen=True):
    """One storage: what lies at its first places as far as a card shows it (None: not shown), and whose it is."""

    number: int
    cells: list[object]
    tensors: list[int]
    longer: bool


class Fired(msgspec.Struct, frozen=True):
    """A hook that fired: its name, the line of the pass, the gradient it was given and what it put in its place."""

    name: str
    line: int
    given: Grid | None
    returned: Grid | None
    new: bool


class Answer(msgspec.Struct, frozen=True):
    """What a statement answered: the value of a bare expression, and what it printed."""

    line: int
    value: str
    printed: str


class Table(msgspec.Struct, frozen=True):
    """Everything the page draws of a run."""

    cards: list[Card]
    storages: list[Storage]
    hooks: list[Fired]
    answers: list[Answer]
    others: list[tuple[str, str]]
    """Variables that are no tensors: (name, as Python writes it)."""


def cards(trace: Trace) -> Table:
    """The cards of the trace's last statement of the program itself, in the order in which names appeared."""
    steps = [step for step in trace.steps if step.scope == 0]
    last = [step for step in steps if not step.raised][-1:]
    if not last:
        return Table([], [], [], _answers(trace, {}), [])
    rows = Rows(trace)
    step = steps[-1]
    before = [one for one in steps if one.tick < step.tick][-1:]
    drawn = _Drawing(rows, step, before[0] if before else None)
    found = [drawn.card(names, value) for names, value in _bound(rows, step)]
    others = [
        (name, _text(value)) for name, number in step.variables if not _tensors(value := rows.values[number], rows)
    ]
    return Table(
        found, _storages(found), [drawn.fired(row) for row in trace.hooks], _answers(trace, rows.values), others
    )


def grid(value: TensorValue | None) -> Grid | None:
    """The numbers of a snapshot."""
    return None if value is None else Grid(value.shape, *_cells(value.preview))


def _cells(preview: Preview | None) -> tuple[list[object] | None, bool]:
    return (None, False) if preview is None else (list(preview.values), preview.truncated)


def _tensors(value: Value, rows: Rows) -> list[tuple[str, TensorValue]]:
    """The tensors that a variable is or holds, with what is to be written after its name."""
    match value:
        case TensorValue():
            return [("", value)]
        case ModuleValue():
            parts = [(f".{path}", number) for path, number in [*value.parameters, *value.buffers]]
        case OtherValue():
            parts = list(value.parts)
        case _:
            parts = []
    inside = ((path, rows.values[number]) for path, number in parts)
    return [(path, one) for path, one in inside if isinstance(one, TensorValue)]


def _bound(rows: Rows, step: Step) -> list[tuple[list[str], TensorValue]]:
    """(names, tensor) of every tensor that a variable holds. A name of its own comes before a place in something."""
    names: dict[int, list[str]] = {}
    values: dict[int, TensorValue] = {}
    for name, number in step.variables:
        for path, value in _tensors(rows.values[number], rows):
            names.setdefault(value.tensor, []).append(name + path)
            values[value.tensor] = value
    return [(sorted(bound, key=lambda one: not one.isidentifier()), values[key]) for key, bound in names.items()]


def _text(value: Value) -> str:
    written = getattr(value, "repr", None) or str(getattr(value, "value", ""))
    return written if len(written) <= 80 else f"{written[:79]}…"


class _Drawing:
    """The look-ups that every card of one moment needs."""

    def __init__(self, rows: Rows, step: Step, before: Step | None) -> None:
        self.rows, self.step = rows, step
        self.lines = {one.tick: one.span[0] for one in rows.trace.steps}
        self.earlier: dict[int, TensorValue] = {}
        if before is not None:
            self.earlier = {value.tensor: value for _, value in _bound(rows, before)}
        self.sharing: dict[int, list[tuple[str, int]]] = {}
        for names, value in _bound(rows, step):
            if _strided(value):
                self.sharing.setdefault(value.storage, []).append((names[0], value.tensor))
        freed = {row.node for row in rows.trace.freed}
        self.freed = {row.node for row in rows.trace.freed if row.pass_ is not None}
        self.saving: dict[int, list[Node]] = {}
        for node in rows.trace.nodes:
            for saved in (
                {row.tensor for row in node.saved if row.tensor is not None} if node.number not in freed else ()
            ):
                self.saving.setdefault(saved, []).append(node)

    def value(self, number: int | None) -> TensorValue | None:
        """The snapshot of that number, None for None."""
        found = None if number is None else self.rows.values.get(number)
        return found if isinstance(found, TensorValue) else None

    def card(self, names: list[str], value: TensorValue) -> Card:
        """All there is to say of this tensor."""
        node = self.rows.nodes.get(value.node) if value.node is not None else None
        held = self.value(value.grad)
        why = why_no_grad(self.rows, value, self.step.tick)
        before = self.earlier.get(value.tensor)
        shown = grid(value)
        assert shown is not None
        strided = _strided(value)
        return Card(
            tensor=value.tensor, names=names, value=shown, dtype=value.dtype, device=value.device,
            requires_grad=value.requires_grad, leaf=value.is_leaf, retains=value.retains_grad,
            node=node.name if node else None, version=value.version, storage=value.storage if strided else -1,
            offset=value.storage_offset, stride=value.stride, strided=strided,
            contiguous=not strided or contiguous(value.shape, value.stride),
            places=places(value.shape, value.stride, value.storage_offset) if strided else [],
            state=_state(value), grad=grid(held), why=why,
            ledger=list(self.ledger(value.tensor)), holders=self.holders(value),
            changed=_changed(before, value), regraded=before is not None and _differ(self.value(before.grad), held),
            fresh=before is None, freed=value.node in self.freed,
        )  # fmt: skip

    def ledger(self, tensor: int) -> Iterator[Entry]:
        """The last changes of its .grad, in order."""
        for row in [row for row in self.rows.trace.deposits if row.tensor == tensor][-KEPT:]:
            amount, after = grid(self.value(row.amount)), grid(self.value(row.after))
            yield Entry(row.kind, self.lines.get(row.tick, 0), amount, after, row.tick == self.step.tick)

    def holders(self, value: TensorValue) -> list[Holder]:
        """Other names on its storage, and the nodes that keep it until backward."""
        sharing = self.sharing.get(value.storage, []) if _strided(value) else []
        views = [Holder("view", name) for name, tensor in sharing if tensor != value.tensor]
        saving = [
            Holder("saved", node.name, node.span[0] if node.span else 0) for node in self.saving.get(value.tensor, ())
        ]
        return views + saving

    def fired(self, row: HookCall) -> Fired:
        """A hook as it fired."""
        given, returned = grid(self.value(row.input)), grid(self.value(row.output))
        return Fired(row.name, self.lines.get(row.tick, 0), given, returned, row.tick == self.step.tick)


def _strided(value: TensorValue) -> bool:
    """Whether it has elements that lie somewhere: on meta there are none, and a sparse tensor has no strides."""
    return value.preview is not None and len(value.stride) == len(value.shape)


def _state(value: TensorValue) -> str:
    if value.grad is not None:
        return "held"
    if not value.requires_grad:
        return "unneeded"
    return "none" if value.is_leaf or value.retains_grad else "passing"


def _changed(before: TensorValue | None, value: TensorValue) -> list[int]:
    """The cells whose numbers differ from before the last statement. NaN is not taken for a change of NaN."""
    if before is None or before.preview is None or value.preview is None or before.shape != value.shape:
        return []
    pairs = zip(before.preview.values, value.preview.values, strict=False)
    return [place for place, (old, new) in enumerate(pairs) if str(old) != str(new)]


def _differ(before: TensorValue | None, value: TensorValue | None) -> bool:
    if before is None or value is None:
        return before is not value
    return str(before.preview) != str(value.preview)


def _storages(found: list[Card]) -> list[Storage]:
    """The storages of the cards, in the order of the cards, with what the cards show of them."""
    rows: list[Storage] = []
    for number in dict.fromkeys(card.storage for card in found if card.strided):
        sharing = [card for card in found if card.storage == number]
        known = {
            place: cell for card in sharing for place, cell in zip(card.places, card.value.cells or [], strict=False)
        }
        length = max(known, default=-1) + 1
        cells = [known.get(place) for place in range(min(length, STRIP))]
        longer = length > STRIP or any(card.value.truncated for card in sharing)
        rows.append(Storage(number, cells, [card.tensor for card in sharing], longer))
    return rows


def _answers(trace: Trace, values: dict[int, Value]) -> list[Answer]:
    """What statements of the program itself answered, where they did."""
    found = []
    for step in trace.steps:
        value = values.get(step.value) if step.value is not None else None
        if step.scope == 0 and (value is not None or step.printed):
            found.append(Answer(step.span[0], _short(value) if value is not None else "", step.printed))
    return found


def _short(value: Value) -> str:
    """A value in a few characters."""
    if not isinstance(value, TensorValue):
        return _text(value)
    if value.preview is None:
        return f"tensor {value.shape}"
    numbers = [_digits(one) for one in value.preview.values[:6]]
    more = ", …" if len(value.preview.values) > 6 or value.preview.truncated else ""
    return numbers[0] if not value.shape and numbers else f"[{', '.join(numbers)}{more}]"


def _digits(number: object) -> str:
    if isinstance(number, tuple):
        return f"{number[0]:.4g}{number[1]:+.4g}j"
    return f"{number:.4g}" if isinstance(number, float) else str(number)
