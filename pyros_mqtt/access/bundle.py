"""The one file that is carried to a machine: everything that an identity needs there."""

from __future__ import annotations

import io
import tarfile
import time
from pathlib import Path

import tomlkit

from pyros_mqtt.access import disk, trust, wholeness
from pyros_mqtt.access.office import Office
from pyros_mqtt.errors import AccessError

PORT = 8883

README = """\
This lets {name} ({role}) in to the broker of its observatory. Keep it as you keep a key.
On its machine: pyros access unpack {name}.tar.gz
That writes the files to where `pyros` looks for its settings; --into DIR names another folder.
Then delete this file. Lost or stolen: pyros access revoke {name}
"""


def pack(office: Office, name: str, broker: str, root: str, *, signed: bool = False) -> bytes:
    """Pack the bundle of an identity.

    Args:
        office: where its certificate is.
        name: whose bundle it is.
        broker: the URL that it connects to.
        root: the topic root.
        signed: it signs its commands, and agents take none that is not signed.

    Raises:
        AccessError: there is nobody of this name, or it comes by a password, or its key and
            certificate do not fit.
    """
    if office.needs_password(name):
        raise AccessError(
            f"{name!r} comes by its password and has no certificate, so there is nothing to carry"
        )
    wholeness.check_pair(office.folder, name)
    return _packed(_files(office, name, broker, root, signed=signed))


def default_broker(office: Office) -> str:
    """The URL of the broker that the authority knows.

    Raises:
        AccessError: it knows none.
    """
    hosts = office.broker_hosts
    if not hosts:
        raise AccessError("no broker is known: `pyros access init --broker-host NAME`, or --broker")
    host = f"[{hosts[0]}]" if ":" in hosts[0] else hosts[0]
    return f"mqtts://{host}:{PORT}"


def _files(office: Office, name: str, broker: str, root: str, *, signed: bool) -> dict[str, bytes]:
    folder, register = office.folder, office.register
    role = register.identities[name].role
    files = {
        "README": README.format(name=name, role=role).encode(),
        "ca.crt": disk.read(office.authority.file),
        f"{name}.crt": disk.read(folder.certificate(name)),
        f"{name}.key": disk.read(folder.key(name)),
    }
    if folder.signing_key(name).exists():
        files[f"{name}.sign.key"] = disk.read(folder.signing_key(name))
    if register.role(name).lives:
        files["trust.toml"] = trust.trust_of(name, register, office.signing_keys()).encode()
    fragment = _fragment(name, broker, root)
    if signed and f"{name}.sign.key" in files:
        fragment["signing_key_file"] = f"{name}.sign.key"
        if not register.role(name).lives:
            fragment["sender"] = name  # or nobody knows whose signature it is
    if signed and "trust.toml" in files:
        fragment["trust_file"] = "trust.toml"
    return {**files, "pyros.toml": tomlkit.dumps(fragment).encode()}


def _fragment(name: str, broker: str, root: str) -> dict[str, str | list[str]]:
    own_root: dict[str, str | list[str]] = {} if root == "pyros" else {"root": root}
    return {
        "brokers": [broker],
        **own_root,
        "ca_file": "ca.crt",
        "cert_file": f"{name}.crt",
        "key_file": f"{name}.key",
    }


def _packed(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            member.mtime = int(time.time())
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def save(file: Path, packed: bytes) -> None:
    """Write a bundle where nobody else can read it.

    Raises:
        AccessError: the disk does not take it.
    """
    disk.write(file, packed, secret=True)
