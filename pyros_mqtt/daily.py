"""The words of daily chores, `daily at sunset-30m`, and the moments that they mean.

What the words mean in the sky is for an `Almanac` to say, which the agent brings along: nothing
here knows any astronomy. Moments are POSIX seconds, UTC.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import NoReturn, Protocol, Self

EVENTS = (
    "noon",
    "sunset",
    "civil dusk",
    "nautical dusk",
    "astronomical dusk",
    "astronomical dawn",
    "nautical dawn",
    "civil dawn",
    "sunrise",
)
"""What an almanac is asked for, in the order of a night."""

SHORT = {"dusk": "astronomical dusk", "dawn": "astronomical dawn"}
"""Alone, these words mean the ends of the dark night, as astronomers count it."""

DAY = 86_400

_FORM = re.compile(r"daily at (?P<moment>[^+-]+?) ?(?P<offset>[+-].*)?")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))? ?(?:utc|z)?")
_OFFSET = re.compile(r"([+-]) ?(?=[0-9])(?:([0-9]{1,5})h)? ?(?:([0-9]{1,5})m)? ?(?:([0-9]{1,5})s)?")


class Almanac(Protocol):
    """The clock of a sky, and when its events come. Asked in the agent's thread.

    `pyros_agents.astronomy.almanac.SkyAlmanac` is one. An agent that has one in its attribute
    `almanac` keeps all its daily chores by it, those at a clock time, too: a simulated sky has a
    clock of its own.
    """

    def now(self) -> float:
        """Say what time it is for this sky."""

    def wall_seconds(self, sky_seconds: float) -> float:
        """Say how long a span of this sky lasts for somebody who waits for it."""

    def next(self, event: str, after: float) -> float | None:
        """Say when an event comes next: the first moment later than `after`.

        Args:
            event: one of `noon`, `sunset`, `sunrise`, and `civil`, `nautical` and `astronomical`
                `dusk` and `dawn`.
            after: POSIX seconds.

        Returns:
            POSIX seconds; None where the event does not come as far as the almanac can see.
        """


@dataclass(frozen=True, slots=True)
class Daily:
    """A moment of every day: an event of the sky or, without one, a clock time; and an offset.

    Attributes:
        words: as they were written.
        event: one of `EVENTS`, or None.
        clock: seconds since midnight, UTC, where there is no event.
        offset: seconds, negative before the event.
    """

    words: str
    event: str | None
    clock: int = 0
    offset: int = 0

    @classmethod
    def of(cls, words: str) -> Self:
        """Read the words.

        Raises:
            ValueError: they cannot be understood; it tells what would be right.
        """
        form = _FORM.fullmatch(" ".join(words.lower().split()))
        if form is None:
            _refuse(
                words,
                "say 'daily at' and a moment, as in 'daily at sunset-30m' or 'daily at 18:30'; "
                "a chore with a period is every(seconds=60)",
            )
        moment = SHORT.get(form["moment"], form["moment"])
        offset = _offset(words, form["offset"] or "")
        if moment in EVENTS:
            return cls(words, moment, offset=offset)
        return cls(words, None, _clock(words, moment), offset)

    def next(self, after: float, almanac: Almanac) -> float | None:
        """Say when the moment comes next: the first one later than `after`, or None.

        Raises:
            ValueError: the almanac's answer is not later than the moment it was asked about.
        """
        since = after - self.offset
        if self.event is None:
            moment = since // DAY * DAY + self.clock
            return (moment if moment > since else moment + DAY) + self.offset
        event = almanac.next(self.event, since)
        if event is None:
            return None
        if not event > since:
            raise ValueError(f"the next {self.event} after {since!r} cannot be at {event!r}")
        return event + self.offset


def _clock(words: str, moment: str) -> int:
    found = _CLOCK.fullmatch(moment)
    if found is None:
        near = difflib.get_close_matches(moment, [*EVENTS, *SHORT], n=1)
        lead = f"Did you mean {near[0]!r}? " if near else ""
        known = ", ".join([*EVENTS, *SHORT])
        _refuse(
            words,
            f"there is no moment {moment[:80]!r}. {lead}A moment is a clock time of UTC, such as "
            f"18:30, or one of {known}",
        )
    hour, minute, second = (int(part or 0) for part in found.groups())
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - a clock's ends
        _refuse(words, f"no clock shows {moment}: a day goes from 00:00 to 23:59:59, UTC")
    return hour * 3600 + minute * 60 + second


def _offset(words: str, text: str) -> int:
    if not text:
        return 0
    found = _OFFSET.fullmatch(text)
    if found is None:
        _refuse(
            words,
            f"an offset is hours, minutes and seconds with their units, such as -30m, +1h30m or "
            f"+45s, not {text[:80]!r}",
        )
    sign, *parts = found.groups()
    hours, minutes, seconds = (int(part or 0) for part in parts)
    offset = hours * 3600 + minutes * 60 + seconds
    if offset >= DAY:
        _refuse(words, f"an offset is shorter than a day, {text!r} is not")
    return -offset if sign == "-" else offset


def _refuse(words: str, text: str) -> NoReturn:
    raise ValueError(f"every({words[:80]!r}): {text}")
