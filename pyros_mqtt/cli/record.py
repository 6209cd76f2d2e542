"""`pyros record`: what passes on the bus, into the archive."""

from __future__ import annotations

from typing import Annotated

import typer

from pyros_mqtt.cli import run
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.reach import Reach

CLASS_PATH = "pyros_mqtt.recorder:Recorder"

ARCHIVE = typer.Option(
    metavar="URL", help="sqlite:///PATH or postgresql://..., not that of PYROS_ARCHIVE."
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example(
            "pyros record",
            "pyros record --archive postgresql://pyros@archive.example/night",
            "pyros record --share 1/2 --name recorder-1",
        )
    )(record)


def record(
    context: typer.Context,
    archive: Annotated[str | None, ARCHIVE] = None,
    share: Annotated[
        str | None,
        typer.Option(metavar="N/M", help="Only the agents of this share; others take the rest."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The recorder's name, if not `recorder`.")
    ] = None,
) -> None:
    """Record what passes on the bus into the archive.

    Telemetry, status, commands, reports, alarms and logs, until Ctrl-C or a shutdown.

    Several may run, each under a name of its own: two that hear the same write it once.

    Exit codes are those of `pyros run`.
    """
    from pyros_mqtt.archive.place import archive_url, shown

    reach = Reach.of(context)
    said = {"archive": archive, "share": share}
    run.serve(
        reach,
        CLASS_PATH,
        name,
        [f"{key}={one}" for key, one in said.items() if one],
        lines=[f"Recording to {shown(archive or archive_url(reach.settings))}"],
        is_true=lambda recorder: recorder.has_archive,
    )
