"""Noticing that somebody else connects under our client id, and getting out of the way.

A broker closes a connection when another one comes with its client id. mosquitto asks nobody
whether that one may: whoever has a certificate of the observatory can throw anybody out. It gains
nothing but a nuisance by it, and against that a client id helps which nobody can know.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable

TIMES = 3
"""So often the broker has to close the connection, while it lives,"""

WITHIN = 300.0
"""within so many seconds, before somebody else is suspected."""

Evicted = Callable[[str], None]
"""Told what has happened, for people."""


class Evictions:
    """The client id of one link, and how often it was thrown out. For the network thread."""

    def __init__(self, client_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._plain = client_id
        self._clock = clock
        self._times: deque[float] = deque(maxlen=TIMES)

    def happened(self) -> str | None:
        """Count one, by a broker that lives; give another client id where ours seems stolen."""
        now = self._clock()
        self._times.append(now)
        if len(self._times) < TIMES or now - self._times[0] > WITHIN:
            return None
        self._times.clear()
        return f"{self._plain}-{secrets.token_hex(4)}"

    def in_words(self) -> str:
        """Say what has happened, once another client id was given."""
        return (
            f"the broker, which lives, has closed our connection {TIMES} times within "
            f"{WITHIN / 60:g} minutes: somebody else may be using our client id {self._plain}, "
            "the broker's log tells who; we go on under one that nobody can know"
        )
