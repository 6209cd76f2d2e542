"""What a record is made of: an agent that measures without end, and the recorder that hears it.

`subject` plays them; both come back at once, so that more faults find room in the same time.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from pyros_mqtt import Agent, Channel, on
from pyros_mqtt.agent import ownership
from pyros_mqtt.link import backoff
from pyros_mqtt.recorder import Recorder

RATE = 1000
"""Messages a second."""

EMPTIED = 20.0
"""Seconds in which everything that waits has gone."""


class Meter(Agent):
    """Measures as fast as promised, and counts by itself how often it has."""

    def __init__(self, name: str = "meter", **options: Any) -> None:
        super().__init__(name, **options)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._made = 0
        self._seconds = 0.0

    @on("begin", idempotent=True)
    def begin(self, number: int) -> None:
        """Measure two new channels, from zero: one message a sample, and one for fifty."""
        if self._thread is not None:
            return
        names = f"single-{number}", f"batched-{number}"
        self._outfit.measured.declare(Channel(names[0], qos=1))
        self._outfit.measured.declare(Channel(names[1], qos=1, batch=50, batch_age=0.05))
        self._over.clear()
        self._thread = self.thread(self._measure, names, name="meter")

    @on("end", idempotent=True)
    def end(self) -> dict[str, Any]:
        """Stop, send what waits, and tell how many samples each channel had, in how long."""
        if self._thread is not None:
            self._over.set()
            self._thread.join()
            self._thread = None
        deadline = time.monotonic() + EMPTIED
        while self._outfit.measured.counts().waiting and time.monotonic() < deadline:
            self.sleep(0.02)
        dropped = self._outfit.measured.dropped
        return {"made": self._made, "seconds": self._seconds, "dropped": dropped}

    def _measure(self, names: tuple[str, ...]) -> None:
        began, self._made = time.monotonic(), 0
        while not self._over.wait(1 / RATE) and not self.stopping.is_set():
            while self._made < (time.monotonic() - began) * RATE:
                for name in names:
                    self.telemetry(name, self._made)
                self._made += 1
        self._seconds = time.monotonic() - began


def run_meter() -> None:
    """Measure until killed."""
    _hurry()
    Meter().run()


def run_recorder(name: str, options: str) -> None:
    """Record until killed."""
    _hurry()
    Recorder(name, **json.loads(options)).run()


def _hurry() -> None:
    ownership.NO_CLAIM = 0.15
    backoff.BASE, backoff.CAP = 0.05, 0.2
