"""`pyros tail`: commands and reports, log records, or measurements as they pass."""

from __future__ import annotations

import contextlib
import queue
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import agent_names
from pyros_mqtt.cli.passing import Misses, as_table, in_words
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
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
            "pyros tail weather --telemetry",
            "pyros tail --json | jq",
        )
    )(tail)


def tail(
    context: typer.Context,
    agent: Annotated[
        str | None,
        typer.Argument(metavar="AGENT", help="Only this one.", autocompletion=agent_names),
    ] = None,
    *,
    logs: Annotated[bool, typer.Option("--logs", help="Show log records instead.")] = False,
    telemetry: Annotated[
        bool, typer.Option("--telemetry", help="Show measurements instead, and what was missed.")
    ] = False,
    level: Annotated[
        Level, typer.Option(metavar="LEVEL", help="With --logs: this level and above.")
    ] = Level.DEBUG,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a line, for programs.")
    ] = False,
) -> None:
    """Show commands and reports as they pass, or log records, or measurements."""
    from pyros_mqtt.traffic import Kind, Traffic

    if logs and telemetry:
        raise typer.BadParameter("--logs and --telemetry: one at a time")
    kind = Kind.LOGS if logs else Kind.TELEMETRY if telemetry else Kind.COMMANDS
    misses = Misses()
    reach = Reach.of(context, spares=True)
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
                        _tell(passing, misses, as_json=as_json)
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


def _tell(passing: Passing, misses: Misses, *, as_json: bool) -> None:
    told = as_table(passing) | misses.told(passing)
    if as_json:
        show.json_line(told)
    else:
        show.line(in_words(told))
