"""Reports, status and about leave here; the agent's side of everything that it says."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from dataclasses import replace
from functools import partial

from pyros_mqtt import wire
from pyros_mqtt.condition import Condition, Snapshot
from pyros_mqtt.errors import JournalError
from pyros_mqtt.failpoints import reach
from pyros_mqtt.journal import End, Journal, Ledger
from pyros_mqtt.messages import (
    About,
    Command,
    Outcome,
    Problem,
    Progress,
    Report,
    Status,
    report_on,
)
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Fate, Parcel, Transport

log = logging.getLogger(__name__)

QUICK = 0.05
"""Seconds under which an action ends without having been reported as running."""


class Outbox:
    """What one life of an agent says. Every method may be called from any thread.

    Args:
        status: the first claim: who and which life; the outbox fills in the rest.
    """

    def __init__(
        self,
        transport: Transport,
        topics: Topics,
        status: Status,
        condition: Condition,
        journal: Journal,
    ) -> None:
        self._transport = transport
        self._topics = topics
        self._identity = replace(status, host=socket.gethostname(), pid=os.getpid())
        self._condition = condition
        self._journal = journal
        self._about: About | None = None
        self._lock = threading.Lock()
        self._seq = 0
        self._since = status.at or time.time()
        self._told: Snapshot | None = None
        self._told_changes = -1
        self._told_at = float("-inf")
        self._running: Command | None = None
        self._ledger = Ledger(journal, condition)
        self.waiting = 0
        self.dropped = 0

    @property
    def boot(self) -> int:
        """Which life speaks, in milliseconds; a later life has a higher one."""
        return self._identity.boot

    def rebase(self, known: int) -> None:
        """Put our claims after those of boot `known`, which others may have seen."""
        if known >= self._identity.boot:
            # beyond the highest that readers take, nobody would see us any more
            self._identity = replace(self._identity, boot=min(known + 1, wire.HIGHEST_BOOT))

    # -- reports ------------------------------------------------------------------------

    def send(self, command: Command, report: Report, *, soon_followed: bool = False) -> None:
        """Publish a report to the command's sender; it is held through an outage.

        One that is `soon_followed` by the next may leave with that.
        """
        payload = wire.encode_report(report)
        topic = self._topics.outbox(self._identity.agent, command.sender)
        parcel = Parcel(topic, payload, keep=True, may_linger=soon_followed)
        self._transport.publish(parcel, partial(self._shorten, command, report, len(payload)))
        if command.reply_to:
            correlation = command.id.encode()
            copy = Parcel(command.reply_to, payload, keep=True, correlation=correlation)
            self._transport.publish(copy)

    def _shorten(self, command: Command, report: Report, size: int, fate: str) -> None:
        """A result that the broker does not take must not leave its sender without an answer."""
        if fate == Fate.TOO_LARGE and (report.result, report.echo) != (None, None):
            problem = Problem("too-large", f"a report of {size} bytes is over the broker's limit")
            self.send(command, replace(report, result=None, echo=None, error=problem))

    def began(self, command: Command, *, elsewhere: bool = False) -> None:
        """A command starts to run; the report goes out unless it ends at once.

        Where the work is done `elsewhere`, the report waits for the first word of progress.

        Raises:
            JournalError: it cannot be noted, so it must not start: it might start twice.
        """
        self._journal.write(command, report_on(command, Outcome.RUNNING, time.time()))
        trouble = self._release(soon_followed=True)
        if trouble is not None:
            raise trouble
        reach("after_start")
        with self._lock:
            self._running = None if elsewhere else command

    def advanced(self, command: Command, progress: Progress, patience: float | None) -> None:
        """Report how far a running command has come."""
        self._no_longer_quick(command)
        report = report_on(
            command, Outcome.RUNNING, time.time(), progress=progress, patience=patience
        )
        self._journal.write(command, report)
        self.send(command, report)

    def ended(self, command: Command, report: Report, *, soon: bool = False) -> None:
        """Journal and publish a terminal report.

        With `soon` that happens at the next `began` or `say`, in one transaction with it: for the
        agent's thread, which goes on with the next command at once.
        """
        self._no_longer_quick(command)
        reach("after_run")
        if soon:
            self._ledger.hold(command, report)
            return
        self._ledger.note(command, report)
        reach("after_result")
        self.send(command, report)

    def suffer(self, error: JournalError) -> None:
        """Show that nothing can be noted down, until it can again."""
        self._ledger.suffer(error)

    def say(self) -> None:
        """Journal and publish what has ended and is not told yet; for the agent's thread."""
        if self._ledger.holds:
            self._release()

    def _release(self, *, soon_followed: bool = False) -> JournalError | None:
        ends, trouble = self._ledger.release()
        if ends:
            reach("after_result")
            self._tell(ends, soon_followed=soon_followed)
        return trouble

    def ended_unbegun(self, ends: list[End]) -> None:
        """Journal the ends of commands that did not run, in one transaction, and publish them."""
        self._ledger.note_all(ends)
        self._tell(ends)

    def ended_with(self, command: Command, report: Report, others: list[End]) -> None:
        """Publish the terminal report of a command that ends others, and then note all their ends.

        Its sender does not wait for the journal to take a thousand of them. An agent that is killed
        in between finds the command accepted, and the others too: it runs again, and ends them.
        """
        self.send(command, report)
        reach("after_run")
        self._ledger.note_all([(command, report), *others])
        reach("after_result")
        self._tell(others)

    def _tell(self, ends: list[End], *, soon_followed: bool = False) -> None:
        for command, report in ends:
            self.send(command, report, soon_followed=soon_followed)

    def _no_longer_quick(self, command: Command) -> None:
        with self._lock:
            if self._running is command:
                self._running = None

    def _say_running(self, now: float) -> None:
        """Report a command as running once it has lasted; quick ones spare everyone that."""
        with self._lock:  # or its end, which the agent's thread tells, might come first
            command = self._running
            if command is not None and self._condition.running_for(now) >= QUICK:
                self._running = None
                self.send(command, report_on(command, Outcome.RUNNING, time.time()))

    # -- status and about -----------------------------------------------------------------

    def introduce(self, about: About) -> None:
        """Publish what the agent understands, now and after each reconnection."""
        self._about = about
        self._publish_about()

    def greet(self) -> None:
        """The connection is new: the broker may have forgotten everything."""
        self.publish_status()
        self._publish_about()

    def tick(self) -> None:
        """Publish what is due: the beat, or a change that nobody has told yet."""
        now = time.monotonic()
        self._say_running(now)
        due = now - self._told_at >= self._identity.beat
        if due:
            self._ledger.settle()
        if due or self._is_news(now):
            self.publish_status()

    def publish_status(self) -> Status:
        """Publish the status as it is now, retained."""
        with self._lock:
            status = self._claim()
            payload = wire.encode_status(status)
            topic = self._topics.status(status.agent)
            self._transport.publish(Parcel(topic, payload, retain=True))
        return status

    def wait_until_told(self, timeout: float) -> bool:
        """Publish the status and wait until the broker has it, `timeout` seconds at most."""
        told = threading.Event()
        with self._lock:
            payload = wire.encode_status(self._claim())
            topic = self._topics.status(self._identity.agent)
            parcel = Parcel(topic, payload, retain=True)
            self._transport.publish(parcel, lambda _fate: told.set())
        return told.wait(timeout)

    def _claim(self) -> Status:
        now = time.monotonic()
        self._told_changes = self._condition.changes
        shown = self._condition.snapshot(now)
        wall = time.time()
        if self._told is None or shown.state is not self._told.state:
            self._since = wall
        self._told = shown
        self._told_at = now
        self._seq += 1
        return replace(
            self._identity,
            state=shown.state,
            detail=shown.detail,
            task=shown.task,
            idle=shown.idle,
            seq=self._seq,
            at=wall,
            since=self._since,
            waiting=self.waiting,
            dropped=self.dropped,
        )

    def _is_news(self, now: float) -> bool:
        changes = self._condition.changes
        if self._condition.task is not None and self._condition.running_for(now) < QUICK:
            return False
        # a hung action changes nothing but the time
        shown, told = self._condition.snapshot(now), self._told
        if changes == self._told_changes:
            return told is None or shown.state is not told.state
        if told is not None and shown.says_as(told):  # a quick command has come and gone
            self._told_changes = changes
            return False
        return True

    def is_our_about(self, payload: bytes) -> bool:
        """Whether this is what we say of ourselves; also true while we have not said anything."""
        return self._about is None or payload == wire.encode_about(self._about)

    def _publish_about(self) -> None:
        if self._about is not None:
            topic = self._topics.about(self._identity.agent)
            payload = wire.encode_about(self._about)
            self._transport.publish(Parcel(topic, payload, retain=True))
