"""`pyros export`: a channel as a file for other tools."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import agent_names, channel_names
from pyros_mqtt.cli.reach import Reach
from pyros_mqtt.cli.spans import Every, Night, Since, Until, Url, opened, span_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example(
            "pyros export weather wind --format csv -o wind.csv",
            "pyros export dome azimuth --night last -o azimuth.fits",
        )
    )(export)


def export(  # noqa: PLR0917 - typer gives them by name
    context: typer.Context,
    agent: Annotated[
        str, typer.Argument(metavar="AGENT", help="Whose.", autocompletion=agent_names)
    ],
    channel: Annotated[
        str,
        typer.Argument(metavar="CHANNEL", help="Its measurements.", autocompletion=channel_names),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format", "-f", metavar="FORMAT", help="csv, parquet, ecsv, fits; else by FILE."
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    night: Night = None,
    every: Every = None,
    archive: Url = None,
) -> None:
    """Write a channel to CSV, Parquet, ECSV or FITS, with units."""
    from pyros_mqtt.archive.export import export as write
    from pyros_mqtt.archive.export import format_of, pieces

    if str(output) == "-":
        text = "it is a file's name; `pyros query AGENT CHANNEL --json` prints"
        raise typer.BadParameter(text, param_hint="'--output'")
    chosen = format_of(output, form)
    with opened(Reach.of(context), archive) as found, _progress(output.name) as tell:
        span = span_of(found, since, until, night)
        parts = pieces(found, agent, channel, span.start, span.stop, every, tell)
        count = write(parts, output, chosen)
    show.line(f"{count} rows in {output}")


@contextlib.contextmanager
def _progress(what: str) -> Iterator[Callable[[float], None]]:
    """Draw a bar on a terminal; elsewhere nothing."""
    if not show.is_terminal(err=True):
        yield lambda _fraction: None
        return
    from rich.progress import Progress

    with Progress(console=show.console(err=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda fraction: bar.update(task, completed=fraction)
