"""The Expressions page, timed: `python -m tests.bench.expressions`.

a  a slider moved to the picture updated with PyTorch's exact numbers, in Chromium, the server on the same machine; the
   load says how idle that machine was
b  torch time of a curve with its derivative over 601 points, and of a field over 61 by 61, one thread
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from playwright.sync_api import sync_playwright

from tests.bench.timing import median
from tests.browser.conftest import ARGUMENTS, UVICORN, serving
from tests.run import NO_BROWSER, find_browser

MOVES = 41
MOVE = """async (number) => {
  const host = [...document.querySelectorAll("*")].find((one) => one.shadowRoot?.querySelector(".expression"));
  const root = host.shadowRoot.querySelector(".expression");
  const slider = root.querySelector("input[type=range]");
  const before = Number(root.dataset.answered);
  const start = performance.now();
  slider.value = String(number);
  slider.dispatchEvent(new Event("input"));
  const done = () => Number(root.dataset.answered) > before && root.querySelector(".how").dataset.how === "exact";
  while (!done() && performance.now() - start < 60_000) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => requestAnimationFrame(resolve));
  return done() ? performance.now() - start : null;
}"""
PATIENCE = 300_000  # milliseconds in which the page must have opened, also on a busy machine


def slider() -> Iterator[str]:
    """(a) Every move is awaited, then the link is written, so that nothing is measured twice."""
    chromium = find_browser()
    if chromium is None:
        yield NO_BROWSER
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(*UVICORN, log=Path(folder) / "log") as (address, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.goto(f"{address}/expressions")
        page.wait_for_selector(".expression[data-answered]")
        page.wait_for_timeout(1_000)
        taken = []
        for move in range(MOVES):
            taken.append(page.evaluate(MOVE, -2 + move / 10))
            page.wait_for_timeout(1_200)
        browser.close()
    times = [one for one in taken if one is not None]
    if len(times) < MOVES / 2:
        yield f"a  slider to exact picture  only {len(times)} of {MOVES} moves were answered within a minute"
        return
    low, middle, high = (
        statistics.quantiles(times, n=20)[0],
        statistics.median(times),
        statistics.quantiles(times, n=20)[-1],
    )
    busy = f", load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""
    spread = f"5 % {low:.0f}, 95 % {high:.0f}, {len(times)} moves{busy}"
    yield f"a  slider to exact picture  median {middle:.0f} ms  ({spread})"


def sampled() -> Iterator[str]:
    """(b) The calls that the page's programs make."""
    torch.set_num_threads(1)

    def function(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.sin(x * y) + x**2

    y = torch.tensor(2.0)
    xs = torch.linspace(-3, 3, 601)
    curve = torch.vmap(torch.func.grad_and_value(lambda x: function(x, y)))
    side = torch.linspace(-3, 3, 61)
    first, second = (one.flatten() for one in torch.meshgrid(side, side, indexing="xy"))
    field = torch.vmap(torch.func.grad_and_value(function, argnums=(0, 1)))
    calls: dict[str, Callable[[], object]] = {
        "curve of 601": lambda: curve(xs),
        "field of 61 x 61": lambda: field(first, second),
    }
    for name, call in calls.items():
        yield f"b  {name}  median {1000 * median(call, 51):.2f} ms of torch"


def main() -> None:
    """Print all of it."""
    for measure in (sampled, slider):
        for line in measure():
            print(line, flush=True)


if __name__ == "__main__":
    main()
