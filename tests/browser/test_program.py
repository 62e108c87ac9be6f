"""The Program page as a learner meets it: a real server, a real Chromium."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from engine.messages import catalogue, render
from engine.scenarios import load
from tests.browser.conftest import STREAMLIT, UVICORN, serving

LESSON = load()["scalar_accumulate"].program


def editor(page: Page) -> Locator:
    """The text area of the program."""
    return page.locator(".st-key-program-program textarea")


def opened(page: Page, address: str) -> Page:
    """The page at that address, once the program has run and is drawn."""
    page.goto(address)
    expect(page.locator(".stage .card").first).to_be_visible()
    return page


def write(page: Page, text: str) -> None:
    """Replace the program by pasting."""
    editor(page).click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def row(page: Page, name: str) -> Locator:
    """The row of a variable in the stage's table."""
    return page.locator(".tensors tr", has=page.locator(f"th:text-is('{name}'), td:text-is('{name}')")).first


def test_a_pasted_lesson_runs_with_ctrl_enter(browser_page: Page, app_url: str) -> None:
    """The lesson that starts it all: four backwards add up, so b.grad reads 4, and its marks stand in the editor."""
    page = opened(browser_page, f"{app_url}/program")
    write(page, LESSON)
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page).to_have_url(re.compile(r"/program\?.*c="))
    expect(row(page, "b")).to_contain_text("4")
    line = LESSON.rstrip().count("\n") + 1
    expect(page.locator(".lines .now")).to_have_text(str(line))
    expect(page.locator(".editor-backdrop .echo").last).to_contain_text("4")
    expect(page.locator("[class*='st-key-outcome-']")).to_have_count(0)
    high = editor(page).evaluate("area => parseFloat(getComputedStyle(area).lineHeight)")
    editor(page).click(position={"x": 20, "y": 10 + 4.5 * high})
    expect(page.locator(".lines .now")).to_have_text("5")


def test_a_link_opens_a_scenario_and_its_error_in_words(browser_page: Page, app_url: str) -> None:
    """PyTorch's own message stands there verbatim, with its line, and the line is marked."""
    page = browser_page
    page.goto(f"{app_url}/?scenario=in_place_error")
    band = page.locator(".st-key-outcome-failed")
    expect(band).to_contain_text("has been modified by an inplace operation")
    expect(page).to_have_url(re.compile("/program"))
    wrong = page.locator(".lines .wrong")
    expect(wrong).to_have_count(1)
    expect(band).to_contain_text(f"Line {wrong.inner_text()} raised RuntimeError")


def test_a_slip_of_syntax_is_said_at_its_line(browser_page: Page, app_url: str) -> None:
    """Nothing runs, so there is no picture; the text stays, the page stands, and the mended program runs."""
    page = opened(browser_page, f"{app_url}/program?scenario=chain_rule")
    slip = "import torch\nw = torch.ones(2, requires_grad=True\ny = w * 2\n"
    write(page, slip)
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page.get_by_text(render("page.outcome.syntax", {"line": 2}))).to_be_visible()
    expect(page.get_by_text("SyntaxError")).to_be_visible()
    expect(page.locator(".stage .card")).to_have_count(0)
    page.wait_for_timeout(1_000)
    expect(page.locator("[data-testid='stException'], [data-testid='stAlert']")).to_have_count(0)
    assert editor(page).input_value() == slip
    write(page, slip.replace("=True", "=True)"))
    page.keyboard.press("ControlOrMeta+Enter")
    expect(row(page, "y")).to_be_visible()


def test_a_broken_link_gets_a_sentence(browser_page: Page, app_url: str) -> None:
    """And the example, never a traceback. What else may be wrong with a link is for the tests without a browser."""
    page = opened(browser_page, f"{app_url}/program?c=%%%")
    begins = re.split("[{“]", catalogue()["link.program.broken"][0])[0].strip()
    expect(page.get_by_test_id("stAlert")).to_contain_text(begins)
    expect(editor(page)).to_have_value(load()["chain_rule"].program)


def test_nothing_typed_is_lost(browser_page: Page, app_url: str) -> None:
    """Neither to a reload, nor to a visit elsewhere, nor to the language switch, nor to another example."""
    page = opened(browser_page, f"{app_url}/program")
    typed = load()["chain_rule"].program + "# mine\nfor n in range(2):\n    pass"
    editor(page).click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.type("# mine\nfor n in range(2):\npass")  # the editor indents
    expect(editor(page)).to_have_value(typed)
    page.reload()
    expect(editor(page)).to_have_value(typed)
    page.get_by_test_id("stTopNav").get_by_role("link").first.click()
    expect(page).to_have_url(f"{app_url}/")
    expect(editor(page)).to_have_count(0)
    page.go_back()
    expect(editor(page)).to_have_value(typed)
    page.get_by_text("中文", exact=True).click()
    expect(page.get_by_role("button", name=render("page.program.run", language="zh"))).to_be_visible()
    expect(editor(page)).to_have_value(typed)
    page.get_by_role("combobox").click()
    page.get_by_role("option").nth(3).click()
    page.get_by_role("button", name=render("page.program.back", language="zh")).click()
    expect(editor(page)).to_have_value(typed)


def test_the_shared_link_opens_the_same_for_another_learner(new_page: Callable[..., Page], app_url: str) -> None:
    """Program, seed, the direction of the graph and all, copied with one click."""
    mine = opened(new_page(permissions=["clipboard-read", "clipboard-write"]), f"{app_url}/program")
    write(mine, LESSON + "\n# 分享")
    mine.keyboard.press("ControlOrMeta+Enter")
    expect(row(mine, "b")).to_contain_text("4")
    mine.get_by_role("button", name=render("stage.turn")).click()
    turned = mine.locator(".card").nth(2).get_attribute("transform")
    mine.wait_for_timeout(1_000)  # the stage says where it rests
    mine.get_by_role("button", name=render("page.share"), exact=False).first.click()
    mine.locator(".copy-link button").first.click()
    expect(mine.locator(".copy-link button").first).to_have_text(render("page.share.copied"))
    link = mine.evaluate("navigator.clipboard.readText()")
    assert link == mine.locator(".copy-link input").first.input_value()
    assert "view=down" in link
    theirs = opened(new_page(), link)
    expect(editor(theirs)).to_have_value(LESSON + "\n# 分享")
    expect(row(theirs, "b")).to_contain_text("4")
    assert theirs.locator(".card").nth(2).get_attribute("transform") == turned


def test_an_embedded_page_shows_the_work_alone(browser_page: Page, app_url: str) -> None:
    """No controls, no switch, no editor: the stage with its own source."""
    page = opened(browser_page, f"{app_url}/program?scenario=retain_graph_error&read_only=true&embed=true")
    expect(page.locator(".stage .source")).to_be_visible()
    expect(editor(page)).to_have_count(0)
    expect(page.locator(".st-key-toolbar")).to_have_count(0)
    expect(page.locator(".st-key-language")).to_have_count(0)
    expect(page.get_by_test_id("stTopNav")).to_have_count(0)


def test_the_program_is_whole_on_one_screen(browser_page: Page, app_url: str) -> None:
    """At 1440 x 900 neither the page nor the editor scrolls for a lesson's program."""
    page = opened(browser_page, f"{app_url}/program?scenario=scalar_accumulate")
    lowest = page.evaluate("document.querySelector('.st-key-editor').getBoundingClientRect().bottom")
    assert lowest <= 900
    assert editor(page).evaluate("area => area.scrollHeight <= area.clientHeight")
    for name in ("softmax_bce", "linear_regression_device"):  # one with a note, the longest with notes and a file
        opened(page, f"{app_url}/program?scenario={name}")
        expect(editor(page)).to_have_value(load()[name].program)
        page.wait_for_function(
            """() => { const main = document.querySelector('[data-testid="stMain"]');
            const stage = document.querySelector('.st-key-stage').getBoundingClientRect();
            const area = document.querySelector('.st-key-program-program textarea');
            return main.scrollHeight <= main.clientHeight && stage.bottom <= innerHeight && stage.height > 500
              && area.scrollHeight <= area.clientHeight; }"""
        )
    page.get_by_role("button", name=render("page.program.hide")).click()
    expect(page.locator(".stage .source")).to_be_visible()
    expect(editor(page)).to_have_count(0)


def test_dark_mode(new_page: Callable[..., Page], app_url: str) -> None:
    """The system's wish is followed, and what we draw ourselves follows it too."""
    page = opened(new_page(color_scheme="dark"), f"{app_url}/program")

    def light(selector: str, colour: str) -> float:
        css = page.locator(selector).first.evaluate(f"element => getComputedStyle(element).{colour}")
        red, green, blue = map(float, re.findall(r"[\d.]+", css)[:3])
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert light(".stApp", "backgroundColor") < 40
    assert light(".st-key-program-program textarea", "color") > 180
    assert light(".stage .outline", "stroke") > 60


def test_a_phone_shows_the_picture_first(new_page: Callable[..., Page], app_url: str) -> None:
    """One column, nothing wider than the screen, the graph above the program."""
    page = opened(new_page(viewport={"width": 390, "height": 844}, has_touch=True), f"{app_url}/program")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    tops = [
        page.locator(selector).evaluate("e => e.getBoundingClientRect().top")
        for selector in (".graph", ".st-key-editor")
    ]
    assert tops == sorted(tops)


def test_an_endless_loop_disturbs_nobody(new_page: Callable[..., Page], app_url: str) -> None:
    """While one learner's program is stopped by its limit, another's run is done."""
    first = opened(new_page(), f"{app_url}/program")
    write(first, "import torch\nwhile True:\n    torch.ones(1) + 1")
    first.keyboard.press("ControlOrMeta+Enter")
    second = opened(new_page(), f"{app_url}/program")
    write(second, LESSON + "\n# second")
    second.keyboard.press("ControlOrMeta+Enter")
    expect(row(second, "b")).to_contain_text("4")
    expect(first.locator(".st-key-outcome-stopped")).to_contain_text("Stopped at line 3")
    expect(first.locator(".stage")).to_have_count(1)


@pytest.mark.parametrize("command", [UVICORN, STREAMLIT], ids=["uvicorn", "streamlit run"])
def test_a_deep_link_is_the_first_request_of_a_fresh_server(
    new_page: Callable[..., Page], tmp_path: Path, command: tuple[str, ...]
) -> None:
    """The navigation is ours, the page is the one asked for, and the app stays below 150 MB without torch."""
    with serving(*command, log=tmp_path / "log") as (address, process):
        page = opened(new_page(), f"{address}/program?scenario=chain_rule")
        expect(page.get_by_test_id("stTopNavLink").first).to_have_text(re.compile(render("page.nav.home")))
        expect(editor(page)).to_have_value(load()["chain_rule"].program)
        status = Path(f"/proc/{process}/status")
        if status.exists() and os.name == "posix":
            resident = int(re.findall(r"VmRSS:\s+(\d+) kB", status.read_text())[0]) / 1000
            assert resident < 150, f"{resident:.0f} MB"
            assert "libtorch" not in Path(f"/proc/{process}/maps").read_text()
        page.close()  # before its server goes


def test_the_run_can_be_taken_along(browser_page: Page, app_url: str, tmp_path: Path) -> None:
    """The program with its checks comes down as a file that plain Python runs to its end."""
    page = opened(browser_page, f"{app_url}/program?scenario=second_derivative")
    page.get_by_role("button", name=render("page.share"), exact=False).first.click()
    with page.expect_download() as coming:
        page.get_by_role("button", name=render("page.program.export.script"), exact=False).click()
    taken = tmp_path / coming.value.suggested_filename
    coming.value.save_as(taken)
    assert "assert" in taken.read_text("utf-8")
    subprocess.run([sys.executable, "-I", taken], check=True, timeout=60, capture_output=True)


def test_the_error_stream_is_shown_beside_what_is_printed(browser_page: Page, app_url: str) -> None:
    program = "import sys, torch\nx = torch.ones(1)\nprint('to you')\nprint('aside', file=sys.stderr)"
    opened(browser_page, f"{app_url}/program?code={quote(program)}")
    browser_page.get_by_role("tab", name=render("stage.output")).click()
    panel = browser_page.get_by_role("tabpanel").filter(has_text="to you")
    expect(panel).to_have_text("to you\naside\n")
    expect(panel.locator(".error-stream")).to_have_text("aside\n")
