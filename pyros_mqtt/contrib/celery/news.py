"""What becomes of a task, in one form: read from Celery's result backend or from its events."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from celery import states


class Stage(Enum):
    """How far a task has come."""

    WAITS = auto()
    RUNS = auto()
    RETRIES = auto()
    DONE = auto()
    FAILED = auto()
    REVOKED = auto()
    EXPIRED = auto()
    LOST = auto()

    @property
    def is_end(self) -> bool:
        """Nothing follows."""
        return self in {Stage.DONE, Stage.FAILED, Stage.REVOKED, Stage.EXPIRED}


@dataclass(frozen=True, slots=True)
class News:
    """One word about a task; `fraction` from 0 to 1, or None where it is not known."""

    stage: Stage
    text: str = ""
    fraction: float | None = None
    result: Any = None


WAITS = News(Stage.WAITS)


def is_known(meta: Mapping[str, Any]) -> bool:
    """Whether the result backend has heard of the task: what it never saw is `PENDING`, too."""
    return meta["status"] != states.PENDING or meta["result"] is not None


def from_backend(meta: Mapping[str, Any], retries: str) -> News:
    """Read what the result backend holds; `retries` names the retry that comes next."""
    status, result = str(meta["status"]), meta["result"]
    read = {
        states.PENDING: lambda: WAITS,
        states.RECEIVED: lambda: WAITS,
        states.STARTED: lambda: News(Stage.RUNS, _place(result)),
        states.RETRY: lambda: News(Stage.RETRIES, f"{retries}: {_told(result)}"),
        states.SUCCESS: lambda: News(Stage.DONE, result=result),
        states.FAILURE: lambda: News(Stage.FAILED, _told(result)),
        states.REVOKED: lambda: _revoked(str(result)),
    }
    return read.get(status, lambda: _progress(status, result))()


def from_event(event: Mapping[str, Any], retries: str) -> News:
    """Read one of a worker's `task-...` events; a result comes as far as its `repr` tells it."""
    error = str(event.get("exception", ""))
    read = {
        "task-started": lambda: News(Stage.RUNS, _place(event)),
        "task-retried": lambda: News(Stage.RETRIES, f"{retries}: {error}"),
        "task-succeeded": lambda: News(Stage.DONE, result=_unrepr(event.get("result"))),
        "task-failed": lambda: News(Stage.FAILED, error),
        "task-revoked": lambda: _revoked("expired" if event.get("expired") else "revoked"),
        "task-progress": lambda: _progress("PROGRESS", event),
    }
    return read.get(str(event["type"]), lambda: WAITS)()


def _place(told: Any) -> str:
    where = told.get("hostname") if isinstance(told, Mapping) else None
    return f"on {where}" if where else "on a worker"


def _told(error: Any) -> str:
    if isinstance(error, BaseException):
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return str(error)


def _revoked(reason: str) -> News:
    if "expired" in reason:
        return News(Stage.EXPIRED)
    how = "terminated" if "terminat" in reason else "revoked"
    return News(Stage.REVOKED, f"its task was {how}")


def _progress(state: str, meta: Any) -> News:
    """Read a state of the task's own, by the names that Celery's users give to such things."""
    given = meta if isinstance(meta, Mapping) else {"text": meta or ""}
    fraction, current, total = (_number(given.get(key)) for key in ("fraction", "current", "total"))
    if fraction is None and current is not None and total:
        fraction = current / total
    if fraction is not None:
        fraction = min(1.0, max(0.0, fraction))
    text = str(given.get("text", given.get("status", "")))
    return News(Stage.RUNS, text or ("" if state == "PROGRESS" else state.lower()), fraction)


def _number(value: Any) -> float | None:
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_one and math.isfinite(value) else None


def _unrepr(text: Any) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
