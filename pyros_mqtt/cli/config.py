"""`pyros config`: what is set, where it comes from, and what is wrong with it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import FAILED, complain
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(
        group,
        name="config",
        help="Show and check this machine's settings.",
        epilog=example("pyros config show", "pyros config check"),
    )


@group.command("show", epilog=example("pyros config show"))
def show_settings(context: typer.Context) -> None:
    """Show each setting and where it comes from."""
    settings = Reach.of(context).settings
    show.table(
        ("setting", "value", "from"),
        [(one.key, one.shown, one.place) for one in settings.sources()],
    )


@group.command(epilog=example("pyros config check"))
def check(context: typer.Context) -> None:
    """List all that is wrong with the settings.

    Also with the classes and options of the agents of this machine.

    Exit code 0 if nothing is wrong, 1 otherwise.
    """
    from pyros_mqtt.errors import SettingsError

    try:
        settings = Reach.of(context).settings
    except SettingsError as error:
        wrong = str(error).splitlines()
    else:
        wrong = [*settings.remarks, *agents_problems(settings)]
    for one in wrong:
        complain(one)
    if wrong:
        raise typer.Exit(FAILED)
    files = ", ".join(map(str, settings.files))
    show.line(f"All is well with {files or 'the settings (no file was found)'}")


def agents_problems(settings: Settings) -> list[str]:
    """List what is wrong with the agents that run here: class, options."""
    from pyros_mqtt.supervisor import problems, tables_here

    return [
        f"agents.{name}: {problem}"
        for name, table in tables_here(settings, socket.gethostname()).items()
        for problem in problems(table.class_path, settings, name)
    ]
