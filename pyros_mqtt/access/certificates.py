"""What the certificates of an observatory look like; needs the extra `access`.

Keys are ECDSA P-256, which the TLS of microcontrollers understands as well.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyros_mqtt.access import disk
from pyros_mqtt.errors import AccessError, MissingExtra

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    raise MissingExtra("pyros access", "access") from None

EARLY = timedelta(hours=1)
"""Certificates begin so long before they are made, for machines whose clocks are behind."""

LONGEST = 64
"""Characters of a subject's words (RFC 5280, appendix A.1)."""

NO_USAGE = dict.fromkeys(
    (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    ),
    False,
)  # fmt: skip

_DNS_NAME = re.compile(r"(?=.{1,253}\Z)[a-zA-Z0-9_-]{1,63}(\.[a-zA-Z0-9_-]{1,63})*")

Key = ec.EllipticCurvePrivateKey
Certificate = x509.Certificate
Revocations = x509.CertificateRevocationList


def new_key() -> Key:
    """Make a key."""
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(key: Key | ed25519.Ed25519PrivateKey) -> bytes:
    """Write a key as PKCS8 PEM, without a passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def text_of(certificate: Certificate | Revocations) -> bytes:
    """Write a certificate or a revocation list as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def name_of(common: str, observatory: str = "") -> x509.Name:
    """Make the subject of a certificate."""
    words = [x509.NameAttribute(NameOID.COMMON_NAME, common[:LONGEST])]
    if observatory:
        words.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, observatory[:LONGEST]))
    return x509.Name(words)


def common_name(certificate: Certificate) -> str:
    """The name that a certificate is for."""
    (found,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found.value)


def authority(observatory: str, key: Key, days: float) -> Certificate:
    """Make the authority's own certificate."""
    subject = name_of(f"{observatory} access authority", observatory)
    public = key.public_key()
    builder = _begun(subject, subject, public, datetime.now(UTC) + timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.add_extension(
        _usage("key_cert_sign", "crl_sign"), critical=True
    ).sign(key, hashes.SHA256())  # fmt: skip


def client(name: str, key: Key, parent: Certificate, signer: Key, days: float) -> Certificate:
    """Make the certificate by which `name` is known to the broker."""
    return _leaf(name, key, parent, signer, days, ExtendedKeyUsageOID.CLIENT_AUTH, ())


def server(
    hosts: Sequence[str], key: Key, parent: Certificate, signer: Key, days: float
) -> Certificate:
    """Make the broker's certificate, under all names and addresses that it is reached by."""
    names = [_host(one) for one in hosts]
    return _leaf(hosts[0], key, parent, signer, days, ExtendedKeyUsageOID.SERVER_AUTH, names)


def load(file: Path) -> Certificate:
    """Read a certificate.

    Raises:
        AccessError: it is none.
    """
    text = disk.read(file)
    try:
        return x509.load_pem_x509_certificate(text)
    except ValueError:
        raise AccessError(f"{file}: is not a certificate in PEM") from None


def load_revocations(file: Path) -> Revocations:
    """Read a list of what is revoked.

    Raises:
        AccessError: it is none.
    """
    text = disk.read(file)
    try:
        return x509.load_pem_x509_crl(text)
    except ValueError:
        raise AccessError(f"{file}: is not a list of revocations in PEM") from None


def load_key(file: Path) -> Any:
    """Read a private key.

    Raises:
        AccessError: it is none.
    """
    text = disk.read(file)
    try:
        return serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError):
        raise AccessError(f"{file}: is not a key in PEM without a passphrase") from None


def is_server(certificate: Certificate) -> bool:
    """It is a broker's, not that of one who connects."""
    use = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return ExtendedKeyUsageOID.SERVER_AUTH in use


def check_hosts(hosts: Iterable[str]) -> None:
    """See that a broker's certificate can be made for these.

    Raises:
        AccessError: one of them is no name or address.
    """
    for one in hosts:
        _host(one)


def hosts_of(certificate: Certificate) -> list[str]:
    """The names and addresses that a broker's certificate is for, the first first."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(one.value) for one in found.value]


def revocations(
    old: Revocations | None,
    more: Iterable[int],
    parent: Certificate,
    signer: Key,
) -> Revocations:
    """Make the list of what is not valid any more: the old one, and more serial numbers.

    It is good until its authority ends: a broker takes nobody in whose list is out of date.
    """
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=parent.subject, last_update=now - EARLY, next_update=parent.not_valid_after_utc
    )
    known = {one.serial_number: one for one in old or ()}
    for serial in more:
        entry = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=now)
        known.setdefault(serial, entry.build())
    for one in known.values():
        builder = builder.add_revoked_certificate(one)
    number = 1 + (_number(old) if old else 0)
    return builder.add_extension(x509.CRLNumber(number), critical=False).sign(
        signer, hashes.SHA256()
    )


def _number(old: Revocations) -> int:
    return old.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def _leaf(  # noqa: PLR0913, PLR0917 - what a certificate says
    name: str,
    key: Key,
    parent: Certificate,
    signer: Key,
    days: float,
    use: x509.ObjectIdentifier,
    hosts: Sequence[x509.GeneralName],
) -> Certificate:
    end = min(datetime.now(UTC) + timedelta(days=days), parent.not_valid_after_utc)
    builder = _begun(name_of(name), parent.subject, key.public_key(), end)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_usage("digital_signature"), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _begun(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=public,
        serial_number=x509.random_serial_number(),
        not_valid_before=min(datetime.now(UTC), end) - EARLY,
        not_valid_after=end,
    )
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{**NO_USAGE, **dict.fromkeys(allowed, True)})


def _host(name: str) -> x509.GeneralName:
    """An address, or a name in ASCII as it stands in the DNS."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    if not _DNS_NAME.fullmatch(name):
        raise AccessError(
            f"{name!r} is no host's name or address: right would be control.t60.example or 10.0.0.7"
        )
    return x509.DNSName(name)
