"""Giving certificates and passwords out, renewing them, and taking them back."""

from __future__ import annotations

import os
import ssl
import stat
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pyros_mqtt.access import Identity, certificates, disk, editing, expiry
from pyros_mqtt.access.authority import Authority
from pyros_mqtt.access.bundle import default_broker, pack
from pyros_mqtt.access.office import Office
from pyros_mqtt.access.wholeness import broken
from pyros_mqtt.errors import AccessError, BadName

AGENT = Identity(role="agent", host="t60-dome")
OPERATOR = Identity(role="operator")
SECRET = "correct-horse-battery"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office.found(tmp_path / "access", "T60", ["control.t60", "10.0.0.7"])


def states(office: Office, name: str) -> list[str]:
    return sorted(one.state for one in office.standings(time.time()) if one.name == name)


def serial_of(office: Office, name: str) -> int:
    return certificates.load(office.folder.certificate(name)).serial_number


def test_a_certificate_says_who_one_is_and_the_authority_stands_for_it(office: Office) -> None:
    office.add("dome", AGENT)
    made = certificates.load(office.folder.certificate("dome"))
    assert certificates.common_name(made) == "dome"
    made.verify_directly_issued_by(office.authority.certificate)
    key = made.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert not certificates.is_server(made)
    assert office.register.identities["dome"] == AGENT
    assert states(office, "dome") == ["valid"]


def test_the_brokers_certificate_has_all_its_names(office: Office) -> None:
    assert office.broker_hosts == ["control.t60", "10.0.0.7", "localhost", "127.0.0.1", "::1"]
    assert default_broker(office) == "mqtts://control.t60:8883"
    assert certificates.is_server(certificates.load(office.folder.server_certificate))


def test_founding_again_keeps_the_authority_and_renews_the_broker(office: Office) -> None:
    authority = office.authority.certificate
    before = certificates.load(office.folder.server_certificate)
    Office.found(office.folder.path, "T60", [])
    assert certificates.load(office.folder.server_certificate) == before
    again = Office.found(office.folder.path, "T60", ["fd00::7"])
    assert again.authority.certificate == authority
    assert default_broker(again) == "mqtts://[fd00::7]:8883"


def test_secrets_can_be_read_by_their_owner_alone(office: Office) -> None:
    office.add("dome", AGENT)
    office.add("ops", OPERATOR)
    office.add("rain", Identity(role="agent", password=True), password=SECRET)
    files = [one for one in office.folder.path.rglob("*") if one.is_file()]
    secret = {one for one in files if one.suffix == ".key" or one.name == "passwords"}
    assert len(secret) == 6
    assert {stat.S_IMODE(one.stat().st_mode) for one in secret} == {0o600}
    deep = Office.found(office.folder.path.parent / "state" / "access", "T60", []).folder.path
    for folder in (office.folder.path, deep, deep.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not [one for one in files if SECRET.encode() in one.read_bytes()]
    assert office.folder.passwords.read_text().startswith("rain:$7$")


def test_who_may_command_gets_a_key_that_signs(office: Office) -> None:
    office.add("dome", AGENT)
    office.add("ops", OPERATOR)
    assert list(office.signing_keys()) == ["ops"]


def test_rotating_leaves_the_old_certificate_valid_unless_it_has_to_go_now(office: Office) -> None:
    office.add("ops", OPERATOR)
    first, signing = serial_of(office, "ops"), office.signing_keys()
    assert office.rotate("ops") == 0
    assert serial_of(office, "ops") != first
    assert states(office, "ops") == ["old", "valid"]
    assert office.signing_keys() == signing
    assert office.rotate("ops", now=True) == 2
    assert states(office, "ops") == ["revoked", "revoked", "valid"]
    assert office.signing_keys() != signing


def test_revoking_takes_everything_back(office: Office) -> None:
    office.add("dome", AGENT)
    office.add("rain", Identity(role="agent", password=True), password=SECRET)
    serial = serial_of(office, "dome")
    assert office.revoke("dome") == 1
    assert office.revoke("rain") == 0
    assert office.register.identities == {}
    assert office.folder.passwords.read_text() == ""
    assert not office.folder.key("dome").exists()
    listed = certificates.load_revocations(office.folder.revocations)
    assert listed.get_revoked_certificate_by_serial_number(serial) is not None
    # a broker refuses everybody once its list is out of date
    assert listed.next_update_utc == office.authority.certificate.not_valid_after_utc
    office.add("dome", AGENT)
    assert states(office, "dome") == ["revoked", "valid"]


def test_who_was_struck_off_by_hand_can_be_revoked_and_does_not_come_back(office: Office) -> None:
    office.add("ops", OPERATOR)
    office.add("dome", AGENT)
    editing.strike(office.folder.register, "ops")
    assert [one.name for one in office.standings(time.time()) if one.is_stray] == ["ops"]
    with pytest.raises(AccessError, match="pyros access revoke ops"):
        office.add("ops", OPERATOR)
    assert office.trusting("ops") == ["dome"]
    assert office.revoke("ops") == 1
    assert list(office.register.identities) == ["dome"]
    assert not office.folder.key("ops").exists()
    office.add("ops", OPERATOR)
    assert states(office, "ops") == ["revoked", "valid"]


def test_what_a_stop_in_the_middle_of_renewing_leaves_is_told_and_swept(office: Office) -> None:
    office.add("dome", AGENT)
    assert list(broken(office)) == []
    left = office.folder.key("dome").with_name(".dome.key.0123abcd")
    fresh = left.with_name(".dome.key.4567cdef")
    for file in (left, fresh):
        file.write_bytes(b"secret")
    os.utime(left, (1, 1))
    disk.write(office.folder.key("dome"), certificates.pem_of(certificates.new_key()), secret=True)
    office.authority.revoke([serial_of(office, "dome")])
    said = list(broken(office))
    assert len(said) == 2
    assert "pyros access rotate dome" in said[0]
    assert "pyros access apply" in said[1]
    with pytest.raises(AccessError, match="not that of its certificate"):
        pack(office, "dome", "mqtts://b", "pyros")
    office.tell_broker()
    office.rotate("dome")
    assert list(broken(office)) == []
    assert not left.exists()
    assert fresh.exists()


def test_the_agents_that_trust_a_signing_key_are_known(office: Office) -> None:
    for name, one in (("dome", AGENT), ("camera", AGENT), ("ops", OPERATOR)):
        office.add(name, one)
    office.add("eva", Identity(role="viewer", commands={"dome": ("close",)}))
    assert office.trusting("ops") == ["camera", "dome"]
    assert office.trusting("eva") == ["dome"]
    assert office.trusting("dome") == []


@pytest.mark.parametrize(
    ("name", "identity", "password", "words"),
    [
        ("ca", AGENT, None, "own name"),
        ("anonymous", AGENT, None, "own name"),
        ("localhost", AGENT, None, "own name"),
        ("dome", AGENT, None, "pyros access rotate dome"),
        ("camera", Identity(role="captain"), None, "there is no such role"),
        ("rain", Identity(role="agent", password=True), "short", "at least 12"),
        ("rain", Identity(role="agent", password=True), None, "at least 12"),
    ],
)
def test_what_cannot_be_entered_leaves_nothing_behind(
    office: Office, name: str, identity: Identity, password: str | None, words: str
) -> None:
    office.add("dome", AGENT)
    before = office.standings(time.time())
    with pytest.raises(AccessError, match=words):
        office.add(name, identity, password=password)
    assert office.standings(time.time()) == before


def test_names_that_break_the_rule_get_nothing(office: Office) -> None:
    with pytest.raises(BadName):
        office.add("../dome", AGENT)


def test_who_is_not_there_is_told(office: Office) -> None:
    for call in (office.revoke, office.rotate):
        with pytest.raises(AccessError, match="pyros access list"):
            call("nobody")


def test_two_at_once_do_not_lose_one_another(office: Office) -> None:
    names = [f"agent{number}" for number in range(4)]
    threads = [threading.Thread(target=office.add, args=(one, AGENT)) for one in names]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(office.register.identities) == names


def test_comments_in_the_register_stay(tmp_path: Path) -> None:
    file = tmp_path / "access.toml"
    text = '# ours\n[identities.eva]  # of the guides\nrole = "viewer"\n'
    file.write_text(text)
    file.chmod(0o640)
    editing.enter(file, "dome", AGENT)
    assert file.read_text().startswith(text)
    editing.strike(file, "dome")
    assert file.read_text() == text
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_long_names_of_hosts_and_observatories_are_cut_only_where_they_are_for_people(
    tmp_path: Path,
) -> None:
    host = ".".join(["x" * 60] * 3)
    office = Office.found(tmp_path / "access", "T" * 80, [host])
    assert office.broker_hosts[0] == host
    assert len(certificates.common_name(office.authority.certificate)) == 64


@pytest.mark.parametrize("host", ["", "bad host", "täst", "x" * 64, "a..b", "*.t60", "mqtts://x"])
def test_a_host_that_is_none_is_told_before_anything_is_made(tmp_path: Path, host: str) -> None:
    with pytest.raises(AccessError, match="no host's name"):
        Office.found(tmp_path / "access", "T60", ["control.t60", host])
    assert not (tmp_path / "access").exists()


def test_no_authority_is_made_over_another(office: Office) -> None:
    with pytest.raises(AccessError, match="already"):
        Authority.create(office.folder.authority, "T61")


def test_a_folder_without_an_authority_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="pyros access init"):
        Authority.open(tmp_path)


def test_the_end_of_a_certificate_is_read_without_a_library(office: Office, tmp_path: Path) -> None:
    """Short and long forms of length and time: a few names, and a year after 2049."""
    office.add("dome", AGENT, days=3)
    key = certificates.new_key()
    late = certificates.authority("T60 of the far future", key, 365 * 40)
    file = tmp_path / "late.crt"
    file.write_bytes(b"before\n" + certificates.text_of(late))
    for one in (office.folder.certificate("dome"), office.folder.server_certificate, file):
        wanted = x509.load_pem_x509_certificate(_pem(one)).not_valid_after_utc.timestamp()
        assert expiry.end_of(one) == wanted


def _pem(file: Path) -> bytes:
    return file.read_bytes().removeprefix(b"before\n")


@pytest.mark.parametrize("cut", [0, 20, 100, 300])
def test_half_a_certificate_is_told(office: Office, tmp_path: Path, cut: int) -> None:
    der = ssl.PEM_cert_to_DER_cert(office.folder.server_certificate.read_text())
    file = tmp_path / "half.crt"
    file.write_text(ssl.DER_cert_to_PEM_cert(der[:cut]))
    with pytest.raises(AccessError, match=r"half\.crt"):
        expiry.end_of(file)


@pytest.mark.parametrize(
    ("days", "severity"),
    [
        (31, None),
        (30, "warning"),
        (7.1, "warning"),
        (7, "serious"),
        (1, "critical"),
        (-1, "critical"),
    ],
)
def test_how_urgent_the_end_is(days: float, severity: str | None) -> None:
    assert expiry.severity_of(days * expiry.DAY) == severity
