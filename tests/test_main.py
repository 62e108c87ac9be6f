"""The command line, to the letter of its contract."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import engine
from engine.__main__ import run_files
from engine.executors.inline import InlineExecutor
from tests.recording import PATIENT

EXECUTOR = InlineExecutor(PATIENT)


def run(
    tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str], *, seed: int = 0
) -> tuple[int, dict[str, Any]]:
    """(exit status, the object printed) for one program."""
    path = tmp_path / "program.py"
    path.write_text(source, encoding="utf-8")
    status = run_files([str(path)], EXECUTOR, seed=seed, as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    shown: dict[str, Any] = json.loads(line, parse_constant=pytest.fail)
    assert shown["file"] == str(path)
    return status, shown


def test_the_whole_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, shown = run(
        tmp_path,
        "import torch\nw = torch.tensor([2.0], requires_grad=True)\ny = w * w\ny.backward()\nprint('done')\n",
        capsys,
    )
    leaf = {
        "kind": "tensor", "shape": [1], "dtype": "float32", "device": "cpu", "requires_grad": True, "is_leaf": True,
        "grad_fn": None, "values": [2.0], "truncated": False,
    }  # fmt: skip
    plain = leaf | {"requires_grad": False, "grad": None}
    assert status == 0
    assert shown.pop("file")
    assert shown == {
        "outcome": {"kind": "finished", "code": "", "type": None, "message": "", "line": None},
        "printed": "done\n",
        "variables": {
            "w": leaf | {"grad": plain | {"values": [4.0]}},
            "y": leaf | {"is_leaf": False, "grad_fn": "MulBackward0", "values": [4.0], "grad": None},
        },
        "graph": {
            "nodes": [
                {"id": 0, "name": "AccumulateGrad", "span": None},
                {"id": 1, "name": "MulBackward0", "span": [3, 4, 3, 9]},
            ],
            "edges": [[1, 0, 0, 0], [1, 1, 0, 0]],
            "truncated": False,
        },
        "backward": [
            {
                "line": 4,
                "events": [
                    {
                        "node": 1,
                        "grad_outputs": [plain | {"values": [1.0]}],
                        "grad_inputs": [plain | {"values": [2.0]}, plain | {"values": [2.0]}],
                    },
                    {"node": 0, "grad_outputs": [plain | {"values": [4.0]}], "grad_inputs": []},
                ],
            }
        ],
        "steps": 5,
    }


def test_variables_of_every_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, shown = run(
        tmp_path,
        "import torch, numpy as np\nfrom torch import nn\nn = 3\nb = True\nf = float('nan')\nz = 1 - 2j\n"
        "a = np.array([1.0, 2.0])\nm = nn.Linear(1, 1, bias=False)\nxs = [1, 2]\nc = torch.tensor([1 + 2j])\n"
        "i = torch.tensor([float('inf'), -float('inf')])\nt = torch.tensor([True])\nbig = 2 ** 70\n"
        "def g(): pass\nclass C: pass\nloss = nn.functional.mse_loss\n",
        capsys,
    )
    found = shown["variables"]
    assert list(found) == ["n", "b", "f", "z", "a", "m", "xs", "c", "i", "t", "big"]
    assert found["n"] == {"kind": "number", "value": 3}
    assert found["b"] == {"kind": "number", "value": True}
    assert found["f"] == {"kind": "number", "value": "nan"}
    assert found["z"] == {"kind": "number", "value": [1.0, -2.0]}
    assert found["a"] == {"kind": "array", "shape": [2], "dtype": "float64", "values": [1.0, 2.0], "truncated": False}
    assert (found["m"]["kind"], found["m"]["training"], found["m"]["buffers"]) == ("module", True, {})
    assert found["m"]["repr"] == "Linear(in_features=1, out_features=1, bias=False)"
    assert found["m"]["parameters"]["weight"]["kind"] == "tensor"
    assert found["xs"] == {"kind": "other", "repr": "[1, 2]"}
    assert found["c"]["values"] == [[1.0, 2.0]]
    assert found["i"]["values"] == ["inf", "-inf"]
    assert found["t"]["values"] == [True]
    assert found["big"] == {"kind": "number", "value": 2**70}


@pytest.mark.parametrize(
    ("source", "status", "kind", "line"),
    [
        ("x = 1", 0, "finished", None),
        ("x = 1\n1 / 0", 1, "failed", 2),
        ("import subprocess", 2, "refused", 1),
        ("x = ", 2, "refused", 1),
        ("for i in range(10 ** 9):\n    x = [0] * 10 ** 9", 2, "stopped", 2),
    ],
)
def test_outcomes_and_status(
    source: str, status: int, kind: str, line: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, shown = run(tmp_path, source, capsys)
    assert (found, shown["outcome"]["kind"], shown["outcome"]["line"]) == (status, kind, line)
    if kind in ("refused", "stopped"):
        assert " " in shown["outcome"]["message"]
        assert "{" not in shown["outcome"]["message"]
    if kind == "failed":
        assert (shown["outcome"]["type"], shown["outcome"]["message"]) == ("ZeroDivisionError", "division by zero")


def test_the_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    _, shown = run(tmp_path, "import torch\nx = torch.rand(3)", capsys, seed=7)
    torch.manual_seed(7)
    assert shown["variables"]["x"]["values"] == torch.rand(3).tolist()


def test_a_file_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, latin = tmp_path / "good.py", tmp_path / "latin.py"
    good.write_text("x = 1")
    latin.write_bytes(b"x = '\xe9'")
    files = [str(good), str(tmp_path / "missing.py"), str(latin)]
    assert run_files(files, EXECUTOR, seed=0, as_json=True) == 2
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["file"] for row in shown] == files
    assert [row["outcome"]["kind"] for row in shown] == ["finished", "refused", "refused"]
    assert "No such file" in shown[1]["outcome"]["message"]
    assert "UTF-8" in shown[2]["outcome"]["message"]


def test_text_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        "import torch\nw = torch.tensor([2.0], requires_grad=True)\nprint('hi')\n(w * w).backward()\nint('x')"
    )
    assert run_files([str(path)], EXECUTOR, seed=0, as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "hi"
    assert any(line.startswith("w ") and line.endswith("[4]") for line in lines)
    assert lines[-1].startswith(f"{path}:5: failed: ValueError: invalid literal")


def test_the_error_stream_goes_to_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.py"
    file.write_text("import sys, warnings\nprint('out')\nprint('aside', file=sys.stderr)\nwarnings.warn('careful')")
    run_files([str(file)], InlineExecutor(), seed=0, as_json=False)
    written = capsys.readouterr()
    assert written.out.splitlines()[0] == "out"
    assert written.err.splitlines() == ["aside", "UserWarning: careful"]


def test_in_the_sandbox_without_torch_in_this_process(tmp_path: Path) -> None:
    """Several files at once, one on standard input, in order; the exit status is the worst."""
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("import torch\nx = torch.ones(1)")
    two.write_text("1 / 0")
    code = (
        "import sys; from engine.__main__ import main; status = main(sys.argv[1:]); "
        "assert 'torch' not in sys.modules; sys.exit(status)"
    )
    command = [sys.executable, "-c", code, "run", str(one), "-", str(two), "--json"]
    done = subprocess.run(
        command,
        input="y = 5",
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parent.parent,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["outcome"]["kind"] for row in shown] == ["finished", "finished", "failed"]
    assert shown[1]["variables"] == {"y": {"kind": "number", "value": 5}}


def test_from_python() -> None:
    trace = engine.run("import torch\nx = torch.ones(1)")
    assert trace.outcome is not None
    assert trace.outcome.kind == "finished"
    assert trace.torch


def test_variables_are_those_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = (
        "import torch\nx = 1\ntry:\n    raise ValueError\nexcept ValueError as error:\n    x = 2\n"
        "class Point:\n    def __init__(self, x):\n        self.x = x\n"
        "    def __repr__(self):\n        print('unheard')\n        self.x += 1\n        return f'Point({self.x})'\n"
        "class Endless:\n    def __repr__(self):\n        while True:\n            pass\n"
        "point, endless, many = Point(1), Endless(), [torch.zeros(40, 40)] * 30\n"
    )
    status, shown = run(tmp_path, source, capsys)
    assert (status, shown["printed"]) == (0, "")
    assert list(shown["variables"]) == ["x", "point", "endless", "many"]
    assert shown["variables"]["point"] == {"kind": "other", "repr": "Point(2)"}
    assert "Endless object" in shown["variables"]["endless"]["repr"]
    assert shown["variables"]["many"]["repr"] == repr([torch.zeros(40, 40)] * 30)


def test_what_is_printed_keeps_its_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = "def late():\n    print('second')\n(lambda: print('first'))() or late() or print('third')\n"
    assert run(tmp_path, source, capsys)[1]["printed"] == "first\nsecond\nthird\n"
