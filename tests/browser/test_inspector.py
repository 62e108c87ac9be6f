"""The explanations as a learner meets them: a fix in one click, why None, formulas, paths, the truth badge."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from engine.messages import render
from tests.browser.conftest import Visitors
from tests.browser.test_program import editor, opened, row


@pytest.fixture(scope="module")
def stay(visitors: Visitors, app_url: str) -> Iterator[Page]:
    """The diamond, whose nodes the tests select one after the other."""
    with visitors.coming() as page:
        yield opened(page(), f"{app_url}/program?scenario=diamond")


@pytest.fixture
def diamond(stay: Page, visitors: Visitors) -> Iterator[Page]:
    """That page, on which any error of ours fails the test."""
    yield stay
    assert visitors.faults() == []


def test_the_fix_is_applied_with_one_click_and_runs(browser_page: Page, app_url: str) -> None:
    page = opened(browser_page, f"{app_url}/program?scenario=retain_graph_error")
    expect(page.locator(".st-key-outcome-failed")).to_contain_text("Trying to backward through the graph a second time")
    page.get_by_role("button", name=render("page.reason.apply")).click()
    expect(page.locator(".st-key-outcome-failed")).to_have_count(0)
    expect(editor(page)).to_have_value(re.compile(r"backward\(retain_graph=True\)"))
    expect(page.get_by_role("button", name=render("page.program.back"))).to_be_visible()


def test_a_none_says_why(browser_page: Page, app_url: str) -> None:
    page = opened(browser_page, f"{app_url}/program?scenario=leaf_non_leaf")
    cell = page.locator(".tensors td.grad[data-state='none']").first
    expect(cell).to_have_attribute("title", re.compile("non-leaf"))
    cell.click()
    expect(page.locator(".why")).to_contain_text("backward()")


def test_a_leaf_tells_its_paths_and_whether_its_gradient_is_true(diamond: Page) -> None:
    row(diamond, "x").click()
    diamond.get_by_role("button", name=render("stage.ask.paths.help")).click()
    expect(diamond.locator(".paths li")).to_have_count(2)
    diamond.locator(".paths button").first.click()
    expect(diamond.locator(".card.onpath")).to_have_count(4)
    diamond.get_by_role("button", name=render("stage.ask.truth.help")).click()
    expect(diamond.locator(".badge.right")).to_be_visible()


def test_a_node_shows_its_formula_and_its_jacobian(diamond: Page) -> None:
    row(diamond, "lower").click()
    expect(diamond.locator(".panel math").first).to_be_visible()
    diamond.get_by_role("button", name=render("stage.ask.jacobian.help")).click()
    expect(diamond.locator(".questions .sheet td").first).to_have_text("2")


def test_a_selection_stays_when_the_page_has_heard_of_it(diamond: Page) -> None:
    """The stage reports where it rests and the page hands that back one run later: it must not be taken for a wish."""
    for name in ("x", "upper", "lower"):
        row(diamond, name).click()
        expect(diamond.locator(".panel:not([hidden]) .inspected")).to_be_visible()
        diamond.wait_for_timeout(1_200)  # longer than the rest after which it reports
        expect(diamond.locator(".panel:not([hidden]) > h4")).to_have_text(name)


def test_forward_mode_stands_beside_backward_mode(browser_page: Page, app_url: str) -> None:
    page = opened(browser_page, f"{app_url}/program?scenario=chain_rule")
    row(page, "w").click()
    page.get_by_role("button", name=render("stage.ask.forward.help")).click()
    expect(page.locator(".both tbody tr").first).to_contain_text("w")
    expect(page.locator(".badge.right")).to_contain_text("30")
