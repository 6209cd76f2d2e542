"""What is done once a night is over: down-sampling, and forgetting what was kept long enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyros_mqtt.archive.extras import bring
from pyros_mqtt.archive.moments import Nights
from pyros_mqtt.archive.rows import MICRO, Source, micros
from pyros_mqtt.archive.store import Store

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings

MINUTE, HOUR = 60, 3600

GRACE = 3600.0
"""Seconds after a night's end in which what comes late is waited for."""

AT_ONCE = 5000
"""Rows that are deleted in one transaction: few, so that no writer waits."""

EARLIEST = -(2**62)
"""Before anything, in microseconds."""

LEASE = 600.0
"""Seconds for which one of several recorders keeps house."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How many nights each thing is kept; 0: for ever."""

    raw: int = 0
    minutes: int = 0
    hours: int = 0
    events: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """Take it from the settings."""
        return cls(
            settings.keep_raw, settings.keep_minutes, settings.keep_hours, settings.keep_events
        )


class Housekeeper:
    """Keeps one root's part of an archive. One of several recorders does, under a lease."""

    def __init__(self, owner: str, root: str, nights: Nights, policy: Policy) -> None:
        self._owner = owner
        self._root = root
        self._nights = nights
        self._policy = policy
        self._seen: dict[int, int] = {}
        self._due: set[str] = set()
        self._tidied = ""

    def look(self, store: Store, now: float, is_over: Callable[[], bool]) -> None:
        """Do what is due. `is_over` ends it between two steps.

        Raises:
            ArchiveError: the archive fails.
            MissingExtra: numpy is not installed.
        """
        bring("numpy", "down-sampling", "archive")
        due, tonight = self._unrolled(store, now), self._nights.name(now)
        if not due and self._tidied == tonight:
            return
        for night in due:
            if is_over() or not self._may(store):
                return
            self._roll(store, night)
        if self._may(store):
            self._forget(store, now, is_over)
            self._tidied = tonight

    def _may(self, store: Store) -> bool:
        now = int(time.time() * MICRO)
        until = now + int(LEASE * MICRO)
        return store.lease(f"{self._root}:housekeeping", self._owner, now, until) is not None

    def _channels(self, store: Store) -> dict[Source, int]:
        sources = store.sources(self._root).items()
        return {one: number for one, number in sources if one.branch == "telemetry"}

    # -- down-sampling --------------------------------------------------------------------------

    def _unrolled(self, store: Store, now: float) -> list[str]:
        """Name the nights that are over, have measurements, and are not down-sampled.

        What was looked through once is not looked through again: something late in it has opened
        its night anew.
        """
        known = store.nights(self._root)
        open_ones = {name for name, (rolled, _) in known.items() if not rolled}
        self._due |= {one for one in open_ones if self._nights.span(one)[1] <= now - GRACE}
        for number in self._channels(store).values():
            first = self._seen.get(number, EARLIEST)
            for name in self._nights_of(store, number, now - GRACE, first):
                self._seen[number] = micros(self._nights.span(name)[1])
                self._due.add(name)
        self._due -= {name for name, (rolled, _) in known.items() if rolled}
        return sorted(self._due)

    def _nights_of(
        self, store: Store, number: int, until: float, at: int = EARLIEST
    ) -> Iterator[str]:
        while (first := store.next_after(number, at)) is not None:
            name = _name(self._nights, first)
            if not name:
                return
            _, end = self._nights.span(name)
            if end > until:
                return
            yield name
            at = micros(end)

    def _roll(self, store: Store, night: str) -> None:
        from pyros_mqtt.recorder.rolling import roll_night

        _, purged = store.nights(self._root).get(night, (False, False))
        span = self._nights.span(night)
        for number in self._channels(store).values():
            roll_night(store, number, span, add=purged)
        store.note_night(self._root, night, rolled=True, purged=purged)

    # -- forgetting -----------------------------------------------------------------------------

    def _forget(self, store: Store, now: float, is_over: Callable[[], bool]) -> None:
        tonight = self._nights.name(now)
        policy = self._policy
        if policy.raw:
            self._forget_raw(store, self._nights.before(tonight, policy.raw), is_over)
        for number in self._channels(store).values():
            for step, nights in ((MINUTE, policy.minutes), (HOUR, policy.hours)):
                if nights:
                    end = self._start(tonight, nights)
                    self._delete(store, "rolls", number, end, is_over, step)
        if policy.events:
            end = self._start(tonight, policy.events)
            for source, number in store.sources(self._root).items():
                if source.branch not in {"telemetry", "about"}:
                    self._delete(store, "events", number, end, is_over)

    def _forget_raw(self, store: Store, first_kept: str, is_over: Callable[[], bool]) -> None:
        """Delete nights that are down-sampled; only so long as each older one is, too."""
        known = store.nights(self._root)
        end = micros(self._nights.span(first_kept)[0])
        for number in self._channels(store).values():
            for name in self._nights_of(store, number, end / MICRO):
                if not known.get(name, (False, False))[0]:
                    end = min(end, micros(self._nights.span(name)[0]))
        gone = [name for name in known if micros(self._nights.span(name)[1]) <= end]
        for name in gone:  # first, so that what comes late is added and not put in its place
            if not known[name][1]:
                store.note_night(self._root, name, rolled=True, purged=True)
        for number in self._channels(store).values():
            self._delete(store, "samples", number, end, is_over)

    def _start(self, tonight: str, nights: int) -> int:
        return micros(self._nights.span(self._nights.before(tonight, nights))[0])

    def _delete(  # noqa: PLR0913, PLR0917 - what, whose, until when, until whose word
        self,
        store: Store,
        table: str,
        number: int,
        end: int,
        is_over: Callable[[], bool],
        step: int = 0,
    ) -> None:
        while not is_over() and store.delete(table, number, end, AT_ONCE, step) == AT_ONCE:
            pass


def reopen(nights: Nights, root: str, moments: list[int], store: Store) -> None:
    """Have the past nights that these moments (microseconds) fall in down-sampled, or so anew.

    Also such as were never known: whoever keeps house may have looked beyond them already.
    """
    if not moments:
        return
    tonight = nights.name(time.time())
    if min(moments) >= micros(nights.span(tonight)[0]):
        return
    known = store.nights(root)
    for name in filter(None, {_name(nights, moment) for moment in moments}):
        rolled, purged = known.get(name, (name < tonight, False))
        if rolled:
            store.note_night(root, name, rolled=False, purged=purged)


def _name(nights: Nights, moment: int) -> str:
    """Name the night of a moment (microseconds); empty before the year 1 and after 9999."""
    try:
        return nights.name(moment / MICRO)
    except (OverflowError, ValueError):
        return ""
