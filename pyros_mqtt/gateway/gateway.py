"""The gateway as an agent: its doors, its proxies, and its status."""

from __future__ import annotations

import secrets
import time
from typing import Any

from pyros_mqtt.agent import Agent
from pyros_mqtt.dispatch import every, on
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.gateway.desk import Desk
from pyros_mqtt.gateway.door import Door
from pyros_mqtt.gateway.doorkeeper import Doorkeeper
from pyros_mqtt.gateway.notes import Counts, Notes
from pyros_mqtt.gateway.peers import Peers
from pyros_mqtt.gateway.proxies import Proxies
from pyros_mqtt.gateway.visits import Visits
from pyros_mqtt.messages import Channel
from pyros_mqtt.sender import Voice
from pyros_mqtt.settings import Settings
from pyros_mqtt.signing import signer_of
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, settings_for

AWAY = 2.0
"""Seconds without a broker that are worth a word."""

DRAIN = 1.5
"""Seconds for what was taken in to go on to the agents, at the end."""


class Gateway(Agent):
    """Joins PyROS's old TCP sockets and the agents of today.

    What an old sender writes becomes a command; an agent on an old socket gets a proxy.
    """

    channels = (
        Channel(
            "traffic",
            description="since the start: connections, and what became of their messages",
            fields=(*Counts().told(), "open", "held"),
            rate=1,
            retain=True,
        ),
    )

    def __init__(
        self,
        name: str = "gateway",
        *,
        bus: Bus | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        """Take what `[gateway]` and `pyros_agent_config.ini` say.

        Raises:
            SettingsError: no agent has an old socket.
        """
        settings = settings or settings_for(bus)
        if not settings.gateway.listening and not settings.gateway.proxied:
            raise SettingsError(
                "no agent has an old socket: give one a receive_port, in its section of "
                "pyros_agent_config.ini or in [gateway.agents.NAME] of pyros.toml"
            )
        if bus is None:
            from pyros_mqtt.link import Brokers

            bus = Brokers(settings)
        super().__init__(name, bus=bus, settings=settings, **options)
        self._table = settings.gateway
        self._transport = bus.transport(
            f"{settings.root.replace('/', '-')}-tcp-{name}-{secrets.token_hex(3)}"
        )
        self._voice = Voice(self._transport, Topics(settings.root), name, signer_of(settings))
        self._counts = Counts()
        self._notes = Notes(self.log)
        self._keeper = Doorkeeper()
        self._desk = Desk(
            self._voice,
            self._transport,
            self._counts,
            self._notes,
            limit=self._table.max_waiting,
            wake=self._keeper.wake,
        )
        peers = Peers(self._table, name)
        self._visits = Visits(
            self._keeper.selector,
            self._table,
            peers,
            self._desk,
            counts=self._counts,
            notes=self._notes,
        )
        self._doors = [
            Door(agent, section, self._keeper.selector, self._visits, self._notes)
            for agent, section in self._table.listening.items()
        ]
        self._proxies = Proxies(settings, bus)
        self._told: set[str] = set()
        self._up_at = time.monotonic()

    def work(self) -> None:
        """Open the doors."""
        for sender in self._table.agents:
            self._voice.speak_for(sender)
        self._transport.open()
        self._keeper.start(self._desk, self._visits, self._doors)

    def shutdown(self) -> None:
        """Shut the doors; what was taken in goes on, or is told of in the log."""
        self._keeper.close(DRAIN)
        self._notes.flush(float("inf"))
        self._voice.abandon("the gateway ends")
        self._transport.close(0.5)
        self._proxies.stop(DRAIN)

    @on("ports")
    def ports(self) -> list[dict[str, Any]]:
        """List the old sockets: whose, where, and what is wrong with each."""
        held = self._desk.held_for()
        doors = [
            {
                "agent": door.agent,
                "listens": door.section.place,
                "trouble": door.trouble,
                "held": held.get(door.agent, 0),
            }
            for door in self._doors
        ]
        troubles = self._proxies.troubles
        return doors + [
            {"agent": name, "writes": one.place, "trouble": troubles.get(name, "")}
            for name, one in self._table.proxied.items()
        ]

    # -- status -------------------------------------------------------------------------------

    @every(seconds=1)
    def report(self) -> None:
        """Publish the counts, and show what is wrong."""
        traffic = {**self._counts.told(), "open": len(self._visits), "held": self._desk.held}
        self.telemetry("traffic", dict(traffic))
        self._notes.flush(time.monotonic())
        troubles = self._troubles()
        for about in self._told - set(troubles):
            self.recover(about)
        for about, text in troubles.items():
            self.degrade(text, about)
        self._told = set(troubles)

    @every(seconds=1)
    def keep_proxies(self) -> None:
        """Start the proxies that do not run."""
        self._proxies.keep()

    def _troubles(self) -> dict[str, str]:
        found = {f"proxy {name}": text for name, text in self._proxies.troubles.items()}
        is_somewhere = any(not one.is_elsewhere for one in self._doors)
        doors = [one for one in self._doors if not (one.is_elsewhere and is_somewhere)]
        found |= {f"port {one.agent}": one.trouble for one in doors if one.trouble}
        found |= {kind: text for kind, text in self._notes.recent().items() if kind not in found}
        now = time.monotonic()
        if self._transport.is_up:
            self._up_at = now
        elif now - self._up_at > AWAY:
            held = self._desk.held
            found["broker"] = f"the broker is away: {self._transport.trouble}; {held} messages wait"
        if self._keeper.is_paused:
            found["full"] = f"{self._desk.held} messages wait; nothing is accepted until they go on"
        return found
