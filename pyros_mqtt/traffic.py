"""Commands and reports as they pass on the bus, for those who only listen."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from pyros_mqtt import wire
from pyros_mqtt.errors import BadPayload, Refusal
from pyros_mqtt.messages import Command, Report
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Delivery, Transport


@dataclass(frozen=True, slots=True)
class Passing:
    """One thing that passed: a command, a report, or what can be read as neither.

    `at` is when it was heard, POSIX seconds; `sender` is who is or was to be answered.
    """

    at: float
    agent: str
    sender: str
    what: Command | Report | str


class Traffic:
    """Listens to the commands to `agent`, or to all agents, and to their reports.

    Args:
        on_passing: called in the network thread, so it must be short.
    """

    def __init__(
        self,
        bus: Bus,
        topics: Topics,
        on_passing: Callable[[Passing], None],
        agent: str | None = None,
    ) -> None:
        self._topics = topics
        self._on_passing = on_passing
        self.transport: Transport = bus.transport(f"pyros-ear-{secrets.token_hex(4)}")
        inboxes = topics.inbox(agent) if agent else topics.every("inbox")
        outboxes = inboxes.removesuffix("inbox") + "outbox/+"
        self.transport.subscribe(inboxes, self._hear_command)
        self.transport.subscribe(outboxes, self._hear_report)

    def __enter__(self) -> Self:
        """Start to listen."""
        self.transport.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.transport.close()

    def _hear_command(self, delivery: Delivery) -> None:
        address = self._topics.parse(delivery.topic)
        if address is None:
            return
        now = time.time()
        try:
            command = wire.decode_command(delivery.payload, address.agent, arrived=now)
        except Refusal as refusal:
            self._on_passing(Passing(now, address.agent, "?", str(refusal)))
            return
        if command is not None:
            self._on_passing(Passing(now, address.agent, command.sender, command))

    def _hear_report(self, delivery: Delivery) -> None:
        address = self._topics.parse(delivery.topic)
        if address is None:
            return
        try:
            what: Report | str = wire.decode_report(delivery.payload)
        except BadPayload as error:
            what = str(error)
        self._on_passing(Passing(time.time(), address.agent, address.leaf, what))
