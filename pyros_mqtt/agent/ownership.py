"""One name, one agent: look before starting, and watch for a later life while running."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pyros_mqtt import wire
from pyros_mqtt.claims import Claim, Health, kept_for, patience
from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import State, Status
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Delivery

log = logging.getLogger(__name__)

NO_CLAIM = 0.5
"""Seconds after the subscription in which a retained claim would have come."""

ANSWER = 1.0
"""Seconds beyond its beat that a living holder has to show itself."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look at a name has shown: who holds it, and the latest boot that was ever claimed."""

    holder: Status | None
    last_boot: int


class Lookout:
    """Looks at an agent's status through a connection of its own, which throws nobody out."""

    def __init__(self, bus: Bus, topics: Topics, name: str) -> None:
        self._changed = threading.Condition()
        self._name = name
        self._claim = Claim()
        self._live = False
        self._up_since: float | None = None
        client_id = f"{topics.client_id(name)}-look-{secrets.token_hex(3)}"
        self._transport = bus.transport(client_id)
        self._transport.subscribe(topics.status(name), self._hear)
        self._transport.on_state(self._state_changed)
        self._transport.open()

    def find(self, timeout: float | None, besides: str = "") -> Sighting | None:
        """Say who holds the name; None where no broker was there within `timeout` seconds.

        A claim to live that is fresh enough to be true is given the time of one beat to prove it.

        Args:
            timeout: seconds; None waits for a broker for ever.
            besides: the session whose claims do not count, for one who looks after itself.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._up_since is not None, timeout):
                return None
            self._changed.wait_for(lambda: self._other(besides) is not None, NO_CLAIM)
            status = self._other(besides)
            if status is not None and self._may_live():
                self._changed.wait_for(self._is_decided, status.beat + ANSWER)
            status = self._other(besides)
            holder = status if self._live and status and status.state.is_alive else None
            return Sighting(holder, status.boot if status else 0)

    def _other(self, besides: str) -> Status | None:
        status = self._claim.status
        return None if status is None or (besides and status.session == besides) else status

    def close(self) -> None:
        """End the connection."""
        self._transport.close(timeout=0.5)

    def _may_live(self) -> bool:
        return self._claim.health(time.monotonic(), self._up_since) is Health.LIVE

    def _is_decided(self) -> bool:
        return self._live or not self._may_live()

    def _hear(self, delivery: Delivery) -> None:
        try:
            status = wire.decode_status(delivery.payload, self._name)
        except BadPayload:
            return
        kept = kept_for(status, time.time()) if delivery.retain else None
        with self._changed:
            self._claim.hear(status, time.monotonic(), kept=kept)
            self._live = not delivery.retain and status.state.is_alive
            self._changed.notify_all()

    def _state_changed(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        with self._changed:
            self._up_since = time.monotonic() if up else None
            self._changed.notify_all()


class Watch:
    """Watches an agent's own status topic: is it still the one that holds its name?

    Runs in the network thread.

    Args:
        insist: publish the own status again, with a boot above the one that is given.
        leave: another one has taken over.
        is_replaced: whether another life has taken our journal over. Then that one's last word,
            be it its will, is no reason to take the name back: the journal lets us start nothing.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a name has to do with
        self,
        name: str,
        session: str,
        boot: Callable[[], int],
        insist: Callable[[int], None],
        leave: Callable[[Status], None],
        is_replaced: Callable[[], bool],
    ) -> None:
        self._is_replaced = is_replaced
        self._name = name
        self._session = session
        self._boot = boot
        self._insist = insist
        self._leave = leave

    def hear(self, delivery: Delivery) -> None:
        """Judge one claim on our topic."""
        if not delivery.payload:
            self._insist(0)
            return
        try:
            status = wire.decode_status(delivery.payload, self._name)
        except BadPayload:
            self._insist(0)
            return
        if status.session == self._session:
            if status.state is State.LOST:
                self._insist(0)  # the will of our own broken connection came late
            return
        mine, theirs = (self._boot(), self._session), (status.boot, status.session)
        fresh = not delivery.retain or kept_for(status, time.time()) < patience(status)
        if theirs > mine and ((status.state.is_alive and fresh) or self._is_replaced()):
            self._leave(status)
        else:
            self._insist(status.boot)
