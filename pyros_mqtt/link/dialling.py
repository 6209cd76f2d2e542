"""Reaching a broker: which one, and in which version of MQTT."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from pyros_mqtt.link.access import Access, Events
from pyros_mqtt.link.connection import Connection
from pyros_mqtt.link.paho_client import CONNECT_TIMEOUT, V5, V311
from pyros_mqtt.link.wakeup import Wakeup

if TYPE_CHECKING:
    from pyros_mqtt.settings import BrokerUrl

UNTRIED = "not opened yet"
"""What is the trouble with a connection before its first attempt has ended."""

CERTAIN = 2
"""Times that a broker has to hang up on MQTT 5 before it is taken for an older one: a restart, or a
line that breaks in this moment, looks the same."""

TURN = 0.1
"""Seconds between two turns of the network thread when nothing happens."""


class Dialler:
    """Tries the brokers in turn, each with MQTT 5 first; for the network thread.

    Args:
        events: what a connection tells.
        wakeup: ends a wait early.
        is_given_up: nobody wants a connection any more.
        lean: with MQTT 3.1.1 first.
    """

    def __init__(
        self,
        brokers: tuple[BrokerUrl, ...],
        events: Events,
        wakeup: Wakeup,
        is_given_up: Callable[[], bool],
        *,
        lean: bool = False,
    ) -> None:
        self._brokers = brokers
        self._count = len(brokers)
        self._old_brokers: set[BrokerUrl] = set(brokers if lean else ())
        self._hung_up: Counter[BrokerUrl] = Counter()
        self._events = events
        self._wakeup = wakeup
        self._is_given_up = is_given_up
        self._dialled = 0
        self.was_closed = False
        """The broker has closed a connection of the latest attempt before it was welcomed."""
        self.trouble = UNTRIED
        """Why the latest attempt has failed, for people."""

    @property
    def has_tried_all(self) -> bool:
        """Every broker has had as many attempts as the others."""
        return self._dialled % self._count == 0

    def stay(self) -> None:
        """Try the latest broker again, not the next one."""
        self._dialled -= 1

    def dial(self, access: Access) -> Connection | None:
        """Try the next broker; None where it cannot be had."""
        url = self._brokers[self._dialled % self._count]
        self._dialled += 1
        self.was_closed = False
        versions = (V311, V5) if url in self._old_brokers else (V5, V311)
        for version in versions:
            connection = Connection(url, access, version, self._events)
            try:
                connection.connect()
            except (OSError, ValueError) as error:
                connection.drop()
                self.trouble = f"{url}: {error}"
                return None
            if self._is_welcomed(connection):
                self._learn(url, connection)
                return connection
            self.was_closed = self.was_closed or connection.was_closed
            connection.drop()
            self.trouble = f"{url}: {connection.refusal or connection.lost or 'no answer'}"
            if not _old_protocol_may_help(connection):
                break
            self._hung_up[url] += CERTAIN if connection.refusal else 1
        return None

    def _learn(self, url: BrokerUrl, connection: Connection) -> None:
        """Remember which version a broker speaks, once it is certain."""
        if connection.is_v5:
            self._old_brokers.discard(url)
            self._hung_up[url] = 0
        elif self._hung_up[url] >= CERTAIN:
            self._old_brokers.add(url)

    def _is_welcomed(self, connection: Connection) -> bool:
        deadline = time.monotonic() + CONNECT_TIMEOUT
        while not connection.is_connected:
            left = deadline - time.monotonic()
            if left <= 0 or connection.lost or connection.refusal or self._is_given_up():
                return False
            rang = connection.wait(self._wakeup.fileno(), min(left, TURN))
            self._wakeup.woke(by_ring=rang)
            connection.take_in()
            self._wakeup.listen()
            connection.flush()
        return True


def _old_protocol_may_help(connection: Connection) -> bool:
    """A broker that knows no MQTT 5 says so, or hangs up without an answer."""
    return connection.is_v5 and (
        connection.lost is not None or "protocol version" in (connection.refusal or "").lower()
    )
