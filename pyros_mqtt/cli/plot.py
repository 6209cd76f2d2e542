"""`pyros plot`: channels as curves, in a picture or in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import agent_names, channel_names
from pyros_mqtt.cli.endings import FAILED, Trouble
from pyros_mqtt.cli.reach import Reach
from pyros_mqtt.cli.spans import Night, Since, Until, Url, opened, span_of

if TYPE_CHECKING:
    from pyros_mqtt.archive.curves import Curve

WIDTH, HEIGHT = 72, 8
"""Characters of a curve in the terminal."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example(
            "pyros plot weather wind gust --since 2h",
            "pyros plot dome azimuth --night last -o azimuth.png",
        )
    )(plot)


def plot(  # noqa: PLR0917 - typer gives them by name
    context: typer.Context,
    agent: Annotated[
        str, typer.Argument(metavar="AGENT", help="Whose.", autocompletion=agent_names)
    ],
    channels: Annotated[
        list[str],
        typer.Argument(metavar="CHANNEL...", help="What to draw.", autocompletion=channel_names),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A picture: .png, .svg or .pdf."),
    ] = None,
    since: Since = None,
    until: Until = None,
    night: Night = None,
    archive: Url = None,
) -> None:
    """Draw channels, in a picture or in the terminal.

    A line is the mean, the band around it the extremes between two points.
    """
    with opened(Reach.of(context), archive) as found:
        from pyros_mqtt.archive.extras import bring

        bring("numpy", "a plot", "plot")
        from pyros_mqtt.archive.curves import curves
        from pyros_mqtt.archive.units import check_unit

        span = span_of(found, since, until, night)
        for channel in channels:
            check_unit(found, agent, channel, *span)
        panels = [curves(found, agent, channel, *span) for channel in channels]
    for channel, panel in zip(channels, panels, strict=True):
        if not any(len(one.times) for one in panel):
            raise Trouble(f"nothing was recorded of {agent}/{channel} in this time", FAILED)
    if output is None:
        for curve in (one for panel in panels for one in panel if len(one.times)):
            _in_the_terminal(curve)
        return
    from pyros_mqtt.archive.picture import draw

    draw(panels, output)
    show.line(f"drawn to {output}")


def _in_the_terminal(curve: Curve) -> None:
    from pyros_mqtt.archive.curves import in_blocks
    from pyros_mqtt.wire import to_rfc3339

    high, low = (f"{one:.5g}" for one in (max(curve.high), min(curve.low)))
    margin = max(len(high), len(low))
    show.line(show.one_line(f"{curve.name} {f'[{curve.unit}]' if curve.unit else ''}".rstrip()))
    marks = {0: high, HEIGHT - 1: low} if high != low else {HEIGHT // 2: high}
    for number, text in enumerate(in_blocks(curve, WIDTH, HEIGHT)):
        show.line(f"{marks.get(number, '').rjust(margin)} {text}")
    first, last = (to_rfc3339(float(one))[:19] for one in (curve.times[0], curve.times[-1]))
    show.line(f"{' ' * margin} {first}{last.rjust(WIDTH - len(first))}")
