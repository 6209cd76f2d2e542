"""The broker's password file: mosquitto's form, PBKDF2 with SHA-512 (`mosquitto_passwd` writes it).

A password is made here, shown once and kept as a hash. It has so much chance in it that nobody
guesses it from the hash, so few rounds are enough; many would let a flood of wrong passwords keep
the broker, which has one thread, from its work.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from pathlib import Path

from pyros_mqtt.access.register import Register
from pyros_mqtt.errors import AccessError

_ROUNDS = 1000
_SALT_BYTES = 12
_PASSWORD_BYTES = 24


def made_up_password() -> str:
    """Make a password that nobody guesses: 32 letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


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
