"""Cards say what PyTorch says, for every tensor that a name holds."""

from __future__ import annotations

import msgspec
import pytest
import torch

from engine.scenarios import load
from engine.tensor_cards import KEPT, STRIP, Card, Table, cards
from tests.recording import record


def drawn(program: str) -> Table:
    """The cards of a program."""
    return cards(record(f"import torch\n{program}"))


def card(table: Table, name: str) -> Card:
    """The card that the name is on."""
    (found,) = [one for one in table.cards if name in one.names]
    return found


@pytest.mark.parametrize("name", [name for name, one in load().items() if one.page == "tensors"])
def test_the_cards_of_an_example_are_its_tensors(name: str) -> None:
    """Value, gradient, flags, version, strides and who shares storage with whom, beside plain PyTorch's own."""
    program = str(load()[name].state["program"])
    names: dict[str, object] = {}
    table = cards(record(program))
    try:
        exec(program, names)
    except RuntimeError:
        assert table.cards
    tensors = {key: value for key, value in names.items() if isinstance(value, torch.Tensor)}
    assert [key for one in table.cards for key in one.names] == list(tensors)
    for key, tensor in tensors.items():
        one = card(table, key)
        assert one.value.cells == plain(tensor)
        assert (one.value.shape, one.stride, one.offset) == (tensor.shape, tensor.stride(), tensor.storage_offset())
        assert (one.requires_grad, one.leaf, one.retains) == (tensor.requires_grad, tensor.is_leaf, tensor.retains_grad)
        assert one.version == tensor._version
        assert one.node == (tensor.grad_fn.name() if tensor.grad_fn is not None else None)
        held = tensor.grad if tensor.is_leaf or tensor.retains_grad else None
        assert (one.grad.cells if one.grad else None) == (plain(held) if held is not None else None)
        assert one.contiguous == tensor.is_contiguous()
        sharing = {
            other
            for other, its in tensors.items()
            if its is not tensor and its.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
        }
        assert {holder.name for holder in one.holders if holder.kind == "view"} == sharing
    assert msgspec.msgpack.encode(table)


def plain(tensor: torch.Tensor) -> list[object]:
    """Elements as a trace writes them."""
    cells = tensor.detach().flatten().tolist()
    return [(cell.real, cell.imag) for cell in cells] if tensor.is_complex() else cells


def test_two_names_of_one_tensor_share_a_card() -> None:
    table = drawn("a = torch.ones(2)\nb = a\nmodel = torch.nn.Linear(1, 1)\nw = model.weight\nxs = [a]\nn = 3")
    assert [one.names for one in table.cards] == [["a", "b", "xs[0]"], ["w", "model.weight"], ["model.bias"]]
    assert table.others == [("n", "3")]


def test_why_there_is_no_gradient() -> None:
    table = drawn("x = torch.ones(2)\nw = torch.ones(2, requires_grad=True)\ny = x * w\nn = torch.tensor(1)")
    states = {one.names[0]: (one.state, one.why.code if one.why else None) for one in table.cards}
    assert states == {
        "x": ("unneeded", "reason.not_asked"),
        "w": ("none", "reason.no_backward"),
        "y": ("passing", "reason.non_leaf"),
        "n": ("unneeded", "reason.integer"),
    }


def test_the_ledger_reads_one_two_three_four() -> None:
    table = drawn("b = torch.ones(1, requires_grad=True)\nfor _ in range(4):\n    b.sum().backward()\nb.grad = None")
    account = card(table, "b").ledger
    held = [entry.after.cells if entry.after else None for entry in account]
    assert held == [[1.0], [2.0], [3.0], [4.0], None]
    assert [entry.new for entry in account] == [False] * 4 + [True]
    assert account[0].line == 4
    long = drawn("b = torch.ones(1, requires_grad=True)\nfor _ in range(60):\n    b.sum().backward()")
    assert len(card(long, "b").ledger) == KEPT


def test_what_the_last_statement_changed() -> None:
    table = drawn("x = torch.zeros(3)\nw = torch.ones(1, requires_grad=True)\nx[1] = 5")
    assert (card(table, "x").changed, card(table, "x").fresh, card(table, "x").version) == ([1], False, 1)
    assert card(table, "w").changed == []
    after = drawn("w = torch.ones(1, requires_grad=True)\ny = w * w\ny.backward()")
    assert (card(after, "w").regraded, card(after, "y").freed, card(after, "y").fresh) == (True, True, False)
    assert card(drawn("x = torch.ones(1)"), "x").fresh


def test_who_keeps_a_tensor_for_backward() -> None:
    table = drawn("w = torch.ones(2, requires_grad=True)\nx = torch.ones(2)\ny = w * x\n")
    assert [(one.kind, one.name, one.line) for one in card(table, "x").holders] == [("saved", "MulBackward0", 4)]
    after = drawn("w = torch.ones(2, requires_grad=True)\nx = torch.ones(2)\ny = w * x\ny.sum().backward()\n")
    assert card(after, "x").holders == []


def test_storages_show_what_their_tensors_show() -> None:
    table = drawn("x = torch.arange(6.).reshape(2, 3)\nrow = x[1]\nlate = torch.arange(5.)[3:]\nlong = torch.ones(300)")
    first, late, long = table.storages
    assert (first.cells, first.tensors) == (
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
        [card(table, "x").tensor, card(table, "row").tensor],
    )
    assert late.cells == [None, None, None, 3.0, 4.0]
    assert long.longer
    assert len(long.cells) <= STRIP


def test_hooks_and_answers() -> None:
    table = drawn(
        "w = torch.tensor(2., requires_grad=True)\nh = w.register_hook(lambda grad: grad * 2)\n"
        "(w * 3).backward()\nw.grad\nprint('hi')"
    )
    (fired,) = table.hooks
    assert (fired.line, fired.given and fired.given.cells, fired.returned and fired.returned.cells) == (4, [3.0], [6.0])
    assert [(one.line, one.value, one.printed) for one in table.answers] == [(5, "6", ""), (6, "", "hi\n")]


def test_tensors_without_values_or_places() -> None:
    table = drawn('y = torch.ones(2)\nm = torch.ones(2, 3, device="meta")\nempty = torch.ones(0, 3)\nx = torch.ones(2)')
    meta = card(table, "m")
    assert (meta.value.cells, meta.places, meta.strided, meta.device) == (None, [], False, "meta")
    assert (meta.holders, card(table, "y").holders) == ([], [])
    assert table.storages[0].tensors == [card(table, "y").tensor]
    assert card(table, "empty").value.cells == []
    assert card(table, "empty").contiguous


def test_a_run_that_never_began() -> None:
    assert cards(record("y = (")).cards == []
    failed = cards(record("import torch\nx = torch.ones(2)\nx @ torch.ones(3)"))
    assert [one.names for one in failed.cards] == [["x"]]
