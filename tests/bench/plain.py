"""Plain Python, measured in a process where torch is warm: `python -m tests.bench.plain loop|fork FILE TIMES`.

loop  runs the program again and again; prints the median of its seconds, its output thrown away
fork  does the same in a fresh fork each time, that writes its output to a pipe, as the least a sandbox could do
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch

from tests.bench.timing import median


def run(code: object) -> str:
    """What the program prints, from the same seeds as a run of ours."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {"__name__": "__main__"})  # type: ignore[arg-type]
    return printed.getvalue()


def forked(code: object) -> bytes:
    """The same in a child that ends there."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, run(code).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        printed = pipe.read()
    os.waitpid(child, 0)
    return printed


def main(way: str, file: str, times: str) -> None:
    """Print the median of the seconds one run takes."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    code = compile(Path(file).read_text("utf-8"), file, "exec")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        run(code)  # torch warms up
        print(median(lambda: run(code) if way == "loop" else forked(code), int(times)))


if __name__ == "__main__":
    main(*sys.argv[1:])
