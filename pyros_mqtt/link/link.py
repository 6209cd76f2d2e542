"""A lasting connection to one of several brokers; it comes back for ever until it is closed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pyros_mqtt.link import backoff
from pyros_mqtt.link.access import Access
from pyros_mqtt.link.comeback import Comeback, MayReturn
from pyros_mqtt.link.connection import Connection
from pyros_mqtt.link.dialling import TURN, Dialler
from pyros_mqtt.link.eviction import Evicted
from pyros_mqtt.link.outlet import Outlet
from pyros_mqtt.link.safely import safely
from pyros_mqtt.link.subscriptions import Subscriptions
from pyros_mqtt.link.wakeup import Wakeup
from pyros_mqtt.transport import Delivery, Handler, OnFate, Parcel

if TYPE_CHECKING:
    from pyros_mqtt.settings import BrokerUrl

log = logging.getLogger(__name__)

STABLE = 10.0
"""Seconds after which a connection counts as good. One that breaks sooner, perhaps because somebody
else uses its client id, is no reason to come back fast."""

DRAIN = 5.0
"""Seconds to send what waits before going over to new certificates."""

LINGER = 0.001
"""Seconds for which a parcel that may linger waits for what follows it."""

GOES_OVER = "it goes over to new certificates"


class Link:
    """One client id on the bus; keeps the protocol of `Transport`.

    Its one thread drives paho and calls the handlers. It tries MQTT 5 first and falls back to
    3.1.1 where a broker refuses it, and it tries the brokers in turn.
    """

    def __init__(
        self, brokers: tuple[BrokerUrl, ...], access: Access, *, lean: bool = False
    ) -> None:
        self._access = access
        self._closing = threading.Event()
        self._wakeup = Wakeup()
        self._dialler = Dialler(brokers, self, self._wakeup, self._closing.is_set, lean=lean)
        self._subscriptions = Subscriptions()
        self._unacknowledged: list[int] = []
        self._state_calls: list[Callable[[bool], None]] = []
        self._turn_calls: list[tuple[Callable[[], None], bool]] = []
        self._comeback = Comeback(
            access.client_id, self._wait, self._closing.is_set, self._go_under
        )
        self._outlet = Outlet(self._subscriptions, self._wakeup)
        self._up = False
        self._close_by = float("inf")
        self._leave_by: float | None = None
        self._goes_over = False
        self._protocol = ""
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
        return "" if self._up else self._dialler.trouble

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
        self._wakeup.ring()
        if self._thread.ident is None:
            self._hang_up()
        elif threading.current_thread() is not self._thread:
            self._thread.join(timeout + 0.5)

    def publish(self, parcel: Parcel, on_fate: OnFate | None = None) -> None:
        """Send one parcel, or queue it; `on_fate` is called once, here or in the network thread."""
        self._outlet.publish(parcel, on_fate, is_up=self._up)

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Listen at QoS 1, now and after each reconnection."""
        self._subscriptions.add(pattern, handler)
        self._wakeup.ring()

    def unsubscribe(self, pattern: str) -> None:
        """Stop listening."""
        self._subscriptions.remove(pattern)
        self._wakeup.ring()

    def on_state(self, callback: Callable[[bool], None]) -> None:
        """Call with True after each connection, with False after its loss."""
        self._state_calls.append(callback)

    def on_turn(self, callback: Callable[[], None], *, vouches: bool = False) -> None:
        """Call after each batch of deliveries, before they are acknowledged."""
        self._turn_calls.append((callback, vouches))

    def guard(self, may_return: MayReturn, evicted: Evicted) -> None:
        """Ask, in the network thread, before coming back after a lost connection."""
        self._comeback.guard(may_return, evicted)

    # -- what the connection tells, in the network thread -------------------------------

    def arrived(self, delivery: Delivery, mid: int) -> None:
        """Hand a message to its handler; a handler's failure never reaches paho."""
        if mid:
            self._unacknowledged.append(mid)
        handler = self._subscriptions.handler(delivery.topic)
        if handler is not None:
            safely(partial(handler, delivery))

    def landed(self, mid: int, fate: str) -> None:
        """The broker has acknowledged a publication."""
        safely(partial(self._outlet.landed, mid, fate))

    def confirmed(self, mid: int, refused: bool) -> None:  # noqa: FBT001 - an event's value
        """The broker has answered a subscription."""
        self._subscriptions.confirm(mid, refused=refused)

    # -- the network thread: from connection to connection ----------------------------------

    def _run(self) -> None:
        attempt = 0
        while not self._closing.is_set():
            goes_over, self._goes_over = self._goes_over, False
            try:
                if not goes_over and self._comeback.is_barred():
                    self._dialler.trouble = "another agent of this name has taken over"
                    break
                lasted = self._serve_one()
                if lasted > STABLE:
                    attempt = 0
                elif goes_over and not lasted:
                    self._goes_over = self._went_back()
            except BaseException as error:
                # whatever it is, even a SystemExit: nobody else could bring this thread back
                self._dialler.trouble = repr(error)
                log.exception("the connection failed in an unforeseen way; it is made anew")
            if self._goes_over:  # nobody can have taken the name: come back at once
                self._dialler.stay()
                continue
            attempt += self._dialler.has_tried_all
            self._wait(backoff.delay(attempt) if self._dialler.has_tried_all else 0)
        self._hang_up()

    def _serve_one(self) -> float:
        """Reach the next broker and stay with it; gives the seconds of that connection."""
        connection = self._dialler.dial(self._access)
        if self._dialler.was_closed:
            self._comeback.shut_out()
        if connection is None:
            return 0.0
        self._comeback.reached()
        began = time.monotonic()
        try:
            self._serve(connection)
        finally:
            self._after(connection)
        return time.monotonic() - began

    def _went_back(self) -> bool:
        """Nobody takes the new certificates: whether there are others to come back with at once."""
        credentials = self._access.credentials
        return credentials is not None and credentials.go_back()

    def _go_under(self, client_id: str, tell: Callable[[], None]) -> None:
        self._access = replace(self._access, client_id=client_id)
        safely(tell)

    def _wait(self, seconds: float) -> None:
        """Pause between attempts; the turns go on, so that clocks are watched meanwhile."""
        end = time.monotonic() + seconds
        while not self._closing.is_set():
            safely(self._end_turn)
            left = end - time.monotonic()
            if left <= 0:
                return
            self._closing.wait(min(left, TURN))

    def _hang_up(self) -> None:
        self._outlet.clear()
        self._wakeup.close()

    # -- the network thread: one connection -------------------------------------------------

    def _serve(self, connection: Connection) -> None:
        """Drive one connection until it breaks or the link is closed."""
        self._protocol = "MQTT 5" if connection.is_v5 else "MQTT 3.1.1"
        self._outlet.begin(connection)
        self._subscriptions.begin_anew()
        self._leave_by = None
        while connection.lost is None and not self._is_over(connection):
            self._turn(connection)

    def _turn(self, connection: Connection) -> None:
        """Read, commit, acknowledge, write: in this order, so that nothing is lost between."""
        self._outlet.ask(connection)
        if not self._up and self._subscriptions.are_confirmed:
            self._tell(up=True)
        self._rest(connection)
        connection.take_in()
        if self._end_turn():
            self._acknowledge(connection)
        self._wakeup.listen()
        self._outlet.send(connection)
        if self._up:
            self._outlet.open(connection)
        if not self._outlet.lingers:
            connection.flush()

    def _rest(self, connection: Connection) -> None:
        """Wait for the socket or a ring; from then on what is to be sent waits for the turn."""
        lingers = self._outlet.lingers
        rang = connection.wait(self._wakeup.fileno(), LINGER if lingers else TURN, lingers=lingers)
        self._outlet.shut()
        self._wakeup.woke(by_ring=rang)

    def _end_turn(self) -> bool:
        """Whether what came in may be acknowledged."""
        fine = [safely(callback) or not vouches for callback, vouches in self._turn_calls]
        return all(fine)

    def _acknowledge(self, connection: Connection) -> None:
        if self._unacknowledged:
            connection.acknowledge(self._unacknowledged)
            self._unacknowledged.clear()

    def _is_over(self, connection: Connection) -> bool:
        """The link is closed, or goes over to new certificates, and has nothing left to say.

        It has said goodbye then.
        """
        now = time.monotonic()
        leave_by = self._close_by if self._closing.is_set() else self._renewal(now)
        if leave_by is None or (len(self._outlet) and now <= leave_by):
            return False
        self._goes_over = not self._closing.is_set()
        self._outlet.shut_for_good()
        connection.disconnect()
        return True

    def _renewal(self, now: float) -> float | None:
        """By when to leave because certificates were replaced; None: they were not."""
        credentials = self._access.credentials
        if self._leave_by is None and credentials is not None and credentials.have_changed():
            self._leave_by = now + DRAIN
        return self._leave_by

    def _after(self, connection: Connection) -> None:
        """The connection has broken, or was ended: nothing of it may leak into the next one."""
        if self._access.credentials is not None:
            self._access.credentials.take_newest()
        self._dialler.trouble = GOES_OVER if self._goes_over else connection.lost or "closed"
        self._outlet.shut_for_good()
        connection.drop()
        self._unacknowledged.clear()
        self._up = False
        self._outlet.lose(is_no_accident=self._closing.is_set() or self._goes_over)
        self._tell(up=False)
        if not self._closing.is_set():
            self._comeback.lost(connection)

    def _tell(self, *, up: bool) -> None:
        self._up = up
        trouble = self._dialler.trouble
        log.debug("%s: %s", self._access.client_id, "connected" if up else trouble)
        for callback in self._state_calls:
            safely(partial(callback, up))
