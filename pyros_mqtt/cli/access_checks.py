"""What the doctor looks at of who may do what: signatures, people, and the rules' age."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pyros_mqtt.cli.finding import Finding, bad, ok, warn

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings

BROKER = Path("/etc/pyros-broker")
"""Where the broker of this machine reads its rules: deploy/systemd."""

SIGNED = "docs/how-to/signed-commands.md"


def here(settings: Settings, broker: Path = BROKER) -> Iterator[Finding]:
    """Look at what is set on this machine."""
    yield from signatures(settings)
    yield from guarded(settings)
    yield from people(settings)
    yield from rules(settings, broker)


def signatures(settings: Settings) -> Iterator[Finding]:
    """Look whether agents of this machine take what is not signed."""
    each = {name: settings.of_agent(name) for name in settings.identities}
    for name, own in {"": settings, **each}.items():
        who = name or "agents here"
        level = "off" if own.trust_file is None else own.signatures or "required"
        if name and own.trust_file == settings.trust_file:
            continue  # as all others
        if level == "required":
            yield ok(f"{who}: signatures are required")
        else:
            text = f"{who}: signatures are {level}: whoever owns the broker's host can command"
            yield warn(text, f"`pyros access bundle NAME --signed`: {SIGNED}")
    if settings.unsigned_urgent and settings.trust_file is not None:
        text = "unsigned_urgent: whoever reaches an inbox can abort and close"
        yield warn(text, f"leave it out, unless a plain button needs it: {SIGNED}")


def guarded(settings: Settings) -> Iterator[Finding]:
    """Look whether others of this machine can write down whom we trust."""
    from pyros_mqtt.access.people import people_path
    from pyros_mqtt.access.place import access_file

    trust = [settings.trust_file, *(one.trust_file for one in settings.identities.values())]
    named = [*trust, access_file(settings), people_path(settings.state_dir)]
    for file in dict.fromkeys(one for one in named if one is not None and one.is_file()):
        if file.stat().st_mode & 0o002:
            text = f"{file} says who may do what, and everybody here can write it"
            yield bad(text, f"chmod o-w {file}")
    for file in settings.files:
        if file.is_file() and file.stat().st_mode & 0o002:
            text = f"{file} says which programs run here, and everybody here can write it"
            yield bad(text, f"chmod o-w {file}")


def people(settings: Settings) -> Iterator[Finding]:
    """Look whether the dashboard asks for a name, where others than this machine reach it."""
    from pyros_mqtt.access.people import people_path, read_people
    from pyros_mqtt.errors import AccessError

    try:
        file = people_path(settings.state_dir)
        known = read_people(file)
        is_closed = bool(known) or file.exists()
    except AccessError as problem:
        yield bad(str(problem), "mend that file, or `pyros people` writes it")
        return
    host = settings.dashboard_host
    if known:
        yield ok(f"the dashboard asks for a name: {len(known)} may log in")
    elif is_closed:
        yield warn(f"{file} names nobody, so nobody sees the dashboard", "`pyros people add NAME`")
    elif not host.startswith(("127.", "::1", "localhost")):
        text = f"the dashboard at {host} shows everything to everybody: there are no people"
        yield bad(text, "`pyros people add NAME --role viewer`: docs/how-to/dashboard.md")


def rules(settings: Settings, broker: Path = BROKER) -> Iterator[Finding]:
    """Look whether the broker's rules say what `access.toml` says now."""
    from pyros_mqtt.access import Register
    from pyros_mqtt.access.folder import Folder
    from pyros_mqtt.access.place import access_folder
    from pyros_mqtt.access.rules import differing
    from pyros_mqtt.errors import AccessError

    folder = Folder(access_folder(settings))
    if not os.path.isfile(folder.register):  # noqa: PTH113 - never raises
        return
    try:
        register = Register.read(folder.register)
        for place, mend in ((folder.broker, "apply"), (broker, f"apply --to {broker}")):
            if not os.access(place, os.R_OK | os.X_OK):
                continue
            if other := differing(register, place, settings.root):
                names = ", ".join(other)
                text = f"{names} in {place} do not say what {folder.register} says by now"
                yield bad(text, f"`pyros access {mend}`, and let the broker read it")
            else:
                yield ok(f"the rules in {place} are those of access.toml")
    except AccessError as problem:
        yield bad(str(problem), "`pyros access check` looks again")
