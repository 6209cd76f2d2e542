"""`pyros doctor`: what is wrong with this machine's set-up, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from pyros_mqtt.cli import bus_checks, machine_checks, show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.config import agents_problems
from pyros_mqtt.cli.endings import FAILED, Trouble
from pyros_mqtt.cli.finding import Finding, bad, ok
from pyros_mqtt.cli.reach import Reach


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros doctor", "pyros --broker mqtt://t60-control doctor"))(doctor)


def doctor(context: typer.Context) -> None:
    """Tell what is wrong here, and how to mend it.

    Exit code 1 if something is bad, 0 otherwise.
    """
    levels = []
    for one in _examine(Reach.of(context)):
        levels.append(one.level)
        text = show.printable(one.text)
        show.line(f"{show.coloured(one.level.ljust(4), one.level)}  {text}")
        if one.mend:
            show.line(f"      mend: {one.mend}")
    count = {level: levels.count(level) for level in ("bad", "warn")}
    show.line(f"\n{count['bad']} bad, {count['warn']} to look at")
    if count["bad"]:
        raise typer.Exit(FAILED)


def _examine(reach: Reach) -> Iterator[Finding]:
    from pyros_mqtt.errors import SettingsError

    yield from machine_checks.python()
    yield from machine_checks.packages()
    try:
        settings = reach.settings
    except SettingsError as error:
        for problem in str(error).splitlines():
            yield bad(problem, "change it as it says; `pyros config check` looks again")
        yield from machine_checks.own_broker(None)
        return
    files = ", ".join(map(str, settings.files)) or "no file, so the defaults"
    yield ok(f"settings: {files}")
    for problem in agents_problems(settings):
        yield bad(problem, "change it in pyros.toml; `pyros config check` looks again")
    yield from machine_checks.own_broker(settings)
    yield from machine_checks.state_folder(settings)
    yield from machine_checks.earth_rotation()
    yield from _on_the_bus(reach)


def _on_the_bus(reach: Reach) -> Iterator[Finding]:
    reachable = False
    for one in bus_checks.brokers(reach):
        reachable = reachable or (one.level == "ok")
        yield one
    if not reachable:
        return
    try:
        with reach.fleet() as fleet:
            yield from bus_checks.agents(fleet, reach.settings)
            yield from bus_checks.clocks(reach, fleet)
    except Trouble as trouble:
        yield bad(str(trouble), "try again")
