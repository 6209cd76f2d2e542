"""What passes on the bus, for those who only listen: commands and reports, logs, telemetry."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from pyros_mqtt import wire
from pyros_mqtt.errors import BadPayload, Refusal
from pyros_mqtt.messages import Columns, Command, LogRecord, Report
from pyros_mqtt.topics import Address, Topics
from pyros_mqtt.transport import Bus, Delivery, Transport


class Kind(StrEnum):
    """What one may listen to."""

    COMMANDS = "commands"
    """Commands, and the reports on them."""
    LOGS = "logs"
    TELEMETRY = "telemetry"


_BRANCHES = {
    Kind.COMMANDS: ("inbox", "outbox/+"),
    Kind.LOGS: ("log/+",),
    Kind.TELEMETRY: ("telemetry/+",),
}

What = Command | Report | LogRecord | Columns


@dataclass(frozen=True, slots=True)
class Passing:
    """One thing that passed: a command, a report, a log record, measurements, or the unreadable.

    `at` is when it was heard, POSIX seconds; `leaf` is the end of its topic: who is or was to be
    answered, the log's level, the channel.
    """

    at: float
    agent: str
    leaf: str
    what: What | str

    @property
    def sender(self) -> str:
        """Who is or was to be answered."""
        return self.leaf


class Traffic:
    """Listens to what passes to and from `agent`, or all agents.

    Args:
        on_passing: called in the network thread, so it must be short.
        agent: whom to listen to; None: everybody.
        kind: what to listen to. Measurements stay in columns; what the broker has retained of
            them is left out.
    """

    def __init__(
        self,
        bus: Bus,
        topics: Topics,
        on_passing: Callable[[Passing], None],
        agent: str | None = None,
        *,
        kind: Kind = Kind.COMMANDS,
    ) -> None:
        self._topics = topics
        self._on_passing = on_passing
        self.transport: Transport = bus.transport(f"pyros-ear-{secrets.token_hex(4)}")
        inbox = topics.inbox(agent) if agent else topics.every("inbox")
        for branch in _BRANCHES[kind]:
            self.transport.subscribe(inbox.removesuffix("inbox") + branch, self._hear)

    def __enter__(self) -> Self:
        """Start to listen."""
        self.transport.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.transport.close()

    def _hear(self, delivery: Delivery) -> None:
        address = self._topics.parse(delivery.topic)
        if address is None or (delivery.retain and address.branch == "telemetry"):
            return
        now = time.time()
        leaf = address.leaf or "?"
        what: What | str | None
        try:
            what = _read(delivery.payload, address, now)
        except (BadPayload, Refusal) as error:
            what = str(error)
        if isinstance(what, Command):
            leaf = what.sender
        if what is not None:
            self._on_passing(Passing(now, address.agent, leaf, what))


def _read(payload: bytes, address: Address, now: float) -> What | None:
    """Read what passed; None for an empty command.

    Raises:
        BadPayload, Refusal: it cannot be read.
    """
    if address.branch == "inbox":
        return wire.decode_command(payload, address.agent, arrived=now)
    if address.branch == "log":
        return wire.decode_log(payload, address.leaf, now)
    if address.branch == "telemetry":
        return wire.decode_columns(payload, now)
    return wire.decode_report(payload)
