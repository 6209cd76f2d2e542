"""`pyros night`: the report of a night, as one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import FAILED, Trouble
from pyros_mqtt.cli.reach import Reach, nearest
from pyros_mqtt.cli.spans import Url, night_of, opened

if TYPE_CHECKING:
    from pyros_mqtt.archive import Archive


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example("pyros night", "pyros night 2026-11-22 -o night.html --plot weather/wind")
    )(night)


def night(
    context: typer.Context,
    date: Annotated[
        str | None,
        typer.Argument(metavar="DATE", help="The date of its evening; by default the last."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="By default night-DATE.html."),
    ] = None,
    plot: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AGENT[/CHANNEL]", help="Draw these, not weather and safety; may be repeated."
        ),
    ] = None,
    archive: Url = None,
) -> None:
    """Write a night's report as one page.

    States, commands, weather, alarms, alerts, images, and gaps in the record.
    """
    from pyros_mqtt.archive.extras import bring
    from pyros_mqtt.archive.output import written

    bring("numpy", "a night's page", "archive")
    from pyros_mqtt.nightly import look_at, page

    with opened(Reach.of(context), archive) as found:
        name = night_of(found, date)
        for one in plot or ():
            _check_plot(found, one)
        seen = look_at(found, name, plot or [])
        if not (seen.curves or seen.strips or found.has_any(seen.start, seen.stop)):
            raise Trouble(f"nothing was recorded in the night of {name}", FAILED)
        text = page(seen)
    path = output or Path(f"night-{name}.html")
    with written(path) as file:
        file.write_text(text, "utf-8")
    show.line(f"the night of {name} is in {path}")


def _check_plot(archive: Archive, wanted: str) -> None:
    channels = archive.channels()
    known = sorted({agent for agent, _ in channels} | {"/".join(one) for one in channels})
    if wanted not in known:
        hint = nearest(wanted, known, "recorded channels")
        raise Trouble(f"--plot {wanted}: it was never recorded; {hint}", FAILED)
