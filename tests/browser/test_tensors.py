"""The Tensors page in a real Chromium: tensors are built by clicks, every action is a line, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect


def opened(page: Page, app_url: str, query: str = "") -> Page:
    """The page at that address, once its history has run and is drawn."""
    page.goto(f"{app_url}/tensors{query}")
    expect(page.locator(".bench .program .line").first).to_be_visible()
    return page


def card(page: Page, name: str) -> Locator:
    """The card of the tensor with that name."""
    return page.locator(f'.card[data-name="{name}"]')


def grad(page: Page, name: str) -> Locator:
    """What the card shows of its .grad."""
    return card(page, name).locator(".grad")


def last_line(page: Page, text: str) -> None:
    """Wait until the last statement that is done reads so."""
    expect(page.locator(".program .line.now code")).to_have_text(text)


def build(page: Page, name: str, values: str, *, requires_grad: bool = False, dtype: str = "float32") -> None:
    """Make a tensor with the form."""
    form = page.locator(".maker")
    if not form.is_visible():
        page.get_by_role("button", name="+ New tensor").click()
    form.get_by_label("Name").fill(name)
    form.get_by_label("Values").fill(values)
    form.get_by_label("dtype").select_option(dtype)
    form.get_by_label("requires_grad").set_checked(requires_grad)
    form.get_by_role("button", name="Create").click()


def typed(page: Page, text: str) -> None:
    """Type a line and press Enter."""
    field = page.get_by_label("One line of PyTorch")
    field.fill(text)
    field.press("Enter")


def act(page: Page, action: str) -> None:
    """Press the button of an action on the selected card."""
    button = page.locator(f'.strip [data-action="{action}"]')
    if not button.is_visible():
        page.locator(".strip .more summary").click()
    button.click()


def empty(page: Page) -> None:
    """Take everything back by a click on the first line."""
    page.locator(".program .line .step").first.click()
    last_line(page, "import torch")


def test_w_and_b_by_clicks_read_one_two_three_four(browser_page: Page, app_url: str) -> None:
    """The lesson without typing a program: two leaves, a product, a sum, four backwards."""
    page = opened(browser_page, app_url)
    empty(page)
    build(page, "x", "2")
    last_line(page, "x = torch.tensor(2.)")
    build(page, "w", "0.5", requires_grad=True)
    last_line(page, "w = torch.tensor(0.5, requires_grad=True)")
    build(page, "b", "1", requires_grad=True)
    last_line(page, "b = torch.tensor(1., requires_grad=True)")
    card(page, "x").locator("header").click()
    card(page, "w").locator("header").click()
    act(page, "multiply")
    last_line(page, "y = w * x")
    card(page, "b").locator("header").click()
    card(page, "y").locator("header").click()
    act(page, "add")
    last_line(page, "z = y + b")
    for count in range(1, 5):
        act(page, "backward_retain")
        expect(grad(page, "b").locator("td")).to_have_text(str(count))
        expect(grad(page, "w").locator("td")).to_have_text(str(2 * count))
    expect(card(page, "b").locator(".trail")).to_contain_text("1→2→3→4")
    expect(page.locator(".account", has_text="b.grad").locator("li b")).to_have_text(["1", "2", "3", "4"])
    expect(card(page, "y").locator(".word")).to_have_text("non-leaf")
    expect(card(page, "y").locator(".node")).to_have_text("MulBackward0")
    page.reload()
    expect(grad(page, "b").locator("td")).to_have_text("4")
    expect(card(page, "z")).to_have_attribute("aria-current", "true")


def test_undo_redo_reload_and_the_program_page(browser_page: Page, app_url: str) -> None:
    """The history is walked by clicks and keys; a reload loses nothing; the program opens as a program."""
    page = opened(browser_page, app_url)
    expect(grad(page, "b").locator("td")).to_have_text("4")
    page.get_by_role("button", name="Undo").click()
    expect(grad(page, "b").locator("td")).to_have_text("3")
    card(page, "b").focus()
    page.keyboard.press("Control+z")
    expect(grad(page, "b").locator("td")).to_have_text("2")
    page.reload()
    expect(grad(page, "b").locator("td")).to_have_text("2")
    expect(page.locator(".program .line.undone")).to_have_count(2)
    card(page, "b").focus()
    page.keyboard.press("Control+y")
    expect(grad(page, "b").locator("td")).to_have_text("3")
    typed(page, "w.grad = None")
    expect(grad(page, "w")).to_contain_text("None")
    expect(page.locator(".program .line.undone")).to_have_count(0)
    page.get_by_role("combobox", name="Example").click()
    page.get_by_role("option", name="Complex numbers, real loss").click()
    expect(card(page, "z").locator(".shape")).to_have_text("(2,) complex64")
    page.get_by_role("button", name="Back to my tensors").click()
    expect(grad(page, "w")).to_contain_text("None")
    page.get_by_role("button", name="Open in Program page").click()
    expect(page).to_have_url(re.compile(r"/program\?"))
    expect(page.locator(".st-key-program-program textarea")).to_have_value(re.compile(r"w\.grad = None"))


def test_hands_faster_than_the_server_lose_nothing(browser_page: Page, app_url: str) -> None:
    """What is done while an action is under way is done after it, to what that one made."""
    page = opened(browser_page, app_url)
    for text in ("q = w * 2", "r = q + 1", "s = r.sum()"):
        page.locator(".line-input").fill(text)
        page.keyboard.press("Enter")
    for _ in range(3):
        page.locator("button.undo").click()
    page.locator("button.redo").click()
    expect(page.locator("li.line.undone")).to_have_text([re.compile("r = q"), re.compile("s = r")])
    expect(page.locator("li.line.now")).to_contain_text("q = w * 2")
    for _ in range(2):
        page.locator("button.redo").click()
    expect(card(page, "s").locator("td")).to_have_text("2")


def test_what_pytorch_refuses_is_said_in_its_words(browser_page: Page, app_url: str) -> None:
    """Integers cannot require a gradient: everything before stands, and the fix makes floats of them."""
    page = opened(browser_page, app_url)
    empty(page)
    build(page, "x", "1, 2")
    last_line(page, "x = torch.tensor([1., 2.])")
    build(page, "n", "1, 2, 3", dtype="int64", requires_grad=True)
    failure = page.locator(".failure")
    expect(failure).to_contain_text("Only Tensors of floating point and complex dtype can require gradients")
    expect(failure).to_contain_text("integers can only jump")
    expect(card(page, "x")).to_be_visible()
    failure.get_by_role("button", name="Apply the fix").click()
    expect(card(page, "n").locator(".word")).to_have_text("leaf")
    expect(failure).to_be_hidden()
    typed(page, "y = n *")
    expect(page.locator(".problem")).to_contain_text("Python cannot read this")
    expect(page.get_by_label("One line of PyTorch")).to_have_value("y = n *")
    typed(page, "y = n @ torch.ones(2)")
    expect(failure).to_be_visible()
    typed(page, "y = n * 2")
    last_line(page, "y = n * 2")
    expect(page.locator(".program .line")).to_have_count(4)


def test_a_view_and_its_base_share_cells(browser_page: Page, app_url: str) -> None:
    """Pointing at a cell lights the same place in every tensor of the storage; editing one changes them all."""
    page = opened(browser_page, app_url, "?scenario=tensors_views")
    expect(card(page, "t")).to_be_visible()
    card(page, "x").locator('td[data-element="3"]').hover()
    expect(card(page, "t").locator("td.lit")).to_have_text("30")
    expect(card(page, "row").locator("td.lit")).to_have_text("30")
    expect(card(page, "copy").locator("td.lit")).to_have_count(0)
    cell = card(page, "x").locator('td[data-element="3"]')
    cell.dblclick()
    field = card(page, "x").locator("td input")
    field.fill("7")
    field.press("Enter")
    last_line(page, "x[1, 0] = 7")
    expect(card(page, "row").locator("td").first).to_have_text("7")
    expect(card(page, "t").locator(".facts")).to_contain_text("version 2")


def test_broadcasting_shows_what_feeds_what(browser_page: Page, app_url: str) -> None:
    """A cell of the bias feeds two cells, and its gradient is their sum."""
    page = opened(browser_page, app_url, "?scenario=tensors_broadcast")
    cells = page.locator(".panel.cells")
    expect(cells).to_contain_text("sum along dimension 0: (2, 3) becomes (3,)")
    bias = cells.locator("figure.there", has_text="b (3,)")
    bias.locator("td").nth(1).hover()
    expect(cells.locator("figure.there").nth(2).locator("td.lit")).to_have_text(["22", "25"])
    expect(cells.locator("figure.back", has_text="gradient that arrived").locator("td.lit")).to_have_text(["1", "2"])
    expect(cells.locator("figure.back", has_text="sent on to b").locator("td.lit")).to_have_text("3")
    expect(grad(page, "b").locator("td")).to_have_text(["3", "3", "3"])


def test_chinese_dark_and_a_phone(new_page: Callable[..., Page], app_url: str) -> None:
    """The cards come first, nothing sticks out of the screen, and the keyboard walks a grid."""
    page = opened(
        new_page(viewport={"width": 390, "height": 844}, color_scheme="dark"),
        app_url,
        "?scenario=tensors_complex&lang=zh",
    )
    expect(card(page, "z")).to_contain_text("叶子")
    expect(card(page, "z")).to_contain_text("Wirtinger")
    expect(grad(page, "z").locator("td")).to_have_text(["2+4j", "6-2j"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".bench").get_attribute("data-theme") == "dark"
    card(page, "z").locator("td").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.type("1j")
    page.keyboard.press("Enter")
    last_line(page, "with torch.no_grad():\n    z[1] = 1j")
    expect(card(page, "z").locator("td").nth(1)).to_have_text("0+1j")
    expect(card(page, "z").locator("td").nth(1)).to_be_focused()


def test_hooks_shapes_and_conversions_by_one_click_each(browser_page: Page, app_url: str) -> None:
    """What is behind More: every press is one line, and its effect is on the cards."""
    page = opened(browser_page, app_url)
    empty(page)
    build(page, "w", "1\t2\n3\t4", requires_grad=True)
    last_line(page, "w = torch.tensor([[1., 2.], [3., 4.]], requires_grad=True)")
    act(page, "transpose")
    last_line(page, "y = w.transpose(0, 1)")
    expect(card(page, "y").locator("td")).to_have_text(["1", "3", "2", "4"])
    expect(card(page, "y").locator(".facts")).to_contain_text("shares cells with w")
    act(page, "hook")
    last_line(page, "y.register_hook(lambda grad: grad * 2)")
    act(page, "backward")
    failure = page.locator(".failure")
    expect(failure).to_contain_text("grad can be implicitly created only for scalar outputs")
    act(page, "backward_gradient")
    last_line(page, "y.backward(gradient=torch.ones_like(y))")
    expect(failure).to_be_hidden()
    expect(grad(page, "w").locator("td")).to_have_text(["2"] * 4)
    page.get_by_role("tab", name="Hooks and output").click()
    expect(page.locator(".fired li")).to_contain_text("put [2, 2, 2, 2] in its place")
    card(page, "w").locator("header").click()
    act(page, "grad_zero")
    expect(grad(page, "w").locator("td")).to_have_text(["0"] * 4)
    act(page, "grad_none")
    expect(grad(page, "w")).to_contain_text("None")
    act(page, "update")
    expect(failure).to_contain_text("unsupported operand")
    act(page, "dtype")
    last_line(page, "z = w.to(torch.float64)")
    expect(card(page, "z").locator(".shape")).to_have_text("(2, 2) float64")
    act(page, "detach")
    last_line(page, "u = z.detach()")
    act(page, "add_in_place")
    expect(card(page, "u").locator(".facts")).to_contain_text("version 1")
    expect(card(page, "z").locator("td")).to_have_text(["2", "3", "4", "5"])
