"""What state an agent is in, from what befalls it. No clock and no thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Container
from dataclasses import dataclass, replace

from pyros_mqtt.messages import Command, Progress, State, Task

LOOP_PATIENCE = 10.0
"""Seconds without a sign of life after which an agent that runs no command counts as hung."""

OBEDIENCE = 5.0
"""Seconds that a cancelled action has to end before it is shown as one that ignores it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The part of a status that tells how the agent is. `idle` in seconds."""

    state: State
    detail: str
    task: Task | None
    idle: float

    def says_as(self, other: Snapshot) -> bool:
        """Whether it tells a reader nothing else than `other` did."""
        return (self.state, self.detail, self.task) == (other.state, other.detail, other.task)


class Condition:
    """Gathers what is known of an agent and says which state that makes. Any thread may call.

    All `now` are seconds of one monotonic clock.
    """

    def __init__(self, now: float) -> None:
        self._lock = threading.Lock()
        self._life = State.STARTING
        self._remark = ""
        self._degraded: dict[str, str] = {}
        self._faults: dict[str, str] = {}
        self._task: Task | None = None
        self._patience = 0.0
        self._started = now
        self._sign = now
        self._cancelled: float | None = None
        self.changes = 0
        """Counts what a reader of the status would want to know at once."""

    def enter(
        self, life: State, remark: str = "", *, coming_from: Container[State] = frozenset(State)
    ) -> bool:
        """Go over to `starting`, `ready`, `stopping` or `stopped`; `remark` shows in detail.

        Gives False, and nothing happens, where the agent is in none of `coming_from`.
        """
        with self._lock:
            if self._life not in coming_from:
                return False
            self._life = life
            self._remark = remark
            self.changes += 1
            return True

    @property
    def life(self) -> State:
        """Where in its life the agent is."""
        return self._life

    def sign(self, now: float) -> None:
        """The thread that does the work has shown life."""
        self._sign = now

    def begin(self, task: Task, patience: float, now: float) -> None:
        """A command starts; without a sign for `patience` seconds it counts as hung."""
        with self._lock:
            self._task, self._patience, self._cancelled = task, patience, None
            self._started = self._sign = now
            self.changes += 1

    def advance(self, progress: Progress, now: float, patience: float | None = None) -> None:
        """The running command has come so far; `patience` may be prolonged with it."""
        with self._lock:
            if self._task is not None:
                self._task = replace(self._task, progress=progress)
            if patience is not None:
                self._patience = patience
            self._sign = now
            self.changes += 1

    def end(self, now: float) -> None:
        """The running command has ended."""
        with self._lock:
            self._task = self._cancelled = None
            self._sign = now
            self.changes += 1

    def cancel(self, command: Command, now: float) -> None:
        """A command is asked to end; by now it may have ended, and another one may run."""
        with self._lock:
            task = self._task
            is_on = task and (task.sender, task.id) == (command.sender, command.id)
            if is_on and self._cancelled is None:
                self._cancelled = now

    def defiant_for(self, now: float) -> float:
        """Seconds for which the running command has gone on since it was asked to end."""
        cancelled = self._cancelled
        return 0.0 if cancelled is None else now - cancelled

    def degrade(self, reason: str, source: str) -> None:
        """The agent runs, but cannot do all of its work; `source` is what the trouble is with."""
        self._note(self._degraded, source, reason)

    def fault(self, reason: str, source: str) -> None:
        """The agent needs a person."""
        self._note(self._faults, source, reason)

    def recover(self, source: str) -> None:
        """What `source` complained of is over."""
        with self._lock:
            known = (self._degraded.pop(source, None), self._faults.pop(source, None))
            self.changes += known != (None, None)

    @property
    def task(self) -> Task | None:
        """The command that runs."""
        return self._task

    def running_for(self, now: float) -> float:
        """Seconds since the running command started."""
        return now - self._started if self._task else 0.0

    def snapshot(self, now: float) -> Snapshot:
        """Say how the agent is."""
        with self._lock:
            idle = max(0.0, now - self._sign)
            state, detail = self._judge(idle, self.defiant_for(now))
            return Snapshot(state, detail, self._task, idle)

    def _judge(self, idle: float, defiant: float) -> tuple[State, str]:
        hung = self._hung(idle, defiant)
        troubles = "; ".join([*self._faults.values(), *self._degraded.values()])
        if self._life is not State.READY:
            return self._life, hung or self._remark or troubles
        if hung:
            return State.FAULT, "; ".join(filter(None, [hung, troubles]))
        if self._faults:
            return State.FAULT, troubles
        if self._task is not None:
            return State.BUSY, troubles
        return (State.DEGRADED if troubles else State.READY), troubles

    def _hung(self, idle: float, defiant: float) -> str:
        """What does not go on, or does not end; empty where all is well."""
        if self._task is None:
            hangs = self._life is State.READY and idle > LOOP_PATIENCE
            return f"a chore has shown no sign of life for {idle:.0f} s" if hangs else ""
        if defiant > OBEDIENCE:
            return f"{self._task.message} ignores its cancellation, for {defiant:.0f} s now"
        if idle > self._patience:
            return f"{self._task.message} has shown no sign of life for {idle:.0f} s"
        return ""

    def _note(self, troubles: dict[str, str], source: str, reason: str) -> None:
        reason = str(reason)  # an exception is handed in now and then
        with self._lock:
            if troubles.get(source) != reason:
                troubles[source] = reason
                self.changes += 1
