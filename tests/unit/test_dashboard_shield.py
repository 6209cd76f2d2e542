"""What stands in front of every request, asked directly."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from pyros_mqtt.dashboard.shield import Shield

OWN = "127.0.0.1:8420"


async def inside(scope: Any, receive: Any, send: Any) -> None:
    """An application that lets everybody in."""
    del receive
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


def asked(kind: str, method: str, **headers: str) -> tuple[Any, dict[str, str]]:
    """Ask once: the status, or the kind of answer to a WebSocket, and the answer's headers."""
    given = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    scope = {"type": kind, "method": method, "path": "/", "headers": given}
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": f"{kind}.connect" if kind == "websocket" else "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Shield(inside, ("dash.example",))(scope, receive, send))
    first = sent[0]
    answered = {key.decode(): value.decode() for key, value in first.get("headers", [])}
    return first.get("status", first["type"]), answered


@pytest.mark.parametrize(
    "host",
    [OWN, "localhost", "[::1]:8420", "dash.example", "DASH.example:443", "10.0.0.7:8420"],
)
def test_the_page_is_given_under_its_own_names(host: str) -> None:
    status, headers = asked("http", "GET", host=host)
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


def test_the_machines_own_name_is_one_of_them() -> None:
    assert asked("http", "GET", host=socket.gethostname())[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "", "dash.example.evil.example", "[", "127.0.0.1.evil"]
)
def test_a_strangers_name_is_refused(host: str) -> None:
    status, headers = asked("http", "GET", host=host, origin=f"http://{host}")
    assert status == 403
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (f"http://{OWN}", 200), (f"https://{OWN}", 200), ("", 403), ("null", 403),
        ("http://127.0.0.1:9999", 403), ("http://evil.example", 403), ("http://[", 403),
    ],
)  # fmt: skip
def test_whatever_changes_something_needs_the_pages_own_origin(origin: str, status: int) -> None:
    assert asked("http", "POST", host=OWN, origin=origin)[0] == status
    kind = "websocket.accept" if status == 200 else "websocket.close"
    assert asked("websocket", "", host=OWN, origin=origin)[0] == kind


def test_a_body_that_is_too_large_or_has_no_end_is_refused() -> None:
    right = {"host": OWN, "origin": f"http://{OWN}"}
    assert asked("http", "POST", **right, content_length="1000")[0] == 200
    for length in ("300001", "-1", "1e3", "9" * 5000):
        assert asked("http", "POST", **right, content_length=length)[0] == 403
    assert asked("http", "POST", **right, transfer_encoding="chunked")[0] == 403
