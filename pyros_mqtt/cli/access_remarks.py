"""What `pyros access check` has to say about an access folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pyros_mqtt.cli.access_folder import ending

if TYPE_CHECKING:
    from pyros_mqtt.access.office import Office
    from pyros_mqtt.access.standing import Standing


def remarks(office: Office, root: str) -> Iterator[str]:
    """Say all that a person has to do."""
    from pyros_mqtt.access.wholeness import broken

    yield from broken(office)
    hosts = " ".join(f"--broker-host {one}" for one in office.broker_hosts)
    for one in office.standings(time.time()):
        yield from _of_one(one, hosts)
    yield from _rules(office, root)
    yield from _authority(office.authority.file)


def _of_one(one: Standing, hosts: str) -> Iterator[str]:
    from pyros_mqtt.access import expiry

    renew = f"pyros access {f'init {hosts}' if one.role == 'broker' else f'rotate {one.name}'}"
    if one.is_stray:
        yield (
            f"{one.name}: is not in access.toml, and has a certificate that counts until "
            f"{ending(one.end)}; `pyros access revoke {one.name}`"
        )
    elif one.state == "missing":
        yield f"{one.name}: has no certificate; `{renew}`"
    elif one.state in {"valid", "ended"} and one.end and expiry.severity_of(one.end - time.time()):
        ends = "ends" if one.state == "valid" else "has ended"
        yield f"{one.name}: its certificate {ends}: {ending(one.end)}; `{renew}`"


def _rules(office: Office, root: str) -> Iterator[str]:
    from pyros_mqtt.access.rules import differing

    if other := differing(office.register, office.folder.broker, root):
        yield (
            f"{', '.join(other)} in {office.folder.broker} do not say what access.toml says: "
            "`pyros access apply`"
        )


def _authority(file: Path) -> Iterator[str]:
    from pyros_mqtt.access import expiry

    end = expiry.end_of(file)
    if expiry.severity_of(end - time.time()) is not None:
        yield f"the authority itself ends on {ending(end)}: begin a new one in another folder"
