"""The Regression page in a real Chromium: a line learns, is steered, fails and is told why, and is kept."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect


def _opened(page: Page, app_url: str, query: str = "") -> Page:
    page.goto(f"{app_url}/regression{query}")
    page.wait_for_selector(".live-plot .main-svg")
    return page


def _status(page: Page, status: str) -> None:
    expect(page.locator(".live")).to_have_attribute("data-status", status)


def _value(page: Page, row: int, column: int = 1) -> float:
    return float(page.locator(".live tbody tr").nth(row).locator("td").nth(column).get_attribute("title") or "nan")


def _number(page: Page, label: str, value: str) -> None:
    field = page.get_by_role("spinbutton", name=label, exact=True)
    field.fill(value)
    field.press("Enter")


def _press(page: Page, action: str) -> None:
    page.locator(f".live-bar [data-action={action}]").click()


def _epoch(page: Page) -> int:
    return int(re.sub(r"\D", "", re.findall(r"epoch ([\d,]+)", page.locator(".live-words").inner_text())[0]))


def _slow_run(page: Page) -> None:
    """A run long enough to be steered."""
    _number(page, "Epochs", "1000000")
    _status(page, "running")


def test_the_lesson_has_run_and_any_epoch_can_be_opened(browser_page: Page, app_url: str) -> None:
    """Without a click; the numbers beside it are those of the plain script. The slider moves them, and the epoch opens
    on the Program page with its text in the link."""
    page = _opened(browser_page, app_url)
    _status(page, "finished")
    expect(page.locator(".live-time output")).to_have_text("epoch 500")
    assert _value(page, 0) == pytest.approx(2.001486, rel=1e-4)
    assert _value(page, 1) == pytest.approx(0.9896833, rel=1e-4)
    assert page.locator(".live-plot .main-svg").count() >= 4
    _press(page, "reset")
    _status(page, "ready")
    _press(page, "train")
    _status(page, "finished")
    slider = page.get_by_label("Epoch shown")
    expect(slider).to_have_value("500")
    slider.fill("0")
    expect(page.locator(".live-time output")).to_have_text("epoch 0")
    assert _value(page, 0) == pytest.approx(-0.00748682, rel=1e-4)
    assert abs(_value(page, 0, 2)) > 100
    page.get_by_role("button", name="Open epoch as a program").click()
    page.wait_for_url("**/program?**")


def test_a_long_run_is_steered_and_never_flickers(calm_page: Page, app_url: str) -> None:
    """Each button at once; a paused run stands still; the same chart elements from the first update to the last."""
    page = _opened(calm_page, app_url)
    page.evaluate("document.querySelectorAll('.live-plot .main-svg').forEach(one => { one.marked = true })")
    _slow_run(page)
    page.wait_for_timeout(1_000)
    assert page.evaluate("[...document.querySelectorAll('.live-plot .main-svg')].every(one => one.marked)")
    _press(page, "train")
    _status(page, "paused")
    page.wait_for_timeout(300)
    before = page.locator(".live-words").inner_text()
    page.wait_for_timeout(300)
    assert page.locator(".live-words").inner_text() == before
    reached = _epoch(page)
    _press(page, "step")
    expect(page.locator(".live-words")).to_contain_text(f"epoch {reached + 1:,}")
    _press(page, "train")
    _status(page, "running")
    _press(page, "stop")
    _status(page, "stopped")


def test_it_diverges_and_is_told_why(calm_page: Page, app_url: str) -> None:
    """With the number that foretold it, and a way out that works."""
    page = _opened(calm_page, app_url)
    _number(page, "Learning rate", "0.05")
    _status(page, "diverged")
    told = page.locator(".st-key-outcome-stopped")
    expect(told).to_contain_text("largest stable 0.028")
    told.get_by_role("button", name="Use lr 0.014").click()
    _status(page, "finished")
    expect(told).to_have_count(0)
    assert "lr=0.014" in page.url


def test_a_csv_is_trained_on_and_a_bad_one_is_refused(calm_page: Page, app_url: str, tmp_path: Path) -> None:
    """The exact answer is that of the file."""
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("size;price\n1;5,5\n2;8,5\n3;11,5\n4;14,5\n", encoding="utf-8")
    bad.write_text("a,b\n1,2\n1,2,3\n", encoding="utf-8")
    page = _opened(calm_page, app_url, "?data=table")
    page.locator(".st-key-regression-controls").get_by_role("button", name="Points").click()
    chooser = page.locator(".st-key-regression-csv input[type=file]")
    chooser.set_input_files(bad)
    expect(page.get_by_text("Line 3 has 3 cells")).to_be_visible()
    chooser.set_input_files(good)
    expect(page.locator(".live tbody tr").nth(0).locator("td").nth(3)).to_have_text("3")
    expect(page.locator(".live tbody tr").nth(1).locator("td").nth(3)).to_have_text("2.5")
    page.reload()  # the link names the file's points; the server still has them
    expect(page.locator(".live tbody tr").nth(0).locator("td").nth(3)).to_have_text("3")
    page.goto(f"{app_url}/regression?data=table&file={'0' * 24}")
    expect(page.get_by_text("came from a file that is not here any more")).to_be_visible()


def test_a_reload_finds_the_run_as_it_was(calm_page: Page, app_url: str) -> None:
    """Also the reload of a first visit: running it goes on, paused it stands where it stood."""
    page = _opened(calm_page, app_url, "?epochs=1000000&lr=0.0001")
    _status(page, "running")
    expect(page.locator(".live-words")).to_contain_text(re.compile(r"epoch [1-9]"))
    reached = _epoch(page)
    page.reload()
    _status(page, "running")
    assert _epoch(page) > reached > 0
    _press(page, "train")
    _status(page, "paused")
    page.wait_for_timeout(500)
    reached = _epoch(page)
    page.reload()
    _status(page, "paused")
    expect(page.locator(".live-words")).to_contain_text(f"epoch {reached:,}")
    _press(page, "stop")


def test_the_pen_draws_moves_and_removes_points(calm_page: Page, app_url: str) -> None:
    """They become the reader's own, the run is another, and the link carries them."""
    page = _opened(calm_page, app_url)
    _status(page, "finished")
    page.locator("[data-action=pen]").click()
    page.wait_for_timeout(500)
    area = page.locator("[data-chart=fit] .nsewdrag").bounding_box()
    assert area is not None
    x, y = area["x"] + area["width"] * 0.3, area["y"] + area["height"] * 0.15
    answer = page.locator(".live tbody tr").nth(0).locator("td").nth(3)
    expect(answer).to_have_text("2")
    page.mouse.click(x, y)
    expect(answer).not_to_have_text("2")
    expect(page).to_have_url(re.compile("data=table&t="))
    drawn = answer.inner_text()
    again = page.context.new_page()
    again.goto(page.url)
    expect(again.locator(".live tbody tr").nth(0).locator("td").nth(3)).to_have_text(drawn)
    again.close()
    page.wait_for_timeout(500)
    place = page.evaluate(
        """() => { const { xaxis, yaxis } = document.querySelector('[data-chart=fit]')._fullLayout;
        const points = document.querySelector('[data-chart=fit]').data.find((one) => one.mode === 'markers');
        const area = document.querySelector('[data-chart=fit] .nsewdrag').getBoundingClientRect();
        const last = points.y.indexOf(Math.max(...points.y));
        return [area.left + xaxis.d2p(points.x[last]), area.top + yaxis.d2p(points.y[last])]; }"""
    )
    page.mouse.click(*place)
    expect(answer).to_have_text("2")


def test_a_click_on_the_bowl_is_the_start(calm_page: Page, app_url: str) -> None:
    """The link says where; training begins there."""
    page = _opened(calm_page, app_url)
    _status(page, "finished")
    area = page.locator("[data-chart=bowl] .nsewdrag").bounding_box()
    assert area is not None
    page.mouse.click(area["x"] + area["width"] * 0.75, area["y"] + area["height"] * 0.25)
    expect(page).to_have_url(re.compile(r"start=[\d.]+%2C[\d.]+"))
    w, b = (float(part) for part in re.findall(r"start=([\d.]+)%2C([\d.]+)", page.url)[0])
    _status(page, "finished")
    slider = page.get_by_label("Epoch shown")
    slider.fill("0")
    expect(page.locator(".live-time output")).to_have_text("epoch 0")
    assert [_value(page, 0), _value(page, 1)] == pytest.approx([w, b], rel=1e-5)


def test_kept_runs_are_compared(calm_page: Page, app_url: str) -> None:
    """Two runs over each other, a table of both, all their rows as CSV."""
    page = _opened(calm_page, app_url)
    _status(page, "finished")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("[data-chart=loss] .legendtext", has_text="SGD · lr 0.01")).to_be_visible()
    _number(page, "Learning rate", "0.001")
    expect(page).to_have_url(re.compile("lr=0.001"))
    _status(page, "finished")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("[data-chart=loss] .legendtext", has_text="SGD · lr 0.001")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Comparison as CSV").click()
    with download.value.path().open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0][:3] == ["run", "epoch", "loss"]
    assert {row[0] for row in rows[1:]} == {"SGD · lr 0.01", "SGD · lr 0.001"}
    last = [row for row in rows if row[:2] == ["SGD · lr 0.01", "500"]]
    assert float(last[0][3]) == pytest.approx(2.001486, rel=1e-4)


def test_what_is_out_of_range_is_refused_at_the_control(calm_page: Page, app_url: str) -> None:
    """With the range; the run on the page stays. A link that asks for it is told so, and nothing in it is markup."""
    page = _opened(calm_page, app_url)
    _status(page, "finished")
    field = page.get_by_role("spinbutton", name="Learning rate", exact=True)
    field.fill("50")
    field.press("Enter")
    assert "10" in field.evaluate("one => one.validationMessage")
    page.wait_for_timeout(1_000)
    assert "lr=" not in page.url
    page.goto(f"{app_url}/regression?lr=nan&optimizer=<script>alert(1)</script>&n=0&epochs=5")
    for text in ("sets lr to “nan”", "sets optimizer to", "between 2 and 1000000"):
        expect(page.get_by_text(text)).to_be_visible()
    _status(page, "finished")


def test_the_model_goes_down_and_up_again(calm_page: Page, app_url: str, tmp_path: Path) -> None:
    """What was saved becomes the start; what is no model gets a sentence."""
    page = _opened(calm_page, app_url)
    _status(page, "finished")
    page.get_by_role("tab", name="Keep it").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="model.pkl").first.click()
    path = tmp_path / "model.pkl"
    download.value.save_as(path)
    field = page.locator(".st-key-regression-model input[type=file]")
    wrong = tmp_path / "wrong.pkl"
    wrong.write_bytes(b"no model")
    field.set_input_files(wrong)
    expect(page.get_by_text("no file that torch.save wrote")).to_be_visible()
    field.set_input_files(path)
    expect(page.get_by_text("Loaded: training starts from 2.00149, 0.989683")).to_be_visible()
    assert "start=2.00148" in page.url


def test_a_phone(new_page: Callable[..., Page], app_url: str) -> None:
    """One column, the charts first, nothing wider than the screen, in both themes, which follow the system's."""
    page = _opened(new_page(viewport={"width": 390, "height": 844}, color_scheme="dark"), app_url, "?lang=zh")
    _status(page, "finished")
    live = page.locator(".live")
    expect(live).to_have_css("--live-background", "#0f141b")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.emulate_media(color_scheme="light")
    expect(live).to_have_css("--live-background", "#ffffff")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    charts, controls = live.bounding_box(), page.locator(".st-key-regression-controls").bounding_box()
    assert charts is not None
    assert controls is not None
    assert charts["y"] < controls["y"]
    expect(page.locator(".live-bar").get_by_role("button", name="单步")).to_be_visible()
