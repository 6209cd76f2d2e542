"""`pyros demo`: a night of a small observatory in about a minute."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import USAGE, Trouble
from pyros_mqtt.cli.reach import Reach

PLAYED_BY = "pyros_agents.demo"
"""Found when it is asked for: the library does not know the observatory that is built on it."""

PLAYED_IN_A_STORM_BY = "pyros_agents.demo.chaos"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example("pyros demo", "pyros demo --headless --json", "pyros demo --chaos --seed 7")
    )(demo)


def demo(  # noqa: PLR0917 - typer calls it by name
    context: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="Without the live view, for scripts.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object last, for programs.")
    ] = False,
    images: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the images go (default demo-images)."),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="FACTOR", help="How much faster than the sky it goes."),
    ] = None,
    chaos: Annotated[
        bool,
        typer.Option(
            "--chaos",
            help="Kill agents and broker (kill -9) every few seconds meanwhile, and account for "
            "every command; on a broker of its own.",
        ),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="With --chaos: who is killed when, to repeat a run."),
    ] = None,
) -> None:
    """Play a night in about a minute.

    Start-up, survey, a gamma-ray burst, slew, three exposures, rain, closing, shutdown.
    Exit code 0 if all of it happened; with --chaos, if the images were taken, the observatory was
    shut, and each command came to exactly one end.
    """
    if seed is not None and not chaos:
        raise Trouble("--seed says who is killed when: it goes with --chaos", USAGE)
    Reach.of(context).export()
    given = {"images": images, "speed": speed, "seed": seed}
    options = {key: value for key, value in given.items() if value is not None}
    play = _player(PLAYED_IN_A_STORM_BY if chaos else PLAYED_BY)
    raise typer.Exit(play(headless=headless, as_json=as_json, **options))


def _player(module: str) -> Any:
    try:
        return importlib.import_module(module).play
    except ModuleNotFoundError as error:
        text = f"the demo needs {error.name!r}: pip install 'pyros-mqtt[observatory]'"
        raise Trouble(text, USAGE) from error
