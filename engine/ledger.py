"""The account of every `.grad`: what each pass added, and what the program took away or put there itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.known import Known
from engine.moment import Moment
from engine.rows import Rows
from engine.snapshots import Snapshots
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
        return self._snapshots.look(leaf).grad

    def deposit(self, leaf: torch.Tensor, amount: int | None, before: int | None, pass_: int, node: int | None) -> None:
        """A pass has added `amount`."""
        known = self._deposited(leaf)
        self._write("deposit", known.number, amount, before, known.grad, pass_, node)
        self._balances[known.number] = self._balance(leaf, known)

    def _deposited(self, tensor: torch.Tensor) -> Known:
        """What is known of a tensor now that a pass may have added to its `.grad`."""
        grad = tensor.grad
        if grad is not None:
            held = self._snapshots.known(grad)
            held.turn = -1
            if held.value >= 0 and held.version != grad._version:
                self._snapshots.written(held)
        self._snapshots.known(tensor).turn = -1
        return self._snapshots.look(tensor)

    def _balance(self, tensor: torch.Tensor, known: Known) -> Balance:
        if known.grad is None:
            return Balance(None, None)
        grad = tensor.grad
        assert grad is not None
        held = self._snapshots.known(grad)
        return Balance((held.number, held.version, held.preview), known.grad)

    def retained(self, pass_: int, node_of: dict[int, tuple[int, list[int | None]]]) -> None:
        """Deposits of this pass into non-leaf tensors that retain their grad. `node_of`: node -> (index, its
        grad_outputs)."""
        for known, tensor in self._holders() if self._snapshots.retaining else ():
            if not known.retains_grad or known.node not in node_of:
                continue
            now = self._balance(tensor, self._deposited(tensor))
            balance = self._balances.get(known.number)
            if now.content is None or (balance is not None and balance.content == now.content):
                continue
            amounts = node_of[known.node][1]
            amount = amounts[tensor.output_nr] if tensor.output_nr < len(amounts) else None
            before = None if balance is None else balance.number
            self._write("deposit", known.number, amount, before, now.number, pass_, known.node)
            self._balances[known.number] = now

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
                self._balances[known.number] = self._balance(tensor, known)
            elif balance.number != known.grad:
                self._changed(known, tensor, balance, silently)

    def unsettle(self) -> None:
        """Something other than a pass may have changed a `.grad`, though the turn is the same."""
        self._reviewed = (-1, 0)

    def _changed(self, known: Known, tensor: torch.Tensor, balance: Balance, silently: bool) -> None:
        now = self._balance(tensor, known)
        if now.content != balance.content and not silently:
            kind = (
                "none"
                if now.content is None
                else "zero"
                if balance.content is not None and _is_zero(now.content[2])
                else "assigned"
            )
            self._write(kind, known.number, None, balance.number, now.number, None, None)
        self._balances[known.number] = now

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
        self._rows.deposits.append(row)


def _is_zero(preview: Preview | None) -> bool:
    """Whether every element is zero, as far as the preview and its statistics say."""
    if preview is None or preview.nonfinite:
        return False
    ends = (preview.minimum, preview.maximum)
    return not any(preview.values) and (not preview.truncated or ends == (0.0, 0.0))
