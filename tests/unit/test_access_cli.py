"""`pyros access`, in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from pyros_mqtt.access import BUILT_IN, Register
from pyros_mqtt.access.office import Office
from pyros_mqtt.cli import access, access_folder
from pyros_mqtt.cli.app import root
from pyros_mqtt.cli.endings import USAGE, Trouble

SECRET = "correct-horse-battery"

Run = Callable[..., Result]


@pytest.fixture
def pyros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `pyros access` with these words, in a folder of its own."""
    monkeypatch.setenv("PYROS_ACCESS_FOLDER", str(tmp_path / "access"))
    monkeypatch.chdir(tmp_path)
    app = typer.Typer(rich_markup_mode=None)
    app.callback()(root)
    access.register(app)

    def run(*words: str, said: str = "", before: tuple[str, ...] = ()) -> Result:
        return CliRunner().invoke(app, [*before, "access", *words], input=said)

    return run


@pytest.fixture
def observatory(pyros: Run) -> Run:
    assert pyros("init", "--broker-host", "control.t60").exit_code == 0
    assert pyros("add", "dome", "--role", "agent", "--host", "t60-dome").exit_code == 0
    return pyros


def test_the_list_tells_who_has_what_until_when(observatory: Run) -> None:
    observatory("add", "rain", "--role", "agent", "--password", said=f"{SECRET}\n")
    observatory("rotate", "dome", "--now")
    rows = json.loads(observatory("list", "--json").stdout)
    assert [(one["name"], one["role"], one["host"], one["state"]) for one in rows] == [
        ("control.t60", "broker", "control.t60", "valid"),
        ("dome", "agent", "t60-dome", "valid"),
        ("rain", "agent", "", "password"),
    ]
    text = observatory("list", "--all").stdout
    assert text.splitlines()[0].split() == ["NAME", "ROLE", "HOST", "STATE", "ENDS"]
    assert "revoked" in text
    assert "(in 365 d)" in text


def test_a_bundle_names_the_broker_that_is_asked_for(observatory: Run, tmp_path: Path) -> None:
    done = observatory("bundle", "dome", "-o", "stick.tgz", before=("--broker", "mqtts://x:8884"))
    assert done.exit_code == 0
    done = observatory("unpack", "stick.tgz", "--into", "there")
    assert f"to {tmp_path / 'there'}" in done.stdout
    assert 'brokers = ["mqtts://x:8884"]' in (tmp_path / "there" / "pyros.toml").read_text()


def test_a_bundle_is_unpacked_where_settings_are_looked_for(
    observatory: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    observatory("bundle", "dome")
    observatory("unpack", "dome.tar.gz")
    assert (tmp_path / "config" / "pyros" / "dome.key").is_file()


def test_a_role_that_there_is_not_is_told_with_those_that_there_are(observatory: Run) -> None:
    for role in ("emperor", "Vice Captain"):
        error = observatory("add", "eva", "--role", role).exception
        assert isinstance(error, Trouble)
        assert f"there is no role {role!r}; known are agent, bridge, engineer" in str(error)
        assert error.code == USAGE


def test_what_the_broker_reads_is_for_the_group_of_its_folder(
    observatory: Run, tmp_path: Path
) -> None:
    place = tmp_path / "pyros-broker"
    assert "no folder" in str(observatory("apply", "--to", str(place)).exception)
    place.mkdir()
    (place / "mosquitto.conf").write_text("# stays")
    done = observatory("apply", "--to", str(place))
    made = {one.name: one for one in (tmp_path / "access" / "broker").iterdir()}
    assert f"Put {len(made)} files into {place}" in done.stdout
    assert {one.name for one in place.iterdir()} == {*made, "mosquitto.conf"}
    assert {"server.key", "certificates.acl", "revoked.crl"} <= {*made}
    for name, one in made.items():
        assert (place / name).read_bytes() == one.read_bytes()
        assert (place / name).stat().st_mode & 0o777 == 0o640


def test_a_second_identity_is_for_the_agent_of_its_name(observatory: Run) -> None:
    observatory("add", "camera", "--role", "agent")
    observatory("bundle", "dome", "camera")
    done = observatory("unpack", "dome.tar.gz", "camera.tar.gz", "--into", "there")
    assert "for agent camera alone" in done.stdout


def test_several_bundles_are_several_files(observatory: Run) -> None:
    done = observatory("bundle", "dome", "dome", "-o", "both.tgz")
    assert "--output names one file" in str(done.exception)


def test_check_names_what_a_person_has_to_do(observatory: Run, tmp_path: Path) -> None:
    assert observatory("check").exit_code == 0
    office = Office(tmp_path / "access")
    office.rotate("dome", days=3)
    with (tmp_path / "access" / "access.toml").open("a") as file:
        file.write('[identities.eva]\nrole = "viewer"\n')
    done = observatory("check")
    assert done.exit_code == 1
    assert "dome: its certificate ends: " in done.stderr
    assert "eva: has no certificate; `pyros access rotate eva`" in done.stderr
    observatory("rotate", "eva")
    observatory("rotate", "dome")
    assert observatory("check").exit_code == 0


def test_an_emptied_register_shuts_nobody_out(observatory: Run, tmp_path: Path) -> None:
    file = tmp_path / "access" / "access.toml"
    file.write_text("")
    assert "names nobody, and certificates of dome" in observatory("check").stderr
    assert "names nobody" in str(observatory("apply").exception)
    assert "user dome" in (tmp_path / "access" / "broker" / "certificates.acl").read_text()


def test_rules_that_are_older_than_the_register_are_told(observatory: Run, tmp_path: Path) -> None:
    file = tmp_path / "access" / "access.toml"
    file.write_text(file.read_text().replace('role = "agent"', 'role = "scheduler"'))
    assert "certificates.acl in" in observatory("check").stderr
    observatory("apply")
    assert observatory("check").exit_code == 0


def test_a_host_of_two_lines_is_refused(observatory: Run) -> None:
    done = observatory("add", "eva", "--role", "viewer", "--host", "a\nb")
    assert isinstance(done.exception, Trouble)
    assert "must be one line" in str(done.exception)


def test_who_goes_on_to_trust_a_revoked_key_is_told(observatory: Run) -> None:
    observatory("add", "ops", "--role", "operator")
    told = "trust the old signing key of ops until"
    assert told not in observatory("rotate", "ops").stdout
    for words in (("rotate", "ops", "--now"), ("revoke", "ops")):
        said = observatory(*words).stdout
        assert told in said
        assert "(pyros access bundle AGENT --signed): dome\n" in said


def test_who_was_struck_off_by_hand_is_told(observatory: Run, tmp_path: Path) -> None:
    observatory("add", "eva", "--role", "viewer")
    file = tmp_path / "access" / "access.toml"
    file.write_text(file.read_text().replace('[identities.eva]\nrole = "viewer"\n', ""))
    assert "eva: is not in access.toml" in observatory("check").stderr
    assert "pyros access revoke eva" in str(observatory("add", "eva", "--role", "viewer").exception)
    assert "Revoked eva: 1 certificate\n" in observatory("revoke", "eva").stdout
    assert observatory("check").exit_code == 0


def test_what_has_ended_is_told(observatory: Run, tmp_path: Path) -> None:
    office = Office(tmp_path / "access")
    office.rotate("dome", days=-1)
    assert {one.state for one in office.standings(time.time()) if one.name == "dome"} >= {"ended"}
    assert "dome: its certificate has ended" in observatory("check").stderr
    done = observatory("check", "--json")
    assert done.exit_code == 1
    assert "its certificate has ended" in json.loads(done.stdout)[0]
    observatory("rotate", "dome")
    assert observatory("check").exit_code == 0


def test_roles_are_shown_before_there_is_an_authority(pyros: Run, tmp_path: Path) -> None:
    known = json.loads(pyros("roles", "--json").stdout)
    assert set(known) == set(BUILT_IN)
    (tmp_path / "access").mkdir()
    (tmp_path / "access" / "access.toml").write_text(
        '[roles.student]\nviews = true\ncommands = { telescope = ["goto", "park"] }\n'
    )
    assert "telescope: goto, park" in pyros("roles").stdout


def test_without_an_authority_it_is_said_how_to_make_one(pyros: Run) -> None:
    done = pyros("revoke", "dome")
    assert done.exit_code == 1
    assert "pyros access init" in str(done.exception)


def test_the_brokers_rules_follow_each_change(
    observatory: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[list[str], Path, str]] = []

    def write_rules(register: Register, folder: Path, root: str) -> None:
        written.append((sorted(register.identities), folder, root))

    monkeypatch.setattr(access_folder, "_rule_writer", lambda: write_rules)
    observatory("add", "ops", "--role", "operator", before=("--root", "esp"))
    observatory("rotate", "ops")
    observatory("revoke", "ops")
    observatory("apply")
    folder = tmp_path / "access" / "broker"
    both = ["dome", "ops"]
    assert written == [
        (both, folder, "esp"), (both, folder, "pyros"), (["dome"], folder, "pyros"),
        (["dome"], folder, "pyros"),
    ]  # fmt: skip


@pytest.mark.parametrize("way", ["input", "file", "dash"])
def test_a_password_comes_from_the_input_or_a_file(
    observatory: Run, tmp_path: Path, way: str
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    words = {"input": ["--password"], "file": ["--password-file", "secret"]}.get(
        way, ["--password-file", "-"]
    )
    said = "" if way == "file" else f"{SECRET}\n"
    done = observatory("add", "rain", "--role", "agent", *words, said=said)
    assert done.exit_code == 0
    assert SECRET not in done.output
    before = (tmp_path / "access" / "broker" / "passwords").read_text()
    assert before.startswith("rain:$7$")
    assert observatory("rotate", "rain", said=f"{SECRET}-2\n").exit_code == 0
    assert (tmp_path / "access" / "broker" / "passwords").read_text() != before


def test_without_the_extra_it_is_said_what_to_install(
    pyros: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = pyros("init")
    assert "pyros-mqtt[access]" in str(done.exception)
