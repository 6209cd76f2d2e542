"""Where a broker is, as people write it: `mqtts://user:secret@broker.example:8883`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pyros_mqtt.errors import SettingsError

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
"""The schemes that are understood, and the port of each where the URL has none."""

EXAMPLE = "mqtt://localhost:1883"

HIDDEN = "********"

_WEBSOCKET = {"ws", "wss"}
_SCHEME = re.compile(r"\s*[a-z]+://", re.IGNORECASE)
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """The address of one broker. Printing it never shows the password.

    `path` is the websocket's path, empty for plain MQTT.
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> BrokerUrl:
        """Read one URL; `host` and `host:port` alone are taken for `mqtt://`.

        Raises:
            SettingsError: it is none; says which part is wrong, without the password.
        """
        text = text.strip()
        if "://" not in text:
            text = f"mqtt://{text}"
        try:
            parts = urlsplit(text)
            wrong = _what_is_wrong(parts, quotes="@" not in text)
        except ValueError:  # urllib's own text would show the password
            wrong = "it cannot be read as a URL"
        if wrong:
            raise SettingsError(f"{concealed(text)!r}: {wrong}; right would be {EXAMPLE!r}")
        return cls._from_parts(parts)

    @classmethod
    def _from_parts(cls, parts: SplitResult) -> BrokerUrl:
        return cls(
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=int(_port(parts) or DEFAULT_PORTS[parts.scheme]),
            path=(parts.path.rstrip("/") or "/mqtt") if parts.scheme in _WEBSOCKET else "",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    @property
    def is_tls(self) -> bool:
        """The connection is encrypted."""
        return self.scheme in {"mqtts", "wss"}

    @property
    def is_websocket(self) -> bool:
        """MQTT travels inside a websocket."""
        return self.scheme in _WEBSOCKET

    @property
    def is_loopback(self) -> bool:
        """The broker runs on this very machine."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")

    def __str__(self) -> str:
        """As a URL that may be shown: with the user's name, without the password."""
        user = f"{quote(self.username)}@" if self.username else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{user}{host}:{self.port}{self.path}"


def concealed(text: str) -> str:
    """Hide all before the last `@`: in a URL that is mistyped the password may be anywhere."""
    secret, at, address = text.rpartition("@")
    if not at:
        return text
    scheme = _SCHEME.match(secret)
    return f"{scheme[0] if scheme else ''}{HIDDEN}@{address}"


def _what_is_wrong(parts: SplitResult, *, quotes: bool) -> str:
    """Name the first part of a URL that is wrong, or nothing; quote it if it is no secret."""

    def said(part: str) -> str:
        return f" {part!r}" if quotes else ""

    port = _port(parts)
    if parts.scheme not in DEFAULT_PORTS:
        return f"the scheme{said(parts.scheme)} is not one of {', '.join(DEFAULT_PORTS)}"
    if parts.query or parts.fragment:
        return "'?' and '#' have no place in it (in a password write %3F and %23)"
    if not parts.hostname or set(parts.hostname) & set(" \t,;"):
        return "the host is missing, or holds a space, a comma or a semicolon"
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) <= _HIGHEST_PORT):
        return f"the port{said(port)} is not a number from 1 to {_HIGHEST_PORT}"
    if parts.path.strip("/") and parts.scheme not in _WEBSOCKET:
        return f"a path{said(parts.path)} is for ws:// and wss:// only"
    return ""


def _port(parts: SplitResult) -> str:
    """Take the port as it was written; urllib's `port` refuses a bad one without showing it."""
    address = parts.netloc.rpartition("@")[2]
    return address.rpartition("]")[2].partition(":")[2]
