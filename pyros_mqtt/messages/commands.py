"""A command, and what is reported of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pyros_mqtt.messages.json_value import JSON

ALWAYS_URGENT = frozenset({"abort", "stop", "close", "park", "shutdown"})
"""Messages that overtake all others wherever an agent has them (protocol section 4)."""

NOT_READY = "not-ready"
"""The code of a refusal by an agent that starts or stops; the same id may be sent again."""

FULL = "full"
"""The code of a refusal for want of room: too much waits, or the disk takes nothing.

An agent with too many waiting remembers the refusal, so it takes a new id to come again.
"""

FOR_NOW = frozenset({NOT_READY, FULL})
"""Codes of refusals that are about the moment, not about the command: it may come again later."""


class Outcome(StrEnum):
    """The states that a report can tell of a command."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        """Nothing follows: the command has come to its end."""
        return self not in {Outcome.ACCEPTED, Outcome.RUNNING}

    @property
    def was_accepted(self) -> bool:
        """The agent took the command on, however it went afterwards."""
        return self not in {Outcome.REJECTED, Outcome.EXPIRED}


@dataclass(frozen=True, slots=True)
class Seal:
    """What came signed: `signed` are the body's bytes without the signature, which ends it.

    `signature` is empty where the field is not the last one, or holds none. `is_bound` says that
    the signed body itself tells from whom it is, under which id, from when, and until when it may
    start.
    """

    signed: bytes
    signature: bytes
    is_bound: bool


@dataclass(frozen=True, slots=True)
class Command:
    """A message to one agent, and until when it may start.

    `agent` is the addressee, known from the topic. `sent_at` and `deadline` are POSIX seconds;
    `deadline` None means that the command never expires; `stated` is the deadline that its sender
    gave, where the agent's own is earlier. `echo` keeps the text of a command that
    came without an id; `reply_to` is the MQTT 5 response topic; `after` the id of the sender's
    command to this agent that is to be taken in before this one; `trace` the W3C trace context of
    who sent it; `person` who stands behind a sender that serves many. `seal` is there until the
    signature has been looked at.
    """

    agent: str
    message: str
    args: dict[str, JSON] = field(default_factory=dict)
    id: str = ""
    sender: str = "anonymous"
    sent_at: float | None = None
    deadline: float | None = None
    urgent: bool = False
    session: str | None = None
    echo: str | None = None
    reply_to: str | None = None
    after: str | None = None
    trace: str | None = None
    person: str | None = None
    stated: float | None = None
    seal: Seal | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        """As a person would type it."""
        words = [self.message, *(f"{key}={value}" for key, value in self.args.items())]
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a command did not end well: a code for programs and a text for people."""

    code: str
    text: str

    @property
    def is_for_now(self) -> bool:
        """It is about the moment, not about the command: that may come again later."""
        return self.code in FOR_NOW


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running command has come: `fraction` from 0 to 1, or None where unknown."""

    fraction: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What an agent says about one command. `at` is POSIX seconds, `patience` seconds.

    `written` is its payload, once `wire` has made one: it is journaled and sent.
    """

    id: str
    message: str
    agent: str
    state: Outcome
    at: float
    result: JSON = None
    error: Problem | None = None
    progress: Progress | None = None
    patience: float | None = None
    echo: str | None = None
    written: bytes | None = field(default=None, init=False, compare=False, repr=False)


def report_on(command: Command, state: Outcome, at: float, **details: Any) -> Report:
    """Make a report on a command; `details` are further fields of `Report`."""
    return Report(
        id=command.id,
        message=command.message,
        agent=command.agent,
        state=state,
        at=at,
        echo=command.echo,
        **details,
    )
