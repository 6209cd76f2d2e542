"""Where identities are given out, renewed and taken back: register, authority and keys as one.

Needs the extra `access`. If the machine stops in the middle, the same call, or `rotate` for one who
was entered and has no certificate yet, puts it right.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Self

from pyros_mqtt.access import certificates, disk, editing, trust
from pyros_mqtt.access.authority import Authority
from pyros_mqtt.access.folder import NOT_FOR_PEOPLE, Folder
from pyros_mqtt.access.passwords import hashed, kept_passwords
from pyros_mqtt.access.register import Identity, Register
from pyros_mqtt.access.standing import Standing, standings
from pyros_mqtt.errors import AccessError
from pyros_mqtt.topics import check_name

DAYS = 365.0
"""For which a certificate is good, unless somebody says otherwise."""

SERVER_DAYS = 825.0
"""The broker's is good for longer, for nobody gets in when it has ended."""

SHORTEST = 12
"""Characters of a password."""

HERE = ("localhost", "127.0.0.1", "::1")
"""Under these names a broker is reached from its own machine."""


class Office:
    """An observatory's access folder, opened for work."""

    def __init__(self, folder: Path) -> None:
        self.folder = Folder(folder)

    @classmethod
    def found(cls, folder: Path, observatory: str, hosts: list[str]) -> Self:
        """Make the authority, or take up the one that is there, and the broker's certificate.

        Without `hosts` a broker's certificate that is there stays as it is.

        Raises:
            AccessError: a host's name is none, or the disk does not take it.
        """
        certificates.check_hosts(hosts)  # before anything is made
        office = cls(folder)
        with office.folder.changing():
            if not (office.folder.authority / "ca.key").exists():
                Authority.create(office.folder.authority, observatory)
            editing.create(office.folder.register)
            if hosts:
                office._equip_broker(hosts)
            office._tell_broker(office.authority)
        return office

    @property
    def register(self) -> Register:
        """Who may do what, as it is written now."""
        return Register.read(self.folder.register)

    @property
    def authority(self) -> Authority:
        """Who signs."""
        return Authority.open(self.folder.authority)

    @property
    def broker_hosts(self) -> list[str]:
        """The names that the broker is reached by, the first first; empty before it has any."""
        file = self.folder.server_certificate
        return certificates.hosts_of(certificates.load(file)) if file.exists() else []

    def add(
        self, name: str, identity: Identity, days: float = DAYS, password: str | None = None
    ) -> Register:
        """Enter somebody, with a certificate or with a password.

        Raises:
            BadName: the name breaks the rule.
            AccessError: the name is taken, or the role is not known, or the password too short;
                or there are certificates of one who had this name, and would be let in again.
        """
        if check_name("identity", name) in NOT_FOR_PEOPLE or name in self.broker_hosts:
            raise AccessError(
                f"{name!r} is the authority's or the broker's own name: choose another one"
            )
        if identity.password:
            _check(name, password)
        with self.folder.changing():
            authority = self.authority  # before anything is written
            if name not in self.register.identities:
                _check_unused(authority, name)
            register = editing.enter(self.folder.register, name, identity)
            if identity.password:
                self._keep_passwords(register, (name, hashed(_check(name, password))))
            else:
                self._give_certificate(authority, name, days)
                if register.inboxes(name):
                    self._give_signing_key(name)
        return register

    def revoke(self, name: str) -> int:
        """Take somebody's certificates, password and rights back; how many certificates.

        Also of one who was struck off `access.toml` by hand.

        Raises:
            AccessError: there is nobody of this name, and no certificate.
        """
        with self.folder.changing():
            authority = self.authority
            serials = self._valid(authority, name)
            if not serials:
                self._known(name)
            self._revoke(authority, serials)
            if name in self.register.identities:
                editing.strike(self.folder.register, name)
            self._keep_passwords(self.register)
            shutil.rmtree(self.folder.certificate(name).parent, ignore_errors=True)
            return len(serials)

    def rotate(
        self, name: str, days: float = DAYS, *, now: bool = False, password: str | None = None
    ) -> int:
        """Give somebody a new certificate, or a new password.

        The old certificates are good until their end; with `now` they and the key that signs are
        taken back. Gives how many were.

        Raises:
            AccessError: there is nobody of this name, or the password is too short.
        """
        with self.folder.changing():
            if self._known(name).password:
                self._keep_passwords(self.register, (name, hashed(_check(name, password))))
                return 0
            authority = self.authority
            old = self._valid(authority, name) if now else []
            self._give_certificate(authority, name, days)
            if self.register.inboxes(name) and (now or not self.folder.signing_key(name).exists()):
                self._give_signing_key(name)
            self._revoke(authority, old)
            return len(old)

    def needs_password(self, name: str) -> bool:
        """Say whether somebody comes by a password.

        Raises:
            AccessError: there is nobody of this name.
        """
        return self._known(name).password

    def signing_keys(self) -> dict[str, str]:
        """The public keys of those whose commands are signed, by name."""
        files = {one: self.folder.signing_key(one) for one in self.register.identities}
        return {
            name: trust.public_text(certificates.load_key(file))
            for name, file in files.items()
            if file.exists()
        }

    def trusting(self, name: str) -> list[str]:
        """The agents whose `trust.toml` may name somebody's key: all, if nobody knows her rights.

        They take what it signs until they have another bundle, whatever is revoked.
        """
        register = self.register
        if not self.folder.signing_key(name).exists():
            return []
        is_known = name in register.identities
        return [
            one
            for one in register.agents
            if one != name and (not is_known or register.messages(name, one))
        ]

    def standings(self, now: float) -> list[Standing]:
        """Say how the certificates and passwords of everybody stand.

        Raises:
            AccessError: the register or a certificate cannot be read.
        """
        register = self.register
        files = [self.folder.certificate(one) for one in register.identities]
        files = [one for one in (*files, self.folder.server_certificate) if one.exists()]
        current = {certificates.load(one).serial_number for one in files}
        return standings(register, self.authority.issued(), current, now)

    # -- inside, while nobody else changes anything -------------------------------------------

    def _known(self, name: str) -> Identity:
        known = self.register.identities.get(name)
        if known is None:
            raise AccessError(
                f"{name!r} is not in {self.folder.register}; `pyros access list` shows who is"
            )
        return known

    def _valid(self, authority: Authority, name: str) -> list[int]:
        return [
            one.serial
            for one in authority.issued()
            if one.name == name and not one.revoked and not one.is_server
        ]

    def _give_certificate(self, authority: Authority, name: str, days: float) -> None:
        certificate, key = authority.issue(name, days)
        disk.private(self.folder.key(name).parent)
        disk.write(self.folder.key(name), key, secret=True)
        disk.write(self.folder.certificate(name), certificate)

    def _give_signing_key(self, name: str) -> None:
        text = certificates.pem_of(trust.new_key())
        disk.write(self.folder.signing_key(name), text, secret=True)

    def _equip_broker(self, hosts: list[str]) -> None:
        names = list(dict.fromkeys([*hosts, *HERE]))
        certificate, key = self.authority.issue_server(names, SERVER_DAYS)
        disk.write(self.folder.broker / "server.key", key, secret=True)
        disk.write(self.folder.server_certificate, certificate)

    def deliver(self, place: Path) -> int:
        """Put what the broker has to know where it reads it, and say how many files that are.

        The group of that folder may read them, for a broker is a user of its own.

        Raises:
            AccessError: there is no such folder, or it cannot be written.
        """
        if not place.is_dir():
            raise AccessError(
                f"there is no folder {place}: deploy/systemd/install makes the broker's"
            )
        files = [one for one in sorted(self.folder.broker.iterdir()) if one.is_file()]
        for one in files:
            disk.write(place / one.name, disk.read(one), group=place.stat().st_gid)
        return len(files)

    def tell_broker(self) -> None:
        """Give the broker's folder the authority's certificate and list of revocations again."""
        with self.folder.changing():
            self._tell_broker(self.authority)

    def _revoke(self, authority: Authority, serials: list[int]) -> None:
        authority.revoke(serials)
        self._tell_broker(authority)

    def _keep_passwords(self, register: Register, new: tuple[str, str] | None = None) -> None:
        text = kept_passwords(self.folder.passwords, register, new)
        disk.write(self.folder.passwords, text, secret=True)

    def _tell_broker(self, authority: Authority) -> None:
        """Lay what the broker has to know into its folder; it reads it at its next SIGHUP."""
        disk.write(self.folder.broker / "ca.crt", disk.read(authority.file))
        disk.write(self.folder.revocations, disk.read(authority.revocation_file))


def _check_unused(authority: Authority, name: str) -> None:
    now = time.time()
    live = [one for one in authority.issued() if one.name == name and one.counts(now)]
    if live:
        raise AccessError(
            f"{len(live)} certificate(s) of an earlier {name!r} still count, and would be let in "
            f"again: `pyros access revoke {name}` first"
        )


def _check(name: str, password: str | None) -> str:
    if password is None or len(password) < SHORTEST or not password.isprintable():
        raise AccessError(f"the password for {name!r}: give at least {SHORTEST} characters")
    return password
