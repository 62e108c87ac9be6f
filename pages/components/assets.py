"""Our own browser code: the files beside this one, served under a content hash.

    loader("stage")  ->  inline JavaScript that imports .../assets/<hash>/stage.js
    css("stage")     ->  the text of stage.css
    routes()         ->  what answers those addresses

All scripts share one hash, that of everything served here, so a module imports its neighbours by plain relative names
(`import { draw } from "./draw.js"`) and a changed file changes every address: answers may be cached for a year.
`plotly.js` is the one of the installed plotly package; it is in the same folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_JAVASCRIPT = "text/javascript; charset=utf-8"
_HASH_LENGTH = 16


@cache
def scripts() -> dict[str, Path]:
    """Every script that is served, by file name. Raises ModuleNotFoundError where plotly is not installed."""
    found = {path.name: path for path in sorted(_FOLDER.glob("*.js"))}
    return {**found, "plotly.js": _plotly()}


@cache
def content_hash() -> str:
    """One hash over the names and contents of all scripts, as it stands in their addresses."""
    digest = hashlib.sha256()
    for name, path in scripts().items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:_HASH_LENGTH]


def address(name: str) -> str:
    """Where the script of that file name is served, relative to the app's root. Raises KeyError for others."""
    if name not in scripts():
        raise KeyError(name)
    return f"assets/{content_hash()}/{name}"


def loader(name: str) -> str:
    """Inline JavaScript for `st.components.v2.component(js=...)` that hands on the default export of `<name>.js`.

    The address is resolved against the one of Streamlit's own script, so it also holds on every page and behind a proxy
    that adds a prefix. The line break marks the text as code and not as the name of a file.
    """
    path = json.dumps(f"../../{address(f'{name}.js')}")
    return (
        'const root = document.querySelector("script[type=module][src]").src;\n'
        f"export default (await import(new URL({path}, root).href)).default;\n"
    )


def css(name: str) -> str:
    """The text of `<name>.css`, for `st.components.v2.component(css=...)`."""
    return (_FOLDER / f"{name}.css").read_text(encoding="utf-8")


def routes() -> list[Route]:
    """What serves the scripts: `/assets/<hash>/<name>`. An old hash is not found, so nothing stale is ever cached."""
    return [Route("/assets/{hash}/{name}", _serve, methods=["GET", "HEAD"])]


async def _serve(request: Request) -> Response:
    name, asked = request.path_params["name"], request.path_params["hash"]
    if asked != content_hash() or name not in scripts():
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    etag = f'"{asked}-{name}"'
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={**_HEADERS, "ETag": etag})
    return FileResponse(scripts()[name], media_type=_JAVASCRIPT, headers={**_HEADERS, "ETag": etag})


def _plotly() -> Path:
    # Found without being imported: importing plotly costs 20 MB, and pages without charts never need it.
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'plotly'", name="plotly")
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"
