"""Our own browser code: one hash, addresses that never change their content, everything that components ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.routing import Router

from pages.components import assets
from tests.pages.asgi import Answer, request

FOLDER = Path(assets.__file__).parent


def get(address: str, **headers: str) -> Answer:
    """Ask the routes for an address."""
    return request(Router(assets.routes()), address, headers={name.replace("_", "-"): v for name, v in headers.items()})


@pytest.mark.parametrize("name", sorted(assets.scripts()))
def test_every_script_is_served_for_ever(name: str) -> None:
    """As JavaScript, cacheable for a year, because its address changes when anything does."""
    answer = get(f"/{assets.address(name)}")
    assert (answer.status, answer.body) == (200, assets.scripts()[name].read_bytes())
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    again = get(f"/{assets.address(name)}", if_none_match=f"W/{answer.headers['etag']}")
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "address", ["/assets/0123456789abcdef/editor.js", "/assets/{hash}/assets.py", "/assets/{hash}/x"]
)
def test_nothing_else_is_served(address: str) -> None:
    """Neither under an old hash, where a new answer would be cached as the old one, nor a file that is no script."""
    answer = get(address.format(hash=assets.content_hash()))
    assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")


def test_plotly_comes_from_the_installed_package() -> None:
    """Never from the internet and never copied here."""
    assert assets.scripts()["plotly.js"].parts[-3:] == ("plotly", "package_data", "plotly.min.js")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.js")), ids=lambda path: path.name)
def test_imports_between_scripts_hold(path: Path) -> None:
    """A script names its neighbours relatively, and they exist; nothing is fetched from another host."""
    text = path.read_text("utf-8")
    for target in re.findall(r"""^(?:import|export)\b[^;="']*["']([^"']+)["'];|\bimport\(["']([^"']+)""", text, re.M):
        named = "".join(target)
        assert named.startswith("./")
        assert named[2:] in assets.scripts()
    assert not re.search(r"""["'`](https?:)?//""", re.sub(r"http://www\.w3\.org/\S+", "", text))


def test_the_loader_is_inline_code() -> None:
    """Streamlit takes a single line for the name of a file."""
    code = assets.loader("editor")
    assert "\n" in code.strip()
    assert assets.address("editor.js") in code
    with pytest.raises(KeyError):
        assets.loader("no_such_script")


def test_styles_are_text() -> None:
    """Every stylesheet here can be given to a component, and asks nobody else for anything."""
    for path in FOLDER.glob("*.css"):
        assert not re.search(r"https?://|@import", assets.css(path.stem))
