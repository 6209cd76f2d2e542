"""How complete the record of a channel is, by the numbers of its messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pyros_mqtt.archive.rows import MICRO, Counted


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages, and their samples, that are missing by their numbers between two that are there."""

    start: float
    stop: float
    missing: int
    samples: int


@dataclass(frozen=True, slots=True)
class Account:
    """How complete a channel is. A channel that does not count its messages has no gaps to see.

    Attributes:
        lives: of how many lives of the agent messages are there.
    """

    messages: int = 0
    samples: int = 0
    lives: int = 0
    gaps: tuple[Gap, ...] = field(default=())

    @property
    def missing(self) -> int:
        """Messages that were published, or dropped by their agent, and not recorded."""
        return sum(gap.missing for gap in self.gaps)


def account_of(rows: Iterator[Counted]) -> Account:
    """Count rows that come in order of life and seq."""
    messages = samples = lives = 0
    gaps: list[Gap] = []
    last: Counted | None = None
    for row in rows:
        samples += row.n
        if row.seq is None:
            messages += 1
            continue
        if last is None or last.life != row.life:
            lives, messages = lives + 1, messages + 1
        elif row.seq == last.seq:  # a part of the same message
            last = last._replace(n=last.n + row.n)
            continue
        else:
            messages += 1
            gap = _gap(last, row)
            gaps += [gap] if gap is not None else []
        last = row
    gaps.sort(key=lambda one: one.start)
    return Account(messages, samples, lives, tuple(gaps))


def _gap(last: Counted, row: Counted) -> Gap | None:
    missing = (row.seq or 0) - (last.seq or 0) - 1
    if missing <= 0:
        return None
    samples = missing
    if last.ahead is not None or row.ahead is not None:  # a count that is not told is as `seq`
        ahead, behind = row.ahead, last.ahead
        end = row.seq or 0 if ahead is None else ahead
        start = last.seq or 0 if behind is None else behind
        samples = max(0, end - start - last.n)
    return Gap(last.t / MICRO, row.t / MICRO, missing, samples)
