"""`pyros alarms check` and `test`: rules, before they run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import FAILED, USAGE, Trouble, complain
from pyros_mqtt.cli.reach import Reach, find_modules_here, nearest, settle
from pyros_mqtt.cli.spans import Span, Url, check_recorded, night_of, opened

if TYPE_CHECKING:
    from pyros_mqtt.alarms import Change
    from pyros_mqtt.alarms.night import Night, Replay, Tally
    from pyros_mqtt.archive import Archive
    from pyros_mqtt.fleet import Fleet
    from pyros_mqtt.settings import AlarmRule, AlarmsTable

NUMERIC = {"limits", "rate", "set point"}


def register(group: typer.Typer) -> None:
    """Add both commands."""
    group.command(epilog=example("pyros alarms check", "pyros alarms check --live"))(check)
    group.command(
        "test",
        epilog=example(
            "pyros alarms test --from night.jsonl", "pyros alarms test --night 2026-11-22"
        ),
    )(try_out)


def check(
    context: typer.Context,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the agents, too, what they measure.")
    ] = False,
) -> None:
    """Look for what is wrong with the rules and notifiers of [alarms].

    Exit code 0 if nothing is, 1 otherwise.
    """
    from pyros_mqtt.errors import SettingsError

    reach = Reach.of(context)
    try:
        table = reach.settings.alarms
    except SettingsError as error:
        wrong = str(error).splitlines()
    else:
        wrong = [*_notifier_problems(table), *_remarks(table)]
        if live:
            wrong += _live_problems(reach, table)
    for one in wrong:
        complain(one)
    if wrong:
        raise typer.Exit(FAILED)
    counts = counted(len(table.rules), "rule"), counted(len(table.notifiers), "notifier")
    show.line(f"All is well with {', '.join(counts)}")


def counted(number: int, what: str) -> str:
    """Write `1 rule`, `2 rules`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def try_out(
    context: typer.Context,
    night: Annotated[
        str | None, typer.Option(metavar="DATE", help="A recorded night, by its evening's date.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="A night as JSON, an object a line; - reads it."
        ),
    ] = None,
    archive: Url = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show what the rules would have done on a recorded night.

    As if somebody had acknowledged each alarm when it was over. Nobody is told of anything.

    A line of FILE is {"at": TIME, "agent": NAME, "channel": NAME, "payload": VALUE}, without a
    channel for a status; the payload is as on the bus.
    """
    from pyros_mqtt.alarms import NightUnreadable
    from pyros_mqtt.alarms.night import replay

    if (night is None) == (file is None):
        raise typer.BadParameter("give one of --night and --from", param_hint="'--night'")
    table = Reach.of(context).settings.alarms
    try:
        with _from_file(file) if file else _archived(context, night or "", archive) as heard:
            found = replay(table, heard)
    except NightUnreadable as error:
        raise Trouble(f"{file or night}: {error}", USAGE) from None
    if as_json:
        show.json(_as_json(found))
    else:
        _tell(found)


# -- where nights come from -----------------------------------------------------------------------


@contextmanager
def _from_file(file: Path) -> Iterator[Night]:
    from pyros_mqtt.alarms.night import read_lines

    try:
        given = sys.stdin.fileno() if str(file) == "-" else file
        with open(given, encoding="utf-8", closefd=given is file) as lines:
            yield read_lines(lines)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Trouble(f"{file}: cannot be read: {reason}", USAGE) from None


@contextmanager
def _archived(context: typer.Context, date: str, url: str | None) -> Iterator[Night]:
    with opened(Reach.of(context), url) as archive:
        name = night_of(archive, date)
        span = Span(*archive.nights.span(name))
        check_recorded(archive, span, name)
        yield _heard(archive, span)


def _heard(archive: Archive, span: Span) -> Night:
    from pyros_mqtt.alarms.night import as_heard
    from pyros_mqtt.errors import BadPayload

    for moment, event in archive.stream(*span):
        if event.branch in {"telemetry", "status"}:
            with suppress(BadPayload):
                yield from as_heard(moment, event.agent, event.leaf, event.payload)


# -- what came of it ------------------------------------------------------------------------------


def _tell(found: Replay) -> None:
    for change in found.changes:
        if change.event.value in {"raised", "cleared"}:
            show.line(f"{show.clock_time(change.alarm.at)} {_said(change)}")
    if found.changes:
        show.line("")
    headers = ("alarm", "raised", "up for", "notices")
    show.table(headers, [_row(one, found.ended) for one in found.tallies.values()])
    lasted = show.duration(found.ended - found.began)
    show.line(f"\n{found.heard} measurements and words in {lasted}")


def _said(change: Change) -> str:
    alarm = change.alarm
    if change.event.value == "raised":
        return show.one_line(f"{alarm.alarm} raised ({alarm.severity}): {alarm.text}")
    lasted = show.duration(alarm.at - (alarm.raised_at or alarm.at))
    return f"{alarm.alarm} cleared after {lasted}"


def _row(tally: Tally, end: float) -> tuple[str, ...]:
    up = show.duration(tally.up_for(end)) if tally.raised else "-"
    return tally.alarm, str(len(tally.raised)), up, str(tally.notices)


def _as_json(found: Replay) -> Any:
    from pyros_mqtt.wire import alarm_table

    return {
        "changes": [{**alarm_table(one.alarm), "event": one.event.value} for one in found.changes],
        "alarms": {
            one.alarm: {
                "raised": len(one.raised),
                "up_for": round(one.up_for(found.ended), 3),
                "notices": one.notices,
            }
            for one in found.tallies.values()
        },
        "heard": found.heard,
    }


# -- what may be wrong ----------------------------------------------------------------------------


def _notifier_problems(table: AlarmsTable) -> Iterator[str]:
    from pyros_mqtt.errors import SettingsError
    from pyros_mqtt.watchman.notifiers import make_all, missing_programs

    find_modules_here()
    try:
        make_all(table)
    except SettingsError as error:
        yield str(error)
    yield from missing_programs(table)
    files = [("email", name, one.password_file) for name, one in table.email.items()]
    files += [("webhook", name, one.token_file) for name, one in table.webhook.items()]
    for kind, name, file in files:
        if file is not None and not file.expanduser().is_file():
            key = "password_file" if kind == "email" else "token_file"
            yield f"alarms.{kind}.{name}.{key} = '{file}': there is no such file on this machine"


def _remarks(table: AlarmsTable) -> Iterator[str]:
    """What is allowed, and hardly meant."""
    if not table.rules:
        yield "alarms.rules: there are none; write a table such as [alarms.rules.wind]"
    if table.notifiers and not table.notify and not any(r.notify for r in table.rules.values()):
        yield "alarms.notify: names nobody, so no notifier is ever used; name groups or notifiers"
    used = {*table.notify, *(one for rule in table.rules.values() for one in rule.notify or ())}
    told = {name for group in used for name in table.told(group)}
    for name in table.notifiers.keys() - told if used else ():
        yield f"alarms: the notifier {name!r} is in nobody's notify"


def _live_problems(reach: Reach, table: AlarmsTable) -> list[str]:
    """Compare the rules with what the agents on the bus say of themselves."""
    with reach.fleet() as fleet:
        settle(fleet)
        return [
            f"alarms.rules.{name}: {problem}"
            for name, rule in table.rules.items()
            for problem in _rule_problems(rule, fleet)
        ]


def _rule_problems(rule: AlarmRule, fleet: Fleet) -> Iterator[str]:
    names = [one.name for one in fleet.members()]
    for what in filter(None, (rule.about, rule.set_point)):
        yield from _source_problems(rule, what, fleet, names)


def _source_problems(rule: AlarmRule, what: str, fleet: Fleet, names: list[str]) -> Iterator[str]:
    from pyros_mqtt.settings.alarms_table import source_of

    agent, channel, field = source_of(what)
    member = fleet.get(agent)
    if member is None:
        yield f"no agent {agent!r} is on the bus; {nearest(agent, names, 'known agents')}"
        return
    if not channel or member.about is None:
        return
    known = member.about.telemetry.get(channel)
    if known is None:
        channels = member.about.telemetry
        yield f"{agent} has no channel {channel!r}; {nearest(channel, channels, 'its channels')}"
    elif field and known.fields and field not in known.fields:
        hint = nearest(field, known.fields, "its fields")
        yield f"{agent}/{channel} has no field {field!r}; {hint}"
    elif known.fields and not field and rule.kind in NUMERIC:
        yield f"{what} has fields; name one of them: {', '.join(known.fields)}"
    elif rule.unit and known.unit and rule.unit != known.unit:
        yield f"unit = {rule.unit!r}, but {agent} measures {channel} in {known.unit!r}"
