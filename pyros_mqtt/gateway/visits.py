"""All connections of old senders: who is let in, what they say, what they are answered."""

from __future__ import annotations

import selectors
import socket
import time
from functools import partial

from pyros_mqtt.errors import Refusal
from pyros_mqtt.gateway.desk import Desk, Letter
from pyros_mqtt.gateway.notes import Counts, Notes
from pyros_mqtt.gateway.peers import Peers
from pyros_mqtt.gateway.reading import command_of
from pyros_mqtt.gateway.visit import Visit
from pyros_mqtt.settings import GatewayTable, OldSocket

GRACE = 1.0
"""Seconds that a silent sender may keep its place while others wait for one."""

FRESH = 1.0
"""Seconds for which a connection that has said nothing yet goes before a later one of its peer."""

ANSWER_WITHIN = 60.0
"""Seconds beyond its time to live after which a sender is answered, whatever has happened."""


class Visits:
    """The open connections. For the gateway's thread alone; all `now` are monotonic seconds."""

    def __init__(  # noqa: PLR0913 - a visit needs all of these
        self,
        selector: selectors.BaseSelector,
        table: GatewayTable,
        peers: Peers,
        desk: Desk,
        *,
        counts: Counts,
        notes: Notes,
    ) -> None:
        self._selector = selector
        self._table = table
        self._peers = peers
        self._desk = desk
        self._counts = counts
        self._notes = notes
        self._open: set[Visit] = set()
        self._unread: dict[tuple[str, str], list[Visit]] = {}

    def __len__(self) -> int:
        """How many connections are open."""
        return len(self._open)

    @property
    def is_full(self) -> bool:
        """As many connections are open as are allowed."""
        return len(self._open) >= self._table.max_connections

    @property
    def has_room(self) -> bool:
        """Another one may be let in and heard."""
        return not self.is_full and self._desk.has_room

    def welcome(self, sock: socket.socket, address: str, agent: str, section: OldSocket) -> None:
        """Let a sender in, if it may write, and read what it has brought along."""
        now = time.monotonic()
        self._counts.connections += 1
        if not self._peers.may_write(address, section):
            self._counts.refused += 1
            sock.close()
            text = f"refused: {address} may not write to {agent}, as `allow` does not name it"
            self._notes.add(f"refused {agent}", text, now)
            return
        visit = Visit(sock, agent, section, self._peers.name(address), now)
        self._open.add(visit)
        unread = self._unread.setdefault((visit.peer, agent), [])
        unread.append(visit)
        # one that came before may have got its bytes only now, and has to go first
        for one in [one for one in unread if now - one.since < FRESH]:
            self._read(one)

    def sweep(self, now: float) -> None:
        """End the connections whose time is over."""
        grace = GRACE if self.is_full else float("inf")
        for visit in list(self._open):
            age = now - visit.since
            if visit.framing.is_over or visit.owed:
                if age > self._ttl(visit) + ANSWER_WITHIN:
                    self._tell(visit, "unknown: there is no end yet")
            elif age > min(grace, visit.section.timeout or self._table.timeout):
                self._counts.silent += 1
                text = f"{visit.peer} said nothing to {visit.agent} for {age:.0f} s"
                self._notes.add(f"silent {visit.agent}", text, now)
                self._close(visit)

    def forgive(self) -> None:
        """Nobody was listened to for a while: their silence counts from now."""
        now = time.monotonic()
        for visit in self._open:
            visit.since = now

    def close(self) -> None:
        """End all connections."""
        for visit in list(self._open):
            self._close(visit)

    # -- one connection -----------------------------------------------------------------------

    def _read(self, visit: Visit) -> None:
        if visit not in self._open:
            return  # it has been read already, before a later one of its peer
        now = time.monotonic()
        for raw in visit.read(now):
            self._hand_in(visit, raw, now)
        if visit.heard or visit.is_read:
            self._no_longer_unread(visit)
        if visit.is_read:
            self._judge(visit, now)
        self._go_on(visit)

    def _no_longer_unread(self, visit: Visit) -> None:
        key = visit.peer, visit.agent
        unread = self._unread.get(key, [])
        if visit in unread:
            unread.remove(visit)
            if not unread:
                del self._unread[key]

    def _hand_in(self, visit: Visit, raw: bytes, now: float) -> None:
        """Make a command of one message, and give it to the desk."""
        wants = visit.section.answer
        try:
            command = command_of(raw, visit.agent, visit.peer, self._ttl(visit))
        except Refusal as refusal:
            self._counts.unreadable += 1
            text = f"{visit.peer} to {visit.agent}: cannot be read: {refusal.text}"
            self._notes.add(f"unreadable {visit.agent}", text, now)
            if wants != "none":
                visit.say(f"rejected: {refusal.text} ({refusal.code})")
            return
        if command is None:
            self._counts.empty += 1
            return
        letter = Letter(command, at_accepted=wants == "accepted")
        if wants != "none":
            visit.owed += 1
            letter.say = partial(self._answer, visit)
        self._desk.take(letter)

    def _judge(self, visit: Visit, now: float) -> None:
        """Say what was wrong with a connection that is read to its end."""
        wasted = visit.wasted()
        if visit.trouble:
            self._counts.broken += 1
            text = f"{visit.peer} to {visit.agent}: the connection broke: {visit.trouble}"
            self._notes.add(f"broken {visit.agent}", text, now)
        elif wasted:
            self._counts.cut += 1
            text = (
                f"{visit.peer} to {visit.agent}: {wasted} bytes or more were not read: "
                f"buffer_size is {visit.section.buffer_size}, framing is {visit.section.framing}"
            )
            self._notes.add(f"cut {visit.agent}", text, now)
            if visit.section.framing == "line" and visit.section.answer != "none":
                visit.say(f"rejected: longer than {visit.section.buffer_size} bytes (too-large)")
        elif not visit.heard:
            self._counts.empty += 1

    def _answer(self, visit: Visit, line: str) -> None:
        """The answer to one of its messages has come."""
        if visit not in self._open:
            return
        visit.owed -= 1
        self._tell(visit, line)

    def _tell(self, visit: Visit, line: str) -> None:
        visit.say(line)
        if visit.trouble or visit.is_over:
            self._close(visit)

    def _go_on(self, visit: Visit) -> None:
        """Read on, wait for the answers, or end it."""
        if visit not in self._open:
            return
        if visit.is_over:
            self._close(visit)
        elif visit.is_read == visit.is_watched:
            self._watch(visit)

    def _watch(self, visit: Visit) -> None:
        visit.is_watched = not visit.is_watched
        if visit.is_watched:
            act = partial(self._read, visit)
            self._selector.register(visit.sock, selectors.EVENT_READ, act)
        else:
            self._selector.unregister(visit.sock)

    def _close(self, visit: Visit) -> None:
        if visit.is_watched:
            self._watch(visit)
        self._no_longer_unread(visit)
        self._open.discard(visit)
        visit.sock.close()

    def _ttl(self, visit: Visit) -> float:
        return visit.section.ttl or self._table.ttl
