"""Somebody on a loopback who is none of ours: says any bytes, and hears everything."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

from pyros_mqtt.loopback import Loopback
from pyros_mqtt.transport import Delivery, Parcel


class Stranger:
    """A raw client on a bus in the process. Everything it hears is kept, in order."""

    def __init__(self, bus: Loopback, *patterns: str, name: str = "stranger") -> None:
        self.heard: list[Delivery] = []
        self._news = threading.Condition()
        self.transport = bus.transport(name)
        self.transport.on_state(self._notice)
        for pattern in patterns:
            self.transport.subscribe(pattern, self._hear)

    def __enter__(self) -> Self:
        self.transport.open()
        self.wait(lambda: self.transport.is_up)
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def say(self, topic: str, payload: bytes | str | dict[str, Any], **more: Any) -> None:
        """Publish; a dictionary becomes JSON."""
        if isinstance(payload, dict):
            payload = json.dumps(payload)
        data = payload.encode() if isinstance(payload, str) else payload
        self.transport.publish(Parcel(topic, data, **more))

    def on(self, topic: str) -> list[dict[str, Any]]:
        """What has come on one topic so far, read as JSON."""
        with self._news:
            return [json.loads(one.payload) for one in self.heard if one.topic == topic]

    def states(self, topic: str, command_id: str | None = None) -> list[str]:
        """The states reported on one topic, of one command or of all."""
        return [r["state"] for r in self.on(topic) if command_id in {None, r.get("id")}]

    def wait(self, is_true: Callable[[], Any], timeout: float = 5.0) -> Any:
        """Wait until `is_true` says so, and return what it said."""
        with self._news:
            answer = self._news.wait_for(is_true, timeout)
        assert answer, f"not true within {timeout} s; heard {self.heard[-5:]}"
        return answer

    def wait_for_end(self, topic: str, command_id: str) -> dict[str, Any]:
        """Wait for the terminal report of one command."""
        reports: Sequence[dict[str, Any]] = self.wait(
            lambda: [
                r
                for r in self.on(topic)
                if r.get("id") == command_id and r["state"] not in {"accepted", "running"}
            ]
        )
        return reports[0]

    def _notice(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        del up
        with self._news:
            self._news.notify_all()

    def _hear(self, delivery: Delivery) -> None:
        with self._news:
            self.heard.append(delivery)
            self._news.notify_all()
