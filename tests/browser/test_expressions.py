"""The Expressions page in a real Chromium: typed, slid, and answered with what PyTorch says."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from playwright.sync_api import Page, expect


def opened(page: Page, app_url: str, query: str = "") -> Page:
    """The page of that link, answered."""
    page.goto(f"{app_url}/expressions{query}")
    page.wait_for_selector(".expression[data-answered]")
    return page


def exact(page: Page) -> str:
    """The value, once it is PyTorch's for the very place."""
    expect(page.locator(".how")).to_have_attribute("data-how", "exact")
    return page.locator("output.value").inner_text()


def slide(page: Page, place: int, number: float) -> None:
    """Move a slider as a hand does: the numbers of the last stop are awaited."""
    page.locator(".expression input[type=range]").nth(place).fill(str(number))


def test_a_slider_moves_value_and_partials_to_what_pytorch_says(browser_page: Page, app_url: str) -> None:
    page = opened(browser_page, app_url)
    for at in (-1.25, 0.4):
        slide(page, 0, at)
        x, y = torch.tensor(at, requires_grad=True), torch.tensor(2.0, requires_grad=True)
        f = torch.sin(x * y) + x**2
        f.backward()  # type: ignore[no-untyped-call]
        expect(page.locator("output.value")).to_have_text(f"f = {float(f'{f.item():.4g}'):g}")
        expect(page.locator("output.grad").nth(0)).to_have_text(f"∂f/∂x = {float(f'{x.grad:.4g}'):g}")
        expect(page.locator("output.grad").nth(1)).to_have_text(f"∂f/∂y = {float(f'{y.grad:.4g}'):g}")
    page.wait_for_url(re.compile("at=x%3D0.4"))
    page.reload()
    page.wait_for_selector(".expression[data-answered]")
    expect(page.locator(".number").first).to_have_value("0.4")


def test_typing_never_floods_with_errors(browser_page: Page, app_url: str) -> None:
    """One sentence at the wrong character; the last good result stays, dimmed."""
    page = opened(browser_page, app_url)
    before = exact(page)
    page.locator(".typed").fill("sin(x*y + x**2")
    expect(page.locator(".says")).to_have_text("This ( is not closed yet.")
    expect(page.locator(".backdrop mark")).to_have_text("(")
    expect(page.locator(".expression")).to_have_class(re.compile("dimmed"))
    assert page.locator("output.value").inner_text() == before
    page.locator(".typed").fill("relu(w @ x + b)")
    expect(page.locator(".expression")).not_to_have_class(re.compile("dimmed"))
    expect(page.locator(".variable")).to_have_count(3)
    page.locator(".typed").fill("1 + log(b)")
    expect(page.locator(".variable")).to_have_count(1)
    page.locator(".number").first.fill("-1")
    expect(page.locator(".says")).to_contain_text("log(b) is the first to fail")
    expect(page.locator(".backdrop mark")).to_have_text("log(b)")


def test_mathematics_is_read_and_what_is_refused_can_be_given_its_numbers(browser_page: Page, app_url: str) -> None:
    page = opened(browser_page, app_url)
    page.locator(".typed").fill("|x − sin²x")
    expect(page.locator(".says")).to_have_text("This | is not closed yet.")
    page.locator(".typed").fill("f(x) = 2|x| + sin²x")
    expect(page.locator(".program")).to_contain_text("f = 2 * torch.abs(x) + torch.sin(x) ** 2")
    page.locator(".number").first.fill("0")
    expect(page.locator(".says")).to_contain_text("lies on a kink: the slope is ≈ -2 before it and ≈ 2 after it")
    page.locator(".typed").fill("p.reshape(2, 2)[0] @ q")
    expect(page.locator(".says")).to_contain_text("PyTorch refused this: shape '[2, 2]' is invalid")
    page.locator(".variable[data-name=p] .number").fill("1 2 3 4")
    page.locator(".variable[data-name=q] .number").fill("½, −1")
    expect(page.locator("output.value")).to_have_text("f = -1.5")


def test_the_point_is_dragged_along_the_curve(browser_page: Page, app_url: str) -> None:
    page = opened(browser_page, app_url, "?scenario=slope_of_a_parabola")
    box = page.locator("svg.curve").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.up()
    exact(page)
    x = float(page.locator(".number").first.input_value())
    assert -2 < x < -0.5
    expect(page.locator("output.grad")).to_have_text(f"∂f/∂x = {float(f'{2 * x:.4g}'):g}")


def test_contour_surface_jacobian_and_chain_rule(browser_page: Page, app_url: str) -> None:
    page = opened(browser_page, app_url, "?scenario=narrow_valley")
    page.wait_for_selector(".plot .main-svg")
    expect(page.locator(".plot")).to_contain_text("after 30 steps")
    page.get_by_role("tab", name="Jacobian").click()
    expect(page.locator("figure")).to_have_count(3)
    expect(page.locator("figure[data-kind=hessian] tbody td").nth(3)).to_have_text("10")
    page.get_by_role("button", name="Chain rule").click()
    expect(page.get_by_text("✓ autograd says").first).to_be_visible()
    page.wait_for_url(re.compile("view=matrices"))


def test_it_opens_as_a_program(browser_page: Page, app_url: str) -> None:
    page = opened(browser_page, app_url)
    page.get_by_role("button", name="Open as a program").click()
    page.wait_for_url("**/program?**")
    expect(page.locator(".st-key-program-program textarea")).to_have_value(re.compile(r"torch\.sin\(x \* y\)"))


def test_a_phone(new_page: Callable[..., Page], app_url: str) -> None:
    """Nothing wider than the screen, in both themes, which follow the system's; the picture first."""
    page = opened(new_page(viewport={"width": 390, "height": 844}, color_scheme="dark"), app_url, "?lang=zh")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator(".expression")).to_have_attribute("data-theme", scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture, side = page.locator(".picture").bounding_box(), page.locator(".side").bounding_box()
    assert picture is not None
    assert side is not None
    assert picture["y"] < side["y"]
    expect(page.get_by_role("button", name="链式法则")).to_be_visible()


def test_by_keyboard_alone(browser_page: Page, app_url: str) -> None:
    page = opened(browser_page, app_url)
    page.locator(".expression input[type=range]").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".number").first).to_have_value("1.51")
    expect(page.locator("svg.curve")).to_have_attribute("aria-label", re.compile("At x = 1.51"))
    page.get_by_role("tab", name="Curve").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Jacobian")).to_be_focused()
    expect(page.locator("figure[data-kind=hessian]")).to_be_visible()
