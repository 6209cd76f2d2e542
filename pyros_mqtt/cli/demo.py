"""`pyros demo`: a night of a small observatory in about a minute."""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer

from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import USAGE, Trouble

PLAYED_BY = "pyros_agents.demo"
"""Found when it is asked for: the library does not know the observatory that is built on it."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros demo", "pyros demo --headless --json"))(demo)


def demo(
    context: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="Without the live view, for scripts.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object last, for programs.")
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="FACTOR", help="How much faster than the sky it goes."),
    ] = None,
) -> None:
    """Play a night: start-up, survey, a gamma-ray burst, three exposures, rain, closing.

    Exit code 0 if all of it happened.
    """
    given: dict[str, Any] = {**context.find_root().params, "speed": speed}
    options = {
        key: given[key] for key in ("broker", "root", "speed") if given.get(key) is not None
    }
    play = _player()
    raise typer.Exit(play(headless=headless, as_json=as_json, **options))


def _player() -> Any:
    try:
        return importlib.import_module(PLAYED_BY).play
    except ModuleNotFoundError as error:
        text = f"the demo needs {error.name!r}: pip install 'pyros-mqtt[observatory]'"
        raise Trouble(text, USAGE) from error
