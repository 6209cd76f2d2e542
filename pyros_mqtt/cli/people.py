"""`pyros people`: who may log in at this machine's dashboard."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.access_folder import check_role
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import FAILED, Trouble
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.access.people import Account

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

NAME = Annotated[str, typer.Argument(metavar="NAME", help="The name that she logs in with.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(
        group,
        name="people",
        help="Show and change who may log in at this machine's dashboard.",
        epilog=example(
            "pyros people add vera --role operator",
            "pyros people password vera < password.txt",
            "pyros people list",
        ),
    )


@group.command(epilog=example("pyros people add vera --role operator"))
def add(
    context: typer.Context,
    name: NAME,
    role: Annotated[str, typer.Option(metavar="ROLE", help="viewer, operator, engineer, or own.")],
    by_proxy: Annotated[
        bool, typer.Option("--by-proxy", help="She has no password; a proxy lets her in.")
    ] = False,
) -> None:
    """Let somebody in; her password is asked for, or read from the standard input."""
    from pyros_mqtt.access.people import Account, hashed
    from pyros_mqtt.topics import check_name

    reach = Reach.of(context)
    file, people = _people(reach)
    if check_name("person", name) in people:
        raise Trouble(f"{name} is there already: pyros people password {name}", FAILED)
    _check_role(reach, role)
    secret = "" if by_proxy else hashed(_password(name))
    _write(file, people | {name: Account(role=role, password=secret)})
    show.line(f"{name} may log in as {role}")


@group.command(epilog=example("pyros people password vera"))
def password(context: typer.Context, name: NAME) -> None:
    """Give somebody another password; whoever is logged in by the old one is logged out."""
    from pyros_mqtt.access.people import hashed

    file, people = _people(Reach.of(context))
    known = _known(people, name)
    secret = hashed(_password(name))
    _write(file, people | {name: known.model_copy(update={"password": secret})})
    show.line(f"{name} has another password")


@group.command("list", epilog=example("pyros people list", "pyros people list --json"))
def list_people(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List who may log in."""
    file, people = _people(Reach.of(context))
    rows = [(name, one.role, _way(one)) for name, one in sorted(people.items())]
    if as_json:
        show.json([dict(zip(("name", "role", "by"), row, strict=True)) for row in rows])
    elif rows:
        show.table(("name", "role", "by"), rows)
    else:
        show.line(_nobody(file))


@group.command(epilog=example("pyros people remove vera"))
def remove(context: typer.Context, name: NAME) -> None:
    """Let somebody in no more; whoever is logged in is logged out."""
    file, people = _people(Reach.of(context))
    _known(people, name)
    _write(file, {other: one for other, one in people.items() if other != name})
    show.line(f"{name} may not log in any more")
    if len(people) == 1:
        show.line(
            "Nobody is left, so nobody sees the dashboard: pyros people add lets somebody in. "
            f"Without {file} it shows everything to everyone who reaches it"
        )


def _people(reach: Reach) -> tuple[Path, dict[str, Account]]:
    from pyros_mqtt.access.people import people_path, read_people

    file = people_path(reach.settings.state_dir)
    return file, read_people(file)


def _write(file: Path, people: dict[str, Account]) -> None:
    from pyros_mqtt.access.people import write_people

    write_people(file, people)


def _known(people: dict[str, Account], name: str) -> Account:
    if name not in people:
        known = ", ".join(sorted(people)) or "nobody"
        raise Trouble(f"{name!r} is not here; known: {known}", FAILED)
    return people[name]


def _check_role(reach: Reach, role: str) -> None:
    from pyros_mqtt.access import BUILT_IN, Register
    from pyros_mqtt.access.place import access_file

    file = access_file(reach.settings)
    check_role(role, Register.read(file).roles if file else BUILT_IN)


def _password(name: str) -> str:
    """Ask at a terminal, twice; else read one line. Never from arguments, which others see."""
    if sys.stdin.isatty():
        return str(
            typer.prompt(f"password of {name}", hide_input=True, confirmation_prompt="once more")
        )
    return sys.stdin.readline().rstrip("\r\n")


def _nobody(file: Path) -> str:
    if file.exists():
        return f"nobody, and so nobody sees the dashboard as long as there is {file}"
    return "nobody: the dashboard shows everything to everyone who reaches it"


def _way(account: Account) -> str:
    return "password" if account.password else "proxy"
