"""What a night's page tells, gathered from the archive."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyros_mqtt.archive import Account, Archive, Gap
from pyros_mqtt.archive.curves import Curve, curves
from pyros_mqtt.archive.units import unit_change
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.messages import JSON
from pyros_mqtt.nightly.alarms import AlarmStory, alarm_stories
from pyros_mqtt.nightly.lives import Span, lives
from pyros_mqtt.nightly.orders import Order, orders

BEFORE = 900.0
"""Seconds before a night in which the latest word of each agent is looked for."""

PLOTTED = ("weather", "safety")
"""The agents whose channels are drawn where nothing else is said."""

MOST_PLOTS = 24

ALERT = "alert"
"""A channel of this name tells of alerts: what came, and what is done about it."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Something that is so or not: spans in which it is, and in which it is not."""

    name: str
    spans: list[tuple[float, float, bool]]


@dataclass(frozen=True, slots=True)
class AlertStory:
    """One word about an alert, and the commands that named its event afterwards."""

    moment: float
    event: str
    decision: str
    reason: str
    orders: list[Order]


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A channel with missing messages."""

    agent: str
    channel: str
    account: Account


@dataclass(slots=True)
class Night:
    """Everything of one night; moments in POSIX seconds."""

    name: str
    root: str
    start: float
    stop: float
    lives: dict[str, list[Span]]
    orders: list[Order]
    curves: list[list[Curve]]
    strips: list[Strip]
    alarms: list[AlarmStory]
    alerts: list[AlertStory]
    images: list[Order]
    gaps: list[Incomplete]
    away: list[Gap]
    problems: list[str]

    @property
    def active(self) -> tuple[float, float]:
        """From when to when there is something to draw."""
        spans = [one for some in self.lives.values() for one in some]
        moments = [one.start for one in spans]
        moments += [one.stop for one in spans if one.state not in OVER]
        moments += [float(t) for p in self.curves for c in p for t in (c.times[0], c.times[-1])]
        moments += [one.moment for one in self.orders]
        inside = [one for one in moments if self.start <= one <= self.stop]
        if not inside or max(inside) - min(inside) < SHORTEST:
            return self.start, self.stop
        return min(inside), max(inside)


def look_at(archive: Archive, name: str, plotted: Iterable[str] = ()) -> Night:
    """Gather a night.

    Args:
        archive: where from.
        name: the date of its evening.
        plotted: `agent` or `agent/channel` to draw; by default weather and safety.

    Raises:
        ArchiveError: the name is no date, or the archive fails.
    """
    start, end = archive.nights.span(name)
    stop = min(end, time.time())
    asked = list(orders(archive.events(None, {"inbox", "outbox"}, start, stop)))
    spans = lives(archive.events(None, {"status"}, start - BEFORE, stop), start, stop)
    drawn, strips, problems = _pictures(archive, list(plotted), start, stop)
    return Night(
        name=name,
        root=archive.root,
        start=start,
        stop=stop,
        lives=spans,
        orders=asked,
        curves=drawn,
        strips=strips,
        alarms=alarm_stories(archive.events(None, {"alarm"}, start, stop)),
        alerts=_alerts(archive, asked, start, stop),
        images=[one for one in asked if one.end == "done" and _image_of(one.result)],
        gaps=_gaps(archive, start, stop),
        away=_away(archive, start, stop),
        problems=problems,
    )


def _image_of(result: JSON) -> str:
    return str(result.get("path") or "") if isinstance(result, dict) else ""


# -- pictures -------------------------------------------------------------------------------------


def _pictures(
    archive: Archive, plotted: list[str], start: float, stop: float
) -> tuple[list[list[Curve]], list[Strip], list[str]]:
    wanted = [
        (agent, channel)
        for agent, channel in archive.channels()
        if ({agent, f"{agent}/{channel}"} & set(plotted) if plotted else agent in PLOTTED)
    ]
    drawn: list[list[Curve]] = []
    strips: list[Strip] = []
    problems = [f"only {MOST_PLOTS} of {len(wanted)} channels are drawn"] * (
        len(wanted) > MOST_PLOTS
    )
    for agent, channel in wanted[:MOST_PLOTS]:
        problems += filter(None, [unit_change(archive, agent, channel, start, stop)])
        with contextlib.suppress(ArchiveError):  # it has no numbers
            found = curves(archive, agent, channel, start, stop)
            drawn += [[one] for one in found if len(one.times) and one.low.min() < A_MOMENT]
        strips += _strips(archive, agent, channel, start, stop)
    return drawn, strips, problems


def _strips(archive: Archive, agent: str, channel: str, start: float, stop: float) -> list[Strip]:
    fields = archive.truths(agent, channel, start, stop)
    label = f"{agent} {channel}"
    return [
        Strip(f"{label} {name}".removesuffix(" value"), _runs(times, truths))
        for name, (times, truths) in fields.items()
    ]


def _runs(times: Any, truths: Any) -> list[tuple[float, float, bool]]:
    runs: list[tuple[float, float, bool]] = []
    for moment, truth in zip(times, truths, strict=True):
        if runs and runs[-1][2] == truth:
            runs[-1] = (runs[-1][0], moment, truth)
        else:
            if runs:
                runs[-1] = (runs[-1][0], moment, runs[-1][2])
            runs.append((moment, moment, truth))
    return runs


# -- alerts ---------------------------------------------------------------------------------------


def _alerts(archive: Archive, asked: list[Order], start: float, stop: float) -> list[AlertStory]:
    told = []
    for agent, channel in archive.channels():
        if channel != ALERT:
            continue
        columns = archive.read(agent, channel, start, stop).table()
        count = len(columns["time"])
        words = {
            name: columns[name].tolist() if name in columns else [""] * count
            for name in ("time", "event", "decision", "reason")
        }
        for moment, event, decision, reason in zip(*words.values(), strict=True):
            about = [one for one in asked if event and one.args.get("event") == event]
            after = [one for one in about if one.moment >= moment - 1.0]
            told.append(
                AlertStory(moment, str(event or ""), str(decision or ""), str(reason or ""), after)
            )
    return sorted(told, key=lambda one: one.moment)


# -- gaps -----------------------------------------------------------------------------------------


def _gaps(archive: Archive, start: float, stop: float) -> list[Incomplete]:
    accounts = (
        Incomplete(agent, channel, archive.account(agent, channel, start, stop))
        for agent, channel in archive.channels()
    )
    return [one for one in accounts if one.account.gaps]


def _away(archive: Archive, start: float, stop: float) -> list[Gap]:
    """Find the times in which nothing at all was recorded: no agent was there, or no recorder."""
    moments = (event.time for event in archive.events(None, {"status"}, start, stop))
    return [
        Gap(before, after, 0, 0)
        for before, after in itertools.pairwise([start, *moments, stop])
        if after - before > QUIET
    ]


OVER = {"stopped", "silent", "lost"}
"""How an agent ends; that may last for the rest of the night."""

SHORTEST = 10.0
"""Seconds of the shortest time that is drawn alone."""

A_MOMENT = 1e9
"""From here on a number is taken for a moment, and not drawn."""

QUIET = 120.0
"""Seconds without a word of anybody that are shown as a gap: every agent speaks more often."""
