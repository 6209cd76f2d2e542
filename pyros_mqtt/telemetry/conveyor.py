"""Brings messages to the broker, now or after an outage, and keeps count of each sample."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pyros_mqtt import wire
from pyros_mqtt.telemetry.shelf import Load, Shelf
from pyros_mqtt.transport import Fate, Parcel, Transport

log = logging.getLogger(__name__)

LIVE_MESSAGES, LIVE_BYTES = 5_000, 4 * 1024 * 1024
"""What may be under way at once, so that a slow broker's link keeps room for reports."""

LATE_MESSAGES, LATE_BYTES = 20, 32 * 1024
"""What of the past may be under way at once: live data never waits behind more than this."""

HOLD = 3.0
"""Seconds for which the past waits after a reconnection: whoever records may come back later."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much is kept over an outage: samples of all channels together, bytes of payload."""

    samples: int = 100_000
    size: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the samples of a session are.

    At each moment `published == delivered + dropped + waiting`. `delivered`: the broker has taken
    them; at QoS 0 that means only that they were written to the connection. `doubtful` ones are
    among the dropped: they were under way when the agent ended without a connection.
    """

    published: int
    delivered: int
    dropped: int
    waiting: int
    doubtful: int = 0


class _UnderWay:
    """What was handed over and has no fate yet."""

    def __init__(self) -> None:
        self.messages = self.samples = self.size = 0

    def add(self, load: Load, sign: int) -> None:
        self.messages += sign
        self.samples += sign * load.samples
        self.size += sign * len(load.payload)


class Conveyor:
    """Sends what can be sent and keeps the rest. All methods are for any thread.

    What could not be sent at once is sent *late*: in its order, always at QoS 1 so that the broker
    sets the pace, and only a little at a time. The newest message of each channel goes first, since
    it is what everybody waits for. After a reconnection all of it waits for `HOLD` seconds: the
    broker may have been away for everybody, and keeps nothing for a recorder that is not back.
    """

    def __init__(self, room: Room, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held_until = -math.inf
        self._has_been_up = self._is_ending = self._is_back = False
        self.lock = threading.RLock()
        self._idle = threading.Condition(self.lock)
        self._shelf = Shelf(room.samples, room.size)
        self._latest: dict[str, Load] = {}
        self._live, self._late = _UnderWay(), _UnderWay()
        self._transport: Transport | None = None
        self._is_pumping = self._is_closed = False
        self._refused: set[str] = set()
        self._published = self._delivered = self._dropped = self._doubtful = 0
        self._order = 0

    @property
    def dropped(self) -> int:
        """Samples that will never be delivered."""
        return self._dropped

    def counts(self) -> Counts:
        """Where all samples are, at one moment."""
        with self.lock:
            waiting = self._shelf.samples + self._live.samples + self._late.samples
            return Counts(self._published, self._delivered, self._dropped, waiting, self._doubtful)

    def connect(self, transport: Transport) -> None:
        """From now on messages leave through `transport`."""
        with self.lock:
            self._transport = transport
            self._has_been_up = transport.is_up
        transport.on_state(self._state_changed)

    def send(self, topic: str, payload: bytes, samples: int, *, qos: int, retain: bool) -> None:
        """Send a message of so many samples, or keep it."""
        with self.lock:
            self._order += 1
            load = Load(self._order, topic, payload, samples, qos, retain)
            self._published += samples
            self._latest[topic] = load
            live = self._live
            has_room = live.messages < LIVE_MESSAGES and live.size < LIVE_BYTES
            if has_room and self._transport is not None and self._transport.is_up:
                self._hand_over(self._transport, load)
            else:
                self._keep(load)

    def pump(self) -> None:
        """Send of the past what may be sent now; the network thread calls it again and again."""
        with self.lock:
            transport = self._transport
            if self._is_pumping or transport is None or not len(self._shelf) or self._is_held:
                return
            self._is_pumping = True  # or the first that lands would bring the rest along
            try:
                self._send_newest(transport)
                while transport.is_up and self._may_send_late():
                    load = self._shelf.take()
                    if load is None or not self._hand_over_late(transport, load):
                        break
            finally:
                self._is_pumping = False

    def finish(self, timeout: float) -> None:
        """Wait until all has gone, `timeout` seconds at most, and drop what still waits.

        For the end of an agent, before its last status; nothing is kept from then on.
        """
        with self.lock:
            self._is_ending = True
            if self._transport is not None and self._transport.is_up:
                self.pump()
                self._idle.wait_for(self._is_at_rest, timeout)
            self._is_closed = True
            certain, doubtful = self._shelf.clear()
            self._dropped += certain + doubtful
            self._doubtful += doubtful

    def _is_at_rest(self) -> bool:
        is_up = self._transport is not None and self._transport.is_up
        waiting = len(self._shelf) + self._live.messages + self._late.messages
        return not is_up or not waiting

    @property
    def _is_held(self) -> bool:
        return not self._is_ending and self._clock() < self._held_until

    def _send_newest(self, transport: Transport) -> None:
        """Send first what everybody waits for, once after each connection."""
        if self._is_back and transport.is_up:
            self._is_back = False
            for load in list(self._latest.values()):
                if load.place is not None:
                    self._shelf.withdraw(load)
                    self._hand_over_late(transport, load)

    def _may_send_late(self) -> bool:
        return self._late.messages < LATE_MESSAGES and self._late.size < LATE_BYTES

    def _state_changed(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        with self.lock:
            self._idle.notify_all()
            if not up or self._transport is None:
                return
            self._is_back = True
            if self._has_been_up:
                self._held_until = self._clock() + HOLD
            self._has_been_up = True
        self.pump()

    def _hand_over_late(self, transport: Transport, load: Load) -> bool:
        """Send a message that was kept; whether the link has taken it."""
        load.is_late = True
        self._hand_over(transport, load)
        return load.place is None

    def _hand_over(self, transport: Transport, load: Load) -> None:
        late, is_latest = load.is_late, self._latest.get(load.topic) is load
        way = self._late if late else self._live
        way.add(load, 1)
        parcel = Parcel(
            load.topic,
            wire.as_late(load.payload) if late else load.payload,
            qos=1 if late else load.qos,
            retain=load.retain and is_latest,  # an old value must not take a newer one's place
        )
        transport.publish(parcel, partial(self._landed, load, way))

    def _landed(self, load: Load, way: _UnderWay, fate: str) -> None:
        with self.lock:
            way.add(load, -1)
            if fate in {Fate.TAKEN, Fate.NO_SUBSCRIBER}:
                self._delivered += load.samples
            elif fate in {Fate.TOO_LARGE, Fate.REFUSED}:
                self._drop_for_good(load, fate)
            else:
                load.is_doubtful = load.is_doubtful or fate == Fate.IN_DOUBT
                self._keep(load)
            if way is self._late and fate == Fate.TAKEN:
                self.pump()
            self._idle.notify_all()

    def _keep(self, load: Load) -> None:
        if self._is_closed:
            self._dropped += load.samples
            self._doubtful += load.samples if load.is_doubtful else 0
        else:
            self._dropped += self._shelf.put(load)

    def _drop_for_good(self, load: Load, fate: str) -> None:
        self._dropped += load.samples
        if load.topic not in self._refused:
            self._refused.add(load.topic)
            log.error("%s: the broker takes no such message: %s", load.topic, fate)
