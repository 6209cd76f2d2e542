"""An observatory with closed doors: an authority, certificates, and mosquitto as it is shipped."""

from __future__ import annotations

import datetime as dt
import functools
import os
import re
import signal
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pyros_mqtt.access import Register
from pyros_mqtt.access.passwords import hashed
from pyros_mqtt.access.rules import PASSWORDS, write_rules
from pyros_mqtt.broker.ports import any_free_port
from pyros_mqtt.settings import BrokerUrl
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.raw_mqtt import RawClient

CONFIGURATION = Path(__file__).parents[2] / "mosquitto" / "observatory.conf"
DAY = dt.timedelta(days=1)

SECRET = "correct-horse-battery"
"""Everybody's password."""


class Authority:
    """A certificate authority, and the certificates that it has made, in one folder."""

    def __init__(self, folder: Path, name: str = "observatory") -> None:
        self.folder = folder
        folder.mkdir()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._serials: dict[str, int] = {}
        self._lists = 0
        builder = self._builder(self._name, self._key, DAY, 365 * DAY)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        made = builder.sign(self._key, hashes.SHA256())
        (folder / "ca.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self.revoke()

    def issue(self, name: str, *, host: str = "", days: int = 90) -> None:
        """Make `name.crt` and `name.key`; with negative `days` it has ended already."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key, 20 * DAY, days * DAY)
        if host:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            builder = builder.add_extension(names, critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        self._serials[name] = made.serial_number
        (self.folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        file = self.folder / f"{name}.key"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        file.chmod(0o600)

    def revoke(self, *names: str) -> None:
        """Write `revoked.crl` anew, with these and nobody else."""
        now = dt.datetime.now(dt.UTC)
        self._lists += 1
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(now - DAY + dt.timedelta(seconds=self._lists))
            .next_update(now + DAY)
        )
        for name in names:
            one = x509.RevokedCertificateBuilder().serial_number(self._serials[name])
            builder = builder.add_revoked_certificate(one.revocation_date(now - DAY).build())
        made = builder.sign(self._key, hashes.SHA256())
        (self.folder / "revoked.crl").write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def context(
        self, name: str | None = None, *, trusts: Authority | None = None
    ) -> ssl.SSLContext:
        """Speak TLS with the certificate of `name`, or with none."""
        made = ssl.create_default_context(cafile=(trusts or self).folder / "ca.crt")
        if name is not None:
            made.load_cert_chain(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        return made

    def settings(self, name: str) -> dict[str, str]:
        """The settings of whoever has this certificate."""
        return {
            "ca_file": str(self.folder / "ca.crt"),
            "cert_file": str(self.folder / f"{name}.crt"),
            "key_file": str(self.folder / f"{name}.key"),
        }

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        before: dt.timedelta,
        after: dt.timedelta,
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - before)
            .not_valid_after(now + after)
        )


class ClosedMosquitto(OwnMosquitto):
    """Runs with `observatory.conf`, on the loopback; the folder becomes its /etc/pyros-broker.

    Attributes:
        url: of the listener for certificates; `devices` and `browsers` are the other two.
        witness: of a listener that has no rules, for whoever looks at all that passes.
    """

    def __init__(self, folder: Path, register: Register, root: str, **more: str) -> None:
        self.folder = folder
        self.register = register
        self.root = root
        super().__init__(folder)
        self.authority = Authority(folder / "authority")
        self.authority.issue("server", host="localhost", days=10)
        self.url = BrokerUrl("mqtts", "localhost", any_free_port())
        self.devices = BrokerUrl("mqtt", "127.0.0.1", any_free_port())
        self.browsers = BrokerUrl("wss", "localhost", any_free_port(), "/mqtt")
        self.port = any_free_port()  # it opens last, so the others are open when it answers
        self.witness = BrokerUrl("mqtt", "127.0.0.1", self.port)
        self.apply()
        self._file.write_text(self._configuration(more))

    def apply(self) -> None:
        """Write the rules, and a password for each who may have one."""
        write_rules(self.register, self.folder, self.root)
        names = [name for name, one in self.register.identities.items() if one.password]
        lines = [f"{name}:{_hashed()}\n" for name in names]
        (self.folder / PASSWORDS).write_text("".join(lines))

    def read_again(self) -> None:
        """Let the running broker read rules, passwords and certificates anew."""
        self.send(signal.SIGHUP)

    def client(self, name: str, client_id: str = "") -> RawClient:
        """Connect with a certificate."""
        return RawClient(self.url, client_id, tls=self.context(name))

    def context(self, name: str) -> ssl.SSLContext:
        """Speak TLS with the certificate of `name`, which is made where there is none yet."""
        if not (self.authority.folder / f"{name}.crt").exists():
            self.authority.issue(name)
        return self.authority.context(name)

    def _configuration(self, more: dict[str, str]) -> str:
        text = CONFIGURATION.read_text("utf-8")
        for port, there in (
            (8883, f"{self.url.port} 127.0.0.1"),
            ("1884 127.0.0.1", f"{self.devices.port} 127.0.0.1"),
            (8884, f"{self.browsers.port} 127.0.0.1"),
        ):
            line = re.compile(rf"^listener {port}$", re.MULTILINE)
            text, count = line.subn(f"listener {there}", text)
            assert count == 1, f"observatory.conf has no listener {port} any more"
        place = "/etc/pyros-broker/"
        for name in ("ca.crt", "server.crt", "server.key", "revoked.crl"):
            text = text.replace(place + name, str(self.authority.folder / name))
        text = text.replace(place, f"{self.folder}/")
        text += f"\nlistener {self.port} 127.0.0.1\nallow_anonymous true\n"
        if os.geteuid() == 0:
            more = {"user": "root"} | more  # or it could not read the files of this test
        return text + "".join(f"{key} {value}\n" for key, value in more.items())


@functools.cache
def _hashed() -> str:
    return hashed(SECRET)
