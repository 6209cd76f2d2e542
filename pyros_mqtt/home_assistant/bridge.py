"""The agent that keeps Home Assistant's discovery documents in step with the list."""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from pyros_mqtt.agent import Agent
from pyros_mqtt.dispatch import every
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.home_assistant.documents import Shelf, source_of
from pyros_mqtt.messages import About, Channel
from pyros_mqtt.settings import Settings
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Delivery, Fate, Parcel, settings_for

if TYPE_CHECKING:
    from pyros_mqtt.fleet import Member

SETTLE = 0.5
"""Seconds in which what the broker has kept comes, once the connection stands."""

AWAY = 2.0
"""Seconds for which the start waits for the connection."""

MOST = 10_000
"""So many documents are remembered; whoever floods the broker does not grow its reader."""


class HomeAssistant(Agent):
    """Shows the measurements on the list of [home_assistant] to Home Assistant."""

    def __init__(
        self,
        name: str = "home-assistant",
        *,
        bus: Bus | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        """Take the list; an empty one takes everything off again."""
        settings = settings or settings_for(bus)
        if bus is None:
            from pyros_mqtt.link import Brokers

            bus = Brokers(settings)
        super().__init__(name, bus=bus, settings=settings, **options)
        topics = Topics(settings.root)
        self._topics = topics
        self._sources = settings.home_assistant.sources
        self._shelf = Shelf(topics, settings.home_assistant.prefix)
        self._fleet = Fleet(bus, topics)
        client_id = f"{topics.client_id(name)}-shelf-{secrets.token_hex(3)}"
        self._transport = bus.transport(client_id)
        self._transport.subscribe(self._shelf.everything, self._hear)
        self._transport.on_state(self._on_state)
        self._lock = threading.Lock()
        self._was_up = threading.Event()
        self._up_since: float | None = None
        self._kept: dict[str, bytes] = {}
        self._said: dict[str, bytes] = {}
        self._refused = False
        self._told: set[str] = set()

    # -- life -------------------------------------------------------------------------------------

    def work(self) -> None:
        """Start to listen."""
        self._fleet.open()
        self._transport.open()
        self._was_up.wait(AWAY)

    def shutdown(self) -> None:
        """Leave; the documents stay, and Home Assistant sees by itself who is there."""
        self._fleet.close()
        self._transport.close(1.0)

    # -- keeping in step --------------------------------------------------------------------------

    @every(seconds=0.5)
    def keep(self) -> None:
        """Publish what is new or has changed, and take off what is no longer on the list."""
        with self._lock:
            up_since, kept = self._up_since, dict(self._kept)
        if up_since is None or not self._fleet.is_up or time.monotonic() - up_since < SETTLE:
            return
        wanted, undecided = self._wanted()
        for topic, document in wanted.items():
            if kept.get(topic) != document:
                self._say(topic, document)
        for topic in kept.keys() - wanted.keys():
            if source_of(kept[topic]) not in {None, *undecided}:
                self._say(topic, b"")
        if self._refused:
            self.degrade("the broker's rules do not allow the documents", "home assistant")
        else:
            self.recover("home assistant")

    def _wanted(self) -> tuple[dict[str, bytes], set[str]]:
        """Give the documents, and the topics of which nothing is known yet."""
        wanted: dict[str, bytes] = {}
        undecided: set[str] = set()
        for agent, name, field in self._sources:
            about, channel = _known(self._fleet.get(agent), agent, name)
            trouble = _trouble(about, channel, field)
            self._tell_once(f"{agent}/{name}", trouble)
            if about is None or channel is None or trouble:
                undecided.add(self._topics.telemetry(agent, name))
            else:
                wanted |= self._shelf.sensors(agent, channel, field, about)
        return wanted, undecided

    def _say(self, topic: str, document: bytes) -> None:
        """Publish once a connection; whoever takes it away in Home Assistant has the last word."""
        with self._lock:
            if self._said.get(topic) == document:
                return
            self._said[topic] = document
        parcel = Parcel(topic, document, retain=True)
        self._transport.publish(parcel, lambda fate: self._on_fate(topic, fate))
        self.log.info("%s %s", "shown:" if document else "taken off:", topic)

    def _tell_once(self, entry: str, trouble: str) -> None:
        if trouble and entry not in self._told:
            self._told.add(entry)
            self.log.warning("%s: %s", entry, trouble)

    # -- the network thread -----------------------------------------------------------------------

    def _on_state(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        with self._lock:
            self._up_since = time.monotonic() if up else None
            if not up:  # what was kept comes before the connection counts as up
                self._kept, self._said, self._refused = {}, {}, False
        if up:
            self._was_up.set()

    def _hear(self, delivery: Delivery) -> None:
        with self._lock:
            if not delivery.payload:
                self._kept.pop(delivery.topic, None)
            elif delivery.topic in self._kept or len(self._kept) < MOST:
                self._kept[delivery.topic] = delivery.payload

    def _on_fate(self, topic: str, fate: str) -> None:
        with self._lock:
            if fate == Fate.REFUSED:
                self._refused = True
            elif fate in {Fate.DROPPED, Fate.IN_DOUBT}:  # the connection broke: say it again
                self._said.pop(topic, None)


def _known(member: Member | None, agent: str, name: str) -> tuple[About | None, Channel | None]:
    """What is known of a channel; a device that says nothing of itself may have any."""
    if member is None:
        return None, None
    if member.about is None:
        return About(agent), Channel(name)
    return member.about, member.about.telemetry.get(name)


def _trouble(about: About | None, channel: Channel | None, field: str) -> str:
    if about is None:
        return "nobody has heard of this agent yet"
    if channel is None:
        there = ", ".join(sorted(about.telemetry)) or "nothing"
        return f"the agent does not measure this; it says that it measures {there}"
    if field and channel.fields and field not in channel.fields:
        return f"there is no field {field!r}; there are {', '.join(channel.fields)}"
    return ""
