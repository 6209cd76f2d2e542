"""`pyros access bundle` and `unpack`: from the authority's machine to that of an agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.access_folder import FolderOption, office_of
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import USAGE, Trouble
from pyros_mqtt.cli.reach import Reach


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command(
        epilog=example("pyros access bundle dome", "pyros access bundle dome -o /media/stick/d.tgz")
    )(bundle)
    group.command(
        epilog=example(
            "pyros access unpack dome.tar.gz",
            "pyros access unpack dome.tar.gz --into /etc/pyros --owner pyros",
        )
    )(unpack)


def bundle(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to, if not NAME.tar.gz."),
    ] = None,
    signed: Annotated[
        bool, typer.Option("--signed", help="Commands are signed, and taken only so.")
    ] = False,
    folder: FolderOption = None,
) -> None:
    """Pack what an identity needs on its machine into one file.

    Its settings name the broker that `init` was told of, or the one of --broker. The file holds a
    secret key: nobody but you can read it.
    """
    office = office_of(context, folder)
    from pyros_mqtt.access.bundle import default_broker, pack, save

    broker = context.find_root().params.get("broker") or default_broker(office)
    packed = pack(office, name, broker, Reach.of(context).settings.root, signed=signed)
    file = output or Path(f"{name}.tar.gz")
    save(file, packed)
    show.line(f"Wrote {file}; on its machine: pyros access unpack {file.name}")


def unpack(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `bundle` wrote.")],
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to, if not the folder of your settings."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="USER", help="Who runs the agents, if not you.")
    ] = None,
) -> None:
    """Put a bundle where the settings of this machine are.

    That is /etc/pyros for root, and ~/.config/pyros for others. What is in pyros.toml stays there,
    but for broker and certificates. A running agent goes over to its new certificate by itself.
    """
    del context
    from pyros_mqtt.access.unpacking import unpack as unpacked
    from pyros_mqtt.settings.folders import own_config_folder

    try:
        packed = file.read_bytes()
    except OSError as error:
        raise Trouble(f"{file}: cannot be read: {error.strerror}", USAGE) from None
    done = unpacked(packed, (into or own_config_folder()).absolute(), owner)
    show.line(f"Wrote {', '.join(done.files)} to {done.folder}")
    if not done.is_main:
        show.line(
            f"pyros.toml there names another identity: this one is for agent {done.name} alone"
        )
