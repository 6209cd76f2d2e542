"""Changing `access.toml` as a careful person would: comments and order stay."""

from __future__ import annotations

from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from pyros_mqtt.access import disk
from pyros_mqtt.access.register import Identity, Register
from pyros_mqtt.errors import AccessError

BEGINNING = """\
# Who may do what in this observatory. `pyros access roles` shows what each role may;
# `pyros access check` looks for mistakes after this file was edited by hand.
#
# The built-in roles are viewer, operator, agent, scheduler and engineer. One of your own:
#
# [roles.student]
# views = true
# commands = { telescope = ["goto", "park"], camera = ["*"] }
"""


def create(file: Path) -> None:
    """Write a file in which nobody is named yet, where there is none."""
    if not file.exists():
        disk.write(file, BEGINNING)


def enter(file: Path, name: str, identity: Identity) -> Register:
    """Add an identity, and give the register as it is then.

    Raises:
        AccessError: there is one of this name, or the file would be wrong then.
    """
    if name in Register.read(file).identities:
        raise AccessError(
            f"{name!r} is in {file} already: `pyros access rotate {name}` gives it a new "
            f"certificate, `pyros access revoke {name}` takes it away"
        )
    document = _read(file)
    row = tomlkit.table()
    row.update(identity.model_dump(exclude_defaults=True))
    document.setdefault("identities", tomlkit.table(is_super_table=True)).append(name, row)
    return _save(file, tomlkit.dumps(document))


def strike(file: Path, name: str) -> Register:
    """Take an identity away, and give the register as it is then.

    Raises:
        AccessError: it is not there, or the file cannot be read or written.
    """
    if name not in Register.read(file).identities:
        raise AccessError(f"{name!r} is not in {file}; `pyros access list` shows who is")
    document = _read(file)
    document["identities"].remove(name)
    return _save(file, tomlkit.dumps(document))


def _read(file: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(disk.read(file).decode("utf-8-sig"))
    except (TOMLKitError, UnicodeDecodeError) as problem:
        raise AccessError(f"{file}: is not valid TOML: {problem}") from None


def _save(file: Path, text: str) -> Register:
    """Write it, unless it would be wrong."""
    text = text.rstrip() + "\n"
    made = Register.parse(text, str(file))
    disk.write(file, text)
    return made
