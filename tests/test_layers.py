"""The three rules that make the plan of the house true.

1. Only worker-side modules import torch; the app process never does.
2. Only streamlit_app.py and pages/ import Streamlit.
3. Only data decoded by type crosses; nothing from a child is unpickled.

Each is read in the source and, where running says more, tried in a fresh process.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

WORKER_SIDE = (
    # The vocabulary.
    *("engine.allowed", "engine.allowed.*", "engine.allowlist", "engine.folder", "engine.guards", "engine.operations"),
    *("engine.custom_operation", "engine.own_operations", "engine.operation_checks"),
    *("engine.overrides", "engine.scripted", "engine.tracing"),
    *("engine.standins", "engine.standins.*"),
    # The recorder.
    *("engine.recorder", "engine.backward", "engine.callbacks", "engine.cuts", "engine.dispatch", "engine.graph"),
    *("engine.hearing", "engine.inside", "engine.known", "engine.node_hooks", "engine.purity", "engine.repeats"),
    *("engine.ledger", "engine.modules", "engine.moment", "engine.previews", "engine.questions", "engine.saved"),
    *("engine.contributions", "engine.forward", "engine.truth"),
    *("engine.snapshots", "engine.text", "engine.variables"),
    # The trainer.
    *("engine.regression", "engine.devices", "engine.epochs", "engine.losses", "engine.optimizers"),
    # What runs a job.
    *("engine.executors.worker", "engine.executors.inline", "engine.executors.training_worker"),
    *("engine.executors.reading_worker", "engine.examination"),
    "engine.executors.warming",
)
"""Where torch may live. Everything else is also loaded by the app."""

UNPICKLERS = frozenset({"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"})


def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name, tests left out."""
    paths = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "streamlit_app.py"]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """(top-level name, line) of every import statement in a file, those inside functions and of types included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0], node.lineno


def is_worker_side(name: str) -> bool:
    """Whether a module may import torch."""
    return any(fnmatch(name, pattern) for pattern in WORKER_SIDE)


def importers(tops: frozenset[str]) -> set[str]:
    """The modules with a statement that imports one of these top-level names."""
    return {name for name, path in modules().items() if any(top in tops for top, _ in imported(path))}


def loaded(statements: str) -> set[str]:
    """The top-level modules that a fresh process holds after running these statements."""
    report = "import sys; print('loaded', *{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{statements}\n{report}"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded ")[2].split())


def test_only_worker_side_modules_name_torch() -> None:
    """Not even inside a function: a lazy import in the app is 1.5 seconds of a blank page for somebody."""
    assert {name for name in importers(frozenset({"torch"})) if not is_worker_side(name)} == set()


def test_only_pages_name_streamlit() -> None:
    """The engine can be used from a script, a notebook, the command line."""
    offenders = {name for name in importers(frozenset({"streamlit"})) if name.startswith("engine")}
    assert offenders == set()


def test_nothing_in_the_app_can_unpickle() -> None:
    """What a child sends is decoded by type, or not at all."""
    assert {name for name in importers(UNPICKLERS) if not is_worker_side(name)} == set()


def test_the_engine_loads_neither_torch_nor_streamlit() -> None:
    """In a fresh process that has imported every app-side module of the engine."""
    names = [name for name in modules() if name.startswith("engine") and not is_worker_side(name)]
    names = [name for name in names if not name.endswith("__main__")]
    assert len(names) > 20
    held = loaded(f"import importlib\nfor name in {names!r}: importlib.import_module(name)")
    assert held & {"torch", "streamlit"} == set()


def test_the_front_door_loads_no_torch() -> None:
    """Nor pandas and pyarrow, which weigh 80 MB and which the Program page has no use for."""
    components = [name for name in modules() if name.startswith("pages.components.") and not name.endswith("router")]
    held = loaded(f"import importlib, streamlit_app\nfor name in {components!r}: importlib.import_module(name)")
    assert "streamlit" in held
    assert held & {"torch", "pandas", "pyarrow"} == set()


@pytest.mark.parametrize("module", ["engine.interpreter", "engine.trace", "engine.program"])
def test_the_heart_needs_no_torch(module: str) -> None:
    """The machine does not know what its values are; the records are read on both sides."""
    assert "torch" not in loaded(f"import {module}")
