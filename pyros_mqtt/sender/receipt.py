"""What a sender holds of a command on its way: was it taken, and how did it go."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from pyros_mqtt.errors import (
    Ended,
    Expired,
    Failed,
    Interrupted,
    NoAnswer,
    Rejected,
    SendError,
    WasCancelled,
)
from pyros_mqtt.messages import JSON, Command, Outcome, Report

SLICE = 0.05
"""Seconds between two calls of `between` while waiting for a result."""

OnProgress = Callable[[Report], None]

OnNews = Callable[["Receipt"], None]
"""Called with a receipt of which there is news; it must be short."""

_ENDS: dict[Outcome, type[Ended]] = {
    Outcome.FAILED: Failed,
    Outcome.CANCELLED: WasCancelled,
    Outcome.INTERRUPTED: Interrupted,
    Outcome.REJECTED: Rejected,
    Outcome.EXPIRED: Expired,
}


class _Waits:
    """For whom news of a receipt is worth waking up: any, or only the last."""

    def __init__(self, lock: threading.RLock) -> None:
        self.news, self.end = threading.Condition(lock), threading.Condition(lock)


class Receipt:
    """One command's fate as its sender knows it. Every method may be called from any thread.

    Attributes:
        command: what was sent.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self._lock = threading.RLock()
        self._waits: _Waits | None = None
        self._reports: deque[Report] = deque()
        self._latest: Report | None = None
        self._error: SendError | None = None
        self._watchers: list[OnNews] = []

    def __repr__(self) -> str:
        """For the log."""
        return f"<Receipt of {self.command.message!r} to {self.command.agent}: {self.state}>"

    @property
    def report(self) -> Report | None:
        """The latest report, if there is any."""
        return self._latest

    @property
    def error(self) -> SendError | None:
        """Why the sender has given up, if it has."""
        return self._error

    @property
    def state(self) -> str:
        """The latest reported state, or `sent`, or `unknown` after the deadline."""
        if self._latest is not None:
            return self._latest.state.value
        return "unknown" if self._error else "sent"

    @property
    def is_answered(self) -> bool:
        """The agent has said something, or the sender has given up."""
        return self._latest is not None or self._error is not None

    @property
    def is_ended(self) -> bool:
        """Nothing more will come."""
        ended = self._latest is not None and self._latest.state.is_terminal
        return ended or self._error is not None

    @property
    def did_fail(self) -> bool:
        """It has ended, and not with `done`."""
        return self.is_ended and (self._latest is None or self._latest.state is not Outcome.DONE)

    def wait_accepted(self, timeout: float | None = None) -> Receipt:
        """Wait until the agent has accepted the command.

        Raises:
            SendError: the one that says what happened instead.
            NoAnswer: after `timeout` seconds; without one, the command's deadline decides.
        """
        self._wait(lambda: self.is_answered, timeout)
        if self._error is not None:
            raise self._error
        if self._latest is None:
            raise NoAnswer(self.command, f"no answer within {timeout} s")
        if not self._latest.state.was_accepted:
            raise self._failure(self._latest)
        return self

    def wait_answered(self, timeout: float) -> bool:
        """Wait `timeout` seconds at most for the first word; whether it has come."""
        self._wait(lambda: self.is_answered, timeout)
        return self.is_answered

    def result(
        self,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
        *,
        between: Callable[[], None] | None = None,
    ) -> JSON:
        """Wait for the end and return the action's result.

        Args:
            timeout: seconds; None waits for as long as the agent lives.
            on_progress: called with each report of state `running`, in this thread.
            between: called again and again while waiting; what it raises ends the wait.

        Raises:
            Failed, WasCancelled, Interrupted, Rejected, Expired: how it ended instead.
            NoAnswer, NobodyListens, Unreachable: what became of it is not known.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.is_ended:
            if between is not None:
                between()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise NoAnswer(self.command, f"not ended within {timeout} s (last: {self.state})")
            if on_progress is None and between is None:
                self._wait_for_end(left)
            else:
                self._wait(lambda: bool(self._reports) or self.is_ended, _slice(left, between))
                self._hand_out(on_progress)
        self._hand_out(on_progress)
        return self.outcome()

    def _hand_out(self, on_progress: OnProgress | None) -> None:
        while self._reports:
            report = self._reports.popleft()
            if on_progress is not None and report.state is Outcome.RUNNING:
                on_progress(report)

    def outcome(self) -> JSON:
        """The result of a command that has ended; raises as `result` does."""
        if self._error is not None:
            raise self._error
        if self._latest is None or not self._latest.state.is_terminal:
            raise NoAnswer(self.command, f"it has not ended yet (last: {self.state})")
        if self._latest.state is not Outcome.DONE:
            raise self._failure(self._latest)
        return self._latest.result

    def watch(self, on_news: OnNews) -> None:
        """Call back after each change, in the network thread; at once if there is news already."""
        with self._lock:
            self._watchers.append(on_news)
            is_late = self.is_answered
        if is_late:
            on_news(self)

    # -- for the voice, in the network thread -------------------------------------------------

    def take(self, report: Report) -> bool:
        """Note a report; False where it changes nothing any more."""
        with self._lock:
            if self.is_ended:
                return False
            if report.state is Outcome.ACCEPTED and self._latest is not None:
                return False
            self._latest = report
            self._reports.append(report)
            self._wake()
            watchers = tuple(self._watchers)
        for tell in watchers:
            tell(self)
        return True

    def give_up(self, error: SendError) -> None:
        """Note that nothing more can be known."""
        with self._lock:
            if self.is_ended:
                return
            self._error = error
            self._wake()
            watchers = tuple(self._watchers)
        for tell in watchers:
            tell(self)

    def _wake(self) -> None:
        """Wake who waits for this news; the lock is held."""
        if self._waits is not None:
            self._waits.news.notify_all()
            if self.is_ended:
                self._waits.end.notify_all()

    @property
    def _waiting(self) -> _Waits:
        """Where one may wait; most receipts of many are only watched."""
        with self._lock:
            if self._waits is None:
                self._waits = _Waits(self._lock)
        return self._waits

    def _wait_for_end(self, timeout: float | None) -> None:
        """Wait without being woken by anything else."""
        with self._lock:
            self._waiting.end.wait_for(lambda: self.is_ended, timeout)

    def _wait(self, done: Callable[[], bool], timeout: float | None) -> None:
        with self._lock:
            self._waiting.news.wait_for(done, timeout)

    def _failure(self, report: Report) -> Ended:
        return _ENDS[report.state](self.command, report)


def _slice(left: float | None, between: Callable[[], None] | None) -> float | None:
    """How long to wait at a stretch."""
    if between is None:
        return left
    return SLICE if left is None else min(SLICE, left)
