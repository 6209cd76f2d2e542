"""`Archive`: what was recorded, for those who ask for it."""

from __future__ import annotations

import contextlib
import heapq
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from pyros_mqtt import wire
from pyros_mqtt.archive.accounting import Account, account_of
from pyros_mqtt.archive.event import Event
from pyros_mqtt.archive.extras import bring
from pyros_mqtt.archive.moments import Moment, Nights, posix, seconds
from pyros_mqtt.archive.place import archive_url
from pyros_mqtt.archive.rows import MICRO, Source, micros
from pyros_mqtt.archive.saying import said_again
from pyros_mqtt.archive.store import Store, open_store
from pyros_mqtt.errors import ArchiveError, BadPayload
from pyros_mqtt.messages import Channel

if TYPE_CHECKING:
    from pyros_mqtt.archive.readings import Readings
    from pyros_mqtt.settings import Settings

FOREVER = 2**62
"""Later than anything, in microseconds."""

LOOK = 60.0
"""Seconds at its beginning and its end by which the form of a channel is judged."""

NUMPY = "reading the archive"


class Archive:
    """Reads what was recorded. For one thread at a time; a context manager.

    Args:
        url: `sqlite:///path` or `postgresql://...`; by default as the settings say.
        root: the topic root; by default as the settings say.
        settings: by default those of the environment and the files.

    Raises:
        ArchiveError: there is no archive, or it cannot be opened, or the settings tell of a place
            that is none.
    """

    def __init__(
        self, url: str | None = None, *, root: str | None = None, settings: Settings | None = None
    ) -> None:
        if settings is None:
            from pyros_mqtt.settings import Settings

            settings = Settings()
        self.root = root or settings.root
        self.nights = Nights.of(settings.observatory)
        self._store: Store = open_store(url or archive_url(settings), create=False)

    def __enter__(self) -> Self:
        """Read."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """End the connection to the archive."""
        self._store.close()

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self._store.place

    # -- what there is ----------------------------------------------------------------------------

    def agents(self) -> list[str]:
        """Name every agent that was heard."""
        return sorted({source.agent for source in self._store.sources(self.root)})

    def channels(self, agent: str | None = None) -> list[tuple[str, str]]:
        """Name every channel, as pairs of agent and channel."""
        return [
            (one.agent, one.leaf)
            for one in self._store.sources(self.root)
            if one.branch == "telemetry" and agent in {None, one.agent}
        ]

    def ends(self, agent: str, channel: str) -> tuple[float, float] | None:
        """Say when the first and the latest measurements of a channel were; None without any."""
        ends = self._store.ends(self._number(agent, channel))
        return None if ends is None else (ends[0] / MICRO, ends[1] / MICRO)

    def latest_night(self) -> str | None:
        """Name the latest night in which something was measured; None where nothing was.

        It is never after the present one, also where somebody's clock was ahead.
        """
        _, end = self.nights.span(self.nights.name(time.time()))
        lasts = [
            self._store.last_before(self._number(*one), micros(end)) for one in self.channels()
        ]
        times = [one / MICRO for one in lasts if one is not None]
        return self.nights.name(max(times)) if times else None

    def has_any(self, start: Moment, stop: Moment) -> bool:
        """Whether anything at all was recorded from `start` until before `stop`."""
        first, end = micros(posix(start)), micros(posix(stop))
        for one in self.channels():
            found = self._store.next_after(self._number(*one), first)
            if found is not None and found < end:
                return True
        return next(self.events(None, None, start, stop), None) is not None

    def describe(self, agent: str, channel: str, at: Moment | None = None) -> Channel:
        """Say what the agent has told of a channel in its latest about until `at`, else later."""
        last = math.inf if at is None else posix(at)
        said: Channel | None = None
        for moment, told in self.descriptions(agent, channel):
            if said is not None and moment > last:
                break
            said = told
        return said or Channel(channel)

    def descriptions(self, agent: str, channel: str) -> Iterator[tuple[float, Channel]]:
        """Give all that the agent has told of a channel, with the moments, in order of time."""
        for event in self._events(agent, {"about"}, -FOREVER, FOREVER):
            with contextlib.suppress(BadPayload):
                said = wire.decode_about(event.payload, agent).telemetry.get(channel)
                if said is not None:
                    yield event.time, said

    # -- measurements -----------------------------------------------------------------------------

    def read(
        self,
        agent: str,
        channel: str,
        start: Moment | None = None,
        stop: Moment | None = None,
        every: str | float | None = None,
    ) -> Readings:
        """Read the measurements of a channel.

        Args:
            agent: whose.
            channel: which.
            start: the first moment; by default the first there is.
            stop: the first moment that is not wanted any more; by default now and the future.
            every: steps in seconds, or `5min`; each gets mean, minimum, maximum and count of its
                values that are not bad. Without it, every sample.

        Raises:
            ArchiveError: the channel was never recorded, or the archive fails.
            MissingExtra: numpy is not installed.
        """
        bring("numpy", NUMPY, "archive")
        from pyros_mqtt.archive.readings import Readings

        number = self._number(agent, channel)
        now = time.time()
        first = -math.inf if start is None else posix(start, now)
        last = math.inf if stop is None else posix(stop, now)
        unit = self.describe(agent, channel, None if stop is None else last).unit
        if every is not None:
            from pyros_mqtt.archive.steps import stepped

            nights = self._store.nights(self.root)
            down = [
                self.nights.span(name) for name, (rolled, _) in sorted(nights.items()) if rolled
            ]
            columns = stepped(self._store, number, (first, last), seconds(every), down)
            times = columns.pop("time")
            return Readings(agent, channel, times, columns, unit)
        samples = self._samples(number, first, last)
        named = {name or "value": column for name, column in samples.columns.items()}
        return Readings(agent, channel, samples.times, named, unit, samples.quality, samples.late)

    def has_more(self, agent: str, channel: str, start: Moment, stop: Moment, than: int) -> bool:
        """Whether there may be more samples of a channel in a span than so many.

        No more is looked at than it takes to know. A batch counts whole where a part of it is of
        the span.
        """
        span = micros(posix(start)), micros(posix(stop))
        return self._store.count(self._number(agent, channel), *span, than + 1) > than

    def truths(
        self, agent: str, channel: str, start: Moment | None = None, stop: Moment | None = None
    ) -> dict[str, tuple[Any, Any]]:
        """Read the fields of a channel that are true or false: their times and values.

        `value` stands for a channel without fields. Missing values are left out.
        """
        number = self._number(agent, channel)
        first = self._store.next_after(number, -FOREVER if start is None else micros(posix(start)))
        last = self._store.last_before(number, FOREVER if stop is None else micros(posix(stop)))
        if (
            first is None
            or last is None
            or not any(
                column.dtype == object  # numbers alone are not read to their end
                for moment in (first / MICRO, last / MICRO - LOOK)
                for column in self.read(
                    agent, channel, moment, moment + LOOK + 1.0
                ).columns.values()
            )
        ):
            return {}
        read = self.read(agent, channel, start, stop)
        found = {}
        for name, column in read.columns.items():
            if column.dtype != object:
                continue
            at = [row for row, one in enumerate(column) if isinstance(one, bool)]
            if at:
                found[name] = (read.times[at], column[at].astype(bool))
        return found

    def account(
        self,
        agent: str,
        channel: str,
        start: Moment | None = None,
        stop: Moment | None = None,
    ) -> Account:
        """Count a channel's messages, and those that are missing by their numbers."""
        first = -FOREVER if start is None else micros(posix(start))
        last = FOREVER if stop is None else micros(posix(stop))
        rows = self._store.accounts(self._number(agent, channel), first, last)
        return account_of(rows)

    # -- events -----------------------------------------------------------------------------------

    def events(
        self,
        agent: str | None = None,
        branches: set[str] | None = None,
        start: Moment | None = None,
        stop: Moment | None = None,
    ) -> Iterator[Event]:
        """Give what happened, in order of time: of one agent or of all.

        Args:
            agent: whose; None: everybody's.
            branches: some of `status`, `about`, `inbox`, `outbox`, `alarm` and `log`; None: all.
            start: the first moment.
            stop: the first moment that is not wanted any more.
        """
        first = -FOREVER if start is None else micros(posix(start))
        last = FOREVER if stop is None else micros(posix(stop))
        return self._events(agent, branches, first, last)

    def stream(self, start: Moment, stop: Moment) -> Iterator[tuple[float, Event]]:
        """Give all messages of a span in order of time, each with its moment, to be said again.

        Measurements are written anew, in the form of the protocol, without what was lost of it:
        the session and the number of samples before.
        """
        first, last = micros(posix(start)), micros(posix(stop))
        sources = self._store.sources(self.root)
        streams = [
            said_again(source, self._store.samples(number, first, last), first)
            for source, number in sources.items()
            if source.branch == "telemetry"
        ]
        events = ((one.time, one) for one in self._events(None, None, first, last))
        return heapq.merge(events, *streams, key=lambda one: one[0])

    def troubles(self) -> list[str]:
        """Look whether the archive is whole; a line for each thing that is not."""
        return self._store.troubles()

    # -- inside -----------------------------------------------------------------------------------

    def _events(
        self, agent: str | None, branches: set[str] | None, start: int, stop: int
    ) -> Iterator[Event]:
        names = {
            number: source
            for source, number in self._store.sources(self.root).items()
            if agent in {None, source.agent} and (branches is None or source.branch in branches)
        }
        for number, t, heard, body in self._store.events(names, start, stop):
            source = names[number]
            yield Event(source.agent, source.branch, source.leaf, t / MICRO, heard / MICRO, body)

    def _number(self, agent: str, channel: str) -> int:
        known = self._store.sources(self.root)
        number = known.get(Source(self.root, agent, "telemetry", channel))
        if number is None:
            others = sorted({one.leaf for one in known if one[1:3] == (agent, "telemetry")})
            what = f"its channels are {', '.join(others)}" if others else "nothing of that agent"
            raise ArchiveError(
                f"{self.place} has no channel {channel!r} of {agent!r} under {self.root!r}: {what}"
            )
        return number

    def _samples(self, number: int, start: float, stop: float) -> Any:
        from pyros_mqtt.archive.assembly import assemble

        rows = self._store.samples(number, _whole(start), _whole(stop) + 1)
        return assemble(rows, start, stop)


def _whole(moment: float) -> int:
    if math.isinf(moment):
        return FOREVER if moment > 0 else -FOREVER
    return micros(moment)
