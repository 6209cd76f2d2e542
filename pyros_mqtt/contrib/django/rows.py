"""One agent as a row of a table. What comes from the bus may have been written by anybody."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pyros_mqtt.claims import Health
from pyros_mqtt.fleet import Member
from pyros_mqtt.wire import to_rfc3339

LONGEST = 200
"""Characters of a text that are shown."""

TROUBLED = frozenset({"lost", "silent", "fault"})
"""Somebody has to look after an agent in these states."""

HEADERS = ("agent", "state", "task", "age", "host", "detail")


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one agent, plain and short."""

    agent: str
    state: str
    task: str
    age: str
    host: str
    detail: str

    @property
    def is_troubled(self) -> bool:
        """Somebody has to look after it."""
        return self.state in TROUBLED

    @property
    def cells(self) -> tuple[str, ...]:
        """In the order of `HEADERS`."""
        return self.agent, self.state, self.task, self.age, self.host, self.detail


def row(member: Member) -> Row:
    """Give one agent's cells."""
    status = member.status
    task = status.task.message if status and status.task else ""
    host = status.host if status else ""
    detail = status.detail if status else ""
    return Row(
        member.name, state(member), plain(task), _age(member.age), plain(host), plain(detail)
    )


def state(member: Member) -> str:
    """Say how an agent is, in a word; what may be believed comes before what it claimed."""
    if member.health is Health.LIVE and member.status is not None:
        return member.status.state.value
    return member.health.value


def table(member: Member) -> dict[str, Any]:
    """Give what is known of an agent, for programs; `age` in seconds, None where nobody knows."""
    status = member.status
    known = math.isfinite(member.age)
    since = status.since if status else None
    return {
        "agent": member.name,
        "state": state(member),
        "age": round(member.age, 3) if known else None,
        "since": None if since is None else to_rfc3339(since),
        "task": plain(status.task.message) if status and status.task else None,
        "detail": plain(status.detail) if status else "",
        "waiting": status.waiting if status else 0,
        "host": plain(status.host) if status else "",
        "pid": status.pid if status else 0,
        "version": plain(status.version) if status else "",
    }


def plain(text: str) -> str:
    """Take out what steers a terminal, turns the direction of writing, or is no Unicode at all."""
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in short
    )


def _age(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "-"
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
