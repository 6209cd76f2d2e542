"""Commands and their reports -> what was asked of whom, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyros_mqtt import wire
from pyros_mqtt.archive import Event
from pyros_mqtt.errors import BadPayload, Refusal
from pyros_mqtt.messages import JSON, Command, Outcome, Report


@dataclass(slots=True)
class Order:
    """One command and what became of it; moments in POSIX seconds, None where nothing tells."""

    agent: str
    sender: str
    message: str
    args: dict[str, JSON] = field(default_factory=dict)
    sent: float | None = None
    answered: float | None = None
    started: float | None = None
    ended: float | None = None
    end: str = ""
    error: str = ""
    result: JSON = None

    @property
    def moment(self) -> float:
        """When it was sent, as far as that is known."""
        return next(
            (one for one in (self.sent, self.answered, self.started, self.ended) if one), 0.0
        )

    @property
    def latency(self) -> float | None:
        """Seconds from the sending to the first answer."""
        known = self.sent is not None and self.answered is not None
        return self.answered - self.sent if known else None  # type: ignore[operator]

    @property
    def lasted(self) -> float | None:
        """Seconds from the start, or the answer, to the end."""
        began = self.started or self.answered
        return None if self.ended is None or began is None else max(0.0, self.ended - began)


def orders(events: Iterable[Event]) -> list[Order]:
    """Join commands (`inbox`) and reports (`outbox`), in order of time.

    A command without an id is known by its report alone, which echoes it.
    """
    found: dict[tuple[str, str, str], Order] = {}
    for event in events:
        if event.branch == "inbox":
            _take_command(found, event)
        elif event.branch == "outbox":
            _take_report(found, event)
    return sorted(found.values(), key=lambda one: one.moment)


def _take_command(found: dict[tuple[str, str, str], Order], event: Event) -> None:
    try:
        command = wire.decode_command(event.payload, event.agent, arrived=event.heard)
    except Refusal:
        return
    if command is None or not _has_id(event):
        return
    key = command.agent, command.sender, command.id
    order = found.setdefault(key, Order(command.agent, command.sender, command.message))
    order.args = command.args
    order.sent = order.sent or _sent(command, event)


def _has_id(event: Event) -> bool:
    return "id" in (event.document or {})


def _sent(command: Command, event: Event) -> float:
    return event.heard if command.sent_at is None else command.sent_at


def _take_report(found: dict[tuple[str, str, str], Order], event: Event) -> None:
    try:
        report = wire.decode_report(event.payload)
    except BadPayload:
        return
    key = event.agent, event.leaf, report.id
    order = found.setdefault(key, Order(event.agent, event.leaf, report.message))
    _note(order, report, event.time)


def _note(order: Order, report: Report, moment: float) -> None:
    order.answered = moment if order.answered is None else min(order.answered, moment)
    if report.state is Outcome.RUNNING:
        order.started = moment if order.started is None else min(order.started, moment)
    if report.state.is_terminal:
        order.ended, order.end = moment, report.state.value
        order.result = report.result
        order.error = f"{report.error.text} ({report.error.code})" if report.error else ""
