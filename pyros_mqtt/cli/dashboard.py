"""`pyros dashboard`: everything on one web page."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import USAGE, Trouble
from pyros_mqtt.cli.log_form import Record
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros dashboard", "pyros dashboard --port 9000"))(dashboard)


def dashboard(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Listen here, not on 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, metavar="PORT", help="Not on 8420; 0: any.")
    ] = None,
) -> None:
    """Show everything on a web page, until Ctrl-C.

    It is for those who log in where there are any (pyros people). Else it only shows, unless a
    dashboard_token is set: whoever knows that may command. A broker that is away is waited for.
    """
    settings = _settings(Reach.of(context), host, port)
    try:
        from pyros_mqtt.dashboard import Dashboard
    except ModuleNotFoundError as error:
        text = f"the dashboard needs {error.name!r}: pip install 'pyros-mqtt[dashboard]'"
        raise Trouble(text, USAGE) from error
    from pyros_mqtt.link import Brokers

    with Dashboard(Brokers(settings), settings) as served:
        _log_people(settings.log_level)
        show.line(f"The dashboard is at {served.url} ({served.may}; Ctrl-C ends it)")
        served.serve()


def _log_people(level: str) -> None:
    """Tell on stderr who logs in and who commands what; of the rest errors alone."""
    handler = logging.StreamHandler()
    handler.setFormatter(Record())
    told = logging.getLogger("pyros_mqtt.dashboard")
    told.addHandler(handler)
    told.setLevel(level.upper())
    told.propagate = False


def _settings(reach: Reach, host: str | None, port: int | None) -> Settings:
    given: dict[str, Any] = {"dashboard_host": host, "dashboard_port": port}
    changed = {key: value for key, value in given.items() if value is not None}
    return reach.reaching_settings.model_copy(update=changed)
