"""Agents without a life of their own: they say on the bus what a test wants them to say."""

from __future__ import annotations

import json
import secrets
import threading
import time
from typing import Any, Self

from pyros_mqtt.link import Brokers
from pyros_mqtt.messages import About, Outcome, Report, State, Status
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Delivery, Parcel
from pyros_mqtt.wire import encode_about, encode_report, encode_status


class Puppets:
    """One connection that speaks for everyone, and hears what is sent to their inboxes."""

    def __init__(self, url: BrokerUrl, root: str) -> None:
        self.url = url
        self.topics = Topics(root)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._link = Brokers(Settings(brokers=(url,), root=root)).transport(
            f"puppets-{secrets.token_hex(4)}"
        )
        self._up = threading.Event()
        self._news = threading.Condition()
        self._boot = int(time.time() * 1000)
        self._seq = 0

    def __enter__(self) -> Self:
        self._link.subscribe(self.topics.every("inbox"), self._hear)
        self._link.on_state(lambda up: self._up.set() if up else self._up.clear())
        self._link.open()
        self.wait_up()
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def wait_up(self) -> None:
        """Wait for the broker."""
        assert self._up.wait(20)

    def status(self, agent: str, state: str = "ready", **fields: Any) -> None:
        """Claim something; a beat of half a minute, so that nobody falls silent by chance."""
        self._seq += 1
        given: dict[str, Any] = {
            "session": "s" * 16,
            "boot": self._boot,
            "seq": self._seq,
            "at": time.time(),
            "beat": 30.0,
            "host": "t60-pc",
            "pid": 4711,
        } | fields
        self.say(
            self.topics.status(agent),
            encode_status(Status(agent, State(state), **given)),
            retain=True,
        )

    def about(self, about: About) -> None:
        """Introduce an agent."""
        self.say(self.topics.about(about.agent), encode_about(about), retain=True)

    def measure(self, agent: str, channel: str, value: Any) -> None:
        """Publish a payload on a channel: a table as JSON, anything else as it stands."""
        payload = json.dumps(value) if not isinstance(value, str) else value
        self.say(self.topics.telemetry(agent, channel), payload.encode())

    def alarm(self, agent: str, alarm: str, **fields: Any) -> None:
        """Raise an alarm, or change it; without any field, take it away."""
        body = json.dumps({"alarm": alarm, "agent": agent, **fields}).encode() if fields else b""
        self.say(self.topics.alarm(agent, alarm), body, retain=True)

    def report(self, agent: str, sender: str, state: str, message: str, **fields: Any) -> None:
        """Report on a command."""
        command = fields.pop("id", secrets.token_hex(4))
        report = Report(command, message, agent, Outcome(state), time.time(), **fields)
        self.say(self.topics.outbox(agent, sender), encode_report(report))

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish anything anywhere."""
        self._link.publish(Parcel(topic, payload, 1, retain=retain, keep=True))

    def wait_heard(self, agent: str, message: str, timeout: float = 20.0) -> dict[str, Any]:
        """Wait for a command to an agent."""

        def found() -> dict[str, Any] | None:
            for to, body in self.heard:
                if to == agent and body.get("message") == message:
                    return body
            return None

        with self._news:
            assert self._news.wait_for(found, timeout), self.heard
            return found() or {}

    def _hear(self, delivery: Delivery) -> None:
        address = self.topics.parse(delivery.topic)
        with self._news:
            self.heard.append((address.agent if address else "", json.loads(delivery.payload)))
            self._news.notify_all()
