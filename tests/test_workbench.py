"""Actions become statements that plain PyTorch runs; histories are programs; links bring them back."""

from __future__ import annotations

import ast
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidState
from engine.limits import DEFAULT
from engine.permalink import State
from engine.scenarios import load
from engine.workbench import (
    ACTIONS,
    FIRST,
    History,
    compose,
    free_name,
    history,
    holes,
    split,
    tensors_table,
    typed,
)
from tests.recording import record

START = "import torch\na = torch.tensor([[1., 2.], [3., 4.]], requires_grad=True)\nb = torch.tensor([[2.], [3.]])\n"
NEEDS = {
    "backward": "a = a.sum()\n",
    "backward_retain": "a = a.sum()\n",
    "grad_zero": "a.sum().backward()\n",
    "update": "a.sum().backward()\n",
    "add_in_place": "a = a.detach()\n",
    "multiply_in_place": "a = a.detach()\n",
    "zero_in_place": "a = a.detach()\n",
    "copy_in_place": "a = a.detach()\n",
    "expand": "a = torch.ones(1, 2)\n",
    "retain_grad": "a = a * 2\n",
}
"""What must have happened before an action makes sense."""
FILLED = {"device": {"device": "meta"}, "copy_in_place": {"other": "b"}}


def state(names: dict[str, Any]) -> dict[str, Any]:
    """The tensors of a namespace with everything that counts."""
    return {
        name: (
            value.tolist() if value.device.type == "cpu" else None,
            value.dtype,
            value.shape,
            value.stride(),
            value.requires_grad,
            value.is_leaf,
            value._version,
            value.grad.tolist() if (value.is_leaf or value.retains_grad) and value.grad is not None else None,
        )
        for name, value in names.items()
        if isinstance(value, torch.Tensor)
    }


def plainly(program: str) -> dict[str, Any]:
    """What plain Python makes of it."""
    names: dict[str, Any] = {}
    exec(compile(program, "program", "exec"), names)
    return state(names)


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_runs_on_plain_pytorch_and_in_ours_alike(name: str) -> None:
    asked = {"kind": "do", "action": name, "a": "a", "other": "b", **FILLED.get(name, {})}
    (statement,) = compose(asked, ["a", "b"])
    program = f"{START}{NEEDS.get(name, '')}{statement}\n"
    names = plainly(program)
    assert ("y" in names) == ("{new}" in ACTIONS[name].template)
    trace = record(program)
    assert trace.outcome is not None
    assert trace.outcome.kind == "finished", trace.outcome
    values = {value.number: value for value in trace.values}
    ours = {key: values[number] for key, number in trace.steps[-1].variables}
    assert ours.keys() == names.keys()
    for key, (cells, dtype, shape, stride, requires_grad, leaf, version, grad) in names.items():
        one: Any = ours[key]
        assert (f"torch.{one.dtype}", one.shape) == (str(dtype), tuple(shape))
        assert one.stride == (stride if one.device == "cpu" else ())
        assert (one.requires_grad, one.is_leaf, one.version) == (requires_grad, leaf, version)
        assert cells is None or one.preview.values == flat(cells)
        held: Any = values.get(one.grad)
        assert (held.preview.values if held else None) == (flat(grad) if grad is not None else None)


def flat(cells: object) -> list[object]:
    """A nested list's elements."""
    return [one for part in cells for one in flat(part)] if isinstance(cells, list) else [cells]


def test_each_group_of_an_action_has_its_holes() -> None:
    assert holes(ACTIONS["update"]) == ["number"]
    assert holes(ACTIONS["detach"]) == []
    assert {name for row in ACTIONS.values() for name in row.holes} <= {
        *("sizes", "dims", "index", "number", "dtype", "device", "gradient", "other")
    }


def test_actions_are_named_statements() -> None:
    assert compose({"kind": "do", "action": "multiply", "a": "w", "other": "x"}, ["w", "x", "y"]) == ("z = w * x",)
    assert compose({"kind": "do", "action": "add", "a": "w", "other": "2.5", "new": "q"}, []) == ("q = w + 2.5",)
    assert compose({"kind": "do", "action": "backward_gradient", "a": "y"}, []) == (
        "y.backward(gradient=torch.ones_like(y))",
    )
    assert compose({"kind": "do", "action": "detach", "a": "model.0.weight"}, []) == ("y = model.0.weight.detach()",)
    assert compose({"kind": "build", "name": "", "fill": "ones", "shape": "3"}, ["x"]) == ("w = torch.ones(3)",)
    assert compose({"kind": "cell", "a": "x", "index": [0, 1], "text": "3"}, []) == ("x[0, 1] = 3",)
    assert compose({"kind": "cell", "a": "w", "index": [], "text": "nan", "requires_grad": True}, []) == (
        'with torch.no_grad():\n    w[...] = float("nan")',
    )
    assert compose({"kind": "line", "text": ">>> y = w * 2"}, []) == ("y = w * 2",)
    assert compose({"kind": "line", "text": "a = 1\n\nfor i in range(2):\n    a += i\n"}, []) == (
        "a = 1",
        "for i in range(2):\n    a += i",
    )


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "tensors.unknown"),
        ({"kind": "do", "action": "explode", "a": "w"}, "tensors.unknown"),
        ({"kind": "do", "action": "sum", "a": "w; x"}, "tensors.unknown"),
        ({"kind": "do", "action": "sum", "a": None}, "tensors.unknown"),
        ({"kind": "do", "action": "view", "a": "w", "sizes": "2; 3"}, "tensors.hole.sizes"),
        ({"kind": "do", "action": "transpose", "a": "w", "dims": "a"}, "tensors.hole.dims"),
        ({"kind": "do", "action": "select", "a": "w", "index": "w"}, "tensors.hole.index"),
        ({"kind": "do", "action": "dtype", "a": "w", "dtype": "float8"}, "tensors.hole.dtype"),
        ({"kind": "do", "action": "device", "a": "w", "device": "moon"}, "tensors.hole.device"),
        ({"kind": "do", "action": "backward_gradient", "a": "w", "gradient": "1 +"}, "tensors.hole.gradient"),
        ({"kind": "do", "action": "hook", "a": "w", "number": "x"}, "tensors.number"),
        ({"kind": "do", "action": "sum", "a": "w", "new": "torch"}, "tensors.name"),
        ({"kind": "build", "name": "for", "values": "1"}, "tensors.name"),
        ({"kind": "build", "name": "2x", "values": "1"}, "tensors.name"),
        ({"kind": "cell", "a": "w", "index": [-1], "text": "1"}, "tensors.unknown"),
        ({"kind": "cell", "a": "w", "index": [0], "text": "import"}, "tensors.number"),
        ({"kind": "line", "text": "  "}, "tensors.line.empty"),
        ({"kind": "line", "text": "y = ("}, "tensors.line.syntax"),
        ({"kind": "line", "text": "(" * 5000}, "tensors.line.syntax"),
    ],
)
def test_what_is_no_statement_is_said(asked: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidState) as caught:
        compose(asked, [])
    assert caught.value.code == code


# ---- histories


def test_undo_redo_and_a_new_way() -> None:
    now = History().do("x = 1").do("y = 2", "z = 3")
    assert now.program == "import torch\nx = 1\ny = 2\nz = 3\n"
    back = now.to(now.done - 1)
    assert (back.program, back.whole) == ("import torch\nx = 1\ny = 2\n", now.whole)
    assert back.to(4) == now
    assert now.to(99) == now
    assert now.to(-5).program == "import torch\n"
    assert back.do("u = 4").whole == "import torch\nx = 1\ny = 2\nu = 4\n"
    assert now.do("u = 4", keep=2).whole == "import torch\nx = 1\nu = 4\n"
    assert now.do("u = 4", keep=0).whole == "import torch\nu = 4\n"


def test_names_in_use() -> None:
    now = history(
        "import torch\nx, (y, z) = 1, (2, 3)\nwith torch.no_grad():\n    w = x\nfor i in [1]: pass\nx.grad = 4"
    )
    assert now.names == {"x", "y", "z", "w", "i"}
    assert now.to(2).names == {"x", "y", "z"}
    assert history("y = (").names == set()


def test_lines_and_places() -> None:
    now = history("import torch\n# why\nwith torch.no_grad():\n    x = 1\n\ny = 2")
    assert now.statements == ("import torch", "# why\nwith torch.no_grad():\n    x = 1", "y = 2")
    assert [now.line(place) for place in range(3)] == [1, 2, 5]
    assert [now.place(line) for line in range(1, 6)] == [0, 1, 1, 1, 2]


def test_a_history_has_an_end() -> None:
    with pytest.raises(InvalidState) as caught:
        History().do(*["x = 1"] * DEFAULT.source_lines)
    assert caught.value.code == "tensors.long"


def test_programs_that_are_no_histories() -> None:
    """Any text of a link becomes something that can be run, and be said to be wrong."""
    assert history("").statements == ("import torch",)
    assert history("y = (").statements == ("import torch", "y = (")
    assert history("x = 1; y = 2").statements == ("import torch", "x = 1; y = 2")
    assert history("from torch import tensor").statements == ("from torch import tensor",)
    assert history(">>> import torch\n>>> x = 1").statements == ("import torch", "x = 1")
    assert split("@f\ndef g():\n    pass\n\n\nx = '''\n\n'''\n# end") == (
        "@f\ndef g():\n    pass",
        "x = '''\n\n'''\n# end",
    )


STATEMENTS = st.sampled_from(
    ["x = 1", "# note\ny = 2", "with torch.no_grad():\n    x = 2", "z = '''a\n\n  b'''", "x; y", "for i in z:\n\n    i"]
)


@settings(max_examples=100)
@given(st.lists(STATEMENTS, max_size=6), st.integers(0, 9))
def test_a_history_comes_back_from_its_program(statements: list[str], done: int) -> None:
    now = History().do(*statements).to(done)
    assert history(now.whole, now.done) == now
    state: State = {"program": now.whole, "done": now.done, "card": "x", "panel": "storage", "seed": 3}
    table = tensors_table()
    read, problems = table.decode(table.encode(state))
    assert problems == []
    assert read == table.defaults() | state


@given(st.text(max_size=60))
def test_any_text_can_be_split(text: str) -> None:
    parts = split(text)
    try:
        whole = ast.dump(ast.parse(text))
    except (SyntaxError, ValueError):
        return
    assert ast.dump(ast.parse("\n".join(parts))) == whole


def test_typed_lines_keep_their_parts() -> None:
    assert typed("y = w * 2") == ("y = w * 2",)
    assert typed("“y” if 0 else 1".replace("“", '"').replace("”", '"')) == ('"y" if 0 else 1',)


def test_names_that_are_free() -> None:
    assert free_name([]) == "y"
    assert free_name([], "x") == "x"
    assert free_name(["x", "w"], "x") == "b"
    taken: list[str] = []
    for _ in range(30):
        taken.append(free_name(taken))
    assert len(set(taken)) == 30


# ---- the examples


EXAMPLES = {name: one for name, one in load().items() if one.page == "tensors"}
REFUSED = {"tensors_in_place", "tensors_integers"}


def test_there_are_examples_and_the_page_opens_on_one() -> None:
    assert len(EXAMPLES) >= 8
    assert FIRST in EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_its_own_history_and_its_link_is_short(name: str) -> None:
    state = EXAMPLES[name].state
    assert history(str(state["program"])).whole == state["program"]
    table = tensors_table()
    assert table.encode(table.defaults(name)) == ({} if name == FIRST else {"scenario": name})
    assert table.decode({"scenario": name})[0]["program"] == state["program"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_as_plain_python_does(name: str) -> None:
    program = str(EXAMPLES[name].state["program"])
    trace = record(program)
    assert trace.outcome is not None
    if name in REFUSED:
        with pytest.raises(RuntimeError) as caught:
            plainly(program)
        assert (trace.outcome.kind, trace.outcome.message) == ("failed", str(caught.value))
        return
    assert trace.outcome.kind == "finished"
    assert [key for key, _ in trace.steps[-1].variables] == list(plainly(program))
