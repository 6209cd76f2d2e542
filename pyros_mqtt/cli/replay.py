"""`pyros replay`: a recorded night once more, under another root."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.reach import Reach
from pyros_mqtt.cli.spans import (
    END_OF_TIMES,
    Since,
    Until,
    Url,
    check_recorded,
    night_of,
    opened,
    span_of,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example(
            "pyros replay 2026-11-22 --speed 60",
            "pyros --root replay watch",
        )
    )(replay)


def replay(  # noqa: PLR0917 - typer gives them by name
    context: typer.Context,
    night: Annotated[
        str | None,
        typer.Argument(metavar="NIGHT", help="The date of its evening, or `last`."),
    ] = None,
    speed: Annotated[float, typer.Option(help="60 lets an hour pass in a minute.")] = 1.0,
    to: Annotated[
        str, typer.Option("--to", metavar="TOPIC", help="The topic root to publish under.")
    ] = "replay",
    since: Since = None,
    until: Until = None,
    commands: Annotated[
        bool,
        typer.Option("--commands", help="Send the commands, too; whoever listens obeys them."),
    ] = False,
    archive: Url = None,
) -> None:
    """Publish a recorded night again, under another root.

    Ctrl-C ends it.
    """
    from pyros_mqtt.replay import Replay

    reach = Reach.of(context)
    with opened(reach, archive) as found:
        if night is None and since is None and until is None:
            night = "last"
        chosen = night_of(found, night) if night is not None else None
        span = span_of(found, since, until, chosen)
        check_recorded(found, span, chosen)
        start = 0.0 if span.start is None else span.start
        stop = END_OF_TIMES if span.stop is None else span.stop
        from pyros_mqtt.link import Brokers

        bus = Brokers(reach.reaching_settings)
        player = Replay(found, bus, to, speed=speed, commands=commands)
        stopping = threading.Event()
        show.line(f"Replaying under {to!r}; Ctrl-C ends it")
        with _moment_shown() as tell:
            try:
                player.play(start, stop, stopping, tell)
            except KeyboardInterrupt:
                show.line("ended early")
    tally = player.tally
    lost = f", {tally.dropped} of them not taken by the broker" if tally.dropped else ""
    show.line(f"{tally.said} messages{lost}")


@contextlib.contextmanager
def _moment_shown() -> Iterator[Callable[[float], None] | None]:
    """Show the record's clock on a terminal."""
    if not show.is_terminal(err=True):
        yield None
        return
    shown = ""

    def tell(moment: float) -> None:
        nonlocal shown
        if (text := show.clock_time(moment)) != shown:
            shown = text
            typer.echo(f"\r{text}", nl=False, err=True)

    try:
        yield tell
    finally:
        typer.echo("", err=True)
