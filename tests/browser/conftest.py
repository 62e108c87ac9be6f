"""A real server and a real Chromium for every test in here: `app_url`, `browser_page`, `new_page`.

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
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START = 60.0  # seconds a server may take on a busy machine


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


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for the tests of a file: Playwright runs once at a time in a process."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield running
        running.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages of visitors who know nothing of each other. Takes what `Browser.new_context` takes.

    After the test, a page that threw an error, or asked anybody but the server, fails it.
    """
    faults: list[str] = []
    with ExitStack() as stack:

        def opened(**options: object) -> Page:
            context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))  # type: ignore[arg-type]
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(45_000)
            watch(context, page, faults)
            return page

        yield opened
    assert faults == []


@pytest.fixture
def browser_page(new_page: Callable[..., Page]) -> Page:
    """A page at 1440 x 900 in the light theme."""
    return new_page(color_scheme="light")


def watch(context: BrowserContext, page: Page, faults: list[str]) -> None:
    """Put what a page asks of other hosts, or complains of, on that list."""

    def asked(url: str) -> None:
        local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")
        if not url.startswith(local):
            faults.append(f"asked another host: {url}")

    def said(kind: str, text: str) -> None:
        # Streamlit looks for its server beside the page first: two answers "404" on every deep link.
        if kind == "error" and "404 (Not Found)" not in text:
            faults.append(f"console: {text}")

    context.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda opened: asked(opened.url))
    page.on("console", lambda message: said(message.type, message.text))
    page.on("pageerror", lambda error: faults.append(f"script: {error.stack or error}"))
