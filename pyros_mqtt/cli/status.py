"""`pyros status`: how every agent is, once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import rows, show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import agent_names
from pyros_mqtt.cli.endings import FAILED, NO_ANSWER, Trouble, complain
from pyros_mqtt.cli.reach import Reach, nearest, settle

if TYPE_CHECKING:
    from pyros_mqtt.fleet import Member


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros status", "pyros status dome", "pyros status --json"))(status)


def status(
    context: typer.Context,
    agents: Annotated[
        list[str] | None,
        typer.Argument(metavar="AGENT", help="Only these.", autocompletion=agent_names),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show every agent's state, task and age.

    Exit code 0 if all is well, 1 if an agent is lost, silent, in fault or ended by a failure, or
    its status cannot be read, 3 if no broker, or not the agent that was asked for, is there.
    """
    reach = Reach.of(context, spares=True)
    with reach.fleet() as fleet:
        settle(fleet)
        unreadable = fleet.unreadable()
        chosen = _chosen(list(fleet.members()), agents or [], unreadable, reach.place)
    wrong = {name: why for name, why in unreadable.items() if not agents or name in agents}
    for name, why in wrong.items():
        complain(show.one_line(f"{name}: its status cannot be read: {why}"))
    if as_json:
        show.json([rows.as_json(one) for one in chosen])
    elif chosen:
        bar = show.is_terminal()
        show.table(rows.HEADERS, [rows.row(one, bar=bar) for one in chosen], styled=rows.STATE)
    elif not wrong:
        show.line(f"No agent has been seen under {reach.place}")
    if wrong or any(rows.is_troubled(one) for one in chosen):
        raise typer.Exit(FAILED)


def _chosen(
    members: list[Member], names: list[str], unreadable: Iterable[str], place: str
) -> list[Member]:
    known = {one.name for one in members} | set(unreadable)
    for name in names:
        if name not in known:
            hint = nearest(name, known, "known agents")
            raise Trouble(f"there is no agent {name!r} under {place}; {hint}", NO_ANSWER)
    return [one for one in members if one.name in names or not names]
