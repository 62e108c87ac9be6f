"""The Program page without a browser: what it says about each way a run can end, and about each way it cannot begin.

The executor is a double; that the real one is reached is for the browser tests to show.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.errors import Busy, EngineError
from engine.executors import local
from engine.executors.base import Job
from engine.messages import LANGUAGES, Language, catalogue, render
from engine.scenarios import load
from engine.trace import TABLES, Figure, File, Frame, Notice, Outcome, Trace
from tests import traces

ROUTER = Path(__file__).resolve().parents[2] / "pages" / "components" / "router.py"


class Flying:
    """A seat in a run that is over at once."""

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = frames

    def wait(self, _seconds: float) -> bool:
        """There is always news."""
        return True

    def frames(self) -> Iterator[Frame]:
        """Everything."""
        return iter(self._frames)


class Double:
    """An executor that gives one trace with one outcome to everybody, or refuses everybody."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.visitors: set[str] = set()
        self.error: EngineError | None = None
        self.trace = traces.accumulate()
        self.outcome: Outcome | None = Outcome("finished")
        self.more = Frame()

    def start(self, job: Job, *, visitor: str) -> Flying:
        """What the product's executor offers to pages."""
        self.jobs.append(job)
        self.visitors.add(visitor)
        if self.error is not None:
            raise self.error
        tables = {name: getattr(self.trace, name) for name in TABLES}
        return Flying([Frame(ticks=self.trace.ticks, **tables), self.more, Frame(outcome=self.outcome)])


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> Double:
    """The page runs its programs here."""
    double = Double()
    monkeypatch.setattr(local, "shared", lambda: double)
    return double


def page(**query: str) -> AppTest:
    """The page as it is drawn for that link."""
    app = AppTest.from_file(str(ROUTER), default_timeout=30)
    app.query_params["scenario"] = query.pop("scenario", "chain_rule")  # the front page hands it on
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    """All words on the page."""
    kinds = (app.text, app.markdown, app.caption, app.warning, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def press(app: AppTest, code: str, language: Language = "en") -> AppTest:
    """Click the button of that label."""
    label = render(code, language=language)
    next(button for button in app.button if button.label == label).click()
    return app.run()


def test_it_opens_on_an_example_that_has_run(executor: Double) -> None:
    """No page is ever empty."""
    app = page()
    example = load()["chain_rule"]
    assert executor.jobs == [Job(source=example.program)]
    assert app.text_area[0].value == example.program
    assert example.notice[0] in said(app)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["failed", "refused", "stopped", "lost"])
def test_every_end_is_said_in_words(executor: Double, kind: str, language: Language) -> None:
    """What happened, at which line with its characters marked, and why; PyTorch's message verbatim, markup and all."""
    message = "bad *args* :red[x] __name__"
    codes = {"failed": "", "refused": "limit.time", "stopped": "limit.time", "lost": "lost.protocol"}
    params: dict[str, str | int | float] = {"seconds": 4}
    executor.outcome = Outcome(
        kind,  # type: ignore[arg-type]
        code=codes[kind],
        params=params if codes[kind] == "limit.time" else {},
        type="RuntimeError" if kind == "failed" else None,
        message=message if kind == "failed" else "",
        span=None if kind == "lost" else (7, 4, 7, 9),
    )
    app = page(lang=language)
    words = said(app)
    heading = "page.outcome.lost" if kind == "lost" else f"page.outcome.{kind}"
    assert render(heading, {"line": 7, "type": "`RuntimeError`"}, language) in words
    if kind == "failed":
        assert message in [element.value for element in app.text]
    else:
        assert render(codes[kind], params, language) in words
    if kind != "lost":
        line = load()["chain_rule"].program.splitlines()[6]
        assert f"7  {line}\n       ^^^^^" in words


def test_a_run_that_says_nothing_is_lost(executor: Double) -> None:
    """A prefix of a run is shown as what it is."""
    executor.outcome = None
    assert render("page.outcome.unfinished") in said(page())


def test_a_full_queue_is_said_and_run_tries_again(executor: Double) -> None:
    """The text is kept, and the next press asks anew."""
    executor.error = Busy("executor.busy", waiting=200)
    app = page()
    assert render("executor.busy", {"waiting": 200}) in said(app)
    executor.error = None
    press(app, "page.program.run")
    assert render("executor.busy", {"waiting": 200}) not in said(app)
    assert len(executor.jobs) == 2
    assert len(executor.visitors) == 1


def test_a_trace_that_contradicts_itself_is_our_fault(executor: Double) -> None:
    """It is not drawn."""
    step = executor.trace.steps[0]
    executor.more = Frame(steps=[step])
    assert render("page.run.fault") in said(page())


def test_run_takes_what_is_in_the_editor_and_the_seed(executor: Double) -> None:
    """And the link says both."""
    app = page()
    app.text_area[0].set_value("import torch\n# mine")
    app.number_input[0].set_value(7)
    press(app, "page.program.run")
    assert executor.jobs[-1] == Job(source="import torch\n# mine", seed=7)
    assert "seed" in app.query_params
    assert {"c", "code"} & set(app.query_params)


def test_a_rerun_runs_nothing_again(executor: Double) -> None:
    """The result is kept in the session; another language says the same run in other words."""
    app = page()
    app.run()
    app.segmented_control[0].set_value("zh").run()
    assert render("page.program.run", language="zh") in [button.label for button in app.button]
    assert len(executor.jobs) == 1


def test_an_example_replaces_a_program_that_can_come_back(executor: Double) -> None:
    """Nothing typed is ever lost."""
    app = page()
    app.text_area[0].set_value("w = 1  # mine")
    app.selectbox[0].set_value("second_derivative").run()
    assert app.text_area[0].value == load()["second_derivative"].program
    assert executor.jobs[-1].source == load()["second_derivative"].program
    press(app, "page.program.back")
    assert app.text_area[0].value == "w = 1  # mine"
    assert executor.jobs[-1].source == "w = 1  # mine"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"c": "eNrLzC3IL"}, "link.program"),
        ({"c": "eNrLzC3ILypRKMkv"}, "link.program.cut"),
        ({"c": "%%%"}, "link.program.broken"),
        ({"seed": "-3"}, "link.range"),
        ({"step": "soon"}, "link.integer"),
        ({"colour": "blue"}, "link.unknown"),
    ],
)
def test_what_is_wrong_with_a_link_is_said(executor: Double, query: dict[str, str], code: str) -> None:
    """And the example runs all the same."""
    app = page(**query)
    begins = [row[0].partition("{")[0] for name, row in catalogue().items() if name.startswith(code)]
    assert len(app.warning) == 1
    assert app.warning[0].value.startswith(tuple(begins))
    assert executor.jobs == [Job(source=load()["chain_rule"].program)]


def test_read_only_hides_the_controls(executor: Double) -> None:
    """For a page embedded in another."""
    app = page(read_only="true")
    assert [*app.text_area, *app.selectbox, *app.number_input] == []
    assert len(executor.jobs) == 1


def test_figures_files_and_notes_of_the_program(executor: Double) -> None:
    """What it drew, saved, and what must be told about the run."""
    executor.more = Frame(
        figures=[Figure(0, 3, "Loss", "epoch", "loss", [("line", "train", [0.0, 1.0], [2.0, 1.0])])],
        files=[File("model.pkl", b"weights")],
        notices=[Notice("limit.time", {"seconds": 4}, span=(3, 0, 3, 1))],
    )
    app = page()
    spec = app.get("plotly_chart")[0].proto.spec
    assert '"Loss"' in spec
    assert '"mode":"lines"' in spec.replace(" ", "")
    assert "model.pkl" in [button.proto.label for button in app.get("download_button")]
    assert render("page.line", {"line": 3, "text": render("limit.time", {"seconds": 4})}) in said(app)


def test_the_double_offers_what_the_executor_offers() -> None:
    """Otherwise these tests would prove nothing."""
    assert callable(local.LocalExecutor.start)
    assert {"wait", "frames", "place"} <= set(dir(local.Flight))
    assert isinstance(traces.accumulate(), Trace)
