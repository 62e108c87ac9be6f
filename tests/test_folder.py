"""The run's folder: what PyTorch saves there it loads from there, and nothing else is unpickled in full."""

from __future__ import annotations

import io
import pickle

import pytest
import torch

from engine.errors import LimitReached, Refused
from engine.folder import Folder
from tests.vocabulary_cases import run


def test_round_trip_of_a_state_dict() -> None:
    """Real PyTorch reads the kept bytes."""
    folder = Folder()
    folder.save({"w": torch.ones(2)}, "model.pkl")
    assert torch.equal(folder.load("model.pkl")["w"], torch.ones(2))
    [(name, content)] = folder.files()
    assert name == "model.pkl"
    assert torch.equal(torch.load(io.BytesIO(content))["w"], torch.ones(2))


def test_whole_modules_of_the_programs_own_class() -> None:
    """weights_only=False gives an object of the class; the default raises PyTorch's own error."""
    program = (
        "import torch, torch.nn as nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Linear(1, 1)\n"
        "    def forward(self, x): return self.layer(x)\n"
        "net = Net()\n"
        "torch.save(net, 'net.pt')\n"
    )
    variables, _ = run(
        program
        + "back = torch.load('net.pt', weights_only=False)\nsame = torch.equal(back.layer.weight, net.layer.weight)"
    )
    assert variables["same"]
    assert type(variables["back"]) is type(variables["net"])
    with pytest.raises(pickle.UnpicklingError, match=r"Unsupported global: GLOBAL __main__\.Net"):
        run(program + "torch.load('net.pt')")


def test_foreign_bytes_are_never_unpickled_in_full() -> None:
    """A pickle that the program wrote by hand stays bytes."""
    folder = Folder()
    with folder.open("bad.pt", "wb") as file:
        file.write(pickle.dumps(print))
    with pytest.raises(Refused):
        folder.load("bad.pt", weights_only=False)
    with pytest.raises(pickle.UnpicklingError):
        folder.load("bad.pt")


def test_open_reads_writes_and_misses() -> None:
    """As files do, with CPython's own errors."""
    folder = Folder()
    with folder.open("a.txt", "w") as file:
        file.write("one\n")
    with folder.open("a.txt", "a") as file:
        file.write("two\n")
    assert folder.open("a.txt").read() == "one\ntwo\n"
    with pytest.raises(FileNotFoundError, match=r"\[Errno 2\] No such file or directory: 'b.txt'"):
        folder.open("b.txt")
    with pytest.raises(FileNotFoundError):
        folder.load("b.txt")
    with pytest.raises(ValueError, match="invalid mode"):
        folder.open("a.txt", "q")
    folder.remove("a.txt")
    assert folder.files() == []


def test_limits_of_number_and_size() -> None:
    """Both are said."""
    folder = Folder()
    with pytest.raises(LimitReached):
        folder.keep("big", b"0" * (folder.limits.file_size + 1))
    for number in range(folder.limits.files):
        folder.keep(str(number), b"")
    with pytest.raises(LimitReached):
        folder.keep("one more", b"")


def test_bytes_io_and_open_in_a_program() -> None:
    """The ways lessons save."""
    _, printed = run(
        "import torch, io, os\n"
        "buffer = io.BytesIO()\n"
        "torch.save(torch.ones(1), buffer)\n"
        "buffer.seek(0)\n"
        "print(torch.load(buffer))\n"
        "with open('f.pt', 'wb') as f: torch.save({'a': 1}, f)\n"
        "print(torch.load('f.pt'), os.path.exists('f.pt'), os.path.exists('g.pt'))\n"
    )
    assert printed == "tensor([1.])\n{'a': 1} True False\n"
