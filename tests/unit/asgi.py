"""Asks an ASGI application directly, without a server: one request, or one WebSocket."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

HOST = "127.0.0.1:8420"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Browser:
    """Asks under one address, and keeps cookies as a browser does."""

    app: ASGIApp
    address: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookie: str = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, b"", headers)

    def post_form(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        body = urlencode(form).encode()
        return self._ask("POST", path, body, {"origin": f"http://{HOST}", **headers})

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        kind = {"content-type": "application/json", "origin": f"http://{HOST}"}
        return self._ask("POST", path, json.dumps(body).encode(), kind | headers)

    def listen(self, until_closed: float = 20.0) -> list[dict[str, Any]]:
        """Open the live connection and keep it until the server closes it; what it sent."""
        return asyncio.run(self._listen(until_closed))

    async def _listen(self, seconds: float) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        closed = asyncio.Event()
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                await closed.wait()
                return {"type": "websocket.disconnect", "code": 1000}
            asked = True
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if message["type"] == "websocket.close":
                closed.set()

        headers = {"origin": f"http://{HOST}"}
        scope = self._scope("websocket", "/api/live", headers)
        async with asyncio.timeout(seconds):
            await self.app(scope, receive, send)
        return sent

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        headers = {**headers, "content-length": str(len(body))}
        scope = self._scope("http", path, headers) | {"method": method}
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        async def ask() -> None:
            await self.app(scope, receive, send)

        asyncio.run(ask())
        found = {key.decode(): value.decode() for key, value in sent[0].get("headers", [])}
        self._take(found.get("set-cookie", ""))
        content = b"".join(one.get("body", b"") for one in sent[1:])
        return Answer(sent[0]["status"], found, content)

    def _scope(self, kind: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
        every = {"host": HOST, **self.headers, **headers}
        if self.cookies:
            every["cookie"] = "; ".join(f"{name}={one}" for name, one in self.cookies.items())
        return {
            "type": kind,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "ws" if kind == "websocket" else "http",
            "http_version": "1.1",
            "server": ("127.0.0.1", 8420),
            "client": (self.address, 50_000),
            "headers": [
                (key.replace("_", "-").encode(), one.encode()) for key, one in every.items()
            ],
        }

    def _take(self, given: str) -> None:
        if given:
            self.set_cookie = given
        for name, morsel in SimpleCookie(given).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
