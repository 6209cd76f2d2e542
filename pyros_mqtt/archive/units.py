"""Whether a channel's numbers are of one unit: what its agent has told of it may have changed."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from pyros_mqtt import wire
from pyros_mqtt.errors import ArchiveError

if TYPE_CHECKING:
    from pyros_mqtt.archive.reading import Archive

A_MICROSECOND = 1e-6
"""Within it, a moment that was written down and read again is the same."""


def unit_change(
    archive: Archive, agent: str, channel: str, start: float | None, stop: float | None
) -> str:
    """Say how the unit changes in a span (POSIX seconds); empty where it does not.

    A time without a unit changes nothing: nothing is known of it.

    Raises:
        ArchiveError: the channel was never recorded.
    """
    told = _units(archive, agent, channel, start, stop)
    if len(told) < 2:  # noqa: PLR2004 - before and after
        return ""
    parts = [f"{unit} until {_clock(until)}" for (_, unit), (until, _) in itertools.pairwise(told)]
    return f"{agent}/{channel} is in {', then '.join(parts)}, then in {told[-1][1]}"


def check_unit(
    archive: Archive, agent: str, channel: str, start: float | None, stop: float | None
) -> None:
    """Refuse a span in which numbers of several units would become one curve or column.

    Raises:
        ArchiveError: the unit changes, or the channel was never recorded.
    """
    if change := unit_change(archive, agent, channel, start, stop):
        last = _clock(_units(archive, agent, channel, start, stop)[-1][0])
        raise ArchiveError(
            f"{change}: numbers of different units are not put together; say --since {last} for "
            f"what came after, or --until for what was before"
        )


def _units(
    archive: Archive, agent: str, channel: str, start: float | None, stop: float | None
) -> list[tuple[float, str]]:
    """Give the units of what was measured in a span, each with the moment it was told."""
    ends = archive.ends(agent, channel)
    if ends is None:
        return []
    first = max(ends[0], -math.inf if start is None else start) + A_MICROSECOND
    last = min(ends[1], math.inf if stop is None else stop - A_MICROSECOND)
    told: list[tuple[float, str]] = []
    for moment, said in archive.descriptions(agent, channel):
        if moment > last:
            break
        if moment <= first:
            told.clear()
        if said.unit and (not told or told[-1][1] != said.unit):
            told.append((moment, said.unit))
    return told


def _clock(moment: float) -> str:
    return wire.to_rfc3339(moment, digits=6)
