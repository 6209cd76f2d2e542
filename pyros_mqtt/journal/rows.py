"""A command and its latest report <-> a row of the journal's table."""

from __future__ import annotations

from pyros_mqtt import wire
from pyros_mqtt.journal.entry import Entry
from pyros_mqtt.journal.uptime import machine_life, uptime
from pyros_mqtt.messages import Command, Report

READ = (
    "sender, id, agent, message, args, sent_at, deadline, urgent, session, echo, reply_to, "
    "report, until"
)
"""The columns of which `entry_of` makes an entry."""

WRITTEN = f"{READ}, open, lapse, machine"
"""The columns that `row_of` fills."""

MARKS = ", ".join("?" * len(WRITTEN.split(",")))
"""Places for its values."""


def row_of(command: Command, report: Report, until: float) -> tuple[object, ...]:
    """Write what there is to remember of a command until POSIX second `until`.

    Raises:
        TypeError, ValueError: its report has a result that JSON has no form for.
    """
    return (
        command.sender,
        command.id,
        command.agent,
        command.message,
        wire.compact(command.args),
        command.sent_at,
        command.deadline,
        command.urgent,
        command.session,
        command.echo,
        command.reply_to,
        wire.encode_report(report),
        until,
        not report.state.is_terminal,
        None if command.deadline is None else uptime() + command.deadline - report.at,
        machine_life(),
    )


def entry_of(row: tuple[object, ...]) -> Entry:
    """Read what `READ` has selected."""
    sender, number, agent, message, args, sent_at, deadline, urgent, session, echo, reply_to = row[
        :11
    ]
    command = Command(
        agent=str(agent),
        message=str(message),
        args=wire.strict(str(args)),
        id=str(number),
        sender=str(sender),
        sent_at=sent_at,  # type: ignore[arg-type]
        deadline=deadline,  # type: ignore[arg-type]
        urgent=bool(urgent),
        session=session,  # type: ignore[arg-type]
        echo=echo,  # type: ignore[arg-type]
        reply_to=reply_to,  # type: ignore[arg-type]
    )
    return Entry(command, wire.decode_report(row[11]), row[12])  # type: ignore[arg-type]


def left(lapse: float | None, machine: str | None) -> float | None:
    """Seconds until a deadline, as long as the machine has not been started anew."""
    is_this_life = bool(machine) and machine == machine_life()
    return lapse - uptime() if is_this_life and lapse is not None else None
