"""The account of every `.grad`: what each pass added, and what the program took away or put there itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.moment import Moment
from engine.rows import Rows
from engine.snapshots import Known, Snapshots
from engine.trace import Deposit, Preview


@dataclass(slots=True)
class Balance:
    """What `.grad` of one tensor held when last seen: (which tensor, its version, its elements), and the snapshot of
    it."""

    content: tuple[int, int, Preview | None] | None
    number: int | None


class Ledger:
    """Looks at every tensor that may hold a grad: within passes as they deposit, and after each statement."""

    def __init__(self, rows: Rows, moment: Moment, snapshots: Snapshots) -> None:
        self._rows = rows
        self._moment = moment
        self._snapshots = snapshots
        self._balances: dict[int, Balance] = {}
        self._numbers = 0
        self._reviewed = (-1, 0)

    def before(self, leaf: torch.Tensor) -> int | None:
        """The snapshot of what `.grad` holds before a deposit."""
        return self._now(leaf)[1]

    def deposit(self, leaf: torch.Tensor, amount: int | None, before: int | None, pass_: int, node: int | None) -> None:
        """A pass has added `amount`."""
        content, after = self._deposited(leaf)
        tensor = self._snapshots.known(leaf).number
        self._write("deposit", tensor, amount, before, after, pass_, node)
        self._balances[tensor] = Balance(content, after)

    def _deposited(self, tensor: torch.Tensor) -> tuple[tuple[int, int, Preview | None] | None, int | None]:
        """What `.grad` holds now that a pass may have added to it. Where it has written to what was there already,
        other tensors may share that memory."""
        grad = tensor.grad
        if grad is not None:
            known = self._snapshots.known(grad)
            known.turn = -1
            if known.value >= 0 and known.version != grad._version:
                self._moment.turn += 1
        self._snapshots.known(tensor).turn = -1
        return self._now(tensor)

    def _now(self, tensor: torch.Tensor) -> tuple[tuple[int, int, Preview | None] | None, int | None]:
        number = self._snapshots.look(tensor).grad
        if number is None:
            return None, None
        grad = tensor.grad
        assert grad is not None
        known = self._snapshots.known(grad)
        return (known.number, known.version, known.preview), number

    def retained(self, pass_: int, node_of: dict[int, tuple[int, list[int | None]]]) -> None:
        """Deposits of this pass into non-leaf tensors that retain their grad. `node_of`: node -> (index, its
        grad_outputs)."""
        for known, tensor in self._holders():
            if not known.retains_grad or known.node not in node_of:
                continue
            content, after = self._deposited(tensor)
            balance = self._balances.get(known.number)
            if content is None or (balance is not None and balance.content == content):
                continue
            amounts = node_of[known.node][1]
            amount = amounts[tensor.output_nr] if tensor.output_nr < len(amounts) else None
            before = None if balance is None else balance.number
            self._write("deposit", known.number, amount, before, after, pass_, known.node)
            self._balances[known.number] = Balance(content, after)

    def review(self, *, silently: bool = False) -> None:
        """After a statement: what changed without a pass was taken away or assigned. `silently` after a gap in the
        record."""
        moment, holders = self._moment, self._snapshots.grad_holders
        if self._reviewed == (moment.turn, len(holders)):
            return
        self._reviewed = (moment.turn, len(holders))
        for known, tensor in self._holders():
            self._snapshots.tensor(tensor)
            balance = self._balances.get(known.number)
            if balance is None:
                self._balances[known.number] = Balance(*self._now(tensor))
            elif balance.number != known.grad:
                self._changed(known, tensor, balance, silently)

    def _changed(self, known: Known, tensor: torch.Tensor, balance: Balance, silently: bool) -> None:
        content, after = self._now(tensor)
        if content != balance.content and not silently:
            kind = (
                "none"
                if content is None
                else "zero"
                if balance.content is not None and _is_zero(content[2])
                else "assigned"
            )
            self._write(kind, known.number, None, balance.number, after, None, None)
        self._balances[known.number] = Balance(content, after)

    def _holders(self) -> list[tuple[Known, torch.Tensor]]:
        """The live tensors that may hold a grad; dead ones are forgotten."""
        holders = self._snapshots.grad_holders
        alive = [(known, tensor) for known in holders.values() if (tensor := known.ref()) is not None]
        if len(alive) < len(holders):
            for number in [number for number, known in holders.items() if known.ref() is None]:
                del holders[number]
                self._balances.pop(number, None)
        return alive

    def _write(
        self,
        kind: str,
        tensor: int,
        amount: int | None,
        before: int | None,
        after: int | None,
        pass_: int | None,
        node: int | None,
    ) -> None:
        row = Deposit(self._numbers, kind, self._moment.tick, tensor, amount, before, after, pass_, node)  # type: ignore[arg-type]
        self._numbers += 1
        self._rows.add(row)


def _is_zero(preview: Preview | None) -> bool:
    """Whether every element is zero, as far as the preview and its statistics say."""
    if preview is None or preview.nonfinite:
        return False
    ends = (preview.minimum, preview.maximum)
    return not any(preview.values) and (not preview.truncated or ends == (0.0, 0.0))
