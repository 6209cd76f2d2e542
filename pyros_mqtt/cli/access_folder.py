"""What all commands of `pyros access` begin and end with."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.endings import USAGE, Trouble
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.access.office import Office

FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", metavar="DIR", help="The access folder, if not the configured one."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

DAY = 86_400.0


def path_of(context: typer.Context, folder: Path | None) -> Path:
    """Find the access folder: the option, the setting, or the usual place."""
    if folder is not None:
        return folder.absolute()
    from pyros_mqtt.access.place import access_folder

    return access_folder(Reach.of(context).settings)


def office_of(context: typer.Context, folder: Path | None) -> Office:
    """Open the access folder.

    Raises:
        MissingExtra: `cryptography` is not installed.
        AccessError: there is no authority in it.
    """
    require_extra()
    from pyros_mqtt.access.office import Office

    office = Office(path_of(context, folder))
    _ = office.authority
    return office


def check_role(role: str, known: Collection[str]) -> None:
    """See that there is such a role.

    Raises:
        Trouble: there is none; it names those that there are.
    """
    if role not in known:
        text = f"there is no role {role!r}; known are {', '.join(sorted(known))}"
        raise Trouble(text, USAGE)


def require_extra() -> None:
    """See that certificates can be made here.

    Raises:
        MissingExtra: they cannot.
    """
    from pyros_mqtt.errors import MissingExtra

    if importlib.util.find_spec("cryptography") is None:
        raise MissingExtra("pyros access", "access")


def tell_broker(context: typer.Context, office: Office) -> None:
    """Write the broker's rules anew, and say how it gets to know them."""
    write_broker_rules(context, office)
    tell_where(office)


def write_broker_rules(context: typer.Context, office: Office) -> None:
    """Write the broker's rules anew."""
    write_rules = _rule_writer()
    if write_rules is not None:
        write_rules(office.register, office.folder.broker, Reach.of(context).settings.root)


def tell_where(office: Office) -> None:
    """Say how the broker gets to know what has changed."""
    show.line(
        f"For the broker: copy what is in {office.folder.broker} to its machine, and let it read "
        "that: kill -HUP"
    )


def ending(end: float | None) -> str:
    """Write when a certificate ends: the day, and in how many days."""
    if end is None:
        return "-"
    left = round((end - time.time()) / DAY)
    when = f"in {left} d" if left >= 0 else f"{-left} d ago"
    return f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d} ({when})"


def _rule_writer() -> Any:
    try:
        return importlib.import_module("pyros_mqtt.access.rules").write_rules
    except ModuleNotFoundError:  # a broker whose rules are written by hand
        return None
