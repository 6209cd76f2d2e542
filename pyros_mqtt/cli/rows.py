"""One agent as a row of a table, and as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pyros_mqtt.cli.show import duration, printable

if TYPE_CHECKING:
    from pyros_mqtt.fleet import Member
    from pyros_mqtt.messages import Task

HEADERS = ("agent", "state", "task", "age", "host", "detail")
STATE = 1
"""The column that takes its colour from its word."""

FAILURE = "it failed"
"""How the detail of an agent begins that something had raised in."""

SHOWN_SKEW = 1.0
"""Seconds by which a clock may differ from ours before people are told."""

_BAR = 8


def row(member: Member, *, bar: bool) -> tuple[str, ...]:
    """Give one agent's cells; `bar` draws the progress, for a terminal."""
    status = member.status
    cells = (
        member.name,
        state(member),
        _task(status.task, bar=bar) if status and status.task else "",
        _age(member),
        status.host if status else "",
        _detail(member),
    )
    return tuple(printable(one).replace("\n", " ") for one in cells)


def state(member: Member) -> str:
    """Say how an agent is, in a word; what may be believed comes before what it claimed."""
    from pyros_mqtt.claims import Health

    if member.health is Health.LIVE and member.status is not None:
        return member.status.state.value
    return member.health.value


def is_troubled(member: Member) -> bool:
    """Somebody has to look after it: lost, silent, in fault, or ended by a failure."""
    return state(member) in {"lost", "silent", "fault"} or has_failed(member)


def has_failed(member: Member) -> bool:
    """It said goodbye because something in it had raised."""
    detail = member.status.detail if member.status else ""
    return state(member) == "stopped" and detail.startswith(FAILURE)


def as_json(member: Member) -> dict[str, Any]:
    """Give everything that is known of an agent; ages are seconds, moments UTC."""
    from pyros_mqtt.wire import to_rfc3339

    said = asdict(member.status) if member.status else {}
    for table in (said, said.get("task") or {}):
        for key in {"at", "since"} & table.keys():
            table[key] = None if table[key] is None else to_rfc3339(table[key])
    age = round(member.age, 3) if math.isfinite(member.age) else None
    skew = None if member.skew is None else round(member.skew, 3)
    known = {"agent": member.name, "health": member.health.value, "age": age, "skew": skew}
    return known | said


def clock(skew: float) -> str:
    """Say how an agent's clock differs from ours."""
    return f"its clock is {abs(skew):.1f} s {'ahead' if skew > 0 else 'behind'}"


def _age(member: Member) -> str:
    """Say how old the news is; `?` for a claim without a time, as a last will is."""
    if member.status is not None and not math.isfinite(member.age):
        return "?"
    return duration(member.age)


def _task(task: Task, *, bar: bool) -> str:
    progress = task.progress
    words = [task.message]
    if progress is not None and progress.fraction is not None:
        filled = round(_BAR * min(1.0, max(0.0, progress.fraction)))
        words += ["█" * filled + "░" * (_BAR - filled)] if bar else []
        words.append(f"{progress.fraction:.0%}")
    if progress is not None and progress.text:
        words.append(progress.text)
    return " ".join(words)


def _detail(member: Member) -> str:
    status, skew = member.status, member.skew
    if status is None:
        return ""
    waiting = f"{status.waiting} waiting" if status.waiting else ""
    dropped = f"{status.dropped} samples dropped" if status.dropped else ""
    skewed = clock(skew) if skew is not None and abs(skew) > SHOWN_SKEW else ""
    return "; ".join(filter(None, [status.detail, waiting, dropped, skewed]))
