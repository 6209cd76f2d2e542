"""The broker's password file: mosquitto's form, PBKDF2 with SHA-512 (as `mosquitto_passwd` does).

Passwords are typed by people, so whoever steals the file can try words: rounds make tries dearer.
But the broker, which has one thread, does them at each login. mosquitto 2.0.11, which reads their
number from the file, took 1 ms for 1,000 of them, 7 ms for 10,000 and 67 ms for 100,000: with the
last, a hundred devices that come back together, or a few wrong passwords a second, would hold up
every command.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from pathlib import Path

from pyros_mqtt.access.register import Register
from pyros_mqtt.errors import AccessError

_ROUNDS = 10_000
_SALT_BYTES = 12


def hashed(password: str) -> str:
    """Give what stands after the name in a line of the password file."""
    salt = secrets.token_bytes(_SALT_BYTES)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"$7${_ROUNDS}${_base64(salt)}${_base64(made)}"


def kept_passwords(file: Path, register: Register, new: tuple[str, str] | None = None) -> str:
    """Give the password file for those who may come by a password, with `new` (name, hash) added.

    Raises:
        AccessError: the file is there and cannot be read.
    """
    known = _read(file)
    if new is not None:
        known[new[0]] = new[1]
    allowed = {name for name, one in register.identities.items() if one.password}
    return "".join(f"{name}:{known[name]}\n" for name in sorted(allowed & known.keys()))


def _read(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as problem:
        raise AccessError(f"{file}: cannot be read: {problem}") from None
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
