"""Commands as numbers, from what passes: how many, how they ended, how long it took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator

from pyros_mqtt.messages import Command, Outcome, Report
from pyros_mqtt.metrics import Admission, Counter, Family, Gauge, Histogram, Recent, Registry, label
from pyros_mqtt.traffic import Passing

MOST_AGENTS = 500
"""So many agents have series of their own; the rest shares the agent `other`."""

MOST_MESSAGES = 1000
"""So many pairs of agent and message have series of their own; the rest is `other`."""

REMEMBERED = 20_000
"""Commands that are followed at once; of more, the oldest is given up."""

OTHER = "other"

LONGEST_ID = 64
"""Most characters of an id, and of a sender's name; what is longer is neither."""

_ACCEPTED = [one for one in Outcome if one.is_terminal and one.was_accepted]
_NOT_ACCEPTED = [one for one in Outcome if not one.was_accepted]

ANSWER_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
COMMAND_SECONDS = (0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)

_Key = tuple[str, str, str]
"""Agent, sender and id of a command."""


class Commands:
    """Counts what passes; repetitions of a command and of its reports count once.

    `hear` and `expect` run in network threads.
    """

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._sent: Recent[_Key, float] = Recent(REMEMBERED)
        self._accepted: Recent[_Key, float] = Recent(REMEMBERED)
        self._answered: Recent[_Key, None] = Recent(REMEMBERED)
        self._ended: Recent[_Key, None] = Recent(REMEMBERED)
        self._agents: Admission[str] = Admission(MOST_AGENTS)
        self._messages: Admission[tuple[str, str]] = Admission(MOST_MESSAGES)
        self._heard = Counter(
            "pyros_commands", "Commands that were sent", ["agent"], registry=registry
        )
        self._unreadable = Counter(
            "pyros_unreadable",
            "Commands and reports that could not be read",
            ["agent"],
            registry=registry,
        )
        self._taken = Counter(
            "pyros_commands_accepted", "Commands that were accepted", ["agent"], registry=registry
        )
        self._ends = Counter(
            "pyros_commands_ended",
            "Commands that came to their end, by outcome; a message that was never accepted is -",
            ["agent", "message", "outcome"],
            registry=registry,
        )
        self._answers = Histogram(
            "pyros_command_answer_seconds",
            "From a command to the first word of its agent, as it passes here",
            ["agent"],
            registry=registry,
            buckets=ANSWER_SECONDS,
        )
        self._lasted = Histogram(
            "pyros_command_seconds",
            "From accepted to the end, waiting included, by the agent's clock",
            ["agent", "message"],
            registry=registry,
            buckets=COMMAND_SECONDS,
        )

    def hear(self, passing: Passing) -> None:
        """Count what passed."""
        with self._lock:
            self._hear(passing)

    def expect(self, agent: str, messages: Iterable[str]) -> None:
        """Show what the agent understands at 0: Prometheus takes no notice of a first 1."""
        with self._lock:
            if not self._agents.admits(agent):
                return
            self._heard.labels(agent)
            self._taken.labels(agent)
            for outcome in _NOT_ACCEPTED:
                self._ends.labels(agent, "-", outcome.value)
            for message in map(label, messages):
                if self._messages.admits((agent, message)):
                    for outcome in _ACCEPTED:
                        self._ends.labels(agent, message, outcome.value)

    def collect(self) -> Iterator[Family]:
        """Tell what was left out."""
        text = "Words of agents and messages that had to share the series `other`"
        family = Gauge("pyros_commands_without_series", text)
        family.add_metric([], self._agents.left_out + self._messages.left_out)
        yield family

    def _hear(self, passing: Passing) -> None:
        agent = passing.agent if self._agents.admits(passing.agent) else OTHER
        what = passing.what
        if not isinstance(what, Command | Report | str):
            return
        if isinstance(what, str) or max(len(what.id), len(passing.leaf)) > LONGEST_ID:
            self._unreadable.labels(agent).inc()
        elif isinstance(what, Command):
            self._hear_command(agent, (passing.agent, what.sender, what.id))
        elif isinstance(what, Report):
            self._hear_report(agent, (passing.agent, passing.leaf, what.id), what)

    def _hear_command(self, agent: str, key: _Key) -> None:
        if not key[2]:  # nothing tells it from another one
            self._heard.labels(agent).inc()
            return
        is_new = key not in self._answered and self._sent.note(key, self._clock())
        if is_new:
            self._heard.labels(agent).inc()

    def _hear_report(self, agent: str, key: _Key, report: Report) -> None:
        if self._answered.note(key, None):
            sent = self._sent.take(key)
            if sent is not None:
                self._answers.labels(agent).observe(max(0.0, self._clock() - sent))
        if report.state is Outcome.ACCEPTED:
            if key not in self._ended and self._accepted.note(key, report.at):
                self._taken.labels(agent).inc()
        elif report.state.is_terminal and self._ended.note(key, None):
            self._end(agent, key, report)

    def _end(self, agent: str, key: _Key, report: Report) -> None:
        message = self._message(agent, report)
        self._ends.labels(agent, message, report.state.value).inc()
        began = self._accepted.take(key)
        if began is not None:
            self._lasted.labels(agent, message).observe(max(0.0, report.at - began))

    def _message(self, agent: str, report: Report) -> str:
        """Whatever an outsider may write stays out: only accepted ones are the agent's own."""
        if not report.state.was_accepted:
            return "-"
        message = label(report.message)
        return message if self._messages.admits((agent, message)) else OTHER
