"""What each agent measures, in a few words for the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyros_mqtt import Follow
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Transport

Words = Callable[[Mapping[str, Any]], str]

CHANNELS: dict[str, tuple[str, Words]] = {
    "alert_manager": ("alert", lambda v: f"{v['decision']}: {v['event']}"),
    "camera": ("exposure", lambda v: str(v["state"])),
    "dome": ("shutter", lambda v: f"shutter {v['state']}"),
    "safety": ("verdict", lambda v: "safe" if v["safe"] else f"unsafe: {', '.join(v['reasons'])}"),
    "scheduler": ("plan", lambda v: " ".join(filter(None, (v["phase"], v["target"])))),
    "telescope": ("pointing", lambda v: f"{v['state']}, altitude {v['alt']:.0f}°"),
    "weather": (
        "conditions",
        lambda v: (
            f"{v['temperature']:.0f} °C, {v['humidity']:.0f} %, "
            f"{v['wind']:.0f} km/h, {'rain' if v['rain'] else 'dry'}"
        ),
    ),
}
"""One channel of each agent, and how it is put into words."""


class Glances:
    """Keeps the latest value of one channel of each agent."""

    def __init__(self, transport: Transport, topics: Topics) -> None:
        """Listen through `transport`, which somebody else opens and closes."""
        self._follows = {agent: Follow(agent, channel) for agent, (channel, _) in CHANNELS.items()}
        for follow in self._follows.values():
            transport.subscribe(topics.telemetry(follow.agent, follow.channel), follow.hear)

    def follow(self, agent: str) -> Follow:
        """The channel of one agent."""
        return self._follows[agent]

    def words(self, agent: str) -> str:
        """What an agent measures now; empty where it has not said anything that can be told."""
        value = self._follows[agent].value if agent in self._follows else None
        if value is None:
            return ""
        try:
            return CHANNELS[agent][1](value)
        except (KeyError, TypeError, ValueError):
            return ""
