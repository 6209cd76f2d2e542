"""The listening sockets, one for each agent, opened as PyROS opened them."""

from __future__ import annotations

import logging
import selectors
import socket
import time
from errno import EADDRNOTAVAIL
from functools import partial

from pyros_mqtt.gateway.notes import Notes
from pyros_mqtt.gateway.visits import Visits
from pyros_mqtt.settings import OldSocket

log = logging.getLogger(__name__)

BACKLOG = 4096
"""Connections that the system keeps until we accept them; it may have a lower limit of its own."""

BURST = 100
"""Connections that one door lets in before the others have their turn."""

REOPEN = 2.0
"""Seconds until a port that could not be listened on is tried again."""

REST = 0.2
"""Seconds without accepting after the system has run out of something, such as descriptors."""


class Door:
    """Listens for one agent. For the gateway's thread alone; `trouble` for any.

    Attributes:
        agent: whose messages come here.
        section: what the configuration says of it.
        trouble: why it does not listen, for people; empty while it does.
        is_elsewhere: its address is none of this machine's; one file may serve all machines.
    """

    def __init__(
        self,
        agent: str,
        section: OldSocket,
        selector: selectors.BaseSelector,
        visits: Visits,
        notes: Notes,
    ) -> None:
        self.agent = agent
        self.section = section
        self.trouble = "not opened yet"
        self.is_elsewhere = False
        self._selector = selector
        self._visits = visits
        self._notes = notes
        self._listener: socket.socket | None = None
        self._is_watched = False
        self._again_at = 0.0

    def keep(self, now: float, *, has_room: bool) -> None:
        """Open it if it is shut, and look for those who come while there is room for them."""
        if now < self._again_at:
            has_room = False
        elif self._listener is None:
            self._again_at = now + REOPEN
            self._open(now)
        if self._listener is not None and has_room != self._is_watched:
            self._watch(self._listener)

    def close(self) -> None:
        """Listen no longer; the system turns away who comes."""
        if self._listener is not None:
            if self._is_watched:
                self._watch(self._listener)
            self._listener.close()
        self._listener = None
        self.trouble = "closed"

    def _open(self, now: float) -> None:
        try:
            self._listener = _listen(self.section.ip, self.section.receive_port or 0)
        except OSError as error:
            reason = error.strerror or error
            was_elsewhere, self.is_elsewhere = self.is_elsewhere, error.errno == EADDRNOTAVAIL
            self.trouble = f"{self.agent}: cannot listen at {self.section.place}: {reason}"
            if not self.is_elsewhere:
                self._notes.add(f"port {self.agent}", self.trouble, now)
            elif not was_elsewhere:
                log.info("%s: %s is none of this machine's", self.agent, self.section.place)
            return
        log.info("listening for %s at %s", self.agent, self.section.place)
        self.trouble, self.is_elsewhere = "", False
        self._notes.over(f"port {self.agent}")
        self._again_at = now

    def _watch(self, listener: socket.socket) -> None:
        self._is_watched = not self._is_watched
        if self._is_watched:
            act = partial(self._accept, listener)
            self._selector.register(listener, selectors.EVENT_READ, act)
        else:
            self._selector.unregister(listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(BURST):
            if not self._visits.has_room:
                return
            try:
                sock, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                now = time.monotonic()
                self._again_at = now + REST
                self._notes.add("accept", f"nobody can be let in: {error.strerror}", now)
                return
            self._visits.welcome(sock, address[0], self.agent, self.section)


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.settimeout(0)
    except OSError:
        listener.close()
        raise
    return listener
