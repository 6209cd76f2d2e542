"""`pyros doctor`: what is wrong with this machine's set-up, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.config import agents_problems
from pyros_mqtt.cli.endings import FAILED, Trouble
from pyros_mqtt.cli.finding import Finding, Level, bad, ok
from pyros_mqtt.cli.reach import Reach


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "pyros doctor",
        "pyros --broker mqtt://t60-control doctor",
        "pyros doctor --security",
    )
    app.command(epilog=example(*examples))(doctor)


def doctor(
    context: typer.Context,
    security: Annotated[
        bool, typer.Option("--security", help="Look which doors are open, and nothing else.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Tell what is wrong here, and how to mend it.

    Exit code 1 if something is bad, 0 otherwise.
    """
    reach = Reach.of(context)
    findings = _examine_security(reach) if security else _examine(reach)
    if as_json:
        found = list(findings)
        show.json([asdict(one) for one in found])
        levels = [one.level for one in found]
    else:
        levels = _tell(findings)
    if "bad" in levels:
        raise typer.Exit(FAILED)


def _tell(findings: Iterable[Finding]) -> list[Level]:
    levels = []
    for one in findings:
        levels.append(one.level)
        text = show.printable(one.text)
        show.line(f"{show.coloured(one.level.ljust(4), one.level)}  {text}")
        if one.mend:
            show.line(f"      mend: {one.mend}")
    count = {level: levels.count(level) for level in ("bad", "warn")}
    show.line(f"\n{count['bad']} bad, {count['warn']} to look at")
    return levels


def _examine_security(reach: Reach) -> Iterator[Finding]:
    from pyros_mqtt.cli import access_checks, door_checks, secret_checks

    yield from secret_checks.here(reach.settings)
    yield from access_checks.here(reach.settings)
    yield from door_checks.doors(reach)
    yield from door_checks.stolen_client_ids(reach)


def _examine(reach: Reach) -> Iterator[Finding]:
    from pyros_mqtt.cli import machine_checks
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
    from pyros_mqtt.cli import bus_checks

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
