"""`pyros tail`: commands and reports, or log records, as they pass."""

from __future__ import annotations

import contextlib
import queue
import shlex
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import agent_names
from pyros_mqtt.cli.log_form import indented, shortened
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.messages import Command, LogRecord, Report
    from pyros_mqtt.traffic import Passing


class Level(StrEnum):
    """The levels of log records, the least one first."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


LOOK = 0.5
"""Seconds between two looks whether the connection still stands."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example(
            "pyros tail",
            "pyros tail dome",
            "pyros tail --logs --level warning",
            "pyros tail --json | jq",
        )
    )(tail)


def tail(
    context: typer.Context,
    agent: Annotated[
        str | None,
        typer.Argument(metavar="AGENT", help="Only this one.", autocompletion=agent_names),
    ] = None,
    logs: Annotated[bool, typer.Option("--logs", help="Show log records instead.")] = False,
    level: Annotated[
        Level, typer.Option(metavar="LEVEL", help="With --logs: this level and above.")
    ] = Level.DEBUG,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a line, for programs.")
    ] = False,
) -> None:
    """Show commands and reports as they pass, or log records."""
    from pyros_mqtt.traffic import Kind, Traffic

    kind = Kind.LOGS if logs else Kind.COMMANDS
    reach = Reach.of(context)
    bus = reach.bus()
    heard: queue.SimpleQueue[Passing] = queue.SimpleQueue()
    with Traffic(bus, reach.topics, heard.put, agent, kind=kind) as traffic:
        bus.wait_up(reach.patience)
        was_up = True
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                with contextlib.suppress(queue.Empty):
                    passing = heard.get(timeout=LOOK)
                    if not logs or _is_worth(passing, level):
                        _tell(passing, as_json=as_json)
                ear = traffic.transport
                was_up = _tell_connection(ear.trouble, was_up=was_up, is_up=ear.is_up)


def _tell_connection(trouble: str, *, was_up: bool, is_up: bool) -> bool:
    if was_up and not is_up:
        typer.echo(f"{show.clock_time()} no connection: {trouble}", err=True)
    elif is_up and not was_up:
        typer.echo(f"{show.clock_time()} connected again; what passed meanwhile is lost", err=True)
    return is_up


def _is_worth(passing: Passing, least: Level) -> bool:
    """Whether a record's level is shown; one that is none of ours always is."""
    levels = list(Level)
    return passing.leaf not in levels or levels.index(Level(passing.leaf)) >= levels.index(least)


def _tell(passing: Passing, *, as_json: bool) -> None:
    from pyros_mqtt.wire import compact

    told = _told(passing)
    show.line(compact(told) if as_json else _in_words(told))


def _told(passing: Passing) -> dict[str, Any]:
    """Give what passed as a table, in the order in which it is read."""
    from pyros_mqtt.messages import Command, LogRecord, Report
    from pyros_mqtt.wire import to_rfc3339

    start: dict[str, Any] = {"at": to_rfc3339(passing.at)}
    if isinstance(passing.what, LogRecord):
        return _told_of_record(passing.agent, passing.what)
    ends = {"agent": passing.agent, "sender": passing.sender}
    match passing.what:
        case Command() as command:
            return start | {"kind": "command"} | ends | _told_of_command(command)
        case Report() as report:
            return start | {"kind": "report"} | ends | _told_of_report(report)
        case problem:
            return start | {"kind": "unreadable"} | ends | {"problem": problem}


def _told_of_command(command: Command) -> dict[str, Any]:
    from pyros_mqtt.wire import to_rfc3339

    expires = None if command.deadline is None else to_rfc3339(command.deadline)
    return {
        "message": command.message,
        "args": command.args,
        "id": command.id,
        "urgent": command.urgent,
        "expires": expires,
    }


def _told_of_report(report: Report) -> dict[str, Any]:
    told: dict[str, Any] = {"message": report.message, "state": report.state.value}
    told["id"] = report.id
    if report.progress is not None:
        told["progress"] = {"fraction": report.progress.fraction, "text": report.progress.text}
    if report.error is not None:
        told["error"] = {"code": report.error.code, "text": report.error.text}
    elif report.result is not None:
        told["result"] = report.result
    return told


def _told_of_record(agent: str, record: LogRecord) -> dict[str, Any]:
    from pyros_mqtt.wire import to_rfc3339

    told: dict[str, Any] = {"at": to_rfc3339(record.time), "kind": "log", "agent": agent}
    told |= {"level": record.level, "logger": record.logger, "text": record.text}
    if record.exception:
        told["exception"] = record.exception
    if record.left_out:
        told["left_out"] = record.left_out
    return told


def _record_in_words(told: dict[str, Any]) -> str:
    """Give a record as `pyros run` shows it: nothing that came from the bus forges a line."""
    moment, logger = told["at"][11:], show.one_line(told["logger"])
    level, text = show.one_line(told["level"].upper()), shortened(told["text"])
    own = "" if logger in {"", f"pyros.{told['agent']}"} else f" {logger}"
    coloured = show.coloured(level, told["level"])
    lines = [f"{moment} {told['agent']}{own} {coloured} {text}"]
    if "left_out" in told:
        lines.insert(0, f"{moment} {told['agent']}: {told['left_out']} records were left out")
    return "\n".join([*lines, *indented(told.get("exception", ""))])


def _in_words(told: dict[str, Any]) -> str:
    if told["kind"] == "log":
        return _record_in_words(told)
    moment, agent, sender = told["at"][11:], told["agent"], told["sender"]
    if told["kind"] == "command":
        words = [told["message"], *(f"{key}={_short(one)}" for key, one in told["args"].items())]
        words += ["(urgent)"] if told["urgent"] else []
        text = show.one_line(f"{sender} -> {agent}: {' '.join(words)}")
        return f"{moment} {show.coloured(text, 'command')}"
    if told["kind"] == "unreadable":
        return show.one_line(f"{moment} {agent} / {sender}: {told['problem']}")
    state = show.coloured(told["state"], told["state"])
    message, remark = show.one_line(told["message"]), show.one_line(_remark(told))
    return f"{moment} {agent} -> {sender}: {message} {state} {remark}".rstrip()


def _remark(told: dict[str, Any]) -> str:
    if "error" in told:
        return f"{told['error']['text']} ({told['error']['code']})"
    if "progress" in told:
        fraction = told["progress"]["fraction"]
        share = "" if fraction is None else f"{fraction:.0%} "
        return f"{share}{told['progress']['text']}".strip()
    return _short(told["result"]) if "result" in told else ""


def _short(value: Any, limit: int = 200) -> str:
    from pyros_mqtt.wire import compact

    text = shlex.quote(value) if isinstance(value, str) else compact(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
