"""Channels and operations, agent after agent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyros_mqtt.asyncapi import forms
from pyros_mqtt.asyncapi.commands import commands
from pyros_mqtt.errors import BadName
from pyros_mqtt.messages import JSON, About, Channel
from pyros_mqtt.topics import Topics

Table = dict[str, JSON]

LEVELS = ["debug", "info", "warning", "error", "critical"]
"""Those of log records."""


class Page:
    """What has been written so far."""

    def __init__(self, topics: Topics) -> None:
        self.channels: Table = {}
        self.operations: Table = {}
        self.schemas: Table = dict(forms.SHARED)
        self._topics = topics

    def add(self, about: About) -> None:
        """Write one agent's channels and operations."""
        agent, topics = about.agent, self._topics
        self._inbox(about)
        self._report(agent)
        self._kept(f"{agent}.status", topics.status(agent), "status", "How it is")
        what = "What it understands and measures"
        self._kept(f"{agent}.about", topics.about(agent), "about", what)
        for name in sorted(about.telemetry):
            self._telemetry(agent, about.telemetry[name])
        what = "Its alarms; an empty payload: all is normal"
        named = {"alarm": {"description": "the alarm's name"}}
        self._kept(f"{agent}.alarm", topics.alarm(agent, "x"), "alarm", what, named)
        levels = {"level": {"description": "how bad it is", "enum": LEVELS}}
        log = _channel(topics.log(agent, "x"), "Records of its log", _shared("log"), levels)
        self._receive(f"{agent}.log", log, qos=0, retain=False)

    def _inbox(self, about: About) -> None:
        key = f"{about.agent}.inbox"
        what = f"Commands to {about.agent}. {about.description}".strip()
        messages = commands(about, self.schemas) or _shared("command")
        self.channels[key] = _channel(self._topics.inbox(about.agent), what, messages)
        reply = _of(f"{about.agent}.outbox", ["report"])
        for name in messages:
            bound = _bound(qos=1, retain=False)
            self.operations[f"{key}.{name}"] = (
                {"action": "send"} | _of(key, [name]) | bound | {"reply": reply}
            )

    def _report(self, agent: str) -> None:
        senders = {"sender": {"description": "the `from` of the command, or `anonymous`"}}
        topic = self._topics.outbox(agent, "x")
        outbox = _channel(topic, "Reports on commands", _shared("report"), senders)
        self._receive(f"{agent}.outbox", outbox, qos=1, retain=False)

    def _kept(
        self, key: str, topic: str, name: str, what: str, parameter: Table | None = None
    ) -> None:
        """Write a channel whose last message the broker keeps."""
        one = _channel(topic, what, _shared(name), parameter)
        self._receive(key, one, qos=1, retain=True)

    def _telemetry(self, agent: str, channel: Channel) -> None:
        try:
            topic = self._topics.telemetry(agent, channel.name)
        except BadName:  # so nobody can publish there
            return
        message = {
            "name": channel.name,
            "title": f"{agent}/{channel.name}",
            "contentType": "application/json",
            "payload": forms.samples(channel),
            "x-pyros": _facts(channel),
        }
        one = _channel(topic, in_words(channel), {"samples": message})
        self._receive(f"{agent}.telemetry.{channel.name}", one, qos=channel.qos)

    def _receive(self, key: str, channel: Table, **binding: JSON) -> None:
        self.channels[key] = channel
        self.operations[key] = (
            {"action": "receive"} | _of(key, channel["messages"]) | _bound(**binding)
        )


def in_words(channel: Channel) -> str:
    """Say for people what a channel holds."""
    facts = [f"in {channel.unit}"] if channel.unit else []
    if channel.range is not None:
        facts.append(f"{channel.range[0]:g} to {channel.range[1]:g} are expected")
    facts += [f"{channel.rate:g} samples a second"] if channel.rate else []
    return "; ".join(filter(None, [channel.description or "Measurements", ", ".join(facts)]))


def _facts(channel: Channel) -> Table:
    """What programs may want to know of a channel, and JSON Schema has no word for."""
    told: dict[str, Any] = {
        "unit": channel.unit,
        "range": None if channel.range is None else list(channel.range),
        "fields": list(channel.fields),
        "rate": channel.rate,
        "deadband": channel.deadband,
    }
    return {key: value for key, value in told.items() if value not in (None, "", [])}


def _channel(topic: str, what: str, messages: Table, parameter: Table | None = None) -> Table:
    """Make a channel; a parameter stands for the last level of its topic."""
    if parameter is None:
        return {"address": topic, "description": what, "messages": messages}
    address = f"{topic.rpartition('/')[0]}/{{{next(iter(parameter))}}}"
    made = {"address": address, "description": what, "messages": messages}
    return made | {"parameters": parameter}


def _shared(name: str) -> Table:
    return {name: {"$ref": f"#/components/messages/{name}"}}


def _of(channel: str, names: Iterable[str]) -> Table:
    return {
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _bound(**binding: JSON) -> Table:
    return {"bindings": {"mqtt": binding | {"bindingVersion": "0.2.0"}}}
