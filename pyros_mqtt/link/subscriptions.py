"""What a link listens to, and what the broker does not know of it yet."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pyros_mqtt.link.connection import Connection
from pyros_mqtt.topics import matches, overlap
from pyros_mqtt.transport import Handler

log = logging.getLogger(__name__)

MOST_ROUTES = 10_000
"""Topics whose handler is remembered, so that it is not looked for at each message."""


FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds after which a refused subscription is asked for again, at first and after many times."""


@dataclass(slots=True)
class _Refusal:
    """A pattern that the broker has refused: when it is asked for again, and how long that was."""

    due: float
    pause: float


class Subscriptions:
    """`add`, `remove` are for any thread, the rest for the network thread.

    What a broker refuses is asked for again, ever less often: a cluster refuses for a moment while
    one of its nodes is gone, and access rules may change under a connection that stands.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refusals: dict[str, _Refusal] = {}
        self._lock = threading.Lock()
        self._handlers: dict[str, Handler] = {}
        self._routes: dict[str, Handler] = {}
        self._news: list[tuple[str, bool]] = []
        self._asked: dict[int, str] = {}

    def add(self, pattern: str, handler: Handler) -> None:
        """Listen from now on.

        Raises:
            ValueError: it overlaps another pattern.
        """
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

    def remove(self, pattern: str) -> None:
        """Listen no longer."""
        with self._lock:
            if self._handlers.pop(pattern, None) is not None:
                self._refusals.pop(pattern, None)
                self._routes = {}
                self._news.append((pattern, False))

    def handler(self, topic: str) -> Handler | None:
        """Who wants to hear a topic: one at most, since no two patterns overlap."""
        return self._routes.get(topic) or self._route(topic)

    def _route(self, topic: str) -> Handler | None:
        with self._lock:
            for pattern, handler in self._handlers.items():
                if matches(pattern, topic):
                    if len(self._routes) < MOST_ROUTES:
                        self._routes[topic] = handler
                    return handler
        return None

    def begin_anew(self) -> None:
        """The connection is new: the broker knows of nothing."""
        with self._lock:
            self._asked.clear()
            self._refusals.clear()
            self._news = [(pattern, True) for pattern in self._handlers]

    def ask(self, connection: Connection) -> None:
        """Tell the broker what is new, and ask again for what it has refused."""
        with self._lock:
            news, self._news = self._news, []
            if self._refusals:
                news += [(pattern, True) for pattern in self._due()]
        for pattern, wanted in news:
            if wanted:
                self._asked[connection.subscribe(pattern)] = pattern
            else:
                connection.unsubscribe(pattern)

    @property
    def have_news(self) -> bool:
        """There is something that `ask` would tell the broker."""
        return bool(self._news)

    def confirm(self, mid: int, *, refused: bool) -> None:
        """The broker has answered."""
        pattern = self._asked.pop(mid, "")
        with self._lock:
            last = self._refusals.pop(pattern, None)
            if not refused:
                return
            if pattern in self._handlers:
                pause = min(2 * last.pause, LONGEST_PAUSE) if last else FIRST_PAUSE
                self._refusals[pattern] = _Refusal(self._clock() + pause, pause)
        if last is None:
            log.error("the broker does not allow us to listen to %s", pattern)

    def _due(self) -> list[str]:
        """What may be asked for again, once each until it is answered; with the lock held."""
        now = self._clock()
        due = [pattern for pattern, one in self._refusals.items() if one.due <= now]
        for pattern in due:
            self._refusals[pattern].due = float("inf")
        return due

    @property
    def are_confirmed(self) -> bool:
        """The broker has answered all that it was asked."""
        return not self._asked
