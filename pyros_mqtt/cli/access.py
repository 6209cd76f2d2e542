"""`pyros access`: who may do what, and the certificates by which they are known."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import access_bundles, access_identities, access_remarks, show
from pyros_mqtt.cli.access_folder import (
    AsJson,
    FolderOption,
    ending,
    office_of,
    path_of,
    require_extra,
    tell_broker,
    tell_where,
    write_broker_rules,
)
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import FAILED, complain
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.access import Role
    from pyros_mqtt.access.standing import Standing

HEADERS = ("name", "role", "host", "state", "ends")

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    access_identities.register(group)
    access_bundles.register(group)
    app.add_typer(
        group,
        name="access",
        help="Who may do what: the observatory's own authority, certificates, bundles.",
        epilog=example(
            "pyros access init --broker-host control.t60.example",
            "pyros access add dome --role agent --host t60-dome",
            "pyros access bundle dome",
        ),
    )


@group.command(
    epilog=example("pyros access init --observatory T60 --broker-host control.t60.example")
)
def init(
    context: typer.Context,
    broker_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A name or address that the broker is reached by; several times."
        ),
    ] = None,
    observatory: Annotated[
        str, typer.Option(metavar="NAME", help="What the authority is called.")
    ] = "Observatory",
    folder: FolderOption = None,
) -> None:
    """Make the authority, and the broker's certificate.

    Run again, it keeps the authority, and renews the broker's certificate if hosts are named.
    """
    require_extra()
    from pyros_mqtt.access.office import Office

    place = path_of(context, folder)
    is_new = not (place / "authority" / "ca.key").exists()
    hosts = broker_host or ([socket.gethostname()] if is_new else [])
    office = Office.found(place, observatory, hosts)
    show.line(f"{'Made' if is_new else 'Kept'} the authority in {place}")
    if is_new:
        show.line("Whoever has authority/ca.key can be anybody: keep a copy where nobody gets it")
    show.line(f"The broker's certificate is for {', '.join(office.broker_hosts) or 'nobody yet'}")
    tell_broker(context, office)


@group.command("list", epilog=example("pyros access list", "pyros access list --json"))
def list_identities(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what does not count any more.")
    ] = False,
    as_json: AsJson = False,
    folder: FolderOption = None,
) -> None:
    """Show who has which role, where, and when their certificates end."""
    now = time.time()
    found = office_of(context, folder).standings(now)
    shown = [one for one in found if everything or one.counts]
    if as_json:
        show.json([_table(one) for one in shown])
    else:
        show.table(HEADERS, [_row(one) for one in shown])


@group.command(epilog=example("pyros access check", "pyros access check --json"))
def check(context: typer.Context, as_json: AsJson = False, folder: FolderOption = None) -> None:
    """Look for mistakes in access.toml, certificates that end soon, and what does not fit.

    Exit code 0 if there is nothing, 1 otherwise.
    """
    office = office_of(context, folder)
    wrong = list(access_remarks.remarks(office, Reach.of(context).settings.root))
    if as_json:
        show.json(wrong)
    elif not wrong:
        show.line(f"All is well with {len(office.register.identities)} identities")
    else:
        for one in wrong:
            complain(one)
    if wrong:
        raise typer.Exit(FAILED)


@group.command(epilog=example("pyros access apply", "pyros access apply --to /etc/pyros-broker"))
def apply(
    context: typer.Context,
    to: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the broker of this machine reads all that."),
    ] = None,
    folder: FolderOption = None,
) -> None:
    """Write the broker's rules anew, after access.toml was edited by hand.

    With --to also put rules, passwords, certificates and revocations where the broker of this
    machine reads them: for the group of that folder to read, and nobody else.
    """
    office = office_of(context, folder)
    from pyros_mqtt.access.wholeness import check_named

    check_named(office)
    office.tell_broker()
    show.line(f"Read {office.folder.register}: {len(office.register.identities)} identities")
    write_broker_rules(context, office)
    if to is None:
        tell_where(office)
    else:
        count = office.deliver(to)
        show.line(f"Put {count} files into {to}; next: systemctl reload pyros-broker")


@group.command(epilog=example("pyros access roles", "pyros access roles --json"))
def roles(context: typer.Context, as_json: AsJson = False, folder: FolderOption = None) -> None:
    """Show what each role may do, also those that access.toml defines."""
    from pyros_mqtt.access import BUILT_IN, Register

    file = path_of(context, folder) / "access.toml"
    known = Register.read(file).roles if file.exists() else dict(BUILT_IN)
    if as_json:
        show.json({name: role.model_dump() for name, role in known.items()})
    else:
        headers = ("role", "is an agent", "sees all", "commands", "tidies up")
        show.table(headers, [_role_row(name, role) for name, role in known.items()])


def _role_row(name: str, role: Role) -> tuple[str, ...]:
    commands = "; ".join(f"{to}: {', '.join(may)}" for to, may in role.commands.items())
    yes = {True: "yes", False: "-"}
    commands = "everything" if commands == "*: *" else commands or "-"
    return name, yes[role.lives], yes[role.views], commands, yes[role.keeps_house]


def _row(one: Standing) -> tuple[str, ...]:
    return one.name, one.role, one.host, one.state, ending(one.end)


def _table(one: Standing) -> dict[str, Any]:
    from pyros_mqtt.wire import to_rfc3339

    ends = None if one.end is None else to_rfc3339(one.end)
    known = {"name": one.name, "role": one.role, "host": one.host, "state": one.state}
    return {**known, "ends": ends, "serial": one.serial}
