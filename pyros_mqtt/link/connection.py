"""One connection to one broker, driven by hand through paho's calls for external loops.

All of it is for the network thread that made the connection, but for `pack` and `write_at_once`,
which other threads may call and which never come near paho. paho starts no thread of its own and
writes from no other one, and no callback of ours lets an exception out.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from pyros_mqtt.link import packets
from pyros_mqtt.link.access import Access, Events
from pyros_mqtt.link.paho_client import V5, fate_of, new_client, put_between
from pyros_mqtt.link.reader import Reader
from pyros_mqtt.link.turn_socket import TurnSocket
from pyros_mqtt.transport import Delivery, Parcel

if TYPE_CHECKING:
    from pyros_mqtt.settings import BrokerUrl

MUTE = 1.8
"""Keep-alives without a byte after which a broker counts as mute; paho asks it after one."""

TAKEN_OVER = "Session taken over"
"""What MQTT 5 has for it; mosquitto 2.0.11 closes without a word."""

_MISC_EVERY = 0.25

_FIRST_MID, _LAST_MID = 0x8000, 0xFFFF
"""Packet ids of what we publish; paho counts its subscriptions from 1."""


class Connection:
    """One paho client over one socket. Not reused: a new attempt makes a new one."""

    def __init__(
        self, url: BrokerUrl, access: Access, version: MQTTProtocolVersion, events: Events
    ) -> None:
        self.refusal: str | None = None
        self.lost: str | None = None
        self.was_closed = False
        """The other end has closed it, without a word or because its client id was taken."""
        self.is_connected = False
        self.max_packet: int | None = None
        self.most_in_flight: int | None = None
        """Publications at QoS 1 that the broker takes at once, where it says so (MQTT 5)."""
        self.is_v5 = version is V5
        self._url = url
        self._events = events
        self._client = new_client(url, access, version)
        self._access = access
        self._next_misc = 0.0
        self._heard_at = time.monotonic()
        self._twin: socket.socket | None = None
        self._turns: TurnSocket | None = None
        self._mid = _LAST_MID
        self._reader: Reader | None = None
        self._is_readable = False
        self._wire_callbacks()

    # -- life ---------------------------------------------------------------------------

    def connect(self) -> None:
        """Open the socket and introduce ourselves; blocks for `CONNECT_TIMEOUT` at most.

        Raises:
            OSError, ValueError: the broker cannot be reached, or TLS fails.
        """
        options: dict[str, Any] = {"clean_start": True} if self.is_v5 else {}
        self._client.connect(
            self._url.host, self._url.port, keepalive=self._access.keepalive, **options
        )
        self.flush()

    def wait(self, wake: int, timeout: float, *, lingers: bool = False) -> bool:
        """Wait until something has come, or there is a byte on the descriptor `wake`.

        What is left to be written may go, too, unless it `lingers`.

        Returns:
            Whether the wake-up byte was there.
        """
        sock = self._client.socket()
        self._is_readable = False
        if sock is None:
            self.lost = self.lost or "the connection is closed"
            return False
        poller = select.poll()
        writes = self.wants_write and not lingers
        poller.register(sock, select.POLLIN | (select.POLLOUT if writes else 0))
        poller.register(wake, select.POLLIN)
        has_more = bool(self._reader and self._reader.is_behind) or _pending(sock)
        ready = dict(poller.poll(0 if has_more else timeout * 1000))
        self._is_readable = has_more or bool(ready.get(sock.fileno()))
        return wake in ready

    def take_in(self) -> None:
        """Read what has come, and tell of it."""
        if self._is_readable:
            self._heard_at = time.monotonic()
            self._read()
            self._acknowledge_quickly()
        self._misc()

    def flush(self) -> None:
        """Write what is queued, as far as the socket takes it."""
        if self._client.want_write():
            self._guarded(self._client.loop_write)
        if self._turns is not None and self.lost is None:
            self._guarded(self._turns.flush)

    def broker_answers(self) -> bool:
        """Whether the broker takes connections in this moment; may block for a second."""
        try:
            socket.create_connection((self._url.host, self._url.port), timeout=1).close()
        except OSError:
            return False
        return True

    def disconnect(self) -> None:
        """Say goodbye, so that no last will fires."""
        self._guarded(self._client.disconnect)
        self._guarded(self._client.loop_write)

    def drop(self) -> None:
        """Close the socket without a word; for a connection that is broken anyway."""
        for sock in (self._client.socket(), self._twin):
            if sock is not None:
                sock.close()

    # -- traffic ------------------------------------------------------------------------

    def publish(self, parcel: Parcel) -> int:
        """Queue one publication; returns its packet id.

        Raises:
            ValueError: MQTT has no form for the topic or the size.
        """
        if self._turns is not None:
            mid, data = self.pack(parcel)
            self._turns.write(data)
            return mid
        properties = None
        if self.is_v5 and parcel.correlation:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = parcel.correlation
        info = self._client.publish(
            parcel.topic, parcel.payload, parcel.qos, parcel.retain, properties
        )
        return int(info.mid)

    @property
    def can_write_at_once(self) -> bool:
        """Other threads may `pack` and `write_at_once`, one at a time."""
        return self._turns is not None

    @property
    def has_room(self) -> bool:
        """The line keeps up: beats and acknowledgements would not wait long behind what it has."""
        return self._turns is None or self._turns.has_room

    def pack(self, parcel: Parcel) -> tuple[int, bytes]:
        """Write one publication as a packet; gives its packet id, too.

        Raises:
            ValueError: as `publish`.
        """
        if parcel.qos:
            self._mid = self._mid + 1 if self._mid < _LAST_MID else _FIRST_MID
        return self._mid, packets.publish(parcel, self._mid, is_v5=self.is_v5)

    def write_at_once(self, data: bytes) -> bool:
        """Hand a packet to the system; whether it has taken all."""
        try:
            return self._turns is not None and self._turns.write_at_once(data)
        except OSError:
            return False

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Let the broker forget what has been read and committed."""
        if self._turns is not None:
            self._turns.write(b"".join(map(packets.puback, mids)))
            return
        for mid in mids:
            self._client.ack(mid, 1)

    def subscribe(self, pattern: str) -> int:
        """Ask for a subscription; returns the packet id of the question."""
        qos = self._access.listen_qos
        if self.is_v5:
            # retained commands must be told from live ones even while we listen
            options = SubscribeOptions(qos=qos, retainAsPublished=pattern.endswith("/inbox"))
            _, mid = self._client.subscribe(pattern, options=options)
        else:
            _, mid = self._client.subscribe(pattern, qos=qos)
        self._guarded(self._client.loop_write)  # before what is published from now on
        return mid or 0

    def unsubscribe(self, pattern: str) -> None:
        """End a subscription."""
        self._client.unsubscribe(pattern)
        self._guarded(self._client.loop_write)

    @property
    def wants_write(self) -> bool:
        """Something is left that the system did not take."""
        return self._client.want_write() or bool(self._turns and self._turns.wants_write)

    # -- inside -------------------------------------------------------------------------

    def _read(self) -> None:
        if self._reader is None:
            self._guarded(self._client.loop_read)
            return
        try:
            self._reader.read()
        except (ValueError, IndexError) as error:
            self.lost = _unreadable(error)

    def _pass_on(self) -> bool:
        """Let paho read what was passed on to it; whether the connection stands."""
        self._guarded(self._client.loop_read)
        return self.lost is None and self._client.socket() is not None

    def _acknowledge_quickly(self) -> None:
        """Keep a broker without TCP_NODELAY from waiting 40 ms for our TCP acknowledgement.

        Linux forgets this option by itself, so it is set after each read.
        """
        if self._twin is not None and hasattr(socket, "TCP_QUICKACK"):
            self._twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _misc(self) -> None:
        now = time.monotonic()
        if now >= self._next_misc:
            self._next_misc = now + _MISC_EVERY
            self._guarded(self._client.loop_misc)
            if now - self._heard_at > MUTE * self._access.keepalive:
                # paho would give it two keep-alives and a bit
                self.lost = self.lost or "the broker does not answer"

    def _guarded(self, call: Callable[[], Any]) -> None:
        """Turn whatever goes wrong inside into a lost connection."""
        try:
            code = call()
        except OSError as error:
            self.lost = self.lost or f"the connection is broken: {error}"
            return
        except Exception as error:  # noqa: BLE001 - a malformed packet raises all sorts of things
            self.lost = _unreadable(error)
            return
        if code and self.lost is None and self.refusal is None:
            self.lost = paho.error_string(code)

    def _wire_callbacks(self) -> None:
        client = self._client
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = self._tune
        # without this paho would write from whichever thread publishes
        client.on_socket_register_write = _nothing

    def _tune(self, client: Any, _data: Any, sock: Any) -> None:
        """Send small packets at once, and notice within seconds that nobody acknowledges them.

        A WebSocket hides its socket, so a duplicate of the descriptor is set up: options belong
        to the connection, not to the descriptor.
        """
        self._turns = put_between(client, sock)
        if self._turns is not None:
            self._reader = Reader(self._turns, self._events, self._pass_on, is_v5=self.is_v5)
        self._twin = socket.socket(fileno=os.dup(sock.fileno()))
        self._twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            self._twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 10_000)

    def _on_connect(
        self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            self.refusal = str(reason)
            return
        self.max_packet = getattr(properties, "MaximumPacketSize", None)
        self.most_in_flight = getattr(properties, "ReceiveMaximum", None)
        self.is_connected = True

    def _on_disconnect(
        self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        reason_text = str(reason)
        unspecified = reason_text == "Unspecified error"
        self.was_closed = self.lost is None and (unspecified or reason_text == TAKEN_OVER)
        self.lost = self.lost or ("the broker closed it" if unspecified else reason_text)

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        properties = message.properties
        self._events.arrived(
            Delivery(
                topic,
                bytes(message.payload),
                retain=bool(message.retain),
                correlation=getattr(properties, "CorrelationData", None),
                expiry=getattr(properties, "MessageExpiryInterval", None),
                reply_to=getattr(properties, "ResponseTopic", None),
            ),
            message.mid if message.qos else 0,
        )

    def _on_publish(
        self, _client: Any, _data: Any, mid: int, reason: ReasonCode, _properties: Any
    ) -> None:
        self._events.landed(mid, fate_of(reason))

    def _on_subscribe(
        self, _client: Any, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        self._events.confirmed(mid, any(reason.is_failure for reason in reasons))


def _unreadable(error: Exception) -> str:
    return f"the broker sent something that cannot be read: {error!r}"


def _pending(sock: Any) -> bool:
    """TLS may have read ahead: then the socket is silent, and yet there is something to read."""
    pending = getattr(sock, "pending", None)
    return bool(pending and pending())


def _nothing(*_: Any) -> None:
    pass
