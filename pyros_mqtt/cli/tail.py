"""`pyros tail`: commands and reports as they pass."""

from __future__ import annotations

import contextlib
import queue
import secrets
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import agent_names
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.messages import Command, Report
    from pyros_mqtt.topics import Address, Topics
    from pyros_mqtt.transport import Delivery

LOOK = 0.5
"""Seconds between two looks whether the connection still stands."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros tail", "pyros tail dome", "pyros tail --json | jq"))(tail)


def tail(
    context: typer.Context,
    agent: Annotated[
        str | None,
        typer.Argument(metavar="[AGENT]", help="Only this one.", autocompletion=agent_names),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a line, for programs.")
    ] = False,
) -> None:
    """Show the commands to agents and their reports as they pass, until Ctrl-C."""
    from pyros_mqtt.topics import check_name

    reach = Reach.of(context)
    topics, who = reach.topics, "+" if agent is None else check_name("agent", agent)
    heard: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    bus = reach.bus()
    ear = bus.transport(topics.client_id(f"tail-{secrets.token_hex(4)}"))
    ear.subscribe(f"{topics.root}/{who}/inbox", heard.put)
    ear.subscribe(f"{topics.root}/{who}/outbox/+", heard.put)
    ear.open()
    try:
        bus.wait_up(reach.patience)
        with contextlib.suppress(KeyboardInterrupt):
            was_up = True
            while True:
                with contextlib.suppress(queue.Empty):
                    _tell(heard.get(timeout=LOOK), topics, as_json=as_json)
                was_up = _tell_connection(was_up, ear.is_up, ear.trouble)
    finally:
        ear.close(timeout=0.5)


def _tell_connection(was_up: bool, is_up: bool, trouble: str) -> bool:
    if was_up and not is_up:
        typer.echo(f"{show.clock_time()} no connection: {trouble}", err=True)
    elif is_up and not was_up:
        typer.echo(f"{show.clock_time()} connected again; what passed meanwhile is lost", err=True)
    return is_up


def _tell(delivery: Delivery, topics: Topics, *, as_json: bool) -> None:
    from pyros_mqtt.wire import compact

    address = topics.parse(delivery.topic)
    if address is None:
        return
    told = _command(delivery, address) if address.branch == "inbox" else _report(delivery, address)
    show.line(compact(told) if as_json else _in_words(told))


def _command(delivery: Delivery, address: Address) -> dict[str, Any]:
    from pyros_mqtt.errors import Refusal
    from pyros_mqtt.wire import decode_command

    problem, command = "", None
    try:
        command = decode_command(delivery.payload, address.agent, arrived=time.time())
    except Refusal as refusal:
        problem, command = f"{refusal.code}: {refusal.text}", refusal.command
    if delivery.retain:
        problem = problem or "retained: it is not run"
    return _told_of_command(address.agent, command, problem)


def _told_of_command(agent: str, command: Command | None, problem: str) -> dict[str, Any]:
    from pyros_mqtt.wire import to_rfc3339

    told: dict[str, Any] = {"kind": "command", "at": to_rfc3339(time.time()), "agent": agent}
    if command is None:
        return told | {"from": "anonymous", "message": "", "problem": problem or "empty"}
    text = command.message or command.echo or ""
    told |= {"from": command.sender, "message": text, "args": command.args, "id": command.id}
    if command.urgent:
        told["urgent"] = True
    if command.deadline is not None:
        told["expires"] = to_rfc3339(command.deadline)
    return told | ({"problem": problem} if problem else {})


def _report(delivery: Delivery, address: Address) -> dict[str, Any]:
    from pyros_mqtt.errors import BadPayload
    from pyros_mqtt.wire import decode_report, to_rfc3339

    start = {"kind": "report", "agent": address.agent, "to": address.leaf}
    try:
        report = decode_report(delivery.payload)
    except BadPayload as error:
        return start | {"at": to_rfc3339(time.time()), "problem": str(error)}
    return start | _told_of_report(report)


def _told_of_report(report: Report) -> dict[str, Any]:
    from pyros_mqtt.wire import to_rfc3339

    told: dict[str, Any] = {"at": to_rfc3339(report.at), "state": report.state.value}
    told |= {"message": report.message, "id": report.id}
    if report.progress is not None:
        told["progress"] = {"fraction": report.progress.fraction, "text": report.progress.text}
    if report.error is not None:
        told["error"] = {"code": report.error.code, "text": report.error.text}
    elif report.result is not None:
        told["result"] = report.result
    return told


def _in_words(told: dict[str, Any]) -> str:
    moment = told["at"][11:]
    if told["kind"] == "command":
        words = [told["message"], *(f"{key}={_short(v)}" for key, v in _args(told).items())]
        words += ["(urgent)"] if told.get("urgent") else []
        words += [f"({told['problem']})"] if "problem" in told else []
        text = f"{told['from']} -> {told['agent']}: {' '.join(filter(None, words))}"
        return f"{moment} {show.coloured(text, 'command')}"
    start = f"{moment} {told['agent']} -> {told['to']}: "
    if "problem" in told:
        return start + told["problem"]
    state = show.coloured(told["state"], told["state"])
    return start + " ".join(filter(None, [told["message"], state, _remark(told)]))


def _args(told: dict[str, Any]) -> dict[str, Any]:
    args: dict[str, Any] = told.get("args", {})
    return args


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

    text = value if isinstance(value, str) else compact(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
