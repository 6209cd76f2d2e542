"""The thread that writes what has come, and what it does while the archive cannot be written."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from pyros_mqtt.archive.store import Store
from pyros_mqtt.errors import ArchiveError, MissingExtra
from pyros_mqtt.recorder.arrivals import Arrival, Arrivals, Overflow
from pyros_mqtt.recorder.intake import Intake, Rows

log = logging.getLogger(__name__)

MOST = 5000
"""Messages of one transaction."""

GATHER = 0.2
"""Seconds for which messages gather before they are written, so that a transaction has many."""

AGAIN = 1.0
"""Seconds between two attempts while the archive cannot be written."""

HUNG = 15.0
"""Seconds after which a write is broken off, so that what comes can wait on the disk."""

SLOW = 5.0
"""Seconds after which an archive that does not answer counts as away."""


@dataclass
class Counts:
    """What became of the messages since the start."""

    recorded: int = 0
    known: int = 0
    """The archive had them already: another recorder's, or said twice."""
    left: int = 0
    """Another recorder's, or copies that the broker keeps."""
    unreadable: int = 0
    """Measurements that cannot be read; kept as they came."""
    dropped: int = 0

    def told(self) -> dict[str, int]:
        """As a measurement."""
        return asdict(self)


class Writer:
    """Writes arrivals to a store, in its own thread; keeps them while it cannot.

    Args:
        opener: opens the store; asked again after each failure.
        on_written: told what was written, within the same transaction.
    """

    def __init__(
        self,
        opener: Callable[[], Store],
        arrivals: Arrivals,
        overflow: Overflow,
        intake: Intake,
        on_written: Callable[[Rows, Store], None],
    ) -> None:
        self._opener = opener
        self._arrivals = arrivals
        self._overflow = overflow
        self._intake = intake
        self._on_written = on_written
        self._store: Store | None = None
        self._hand: list[Arrival] = []
        self._busy_since: float | None = None
        self._trouble = ""
        self._unread = ""
        self.counts = Counts()

    @property
    def is_open(self) -> bool:
        """Whether the archive has been opened."""
        return self._store is not None

    @property
    def trouble(self) -> str:
        """Why not all that has come can be written, for people; empty where it can."""
        since = self._busy_since
        if not self._trouble and since is not None and time.monotonic() - since > SLOW:
            return f"the archive has not answered for {time.monotonic() - since:.0f} s"
        return self._trouble or self._unread

    def watch(self) -> None:
        """Break off a write that has not ended for long; called now and then, by any thread."""
        since, store = self._busy_since, self._store
        if store is not None and since is not None and time.monotonic() - since > HUNG:
            store.give_up()

    @property
    def dropped(self) -> int:
        """Messages that are lost: there was no room for them."""
        return self.counts.dropped + self._arrivals.dropped

    @property
    def waiting(self) -> int:
        """Messages that have come and are not written yet."""
        return len(self._arrivals) + len(self._hand) + len(self._overflow)

    def run(self, stopping: threading.Event) -> None:
        """Write until the end; then what is left, as far as the archive takes it."""
        while not stopping.is_set():
            self._arrivals.wait(GATHER)
            stopping.wait(GATHER)
            if not self._write_all():
                self._make_room_for(AGAIN, stopping)

    def finish(self, seconds: float) -> int:
        """Write the rest, else lay it on the disk, after `run` has ended; how many are lost.

        Where `run` still waits for an archive that hangs, 0 seconds leave the archive alone; what
        is written twice by that is there once.
        """
        end = time.monotonic() + seconds
        while seconds and self.waiting and time.monotonic() < end and self._write_all():
            pass
        lost = 0
        while rest := self._hand or self._arrivals.take(4 * MOST):
            lost += 0 if self._overflow.put(rest) else len(rest)
            self._hand = []
        self.counts.dropped += lost
        if seconds:
            self._close()
        return lost

    def _write_all(self) -> bool:
        """Write what waits, the oldest first; whether nothing has to be tried again."""
        if not self._write_overflow():
            return False
        while True:
            self._hand = self._hand or self._arrivals.take(MOST)
            if not self._hand:
                return not self._unread
            if not self._write(self._hand):
                return False
            few = len(self._hand) < MOST
            self._hand = []
            if few:
                return not self._unread

    def _write_overflow(self) -> bool:
        """Write what waits on the disk; whether the archive took it.

        A bundle that cannot be read now stays, and holds up nothing else.
        """
        unread = ""
        try:
            self._overflow.look()
        except OSError as error:
            unread = _unreadable(error)
        for _ in range(self._overflow.bundles):
            try:
                bundle = self._overflow.first()
            except OSError as error:
                unread = _unreadable(error)
                self._overflow.put_off()
                continue
            if bundle and not self._write(bundle):
                return False
            gone = self._overflow.drop_first()
            self.counts.dropped += 0 if bundle else gone
        if unread and not self._unread:
            log.error("%s; it stays there, and is tried again", unread)
        self._unread = unread
        return True

    def _write(self, arrivals: list[Arrival]) -> bool:
        self._busy_since = time.monotonic()
        try:
            self._store = self._store or self._opener()
            self._put(arrivals, self._store)
        except (ArchiveError, MissingExtra) as error:
            if not self._trouble:
                log.error("%s; what comes is kept until it can be written", error)  # noqa: TRY400 - it says all
            self._trouble = str(error)
            self._close()
            return False
        finally:
            self._busy_since = None
        if self._trouble:
            log.warning("the archive can be written again")
        self._trouble = ""
        return True

    def _put(self, arrivals: list[Arrival], store: Store) -> None:
        """Write messages; one that is refused for itself is left out, and counted."""
        try:
            rows = self._intake.rows(arrivals, store)
            with store.together():
                written = store.write(rows.samples, rows.events)
                self._on_written(rows, store)
        except ArchiveError:
            raise
        except Exception:
            if len(arrivals) == 1:
                self.counts.dropped += 1
                log.exception("%s cannot be recorded", arrivals[0].topic)
                return
            half = len(arrivals) // 2
            self._put(arrivals[:half], store)
            self._put(arrivals[half:], store)
            return
        counts = self.counts
        extra = len(rows.samples) + len(rows.events) + rows.left - len(arrivals)
        counts.recorded += max(0, written.samples + written.events - extra)
        counts.known += written.known
        counts.left += rows.left
        counts.unreadable += rows.unreadable

    def _make_room_for(self, seconds: float, stopping: threading.Event) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not stopping.is_set():
            self._make_room()
            stopping.wait(GATHER)

    def _make_room(self) -> None:
        """Lay what waits on the disk, where the memory gets full."""
        while self._arrivals.is_half_full(sum(one.size for one in self._hand)):
            bundle = self._hand or self._arrivals.take(4 * MOST)
            if not self._overflow.put(bundle):
                self._hand = bundle
                return
            self._hand = []

    def _close(self) -> None:
        if self._store is not None:
            with contextlib.suppress(ArchiveError):
                self._store.close()
            self._store = None


def _unreadable(error: OSError) -> str:
    return f"what waits on the disk cannot be read: {error}"
