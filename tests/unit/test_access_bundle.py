"""Carrying an identity to its machine, and what an archive must not do there."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from pyros_mqtt.access import Identity
from pyros_mqtt.access.bundle import pack, save
from pyros_mqtt.access.office import Office
from pyros_mqtt.access.unpacking import unpack
from pyros_mqtt.errors import AccessError
from pyros_mqtt.settings import Settings

URL = "mqtts://control.t60:8883"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office.found(tmp_path_factory.mktemp("access"), "T60", ["control.t60"])
    office.add("dome", Identity(role="agent"))
    office.add("camera", Identity(role="agent"))
    office.add("ops", Identity(role="operator"))
    office.add("watchman", Identity(role="agent", commands={"dome": ("close", "stop")}))
    office.add("rain", Identity(role="agent", password=True), password="correct-horse-battery")
    return office


def table(file: Path) -> dict[str, object]:
    return tomllib.loads(file.read_text("utf-8"))


def test_a_bundle_becomes_settings(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = unpack(pack(office, "dome", URL, "esp/t60"), tmp_path)
    assert (done.name, done.is_main) == ("dome", True)
    monkeypatch.setenv("PYROS_CONFIG", str(tmp_path / "pyros.toml"))
    settings = Settings()
    assert str(settings.brokers[0]) == URL
    assert settings.root == "esp/t60"
    assert settings.key_file == tmp_path / "dome.key"
    assert stat.S_IMODE((tmp_path / "dome.key").stat().st_mode) == 0o600


def test_a_bundle_is_a_secret(office: Office, tmp_path: Path) -> None:
    save(tmp_path / "dome.tar.gz", pack(office, "dome", URL, "pyros"))
    assert stat.S_IMODE((tmp_path / "dome.tar.gz").stat().st_mode) == 0o600


def test_an_agent_is_told_whom_to_trust_with_what(office: Office, tmp_path: Path) -> None:
    unpack(pack(office, "dome", URL, "pyros"), tmp_path)
    keys = office.signing_keys()
    assert table(tmp_path / "trust.toml") == {
        "senders": {
            "ops": {"key": keys["ops"], "may": ["*"]},
            "watchman": {"key": keys["watchman"], "may": ["close", "stop"]},
        }
    }


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dome", {"trust_file": "trust.toml"}),
        ("ops", {"sender": "ops", "signing_key_file": "ops.sign.key"}),
        (
            "watchman",
            {"signing_key_file": "watchman.sign.key", "trust_file": "trust.toml"},
        ),
    ],
)
def test_signing_is_set_up_where_it_is_wanted(
    office: Office, tmp_path: Path, name: str, told: dict[str, str]
) -> None:
    plain = {"brokers": [URL], "ca_file": "ca.crt"}
    plain |= {"cert_file": f"{name}.crt", "key_file": f"{name}.key"}
    unpack(pack(office, name, URL, "pyros"), tmp_path)
    assert table(tmp_path / "pyros.toml") == plain
    unpack(pack(office, name, URL, "pyros", signed=True), tmp_path)
    assert table(tmp_path / "pyros.toml") == plain | told
    files = [value for key, value in told.items() if key != "sender"]
    assert all((tmp_path / file).is_file() for file in files)


def test_settings_that_are_there_stay(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "pyros.toml"
    file.write_text(
        'brokers = ["mqtt://old"]  # until autumn\nbeat = 2.0\n\n[agents.dome]\nclass = "a:B"\n'
    )
    file.chmod(0o640)
    unpack(pack(office, "dome", URL, "pyros"), tmp_path)
    text = file.read_text()
    assert "# until autumn" in text
    assert table(file) == {
        "brokers": [URL], "beat": 2.0, "agents": {"dome": {"class": "a:B"}},
        "ca_file": "ca.crt", "cert_file": "dome.crt", "key_file": "dome.key",
    }  # fmt: skip
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_second_identity_of_a_machine_leaves_the_first_alone(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack(pack(office, "dome", URL, "pyros"), tmp_path)
    before = (tmp_path / "trust.toml").read_text()
    done = unpack(pack(office, "camera", URL, "pyros"), tmp_path)
    assert not done.is_main
    assert (tmp_path / "trust.toml").read_text() == before
    assert {"camera.crt", "camera.key", "camera.trust.toml"} <= set(done.files)
    monkeypatch.setenv("PYROS_CONFIG", str(tmp_path / "pyros.toml"))
    settings = Settings()
    assert settings.of_agent("dome").cert_file == tmp_path / "dome.crt"
    assert settings.of_agent("camera").cert_file == tmp_path / "camera.crt"
    assert settings.of_agent("camera").key_file == tmp_path / "camera.key"
    assert settings.of_agent("weather") is settings
    once = (tmp_path / "pyros.toml").read_text()
    unpack(pack(office, "camera", URL, "pyros"), tmp_path)
    assert (tmp_path / "pyros.toml").read_text() == once
    unpack(pack(office, "camera", URL, "pyros", signed=True), tmp_path)
    assert table(tmp_path / "pyros.toml")["identities"] == {
        "camera": {
            "cert_file": "camera.crt",
            "key_file": "camera.key",
            "trust_file": "camera.trust.toml",
        }
    }


def test_a_machine_of_another_observatory_is_left_alone(office: Office, tmp_path: Path) -> None:
    other = Office.found(tmp_path / "access", "T61", ["x"])
    other.add("eva", Identity(role="viewer"))
    unpack(pack(other, "eva", URL, "pyros"), tmp_path / "settings")
    with pytest.raises(AccessError, match="another authority"):
        unpack(pack(office, "dome", URL, "pyros"), tmp_path / "settings")
    assert not (tmp_path / "settings" / "dome.crt").exists()


def test_who_comes_by_a_password_has_nothing_to_carry(office: Office) -> None:
    with pytest.raises(AccessError, match="comes by its password"):
        pack(office, "rain", URL, "pyros")


# -- archives of strangers --------------------------------------------------------------------


Change = Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]


def repacked(office: Office, change: Change, more: tarfile.TarInfo | None = None) -> bytes:
    made = io.BytesIO()
    packed = io.BytesIO(pack(office, "dome", URL, "pyros"))
    with tarfile.open(fileobj=packed) as old, tarfile.open(fileobj=made, mode="w:gz") as new:
        for member in old:
            file = old.extractfile(member)
            changed = change(member, file.read() if file else b"")
            if changed is not None:
                new.addfile(changed[0], io.BytesIO(changed[1]))
        if more is not None:
            new.addfile(more, io.BytesIO(b"x" * more.size))
    return made.getvalue()


def as_it_is(member: tarfile.TarInfo, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    return member, content


def member(name: str, kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, to
    made.size = 1 if kind == tarfile.REGTYPE else 0
    return made


@pytest.mark.parametrize(
    "trick",
    [
        member("../evil.crt"),
        member("/etc/evil.crt"),
        member("sub/evil.crt"),
        member("./evil.crt"),
        member(".bashrc"),
        member("evil.crt\n"),
        member("evil.crt", tarfile.SYMTYPE, "/etc/passwd"),
        member("trust.toml", tarfile.LNKTYPE, "dome.key"),
        member("evil.key", tarfile.FIFOTYPE),
        member("evil", tarfile.DIRTYPE),
        member("evil.crt"),
        member("camera.key"),
    ],
    ids=lambda one: f"{one.name!r} {one.type.decode()}",
)
def test_an_archive_cannot_choose_where_it_is_written(
    office: Office, tmp_path: Path, trick: tarfile.TarInfo
) -> None:
    with pytest.raises(AccessError):
        unpack(repacked(office, as_it_is, trick), tmp_path / "into")
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    "said",
    [
        'archive = "sqlite:////etc/passwd"',
        '[alarms.command.x]\ncommand = ["rm"]',
        '[agents.x]\nclass = "os:system"',
        'password_file = "/etc/shadow"',
        'trust_file = "/etc/trust.toml"',
        "root =",
        "root = 1",
        "brokers = [1]",
        "ca_file = [1]",
        "sender = []",
    ],
)
def test_a_bundle_cannot_set_anything_else(office: Office, tmp_path: Path, said: str) -> None:
    def change(one: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if one.name == "pyros.toml":
            key = said.split(maxsplit=1)[0].encode()
            lines = [line for line in data.splitlines() if not line.startswith(key)]
            data = b"\n".join([*lines, said.encode()])
        one.size = len(data)
        return one, data

    with pytest.raises(AccessError, match=r"bundle's pyros\.toml"):
        unpack(repacked(office, change), tmp_path / "into")
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("lost", ["ca.crt", "dome.crt", "dome.key", "pyros.toml"])
def test_half_a_bundle_is_refused(office: Office, tmp_path: Path, lost: str) -> None:
    packed = repacked(office, lambda one, data: None if one.name == lost else (one, data))
    with pytest.raises(AccessError, match="not a bundle"):
        unpack(packed, tmp_path / "into")
    assert list(tmp_path.rglob("*")) == []


def test_a_key_of_somebody_else_is_refused(office: Office, tmp_path: Path) -> None:
    other = office.folder.key("camera").read_bytes()

    def change(one: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        return (one, other if one.name == "dome.key" else data)

    with pytest.raises(AccessError, match="do not fit"):
        unpack(repacked(office, change), tmp_path / "into")
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"PK\x03\x04",
        gzip.compress(b""),
        gzip.compress(b"x" * 600),
        gzip.compress(bytes(10**8)),
    ],
    ids=["nothing", "a zip file", "an empty one", "no archive", "a bomb"],
)
def test_what_is_no_bundle_is_told(tmp_path: Path, packed: bytes) -> None:
    with pytest.raises(AccessError, match="bundle"):
        unpack(packed, tmp_path / "into")
    assert list(tmp_path.rglob("*")) == []


def test_an_owner_who_is_not_there_is_told(office: Office, tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="no user 'nobody-here'"):
        unpack(pack(office, "dome", URL, "pyros"), tmp_path, "nobody-here")
    assert list(tmp_path.iterdir()) == []
