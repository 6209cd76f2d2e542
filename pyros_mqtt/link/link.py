"""A lasting connection to one of several brokers; it comes back for ever until it is closed."""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pyros_mqtt.errors import SettingsError
from pyros_mqtt.link import backoff
from pyros_mqtt.link.backlog import Backlog, Item, SizeLesson
from pyros_mqtt.link.connection import CONNECT_TIMEOUT, V5, V311, Access, Connection
from pyros_mqtt.topics import matches, overlap
from pyros_mqtt.transport import Delivery, Fate, Handler, OnFate, Parcel

if TYPE_CHECKING:
    from pyros_mqtt.settings import BrokerUrl, Settings

log = logging.getLogger(__name__)

STABLE = 10.0
"""Seconds after which a connection counts as good. One that breaks sooner, perhaps because somebody
else uses its client id, is no reason to come back fast."""

MOST_ROUTES = 10_000
"""Topics whose handler is remembered, so that it is not looked for at each message."""

TURN = 0.1
"""Seconds between two turns of the network thread when nothing happens."""


class Brokers:
    """The bus over the configured brokers: one link for each connection that is asked for.

    `lean` tries MQTT 3.1.1 first: for those who hear very much and need no properties, which cost
    two fifths of the time that a message takes.
    """

    def __init__(self, settings: Settings, *, lean: bool = False) -> None:
        if not settings.brokers:
            raise SettingsError(
                "no broker is configured: set PYROS_BROKERS=mqtt://HOST:1883, or `brokers` in "
                "pyros.toml; `pyros broker` starts one on this machine"
            )
        self._settings = settings
        self._lean = lean

    def transport(self, client_id: str) -> Link:
        """Make one link; it is opened by its user."""
        settings = self._settings
        access = Access(
            client_id=client_id,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else None,
            tls=_tls(settings),
            keepalive=max(1, round(settings.keepalive)),
        )
        return Link(settings.brokers, access, lean=self._lean)


class Link:
    """One client id on the bus; keeps the protocol of `Transport`.

    Its one thread drives paho and calls the handlers. It tries MQTT 5 first and falls back to
    3.1.1 where a broker refuses it, and it tries the brokers in turn.
    """

    def __init__(
        self, brokers: tuple[BrokerUrl, ...], access: Access, *, lean: bool = False
    ) -> None:
        self._access = access
        self._brokers = itertools.cycle(brokers)
        self._count = len(brokers)
        self._old_brokers: set[BrokerUrl] = set(brokers if lean else ())
        self._handlers: dict[str, Handler] = {}
        self._routes: dict[str, Handler] = {}
        self._news: list[tuple[str, bool]] = []
        self._asked: dict[int, str] = {}
        self._unacknowledged: list[int] = []
        self._state_calls: list[Callable[[bool], None]] = []
        self._turn_calls: list[Callable[[], None]] = []
        self._may_return: Callable[[], bool | None] | None = None
        self._backlog = Backlog()
        self._sizes = SizeLesson()
        self._lock = threading.Lock()
        self._up = False
        self._closing = threading.Event()
        self._close_by = float("inf")
        self._trouble = "not opened yet"
        self._protocol = ""
        self._wake_in, self._wake_out = socket.socketpair()
        for end in (self._wake_in, self._wake_out):
            end.settimeout(0)
        self._thread = threading.Thread(
            target=self._run, name=f"network {access.client_id}", daemon=True
        )

    # -- for any thread -----------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """Connected, and every subscription confirmed."""
        return self._up

    @property
    def trouble(self) -> str:
        """Why it is not up, for people."""
        return "" if self._up else self._trouble

    @property
    def protocol(self) -> str:
        """The version that the broker of the latest connection speaks; empty before it."""
        return self._protocol

    def open(self, will: Parcel | None = None) -> None:
        """Start connecting. Returns at once."""
        self._access = replace(self._access, will=will)
        self._thread.start()

    def close(self, timeout: float = 2.0) -> None:
        """Send what waits, within `timeout` seconds, disconnect cleanly, end the thread."""
        self._close_by = time.monotonic() + timeout
        self._closing.set()
        self._wake()
        if self._thread.ident is None:
            self._hang_up()
        elif threading.current_thread() is not self._thread:
            self._thread.join(timeout + 0.5)

    def publish(self, parcel: Parcel, on_fate: OnFate | None = None) -> None:
        """Queue one parcel; `on_fate` is called once, in the network thread."""
        if not (self._up or parcel.keep) or not self._backlog.put(Item(parcel, on_fate)):
            if on_fate is not None:
                on_fate(Fate.DROPPED)
            return
        self._wake()

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Listen at QoS 1, now and after each reconnection."""
        with self._lock:
            for other in self._handlers:
                if overlap(pattern, other):
                    raise ValueError(
                        f"the subscription {pattern!r} overlaps {other!r}: a broker may deliver "
                        "one message twice; use another connection"
                    )
            self._handlers[pattern] = handler
            self._routes = {}
            self._news.append((pattern, True))
        self._wake()

    def unsubscribe(self, pattern: str) -> None:
        """Stop listening."""
        with self._lock:
            if self._handlers.pop(pattern, None) is not None:
                self._routes = {}
                self._news.append((pattern, False))
        self._wake()

    def on_state(self, callback: Callable[[bool], None]) -> None:
        """Call with True after each connection, with False after its loss."""
        self._state_calls.append(callback)

    def on_turn(self, callback: Callable[[], None]) -> None:
        """Call after each batch of deliveries, before they are acknowledged."""
        self._turn_calls.append(callback)

    def guard(self, may_return: Callable[[], bool | None]) -> None:
        """Ask, in the network thread, before coming back after a lost connection."""
        self._may_return = may_return

    # -- what the connection tells, in the network thread -------------------------------

    def arrived(self, delivery: Delivery, mid: int) -> None:
        """Hand a message to its handler; a handler's failure never reaches paho."""
        if mid:
            self._unacknowledged.append(mid)
        handler = self._routes.get(delivery.topic) or self._route(delivery.topic)
        if handler is not None:
            self._safely(partial(handler, delivery))

    def _route(self, topic: str) -> Handler | None:
        """Find the handler of a topic: the only one, since no two subscriptions overlap."""
        with self._lock:
            for pattern, handler in self._handlers.items():
                if matches(pattern, topic):
                    if len(self._routes) < MOST_ROUTES:
                        self._routes[topic] = handler
                    return handler
        return None

    def landed(self, mid: int, fate: str) -> None:
        """The broker has acknowledged a publication."""
        self._safely(lambda: self._sizes.heard(self._backlog.land(mid, fate)))

    def confirmed(self, mid: int, refused: bool) -> None:  # noqa: FBT001 - an event's value
        """The broker has answered a subscription."""
        pattern = self._asked.pop(mid, "")
        if refused:
            log.error("the broker does not allow us to listen to %s", pattern)

    # -- the network thread ---------------------------------------------------------------

    def _run(self) -> None:
        attempt, returns = 0, False
        while not self._closing.is_set():
            url = next(self._brokers)
            try:
                if returns and self._is_replaced():
                    break
                connection = self._connect(url)
                if connection is not None:
                    returns = True
                    began = time.monotonic()
                    self._serve(connection)
                    if time.monotonic() - began > STABLE:
                        attempt = 0
            except Exception as error:
                # whatever it is, the agent must not go on without its network thread
                self._trouble = f"{url}: {error!r}"
                log.exception("the connection to %s failed in an unforeseen way", url)
            attempt += 1
            round_ended = attempt % self._count == 0
            self._wait(backoff.delay(attempt // self._count) if round_ended else 0)
        self._hang_up()

    def _hang_up(self) -> None:
        self._backlog.clear()
        self._wake_in.close()
        self._wake_out.close()

    def _connect(self, url: BrokerUrl) -> Connection | None:
        """Try one broker, with MQTT 5 first; None where it cannot be had."""
        versions = (V311, V5) if url in self._old_brokers else (V5, V311)
        for version in versions:
            connection = Connection(url, self._access, version, self)
            try:
                connection.connect()
            except (OSError, ValueError) as error:
                connection.drop()
                self._trouble = f"{url}: {error}"
                return None
            if self._await_welcome(connection):
                remember = self._old_brokers.discard if version is V5 else self._old_brokers.add
                remember(url)
                return connection
            connection.drop()
            self._trouble = f"{url}: {connection.refusal or connection.lost or 'no answer'}"
            if not _old_protocol_may_help(connection):
                break
        return None

    def _await_welcome(self, connection: Connection) -> bool:
        deadline = time.monotonic() + CONNECT_TIMEOUT
        while not connection.is_connected:
            left = deadline - time.monotonic()
            if left <= 0 or connection.lost or connection.refusal or self._closing.is_set():
                return False
            self._drain_wake(woken=connection.turn(self._wake_in.fileno(), min(left, TURN)))
            connection.flush()
        return True

    def _serve(self, connection: Connection) -> None:
        """Drive one connection until it breaks or the link is closed."""
        self._protocol = "MQTT 5" if connection.is_v5 else "MQTT 3.1.1"
        self._sizes.told(connection.max_packet)
        with self._lock:
            self._news = [(pattern, True) for pattern in self._handlers]
        try:
            while connection.lost is None and not self._is_over(connection):
                self._turn(connection)
        finally:
            self._after(connection)

    def _turn(self, connection: Connection) -> None:
        """Read, commit, acknowledge, write: in this order, so that nothing is lost between."""
        self._ask_for_news(connection)
        if not self._up and not self._asked:
            self._tell(up=True)
        self._drain_wake(woken=connection.turn(self._wake_in.fileno(), TURN))
        if self._safely(self._end_turn):
            self._acknowledge(connection)
        self._send(connection)
        connection.flush()

    def _is_over(self, connection: Connection) -> bool:
        """The link is closed and has nothing left to say; it has said goodbye then."""
        if not self._closing.is_set() or not self._is_drained():
            return False
        connection.disconnect()
        return True

    def _after(self, connection: Connection) -> None:
        self._trouble = connection.lost or "closed"
        connection.drop()
        self._asked.clear()
        self._unacknowledged.clear()
        if not self._closing.is_set():
            self._sizes.lost(self._backlog.first_in_flight())
        self._up = False
        for item in self._backlog.lose():
            self._safely(partial(item.settle, Fate.DROPPED))
        self._tell(up=False)

    def _ask_for_news(self, connection: Connection) -> None:
        with self._lock:
            news, self._news = self._news, []
        for pattern, wanted in news:
            if wanted:
                self._asked[connection.subscribe(pattern)] = pattern
            else:
                connection.unsubscribe(pattern)

    def _end_turn(self) -> None:
        for callback in self._turn_calls:
            callback()

    def _acknowledge(self, connection: Connection) -> None:
        if self._unacknowledged:
            connection.acknowledge(self._unacknowledged)
            self._unacknowledged.clear()

    def _send(self, connection: Connection) -> None:
        while (item := self._backlog.take()) is not None:
            # who subscribes and then publishes means this order: the answer may come at once
            self._ask_for_news(connection)
            parcel = item.parcel
            size = item.size
            if not self._sizes.allows(size):
                log.error("%s: %d bytes are over the broker's limit", parcel.topic, size)
                self._safely(partial(item.settle, Fate.TOO_LARGE))
                continue
            mid = connection.publish(parcel)
            if parcel.qos:
                self._backlog.fly(mid, item)
            else:
                self._sizes.wrote_loose(size)
                self._safely(partial(item.settle, Fate.TAKEN))

    def _is_drained(self) -> bool:
        return not len(self._backlog) or time.monotonic() > self._close_by

    def _is_replaced(self) -> bool:
        """Whether somebody newer has our name, so that coming back would throw it out."""
        if self._may_return is None:
            return False
        for attempt in itertools.count():
            answer = self._may_return()
            if answer is not None or self._closing.is_set():
                break
            self._wait(backoff.delay(attempt))
        if answer is False:
            self._trouble = "another agent of this name has taken over"
        return answer is False

    def _tell(self, *, up: bool) -> None:
        self._up = up
        log.debug("%s: %s", self._access.client_id, "connected" if up else self._trouble)
        for callback in self._state_calls:
            self._safely(partial(callback, up))

    def _wait(self, seconds: float) -> None:
        """Pause between attempts; the turns go on, so that clocks are watched meanwhile."""
        end = time.monotonic() + seconds
        while not self._closing.is_set():
            self._safely(self._end_turn)
            left = end - time.monotonic()
            if left <= 0:
                return
            self._closing.wait(min(left, TURN))

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake; closed: it has ended
            self._wake_out.send(b"\0")

    def _drain_wake(self, *, woken: bool) -> None:
        if woken:
            with contextlib.suppress(BlockingIOError):
                self._wake_in.recv(4096)

    def _safely(self, call: Callable[[], object]) -> bool:
        try:
            call()
        except Exception:
            log.exception("a handler failed; the connection goes on")
            return False
        return True


def _old_protocol_may_help(connection: Connection) -> bool:
    """A broker that knows no MQTT 5 says so, or hangs up without an answer."""
    return connection.is_v5 and (
        connection.lost is not None or "protocol version" in (connection.refusal or "").lower()
    )


def _tls(settings: Settings) -> ssl.SSLContext:
    """The TLS context of the settings: our authority, and our certificate if there is one."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"TLS: ca_file {settings.ca_file}, cert_file {settings.cert_file}, "
            f"key_file {settings.key_file}: {error}"
        ) from None
    return context
