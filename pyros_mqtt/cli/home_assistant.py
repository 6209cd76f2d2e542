"""`pyros home-assistant`: chosen measurements, shown to Home Assistant."""

from __future__ import annotations

from typing import Annotated

import typer

from pyros_mqtt.cli import run
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.reach import Reach

CLASS_PATH = "pyros_mqtt.home_assistant:HomeAssistant"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("home-assistant", epilog=example("pyros home-assistant"))(home_assistant)


def home_assistant(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name, if not `home-assistant`.")
    ] = None,
) -> None:
    """Show measurements to Home Assistant, until Ctrl-C or a shutdown.

    Those of [home_assistant] in pyros.toml, by MQTT discovery on the agents' own broker; what is no
    longer on the list is taken off there.

    Exit codes are those of `pyros run`.
    """
    reach = Reach.of(context)
    table = reach.settings.home_assistant
    what = ", ".join(table.channels) or "nothing"
    run.serve(reach, CLASS_PATH, name, lines=[f"Showing {what} under {table.prefix}"])
