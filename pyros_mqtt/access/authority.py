"""The observatory's own certificate authority: it says who is who, and who is no longer.

Its folder has `ca.crt`, `ca.key` (whoever has that can be anybody), `crl.pem` with the serial
numbers that are revoked, and `issued/`, each certificate that was ever made, by serial number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pyros_mqtt.access import certificates, disk
from pyros_mqtt.errors import AccessError

LIFETIME = 3650.0
"""Days of the authority itself."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was made: whose it is, until when, and whether it still counts."""

    name: str
    serial: int
    end: float
    revoked: bool
    is_server: bool

    def counts(self, now: float) -> bool:
        """A broker lets in whoever shows it, if its rules have the name."""
        return not self.revoked and not self.is_server and self.end > now


class Authority:
    """Signs with its key, which never leaves its folder."""

    def __init__(
        self, folder: Path, certificate: certificates.Certificate, key: certificates.Key
    ) -> None:
        self._folder = folder
        self._key = key
        self.certificate = certificate

    @classmethod
    def create(cls, folder: Path, observatory: str, days: float = LIFETIME) -> Self:
        """Make a new one, and an empty list of what is revoked.

        Raises:
            AccessError: one is there already, or the disk does not take it.
        """
        if (folder / "ca.key").exists():
            raise AccessError(f"{folder}: there is an authority already")
        key = certificates.new_key()
        made = cls(disk.private(folder), certificates.authority(observatory, key, days), key)
        made.revoke(())
        disk.write(folder / "ca.crt", certificates.text_of(made.certificate))
        disk.write(folder / "ca.key", certificates.pem_of(key), secret=True)
        return made

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Take up the one of a folder.

        Raises:
            AccessError: there is none, or it cannot be read.
        """
        if not (folder / "ca.key").exists():
            raise AccessError(f"{folder}: there is no authority: make one with `pyros access init`")
        certificate = certificates.load(folder / "ca.crt")
        key = certificates.load_key(folder / "ca.key")
        if not isinstance(key, certificates.Key) or key.public_key() != certificate.public_key():
            raise AccessError(f"{folder}: ca.key is not the key of ca.crt")
        return cls(folder, certificate, key)

    @property
    def file(self) -> Path:
        """The certificate that everyone has to know."""
        return self._folder / "ca.crt"

    @property
    def revocation_file(self) -> Path:
        """The list that the broker has to know."""
        return self._folder / "crl.pem"

    def issue(self, name: str, days: float) -> tuple[bytes, bytes]:
        """Make a certificate for one who connects; gives it and its key, in PEM."""
        key = certificates.new_key()
        return self._issued(certificates.client(name, key, self.certificate, self._key, days), key)

    def issue_server(self, hosts: list[str], days: float) -> tuple[bytes, bytes]:
        """Make a certificate for the broker of these names and addresses.

        Raises:
            AccessError: one of them is none.
        """
        key = certificates.new_key()
        return self._issued(certificates.server(hosts, key, self.certificate, self._key, days), key)

    def revoke(self, serials: Iterable[int]) -> None:
        """Let certificates no longer be valid, from when the broker has read the list."""
        old = self._revocations() if self.revocation_file.exists() else None
        made = certificates.revocations(old, serials, self.certificate, self._key)
        disk.write(self.revocation_file, certificates.text_of(made))

    def issued(self) -> list[Issued]:
        """List every certificate that was made for others, the latest end first.

        Raises:
            AccessError: one cannot be read.
        """
        revoked = {one.serial_number for one in self._revocations()}
        found = [
            Issued(
                certificates.common_name(one),
                one.serial_number,
                one.not_valid_after_utc.timestamp(),
                revoked=one.serial_number in revoked,
                is_server=certificates.is_server(one),
            )
            for one in map(certificates.load, sorted(self._folder.glob("issued/*.crt")))
        ]
        return sorted(found, key=lambda one: one.end, reverse=True)

    def _issued(
        self, certificate: certificates.Certificate, key: certificates.Key
    ) -> tuple[bytes, bytes]:
        """Note a certificate down before anybody gets it, so that it can be revoked."""
        text = certificates.text_of(certificate)
        disk.write(self._folder / "issued" / f"{certificate.serial_number:x}.crt", text)
        return text, certificates.pem_of(key)

    def _revocations(self) -> certificates.Revocations:
        return certificates.load_revocations(self.revocation_file)
