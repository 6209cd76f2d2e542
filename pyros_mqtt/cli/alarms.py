"""`pyros alarms`: what is wrong, and who knows of it."""

from __future__ import annotations

import getpass
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import alarm_rules, rows, run, show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import alarm_names
from pyros_mqtt.cli.endings import FAILED, NO_ANSWER, Trouble, code_of, complain
from pyros_mqtt.cli.reach import Reach, nearest, settle

if TYPE_CHECKING:
    from pyros_mqtt.alarm_board import AlarmBoard
    from pyros_mqtt.fleet import Member
    from pyros_mqtt.messages import Alarm

CLASS_PATH = "pyros_mqtt.watchman:Watchman"

USUAL = "alarms"
"""The agent that watches the rules, if not told otherwise."""

_BLIND = {"fault", "lost", "silent", "stopped", "unknown"}
"""The states in which a watchman sees nothing."""

HEADERS = ("alarm", "state", "severity", "age", "text")
STATE = 1
"""The column that takes its colour from its word."""

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}

group = typer.Typer(rich_markup_mode=None)

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="ALARM", help="NAME, or AGENT/NAME.", autocompletion=alarm_names),
]
By = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who you are, if not the login name.")
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    alarm_rules.register(group)
    app.add_typer(
        group,
        name="alarms",
        help="Show, acknowledge and shelve alarms; check and try their rules.",
        epilog=example(
            "pyros alarms", "pyros alarms ack wind", "pyros alarms shelve wind --for 2h"
        ),
        invoke_without_command=True,
        callback=_list_by_default,
    )


def _list_by_default(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show every alarm that is not normal, the worst first.

    Without a further word. Exit code 1 if one waits to be acknowledged or nobody watches, else 0.
    """
    if context.invoked_subcommand is None:
        list_alarms(context, as_json=as_json)


@group.command("list", epilog=example("pyros alarms list", "pyros alarms list --json"))
def list_alarms(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show every alarm that is not normal, the worst first.

    Exit code 0 if none waits to be acknowledged, 1 if one does or nobody watches the rules, 3 if
    no broker is there.
    """
    from pyros_mqtt.wire import alarm_table

    reach = Reach.of(context)
    with reach.fleet() as fleet, reach.alarm_board() as board:
        settle(fleet)
        alarms, members = board.alarms, fleet.members()
    rules = reach.settings.alarms.rules.values()
    is_expected = any(one.enabled for one in rules) or any(one.agent == USUAL for one in alarms)
    unwatched = nobody_watches(members, is_expected=is_expected)
    if unwatched:
        complain(unwatched)
    if as_json:
        show.json([alarm_table(one) for one in alarms])
    elif alarms:
        show.table(HEADERS, [_row(one) for one in alarms], styled=STATE)
    else:
        show.line(f"No alarm under {reach.place}")
    if unwatched or any(_waits(one) for one in alarms):
        raise typer.Exit(FAILED)


def nobody_watches(members: Iterable[Member], *, is_expected: bool) -> str:
    """Say why a quiet list means nothing; empty where somebody watches, or nobody has to."""
    watchmen = [one for one in members if one.is_watchman]
    if any(rows.state(one) not in _BLIND for one in watchmen):
        return ""
    if watchmen:
        told = ", ".join(f"{one.name} is {one.label}" for one in watchmen)
    elif is_expected:
        told = f"no agent {USUAL!r} has been seen"
    else:
        return ""
    return show.one_line(f"nobody watches: {told}") + "; `pyros alarms run` or `pyros up` does"


@group.command("run", epilog=example("pyros alarms run"))
def watch_rules(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The agent's name, if not `alarms`.")
    ] = None,
) -> None:
    """Watch the rules of [alarms] in pyros.toml.

    Until Ctrl-C or a shutdown. `pyros up` does the same beside the agents.

    Exit codes are those of `pyros run`.
    """
    reach = Reach.of(context)
    table = reach.settings.alarms
    count = len([one for one in table.rules.values() if one.enabled])
    people = ", ".join(table.notifiers)
    rules = alarm_rules.counted(count, "rule")
    line = f"Watching {rules}, calling {f'by {people}' if people else 'nobody'}"
    run.serve(reach, CLASS_PATH, name, lines=[line])


@group.command(epilog=example("pyros alarms ack wind", "pyros alarms ack --all --by guide"))
def ack(
    context: typer.Context,
    alarms: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
    by: By = None,
    comment: Annotated[
        str, typer.Option("--comment", "-m", metavar="TEXT", help="What you know of it.")
    ] = "",
) -> None:
    """Say that you know of an alarm.

    It stays until its condition is over; one whose condition is over goes.

    Exit code 0 if all were acknowledged, 1 if one was not, 3 if it is not there or nobody answers.
    """
    if not alarms and not everything:
        raise typer.BadParameter("name an alarm, or --all", param_hint="'ALARM'")
    _command(
        Reach.of(context),
        "acknowledge",
        lambda board: _chosen(board, alarms) if alarms else _waiting(board),
        {"by": by or _login(), "comment": comment},
    )


@group.command(epilog=example("pyros alarms shelve wind --for 2h --reason 'anemometer in repair'"))
def shelve(
    context: typer.Context,
    alarm: Annotated[
        str,
        typer.Argument(metavar="ALARM", help="NAME, or AGENT/NAME.", autocompletion=alarm_names),
    ],
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="Such as 90s, 30m, 2h; at most a day.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "",
    by: By = None,
) -> None:
    """Put an alarm aside for a time, also one that is not raised yet.

    Then it is raised anew, if its condition still holds. Exit codes are those of ack.
    """
    arguments = {"seconds": seconds_of(lasts), "by": by or _login(), "reason": reason}
    _command(Reach.of(context), "shelve", lambda board: [_one(board, alarm)], arguments)


@group.command(epilog=example("pyros alarms unshelve wind"))
def unshelve(
    context: typer.Context,
    alarm: Annotated[
        str,
        typer.Argument(metavar="ALARM", help="NAME, or AGENT/NAME.", autocompletion=alarm_names),
    ],
    by: By = None,
) -> None:
    """Take an alarm from the shelf. Exit codes are those of ack."""
    _command(
        Reach.of(context),
        "unshelve",
        lambda board: [_one(board, alarm)],
        {"by": by or _login()},
    )


def seconds_of(text: str) -> float:
    """Read `90s`, `30m`, `2h` or `1d`; a number without a unit might mean any."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(s|m|min|h|d)", text.strip())
    if not found or not float(found[1]):
        raise typer.BadParameter(f"{text!r} is no time such as 30m or 2h", param_hint="'--for'")
    return float(found[1]) * _UNITS[found[2]]


def _command(
    reach: Reach,
    message: str,
    choose: Callable[[AlarmBoard], Iterable[tuple[str, str]]],
    arguments: dict[str, Any],
) -> None:
    """Send a command about each chosen alarm, and tell what has become of it."""
    from pyros_mqtt.errors import SendError

    code = 0
    with reach.alarm_board() as board, reach.sender() as sender:
        for agent, name in choose(board):
            try:
                state = sender.ask(agent, message, args={"alarm": name, **arguments})
            except SendError as error:
                typer.echo(f"pyros: {show.one_line(str(error))}", err=True)
                code = max(code, code_of(error))
            else:
                show.line(f"{name}: {show.one_line(str(state))}")
    if code:
        raise typer.Exit(code)


def _waiting(board: AlarmBoard) -> list[tuple[str, str]]:
    return [(one.agent, one.alarm) for one in board.alarms if _waits(one)]


def _chosen(board: AlarmBoard, words: Iterable[str]) -> list[tuple[str, str]]:
    """Find whom to ask about each; one that is not shown has nothing to be acknowledged."""
    return [_find(board, word, unknown_is=None) for word in words]


def _one(board: AlarmBoard, word: str) -> tuple[str, str]:
    """Find whom to ask; one that is not shown belongs to the rules."""
    return _find(board, word, unknown_is=USUAL)


def _find(board: AlarmBoard, word: str, unknown_is: str | None) -> tuple[str, str]:
    agent, _, name = word.rpartition("/")
    found = [one for one in board.alarms if one.alarm == name and agent in {"", one.agent}]
    if len(found) > 1:
        several = ", ".join(f"{one.agent}/{name}" for one in found)
        raise Trouble(f"several agents have an alarm {name!r}: name one of {several}")
    if found:
        return found[0].agent, name
    if agent or unknown_is:
        return agent or str(unknown_is), name
    hint = nearest(name, {one.alarm for one in board.alarms}, "alarms that are not normal")
    raise Trouble(f"there is no alarm {name!r} now; {hint}", NO_ANSWER)


def _waits(alarm: Alarm) -> bool:
    """Whether somebody has to acknowledge it."""
    return alarm.state.value in {"raised", "cleared"}


def _row(alarm: Alarm) -> tuple[str, ...]:
    age = time.time() - (alarm.raised_at or alarm.at)
    cells = (alarm.alarm, alarm.state.value, alarm.severity.value, show.duration(age), _told(alarm))
    return tuple(show.one_line(cell) for cell in cells)


def _told(alarm: Alarm) -> str:
    remarks = []
    if alarm.state.value == "shelved" and alarm.until:
        remarks.append(f"shelved until {show.dated_time(alarm.until)}")
    if alarm.by:
        remarks.append(f"by {alarm.by}")
    if alarm.comment:
        remarks.append(alarm.comment)
    if alarm.escalated:
        remarks.append(f"unanswered {alarm.escalated} x")
    return f"{alarm.text} ({', '.join(remarks)})" if remarks else alarm.text


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # containers whose user has no name
        return ""
