"""Who looks, and may she command? Here: nobody, or who knows a shared token; `accounts`: people."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from pyros_mqtt.errors import BadName
from pyros_mqtt.topics import check_name

SESSION = 12 * 3600.0
"""Seconds for which somebody stays logged in."""

MOST_SESSIONS = 200
TRIES = 5
PAUSE = 30.0
"""After so many wrong tokens nobody is let in for so many seconds."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who looks. `session` is the cookie's secret, `csrf` the one that forms carry."""

    name: str
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


class Refused(Exception):
    """Somebody is not let in, or may not do that; the text says why, for people.

    Attributes:
        wait: seconds after which she may try again; 0: at once.
    """

    def __init__(self, text: str, wait: int = 0) -> None:
        super().__init__(text)
        self.wait = wait


class Authority(Protocol):
    """Decides who somebody is and what she may do.

    All but `admit` are called in the event loop, so they never block.
    """

    @property
    def asks_for(self) -> str:
        """What one logs in with, `token` or `password`; empty where nobody can."""

    @property
    def is_closed(self) -> bool:
        """Whether nobody sees anything who has not logged in."""

    def admit(self, name: str, secret: str, address: str = "") -> Person:
        """Let somebody in who comes from there.

        Raises:
            Refused: not this one.
        """

    def vouched(self, name: str) -> Person | None:
        """Who it is that a proxy has let in."""

    def who(self, session: str) -> Person | None:
        """Whose session this is."""

    def leave(self, session: str) -> None:
        """End a session."""

    def may_view(self, person: Person | None) -> bool:
        """Whether she may see what is shown."""

    def may_command(self, person: Person | None, agent: str, message: str) -> bool:
        """Whether she may send this message to this agent."""

    def commands(self, person: Person | None) -> bool:
        """Whether she may send anything at all."""


class _Open:
    """Everybody may look."""

    is_closed = False

    def vouched(self, name: str) -> Person | None:
        """No proxy is believed."""
        del name
        return None

    def may_view(self, person: Person | None) -> bool:
        """Everybody."""
        del person
        return True

    def commands(self, person: Person | None) -> bool:
        """Whoever has logged in."""
        return person is not None


class ReadOnly(_Open):
    """Everybody may look, nobody may command."""

    asks_for = ""

    def admit(self, name: str, secret: str, address: str = "") -> Person:
        """Let nobody in."""
        del name, secret, address
        raise Refused("this dashboard only shows: commanding needs people, or a dashboard_token")

    def who(self, session: str) -> Person | None:
        """Know nobody."""
        del session
        return None

    def leave(self, session: str) -> None:
        """Nothing to end."""
        del session

    def may_command(self, person: Person | None, agent: str, message: str) -> bool:
        """Never."""
        del person, agent, message
        return False


class SharedToken(_Open):
    """Whoever knows the token may command, under the name that she gives.

    Args:
        token: the secret, the same for all.
    """

    asks_for = "token"

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, tuple[float, Person]] = OrderedDict()
        self._wrong = 0
        self._closed_until = 0.0

    def admit(self, name: str, secret: str, address: str = "") -> Person:
        """Let in who knows the token."""
        del address
        now = time.monotonic()
        try:
            name = check_name("name", name.strip().lower()[:50])
        except BadName as error:
            raise Refused(str(error)) from None
        with self._lock:
            if now < self._closed_until:
                left = self._closed_until - now
                raise Refused(f"too many wrong tokens; try again in {left:.0f} s")
            if not hmac.compare_digest(secret.encode(), self._token):
                self._wrong += 1
                if self._wrong >= TRIES:
                    self._wrong, self._closed_until = 0, now + PAUSE
                raise Refused("this is not the token")
            self._wrong = 0
            person = Person(name)
            self._sessions[person.session] = (now + SESSION, person)
            if len(self._sessions) > MOST_SESSIONS:
                self._sessions.popitem(last=False)
            return person

    def who(self, session: str) -> Person | None:
        """Whose session this is, if it has not ended."""
        with self._lock:
            until, person = self._sessions.get(session, (0.0, None))
            if person is not None and time.monotonic() > until:
                del self._sessions[session]
                return None
            return person

    def leave(self, session: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(session, None)

    def may_command(self, person: Person | None, agent: str, message: str) -> bool:
        """Whether somebody is logged in."""
        del agent, message
        return person is not None
