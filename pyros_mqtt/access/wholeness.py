"""Whether an access folder is whole: a machine may stop in the middle, and people edit files."""

from __future__ import annotations

import time
from collections.abc import Iterator

from pyros_mqtt.access import certificates, disk
from pyros_mqtt.access.folder import Folder
from pyros_mqtt.access.office import Office
from pyros_mqtt.errors import AccessError


def check_named(office: Office) -> None:
    """See that somebody is in the register, if there are certificates that count.

    Raises:
        AccessError: nobody is; rules made of that would shut everybody out.
    """
    now = time.time()
    names = sorted({one.name for one in office.authority.issued() if one.counts(now)})
    if names and not office.register.identities:
        raise AccessError(
            f"{office.folder.register} names nobody, and certificates of {', '.join(names)} still "
            "count: take the file from a copy, or `pyros access revoke` each of them"
        )


def check_pair(folder: Folder, name: str) -> None:
    """See that somebody's key is the one of her certificate.

    Raises:
        AccessError: it is not, or one of them is missing.
    """
    certificate = certificates.load(folder.certificate(name))
    if certificates.load_key(folder.key(name)).public_key() != certificate.public_key():
        raise AccessError(
            f"{name}: its key is not that of its certificate, for renewing it was not finished; "
            f"`pyros access rotate {name}`"
        )


def broken(office: Office) -> Iterator[str]:
    """Tell what does not fit together, and what to do about each."""
    folder = office.folder
    try:
        check_named(office)
    except AccessError as problem:
        yield str(problem)
    for name in office.register.identities:
        try:
            if folder.certificate(name).exists():
                check_pair(folder, name)
        except AccessError as problem:
            yield str(problem)
    known = disk.read(office.authority.revocation_file)
    if not folder.revocations.exists() or disk.read(folder.revocations) != known:
        yield f"{folder.revocations} is not the authority's list: `pyros access apply`"
