"""A real server and a real Chromium for every test in here: `app_url`, `browser_page`, `calm_page`, `new_page`.

The server is the product's own, `uvicorn streamlit_app:app`, in a process of its own. The browser comes from the
fixture `chromium`; without one the tests fail. What a page asks of other hosts, or complains of, fails its test.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
UNUSED = (
    # what Playwright turns off itself: the last list is the only one that counts
    *("AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *(
        "DestroyProfileOnBrowserClose",
        "HttpsFirstBalancedModeAutoEnable",
        "HttpsUpgrades",
        "LensOverlay",
        "MediaRouter",
    ),
    *("NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"),
    *("TcpPortRandomizationWin", "ThirdPartyStoragePartitioning"),
    # pages of the browser's own behind its address bar, in every window: a quarter of what opening a page costs
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
)
"""Features of Chromium that no test needs."""
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(UNUSED)}",
)
START = 60.0  # seconds a server may take on a busy machine
SLOW = 60_000  # milliseconds that a step may take there: a fresh server loads torch in its children
expect.set_options(timeout=SLOW)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(*command: str, log: Path) -> Iterator[tuple[str, int]]:
    """A fresh server of that command ("{port}" is filled in): its address and process number. Ended afterwards."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _await(address, process, log)
        yield address, process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")


UVICORN = (sys.executable, "-m", "uvicorn", "streamlit_app:app", "--host", "127.0.0.1", "--port", "{port}")
STREAMLIT = (
    *(sys.executable, "-m", "streamlit", "run", "streamlit_app.py"),
    *("--server.address", "127.0.0.1", "--server.port", "{port}"),
)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The address and the process number of one server for all tests."""
    with serving(*UVICORN, log=tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def app_url(server: tuple[str, int]) -> str:
    """The address of the app, without a slash at its end."""
    return server[0]


class Visitors:
    """Visitors who know nothing of each other, in one Chromium.

    A visitor who leaves is forgotten but for the files of the server, which the next with the same options need not
    load again.
    """

    def __init__(self, browser: Browser) -> None:
        self._faults: list[str] = []
        self._browser = browser
        self._idle: dict[str, list[BrowserContext]] = {}

    @contextmanager
    def coming(self) -> Iterator[Callable[..., Page]]:
        """Gives the first page of one more visitor at each call, which takes what `Browser.new_context` takes.

        In the end they go, and nothing is left of what they did.
        """
        here: list[tuple[str, BrowserContext]] = []

        def page(**options: object) -> Page:
            options = {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"} | options
            kind = repr(sorted(options.items()))
            idle = self._idle.setdefault(kind, [])
            here.append((kind, idle.pop() if idle else self._context(options)))
            opened = here[-1][1].new_page()
            opened.set_default_timeout(SLOW)
            return opened

        yield page
        for kind, context in here:
            for left in context.pages:
                if left.url.startswith("http"):
                    left.evaluate("localStorage.clear()")
                left.close()
            context.clear_cookies()
            self._idle[kind].append(context)

    def faults(self) -> list[str]:
        """What pages asked of other hosts, or complained of, since this was asked last."""
        found, self._faults = self._faults, []
        return found

    def _context(self, options: dict[str, object]) -> BrowserContext:
        context = self._browser.new_context(**options)  # type: ignore[arg-type]
        context.on("request", lambda request: self._asked(request.url))
        context.on("page", lambda page: page.on("websocket", lambda opened: self._asked(opened.url)))
        context.on("console", lambda message: self._said(message.type, message.text))
        context.on("weberror", lambda thrown: self._faults.append(f"script: {thrown.error.stack or thrown.error}"))
        return context

    def _asked(self, url: str) -> None:
        local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")
        if not url.startswith(local):
            self._faults.append(f"asked another host: {url}")

    def _said(self, kind: str, text: str) -> None:
        # Streamlit looks for its server beside the page first: two answers "404" on every deep link.
        if kind == "error" and "404 (Not Found)" not in text:
            self._faults.append(f"console: {text}")


@pytest.fixture(scope="package")
def visitors(chromium: str) -> Iterator[Visitors]:
    """One Chromium for all files in here. Playwright stops with them: its loop is in the way of other tests' loops."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield Visitors(running)
        running.close()


@pytest.fixture
def new_page(visitors: Visitors) -> Iterator[Callable[..., Page]]:
    """Opens pages of visitors who know nothing of each other. Takes what `Browser.new_context` takes.

    After the test, a page that threw an error, or asked anybody but the server, fails it.
    """
    with visitors.coming() as page:
        yield page
    assert visitors.faults() == []


@pytest.fixture
def browser_page(new_page: Callable[..., Page]) -> Page:
    """A page at 1440 x 900 in the light theme."""
    return new_page()


@pytest.fixture
def calm_page(new_page: Callable[..., Page]) -> Page:
    """The same for a reader who asked for less motion, so that nothing is played back."""
    return new_page(reduced_motion="reduce")
