"""Judges a history: which commands were lost, ran twice, too late, or in the wrong order. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pyros_mqtt.messages import Outcome
from tests.faults.history import Event

GRACE = 0.1
"""Seconds that may pass between an agent's decision to start and the note that it has."""


@dataclass(slots=True)
class Fate:
    """All that a history tells of one command."""

    key: str
    sent: Event | None = None
    is_promised: bool = False
    starts: list[Event] = field(default_factory=list)
    finishes: int = 0
    ends: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Take one event in."""
        if event.what == "sent":
            self.sent = self.sent or event
        elif event.what in {"durable", "accepted"}:
            self.is_promised = True
        elif event.what == "started":
            self.starts.append(event)
        elif event.what == "finished":
            self.finishes += 1
        elif event.state in {state.value for state in Outcome if state.is_terminal}:
            self.ends.append(event.state)


def fates(history: Iterable[Event]) -> dict[str, Fate]:
    """What became of each command, in the order in which they were first heard of."""
    found: dict[str, Fate] = {}
    about_commands = (event for event in history if event.what != "ready")
    for event in sorted(about_commands, key=lambda one: one.at):
        found.setdefault(event.key, Fate(event.key)).take(event)
    return found


def check(
    history: Iterable[Event], *, grace: float = GRACE, ordered: bool = False, settled: bool = True
) -> list[str]:
    """Every break of a promise, one sentence each.

    Args:
        history: what happened, in any order.
        grace: seconds by which a start may be noted after its deadline.
        ordered: the commands of one sender to one agent were promised to start as sent.
        settled: everything has had the time to come to its end.
    """
    every = list(fates(history).values())
    told = [sentence for fate in every for sentence in _twice(fate)]
    told += [sentence for fate in every for sentence in _late(fate, grace)]
    if settled:
        told += [sentence for fate in every for sentence in _lost(fate)]
    return [*told, *_out_of_order(every)] if ordered else told


def _lost(fate: Fate) -> Iterator[str]:
    if fate.ends:
        return
    if fate.starts:
        yield f"{fate.key} was started and has no end"
    elif fate.is_promised:
        yield f"{fate.key} is lost: it was accepted, or on the sender's disk, and never ended"


def _twice(fate: Fate) -> Iterator[str]:
    again = len(fate.starts)
    if again > 1 and not fate.starts[0].idempotent:
        yield f"{fate.key} was started {again} times"
    different = sorted(set(fate.ends))
    if len(different) > 1:
        yield f"{fate.key} has several ends: {', '.join(different)}"
    if fate.finishes < len(fate.starts) and "done" in fate.ends and not fate.starts[0].idempotent:
        yield f"{fate.key} is reported done, and has not finished"
    if not fate.starts and "done" in fate.ends:
        yield f"{fate.key} is reported done, and was never started"


def _late(fate: Fate, grace: float) -> Iterator[str]:
    deadline = fate.sent.deadline if fate.sent else None
    for start in fate.starts:
        if deadline is not None and start.at > deadline + grace:
            yield f"{fate.key} was started {start.at - deadline:.3f} s after its deadline"


def _out_of_order(every: Iterable[Fate]) -> Iterator[str]:
    """Say which first starts came before that of one that was sent earlier."""
    lines: dict[tuple[str, str], list[Fate]] = defaultdict(list)
    for fate in every:
        if fate.sent is not None and fate.starts:
            lines[fate.sent.sender, fate.sent.agent].append(fate)
    for line in lines.values():
        latest: Fate | None = None
        for fate in sorted(line, key=_sent_at):
            if latest is not None and fate.starts[0].at < latest.starts[0].at:
                yield f"{fate.key} was started before {latest.key}, which was sent earlier"
            else:
                latest = fate


def _sent_at(fate: Fate) -> float:
    return fate.sent.at if fate.sent else 0.0
