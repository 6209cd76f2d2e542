"""The fleet as numbers: states, ages, beats, what waits, what was dropped, who was restarted."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from pyros_mqtt.claims import Health
from pyros_mqtt.fleet import Fleet, Member
from pyros_mqtt.messages import Status
from pyros_mqtt.metrics import Family, Gauge, Total, label
from pyros_mqtt.metrics_bridge.states import NUMBERS, shown_state

MOST_AGENTS = 500
"""So many agents have series of their own, the first by name."""

Claimed = TypeVar("Claimed", Member, Status)

_OF_MEMBER: tuple[tuple[str, str, Callable[[Member], float | None]], ...] = (
    (
        "pyros_agent_state_number",
        "The agent's state as a number, the higher the better: "
        + ", ".join(f"{number} {state}" for state, number in NUMBERS.items()),
        lambda one: NUMBERS[shown_state(one)],
    ),
    (
        "pyros_agent_age_seconds",
        "Since the last news of the agent, by the clock of who looks",
        lambda one: one.age if math.isfinite(one.age) else None,
    ),
    (
        "pyros_agent_silent",
        "1 while nothing was heard for three beats of an agent that did not say goodbye",
        lambda one: one.health is Health.SILENT,
    ),
    (
        "pyros_agent_clock_skew_seconds",
        "By how much the agent's clock is ahead of who looks",
        lambda one: one.skew,
    ),
)

_OF_STATUS: tuple[tuple[str, str, Callable[[Status], float | None]], ...] = (
    (
        "pyros_agent_beat_seconds",
        "Within so many seconds the agent has promised news",
        lambda one: one.beat,
    ),
    ("pyros_agent_waiting", "Commands that wait in the agent", lambda one: one.waiting),
    (
        "pyros_agent_idle_seconds",
        "Since the thread that does the agent's work has shown life",
        lambda one: one.idle,
    ),
    (
        "pyros_agent_start_timestamp_seconds",
        "When this life of the agent began, POSIX time",
        lambda one: one.boot / 1000 or None,
    ),
)

_TOTALS: tuple[tuple[str, str, Callable[[Status], float]], ...] = (
    ("pyros_agent_beats", "Status documents of this life of the agent", lambda one: one.seq),
    (
        "pyros_agent_dropped_samples",
        "Samples that this life of the agent had to drop",
        lambda one: one.dropped,
    ),
)


class Agents:
    """Gives the fleet as families, whenever somebody looks; counts restarts in between."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._lock = threading.Lock()
        self._sessions: dict[str, str] = {}
        self._restarts: dict[str, int] = {}
        fleet.on_change(self._look_at)

    def collect(self) -> Iterator[Family]:
        """Give all families."""
        everyone = self._fleet.members()
        members = everyone[:MOST_AGENTS]
        yield _one("pyros_agents", "Agents that were heard of", len(everyone))
        yield _one(
            "pyros_agents_without_series",
            f"Agents beyond {MOST_AGENTS}, which have no series of their own",
            len(everyone) - len(members),
        )
        yield _states(members)
        for name, text, of in _OF_MEMBER:
            yield _each(Gauge(name, text, "agent"), [(one.name, _read(of, one)) for one in members])
        claims = [(one.name, one.status) for one in members if one.status is not None]
        for name, text, of_status in _OF_STATUS:
            yield _each(
                Gauge(name, text, "agent"), [(who, _read(of_status, one)) for who, one in claims]
            )
        for name, text, total in _TOTALS:
            yield _each(
                Total(name, text, "agent"), [(who, _read(total, one)) for who, one in claims]
            )
        yield self._restarted(members)
        yield _infos(members)

    def _restarted(self, members: tuple[Member, ...]) -> Family:
        with self._lock:
            restarts = [(one.name, self._restarts.get(one.name, 0)) for one in members]
        family = Total("pyros_agent_restarts", "New lives of the agent since we look", "agent")
        return _each(family, restarts)

    def _look_at(self, name: str) -> None:
        """See whether another life speaks; in the network thread."""
        member = self._fleet.get(name)
        with self._lock:
            if member is None:
                self._sessions.pop(name, None)
                self._restarts.pop(name, None)
                return
            session = member.status.session if member.status else ""
            if session and self._sessions.setdefault(name, session) != session:
                self._sessions[name] = session
                self._restarts[name] = self._restarts.get(name, 0) + 1


def _one(name: str, text: str, value: float) -> Family:
    family = Gauge(name, text)
    family.add_metric([], value)
    return family


def _read(of: Callable[[Claimed], float | None], one: Claimed) -> float | None:
    """Give a value; None where an agent claims a number that is none."""
    try:
        value = of(one)
        return None if value is None else float(value)
    except OverflowError:
        return None


def _each(family: Family, values: Sequence[tuple[str, float | None]]) -> Family:
    """Give each agent its value; None: it has none."""
    ending = "_total" if family.type == "counter" else ""
    for agent, value in values:
        if value is not None:
            family.add_sample(family.name + ending, {"agent": agent}, value)
    return family


def _states(members: tuple[Member, ...]) -> Family:
    family = Gauge("pyros_agent_state", "1 for the state that the agent is in", "agent", "state")
    for one in members:
        shown = shown_state(one)
        for state in NUMBERS:
            family.add_metric([one.name, state], float(state == shown))
    return family


def _infos(members: tuple[Member, ...]) -> Family:
    labels = ("agent", "host", "version", "protocol", "journal")
    family = Gauge("pyros_agent_info", "Always 1: where the agent runs, and what it is", *labels)
    for one in members:
        status, about = one.status, one.about
        if status is None:
            continue
        values = [status.host, status.version, str(status.protocol), about.journal if about else ""]
        family.add_metric([one.name, *map(label, values)], 1)
    return family
