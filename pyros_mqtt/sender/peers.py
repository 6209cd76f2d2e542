"""The agents that were written to, as far as their status tells where they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pyros_mqtt import wire
from pyros_mqtt.claims import Claim, Line, kept_for
from pyros_mqtt.errors import BadPayload
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Delivery, Transport


@dataclass(slots=True)
class Peer:
    """What is known of one agent."""

    claim: Claim = field(default_factory=Claim)

    @property
    def session(self) -> str:
        """The life that it is in; empty where it has not said."""
        return self.claim.status.session if self.claim.status else ""

    @property
    def is_away(self) -> bool:
        """It does not claim to run."""
        status = self.claim.status
        return status is None or not status.state.is_alive

    def whereabouts(self) -> str:
        """Where it is, for people."""
        status = self.claim.status
        if status is None:
            return "no agent of this name has ever been seen on this broker"
        where = f" on {status.host}" if status.host else ""
        return f"the agent is {status.state}{where}"


class Peers:
    """Listens to the status of those who are met; the voices of one transport share it."""

    def __init__(self, transport: Transport, topics: Topics) -> None:
        self._transport = transport
        self._topics = topics
        self._lock = threading.Lock()
        self._peers: dict[str, Peer] = {}
        self._line = Line()
        self._on_return: list[Callable[[str], None]] = []
        transport.on_state(self._state_changed)

    def __getitem__(self, agent: str) -> Peer:
        """One whom we have met."""
        return self._peers[agent]

    def whereabouts(self, agent: str) -> str:
        """Where one whom we have met is, for people."""
        if self._line.is_cut:
            return "the line to its site is cut, so nobody can know how it is"
        return self._peers[agent].whereabouts()

    def meet(self, agent: str) -> None:
        """Listen to the status of an agent from its first command on. For any thread."""
        if agent in self._peers:
            return
        with self._lock:
            if agent in self._peers:
                return
            is_first = not self._peers
            self._peers[agent] = Peer()
        if is_first:
            self._transport.subscribe(self._topics.line, self._hear_line)
        self._transport.subscribe(self._topics.status(agent), self._hear)

    def on_return(self, callback: Callable[[str], None]) -> None:
        """Call with an agent's name when it is back; in the network thread."""
        self._on_return.append(callback)

    def _state_changed(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        if not up:
            self._line = Line()  # the bridge's word is kept, and heard again

    def _hear_line(self, delivery: Delivery) -> None:
        self._line.hear(delivery.payload, time.monotonic())

    def _hear(self, delivery: Delivery) -> None:
        address = self._topics.parse(delivery.topic)
        peer = self._peers.get(address.agent) if address else None
        if address is None or peer is None:
            return
        if not delivery.payload:
            peer.claim = Claim()
            return
        try:
            status = wire.decode_status(delivery.payload, address.agent)
        except BadPayload:
            return
        was_away = peer.is_away
        kept = kept_for(status, time.time()) if delivery.retain else None
        peer.claim.hear(status, time.monotonic(), kept=kept)
        if was_away and not peer.is_away:
            for callback in self._on_return:
                callback(address.agent)
