"""What stands in front of every request: which hosts, which origins, and strict headers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pyros_mqtt.dashboard.entrance import LOGIN

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    # no text can become markup: only lit-html's own templates, which are constants, may
    "require-trusted-types-for 'script'",
    "trusted-types lit-html",
)

_LOGIN_POLICY = tuple(
    "form-action 'self'" if one.startswith("form-action") else one for one in _POLICY
)

HEADERS = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

LOGIN_HEADERS = HEADERS | {
    "Content-Security-Policy": "; ".join(_LOGIN_POLICY),
    # without a referrer a browser's form has no Origin either, and could be anybody's
    "Referrer-Policy": "same-origin",
}
"""Of the login page, which is a form without JavaScript."""

LARGEST = 300_000
"""Bytes of a request's body; a command may have 256 KiB."""


class Shield:
    """Refuses strangers before the application sees them, and adds headers to every answer.

    A name that is not ours in `Host` is a page elsewhere that had its name resolved to us (DNS
    rebinding). Whatever changes something, and every WebSocket, needs an `Origin` that is ours.

    Args:
        app: what is shielded.
        names: hosts under which the page may be asked for, besides this machine's own.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = {one.lower() for one in names} | _own_names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trouble = self._trouble(scope, headers)
        if scope["type"] == "websocket":
            if trouble:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": trouble})
            else:
                await self._app(scope, receive, send)
            return
        with_headers = _adding(send, LOGIN_HEADERS if scope["path"] == LOGIN else HEADERS)
        if trouble:
            await PlainTextResponse(trouble + "\n", 403)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _trouble(self, scope: Scope, headers: Headers) -> str:
        host = headers.get("host", "")
        if not self._is_ours(host):
            return "this host name is not the dashboard's; dashboard_names in the settings adds one"
        changes = scope["type"] == "websocket" or scope["method"] not in {"GET", "HEAD"}
        if not changes:
            return ""
        if headers.get("origin", "").partition("://")[2].lower() != host.lower():
            return "a request from another page"
        return "" if _is_short(headers) else "too large, or of unknown length"

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True  # a number cannot be rebound


def _is_short(headers: Headers) -> bool:
    length = headers.get("content-length", "0")
    return (
        "transfer-encoding" not in headers
        and len(length) < 10  # noqa: PLR2004 - digits
        and length.isdigit()
        and int(length) <= LARGEST
    )


def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    return {"localhost", name, name.partition(".")[0], f"{name.partition('.')[0]}.local"}


def _adding(send: Send, own: dict[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in own.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers
