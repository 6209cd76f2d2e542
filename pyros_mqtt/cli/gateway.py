"""`pyros gateway`: PyROS's old TCP sockets, joined to the agents of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import run
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.settings import GatewayTable

CLASS_PATH = "pyros_mqtt.gateway:Gateway"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros gateway", "pyros send gateway ports --wait"))(gateway)


def gateway(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The gateway's name, if not `gateway`.")
    ] = None,
) -> None:
    """Join the old TCP sockets, until Ctrl-C or a shutdown.

    Listens where pyros_agent_config.ini, or [gateway.agents.NAME] of pyros.toml, gives an agent a
    receive_port; stands in for each agent that has `proxy`. `pyros up --gateway` runs it beside
    the agents.

    Exit codes are those of `pyros run`.
    """
    reach = Reach.of(context)
    run.serve(reach, CLASS_PATH, name, lines=in_words(reach.settings.gateway))


def in_words(table: GatewayTable) -> list[str]:
    """Say what the gateway does, a line each."""
    listening = [f"Listening for {name} at {one.place}" for name, one in table.listening.items()]
    proxied = [f"Standing in for {name}, at {one.place}" for name, one in table.proxied.items()]
    return listening + proxied
