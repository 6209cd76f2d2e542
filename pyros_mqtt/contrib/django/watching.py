"""The fleet as this process sees it: one connection, opened when somebody first looks."""

from __future__ import annotations

import os
import threading
import time

from pyros_mqtt.fleet import Fleet
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import Settings
from pyros_mqtt.topics import Topics

ANSWER = 2.0
"""Most seconds for which the first look waits for the broker."""

QUIET = 0.25
"""Seconds without news after which everything that the broker had kept has come."""

_lock = threading.Lock()
_opened: list[Fleet] = []


def fleet() -> Fleet:
    """Give the process's fleet; it stays connected. The first call waits for the first claims.

    Raises:
        SettingsError: the settings are wrong, or no broker is configured.
    """
    with _lock:
        if not _opened:
            settings = Settings()
            made = Fleet(Brokers(settings), Topics(settings.root))
            made.open()
            settle(made)
            _opened.append(made)
        return _opened[0]


def settle(watched: Fleet, answer: float = ANSWER) -> None:
    """Wait until what the broker had kept of the agents has come; `answer` seconds at most."""
    news = threading.Event()
    watched.on_change(lambda _: news.set())
    end = time.monotonic() + answer
    watched.wait_until(lambda: watched.is_up, answer)
    while watched.is_up and news.wait(QUIET) and time.monotonic() < end:
        news.clear()


def close() -> None:
    """Close it; the next look opens a new one."""
    with _lock:
        while _opened:
            _opened.pop().close()


def _forget() -> None:
    """A child has inherited neither the thread of the connection nor the state of its locks."""
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    _opened.clear()


os.register_at_fork(after_in_child=_forget)
