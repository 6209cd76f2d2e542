"""`people.toml`: who may log in at the dashboard, with which role, and the hash of her password.

Passwords themselves are nowhere. The file belongs to its user alone, and is replaced whole.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pyros_mqtt.access import disk
from pyros_mqtt.access.register import Name
from pyros_mqtt.errors import AccessError, MissingExtra
from pyros_mqtt.settings import access_tables

SHORTEST = 8
LONGEST = 1000
"""Characters of a password; beyond, hashing it would only cost time."""

_HASH = "$argon2"


def _hashed(value: str) -> str:
    if value and not value.startswith(_HASH):
        raise ValueError("must be a hash by argon2: pyros people password NAME makes it")
    return value


class Account(BaseModel):
    """One person: her role, and the hash of her password; empty: a proxy says who she is."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    role: Name
    password: Annotated[str, AfterValidator(_hashed)] = Field(default="", repr=False)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    people: dict[Name, Account] = Field(default_factory=dict)


def people_path(state_dir: Path) -> Path:
    """Where the people of one machine's dashboard are written."""
    return state_dir / "people.toml"


def read_people(file: Path) -> dict[str, Account]:
    """Read everyone; nobody where there is no file.

    Raises:
        AccessError: it cannot be read, or says something wrong; a line each, never a hash.
    """
    return access_tables.read(file, _File, _known).people if file.exists() else {}


def write_people(file: Path, people: dict[str, Account]) -> None:
    """Write everyone, for the file's user alone; a reader sees the old file or the new one.

    Raises:
        AccessError: the disk does not take it.
    """
    text = "# Written by `pyros people`.\n" + "".join(map(_section, sorted(people.items())))
    disk.private(file.parent)
    disk.write(file, text, secret=True)


def hashed(password: str) -> str:
    """Hash a password by argon2id; takes some 50 ms and 64 MiB, on purpose.

    Raises:
        AccessError: it is too short or too long.
        MissingExtra: argon2-cffi is not installed.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccessError(f"a password has {SHORTEST} to {LONGEST} characters")
    return str(_hasher().hash(password))


def check_hashing() -> None:
    """See to it that passwords can be looked at, before anybody wants to log in.

    Raises:
        MissingExtra: argon2-cffi is not installed.
    """
    _hasher()


def is_right(password: str, known: str) -> bool:
    """Say whether a password is the one that was hashed; takes as long where there is none."""
    hasher = _hasher()
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        return bool(hasher.verify(known or _nobodys(), password[:LONGEST])) and bool(known)
    except (Argon2Error, InvalidHashError):
        return False


_NOBODYS: list[str] = []


def _nobodys() -> str:
    """A hash that no password has, so that a name that is not there costs the same time."""
    if not _NOBODYS:
        _NOBODYS.append(_hasher().hash(os.urandom(16)))
    return _NOBODYS[0]


def _hasher() -> Any:
    try:
        from argon2 import PasswordHasher
    except ModuleNotFoundError:
        raise MissingExtra("a login by password", "dashboard") from None
    return PasswordHasher()


def _section(one: tuple[str, Account]) -> str:
    name, account = one
    lines = [f"\n[people.{name}]", f'role = "{account.role}"']
    if account.password:
        lines.append(f'password = "{account.password}"')
    return "\n".join(lines) + "\n"


def _known(path: tuple[str, ...]) -> Any:
    return Account.model_fields if path else _File.model_fields
