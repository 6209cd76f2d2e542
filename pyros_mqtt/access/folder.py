"""Where everything is in an observatory's access folder."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyros_mqtt.access import disk
from pyros_mqtt.errors import AccessError

NOT_FOR_PEOPLE = frozenset({"anonymous", "ca"})
"""Names that mean others: the authority's files, and in a broker's log whoever has no name."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The paths below one access folder."""

    path: Path

    @property
    def register(self) -> Path:
        """Who may do what."""
        return self.path / "access.toml"

    @property
    def authority(self) -> Path:
        """The authority: `ca.crt`, `ca.key`, `crl.pem`, `issued/`."""
        return self.path / "authority"

    @property
    def broker(self) -> Path:
        """What the broker's machine gets: certificates, revocations, rules, passwords."""
        return self.path / "broker"

    @property
    def passwords(self) -> Path:
        """The hashes of those who come by a password, in mosquitto's form."""
        return self.broker / "passwords"

    @property
    def revocations(self) -> Path:
        """The broker's copy of the list of what is revoked."""
        return self.broker / "revoked.crl"

    @property
    def server_certificate(self) -> Path:
        """The broker's own certificate."""
        return self.broker / "server.crt"

    def certificate(self, name: str) -> Path:
        """The latest certificate of an identity."""
        return self.path / "identities" / name / f"{name}.crt"

    def key(self, name: str) -> Path:
        """The key of that certificate."""
        return self.path / "identities" / name / f"{name}.key"

    def signing_key(self, name: str) -> Path:
        """The key by which an identity signs its commands, if it may send any."""
        return self.path / "identities" / name / f"{name}.sign.key"

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Let nobody else change anything meanwhile.

        Raises:
            AccessError: the folder cannot be written.
        """
        try:
            lock = (disk.private(self.path) / ".lock").open("ab")
        except OSError as problem:
            raise AccessError(f"{self.path}: cannot be written: {problem.strerror}") from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            disk.sweep(self.path)
            yield
