"""The Expressions page without a browser: what a component asks for becomes settings only where it may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.executors import local
from engine.executors.base import Job
from engine.executors.inline import InlineExecutor
from engine.expression_state import expressions_table
from engine.messages import LANGUAGES
from engine.scenarios import load
from engine.trace import Frame
from pages.components.expression import NAMES_LIMIT, asked, spoiled

ROUTER = Path(__file__).resolve().parents[2] / "pages" / "components" / "router.py"
TABLE = expressions_table()


class Double:
    """The product's executor, in this process."""

    def run(self, job: Job, *, visitor: str = "") -> Iterator[Frame]:
        """Every frame."""
        assert visitor
        return InlineExecutor().run(job)


@pytest.fixture(autouse=True)
def executor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page runs its programs here."""
    monkeypatch.setattr(local, "shared", Double)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["sine_of_product", "layer_jacobian", "where_log_ends"])
def test_an_example_opens_in_both_languages(name: str, language: str) -> None:
    app = AppTest.from_file(str(ROUTER), default_timeout=60)
    app.query_params.update({"scenario": name, "lang": language})
    app.run()
    assert not app.exception
    said = " ".join(one.value for one in app.caption)
    assert load()[name].notice[LANGUAGES.index(language)] in said


def test_the_chain_rule_stands_under_the_expression() -> None:
    app = AppTest.from_file(str(ROUTER), default_timeout=60)
    app.query_params.update({"scenario": "sine_of_product", "chain": "true"})
    app.run()
    said = " ".join(one.value for one in app.markdown)
    assert r"\cos\left(3\right) = -0.99" in said
    assert "✓ autograd says 1.02" in said


def test_what_is_no_setting_is_left_out() -> None:
    now = TABLE.defaults()
    given = {
        "settings": {"expression": "x", "view": "sideways", "lr": 1, "steps": 10**9, "scenario": "saddle", "at": "q"}
    }
    assert asked(given, TABLE, now) == {"expression": "x", "lr": 1.0}
    assert asked({"settings": 3, "texts": 4}, TABLE, now) == {}


def test_typed_numbers_that_are_none_change_nothing() -> None:
    now = TABLE.defaults() | {"at": "x=1.0; y=2.0"}
    given = {"texts": {"x": "3", "y": "[1, ", "not a name": "1"}}
    assert asked(given, TABLE, now)["at"] == "x=3.0; y=2.0"
    wrong = spoiled(given["texts"], "en")
    assert wrong is not None
    assert (wrong.variable, wrong.text.startswith("[1, ")) == ("y", True)
    assert spoiled({"x": "1"}, "en") is None


def test_a_hostile_browser_cannot_fill_the_session() -> None:
    given = {"texts": {f"x{n}": "1" for n in range(1000)}}
    at = asked(given, TABLE, TABLE.defaults())["at"]
    assert str(at).count("=") == NAMES_LIMIT
