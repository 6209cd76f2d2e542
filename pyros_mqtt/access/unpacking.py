"""Putting a bundle where settings find it; on machines that need nothing but the library.

A bundle may come from anywhere, so nothing in it chooses where it is written: only plain files of
the few names that a bundle has are taken, and only if certificate, key and authority fit.
"""

from __future__ import annotations

import gzip
import io
import re
import ssl
import tarfile
import tempfile
import tomllib
import zlib
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from pyros_mqtt.access import disk
from pyros_mqtt.errors import AccessError
from pyros_mqtt.settings.identity_table import IDENTITY_FILES as OWN

MOST = 256 * 1024
"""Bytes of a whole bundle, unpacked."""

_NAME = r"[a-z0-9][a-z0-9_-]{0,62}"
_FILE = re.compile(rf"README|pyros\.toml|trust\.toml|{_NAME}\.crt|{_NAME}\.key|{_NAME}\.sign\.key")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What has been written.

    `is_main` is False where the machine's pyros.toml named another identity already, so that this
    one got a table of its own, for the agent of its name alone.
    """

    name: str
    folder: Path
    files: tuple[str, ...]
    is_main: bool


def unpack(packed: bytes, folder: Path, owner: str | None = None) -> Unpacked:
    """Write a bundle's files to `folder`; secrets can be read by their owner alone.

    `pyros.toml` is made, or what the bundle says is put into the one that is there. The key
    comes before its certificate, whose change a running agent notices.

    Args:
        packed: the bundle.
        folder: where to.
        owner: the user that agents run as, if it is not the one who calls.

    Raises:
        AccessError: it is no bundle, does not fit together, or cannot be written.
    """
    files = _read(packed)
    name = _identity(files)
    _check_fit(files, name)
    ours = _own_settings(files)
    theirs = _settings_of(folder)
    is_main = theirs.get("cert_file", ours["cert_file"]) == ours["cert_file"]
    if not is_main:
        _make_room(files, ours, name, folder)
    for one in sorted(files, key=lambda one: (one == f"{name}.crt", one)):
        disk.write(folder / one, files[one], secret=one.endswith(".key"), owner=owner)
    text = _merged(theirs, ours, None if is_main else name)
    disk.write(folder / "pyros.toml", text, owner=owner)
    return Unpacked(name, folder, (*sorted(files), "pyros.toml"), is_main)


def _read(packed: bytes) -> dict[str, bytes]:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            plain = stream.read(MOST + 1)
        if len(plain) > MOST:
            raise AccessError(f"the bundle is over {MOST} bytes, so it is none of ours")
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            files = dict(_taken(archive, member) for member in archive)
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as problem:
        raise AccessError(f"this is not a bundle of `pyros access`: {problem}") from None
    files.pop("README", None)
    return files


def _taken(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[str, bytes]:
    content = archive.extractfile(member) if member.isreg() else None
    if content is None or not _FILE.fullmatch(member.name):
        raise AccessError(f"the bundle holds {member.name[:200]!r}, which no bundle of ours has")
    return member.name, content.read()


def _identity(files: dict[str, bytes]) -> str:
    names = [one.removesuffix(".crt") for one in files if one.endswith(".crt") and one != "ca.crt"]
    if len(names) == 1:
        wanted = {"ca.crt", f"{names[0]}.key", "pyros.toml"}
        known = {"trust.toml", f"{names[0]}.crt", f"{names[0]}.sign.key"}
        if wanted <= files.keys() <= wanted | known:
            return names[0]
    raise AccessError("this is not a bundle of one identity: its certificate and key are missing")


def _check_fit(files: dict[str, bytes], name: str) -> None:
    """Refuse what would leave a machine that works with one that does not."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "crt"), Path(folder, "key")
        disk.write(certificate, files[f"{name}.crt"])
        disk.write(key, files[f"{name}.key"], secret=True)
        try:
            context = ssl.create_default_context(cadata=files["ca.crt"].decode("ascii"))
            context.load_cert_chain(certificate, key)
        except (ssl.SSLError, ValueError) as problem:
            raise AccessError(f"the bundle's certificates do not fit: {problem}") from None


def _own_settings(files: dict[str, bytes]) -> tomlkit.TOMLDocument:
    """Take only what a bundle is for: settings can name programs to run, and files to read."""
    ours = _table(files.pop("pyros.toml"), "the bundle's pyros.toml")
    for key, value in ours.items():
        is_text = isinstance(value, str)
        is_file = key in {"ca_file", *OWN} and is_text and value in files
        is_whose = key == "sender" and is_text and f"{value}.crt" in files
        is_where = (key == "root" and is_text) or (key == "brokers" and _are_texts(value))
        if not is_file and not is_whose and not is_where:
            raise AccessError(f"the bundle's pyros.toml says {key} = {value!r}: none of ours does")
    if ours.get("cert_file") is None:
        raise AccessError("the bundle's pyros.toml names no cert_file")
    return ours


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _table(content: bytes, place: str) -> tomlkit.TOMLDocument:
    try:
        tomllib.loads(content.decode())
        return tomlkit.parse(content.decode())
    except (TOMLKitError, ValueError) as problem:
        raise AccessError(f"{place}: is not valid TOML: {problem}") from None


def _settings_of(folder: Path) -> tomlkit.TOMLDocument:
    file = folder / "pyros.toml"
    return _table(disk.read(file), str(file)) if file.exists() else tomlkit.document()


def _make_room(
    files: dict[str, bytes], ours: tomlkit.TOMLDocument, name: str, folder: Path
) -> None:
    """Leave alone what belongs to the identity that this folder has already."""
    if disk.read(folder / "ca.crt") != files["ca.crt"]:
        raise AccessError(f"{folder} belongs to another authority: choose a folder by --into")
    if "trust.toml" in files:
        files[f"{name}.trust.toml"] = files.pop("trust.toml")
    if "trust_file" in ours:
        ours["trust_file"] = f"{name}.trust.toml"


def _merged(theirs: tomlkit.TOMLDocument, ours: tomlkit.TOMLDocument, own_table: str | None) -> str:
    """Put what the bundle says in what is there; new keys stand before the first table."""
    taken = {key: value for key, value in ours.items() if not own_table or key not in OWN}
    if own_table:
        taken.pop("sender", None)  # this table is for an agent, which speaks under its own name
        tables = theirs.setdefault("identities", tomlkit.table(is_super_table=True))
        tables[own_table] = {key: value for key, value in ours.items() if key in OWN}
    for key in taken.keys() & theirs.keys():
        theirs[key] = taken[key]
    new = {key: value for key, value in taken.items() if key not in theirs}
    return tomlkit.dumps(new) + tomlkit.dumps(theirs)
