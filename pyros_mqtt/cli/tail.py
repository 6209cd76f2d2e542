"""`pyros tail`: commands and reports as they pass."""

from __future__ import annotations

import contextlib
import queue
import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import agent_names
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.messages import Command, Report
    from pyros_mqtt.traffic import Passing

LOOK = 0.5
"""Seconds between two looks whether the connection still stands."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros tail", "pyros tail dome", "pyros tail --json | jq"))(tail)


def tail(
    context: typer.Context,
    agent: Annotated[
        str | None,
        typer.Argument(metavar="AGENT", help="Only this one.", autocompletion=agent_names),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a line, for programs.")
    ] = False,
) -> None:
    """Show commands and reports as they pass."""
    from pyros_mqtt.traffic import Traffic

    reach = Reach.of(context)
    bus = reach.bus()
    heard: queue.SimpleQueue[Passing] = queue.SimpleQueue()
    with Traffic(bus, reach.topics, heard.put, agent) as traffic:
        bus.wait_up(reach.patience)
        was_up = True
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                with contextlib.suppress(queue.Empty):
                    _tell(heard.get(timeout=LOOK), as_json=as_json)
                ear = traffic.transport
                was_up = _tell_connection(ear.trouble, was_up=was_up, is_up=ear.is_up)


def _tell_connection(trouble: str, *, was_up: bool, is_up: bool) -> bool:
    if was_up and not is_up:
        typer.echo(f"{show.clock_time()} no connection: {trouble}", err=True)
    elif is_up and not was_up:
        typer.echo(f"{show.clock_time()} connected again; what passed meanwhile is lost", err=True)
    return is_up


def _tell(passing: Passing, *, as_json: bool) -> None:
    from pyros_mqtt.wire import compact

    told = _told(passing)
    show.line(compact(told) if as_json else _in_words(told))


def _told(passing: Passing) -> dict[str, Any]:
    """Give what passed as a table, in the order in which it is read."""
    from pyros_mqtt.messages import Command, Report
    from pyros_mqtt.wire import to_rfc3339

    start: dict[str, Any] = {"at": to_rfc3339(passing.at)}
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


def _in_words(told: dict[str, Any]) -> str:
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
