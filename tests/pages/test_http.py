"""What every answer passes through: compression, security headers, the fence rule."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import streamlit
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.components.http import Compression, Loopback, SecurityHeaders, content_policy
from tests.pages.asgi import GZIP, request

TEXT = b"values flow forward, gradients flow back\n" * 200


def answering(body: bytes = TEXT, media: str = "text/html", status: int = 200, **headers: str) -> ASGIApp:
    """An app that always gives this answer, and counts how often it was asked."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, named, media)


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that answers with server-sent events."""
    await StreamingResponse(iter([TEXT]), media_type="text/event-stream")(scope, receive, send)


def test_text_is_compressed_and_says_so() -> None:
    """The length is that of what is sent, the content the same, and caches keep the two forms apart."""
    answer = request(Compression(answering(etag='"one"')), headers=GZIP)
    assert gzip.decompress(answer.body) == TEXT
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(answer.body) < len(TEXT) / 5
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["etag"] == 'W/"one"'


@pytest.mark.parametrize(
    ("app", "headers"),
    [
        pytest.param(answering(), {}, id="the browser did not ask"),
        pytest.param(answering(b"short"), GZIP, id="too short to gain"),
        pytest.param(answering(media="image/png"), GZIP, id="an image"),
        pytest.param(answering(status=404), GZIP, id="an error"),
        pytest.param(answering(status=206), GZIP, id="a part of a file"),
        pytest.param(answering(content_encoding="br"), GZIP, id="compressed already"),
        pytest.param(streaming, GZIP, id="a stream"),
    ],
)
def test_other_answers_pass_untouched(app: ASGIApp, headers: dict[str, str]) -> None:
    """Byte for byte, and without a claim that they were compressed."""
    plain, answer = request(app), request(Compression(app), headers=headers)
    assert answer.body == plain.body
    assert answer.headers.get("content-encoding") == plain.headers.get("content-encoding")


def test_an_immutable_answer_is_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred students who open the page cost one compression of each file."""
    calls: list[bytes] = []

    def deflate(body: bytes) -> bytes:
        calls.append(body)
        return gzip.compress(body)

    monkeypatch.setattr("pages.components.http._deflate", deflate)
    fixed = Compression(answering(cache_control="public, immutable"))
    assert {request(fixed, headers=GZIP).body for _ in range(3)} == {request(fixed, headers=GZIP).body}
    assert len(calls) == 1
    changing = Compression(answering(cache_control="no-cache"))
    for _ in range(3):
        assert gzip.decompress(request(changing, headers=GZIP).body) == TEXT
    assert len(calls) == 4


def test_the_kept_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many addresses are asked for."""
    monkeypatch.setattr("pages.components.http._CACHE_SIZE", 1_000)
    app = Compression(answering(cache_control="immutable"))
    for number in range(200):
        request(app, f"/{number}", headers=GZIP)
    assert sum(map(len, app._kept.values())) == app._size <= 1_000


INDEX = Path(streamlit.__file__).parent / "static" / "index.html"


def test_every_answer_says_what_the_browser_may_load() -> None:
    """From this server only, and no script that is not a file of it, a component's blob, or Streamlit's one line."""
    answer = request(SecurityHeaders(answering(), index=INDEX))
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["connect-src"].split()[0] == "'self'"
    assert "unsafe" not in policy["script-src"].replace("'wasm-unsafe-eval'", "")
    assert not any("http" in value or "*" in value for value in policy.values())
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


def test_the_policy_allows_the_inline_script_of_this_streamlit() -> None:
    """Its hash is computed from the installed page, so another version of Streamlit needs no change here."""
    assert "'sha256-" in content_policy(INDEX.read_text("utf-8"))
    assert "'sha256-" not in content_policy("<html></html>")


@pytest.mark.parametrize(
    ("query", "ancestors"), [("", "'self'"), ("embed=true", "*"), ("embed=false", "'self'"), ("x=embed=true", "'self'")]
)
def test_only_a_link_that_asks_may_stand_in_a_foreign_frame(query: str, ancestors: str) -> None:
    """Lessons embed with embed=true."""
    answer = request(SecurityHeaders(answering(), index=INDEX), query=query)
    assert answer.headers["content-security-policy"].endswith(f"frame-ancestors {ancestors}")


def test_metrics_are_for_this_machine() -> None:
    """They count visitors."""
    app = SecurityHeaders(answering(), index=INDEX)
    assert request(app, "/_stcore/metrics").status == 200
    assert request(app, "/_stcore/metrics", client="192.0.2.7").status == 404


STRANGERS: list[tuple[str, dict[str, str]]] = [
    ("192.0.2.7", {}),
    ("2001:db8::1", {}),
    ("127.0.0.1", {"x-forwarded-for": "192.0.2.7"}),
    ("127.0.0.1", {"host": "rebound.example"}),
    ("127.0.0.1", {"host": ""}),
]
NEIGHBOURS: list[tuple[str, dict[str, str]]] = [
    ("127.0.0.1", {}),
    ("127.8.0.1", {}),
    ("::1", {"host": "[::1]:8501"}),
    ("::ffff:127.0.0.1", {"host": "127.0.0.1"}),
]


@pytest.mark.parametrize(("client", "headers"), STRANGERS)
def test_without_a_strong_fence_strangers_get_a_sentence(client: str, headers: dict[str, str]) -> None:
    """Neither pages nor the websocket on which programs arrive."""
    closed = Loopback(answering(), open_to_all=lambda: False, reason=lambda: "only here")
    answer = request(closed, client=client, headers=headers)
    assert (answer.status, answer.body) == (403, b"only here")
    assert request(closed, client=client, headers=headers, kind="websocket").status == 1008
    opened = Loopback(answering(), open_to_all=lambda: True, reason=lambda: "only here")
    assert request(opened, client=client, headers=headers).body == TEXT


@pytest.mark.parametrize(("client", "headers"), NEIGHBOURS)
def test_without_a_strong_fence_this_machine_is_answered(client: str, headers: dict[str, str]) -> None:
    """By whichever local name it asks."""
    app = Loopback(answering(), open_to_all=lambda: False, reason=lambda: "only here")
    assert request(app, client=client, headers=headers).body == TEXT


def test_the_start_of_the_server_is_no_stranger() -> None:
    """The lifespan has no client and must pass."""
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    request(Loopback(app, open_to_all=lambda: False, reason=str), kind="lifespan")
    assert seen == ["lifespan"]
