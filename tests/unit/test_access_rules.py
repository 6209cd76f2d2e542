"""What mosquitto is told of the register."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyros_mqtt.access import Identity, Register, Role
from pyros_mqtt.access.passwords import hashed
from pyros_mqtt.access.rules import BROWSERS, CERTIFICATES, DEVICES, PASSWORDS, write_rules
from pyros_mqtt.errors import BadName

EVERYBODY = {
    "dome": Identity(role="agent"),
    "panic": Identity(role="button"),
    "sensor": Identity(role="agent", password=True),
    "wall": Identity(role="viewer", password=True),
}
REGISTER = Register(EVERYBODY, {"button": Role(commands={"dome": ("close",)})})


def users(file: Path) -> list[str]:
    return [line.split()[1] for line in file.read_text().splitlines() if line.startswith("user ")]


def test_each_door_has_rules_for_those_who_may_use_it(tmp_path: Path) -> None:
    write_rules(REGISTER, tmp_path, "pyros")
    assert users(tmp_path / CERTIFICATES) == ["dome", "panic", "sensor", "wall"]
    assert users(tmp_path / DEVICES) == ["sensor"]
    assert users(tmp_path / BROWSERS) == ["wall"]


def test_a_sender_without_sight_reads_what_is_reported_to_it(tmp_path: Path) -> None:
    write_rules(REGISTER, tmp_path, "esp/t60")
    lines = (tmp_path / CERTIFICATES).read_text().partition("user panic\n")[2].split("\n\n")[0]
    assert lines.splitlines() == [
        "topic write esp/t60/dome/inbox",
        "topic read esp/t60/+/outbox/panic",
    ]


def test_only_who_keeps_house_tries_the_broker(tmp_path: Path) -> None:
    people = {"eve": Identity(role="engineer"), "olga": Identity(role="operator")}
    write_rules(Register(people, {}), tmp_path, "esp/t60")
    text = (tmp_path / CERTIFICATES).read_text()
    eve, olga = (text.partition(f"user {name}\n")[2].split("\n\n")[0] for name in people)
    assert "topic readwrite esp/t60/+/trial/+" in eve.splitlines()
    assert "trial" not in olga


def test_a_bridge_passes_what_is_listed_for_it_and_viewers_see_what_it_brings(
    tmp_path: Path,
) -> None:
    line = Identity(
        role="bridge",
        commands={"telescope": ("goto",)},
        reads=("status", "outbox/north-scheduler"),
        brings="north",
    )
    register = Register({"north": line, "eva": Identity(role="viewer")}, {})
    write_rules(register, tmp_path, "south")
    text = (tmp_path / CERTIFICATES).read_text()
    assert text.partition("user north\n")[2].splitlines() == [
        "topic read south/+/status",
        "topic read south/+/outbox/north-scheduler",
        "topic write north/+/status",
        "topic write north/+/about",
        "topic write north/+/alarm/+",
        "topic write south/telescope/inbox",
        "topic read south/+/outbox/north",
    ]
    eva = text.partition("user eva\n")[2].split("\n\n")[0].splitlines()
    assert {"topic read south/line", "topic read north/line", "topic read north/+/status"} <= {*eva}
    assert "topic read north/+/telemetry/+" not in eva


@pytest.mark.parametrize("branch", ["inbox", "#", "+/status", "status/x", "outbox", "log/a/b"])
def test_what_is_no_branch_is_refused(branch: str) -> None:
    with pytest.raises(ValueError, match="must be a branch"):
        Identity(role="bridge", reads=(branch,))


def test_nothing_holds_for_everybody_who_connects(tmp_path: Path) -> None:
    write_rules(REGISTER, tmp_path, "pyros")
    for name in (CERTIFICATES, DEVICES, BROWSERS):
        head, _, _ = (tmp_path / name).read_text().partition("\nuser ")
        assert all(line.startswith("#") for line in head.splitlines() if line)
        assert "\npattern" not in (tmp_path / name).read_text()


def test_passwords_are_kept_for_those_who_may_still_have_one(tmp_path: Path) -> None:
    (tmp_path / PASSWORDS).write_text("sensor:one\nstranger:two\ndome:three\n")
    write_rules(REGISTER, tmp_path, "pyros")
    assert (tmp_path / PASSWORDS).read_text() == "sensor:one\n"
    assert (tmp_path / PASSWORDS).stat().st_mode & 0o077 == 0


def test_a_root_with_a_wildcard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadName):
        write_rules(REGISTER, tmp_path, "+")


def test_hashes_differ_though_the_password_is_the_same() -> None:
    word = "correct-horse-battery"
    one, other = hashed(word), hashed(word)
    assert one != other
    assert one.startswith("$7$10000$")
    assert word not in one
