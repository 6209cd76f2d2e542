"""An observatory's own authority, on a broker that lets nobody else in."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyros_mqtt import Fleet, Rejected, Sender, Settings
from pyros_mqtt.access import Identity
from pyros_mqtt.access.bundle import pack
from pyros_mqtt.access.certificates import load
from pyros_mqtt.access.office import Office
from pyros_mqtt.access.unpacking import unpack
from pyros_mqtt.cli.doubt import of_our_certificate
from pyros_mqtt.link import Brokers, credentials
from pyros_mqtt.topics import Topics
from tests.system.device import Device, running, started, until
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.pyros_command import PYROS, TIMEOUT, Pyros

SECRET = "correct-horse-battery"


class Site:
    """An authority, its broker, and a folder for each machine."""

    def __init__(self, folder: Path, root: str) -> None:
        self.folder = folder
        self.root = root
        self.office = Office.found(folder / "access", "T60", ["localhost"])
        files = self.office.folder
        self.broker = OwnMosquitto(
            folder,
            cafile=str(files.broker / "ca.crt"),
            certfile=str(files.server_certificate),
            keyfile=str(files.broker / "server.key"),
            crlfile=str(files.revocations),
            require_certificate="true",
            use_identity_as_username="true",
            allow_anonymous="false",
        )

    def carry(self, name: str, *, signed: bool = False) -> Settings:
        """Bring somebody's bundle to its machine, and give the settings there."""
        url = f"mqtts://localhost:{self.broker.port}"
        there = self.folder / name
        unpack(pack(self.office, name, url, self.root, signed=signed), there)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYROS_CONFIG", str(there / "pyros.toml"))
            return Settings(state_dir=there / "state", beat=1.0, keepalive=5)

    def copied(self, name: str, to: str) -> Settings:
        """What somebody has who copies a machine now."""
        shutil.copytree(self.folder / name, self.folder / to)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYROS_CONFIG", str(self.folder / to / "pyros.toml"))
            return Settings(keepalive=5)

    def renew_in_vain(self, name: str) -> None:
        """Give somebody a new certificate that the broker does not take."""
        self.office.rotate(name)
        files = self.office.folder
        self.office.authority.revoke([load(files.certificate(name)).serial_number])
        shutil.copy(self.office.authority.revocation_file, files.revocations)
        self.tell_broker()
        unusable = Settings(
            brokers=f"mqtts://localhost:{self.broker.port}",
            ca_file=self.office.authority.file,
            cert_file=files.certificate(name),
            key_file=files.key(name),
        )
        until(lambda: not gets_in(unusable))

    def tell_broker(self) -> None:
        """Let the broker read its files again."""
        self.broker.send(signal.SIGHUP)


@pytest.fixture
def site(tmp_path: Path, topic_root: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(credentials, "LOOK", 0.1)
    site = Site(tmp_path, topic_root)
    with site.broker:
        yield site


def gets_in(settings: Settings, name: str = "visitor") -> bool:
    """Whether the broker lets somebody in with these certificates."""
    return trouble_of(settings, name) == ""


def trouble_of(settings: Settings, name: str = "visitor") -> str:
    """What keeps somebody out; empty where nothing does."""
    link = Brokers(settings).transport(f"{settings.root}-{name}")
    link.open()
    try:
        until(lambda: link.is_up or link.trouble not in {"", "not opened yet"})
        return "" if link.is_up else link.trouble
    finally:
        link.close()


def test_from_add_to_revoke(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Carried over, connected, renewed while commands come, and taken back."""
    site.office.add("dome", Identity(role="agent"))
    site.office.add("ops", Identity(role="operator"))
    machine, ops = site.carry("dome"), site.carry("ops")
    stranger = Settings(brokers=ops.brokers, ca_file=ops.ca_file)
    assert not gets_in(stranger)
    with (
        running(machine.brokers[0], site.root, "dome", **files_of(machine)) as dome,
        Fleet(Brokers(ops), Topics(site.root)) as fleet,
        Sender("ops", settings=ops) as sender,
    ):
        assert sender.ask("dome", "count", number=0) == 0
        stolen = site.copied("dome", "stolen")
        assert gets_in(stolen)

        states = heard_states(fleet)
        connections: list[bool] = []
        dome._alive.transport.on_state(connections.append)
        assert site.office.rotate("dome", now=True) == 1
        site.carry("dome")
        number = 0
        while len(connections) < 2:  # commands come all the while
            number += 1
            assert sender.ask("dome", "count", number=number) == number
        assert connections == [False, True]
        assert dome.ran == list(range(number + 1))
        assert "lost" not in states

        site.tell_broker()
        until(lambda: not gets_in(stolen))
        second = site.copied("dome", "second")
        assert gets_in(second)

        site.renew_in_vain("dome")
        with caplog.at_level(logging.ERROR):
            site.carry("dome")
            until(lambda: len(connections) >= 4)
        assert "does not take the new certificate" in caplog.text
        assert sender.ask("dome", "close") == "closed"
        assert "lost" not in states

        assert site.office.revoke("dome") == 1  # the others are revoked already
        site.tell_broker()
        until(lambda: not gets_in(second))
        assert "was revoked" in of_our_certificate(second, trouble_of(second))
        assert gets_in(ops)


def test_bundles_that_sign_fit_together(site: Site) -> None:
    """A machine of somebody who commands, one of an agent, and nothing set by hand."""
    site.office.add("ops", Identity(role="operator"))
    site.office.add("eva", Identity(role="operator"))
    site.office.add("dome", Identity(role="agent"))
    site.carry("ops", signed=True)
    config = {"PYROS_CONFIG": "pyros.toml", "PYROS_STATE_DIR": "state"}
    ops = Pyros(site.folder / "ops", **config)
    with started(Device("dome", settings=site.carry("dome", signed=True))) as dome:
        assert dome.wait_ready(30)
        sent = ops("send", "dome", "count", "number=5", "--wait")
        assert (sent.code, sent.out.strip()) == (0, "5"), sent.err
        site.carry("ops")  # what was set up stays
        durable = ops("send", "dome", "count", "number=6", "--durable")
        assert durable.code == 0, durable.err
        until(lambda: dome.ran == [5, 6])
        eva = site.carry("eva")
        with Sender("ops", settings=eva) as sender, pytest.raises(Rejected, match="not signed"):
            sender.ask("dome", "count", number=7)
        assert dome.ran == [5, 6]


def files_of(settings: Settings) -> dict[str, Path | None]:
    return {
        "ca_file": settings.ca_file,
        "cert_file": settings.cert_file,
        "key_file": settings.key_file,
    }


def heard_states(fleet: Fleet) -> list[str]:
    """Every state that anybody claims from now on."""
    heard: list[str] = []

    def note(name: str) -> None:
        member = fleet.get(name)
        heard.append(member.label if member is not None else "gone")

    fleet.on_change(note)
    return heard


def test_a_password_is_in_no_process_list_and_no_traceback(tmp_path: Path) -> None:
    """Taken from the input, and refused, with every traceback shown; then from a file."""
    pyros = Pyros(tmp_path, PYROS_STATE_DIR=str(tmp_path))
    Office.found(tmp_path / "access", "T60", ["localhost"])
    short = SECRET[:10]
    with subprocess.Popen(  # noqa: S603 - ourselves
        [*PYROS, "access", "add", "rain", "--role", "agent", "--password"],
        cwd=tmp_path,
        env=pyros.variables | {"PYROS_DEBUG": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(f"{short}\n")
        process.stdin.flush()
        seen = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        seen += Path(f"/proc/{process.pid}/environ").read_bytes()
        said, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0
    assert "Traceback" in said
    assert "at least 12 characters" in said
    assert short not in said
    assert os.fsencode(short) not in seen

    (tmp_path / "secret").write_text(f"{SECRET}\n")
    words = ("access", "add", "rain", "--role", "agent", "--password-file", "secret")
    ended = pyros(*words)
    assert ended.code == 0
    assert ended.is_plain()
    assert SECRET not in ended.out + ended.err
    files = (one for one in (tmp_path / "access").rglob("*") if one.is_file())
    assert not [one for one in files if SECRET.encode() in one.read_bytes()]
