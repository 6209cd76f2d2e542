"""The gateway's one thread: waits for senders and for answers, and lets each part do its work."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyros_mqtt.gateway.desk import Desk
    from pyros_mqtt.gateway.door import Door
    from pyros_mqtt.gateway.visits import Visits

log = logging.getLogger(__name__)

TURN = 0.1
"""Seconds between two turns when nothing happens."""


class Doorkeeper:
    """Drives doors, visits and desk. Every method is for any thread.

    While the desk is full nothing is accepted and nothing is read, so that senders wait in the
    system's queues, as they waited for PyROS's own receivers.

    Attributes:
        selector: where doors and visits say which sockets concern them; `data` is what to call.
        is_paused: the desk is full.
    """

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.is_paused = False
        self._calm = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        for end in (self._wake_in, self._wake_out):
            end.settimeout(0)
        for selector in (self.selector, self._calm):
            selector.register(self._wake_in, selectors.EVENT_READ, self._drain_wake)
        self._is_awake = False
        self._closing = threading.Event()
        self._drain_by = float("inf")
        self._keep_at = 0.0
        self._thread: threading.Thread | None = None

    def start(self, desk: Desk, visits: Visits, doors: Sequence[Door]) -> None:
        """Open the doors, and let in who comes from now on."""
        for door in doors:
            door.keep(time.monotonic(), has_room=True)
        self._thread = threading.Thread(
            target=self._run, args=(desk, visits, doors), name="gateway doors", daemon=True
        )
        self._thread.start()

    def wake(self) -> None:
        """Let the desk have its turn now."""
        if not self._is_awake:
            self._is_awake = True
            with contextlib.suppress(OSError):  # full: it is awake; closed: it has ended
                self._wake_out.send(b"\0")

    def close(self, timeout: float) -> None:
        """Shut the doors, and give what is held `timeout` seconds to be answered."""
        self._drain_by = time.monotonic() + timeout
        self._closing.set()
        self.wake()
        if self._thread is None:
            self._hang_up()
        else:
            self._thread.join(timeout + 1.0)

    # -- the gateway's thread -----------------------------------------------------------------

    def _run(self, desk: Desk, visits: Visits, doors: Sequence[Door]) -> None:
        while not self._closing.is_set():
            try:
                self._turn(desk, visits, doors)
            except Exception:
                # one sender must not end the gateway for all others
                log.exception("the gateway stumbled; it goes on")
                self._closing.wait(TURN)
        for door in doors:
            door.close()
        self._drain(desk)
        visits.close()
        self._hang_up()

    def _turn(self, desk: Desk, visits: Visits, doors: Sequence[Door]) -> None:
        self._pause(visits, wanted=not desk.has_room)
        for key, _ in (self._calm if self.is_paused else self.selector).select(TURN):
            if desk.has_room or key.fileobj is self._wake_in:
                act: Callable[[], None] = key.data
                act()
        desk.turn()
        now = time.monotonic()
        if now >= self._keep_at:
            self._keep_at = now + TURN
            if not self.is_paused:
                visits.sweep(now)
            for door in doors:
                door.keep(now, has_room=not visits.is_full)

    def _pause(self, visits: Visits, *, wanted: bool) -> None:
        if self.is_paused and not wanted:
            visits.forgive()
        self.is_paused = wanted

    def _drain(self, desk: Desk) -> None:
        """What was taken in goes on to the agents, or is told of."""
        while desk.held and time.monotonic() < self._drain_by:
            for _ in self._calm.select(TURN):
                self._drain_wake()
            desk.turn()
        desk.give_up("the gateway ends")

    def _drain_wake(self) -> None:
        self._is_awake = False
        with contextlib.suppress(OSError):
            self._wake_in.recv(4096)

    def _hang_up(self) -> None:
        self.selector.close()
        self._calm.close()
        self._wake_in.close()
        self._wake_out.close()
