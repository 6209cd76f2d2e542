"""A transport that is driven by hand: what is published stays here, what comes is handed in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pyros_mqtt.topics import matches
from pyros_mqtt.transport import Delivery, Fate, Handler, OnFate, Parcel


class HandTransport:
    """Keeps the protocol of `Transport` without any thread."""

    def __init__(self, fate: str | None = Fate.TAKEN) -> None:
        self.fate = fate
        """What becomes of a parcel; None: nobody has said yet."""
        self.sent: list[Parcel] = []
        self.patterns: dict[str, Handler] = {}
        self._kept: dict[str, bytes] = {}
        self.is_up = True
        self.trouble = "cut by hand"
        self._states: list[Callable[[bool], None]] = []
        self._turns: list[Callable[[], None]] = []

    def open(self, will: Parcel | None = None) -> None:
        del will

    def close(self, timeout: float = 2.0) -> None:
        del timeout

    def publish(self, parcel: Parcel, on_fate: OnFate | None = None) -> None:
        if self.is_up:
            self.sent.append(parcel)
        fate = self.fate if self.is_up else Fate.DROPPED
        if on_fate is not None and fate is not None:
            on_fate(fate)

    def subscribe(self, pattern: str, handler: Handler) -> None:
        self.patterns[pattern] = handler
        for topic, payload in self._kept.items():
            if matches(pattern, topic):
                handler(Delivery(topic, payload, retain=True))

    def unsubscribe(self, pattern: str) -> None:
        self.patterns.pop(pattern)

    def on_state(self, callback: Callable[[bool], None]) -> None:
        self._states.append(callback)

    def guard(self, may_return: Callable[[], bool | None], evicted: Callable[[str], None]) -> None:
        del may_return, evicted

    def on_turn(self, callback: Callable[[], None], *, vouches: bool = False) -> None:
        del vouches
        self._turns.append(callback)

    def go(self, *, up: bool) -> None:
        """Lose or gain the connection."""
        self.is_up = up
        for callback in self._states:
            callback(up)

    def turn(self) -> None:
        """Let a turn of the network thread pass."""
        for callback in self._turns:
            callback()

    def come(self, topic: str, payload: bytes | dict[str, Any], *, retain: bool = False) -> None:
        """Hand in what came from the broker; a status is also kept for later subscriptions."""
        data = json.dumps(payload).encode() if isinstance(payload, dict) else payload
        if topic.endswith("/status"):
            self._kept[topic] = data
        for pattern, handler in list(self.patterns.items()):
            if matches(pattern, topic):
                handler(Delivery(topic, data, retain=retain))

    def bodies(self) -> list[dict[str, Any]]:
        """What was published, read as JSON."""
        return [json.loads(parcel.payload) for parcel in self.sent]
