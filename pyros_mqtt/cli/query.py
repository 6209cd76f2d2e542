"""`pyros query`: what is in the archive."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import agent_names, channel_names
from pyros_mqtt.cli.endings import FAILED, Trouble, complain
from pyros_mqtt.cli.reach import Reach, nearest
from pyros_mqtt.cli.spans import Every, Night, Since, Until, Url, opened, span_of

if TYPE_CHECKING:
    from pyros_mqtt.archive import Archive, Event
    from pyros_mqtt.archive.readings import Readings

BRANCHES = ("status", "about", "inbox", "outbox", "alarm", "log", "telemetry")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example(
            "pyros query",
            "pyros query weather wind --since 2h --every 5min",
            "pyros query dome --kind outbox --night 2026-11-22",
        )
    )(query)


def query(  # noqa: PLR0917 - typer gives them by name
    context: typer.Context,
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="Whose.", autocompletion=agent_names)
    ] = None,
    channel: Annotated[
        str | None,
        typer.Argument(metavar="CHANNEL", help="Its measurements.", autocompletion=channel_names),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help=f"What happened instead: {', '.join(BRANCHES[:-1])}."),
    ] = None,
    since: Since = None,
    until: Until = None,
    night: Night = None,
    every: Every = None,
    limit: Annotated[
        int, typer.Option(min=1, help="At most so many rows; the latest ones.")
    ] = 1000,
    archive: Url = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a line, for programs.")
    ] = False,
) -> None:
    """Show what was recorded.

    Which channels there are, measurements of one of them, or what happened.
    """
    from pyros_mqtt.archive.units import check_unit, unit_change

    if kind is not None and kind not in BRANCHES:
        raise typer.BadParameter(f"there is no kind {kind!r}: {', '.join(BRANCHES[:-1])}")
    _check_words(channel, kind, every)
    with opened(Reach.of(context), archive) as opened_archive:
        if agent is not None:
            _check_agent(opened_archive, agent)
        span = span_of(opened_archive, since, until, night)
        if kind is not None:
            rows = _happened(opened_archive.events(agent, {kind}, *span))
        elif agent is not None and channel is not None:
            if every is not None:
                check_unit(opened_archive, agent, channel, *span)
            elif change := unit_change(opened_archive, agent, channel, *span):
                complain(f"{change}; the numbers stand as they were recorded")
            rows = _measured(opened_archive.read(agent, channel, *span, every))
        else:
            rows = _listed(opened_archive, agent)
        _print(_latest(rows, limit), as_json=as_json)


def _check_words(channel: str | None, kind: str | None, every: str | None) -> None:
    if kind is not None and channel is not None:
        raise typer.BadParameter(f"--kind {kind} is of an agent: leave {channel!r} out")
    if every is not None and channel is None:
        raise typer.BadParameter("--every is for the measurements of a channel: name one")


def _check_agent(archive: Archive, agent: str) -> None:
    known = archive.agents()
    if agent not in known:
        hint = nearest(agent, known, "recorded agents")
        raise Trouble(f"nothing was recorded of {agent!r}; {hint}", FAILED)


def _latest(rows: Iterator[dict[str, Any]], limit: int) -> Iterable[dict[str, Any]]:
    from collections import deque

    return deque(rows, maxlen=limit)


def _print(rows: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    kept = list(rows)
    if as_json:
        for row in kept:
            show.json_line(row)
    elif not kept:
        show.line("nothing was recorded")
    else:
        names = list(dict.fromkeys(name for row in islice(kept, 1000) for name in row))
        show.table(names, ([_cell(row.get(name)) for name in names] for row in kept))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    from pyros_mqtt.wire import compact

    text = compact(value) if isinstance(value, dict | list) else str(value)
    return show.one_line(text)[:200]


def _listed(archive: Archive, agent: str | None) -> Iterator[dict[str, Any]]:
    from pyros_mqtt.wire import to_rfc3339

    for name, channel in archive.channels(agent):
        ends = archive.ends(name, channel)
        said = archive.describe(name, channel)
        row: dict[str, Any] = {"agent": name, "channel": channel, "unit": said.unit}
        if ends is not None:
            row |= {"first": to_rfc3339(ends[0]), "last": to_rfc3339(ends[1])}
        yield row | {"description": said.description}


def _measured(readings: Readings) -> Iterator[dict[str, Any]]:
    from pyros_mqtt.wire import to_rfc3339

    table = readings.table()
    names = list(table)[1:]
    columns = [table[name].tolist() for name in names]
    for moment, *values in zip(readings.times.tolist(), *columns, strict=True):
        row: dict[str, Any] = {"time": to_rfc3339(moment)}
        yield row | {name: _finite(one) for name, one in zip(names, values, strict=True)}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN


def _happened(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    return map(_event, events)


def _event(event: Event) -> dict[str, Any]:
    from pyros_mqtt.wire import to_rfc3339

    row: dict[str, Any] = {"time": to_rfc3339(event.time), "agent": event.agent}
    row |= {"kind": event.branch, "of": event.leaf}
    text = event.payload.decode(errors="replace")
    with contextlib.suppress(ValueError):
        return row | {"said": event.document or text}
    return row | {"said": text}
