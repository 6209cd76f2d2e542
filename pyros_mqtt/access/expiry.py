"""When a certificate ends, read with nothing but Python: agents' machines need no more packages.

Python's `ssl` tells the end of a peer's certificate and of authorities', not of one's own. So the
few bytes of the certificate's head are walked here: RFC 5280, section 4.1, written in DER.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pyros_mqtt.access import disk
from pyros_mqtt.errors import AccessError

DAY = 86_400.0

WARNINGS = ((1, "critical"), (7, "serious"), (30, "warning"))
"""So many days before the end somebody is told, and how urgently."""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18
_LONG = 0x80


def severity_of(left: float) -> str | None:
    """How urgent it is that a certificate with `left` seconds is renewed; None: not yet."""
    return next((severity for days, severity in WARNINGS if left <= days * DAY), None)


def end_of(file: Path) -> float:
    """When the first certificate of a file ends, in POSIX seconds.

    Of a file with several the first is its owner's; the rest leads to the authority.

    Raises:
        AccessError: it cannot be read, or holds no certificate.
    """
    found = _PEM.search(disk.read(file).decode("latin-1"))
    if found is None:
        raise AccessError(f"{file}: there is no certificate in PEM in it")
    try:
        return _end(ssl.PEM_cert_to_DER_cert(found[0]))
    except (ValueError, IndexError) as problem:
        raise AccessError(f"{file}: holds no certificate that can be read: {problem}") from None


def _end(der: bytes) -> float:
    ((_, certificate),) = _parts(der)
    _, signed = next(_parts(certificate))
    fields = [part for part in _parts(signed) if part[0] != _VERSION]
    _, validity = fields[3]  # after serial number, algorithm and issuer
    _, (kind, moment) = _parts(validity)
    shape = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}.get(kind)
    if shape is None:
        raise ValueError("its end is no time")
    return datetime.strptime(moment.decode("ascii"), shape).replace(tzinfo=UTC).timestamp()


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Walk over the elements of a DER sequence: tag and content."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length >= _LONG:
            count = length - _LONG
            length, at = int.from_bytes(der[at : at + count], "big"), at + count
        if at + length > len(der):
            raise ValueError("it is cut off")
        yield tag, der[at : at + length]
        at += length
