"""The gallery: a card for every scenario whose page there is, in the language of the visitor."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.messages import LANGUAGES, Language, render
from engine.scenarios import load

ROOT = Path(__file__).resolve().parents[2]
ROUTER = ROOT / "pages" / "components" / "router.py"
SHOWN = {name: one for name, one in load().items() if (ROOT / "pages" / f"{one.page}.py").exists()}


def home(language: Language, **query: str) -> AppTest:
    """The front page as it is drawn for that language."""
    app = AppTest.from_file(str(ROUTER), default_timeout=30)
    app.query_params["lang"] = language
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_scenario_has_a_card(language: Language) -> None:
    app = home(language)
    assert not app.exception
    links = [link.proto for link in app.get("page_link")]
    cards = [link for link in links if "scenario=" in link.query_string]
    assert [link.label for link in cards] == [render(one.title_id, {}, language) for one in SHOWN.values()]
    assert [link.query_string for link in cards] == [f"scenario={name}" for name in SHOWN]
    assert [link.page for link in cards] == [one.page for one in SHOWN.values()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_what_this_is_and_what_to_notice(language: Language) -> None:
    app = home(language)
    assert app.title[0].value == render("home.title", {}, language)
    words = "".join(block.proto.body for block in app.get("html"))
    assert render("home.what", {}, language) in words
    for one in SHOWN.values():
        assert render(one.notice_id, {}, language) in words


def test_the_picture_in_motion_has_words_for_those_who_cannot_see_it() -> None:
    words = "".join(block.proto.body for block in home("en").get("html"))
    assert 'alt="Animation of one program' in words
    assert "3, 2, 6, -1, 5, 25" in words
    assert "30, 10, 10, 10, 1" in words


def test_a_scenario_that_nobody_knows_is_said() -> None:
    app = home("en", scenario="no_such_thing")
    assert not app.exception
    assert "no_such_thing" in app.warning[0].value
