"""`pyros broker`: a broker in the foreground, for those who have none."""

from __future__ import annotations

import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import Trouble
from pyros_mqtt.cli.reach import USUAL_PORT, Reach

if TYPE_CHECKING:
    from pyros_mqtt.broker import Kind as BrokerKind
    from pyros_mqtt.broker import RunningBroker

HIGHEST_PORT = 65535


class Kind(StrEnum):
    """Which broker to start."""

    MOSQUITTO = "mosquitto"
    EMBEDDED = "embedded"


_KINDS: dict[Kind | None, BrokerKind] = {
    Kind.MOSQUITTO: "mosquitto",
    Kind.EMBEDDED: "embedded",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example("pyros broker", "pyros broker --port 1884", "pyros broker --kind embedded")
    )(broker)


def broker(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=HIGHEST_PORT,
            metavar="PORT",
            help="Listen there; 0 for any free one. By default 1883 if it is free, else any.",
        ),
    ] = None,
    kind: Annotated[
        Kind | None, typer.Option(help="By default mosquitto, or embedded where it is missing.")
    ] = None,
) -> None:
    """Run a broker on this machine, until Ctrl-C.

    It listens on the loopback alone. Where a broker is configured, none is started unless --port
    or --kind asks for it.
    """
    from pyros_mqtt.broker import find_or_start

    settings = Reach.of(context).settings
    if port is not None or kind is not None:
        settings = settings.model_copy(update={"brokers": ()})
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        with find_or_start(settings, port=port, kind=_KINDS.get(kind)) as running:
            _tell(running)
            code = running.wait()
    except KeyboardInterrupt:
        show.line("The broker has ended")
        return
    if running.process is not None:
        raise Trouble(f"the broker ended by itself with exit code {code}; see {running.log}")


def _tell(running: RunningBroker) -> None:
    urls = ",".join(str(one) for one in running.urls)
    if running.process is None:
        show.line(f"A broker is configured: {urls}")
        show.line("None is started; --port or --kind starts one all the same")
        return
    show.line(f"{running.kind} listens at {urls}; Ctrl-C ends it")
    if running.log is not None:
        show.line(f"It writes to {running.log}")
    if running.url.port == USUAL_PORT:
        show.line("Every `pyros` command of this machine finds it there")
    else:
        show.line("Elsewhere, before any other `pyros` command:")
        show.line(f"  export PYROS_BROKERS={urls}")
