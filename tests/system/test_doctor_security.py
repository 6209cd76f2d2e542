"""`pyros doctor --security`: what is open here."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyros_mqtt.access import Identity, Register
from pyros_mqtt.access.people import Account, people_path, write_people
from pyros_mqtt.access.rules import write_rules
from pyros_mqtt.broker.ports import is_open_to_the_network
from pyros_mqtt.cli import access_checks, door_checks, secret_checks
from pyros_mqtt.cli.finding import Finding
from pyros_mqtt.cli.reach import Reach
from pyros_mqtt.settings import BrokerUrl, Settings
from tests.need import need
from tests.signatures import trust_file
from tests.system.closed_doors import Authority, ClosedMosquitto
from tests.system.pyros_command import Pyros
from tests.system.raw_mqtt import RawClient

ROLES = {"camera": "agent", "ops": "operator", "tech": "engineer"}


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClosedMosquitto]:
    need("mosquitto")
    people = {name: Identity(role=role) for name, role in ROLES.items()}
    with ClosedMosquitto(tmp_path_factory.mktemp("doors"), Register(people, {}), "t60") as broker:
        for name in ROLES:
            broker.authority.issue(name)
        yield broker


def reach(url: BrokerUrl, **settings: object) -> Reach:
    return Reach(str(url), "t60", more=settings)


def told(findings: Iterator[Finding]) -> dict[str, str]:
    return {one.text: one.level for one in findings}


def level(found: dict[str, str], words: str) -> str:
    (one,) = [level for text, level in found.items() if words in text]
    return one


@pytest.mark.parametrize(
    ("name", "forges", "tried"),
    [
        ("camera", "ok", "was not tried"),
        ("ops", "ok", "do not read"),
        ("tech", "bad", "do not read"),
    ],
)
def test_with_closed_doors_only_a_house_keeper_may_do_more(
    doors: ClosedMosquitto, name: str, forges: str, tried: str
) -> None:
    found = told(door_checks.doors(reach(doors.url, **doors.authority.settings(name))))
    assert level(found, "publish the status of others") == forges
    assert level(found, tried) == "ok"
    assert level(found, "does not let in strangers") == "ok"


def test_open_doors_are_told(doors: ClosedMosquitto) -> None:
    found = told(door_checks.doors(reach(doors.witness)))
    assert level(found, "lets in anybody on this machine") == "warn"
    assert level(found, "we may publish the status of others") == "bad"
    assert level(found, "we may read the commands to others") == "bad"


def test_nobody_notices_that_the_doctor_has_tried(doors: ClosedMosquitto) -> None:
    with RawClient(doors.witness) as witness:
        witness.subscribe("#", qos=0)
        list(door_checks.doors(reach(doors.witness)))
        said = witness.drain()
        assert said
        assert all(one.payload == b"" and "/doctor-" in one.topic for one in said)
        with RawClient(doors.witness) as late:
            assert late.subscribe("#", qos=0).drain() == []


def test_an_agent_that_was_thrown_out_is_told(doors: ClosedMosquitto) -> None:
    topic = "t60/mount/alarm/client-id"
    alarm = {
        "alarm": "client-id", "agent": "mount", "about": "mount", "state": "raised",
        "severity": "serious", "text": "somebody else", "at": "2026-11-22T20:14:31.400Z",
    }  # fmt: skip
    with RawClient(doors.witness) as client:
        client.publish(topic, alarm, qos=1, retain=True)
        found = told(door_checks.stolen_client_ids(reach(doors.witness)))
        client.publish(topic, b"", qos=1, retain=True)
    assert found == {"mount: somebody else": "bad"}


def test_a_line_without_tls_is_told() -> None:
    url = BrokerUrl("mqtt", "192.0.2.1", 1883)
    assert level(told(door_checks._line(url)), "without TLS") == "bad"


def test_exit_code_and_json_are_for_programs(doors: ClosedMosquitto, tmp_path: Path) -> None:
    pyros = Pyros(tmp_path, PYROS_STATE_DIR=str(tmp_path), PYROS_ROOT="t60")
    done = pyros("--broker", str(doors.witness), "doctor", "--security", "--json")
    assert done.code == 1
    assert {one["level"] for one in json.loads(done.out)} == {"ok", "warn", "bad"}
    files = {f"PYROS_{key.upper()}": one for key, one in doors.authority.settings("ops").items()}
    done = pyros("--broker", str(doors.url), "doctor", "--security", **files)
    assert "0 bad" in done.out
    assert done.code == 0


# -- this machine ----------------------------------------------------------------------------------


def test_the_end_of_a_certificate_is_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    for name, days, expected in (("good", 60, "ok"), ("soon", 10, "warn"), ("over", -1, "bad")):
        authority.issue(name, days=days)
        settings = Settings(**authority.settings(name))
        assert list(told(secret_checks.certificate(settings)).values()) == [expected]


def test_the_end_of_the_brokers_certificate_is_told(doors: ClosedMosquitto) -> None:
    settings = Settings(**doors.authority.settings("ops"))
    found = told(door_checks.broker_certificate(settings, doors.url))
    assert level(found, "the broker's certificate ends on") == "warn"  # within 30 days
    assert told(door_checks.broker_certificate(settings, doors.witness)) == {}


def test_it_is_told_whether_agents_take_what_is_not_signed(tmp_path: Path) -> None:
    found = told(access_checks.signatures(Settings()))
    assert level(found, "signatures are off") == "warn"
    trust = trust_file(tmp_path)
    own = {"dome": {"trust_file": trust}}
    found = told(access_checks.signatures(Settings(identities=own)))
    assert level(found, "dome: signatures are required") == "ok"
    assert level(found, "agents here: signatures are off") == "warn"
    checked = Settings(trust_file=trust, signatures="checked", unsigned_urgent=True)
    found = told(access_checks.signatures(checked))
    assert level(found, "signatures are checked") == "warn"
    assert level(found, "unsigned_urgent") == "warn"


def test_a_dashboard_for_everybody_is_told(tmp_path: Path) -> None:
    wide = Settings(state_dir=tmp_path, dashboard_host="0.0.0.0")  # noqa: S104
    assert level(told(access_checks.people(wide)), "there are no people") == "bad"
    assert told(access_checks.people(Settings(state_dir=tmp_path))) == {}
    file = people_path(tmp_path)
    write_people(file, {"vera": Account(role="viewer")})
    assert level(told(access_checks.people(wide)), "1 may log in") == "ok"
    for mode, readable in ((0o600, "ok"), (0o646, "bad")):
        file.chmod(mode)
        assert level(told(secret_checks.files(wide)), "people.toml") == readable
    assert level(told(access_checks.guarded(wide)), "everybody here can write") == "bad"


def test_rules_that_are_older_than_what_they_are_made_of_are_told(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, root="t60")
    broker = tmp_path / "pyros-broker"
    assert told(access_checks.rules(settings, broker)) == {}
    folder = tmp_path / "access"
    folder.mkdir()
    (folder / "access.toml").write_text('[identities]\neva = { role = "viewer" }\n')
    for place in (folder / "broker", broker):
        write_rules(Register.read(folder / "access.toml"), place, "t60")
    assert set(told(access_checks.rules(settings, broker)).values()) == {"ok"}
    (folder / "access.toml").write_text('[identities]\neva = { role = "operator" }\n')
    write_rules(Register.read(folder / "access.toml"), folder / "broker", "t60")
    found = told(access_checks.rules(settings, broker))
    assert level(found, f"the rules in {folder / 'broker'} are those") == "ok"
    assert level(found, f"certificates.acl in {broker} do not say") == "bad"
    (folder / "access.toml").write_text("[identities")
    assert level(told(access_checks.rules(settings, broker)), "not valid TOML") == "bad"


def test_secrets_that_everybody_can_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, secret = tmp_path / "pyros.toml", tmp_path / "secret"
    file.write_text('password = "hunter2"\n')
    secret.write_text("hunter2\n")
    for mode, expected in ((0o644, "bad"), (0o640, "ok")):
        file.chmod(mode)
        secret.chmod(mode)
        found = told(secret_checks.files(Settings(password_file=secret)))
        assert set(found.values()) == {expected}
        assert "hunter2" not in str(found)
    assert str(secret) in str(found)
    assert "pyros.toml" in str(told(secret_checks.files(Settings())))
    assert told(access_checks.guarded(Settings())) == {}
    file.write_text('brokers = "mqtt://ops:hunter2@b"\n')
    assert "pyros.toml" in str(told(secret_checks.files(Settings())))
    file.chmod(0o602)
    assert level(told(access_checks.guarded(Settings())), "which programs run here") == "bad"


def test_a_password_in_a_command_line_is_told_and_not_repeated(tmp_path: Path) -> None:
    lines = {
        "1": b"mosquitto_sub\0-P\0swordfish\0",
        "2": b"/usr/bin/python3\0-m\0x\0mqtts://ops:swordfish@control:8883\0",
        "3": b"vi\0-P\0",
    }
    for pid, line in lines.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_bytes(line)
    found = list(secret_checks.process_list(tmp_path))
    assert [one.text.split()[1] for one in found] == ["1", "2"]
    assert "swordfish" not in str(found)


@pytest.mark.parametrize(
    ("host", "wide"),
    [("0.0.0.0", True), ("127.0.0.1", False), ("::", True), ("::1", False)],  # noqa: S104
)
def test_who_serves_the_whole_network_is_seen(host: str, wide: bool) -> None:  # noqa: FBT001
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        assert is_open_to_the_network(server.getsockname()[1]) is wide
