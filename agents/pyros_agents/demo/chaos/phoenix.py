"""A broker that is killed and comes back on the same port, empty."""

from __future__ import annotations

import threading
import time
from typing import Self

from pyros_mqtt import Settings
from pyros_mqtt.broker import NoBroker, RunningBroker, find_or_start
from pyros_mqtt.broker.kinds import Kind

COMEBACK = 20.0
"""Wall seconds in which it has to be there again."""

_PAUSE = 0.2


class Phoenix:
    """A broker of our own, on a free port of the loopback."""

    def __init__(self, settings: Settings) -> None:
        """Start it; what `settings` say of other brokers does not count.

        Raises:
            NoBroker: none could be started.
        """
        self._settings = settings
        self._broker = _first(settings)
        self._waiting = threading.Event()
        self.url = self._broker.url
        self.kind = self._broker.kind

    def strike(self) -> bool:
        """Kill it and start it again, without anything that it knew.

        Raises:
            NoBroker: it has not come back.
        """
        if self._broker.process is None:
            return False
        self._broker.process.kill()
        self._broker.wait(COMEBACK)
        self._broker = self._again()
        return True

    def _again(self) -> RunningBroker:
        deadline = time.monotonic() + COMEBACK
        kind: Kind = "mosquitto" if self.kind.startswith("mosquitto") else "embedded"
        while True:
            try:
                return find_or_start(self._settings, port=self.url.port, kind=kind)
            except NoBroker:  # the system may still hold the port
                if time.monotonic() > deadline:
                    raise
            self._waiting.wait(_PAUSE)

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._broker.stop()


def _first(settings: Settings) -> RunningBroker:
    try:
        return find_or_start(settings, port=0, kind="mosquitto")
    except NoBroker:
        return find_or_start(settings, port=0, kind="embedded")
