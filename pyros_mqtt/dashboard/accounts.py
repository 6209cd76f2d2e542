"""People who log in with a password, or whom a proxy has let in, and their roles."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyros_mqtt.access import Identity, Register
from pyros_mqtt.access.people import Account, check_hashing, is_right, read_people
from pyros_mqtt.dashboard.attempts import Attempts, TooMany
from pyros_mqtt.dashboard.authority import Person, Refused
from pyros_mqtt.errors import AccessError

log = logging.getLogger(__name__)

LONGEST = 12 * 3600.0
"""Seconds after which one has to log in again in any case."""

IDLE = 3600.0
"""Seconds without a request or an open page after which a session ends."""

LOOK = 1.0
"""Seconds between two looks whether the files have changed."""

MOST_SESSIONS = 1000

Stamp = tuple[int, int, int] | None


@dataclass(slots=True)
class _Session:
    person: Person
    password: str
    began: float
    used: float


class Accounts:
    """Everyone in `people.toml`; the roles are those of `access.toml`. For any thread.

    Both files are read again when they change: who is taken out, or gets another password, is
    logged out; another role counts at once. One that is broken is told of in the log, and the
    last good one counts.

    Args:
        people: `people.toml`.
        access: `access.toml`, for roles of the observatory's own.

    Raises:
        AccessError: one of the files is wrong.
        MissingExtra: argon2-cffi is not installed.
    """

    asks_for = "password"
    is_closed = True

    def __init__(self, people: Path, access: Path | None = None) -> None:
        check_hashing()
        self._files = [people, *([access] if access else [])]
        self._access = access
        self._lock = threading.RLock()
        self._attempts = Attempts()
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._secret = secrets.token_bytes(32)
        self._next_look = 0.0
        self._seen: list[Stamp] = [_stamp(one) for one in self._files]
        self._read()

    def admit(self, name: str, secret: str, address: str = "") -> Person:
        """Let in who knows her password; takes some time, so not for the event loop.

        Raises:
            Refused: not this one.
        """
        name = name.strip().lower()
        try:
            self._attempts.begin(name[:64], address)
        except TooMany as error:
            raise Refused(str(error), wait=error.seconds) from None
        account = self._account(name)
        known = account.password if account else ""
        if not is_right(secret, known):
            log.warning("a wrong name or password, from %s", address or "somewhere")
            raise Refused("the name or the password is wrong")
        self._attempts.succeeded(name, address)
        person, now = Person(name), time.monotonic()
        with self._lock:
            self._sessions[_key(person.session)] = _Session(person, known, now, now)
            if len(self._sessions) > MOST_SESSIONS:
                self._sessions.popitem(last=False)
        log.info("%s has logged in, from %s", name, address or "somewhere")
        return person

    def vouched(self, name: str) -> Person | None:
        """Who it is that a proxy has let in; None where she is not one of our people."""
        name = name.strip().lower()
        if self._account(name) is None:
            return None
        csrf = hmac.new(self._secret, name.encode(), hashlib.sha256).hexdigest()
        return Person(name, session="", csrf=csrf)

    def who(self, session: str) -> Person | None:
        """Whose session this is, if it has not ended; looking counts as using it."""
        self._look()
        now, key = time.monotonic(), _key(session)
        with self._lock:
            found = self._sessions.get(key)
            if found is None:
                return None
            account = self._people.get(found.person.name)
            is_over = now - found.began > LONGEST or now - found.used > IDLE
            if is_over or account is None or account.password != found.password:
                del self._sessions[key]
                log.info("the session of %s has ended", found.person.name)
                return None
            found.used = now
            return found.person

    def leave(self, session: str) -> None:
        """End a session."""
        with self._lock:
            found = self._sessions.pop(_key(session), None)
        if found is not None:
            log.info("%s has logged out", found.person.name)

    def may_view(self, person: Person | None) -> bool:
        """Whether her role lets her see anything."""
        return person is not None and self._ask(lambda roles: roles.role(person.name).views)

    def may_command(self, person: Person | None, agent: str, message: str) -> bool:
        """Whether her role allows this message to this agent."""
        return person is not None and self._ask(
            lambda roles: roles.may_command(person.name, agent, message)
        )

    def commands(self, person: Person | None) -> bool:
        """Whether her role allows any message at all."""
        return person is not None and self._ask(lambda roles: bool(roles.inboxes(person.name)))

    def _ask(self, question: Callable[[Register], bool]) -> bool:
        self._look()
        with self._lock:
            return question(self._register)

    def _account(self, name: str) -> Account | None:
        self._look()
        with self._lock:
            return self._people.get(name)

    def _look(self) -> None:
        now = time.monotonic()
        with self._lock:
            if now < self._next_look:
                return
            self._next_look = now + LOOK
            seen = [_stamp(one) for one in self._files]
            if seen == self._seen:
                return
            self._seen = seen
            try:
                self._read()
            except AccessError as error:
                log.error("who may log in stays as it was: %s", error)  # noqa: TRY400 - it says all

    def _read(self) -> None:
        people = read_people(self._files[0])
        roles = Register.read(self._access).roles if self._access else Register({}, {}).roles
        for name, one in people.items():
            if one.role not in roles:
                raise AccessError(
                    f"{self._files[0]}: people.{name}: role = {one.role!r}: there is no such role; "
                    f"known are {', '.join(sorted(roles))}"
                )
        self._people = people
        identities = {name: Identity(role=one.role) for name, one in people.items()}
        self._register = Register(identities, roles)


def _key(session: str) -> str:
    """What is kept of a session's secret: enough to know it again, not to be it."""
    return hashlib.sha256(session.encode()).hexdigest()


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
