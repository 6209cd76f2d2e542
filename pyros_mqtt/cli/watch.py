"""`pyros watch`: how every agent is, all the time."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import typer

from pyros_mqtt.cli import rows, show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.reach import Reach, settle

if TYPE_CHECKING:
    from rich.console import Group

    from pyros_mqtt.fleet import Fleet, Member

REDRAW = 0.5
"""Seconds between two looks at ages and silences, which change without any news."""

TOGETHER = 0.1
"""Seconds in which changes are drawn together, so that a busy night does not flicker."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros watch", "pyros watch | tee night.log"))(watch)


def watch(context: typer.Context) -> None:
    """Show every agent's state as it changes.

    Until Ctrl-C. Not on a terminal: a line for each change.
    """
    reach = Reach.of(context, spares=True)
    with reach.fleet() as fleet, contextlib.suppress(KeyboardInterrupt):
        news = threading.Event()
        fleet.on_change(lambda _: news.set())
        settle(fleet)
        if show.is_terminal():
            _draw(fleet, news, reach.place)
        else:
            _tell(fleet, news)


def _draw(fleet: Fleet, news: threading.Event, place: str) -> None:
    from rich.live import Live

    with Live(_picture(fleet, place), console=show.console(), auto_refresh=False) as live:
        pause = threading.Event()
        while True:
            news.wait(REDRAW)
            pause.wait(TOGETHER)
            news.clear()
            live.update(_picture(fleet, place), refresh=True)


def _picture(fleet: Fleet, place: str) -> Group:
    from rich.console import Group
    from rich.text import Text

    members = fleet.members()
    title = Text(f"{show.clock_time()}  {place}", "bold")
    if not fleet.is_up:
        title.append(f"  no connection: {fleet.trouble}", "bold red")
    else:
        title.append(f"  {_summary(members)}", "dim")
    cells = [rows.row(one, bar=True) for one in members]
    table = show.rich_table(rows.HEADERS, cells, styled=rows.STATE)
    return Group(title, Text(), table, Text(), Text("Ctrl-C leaves", "dim"))


def _summary(members: tuple[Member, ...]) -> str:
    troubled = [one.name for one in members if rows.is_troubled(one)]
    count = f"{len(members)} agent{'s' if len(members) != 1 else ''}"
    return f"{count}, look at {', '.join(troubled)}" if troubled else count


def _tell(fleet: Fleet, news: threading.Event) -> None:
    """Print a line for each change, and nothing else."""
    shown: dict[str, str] = {}
    was_up = True
    while True:
        if fleet.is_up != was_up:
            was_up = fleet.is_up
            what = "connected again" if was_up else f"no connection: {fleet.trouble}"
            show.line(f"{show.clock_time()} {what}")
        now = {one.name: _change(one) for one in fleet.members()}
        for name in sorted(now.keys() | shown.keys()):
            if shown.get(name) != now.get(name):
                show.line(f"{show.clock_time()} {name} {now.get(name, 'removed')}")
        shown = now
        news.wait(REDRAW)
        news.clear()


def _change(member: Member) -> str:
    """Say what counts as a change: state, task and detail, and no age."""
    _, state, task, _, _, detail = rows.row(member, bar=False)
    return ": ".join(filter(None, [state, task, detail]))
