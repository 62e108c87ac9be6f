"""What every answer of the server passes through, as plain ASGI middleware.

request -> Loopback -> SecurityHeaders -> Visitors -> Compression -> Streamlit and our routes
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import anyio
from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COMPRESSIBLE = re.compile(
    r"text/(html|css|plain|javascript)|application/(javascript|json|wasm|manifest\+json)|image/svg\+xml|font/ttf"
)
_SMALLEST = 1_000  # bytes; below it a header costs more than it saves
_IN_THREAD = 50_000  # bytes; above it compressing takes over a millisecond and leaves the event loop
_CACHE_SIZE = 16_000_000  # bytes of compressed answers kept; Streamlit's front end and plotly together take 4 MB


class Compression:
    """Compresses whole text answers with gzip, and keeps the compressed form of immutable ones.

    Streamlit serves its 2.6 MB of front end raw. Streams, ranges and what is compressed already pass untouched.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._size = 0
        self._lock = anyio.Lock()  # a class that opens the page together compresses each file once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _Compressor(self, scope["path"], send))

    async def compressed(self, path: str, headers: Headers, body: bytes) -> bytes:
        """The body in gzip form; kept if the answer says that it never changes."""
        if "immutable" not in headers.get("cache-control", ""):
            return await _gzip(body)
        key = (path, headers.get("etag", str(len(body))))
        async with self._lock:
            if key not in self._kept:
                self._keep(key, await _gzip(body))
            self._kept.move_to_end(key)
            return self._kept[key]

    def _keep(self, key: tuple[str, str], body: bytes) -> None:
        self._kept[key] = body
        self._size += len(body)
        while self._size > _CACHE_SIZE and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1])


class _Compressor:
    """The `send` of one request: holds a compressible answer back until it is whole."""

    def __init__(self, compression: Compression, path: str, send: Send) -> None:
        self._compression = compression
        self._path = path
        self._send = send
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_compressible(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body, headers = bytes(self._body), MutableHeaders(scope=start)
        # The answer to HEAD has no body; its length stays that of the plain form.
        if len(body) >= _SMALLEST:
            body = await self._compression.compressed(self._path, headers, body)
            headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(len(body))
            if (etag := headers.get("etag")) and not etag.startswith("W/"):
                headers["ETag"] = f"W/{etag}"  # same content, another form of it
        headers.add_vary_header("Accept-Encoding")
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_compressible(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return (
        start["status"] == 200
        and "content-encoding" not in headers
        and _COMPRESSIBLE.match(headers.get("content-type", "")) is not None
        and int(headers.get("content-length", "0")) >= _SMALLEST
    )


async def _gzip(body: bytes) -> bytes:
    return _deflate(body) if len(body) < _IN_THREAD else await to_thread.run_sync(_deflate, body)


def _deflate(body: bytes) -> bytes:
    return zlib.compress(body, level=6, wbits=31)


class SecurityHeaders:
    """Tells the browser to load nothing from elsewhere and to run no script but ours and Streamlit's.

    A page may stand in another site's frame only when its link asks for it (`embed=true`), as lessons do. Streamlit's
    metrics are answered on this machine only.
    """

    def __init__(self, app: ASGIApp, *, index: Path) -> None:
        self.app = app
        self._policy = content_policy(index.read_text(encoding="utf-8"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"].endswith("/_stcore/metrics") and not is_loopback(scope):
            await _refuse(scope, send, 404, "")
            return
        ancestors = "*" if _is_embedded(scope) else "'self'"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", f"{self._policy}; frame-ancestors {ancestors}")
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # a link holds a learner's program
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def content_policy(index: str) -> str:
    """The Content-Security-Policy for Streamlit's index page of that text, without frame-ancestors.

    Inline scripts of the page are allowed by their hashes. Components come from blob: addresses; Streamlit's front
    end is full of inline styles and has WebAssembly parts.
    """
    inline = re.findall(r"<script>(.*?)</script>", index, flags=re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' blob: 'wasm-unsafe-eval' {allowed}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        ]
    )


def _is_embedded(scope: Scope) -> bool:
    return "true" in parse_qs(scope.get("query_string", b"").decode("latin-1")).get("embed", [])


VISITOR = "visitor"
"""The cookie that names a browser until it is closed. No script of a page can read it."""


class Visitors:
    """Gives a browser its name together with the first page it opens.

    A page's script runs when its socket is there, and the browser sends the name with that: so a reload finds what the
    first visit began. Streamlit's own cookie comes later than the first script.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; one for a page from a browser without a name brings it one."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or "text/html" not in headers.get("accept", ""):
            await self.app(scope, receive, send)
            return
        if VISITOR in cookie_parser(headers.get("cookie", "")):
            await self.app(scope, receive, send)
            return

        async def send_with_name(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure = "; Secure" if scope.get("scheme") == "https" else ""
                cookie = f"{VISITOR}={secrets.token_urlsafe(18)}; Path=/; HttpOnly; SameSite=Lax{secure}"
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self.app(scope, receive, send_with_name)


class Loopback:
    """Answers visitors on this machine only, unless `open_to_all()`: the rule where programs run behind a weak fence.

    `reason()` is the sentence that others get. A request that a proxy passed on comes from elsewhere; one that names
    another host may be a foreign page's.
    """

    def __init__(self, app: ASGIApp, *, open_to_all: Callable[[], bool], reason: Callable[[], str]) -> None:
        self.app = app
        self._open_to_all = open_to_all
        self._reason = reason

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse one request."""
        if scope["type"] == "lifespan" or self._open_to_all() or is_loopback(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(scope, send, 403, self._reason())


def is_loopback(scope: Scope) -> bool:
    """Whether the request comes from this machine, asks for it by a local name, and was passed on by nobody."""
    headers = Headers(scope=scope)
    forwarded = any(name in headers for name in ("forwarded", "x-forwarded-for", "x-real-ip"))
    client = scope.get("client")
    return not forwarded and client is not None and _is_local(client[0]) and _is_local(_host_name(headers))


def _host_name(headers: Headers) -> str:
    host = headers.get("host", "")
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _is_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


async def _refuse(scope: Scope, send: Send, status: int, sentence: str) -> None:
    body = b"" if scope["method"] == "HEAD" else sentence.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
