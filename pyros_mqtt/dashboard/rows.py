"""Members, commands and reports as a page shows them; plain tables that JSON can say."""

from __future__ import annotations

import math
from typing import Any

from pyros_mqtt import wire
from pyros_mqtt.claims import Health
from pyros_mqtt.fleet import Member
from pyros_mqtt.messages import Command, Report, Task
from pyros_mqtt.traffic import Passing

LONGEST = 300
"""Characters of a text from the bus."""


def short(text: str, limit: int = LONGEST) -> str:
    """Cut a text from the bus."""
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"


def of_member(member: Member) -> dict[str, Any]:
    """Everything about an agent but its age, which the browser counts by itself."""
    status, about = member.status, member.about
    row: dict[str, Any] = {"state": state(member), "known": about is not None}
    if about is not None:
        row["about"] = short(about.description.partition("\n")[0])
    if member.is_watchman:
        row["watches"] = True
    if status is None:
        return row
    return row | {
        "claim": status.state.value,
        "task": _task(status.task),
        "host": short(status.host, 80),
        "pid": status.pid,
        "version": short(status.version, 40),
        "detail": short(status.detail),
        "waiting": status.waiting,
        "dropped": status.dropped,
        "since": _finite(status.since),
        "beat": status.beat,
    }


def state(member: Member) -> str:
    """How it is, in a word; what may be believed comes before what it claimed."""
    if member.health is Health.LIVE and member.status is not None:
        return member.status.state.value
    return member.health.value


def of_passing(passing: Passing) -> dict[str, Any]:
    """One line of the stream."""
    row: dict[str, Any] = {
        "at": passing.at,
        "agent": passing.agent,
        "sender": short(passing.sender, 64),
    }
    match passing.what:
        case Command() as command:
            return row | _of_command(command)
        case Report() as report:
            return row | _of_report(report)
        case problem:
            return row | {"kind": "unreadable", "message": "", "text": short(str(problem))}


def _of_command(command: Command) -> dict[str, Any]:
    by = {"by": short(command.person, 64)} if command.person else {}
    return by | {
        "kind": "command",
        "message": short(command.message, 120),
        "text": _value(command.args),
        "urgent": command.urgent,
        "id": command.id,
    }


def _of_report(report: Report) -> dict[str, Any]:
    return {
        "kind": "report",
        "message": short(report.message, 120),
        "state": report.state.value,
        "text": short(_remark(report)),
        "id": short(report.id, 64),
    }


def _remark(report: Report) -> str:
    if report.error is not None:
        return f"{report.error.text} ({report.error.code})"
    if report.progress is not None:
        fraction = report.progress.fraction
        share = "" if fraction is None else f"{fraction:.0%} "
        return f"{share}{report.progress.text}".strip()
    return "" if report.result is None else _value(report.result)


def _task(task: Task | None) -> dict[str, Any] | None:
    if task is None:
        return None
    progress = task.progress
    return {
        "message": short(task.message, 80),
        "sender": short(task.sender, 64),
        "since": _finite(task.since),
        "fraction": _finite(progress.fraction) if progress else None,
        "text": short(progress.text, 120) if progress else "",
    }


def _value(value: Any) -> str:
    if isinstance(value, str):
        return short(value)
    if isinstance(value, dict):
        return short(" ".join(f"{key}={_value(one)}" for key, one in value.items()))
    if isinstance(value, float):
        return f"{value:.8g}"
    return short(wire.compact(value))


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
