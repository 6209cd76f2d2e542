"""Discovery documents: what Home Assistant is told of one sensor.

The form is that of https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery, one document a
sensor, retained under `PREFIX/sensor/NODE/OBJECT/config`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pyros_mqtt.home_assistant import templates
from pyros_mqtt.home_assistant.units import unit_of
from pyros_mqtt.messages import JSON, About, Channel
from pyros_mqtt.topics import Topics
from pyros_mqtt.version import __version__
from pyros_mqtt.wire import compact
from pyros_mqtt.wire.json_text import tolerant

ORIGIN = "pyros-mqtt"

Table = dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the documents of one topic root stand, below Home Assistant's `prefix`."""

    topics: Topics
    prefix: str = "homeassistant"

    @property
    def node(self) -> str:
        """The level of the topic that says whose the documents are."""
        return f"{ORIGIN}-{_word(self.topics.root)}"

    @property
    def everything(self) -> str:
        """A filter for all of our documents."""
        return f"{self.prefix}/sensor/{self.node}/+/config"

    def sensors(self, agent: str, channel: Channel, field: str, about: About) -> dict[str, bytes]:
        """Give topic and document of each sensor; an empty `field` means all of the channel's."""
        fields: Iterable[str] = [field] if field else channel.fields or [""]
        return dict(self._sensor(agent, channel, one, about) for one in fields)

    def _sensor(self, agent: str, channel: Channel, field: str, about: About) -> tuple[str, bytes]:
        # capitals do not occur in names, so no two sensors have one object
        name = f"{_word(agent)}-C-{_word(channel.name)}" + (f"-F-{_word(field)}" if field else "")
        unit, device_class = unit_of(channel.unit)
        is_numeric = bool(channel.unit) or channel.range is not None
        made: Table = {
            "name": " ".join(filter(None, [channel.name, field])).replace("_", " "),
            "unique_id": f"{self.node}-{name}",
            "state_topic": self.topics.telemetry(agent, channel.name),
            "value_template": templates.value(field, numeric=is_numeric),
            "availability": [
                {
                    "topic": self.topics.status(agent),
                    "value_template": templates.availability(),
                    "payload_available": templates.AVAILABLE,
                    "payload_not_available": templates.UNAVAILABLE,
                }
            ],
            "device": self._device(about),
            "origin": {"name": ORIGIN, "sw_version": __version__},
        }
        if is_numeric:
            made["state_class"] = "measurement"
        made |= {"unit_of_measurement": unit} if unit else {}
        made |= {"device_class": device_class} if device_class else {}
        topic = f"{self.prefix}/sensor/{self.node}/{name}/config"
        return topic, compact(made).encode(errors="replace")

    def _device(self, about: About) -> Table:
        made: Table = {
            "identifiers": [f"{self.node}-{_word(about.agent)}"],
            "name": about.agent,
            "manufacturer": "PyROS",
        }
        made |= {"model": about.description.splitlines()[0]} if about.description else {}
        return made | ({"sw_version": about.version} if about.version else {})


def source_of(payload: bytes) -> str | None:
    """Which topic a document of ours reads; None where it is not ours."""
    try:
        table = tolerant(payload)
        is_ours = table["origin"]["name"] == ORIGIN
        return str(table["state_topic"]) if is_ours else None
    except (LookupError, TypeError, ValueError):
        return None


def _word(text: str) -> str:
    """A text as a part of an object's id, where only `[a-zA-Z0-9_-]` may stand."""
    return re.sub(r"[^a-z0-9_-]", lambda one: f"U{ord(one[0]):X}-", text)
