"""One notifier's own thread: a bounded queue, repetition, and never a wait for anything else."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass

from pyros_mqtt.alarms import Notice
from pyros_mqtt.watchman.sending import NotToAll, SendsNotices, is_lasting, reason

log = logging.getLogger(__name__)

MOST_WAITING = 100
"""Notices that wait for one notifier, and as many that wait for their repetition; then the oldest
is dropped."""

PAUSES = (5.0, 15.0, 30.0, 60.0)
"""Seconds between tries; the last one goes on."""

TOO_OLD = 900.0
"""Seconds after which a notice that could not be sent is given up."""

OnTrouble = Callable[[str], None]


@dataclass(slots=True, eq=False)
class _Errand:
    """One notice on its way: by whom, and what has become of it."""

    notice: Notice
    notifier: SendsNotices
    put_at: float
    tries: int = 0
    due: float = 0.0
    why: str = ""
    lasting: str = ""  # what stays wrong where the rest is sent
    is_counted: bool = False  # somebody has got it


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
        self._waiting: queue.Queue[_Errand | None] = queue.Queue(MOST_WAITING)
        self._again: list[_Errand] = []

    def put(self, notice: Notice) -> None:
        """Send it as soon as those before it have been tried."""
        self._put(_Errand(notice, self._notifier, time.monotonic()))

    def end(self) -> None:
        """Let the thread end, once it comes back from what it does."""
        self._put(None)

    def run(self) -> None:
        """Send what comes, until told to end; what is new then is tried once."""
        while (one := self._next()) is not None:
            self._try(one)
        for left in self._again:
            self._give_up(left, left.why)

    def _put(self, one: _Errand | None) -> None:
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
            self._give_up(lost, why)

    def _give_up(self, one: _Errand, why: str) -> None:
        self.dropped += not one.is_counted
        log.error("%s: given up (%s): %s", self.name, why, one.notice.subject)

    # -- the line's thread --------------------------------------------------------------------

    def _next(self) -> _Errand | None:
        """Give what is to be tried now: news first, for the others have had their try."""
        if not self._again:
            return self._waiting.get()
        soonest = min(self._again, key=lambda one: one.due)
        try:
            return self._waiting.get(timeout=max(0.0, soonest.due - time.monotonic()))
        except queue.Empty:
            self._again.remove(soonest)
            return soonest

    def _try(self, one: _Errand) -> None:
        try:
            one.notifier.send(one.notice)
        except NotToAll as some:
            self._tell(f"not sent to everybody: {some}")
            self._count(one)
            if some.lasting:
                one.lasting = f"{self.name}: not sent to everybody: {some.lasting}"
            if some.rest is not None:
                one.notifier = some.rest
                self._repeat(one, str(some))
        except Exception as error:  # noqa: BLE001 - a notifier may be anybody's code
            why = reason(error)
            self._tell(f"not sent: {why}")
            if is_lasting(error):
                self._give_up(one, why)
            else:
                self._repeat(one, why)
        else:
            self._count(one)
            if not self._again:
                self._on_trouble(one.lasting)

    def _tell(self, what: str) -> None:
        log.warning("%s: %s", self.name, what)
        self._on_trouble(f"{self.name}: {what}")

    def _count(self, one: _Errand) -> None:
        self.sent += not one.is_counted
        one.is_counted = True

    def _repeat(self, one: _Errand, why: str) -> None:
        now = time.monotonic()
        if now - one.put_at > TOO_OLD:
            self._give_up(one, why)
            return
        one.why = why
        one.due = now + PAUSES[min(one.tries, len(PAUSES) - 1)]
        one.tries += 1
        self._again.append(one)
        if len(self._again) > MOST_WAITING:
            oldest = min(self._again, key=lambda one: one.put_at)
            self._again.remove(oldest)
            self._give_up(oldest, "too many wait")
