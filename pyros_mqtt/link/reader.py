"""Reads what a connection brings: messages and acknowledgements itself, all else through paho."""

from __future__ import annotations

import time
from collections.abc import Callable

from pyros_mqtt.link import packets
from pyros_mqtt.link.access import Events
from pyros_mqtt.link.packets import PUBACK, PUBLISH, Packet
from pyros_mqtt.link.turn_socket import TurnSocket

READS_A_TURN = 200
"""About how many packets are read before what they brought is committed and acknowledged."""

READ_FOR = 0.05
"""Seconds after which a turn reads no further, so that a burst cannot keep our own words back."""


class Reader:
    """Reads one connection, a turn at a time; for the network thread.

    Args:
        turns: the socket.
        events: what a connection tells.
        pass_on: lets paho read what was passed on to the socket; whether the connection stands.
        is_v5: it speaks MQTT 5.
    """

    def __init__(
        self, turns: TurnSocket, events: Events, pass_on: Callable[[], bool], *, is_v5: bool
    ) -> None:
        self._turns = turns
        self._events = events
        self._pass_on = pass_on
        self._is_v5 = is_v5
        self.is_behind = False
        """There may be packets for the next turn, which no poll tells of."""

    def read(self) -> None:
        """Read what has come and tell of it, as much as makes a turn.

        Raises:
            ValueError, IndexError: it is no MQTT.
        """
        left, end = READS_A_TURN, time.monotonic() + READ_FOR
        has_more, self.is_behind = True, False
        while (told := self._tell(left)) is not None:
            left -= told
            if left <= 0 or time.monotonic() > end:
                self.is_behind = True
                return
            if not has_more:
                break
            has_more = self._turns.fill()
        if self._turns.has_ended:
            self._pass_on()  # paho tells why

    def _tell(self, most: int) -> int | None:
        """Tell of so many packets; gives how many there were, None where nothing more can come."""
        count = 0
        while count < most and (packet := self._turns.packet()) is not None:
            count += 1
            if self._is_told(packet):
                continue
            self._turns.pass_on(packet.raw)
            if not self._pass_on():
                return None
        return count

    def _is_told(self, packet: Packet) -> bool:
        """Tell of what came by itself; False where it is paho's."""
        if packet.kind == PUBLISH:
            came = packets.read_publish(packet, is_v5=self._is_v5)
            if came is None:
                return False
            self._events.arrived(*came)
            return True
        if packet.kind == PUBACK:
            self._events.landed(*packets.read_puback(packet))
            return True
        return False
