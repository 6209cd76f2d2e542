"""`pyros metrics`: agents, commands, alarms and chosen channels, as numbers for Prometheus."""

from __future__ import annotations

import contextlib
import threading
from typing import Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.reach import Reach


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example("pyros metrics", "pyros metrics --channel 'weather/*' --channel '*/host-*'")
    )(metrics)


def metrics(
    context: typer.Context,
    address: Annotated[
        str | None, typer.Option(metavar="IP", help="Serve there, not at 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", min=0, max=65535, help="Serve there, not at 9883.")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(metavar="AGENT/CHANNEL", help="Serve its values; * and ? stand for others."),
    ] = None,
) -> None:
    """Serve what passes on the bus for Prometheus, until Ctrl-C.

    It only listens, and waits for a broker that is away. The options are stronger than
    metrics_address, metrics_bridge_port and metrics_channels of the settings.

    Exit code 2 where it cannot be served, or the extra `metrics` is not installed.
    """
    given = {
        "metrics_address": address,
        "metrics_bridge_port": port,
        "metrics_channels": channel or None,
    }
    reach = Reach.of(context, more=given)
    from pyros_mqtt.link import Brokers
    from pyros_mqtt.metrics import Server
    from pyros_mqtt.metrics_bridge import Bridge

    settings = reach.reaching_settings
    with (
        contextlib.suppress(KeyboardInterrupt),
        Bridge(
            Brokers(settings),
            reach.topics,
            settings.metrics_channels,
            skew=settings.max_clock_skew,
        ) as bridge,
        Server(bridge.registry, settings.metrics_address, settings.metrics_bridge_port) as server,
    ):
        show.line(f"Serving {server.url}")
        show.line(f"Listening to {reach.place}")
        threading.Event().wait()
