"""How an agent is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pyros_mqtt.messages.commands import Progress


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
