"""A broker in the process, for unit tests; payloads still cross as bytes.

It keeps what matters of MQTT: retained messages, last wills, one connection a client id, and
handlers in a network thread of each connection. A test can cut a connection to see what happens.
"""

from __future__ import annotations

import logging
import queue
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from pyros_mqtt.settings import Settings
from pyros_mqtt.topics import matches, overlap
from pyros_mqtt.transport import Delivery, Fate, Handler, OnFate, Parcel

log = logging.getLogger(__name__)

_TURN = 0.02


class Loopback:
    """The bus of one test. All methods may be called from any thread.

    Args:
        settings: of agents and senders that are given none; by default those of the environment
            and the files, with a state folder that ends with the bus and a journal in memory. So
            no rehearsal takes the journal of an agent that works on this machine, or delivers what
            waits in its spool.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._lock = threading.RLock()
        self._clients: dict[str, LoopbackTransport] = {}
        self._retained: dict[str, bytes] = {}
        self._settings = settings

    @property
    def settings(self) -> Settings:
        """Those of whoever comes without any."""
        with self._lock:
            if self._settings is None:
                folder = Path(tempfile.mkdtemp(prefix="pyros-loopback-"))
                weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
                self._settings = Settings(journal="memory", state_dir=folder)
            return self._settings

    def transport(self, client_id: str) -> LoopbackTransport:
        """Make one connection; it is opened by its user."""
        return LoopbackTransport(self, client_id)

    def cut(self, client_id: str) -> None:
        """Break a connection as a lost network would: the will fires, the client sees it."""
        with self._lock:
            client = self._clients.pop(client_id, None)
        if client is not None:
            client.lose()

    def mend(self, client: LoopbackTransport) -> None:
        """Let a client whose connection was cut come back."""
        self.attach(client)

    def retained(self, topic: str) -> bytes | None:
        """What is retained on a topic."""
        with self._lock:
            return self._retained.get(topic)

    def attach(self, client: LoopbackTransport) -> None:
        """Take a connection; an older one of the same client id is thrown out."""
        with self._lock:
            older = self._clients.pop(client.client_id, None)
            self._clients[client.client_id] = client
        if older is not None and older is not client:
            older.lose()
        client.gain()

    def detach(self, client: LoopbackTransport) -> None:
        """Let a connection go in peace: no will."""
        with self._lock:
            if self._clients.get(client.client_id) is client:
                del self._clients[client.client_id]

    def has(self, client: LoopbackTransport) -> bool:
        """Say whether a connection stands."""
        with self._lock:
            return self._clients.get(client.client_id) is client

    def recall(self, pattern: str) -> list[Delivery]:
        """The retained messages that a new subscription gets."""
        with self._lock:
            found = [(t, p) for t, p in self._retained.items() if matches(pattern, t)]
        return [Delivery(topic, payload, retain=True) for topic, payload in found]

    def route(self, parcel: Parcel) -> str:
        """Give a parcel to all who listen; say whether anybody did, as MQTT 5 does."""
        with self._lock:
            if parcel.retain and parcel.payload:
                self._retained[parcel.topic] = parcel.payload
            elif parcel.retain:
                self._retained.pop(parcel.topic, None)
            listeners = [c for c in self._clients.values() if c.listens_to(parcel.topic)]
            for listener in listeners:
                listener.hear(parcel)
        return Fate.TAKEN if listeners else Fate.NO_SUBSCRIBER


class LoopbackTransport:
    """One connection to a `Loopback`; keeps the protocol of `Transport`."""

    def __init__(self, broker: Loopback, client_id: str) -> None:
        self.client_id = client_id
        self._broker = broker
        self._will: Parcel | None = None
        self._handlers: dict[str, Handler] = {}
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._up = threading.Event()
        self._state_calls: list[Callable[[bool], None]] = []
        self._turn_calls: list[Callable[[], None]] = []
        self._kept: list[tuple[Parcel, OnFate | None]] = []
        self._thread = threading.Thread(target=self._run, name=f"net {client_id}", daemon=True)

    @property
    def is_up(self) -> bool:
        """Attached to the loopback."""
        return self._up.is_set()

    @property
    def trouble(self) -> str:
        """Why it is not up."""
        return "" if self.is_up else "not connected to the loopback"

    def open(self, will: Parcel | None = None) -> None:
        """Attach, and start the network thread."""
        self._will = will
        self._thread.start()
        self._broker.attach(self)

    def close(self, timeout: float = 2.0) -> None:
        """Leave without a will, after all that was published before."""
        self._work.put(lambda: self._broker.detach(self))
        self._work.put(None)
        if self._thread.ident is not None and threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        self._up.clear()

    def publish(self, parcel: Parcel, on_fate: OnFate | None = None) -> None:
        """Route a parcel in the network thread."""
        self._work.put(lambda: self._send(parcel, on_fate))

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Listen; retained messages come first."""
        for other in self._handlers:
            if overlap(pattern, other):
                raise ValueError(f"{pattern!r} overlaps the subscription {other!r}")
        self._handlers[pattern] = handler
        if self.is_up:
            self._work.put(lambda: self._deliver(self._broker.recall(pattern)))

    def unsubscribe(self, pattern: str) -> None:
        """Stop listening."""
        self._handlers.pop(pattern, None)

    def on_state(self, callback: Callable[[bool], None]) -> None:
        """Tell of connections and losses."""
        self._state_calls.append(callback)

    def guard(self, may_return: Callable[[], bool | None], evicted: Callable[[str], None]) -> None:
        """Nothing to guard: a connection that was thrown out stays out."""

    def on_turn(self, callback: Callable[[], None], *, vouches: bool = False) -> None:  # noqa: ARG002 - nothing is acknowledged here
        """Call after deliveries, and every few hundredths of a second."""
        self._turn_calls.append(callback)

    def gain(self) -> None:
        """The broker has taken the connection."""
        self._work.put(self._gained)

    def lose(self) -> None:
        """The broker has broken the connection."""
        self._up.clear()
        self._work.put(lambda: self._tell(up=False))
        if self._will is not None:
            self._broker.route(self._will)

    def listens_to(self, topic: str) -> bool:
        """Say whether a subscription covers the topic."""
        return any(matches(pattern, topic) for pattern in list(self._handlers))

    def hear(self, parcel: Parcel) -> None:
        """Queue a delivery for the network thread."""
        delivery = Delivery(parcel.topic, parcel.payload, correlation=parcel.correlation)
        self._work.put(lambda: self._deliver([delivery]))

    def _gained(self) -> None:
        if not self._broker.has(self):
            return  # it was cut before it had noticed that it stood
        self._up.set()
        for pattern in list(self._handlers):
            self._deliver(self._broker.recall(pattern))
        self._tell(up=True)
        kept, self._kept = self._kept, []
        for parcel, on_fate in kept:
            self._send(parcel, on_fate)

    def _tell(self, *, up: bool) -> None:
        for callback in self._state_calls:
            callback(up)

    def _send(self, parcel: Parcel, on_fate: OnFate | None) -> None:
        if not self.is_up and parcel.keep:
            self._kept.append((parcel, on_fate))
            return
        fate = self._broker.route(parcel) if self.is_up else Fate.DROPPED
        if on_fate is not None:
            on_fate(fate)

    def _deliver(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            for pattern, handler in list(self._handlers.items()):
                if matches(pattern, delivery.topic):
                    handler(delivery)

    def _run(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=_TURN)
            except queue.Empty:
                work = _nothing
            if work is None:
                return
            for call in (work, *self._turn_calls):
                _safely(call)


def _safely(call: Callable[[], object]) -> None:
    """As in a real connection, a handler's failure ends nothing."""
    try:
        call()
    except Exception:
        log.exception("a handler failed; the connection goes on")


def _nothing() -> None:
    pass
