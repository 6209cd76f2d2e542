"""What leaves through a link: at once, from the thread that has it, or with the next turn."""

from __future__ import annotations

import logging
import threading
from functools import partial

from pyros_mqtt.link.backlog import Backlog, Item, SizeLesson
from pyros_mqtt.link.connection import Connection
from pyros_mqtt.link.safely import safely
from pyros_mqtt.link.subscriptions import Subscriptions
from pyros_mqtt.link.wakeup import Wakeup
from pyros_mqtt.transport import Fate, OnFate, Parcel

log = logging.getLogger(__name__)


class Outlet:
    """Sends parcels in the order in which they come. `publish` is for any thread, the rest for one.

    While the network thread has nothing to say itself, the connection is open to all: who publishes
    then writes to the socket, and nobody has to be woken for it. All others wait for the turn.
    """

    def __init__(self, subscriptions: Subscriptions, wakeup: Wakeup) -> None:
        self._subscriptions = subscriptions
        self._wakeup = wakeup
        self._backlog = Backlog()
        self._sizes = SizeLesson()
        self._writing = threading.Lock()  # while a parcel goes past the backlog, or out of it
        self._open: Connection | None = None
        self.lingers = False
        """What was sent last may wait for a moment before it is written."""

    def __len__(self) -> int:
        """Parcels that wait, or are not acknowledged yet."""
        return len(self._backlog)

    def publish(self, parcel: Parcel, on_fate: OnFate | None, *, is_up: bool) -> None:
        """Send one parcel, or queue it; `on_fate` is called once, here or in the network thread."""
        item = Item(parcel, on_fate)
        if self._send_at_once(item):
            if not parcel.qos:
                item.settle(Fate.TAKEN)
        elif (is_up or parcel.keep) and self._backlog.put(item):
            self._wakeup.ring()
        else:
            item.settle(Fate.DROPPED)

    def _send_at_once(self, item: Item) -> bool:
        if item.parcel.may_linger:
            return False
        with self._writing:
            connection, size = self._open, item.size
            if connection is None or not (connection.has_room and self._backlog.lets_pass):
                return False
            if not self._sizes.allows(size):
                return False
            if self._subscriptions.have_news:  # who subscribes and then publishes means this order
                return False
            try:
                mid, packet = connection.pack(item.parcel)
            except ValueError:
                return False  # the network thread tells
            self._note(item, mid)
            if not connection.write_at_once(packet):
                self._wakeup.ring()
        return True

    # -- for the network thread ---------------------------------------------------------

    def begin(self, connection: Connection) -> None:
        """There is a new connection."""
        self._sizes.told(connection.max_packet)
        self._backlog.narrow(connection.most_in_flight)

    def ask(self, connection: Connection) -> None:
        """Tell the broker of new subscriptions, before anything that is published after them."""
        with self._writing:
            self._subscriptions.ask(connection)

    def open(self, connection: Connection) -> None:
        """Let every thread write to a connection."""
        if connection.can_write_at_once:
            self._open = connection

    def shut(self) -> None:
        """Let nobody else write."""
        self._open = None

    def shut_for_good(self) -> None:
        """The same, and wait for who is just writing: the connection goes away."""
        with self._writing:
            self._open = None

    def landed(self, mid: int, fate: str) -> None:
        """The broker has acknowledged a publication."""
        self._sizes.heard(self._backlog.land(mid, fate))

    def send(self, connection: Connection) -> None:
        """Send what waits, as far as there is room."""
        self.lingers = False
        while _has_room(connection) and (told := self._send_next(connection)) is not None:
            item, fate, problem = told
            if problem:
                log.error("%s: %s", item.parcel.topic, problem)
            if fate is not None:
                safely(partial(item.settle, fate))

    def _send_next(self, connection: Connection) -> tuple[Item, str | None, str] | None:
        """Send what has waited longest; gives its fate where it is known already, and why.

        Nothing is logged here: log records may be published.
        """
        with self._writing:
            item = self._backlog.take()
            if item is None:
                return None
            # who subscribes and then publishes means this order: the answer may come at once
            self._subscriptions.ask(connection)
            parcel, size = item.parcel, item.size
            if not self._sizes.allows(size):
                return item, Fate.TOO_LARGE, f"{size} bytes are over the broker's limit"
            try:
                mid = connection.publish(parcel)
            except ValueError as error:
                return item, Fate.TOO_LARGE, str(error)
            self.lingers = parcel.may_linger
            self._note(item, mid)
            return item, None if parcel.qos else Fate.TAKEN, ""

    def _note(self, item: Item, mid: int) -> None:
        """A parcel is on its way."""
        if item.parcel.qos:
            self._backlog.fly(mid, item)
            self._sizes.wrote()
        else:
            self._sizes.wrote_loose(item.size)

    def lose(self, *, is_no_accident: bool) -> None:
        """The connection is gone; what is to be kept waits for the next one."""
        if not is_no_accident:
            self._sizes.lost(self._backlog.first_in_flight())
        for item, fate in self._backlog.lose():
            safely(partial(item.settle, fate))

    def clear(self) -> None:
        """The end: whatever is left is dropped."""
        self._backlog.clear()


def _has_room(connection: Connection) -> bool:
    """Whether a line keeps up; what it did not take before, it may take now."""
    if not connection.has_room:
        connection.flush()
    return connection.has_room
