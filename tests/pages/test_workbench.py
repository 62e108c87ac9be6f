"""What the Tensors page makes of a run before a browser sees it, and the page around the bench.

The executor is a double where the page runs; what a visitor does on the bench is for the browser tests.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.messages import render
from engine.scenarios import load
from engine.trace import Trace
from engine.workbench import ACTIONS, history, tensors_table
from pages.components import workbench
from tests.recording import record

ROUTER = Path(__file__).resolve().parents[2] / "pages" / "components" / "router.py"
SECOND = """import torch
w = torch.tensor([2.], requires_grad=True)
y = (w * w).sum()
y.backward()
y.backward()
z = 1
"""


def rows(program: str) -> tuple[Trace, list[str]]:
    """The trace of a program and how its statements stand."""
    trace, now = record(program), history(program)
    return trace, [row["state"] for row in workbench._lines(now, workbench.failed_at(trace, now))]


def test_what_failed_and_what_was_not_reached() -> None:
    trace, states = rows(SECOND)
    assert states == ["done", "done", "done", "done", "failed", "unreached"]
    assert workbench.failed_at(trace, history(SECOND)) == 4
    assert workbench.failed_at(None, history(SECOND)) is None
    assert rows("import torch\nx = torch.ones(2)\n")[1] == ["done", "done"]
    assert rows("import torch\ny = (")[1] == ["failed"]
    undone = history(SECOND, 2)
    assert [row["state"] for row in workbench._lines(undone, None)] == ["done"] * 2 + ["undone"] * 4


def test_a_function_that_a_dtype_lacks_has_its_way_out() -> None:
    trace, _ = rows("import torch\nx = torch.rand(2, dtype=torch.int64)\n")
    told = workbench._failure(trace, "en")
    assert told is not None
    assert "not implemented for 'Long'" in told["message"]
    assert told["why"] == render("tensors.kernel", {}, "en")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pytorchs_words_stay_and_ours_stand_beside(language: str) -> None:
    trace, _ = rows(SECOND)
    told = workbench._failure(trace, language)  # type: ignore[arg-type]
    assert told is not None
    assert told["message"].startswith("Trying to backward through the graph a second time")
    assert "RuntimeError" in told["heading"]
    assert told["why"]
    assert told["fix"]
    mended = workbench.fix(trace)
    assert mended is not None
    assert "retain_graph=True" in mended
    assert record(mended).outcome.kind == "finished"  # type: ignore[union-attr]


def test_a_device_that_is_not_here_is_explained() -> None:
    trace, _ = rows('import torch\nx = torch.ones(2).to("mps")\n')
    told = workbench._failure(trace, "en")
    assert told is not None
    assert told["why"] == render("tensors.device")
    trace, _ = rows('import torch\nx = torch.ones(2).to("cuda")\n')
    told = workbench._failure(trace, "en")
    assert told is not None
    assert "asks for a GPU" in told["why"]
    assert told["fix"]
    refused = workbench._failure(record("import socket"), "en")
    assert refused is not None
    assert "outside what runs here" in refused["heading"]
    assert workbench._failure(record("import torch"), "en") is None


def test_every_group_of_actions_has_a_name_and_every_hole_a_complaint() -> None:
    for row in ACTIONS.values():
        assert render(f"tensors.group.{row.group}")
    assert {row["name"] for row in workbench._fixed("en")["actions"]} == set(ACTIONS)


def page(query: dict[str, str]) -> AppTest:
    """The Tensors page of an address."""
    app = AppTest.from_file(str(ROUTER), default_timeout=60)
    app.query_params.update(query)
    app.switch_page("../tensors.py")
    return app.run()


def test_a_broken_link_is_said_and_the_page_opens_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.components.run.landed", lambda job, _prefix: Landed(job))
    app = page({"done": "many", "c": "rubbish!"})
    assert not app.exception
    assert len(app.warning) == 2
    assert app.get("bidi_component")


def test_an_embedded_bench_has_no_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.components.run.landed", lambda job, _prefix: Landed(job))
    assert not page({"read_only": "true"}).selectbox
    app = page({"scenario": "tensors_views"})
    assert not app.exception
    assert len(app.selectbox) == 1
    assert render(load()["tensors_views"].notice_id) in app.caption[0].value
    assert tensors_table().defaults("tensors_views")["panel"] == "storage"


class Landed:
    """What `run.landed` gives, made in this process."""

    def __init__(self, job: object) -> None:
        self.job = job
        self.trace = record(job.source)  # type: ignore[attr-defined]
