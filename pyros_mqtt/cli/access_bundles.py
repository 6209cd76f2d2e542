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
        epilog=example(
            "pyros access bundle dome",
            "pyros access bundle weather safety",
            "pyros access bundle dome -o /media/stick/d.tgz",
        )
    )(bundle)
    group.command(
        epilog=example(
            "pyros access unpack dome.tar.gz",
            "pyros access unpack *.tar.gz --into /etc/pyros --owner pyros",
        )
    )(unpack)


def bundle(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Whose; a file for each.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to, if not NAME.tar.gz."),
    ] = None,
    signed: Annotated[
        bool, typer.Option("--signed", help="Commands are signed, and taken only so.")
    ] = False,
    folder: FolderOption = None,
) -> None:
    """Pack what an identity needs on its machine into one file; several, each into one of its own.

    Its settings name the broker that `init` was told of, or the one of --broker. The file holds a
    secret key: nobody but you can read it.
    """
    office = office_of(context, folder)
    from pyros_mqtt.access.bundle import default_broker, pack, save

    if output is not None and len(names) > 1:
        raise Trouble(f"--output names one file, and these are {len(names)} bundles", USAGE)
    broker = context.find_root().params.get("broker") or default_broker(office)
    root = Reach.of(context).settings.root
    for name in names:
        packed = pack(office, name, broker, root, signed=signed)
        file = output or Path(f"{name}.tar.gz")
        save(file, packed)
        show.line(f"Wrote {file}; on its machine: pyros access unpack {file.name}")


def unpack(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What `bundle` wrote.")],
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to, if not the folder of your settings."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="USER", help="Who runs the agents, if not you.")
    ] = None,
) -> None:
    """Put bundles where the settings of this machine are.

    That is /etc/pyros for root, and ~/.config/pyros for others. What is in pyros.toml stays there,
    but for broker and certificates. A running agent goes over to its new certificate by itself.
    """
    del context
    from pyros_mqtt.settings.folders import own_config_folder

    folder = (into or own_config_folder()).absolute()
    for file in files:
        _unpack(file, folder, owner)


def _unpack(file: Path, folder: Path, owner: str | None) -> None:
    from pyros_mqtt.access.unpacking import unpack as unpacked

    try:
        packed = file.read_bytes()
    except OSError as error:
        raise Trouble(f"{file}: cannot be read: {error.strerror}", USAGE) from None
    done = unpacked(packed, folder, owner)
    show.line(f"Wrote {', '.join(done.files)} to {done.folder}")
    if not done.is_main:
        show.line(
            f"pyros.toml there names another identity: this one is for agent {done.name} alone"
        )
