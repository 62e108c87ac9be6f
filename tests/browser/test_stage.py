"""A real Chromium plays the stage: every pane shows the same moment, by pointer, keys and link, in both themes."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitors, serving

APP = (sys.executable, "-m", "uvicorn", "tests.browser.stage_app:app", "--host", "127.0.0.1", "--port", "{port}")
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the test page is served."""
    with serving(*APP, log=tmp_path_factory.mktemp("stage") / "log") as (url, _):
        yield url


@pytest.fixture(scope="module")
def stay(visitors: Visitors, address: str) -> Iterator[Page]:
    """One page for the tests of this file: what it shows is asked for in its field, as a link would."""
    with visitors.coming() as page:
        yield opened(page(), address)


@pytest.fixture
def page(stay: Page, visitors: Visitors) -> Iterator[Page]:
    """That page, on which any error of ours fails the test."""
    stay.mouse.move(5, 5)
    yield stay
    assert visitors.faults() == []


def shown(page: Page, query: str = "") -> Page:
    """A new stage on that page."""
    before = page.locator(".stage").element_handle()
    page.get_by_label("query").fill(f"{query}&number={next(NUMBERS)}")
    page.keyboard.press("Enter")
    page.wait_for_function("before => !before.isConnected", arg=before)
    page.locator(".stage .card").first.wait_for()
    expect(page.locator(".stage")).to_have_count(1)
    return page


def opened(page: Page, address: str, query: str = "") -> Page:
    """The page of that link."""
    page.goto(f"{address}?{query}")
    page.locator(".stage .card").first.wait_for()
    return page


def card(page: Page, title: str) -> str:
    """All words on the card of that title."""
    found = page.locator(".card", has=page.locator(".title", has_text=re.compile(f"^{re.escape(title)}$")))
    return " | ".join(found.first.locator("text:not(.distant)").all_text_contents())


def moment(page: Page) -> str:
    return page.locator("output.moment").inner_text()


def test_all_panes_show_one_moment_and_keys_move_it(page: Page) -> None:
    shown(page, "step=5")
    assert "line 5" in moment(page)
    assert page.locator(".line[aria-current]").get_attribute("data-line") == "5"
    assert "not yet" in card(page, "b")
    page.locator("input.statements").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".line[aria-current]")).to_have_attribute("data-line", "6")
    assert "grad 1" in card(page, "b")
    row = page.locator("tbody tr", has=page.locator("th", has_text=re.compile("^b$")))
    assert row.locator("td.grad").inner_text() == "1"
    page.keyboard.press("End")
    expect(page.locator(".line[aria-current]")).to_have_attribute("data-line", "12")
    page.keyboard.press("Home")
    expect(page.locator(".line[aria-current]")).to_have_attribute("data-line", "1")
    assert "not yet computed" in card(page, "z")


def test_a_backward_opens_into_its_events_and_edges_carry_what_flowed(page: Page) -> None:
    shown(page, "step=6&part=0")
    assert "backward 1 of 4 · AddBackward0" in page.locator(".within .part").inner_text()
    assert page.locator(".card.firing .title").text_content() == "z"
    assert page.locator(".label.flowing .vjp").all_text_contents() == ["1", "1"]
    assert "not yet" in card(page, "b")
    page.locator("input.statements").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.locator(".card.firing .title")).to_have_text("w")
    assert "grad 3" in card(page, "w")
    assert sorted(page.locator(".label.shown:not(.cut) .vjp").all_text_contents()) == ["1", "1", "3"]


def test_the_ledger_tells_each_deposit(page: Page) -> None:
    shown(page, "step=9")
    account = page.locator(".account", has=page.get_by_text("b.grad", exact=True))
    assert account.locator("b").all_inner_texts() == ["1", "2", "3", "4"]
    page.locator(".line[data-line='7'] .number").click()
    expect(account.locator("b")).to_have_text(["1", "2"])


def test_pointing_at_a_card_lights_its_characters_and_selecting_characters_its_card(page: Page) -> None:
    shown(page)
    page.locator(".card[data-slot='3']").hover()
    expect(page.locator(".code .lit")).to_have_text("w * x")
    page.mouse.move(5, 5)
    box = page.locator(".line[data-line='5'] code").bounding_box()
    assert box is not None
    width = box["width"] / len("z = w * x + b")
    page.mouse.move(box["x"] + 4.2 * width, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 8.8 * width, box["y"] + 8, steps=4)
    page.mouse.up()
    expect(page.locator(".card.selected")).to_have_attribute("data-slot", "3")
    assert "MulBackward0" in page.locator("[role=tabpanel]:visible").inner_text()


def test_cuts_say_why_and_where(page: Page) -> None:
    shown(page)
    assert page.locator(".label.cut .vjp").all_text_contents() == ["detach · line 11"]
    assert page.locator(".edge.cut").count() == 1


def test_where_the_reader_rests_comes_back_and_a_link_opens_there(new_page: Callable[..., Page], address: str) -> None:
    page = opened(new_page(), address, "step=8&part=2&node=4")
    assert "statement 8 of 12" in moment(page)
    expect(page.locator(".card.selected")).to_have_attribute("data-slot", "4")
    page.locator("input.statements").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("step=7 part=None node=4")).to_be_visible(timeout=8_000)
    assert "statement 7 of 12" in moment(page), "a rerun of the page leaves the reader where they are"


def test_the_graph_is_walked_by_keys_and_read_as_a_list(page: Page) -> None:
    shown(page)
    page.locator(".card[data-slot='1']").focus()
    page.keyboard.press("ArrowRight")
    focused = "document.querySelector('.stage') ?? null"
    assert page.evaluate(f"{focused} === null"), "the stage lives in its own shadow root"
    assert page.locator(".card:focus .title").text_content() == "w * x"
    page.keyboard.press("Enter")
    expect(page.locator(".card.selected .title")).to_have_text("w * x")
    page.get_by_role("button", name="Show the graph as an ordered list of sentences.").click()
    lines = page.locator(".listing li").all_inner_texts()
    assert len(lines) == 7
    assert lines[3] == "w * x: non-leaf; MulBackward0; from x, w; (1,); value 1.5; grad 1"


def test_iterations_of_a_loop_share_places_and_can_be_chosen(page: Page) -> None:
    shown(page, "trace=epochs")
    assert page.locator(".card").count() == 4
    before = page.locator(".card").evaluate_all("cards => cards.map(card => card.getAttribute('transform'))")
    page.locator(".loops select").select_option("2")
    expect(page.locator("output.moment")).to_contain_text("line 2")
    page.keyboard.press("Escape")
    after = page.locator(".card").evaluate_all("cards => cards.map(card => card.getAttribute('transform'))")
    assert after == before
    assert page.locator(".loops option").count() == 25


def test_a_long_chain_is_collapsed_says_so_and_opens(page: Page) -> None:
    shown(page, "trace=chain")
    assert page.locator(".card").count() < 20
    expect(page.locator(".note")).to_contain_text("1192 more")
    page.locator(".card.group").click()
    expect(page.locator(".card")).to_have_count(1_201)


def test_scrubbing_three_hundred_nodes_stays_smooth(page: Page) -> None:
    """Not timed in absolute terms: scrubbing draws a frame for each move and drops none of the moments it passes."""
    shown(page, "trace=wide")
    assert page.locator(".card").count() == 301
    seen = page.locator("input.inside").evaluate(
        """async (slider) => {
          const words = slider.closest('section').querySelector('.part');
          const seen = new Set();
          for (let value = 100; value < 130; value++) {
            slider.value = value;
            slider.dispatchEvent(new Event('input'));
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            seen.add(words.textContent);
          }
          return seen.size;
        }"""
    )
    assert seen == 30


def test_what_a_program_wrote_is_text_and_nan_reads_nan(page: Page) -> None:
    shown(page, "trace=hostile")
    script = "<img src=x onerror=alert(1)>"
    assert page.locator(".stage img").count() == 0
    assert script in page.locator(".code").inner_text()
    assert "nan" in page.locator("tbody").inner_text()


def test_the_picture_is_saved_as_svg_and_png(page: Page) -> None:
    shown(page)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the picture as SVG").click()
    text = Path(saving.value.path()).read_text("utf-8")
    assert text.startswith("<svg")
    assert "MulBackward0" in text
    assert "var(--" not in text
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the picture as PNG").click()
    assert Path(saving.value.path()).read_bytes().startswith(b"\x89PNG")


def test_dark_mode_and_chinese(new_page: Callable[..., Page], address: str) -> None:
    page = opened(new_page(color_scheme="dark", reduced_motion="reduce"), address, "lang=zh&step=6&part=0")
    assert page.locator(".stage").get_attribute("data-theme") == "dark"
    assert page.locator(".source h3").inner_text() == "源代码"
    moving = page.locator(".edge.flowing .flow").first.evaluate("path => getComputedStyle(path).animationName")
    assert moving == "none", "the reader asked for reduced motion"


def test_a_phone_shows_the_graph_first_and_keeps_the_slider_in_reach(
    new_page: Callable[..., Page], address: str
) -> None:
    page = opened(new_page(viewport={"width": 390, "height": 844}, has_touch=True), address)
    order = page.locator(".grid > section").evaluate_all(
        """panes => panes.map((pane) => [pane.getBoundingClientRect().top, pane.className])
          .sort((a, b) => a[0] - b[0]).map((pane) => pane[1])"""
    )
    assert order == ["graph", "clock", "source", "tensors", "side"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    clock = page.locator("section.clock").bounding_box()
    assert clock is not None
    assert clock["y"] + clock["height"] <= 844
