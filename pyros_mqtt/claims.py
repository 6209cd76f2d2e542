"""Which of an agent's claims counts, and how old it is: pure bookkeeping, no clock of its own.

Source of the rules: protocol section 6, "Readers order claims ...". Every `now` is in seconds by
the reader's monotonic clock; a claim's own `at` is believed only where the broker had kept it.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum

from pyros_mqtt.messages import State, Status

BEATS_OF_SILENCE = 3
"""After so many beats without news an agent counts as silent."""

OVERTAKES = 1.0
"""Seconds by which what the broker had kept may come before the news that the connection stands."""


class Health(StrEnum):
    """What a reader may believe of an agent."""

    LIVE = "live"
    """Its claim is fresh."""
    SILENT = "silent"
    """It claimed to run, and has said nothing for three beats."""
    LOST = "lost"
    """Its last will has spoken: it went without a goodbye."""
    STOPPED = "stopped"
    """It said goodbye."""
    UNKNOWN = "unknown"
    """The reader cannot know: no claim yet, or its own connection is down."""


def is_later(claim: Status, known: Status, *, retained: bool = False) -> bool:
    """Say whether `claim` replaces `known`, both of one agent.

    A will has no `seq`: it counts in the session it belongs to, and in no other, for the will of
    an older life may come late. Only a will that the broker kept (`retained`) may also speak for
    a later life, one that began and ended while this reader was away.
    """
    if claim.state is State.LOST:
        if claim.session == known.session:
            return known.state is not State.LOST
        return retained and claim.boot > known.boot
    if claim.order == (0, 0):  # a bare word has no order among its like
        return known.boot == 0 and not (retained and _is_same(claim, known))
    return claim.order > known.order


def _is_same(claim: Status, known: Status) -> bool:
    """Say whether a claim that the broker kept is the one that is known already."""
    if claim.session != known.session or claim.state is not known.state:
        return False
    if claim.state is State.LOST:
        return True
    return claim.order == known.order and (claim.boot > 0 or claim.at == known.at)


def kept_for(status: Status, wall: float) -> float:
    """How long the broker had kept a retained claim, in seconds; infinite where it has no time.

    `wall` is the reader's POSIX time; a claim from the future counts as new.
    """
    return math.inf if status.at is None else max(0.0, wall - status.at)


def patience(status: Status) -> float:
    """How many seconds this agent may say nothing before it is silent."""
    return BEATS_OF_SILENCE * status.beat


class Skew:
    """How far an agent's clock is ahead of its reader's, measured from its beats.

    A beat comes no earlier than it was sent, so of the latest few the one that came soonest after
    its own time tells most; what is left is the time that it was under way.
    """

    BEATS = 8

    def __init__(self) -> None:
        self._session = ""
        self._late: deque[float] = deque(maxlen=self.BEATS)

    def hear(self, status: Status, wall: float, *, retained: bool) -> None:
        """Take a claim in that came at the reader's POSIX time `wall`."""
        if status.session != self._session:
            self._session = status.session
            self._late.clear()
        if status.at is not None and (wall < status.at or not retained):
            self._late.append(wall - status.at)

    @property
    def seconds(self) -> float | None:
        """Positive where the agent's clock is ahead; None where nothing tells."""
        return -min(self._late) if self._late else None


@dataclass(slots=True)
class Claim:
    """The claim of one agent that counts, and when there was news of it.

    Attributes:
        status: the latest claim. After a will it is what the agent had said last, with the state
            `lost`, so that host, pid and order of that life stay known.
        news: when the claim was made, as far as this reader can tell; -inf where it cannot.
        heard: when this reader last heard anything that the rules allow, repetitions included.
    """

    status: Status | None = None
    news: float = -math.inf
    heard: float = -math.inf

    def hear(self, status: Status, now: float, *, kept: float | None = None) -> bool:
        """Take in one claim and say whether it changed anything.

        `kept` is None for a live one, otherwise the seconds the broker had kept it.
        """
        known, retained = self.status, kept is not None
        if known is not None and not is_later(status, known, retained=retained):
            if retained and _is_same(status, known):
                self.heard = now  # the broker still holds what we knew: confirmed, but no news
            return False
        if known and status.state is State.LOST and status.session == known.session:
            status = replace(known, state=State.LOST, detail="", task=None, waiting=0)
        self.status, self.heard = status, now
        self.news = max(self.news, now - (kept or 0.0))
        return True

    def age(self, now: float) -> float:
        """Seconds since the news; infinite where there never was any that has a time."""
        return now - self.news

    def health(self, now: float, up_since: float | None) -> Health:
        """Judge the claim.

        `up_since` is since when the reader's present connection stands; None while there is none.
        """
        if self.status is None or up_since is None:
            return Health.UNKNOWN
        if self.heard < up_since - OVERTAKES and now <= up_since + patience(self.status):
            return Health.UNKNOWN  # nobody could have told us before we were back
        if self.status.state is State.LOST:
            return Health.LOST
        if self.status.state is State.STOPPED:
            return Health.STOPPED
        return Health.SILENT if self.age(now) > patience(self.status) else Health.LIVE

    def next_look(self, now: float, up_since: float | None) -> float | None:
        """When the judgement may change without any news; None where it cannot."""
        if self.status is None or up_since is None:
            return None
        health = self.health(now, up_since)
        if health is Health.LIVE:
            return self.news + patience(self.status)
        if health is Health.UNKNOWN:
            return up_since + patience(self.status)
        return None


@dataclass(slots=True)
class Line:
    """The line to a far site, as the bridge at this end tells of it; without a bridge it stands."""

    is_cut: bool = False
    since: float = -math.inf
    """When it came back."""

    def hear(self, payload: bytes, now: float) -> bool:
        """Take in `1` or `0` and say whether that changes anything."""
        is_cut = payload.strip() == b"0"
        if is_cut == self.is_cut:
            return False
        self.is_cut, self.since = is_cut, now
        return True

    def hears_since(self, up_since: float | None) -> float | None:
        """Since when the far site can be heard by one whose connection stands `up_since`."""
        return None if up_since is None or self.is_cut else max(up_since, self.since)


class Vigil:
    """Tells whose silence is due, and looks at nobody else.

    Each agent waits at most once in the heap. News only moves the true moment further away, so
    a beat costs nothing here: whoever comes up too early is put back, once in three beats.
    """

    def __init__(self) -> None:
        """Watch nobody yet."""
        self._heap: list[tuple[float, str]] = []
        self._waiting: dict[str, float] = {}

    def expect(self, name: str, moment: float | None) -> None:
        """Look at `name` after `moment` (monotonic seconds), or earlier; None: no need."""
        if moment is None or self._waiting.get(name, math.inf) <= moment:
            return
        self._waiting[name] = moment
        heapq.heappush(self._heap, (moment, name))

    def due(self, now: float) -> list[str]:
        """Take out those whose moment has passed."""
        names = []
        while self._heap and self._heap[0][0] < now:
            moment, name = heapq.heappop(self._heap)
            if self._waiting.get(name) == moment:
                del self._waiting[name]
                names.append(name)
        return names
