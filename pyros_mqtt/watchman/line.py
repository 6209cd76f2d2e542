"""One notifier's own thread: a bounded queue, repetition, and never a wait for anybody else."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from pyros_mqtt.alarms import Notice
from pyros_mqtt.watchman.notifiers import SendsNotices, reason

log = logging.getLogger(__name__)

MOST_WAITING = 100
"""Notices that wait for one notifier; then the oldest is dropped."""

PAUSES = (5.0, 15.0, 30.0, 60.0)
"""Seconds between tries; the last one goes on."""

TOO_OLD = 900.0
"""Seconds after which a notice that could not be sent is given up."""

OnTrouble = Callable[[str], None]


class Line:
    """The way to people over one notifier. `put` is for any thread and returns at once.

    Args:
        name: the notifier's.
        notifier: what sends.
        on_trouble: told in words what is wrong, and "" when it is over.
    """

    def __init__(
        self,
        name: str,
        notifier: SendsNotices,
        on_trouble: OnTrouble,
    ) -> None:
        self.name = name
        self.sent = 0
        self.dropped = 0
        self._notifier = notifier
        self._on_trouble = on_trouble
        self._waiting: queue.Queue[tuple[float, Notice] | None] = queue.Queue(MOST_WAITING)

    def put(self, notice: Notice) -> None:
        """Send it as soon as those before it have been sent."""
        self._put((time.monotonic(), notice))

    def end(self) -> None:
        """Let the thread end, once it comes back from what it does."""
        self._put(None)

    def run(self, stopping: threading.Event) -> None:
        """Send what comes, until told to end; what waits then is tried once."""
        while (one := self._waiting.get()) is not None:
            self._send(*one, stopping)

    def _put(self, one: tuple[float, Notice] | None) -> None:
        while True:
            try:
                self._waiting.put_nowait(one)
            except queue.Full:
                self._drop("too many wait")
            else:
                return

    def _drop(self, why: str) -> None:
        try:
            lost = self._waiting.get_nowait()
        except queue.Empty:
            return
        if lost is not None:
            self._give_up(lost[1], why)

    def _give_up(self, notice: Notice, why: str) -> None:
        self.dropped += 1
        log.error("%s: given up (%s): %s", self.name, why, notice.subject)

    def _send(self, put_at: float, notice: Notice, stopping: threading.Event) -> None:
        tries = 0
        while True:
            try:
                self._notifier.send(notice)
            except Exception as error:  # noqa: BLE001 - a notifier may be anybody's code
                why = reason(error)
                log.warning("%s: not sent: %s", self.name, why)
                self._on_trouble(f"{self.name}: not sent: {why}")
            else:
                self.sent += 1
                self._on_trouble("")
                return
            pause = PAUSES[min(tries, len(PAUSES) - 1)]
            tries += 1
            if time.monotonic() - put_at > TOO_OLD or stopping.wait(pause):
                self._give_up(notice, why)
                return
