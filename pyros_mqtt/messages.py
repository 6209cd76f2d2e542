"""The frozen shapes that travel: Command, Report, Status, Sample, LogRecord, Alarm, About.

They hold values that have been checked already; bytes become shapes in the room `wire`.
Times are POSIX seconds, UTC, as floats; on the wire they are RFC 3339 with `Z`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

JSON = Any
"""What JSON can say: None, bool, int, float, str, list of JSON, dict of str to JSON."""


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


class State(StrEnum):
    """The states that an agent's status can claim."""

    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    DEGRADED = "degraded"
    FAULT = "fault"
    STOPPING = "stopping"
    STOPPED = "stopped"
    LOST = "lost"

    @property
    def is_alive(self) -> bool:
        """The claim is one that only a running agent makes."""
        return self not in {State.STOPPED, State.LOST}

    @property
    def takes_commands(self) -> bool:
        """Ordinary commands are accepted, not only urgent ones."""
        return self in {State.READY, State.BUSY, State.DEGRADED, State.FAULT}


@dataclass(frozen=True, slots=True)
class Command:
    """A message to one agent, and until when it may start.

    `agent` is the addressee, known from the topic. `sent_at` and `deadline` are POSIX seconds;
    `deadline` None means that the command never expires. `echo` keeps the text of a command that
    came without an id; `reply_to` is the MQTT 5 response topic; `after` the id of the sender's
    command to this agent that is to be taken in before this one; `trace` the W3C trace context of
    who sent it.
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

    def __str__(self) -> str:
        """As a person would type it."""
        words = [self.message, *(f"{key}={value}" for key, value in self.args.items())]
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a command did not end well: a code for programs and a text for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running command has come: `fraction` from 0 to 1, or None where unknown."""

    fraction: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What an agent says about one command. `at` is POSIX seconds, `patience` seconds."""

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


@dataclass(frozen=True, slots=True)
class Task:
    """The command that an agent runs now, as its status shows it. `since` is POSIX seconds."""

    message: str
    id: str
    sender: str
    since: float
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """An agent's claim about itself: which life of it speaks (`session`, `boot`), and when.

    `boot` is milliseconds and orders the lives of an agent, `seq` orders the claims of one life;
    `at` and `since` are POSIX seconds, `beat` and `idle` seconds. A small device's bare word
    leaves everything but `agent` and `state` at its default.
    """

    agent: str
    state: State
    session: str = ""
    boot: int = 0
    seq: int = 0
    beat: float = 5.0
    at: float | None = None
    since: float | None = None
    host: str = ""
    pid: int = 0
    version: str = ""
    protocol: int = 1
    detail: str = ""
    task: Task | None = None
    waiting: int = 0
    idle: float = 0.0
    dropped: int = 0

    @property
    def order(self) -> tuple[int, int]:
        """Claims are ordered by this: a higher one is a later one."""
        return self.boot, self.seq


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: `time` in POSIX seconds, UTC; `value` a number, text, or dict of fields.

    A missing value is None, with `quality` `uncertain` or `bad`.
    """

    time: float
    value: JSON
    quality: str = "good"
    seq: int | None = None
    late: bool = False


class Severity(StrEnum):
    """How bad it is that an alarm's condition holds."""

    WARNING = "warning"
    SERIOUS = "serious"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for a warning; a higher one is worse."""
        return list(Severity).index(self)


class AlarmState(StrEnum):
    """The states that an alarm's topic can show; where it shows none, all is normal."""

    RAISED = "raised"
    """Its condition holds, and nobody has acknowledged it."""
    ACKNOWLEDGED = "acknowledged"
    """Its condition holds, and somebody knows."""
    CLEARED = "cleared"
    """Its condition is over, and nobody has acknowledged it."""
    SHELVED = "shelved"
    """Somebody has put it aside until a moment."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as its topic shows it; times are POSIX seconds.

    `agent` publishes it, and takes the commands on it; `about` is what it watches, such as
    `weather/conditions.wind`, or an agent. `at` is when this was last said, `raised_at` when the
    condition was found to hold: None for one that was shelved before it ever did. `by` and
    `comment` tell who acknowledged or shelved it and why, `until` when the shelf ends; `escalated`
    counts how often nobody has answered.
    """

    alarm: str
    agent: str
    about: str
    state: AlarmState
    severity: Severity
    text: str
    at: float
    raised_at: float | None = None
    value: JSON = None
    limit: JSON = None
    unit: str = ""
    by: str = ""
    comment: str = ""
    until: float | None = None
    escalated: int = 0


@dataclass(frozen=True, slots=True)
class Columns:
    """The measurements of one message, by column: all of the same length.

    `times` are POSIX seconds, UTC; `values` a list, or one for each field; `quality` one word for
    all, or a list. `seq` counts the messages of a channel in a session, `first` the samples before
    this message. A small device's bare scalar has none of these.
    """

    times: list[float]
    values: list[JSON] | dict[str, list[JSON]]
    quality: str | list[str] = "good"
    seq: int | None = None
    first: int | None = None
    session: str = ""
    late: bool = False

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.times)

    def sample(self, row: int) -> Sample:
        """One of the samples, `row` counted as in a list."""
        values = self.values
        value = (
            {name: column[row] for name, column in values.items()}
            if isinstance(values, dict)
            else values[row]
        )
        quality = self.quality if isinstance(self.quality, str) else self.quality[row]
        if quality == "good" and value is None:
            quality = "bad"
        return Sample(self.times[row], value, quality, self.seq, self.late)


@dataclass(frozen=True, slots=True)
class Channel:
    """What an agent says of one telemetry channel, and how its samples are to be sent.

    Args:
        name: `[a-z0-9][a-z0-9_-]{0,62}`.
        unit: spelled as in VOUnit (`deg`, `m.s**-1`), or `deg_C`, or `%`; empty for none.
        description: for people.
        range: the lowest and highest value that is expected.
        rate: samples a second that are expected (Hz).
        fields: the names, where each sample has several values.
        retain: the broker keeps the last message for those who come later.
        qos: 1 for a channel of which no sample may get lost while the agent lives; 0 is faster.
        batch: samples that share a message, at most.
        batch_age: seconds that a sample waits for its batch, at most.
        batch_bytes: bytes of a message, at most, unless a single sample has more.
        deadband: a sample goes out only if it differs from the last one by more than this (0: if
            it differs at all); by default every sample does.
        refresh: seconds after which a sample goes out in spite of the deadband.
    """

    name: str
    unit: str = ""
    description: str = ""
    range: tuple[float, float] | None = None
    rate: float | None = None
    fields: tuple[str, ...] = ()
    retain: bool = False
    qos: int = field(default=0, kw_only=True)
    batch: int = field(default=1, kw_only=True)
    batch_age: float = field(default=1.0, kw_only=True)
    batch_bytes: int = field(default=60_000, kw_only=True)
    deadband: float | None = field(default=None, kw_only=True)
    refresh: float = field(default=60.0, kw_only=True)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of an agent's log: `time` in POSIX seconds, `level` such as `warning`.

    `exception` is a traceback, or empty; `left_out` counts the records that were not sent since
    the one before.
    """

    time: float
    level: str
    logger: str
    text: str
    exception: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class MessageInfo:
    """What an agent says of one message; `args` is a JSON Schema of its arguments."""

    description: str = ""
    args: dict[str, JSON] = field(default_factory=dict)
    urgent: bool = False
    idempotent: bool = False
    ttl: float | None = None
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """What an agent understands and measures: enough for a form or a command line."""

    agent: str
    version: str = ""
    protocol: int = 1
    description: str = ""
    messages: dict[str, MessageInfo] = field(default_factory=dict)
    telemetry: dict[str, Channel] = field(default_factory=dict)
    journal: str = "memory"
