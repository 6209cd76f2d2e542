"""`pyros upgrade --check`: whether this machine can go over to the version installed here."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import FAILED, USAGE, Trouble
from pyros_mqtt.cli.reach import Reach, settle
from pyros_mqtt.version import PROTOCOL, __version__

if TYPE_CHECKING:
    from pyros_mqtt.messages import JSON
    from pyros_mqtt.upgrade import Neighbour, StateFile

HEADERS = ("agent", "host", "version", "protocol", "state")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("pyros upgrade --check", "pyros upgrade --check --json"))(upgrade)


def upgrade(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Only look; there is no other way.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Tell whether the agents here can be started again as this version.

    Run it when the new version is installed and the old one still runs: it shows which versions
    are on the bus, which files of this machine will be migrated, and who is busy here.

    Exit code 0 if an upgrade is safe now, 1 if it is not, 3 if no broker answers.
    """
    if not check:
        raise Trouble("pyros does not upgrade itself: install the new version, then --check", USAGE)
    from pyros_mqtt.upgrade import files_of, neighbours_of

    reach = Reach.of(context)
    files = files_of(reach.settings)
    with reach.fleet() as fleet:
        settle(fleet)
        agents = neighbours_of(fleet.members(), socket.gethostname())
    problems = [f"{one.name} {why}" for one in agents for why in one.problems]
    problems += [f"{one.path}: {one.problem}" for one in files if one.problem]
    if as_json:
        show.json(_as_json(agents, files, problems))
    else:
        _print(agents, files, problems, reach.place)
    if problems:
        raise typer.Exit(FAILED)


def _print(
    agents: list[Neighbour], files: list[StateFile], problems: list[str], place: str
) -> None:
    show.line(f"This installation: {__version__}, protocol {PROTOCOL}")
    if agents:
        show.table(HEADERS, [_row(one) for one in agents])
    else:
        show.line(f"No agent runs under {place}")
    changed = [one for one in files if one.is_migrated]
    if changed:
        show.line("The next start migrates, and the older version cannot read them then:")
    for one in changed:
        show.line(f"  {one.path}: {one.kind}, from {one.version} to {one.becomes}")
    if not problems:
        show.line("An upgrade is safe now")
        return
    show.line("An upgrade is not safe now:")
    for text in problems:
        show.line(f"  {show.one_line(text)}")


def _row(one: Neighbour) -> tuple[str, ...]:
    cells = (one.name, one.host, one.version, str(one.protocol), one.state)
    return tuple(map(show.one_line, cells))


def _as_json(agents: list[Neighbour], files: list[StateFile], problems: list[str]) -> JSON:
    return {
        "version": __version__,
        "protocol": PROTOCOL,
        "safe": not problems,
        "problems": problems,
        "agents": [
            {
                "agent": one.name,
                "host": one.host,
                "version": one.version,
                "protocol": one.protocol,
                "state": one.state,
                "here": one.is_here,
                "problems": list(one.problems),
            }
            for one in agents
        ],
        "files": [
            {
                "path": str(one.path),
                "kind": one.kind,
                "version": one.version,
                "becomes": one.becomes,
                "problem": one.problem,
            }
            for one in files
        ],
    }
