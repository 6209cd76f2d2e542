"""What `@on` and `@every` say of a method; they only mark, an agent binds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from pyros_mqtt.daily import Daily
from pyros_mqtt.errors import AgentError
from pyros_mqtt.messages import ALWAYS_URGENT

PATIENCE = 10.0
"""Seconds without a sign of life after which an action counts as hung."""

MARKS = ("_pyros_marks", "_pyros_chore")
"""The attributes that they leave on a method."""

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Rules:
    """How a message may be run; what `@on` says beside the name. Times are seconds.

    `elsewhere`: another process does the work, and the action tells when that has begun.
    """

    ttl: float | None = None
    urgent: bool = False
    idempotent: bool = False
    patience: float = PATIENCE
    kill_after: float | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """What `@on` leaves on a method."""

    message: str
    rules: Rules
    task: Any = None


@dataclass(frozen=True, slots=True)
class Chore:
    """What `@every` leaves on a method: run it in the agent's thread.

    Attributes:
        when: seconds between two runs, or a moment of every day.
    """

    when: float | Daily


def on(  # noqa: PLR0913 - each is a choice of the agent's author
    message: str,
    *,
    ttl: float | None = None,
    urgent: bool | None = None,
    idempotent: bool = False,
    patience: float = PATIENCE,
    kill_after: float | None = None,
    task: Any = None,
) -> Callable[[Method], Method]:
    """Mark a method as the action of `message`.

    Args:
        message: the message's name, as senders write it.
        ttl: most seconds between sending and start; later it is not started.
        urgent: run in the urgent thread, overtaking all that waits. By default only `abort`,
            `stop`, `close`, `park` and `shutdown` are.
        idempotent: doing it twice is doing it once, so it may run again after a crash.
        patience: seconds without a sign of life after which it is shown as hung.
        kill_after: seconds for which a cancelled action may go on regardless. After that its
            process is ended, so that whoever keeps it (`pyros up`, systemd) starts it again, and
            its command is reported `interrupted`. None: the agent shows `fault` and waits.
        task: who does the work instead of the method, such as a Celery task. The task declares
            the arguments; the method gets its result, if it has a parameter for it, and what it
            returns, if that is not None, takes the result's place.

    Raises:
        AgentError: it stands there without a message, or above something that is no method.
        ValueError: `kill_after` is not positive.
    """
    if not isinstance(message, str):
        raise AgentError(f'write @on("MESSAGE") above a method, not @on({message!r})')
    if kill_after is not None and not kill_after > 0:
        raise ValueError(f"@on({message!r}, kill_after={kill_after!r}): give it a positive time")
    overtakes = message in ALWAYS_URGENT if urgent is None else urgent

    def mark(method: Method) -> Method:
        rules = Rules(ttl, overtakes, idempotent or overtakes, patience, kill_after)
        marks = [*getattr(method, "_pyros_marks", ()), Mark(message, rules, task)]
        return _marked(method, "_pyros_marks", marks, f"@on({message!r})")

    return mark


@overload
def every(seconds: float) -> Callable[[Method], Method]: ...
@overload
def every(when: str, /) -> Callable[[Method], Method]: ...
def every(seconds: float | str) -> Callable[[Method], Method]:
    """Mark a method as a chore that runs in the agent's thread every `seconds`, or once a day.

    Once a day: `@every("daily at 18:30")` (UTC) or, in an agent that has an `almanac`,
    `@every("daily at sunset-30m")`. The moment may be `noon`, `sunset`, `sunrise`, `dusk` or
    `dawn`, or `civil`, `nautical` or `astronomical` `dusk` or `dawn`, alone or with an offset
    such as `-30m`, `+1h30m` or `+45s`.

    Raises:
        ValueError: `seconds` is not positive, or the words cannot be understood.
        AgentError: it stands there without a time.
    """
    if callable(seconds):
        raise AgentError("write @every(seconds=1) above a method, not @every alone")
    when = Daily.of(seconds) if isinstance(seconds, str) else seconds
    if not isinstance(when, Daily) and not when > 0:
        raise ValueError(f"every(seconds={seconds!r}): a chore needs a positive period")

    def mark(method: Method) -> Method:
        return _marked(method, "_pyros_chore", Chore(when), f"@every({seconds!r})")

    return mark


def _marked(method: Method, kind: str, mark: Any, words: str) -> Method:
    try:
        setattr(method, kind, mark)
    except AttributeError:
        what = type(method).__name__
        raise AgentError(f"{words} stands above a {what}; it belongs above a method") from None
    return method
