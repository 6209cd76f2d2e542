"""The bridge: everything that listens, and the registry that it is read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Self

from pyros_mqtt.alarm_board import AlarmBoard
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.messages import ALLOWED_SKEW, About
from pyros_mqtt.metrics import Family, Gauge, Registry
from pyros_mqtt.metrics_bridge.agents import Agents
from pyros_mqtt.metrics_bridge.alarms import Alarms
from pyros_mqtt.metrics_bridge.channels import Channels
from pyros_mqtt.metrics_bridge.commands import Commands
from pyros_mqtt.topics import Topics
from pyros_mqtt.traffic import Traffic
from pyros_mqtt.transport import Bus


class Bridge:
    """Listens to the bus, says nothing there, and keeps `registry` for Prometheus.

    Args:
        channels: whose values to show: patterns such as `weather/*`.
        skew: seconds by which clocks may differ.

    Raises:
        BadName: a pattern names an agent that there cannot be.
    """

    def __init__(
        self,
        bus: Bus,
        topics: Topics,
        channels: tuple[str, ...] = (),
        *,
        skew: float = ALLOWED_SKEW,
    ) -> None:
        self.registry = Registry()
        self.fleet = Fleet(bus, topics)
        self.board = AlarmBoard(bus, topics)
        self._commands = commands = Commands(self.registry)
        self.fleet.on_change(self._introduce)
        self.traffic = Traffic(bus, topics, commands.hear)
        self.channels = Channels(bus, topics, channels, self._units, skew=skew)
        self._abouts: dict[str, About] = {}
        self._channels_are_heard = bool(channels)
        self._open = ExitStack()
        for part in (self, Agents(self.fleet), Alarms(self.board), commands, self.channels):
            self.registry.ask(part.collect)

    def __enter__(self) -> Self:
        """Begin to listen; returns at once."""
        with ExitStack() as stack:
            for one in (self.fleet, self.board, self.traffic):
                stack.enter_context(one)
            if self._channels_are_heard:
                self.channels.transport.open()
                stack.callback(self.channels.transport.close)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._open.close()

    @property
    def is_up(self) -> bool:
        """All connections to the broker stand."""
        ears = all(one.is_up for one in (self.fleet, self.board, self.traffic.transport))
        return ears and (self.channels.transport.is_up or not self._channels_are_heard)

    def collect(self) -> Iterator[Family]:
        """Tell how the bridge itself is."""
        up = Gauge("pyros_bridge_up", "1 while all connections of the bridge to the broker stand")
        up.add_metric([], float(self.is_up))
        yield up
        text = "Status, about and alarms that could not be read"
        malformed = Gauge("pyros_bridge_malformed", text)
        malformed.add_metric([], self.fleet.malformed + self.board.malformed)
        yield malformed

    def _introduce(self, agent: str) -> None:
        """Learn what the agent understands; in the network thread."""
        member = self.fleet.get(agent)
        about = member.about if member else None
        if about is None:
            self._abouts.pop(agent, None)
        elif self._abouts.get(agent) is not about:
            self._abouts[agent] = about
            self._commands.expect(agent, about.messages)

    def _units(self, agent: str) -> Mapping[str, str]:
        member = self.fleet.get(agent)
        if member is None or member.about is None:
            return {}
        return {name: one.unit for name, one in member.about.telemetry.items()}
