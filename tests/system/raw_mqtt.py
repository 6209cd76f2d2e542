"""An MQTT 3.1.1 client of a few lines, as a microcontroller has one: no library, one socket.

It speaks plain packets, and may be held to a largest packet, as small devices are.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from pyros_mqtt.settings import BrokerUrl

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
PINGREQ, PINGRESP, DISCONNECT = 0xC0, 0xD0, 0xE0


@dataclass(frozen=True)
class Message:
    """One message that came."""

    topic: str
    payload: bytes
    retain: bool

    @property
    def body(self) -> dict[str, Any]:
        """The payload read as a JSON object."""
        body: dict[str, Any] = json.loads(self.payload)
        return body


@dataclass(frozen=True)
class Will:
    """What the broker says when this client is gone."""

    topic: str
    payload: bytes
    retain: bool = True


class RawClient:
    """One connection; every wait has a deadline. For one thread.

    Args:
        limit: bytes of the largest packet that it can hold, its own and those that come.
        login: name and password.
        tls: how it speaks TLS; None: plainly.
        clean: it leaves nothing behind, and takes up nothing that was left.
    """

    def __init__(  # noqa: PLR0913 - what a connection may be told
        self,
        url: BrokerUrl,
        client_id: str = "",
        *,
        will: Will | None = None,
        keepalive: int = 60,
        limit: int | None = None,
        login: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        clean: bool = True,
    ) -> None:
        self._limit = limit
        self._mid = 0
        self._waiting: deque[Message] = deque()
        self._acks: deque[tuple[int, bytes]] = deque()
        self._socket = socket.create_connection((url.host, url.port), timeout=5)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flags = (0x02 if clean else 0) | (0xC0 if login else 0)
        flags |= (0x04 if will else 0) | (0x20 if will and will.retain else 0)
        body = _text(b"MQTT") + bytes([4, flags]) + keepalive.to_bytes(2, "big")
        body += _text(client_id.encode())
        if will is not None:
            body += _text(will.topic.encode()) + _text(will.payload)
        body += b"".join(_text(one.encode()) for one in login or ())
        try:
            if tls is not None:
                self._socket = tls.wrap_socket(self._socket, server_hostname=url.host)
            self.send(CONNECT, body)
            welcome = self._await(CONNACK)
            assert welcome[1] == 0, f"the broker refuses us: {welcome!r}"
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def publish(
        self,
        topic: str,
        payload: bytes | str | dict[str, Any],
        *,
        qos: int = 0,
        retain: bool = False,
    ) -> None:
        """Publish; with QoS 1 the broker's acknowledgement is waited for."""
        if isinstance(payload, dict):
            payload = json.dumps(payload)
        data = payload.encode() if isinstance(payload, str) else payload
        body = _text(topic.encode())
        if qos:
            self._mid = self._mid % 65535 + 1
            body += self._mid.to_bytes(2, "big")
        self.send(PUBLISH | (qos << 1) | retain, body + data)
        if qos:
            self._await(PUBACK)

    def subscribe(self, *patterns: str, qos: int = 1) -> Self:
        """Subscribe, and wait until the broker has confirmed it."""
        for pattern in patterns:
            self._mid = self._mid % 65535 + 1
            self.send(
                SUBSCRIBE, self._mid.to_bytes(2, "big") + _text(pattern.encode()) + bytes([qos])
            )
            answer = self._await(SUBACK)
            assert answer[2] < 0x80, f"{pattern} is refused"
        return self

    def ping(self) -> None:
        """Keep the connection alive."""
        self.send(PINGREQ, b"")

    def drain(self) -> list[Message]:
        """Give all that the broker has written to us, at QoS 0, up to this question."""
        self.send(PINGREQ, b"")
        self._await(PINGRESP)
        messages = list(self._waiting)
        self._waiting.clear()
        return messages

    def next(self, timeout: float = 10.0) -> Message:
        """The next message.

        Raises:
            TimeoutError: none has come.
        """
        deadline = time.monotonic() + timeout
        while not self._waiting:
            self._read(deadline)
        return self._waiting.popleft()

    def until(self, wanted: Callable[[Message], Any], timeout: float = 30.0) -> Message:
        """Pass over messages until one is wanted."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.next(max(0.001, deadline - time.monotonic()))
            if wanted(message):
                return message

    def hears_nothing(self, seconds: float) -> bool:
        """Whether no message comes for a while."""
        try:
            self.next(seconds)
        except TimeoutError:
            return True
        return False

    def close(self) -> None:
        """Say goodbye, so that no will is spoken."""
        with contextlib.suppress(OSError):
            self.send(DISCONNECT, b"")
        self._socket.close()

    def vanish(self) -> None:
        """Go without a goodbye."""
        self._socket.close()

    def send(self, kind: int, body: bytes) -> None:
        """Send one packet, whatever it holds."""
        packet = bytes([kind]) + _length(len(body)) + body
        assert self._limit is None or len(packet) <= self._limit, "this packet is too large for us"
        self._socket.sendall(packet)

    def send_bytes(self, data: bytes) -> None:
        """Send what may be no packet at all."""
        self._socket.sendall(data)

    def _await(self, kind: int) -> bytes:
        deadline = time.monotonic() + 10
        while not self._acks or self._acks[0][0] != kind:
            self._read(deadline)
        return self._acks.popleft()[1]

    def _read(self, deadline: float) -> None:
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))
        kind, body = self._packet()
        if kind & 0xF0 != PUBLISH:
            if kind in {CONNACK, PUBACK, SUBACK, PINGRESP}:
                self._acks.append((kind, body))
            return
        end = 2 + int.from_bytes(body[:2], "big")
        topic, rest = body[2:end].decode(), body[end:]
        if kind & 0x06:
            self.send(PUBACK, rest[:2])
            rest = rest[2:]
        self._waiting.append(Message(topic, rest, bool(kind & 1)))

    def _packet(self) -> tuple[int, bytes]:
        kind, length, shift = self._exactly(1)[0], 0, 0
        while True:
            byte = self._exactly(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        assert self._limit is None or length <= self._limit, f"{length} bytes are too large for us"
        return kind, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the broker has closed the connection")
            data += more
        return data


def _text(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _length(number: int) -> bytes:
    data = b""
    while True:
        number, byte = divmod(number, 128)
        data += bytes([byte | (0x80 if number else 0)])
        if not number:
            return data
