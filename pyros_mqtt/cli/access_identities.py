"""`pyros access add`, `revoke` and `rotate`: identities come, go, and are renewed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.access_folder import (
    FolderOption,
    check_role,
    ending,
    office_of,
    tell_broker,
)
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import USAGE, Trouble

if TYPE_CHECKING:
    from pyros_mqtt.access.office import Office

LONGEST = 3650
"""Days for which a certificate can be good: no longer than its authority."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="As the certificate has it.")]
Days = Annotated[
    int,
    typer.Option(min=1, max=LONGEST, metavar="N", help="For how long the certificate is good."),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Take the password from this file's first line; - is the input."
    ),
]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command(
        epilog=example(
            "pyros access add dome --role agent --host t60-dome",
            "pyros access add eva --role operator",
            "pyros access add rain --role agent --password",
        )
    )(add)
    group.command(epilog=example("pyros access revoke camera"))(revoke)
    group.command(epilog=example("pyros access rotate dome", "pyros access rotate dome --now"))(
        rotate
    )


def add(  # noqa: PLR0917 - typer gives them by name
    context: typer.Context,
    name: Name,
    role: Annotated[str, typer.Option(metavar="ROLE", help="See `pyros access roles`.")],
    host: Annotated[str, typer.Option(metavar="HOST", help="The machine it runs on.")] = "",
    days: Days = 365,
    password: Annotated[
        bool, typer.Option("--password", help="It comes by a password, without a certificate.")
    ] = False,
    password_file: PasswordFile = None,
    folder: FolderOption = None,
) -> None:
    """Enter an agent, a program or a person, with a certificate or a password.

    A password is asked for. Without a terminal it is the first line of the input.
    """
    office = office_of(context, folder)
    from pyros_mqtt.access.register import Identity
    from pyros_mqtt.topics import check_name

    check_role(role, office.register.roles)
    check_name("identity", name)
    by_password = password or password_file is not None
    if not host.isprintable():
        raise Trouble(f"--host {host!r}: must be one line of letters", USAGE)
    identity = Identity(role=role, host=host, password=by_password)
    word = _password(name, password_file) if by_password else None
    office.add(name, identity, days, word)
    show.line(f"Entered {name} as {role}{_until(office, name)}")
    if not by_password:
        show.line(f"Next: pyros access bundle {name}")
    tell_broker(context, office)


def revoke(context: typer.Context, name: Name, folder: FolderOption = None) -> None:
    """Take back somebody's certificates, password and rights.

    Whoever is connected stays so until the connection ends: a broker looks at certificates when
    somebody comes. Its rules, read anew, take the rights away at once.
    """
    office = office_of(context, folder)
    trusting = office.trusting(name)
    count = office.revoke(name)
    show.line(f"Revoked {name}: {_counted(count)}")
    _tell_trusting(name, trusting)
    tell_broker(context, office)


def rotate(  # noqa: PLR0917 - typer gives them by name
    context: typer.Context,
    name: Name,
    days: Days = 365,
    now: Annotated[
        bool,
        typer.Option("--now", help="Revoke the old ones at once, and make a new signing key."),
    ] = False,
    password_file: PasswordFile = None,
    folder: FolderOption = None,
) -> None:
    """Give somebody a new certificate, or a new password.

    The old certificate is good until its end, so nothing stops while the new one is carried over.
    """
    office = office_of(context, folder)
    word = _password(name, password_file) if office.needs_password(name) else None
    trusting = office.trusting(name)
    count = office.rotate(name, days, now=now, password=word)
    show.line(f"Renewed {name}{_until(office, name)}")
    if now and word is None:
        show.line(f"Revoked {_counted(count)}")
        _tell_trusting(name, trusting)
    if word is None:
        show.line(f"Next: pyros access bundle {name}")
    tell_broker(context, office)


def _tell_trusting(name: str, agents: list[str]) -> None:
    """Say who goes on to trust a key that is no longer good."""
    if agents:
        show.line(
            f"Where commands are signed, these agents trust the old signing key of {name} until "
            f"each has a new bundle (pyros access bundle AGENT --signed): {', '.join(agents)}"
        )


def _until(office: Office, name: str) -> str:
    from pyros_mqtt.access import expiry

    file = office.folder.certificate(name)
    return f"; its certificate ends on {ending(expiry.end_of(file))}" if file.exists() else ""


def _counted(count: int) -> str:
    return f"{count} certificate{'' if count == 1 else 's'}"


def _password(name: str, file: Path | None) -> str:
    """Get a password from a person, the input or a file; never from the command line."""
    if file is not None and str(file) != "-":
        return _first_line(file)
    if file is None and sys.stdin.isatty():
        text = f"Password for {name}"
        return str(typer.prompt(text, hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _first_line(file: Path) -> str:
    try:
        return (file.read_text("utf-8").splitlines() or [""])[0]
    except UnicodeDecodeError:
        raise Trouble(f"{file}: the password is no UTF-8 text", USAGE) from None
    except OSError as error:
        raise Trouble(f"{file}: cannot be read: {error.strerror}", USAGE) from None
