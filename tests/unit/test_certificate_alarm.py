"""An agent tells in time that its certificate ends, and goes over to a new one."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from pyros_mqtt import Agent
from pyros_mqtt.access import Identity
from pyros_mqtt.access.office import Office
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.link import credentials
from pyros_mqtt.link.credentials import Credentials
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.messages import Alarm
from pyros_mqtt.settings import Settings
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics
from pyros_mqtt.wire import decode_alarm


class Dome(Agent):
    """Comes by a certificate."""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr("pyros_mqtt.agent.certificate.EVERY", 0.05)
    monkeypatch.setattr(credentials, "LOOK", 0.0)
    office = Office.found(tmp_path / "access", "T60", ["localhost"])
    office.add("dome", Identity(role="agent"), days=20)
    return office


def shown(bus: Loopback) -> Alarm | None:
    payload = bus.retained(Topics("stage").alarm("dome", "certificate"))
    return decode_alarm(payload, "dome", "certificate") if payload else None


def how(bus: Loopback) -> tuple[str, str] | None:
    alarm = shown(bus)
    return (alarm.severity.value, alarm.state.value) if alarm else None


def settings(office: Office, tmp_path: Path) -> Settings:
    return Settings(
        brokers=(),
        beat=0.2,
        root="stage",
        state_dir=tmp_path / "state",
        cert_file=office.folder.certificate("dome"),
        key_file=office.folder.key("dome"),
        ca_file=office.authority.file,
    )


def test_it_warns_gets_more_urgent_and_is_over_after_the_renewal(
    office: Office, tmp_path: Path
) -> None:
    bus = Loopback()
    with Rehearsal(bus, settings(office, tmp_path)) as stage:
        stage.start(Dome(bus=bus, settings=stage.settings))
        stage.wait_until(lambda: how(bus) == ("warning", "raised"))
        alarm = shown(bus)
        assert alarm is not None
        assert "pyros access rotate dome" in alarm.text
        stage.ask("dome", "acknowledge", alarm="certificate")
        office.rotate("dome", days=5)
        stage.wait_until(lambda: how(bus) == ("serious", "raised"))
        office.rotate("dome", days=0.5)
        stage.wait_until(lambda: how(bus) == ("critical", "raised"))
        stage.ask("dome", "acknowledge", alarm="certificate")
        office.rotate("dome")
        stage.wait_until(lambda: how(bus) is None)


def test_a_restart_does_not_call_people_again(office: Office, tmp_path: Path) -> None:
    bus = Loopback()
    with Rehearsal(bus, settings(office, tmp_path)) as stage:
        dome = stage.start(Dome(bus=bus, settings=stage.settings))
        stage.wait_until(lambda: how(bus) == ("warning", "raised"))
        stage.ask("dome", "acknowledge", alarm="certificate")
        dome.stop()
        assert dome.join(10)
        again = stage.start(Dome(bus=bus, settings=stage.settings))
        certificate = again._settings.cert_file
        assert certificate is not None
        assert how(bus) == ("warning", "acknowledged")
        office.rotate("dome")
        stage.wait_until(lambda: how(bus) is None)


def test_who_has_no_reason_to_warn_gets_no_new_messages(office: Office, tmp_path: Path) -> None:
    office.rotate("dome")
    bus = Loopback()
    with Rehearsal(bus, settings(office, tmp_path)) as stage:
        dome = stage.start(Dome(bus=bus, settings=stage.settings))
        assert shown(bus) is None
        assert "acknowledge" not in dome.actions_by_message


def test_new_files_are_taken_and_half_of_them_is_not(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = tmp_path / "dome.crt", tmp_path / "dome.key"
    shutil.copy(office.folder.certificate("dome"), certificate)
    shutil.copy(office.folder.key("dome"), key)
    known = Credentials(office.authority.file, certificate, key)
    first = known.context()
    assert not known.have_changed()
    assert known.context() is first
    office.rotate("dome")
    shutil.copy(office.folder.key("dome"), key)
    with caplog.at_level(logging.WARNING):
        assert not known.have_changed()
        assert caplog.messages == []
        assert not known.have_changed()
        assert not known.have_changed()
    assert len(caplog.messages) == 1
    assert known.context() is first
    shutil.copy(office.folder.certificate("dome"), certificate)
    assert known.have_changed()
    assert known.context() is not first
    assert not known.have_changed()
    key.write_bytes(key.read_bytes())
    certificate.touch()
    assert not known.have_changed()


def test_a_certificate_and_key_that_do_not_fit_are_told_at_the_start(office: Office) -> None:
    office.add("camera", Identity(role="agent"))
    folder = office.folder
    with pytest.raises(SettingsError, match=r"dome\.crt"):
        Credentials(office.authority.file, folder.certificate("dome"), folder.key("camera"))
