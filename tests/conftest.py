"""What every test shares: one switch for the goldens, one browser, and property tests that do not race the clock."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.run import NO_BROWSER, find_browser

# Small tensors gain nothing from a second thread, and wait for it where another process has the core. Read by torch and
# NumPy when they are imported, here and in what the tests start.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

# Examples found once are found again, and a busy machine fails nothing.
settings.register_profile("project", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("project")

LONGEST = ("browser/test_regression", "browser/test_program", "browser/")


def pytest_addoption(parser: pytest.Parser) -> None:
    """--rewrite-goldens writes what the programs give now; the difference is then read by a person."""
    parser.addoption("--rewrite-goldens", action="store_true", help="write tests/goldens/ anew instead of comparing")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, so that all workers end together."""

    def place(item: pytest.Item) -> int:
        return next((place for place, name in enumerate(LONGEST) if name in item.nodeid), len(LONGEST))

    items.sort(key=place)


@pytest.fixture(scope="session")
def rewrite_goldens(pytestconfig: pytest.Config) -> bool:
    """Whether goldens are to be written instead of compared."""
    return bool(pytestconfig.getoption("--rewrite-goldens"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a real Chromium. Without one the test fails: a page that nobody opened is not tested."""
    path = find_browser()
    if path is None:
        pytest.fail(NO_BROWSER)
    return path
