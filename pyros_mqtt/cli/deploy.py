"""`pyros deploy`: which machine of the observatory runs what."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.config import ConfigFile, take_file
from pyros_mqtt.cli.endings import FAILED, complain
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.deployment import Plan
    from pyros_mqtt.messages import JSON

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(
        group,
        name="deploy",
        help="Show which machine runs what.",
        epilog=example("pyros deploy plan", "pyros deploy plan --json"),
    )


@group.callback()
def _only_a_group() -> None:
    """Show which machine runs what."""


@group.command(
    epilog=example("pyros deploy plan", "pyros deploy plan /etc/pyros/pyros.toml --json")
)
def plan(
    context: typer.Context,
    file: ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show which machine runs what, and what to say there.

    The machines and their services stand in [machines] of pyros.toml, the agents in [agents].

    Exit code 0 if every agent has its machine, 1 otherwise.
    """
    from pyros_mqtt.deployment import plan as planned

    take_file(file)
    found = planned(Reach.of(context).settings, socket.gethostname())
    if as_json:
        show.json(_as_json(found))
    else:
        _print(found)
    if found.unplaced:
        raise typer.Exit(FAILED)


def _print(plan: Plan) -> None:
    for machine in plan.machines:
        show.line(f"{machine.name}:")
        show.line(f"  services: {', '.join(machine.services) or 'none'}")
        show.line(f"  agents:   {', '.join(machine.agents) or 'none'}")
        if machine.command:
            show.line(f"  there:    {machine.command}")
    if plan.disabled:
        show.line(f"Not enabled: {', '.join(plan.disabled)}")
    for one in plan.unplaced:
        complain(f"{one.agent} runs nowhere: {one.why}")


def _as_json(plan: Plan) -> JSON:
    return {
        "machines": {
            one.name: {
                "services": list(one.services),
                "agents": one.agents,
                "units": one.units,
                "command": one.command,
            }
            for one in plan.machines
        },
        "disabled": list(plan.disabled),
        "unplaced": [{"agent": o.agent, "host": o.host, "why": o.why} for o in plan.unplaced],
    }
