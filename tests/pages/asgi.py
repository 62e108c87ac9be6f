"""One request to an ASGI app, without a server."""

from __future__ import annotations

from dataclasses import dataclass

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message

GZIP = {"accept-encoding": "gzip"}


@dataclass(frozen=True)
class Answer:
    """What came back. Of a refused websocket, the status is the code it was closed with; a lifespan has none."""

    status: int
    headers: Headers
    body: bytes


def request(
    app: ASGIApp,
    path: str = "/",
    *,
    method: str = "GET",
    query: str = "",
    client: str = "127.0.0.1",
    headers: dict[str, str] | None = None,
    kind: str = "http",
) -> Answer:
    """Send it and wait for the whole answer."""
    sent: list[Message] = []

    asked: list[Message] = [
        {"type": "http.request" if kind == "http" else "websocket.connect", "body": b"", "more_body": False}
    ]

    async def receive() -> Message:
        if not asked:
            await anyio.sleep_forever()  # the client waits
        return asked.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    named = {"host": "localhost:8501"} | (headers or {})
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "client": (client, 5000),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    anyio.run(app, scope, receive, send)
    if kind == "lifespan":
        return Answer(0, Headers(), b"")
    if kind == "websocket":
        return Answer(sent[0].get("code", 101), Headers(), b"")
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], Headers(raw=sent[0]["headers"]), body)
