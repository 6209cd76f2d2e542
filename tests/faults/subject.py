"""The processes under test: an agent that notes what it does, and a sender; both may be killed.

`processes` starts them; by hand it is `python -m tests.faults.subject agent NAME NOTES`, configured
by `PYROS_*` as every process is. `FAULTS_BUILD` names the build.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyros_mqtt import Agent, Sender, on
from pyros_mqtt.errors import SendError
from tests.faults.builds import become
from tests.faults.history import Event, Notes, What, keys, read_notes
from tests.faults.journal_load import measure
from tests.faults.old_files import migrate


class Subject(Agent):
    """Notes each start and each end of an action on disk, and when it begins to take commands."""

    def __init__(self, name: str, notes: Path, **options: Any) -> None:
        super().__init__(name, **options)
        self._notes = Notes(notes)

    def receive(self) -> None:
        self._note("ready", self.name)
        super().receive()

    @on("move")
    def move(self, key: str, seconds: float = 0.0) -> str:
        """Must not be repeated."""
        self._note("started", key)
        self.sleep(seconds)
        self._note("finished", key)
        return key

    @on("set", idempotent=True)
    def set(self, key: str, seconds: float = 0.0) -> str:
        """May be repeated."""
        self._note("started", key, idempotent=True)
        self.sleep(seconds)
        self._note("finished", key, idempotent=True)
        return key

    @on("hold")
    def hold(self, key: str, seconds: float = 0.0) -> str:
        """Hold the agent's thread without a sign of life."""
        self._note("started", key)
        threading.Event().wait(seconds)
        self._note("finished", key)
        return key

    def _note(self, what: What, key: str, *, idempotent: bool = False) -> None:
        at, command = time.monotonic(), self.command
        event = Event(
            what,
            key,
            at,
            id=command.id if command else "",
            sender=command.sender if command else "",
            agent=self.name,
            idempotent=idempotent,
            pid=os.getpid(),
        )
        self._notes.add(event)


def run_agent(name: str, notes: str) -> None:
    """Run an agent until it is killed or told to stop."""
    Subject(name, Path(notes)).run()


def run_sender(name: str, notes: str, plan: str) -> None:
    """Send durably what a plan asks for, and deliver until killed; started again, it goes on.

    A line of the plan is `AGENT MESSAGE KEY SECONDS TTL`.
    """
    note, path = Notes(Path(notes)), Path(notes)
    begun = keys(read_notes(path), "sent")
    with Sender(name) as sender:
        for line in Path(plan).read_text().splitlines():
            if line.split()[2] not in begun:
                _send(sender, note, line)
        threading.Event().wait()


def _send(sender: Sender, note: Notes, line: str) -> None:
    agent, message, key, seconds, ttl = line.split()
    args = {"key": key, "seconds": float(seconds)}
    event: dict[str, Any] = {"key": key, "sender": sender.name, "agent": agent}
    note.add(Event("sent", at=time.monotonic(), deadline=time.monotonic() + float(ttl), **event))
    try:
        receipt = sender.send_to(agent, message, args=args, ttl=float(ttl), durable=True)
    except SendError:
        return  # it has promised nothing
    note.add(Event("durable", at=time.monotonic(), id=receipt.command.id, **event))


ROLES: dict[str, Callable[..., None]] = {
    "agent": run_agent,
    "sender": run_sender,
    "journal": measure,
    "migrate": migrate,
}
"""What a process may be told to be."""


def main(role: str, *words: str) -> None:
    """Become the build that the environment names, and play a role."""
    become()
    ROLES[role](*words)


if __name__ == "__main__":
    main(*sys.argv[1:])
