"""The old sockets in the settings: two files, what is refused, and how one becomes the other."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from pyros_mqtt.errors import SettingsError
from pyros_mqtt.settings import OldSocket, Settings
from pyros_mqtt.settings.legacy_ini import parse
from pyros_mqtt.settings.migration import migrate

OLD = """\
; The observatory's network, since 2015
[DEFAULT]
buffer_size = 2048   ; bytes

[broker]
host = control.example   # dome pc
port = 1884

; who plans the night
[Scheduler]  ; planner
IP = 10.0.0.5
receive_port : 10001 ; since ever
allow = 10.0.0.0/8, 192.168.1.7

[Alert Manager]
receive_port = 10002
voevent_folder = /data/voevents # where they come
proxy = yes
; the end
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.upper().startswith(("PYROS_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ini(folder: Path, text: str) -> None:
    (folder / "pyros_agent_config.ini").write_text(text)


def test_the_old_file_alone_drives_the_gateway(folder: Path) -> None:
    ini(folder, OLD)
    gateway = Settings().gateway
    assert list(gateway.listening) == ["scheduler"]
    assert list(gateway.proxied) == ["alert_manager"]
    scheduler = gateway.agents["scheduler"]
    assert (scheduler.ip, scheduler.receive_port, scheduler.buffer_size) == (
        "10.0.0.5",
        10001,
        2048,
    )
    assert [str(one) for one in scheduler.allow or ()] == ["10.0.0.0/8", "192.168.1.7/32"]


def test_each_value_knows_its_line(folder: Path) -> None:
    ini(folder, OLD)
    places = {one.key: one.place for one in Settings().sources()}
    assert places["gateway.agents.scheduler.receive_port"].endswith("config.ini, line 12")
    assert places["gateway.agents.scheduler.buffer_size"].endswith("config.ini, line 3")


def test_the_new_file_wins_key_by_key(folder: Path) -> None:
    ini(folder, OLD)
    (folder / "pyros.toml").write_text(
        '[gateway.agents.scheduler]\nframing = "line"\nip = "0.0.0.0"\n'
    )
    scheduler = Settings().gateway.agents["scheduler"]
    assert (scheduler.framing, scheduler.ip, scheduler.receive_port) == ("line", "0.0.0.0", 10001)  # noqa: S104


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ip = 300.1.1.1", "must be an address such as 127.0.0.1"),
        ("framing = lines", "must be 'read' or 'line'"),
        ("allow = 10.0.0.0/33", "right are addresses and networks such as '10.0.0.0/8'"),
        ("sends_from = dome", "right is an address such as '10.0.0.7'"),
        ("answer = perhaps", "must be 'none', 'accepted' or 'ended'"),
        ("proxy = perhaps", "must be true or false"),
        ("timeout = -1", "must be greater than 0"),
    ],
)
def test_a_wrong_value_of_the_old_file_is_told_with_its_line(
    folder: Path, line: str, told: str
) -> None:
    ini(folder, f"[dome]\nreceive_port = 1234\n{line}\n")
    (problem,) = Settings.check()
    assert "pyros_agent_config.ini, line 3: gateway.agents.dome." in problem
    assert told in problem


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[gateway.agents.dome]\nreceive_prot = 1", "did you mean 'receive_port'?"),
        ("[gateway]\nallows = []", "did you mean 'allow'?"),
        ("[gateway.agents.dome]\nreceive_port = 70000", "must be at most 65535"),
        ("[gateway.agents.dome]\nbuffer_size = 0", "must be at least 1"),
        ("[gateway.agents.dome]\nproxy = true", "proxy needs receive_port"),
        ("[gateway.agents.Dome]\nreceive_port = 1", "'Dome' is not a valid name"),
        (
            "[gateway.agents.a]\nreceive_port = 5\n[gateway.agents.b]\nreceive_port = 5",
            "b and a have the same receive_port 5 at 127.0.0.1; each agent needs its own",
        ),
        (
            'gateway.agents.a.receive_port = 5\ngateway.agents.b = {ip="0.0.0.0", receive_port=5}',
            "have the same receive_port 5",
        ),
        (
            '[gateway.agents]\na.sends_from = ["10.0.0.1"]\nb.sends_from = "10.0.0.1"',
            "sends_from of b and a have both 10.0.0.1",
        ),
    ],
)
def test_a_wrong_value_of_the_new_file_is_told_with_what_is_right(
    folder: Path, toml: str, told: str
) -> None:
    (folder / "pyros.toml").write_text(toml + "\n")
    (problem,) = Settings.check()
    assert problem.startswith(str(folder / "pyros.toml"))
    assert told in problem


def test_yes_and_no_are_answers(folder: Path) -> None:
    ini(folder, "[a]\nreceive_port=1\nanswer = Yes\n[b]\nreceive_port=2\nanswer = no\n")
    agents = Settings().gateway.agents
    assert (agents["a"].answer, agents["b"].answer) == ("accepted", "none")


def test_a_name_of_a_host_is_an_ip_too() -> None:
    assert OldSocket(ip="dome-pc.observatory.example").ip == "dome-pc.observatory.example"
    assert OldSocket(ip="::1", receive_port=5).place == "[::1]:5"


# -- the strict check -----------------------------------------------------------------------


def test_the_check_tells_unknown_keys_that_reading_tolerates() -> None:
    found = parse("[dome]\nreceive_port = 5\nbufer_size = 7\nslit = 3", "a.ini")
    assert not found.problems
    typo, other = found.remarks
    right = "unknown key; did you mean 'buffer_size'?"
    assert typo == f"a.ini, line 3: [dome] bufer_size = '7': {right}"
    assert other.startswith("a.ini, line 4: [dome] slit = '3': unknown key; an option of the agent")
    assert other.endswith("belongs into [agents.dome.options] of pyros.toml")


def test_the_check_tells_of_missing_ports_and_sections() -> None:
    assert "[dome]: receive_port is missing" in parse("[dome]\nip = 127.0.0.1").remarks[0]
    assert "no agent has a section" in parse("[broker]\nhost = b").remarks[0]
    assert parse("[ops]\nsends_from = 10.0.0.3").remarks == ()


# -- the way from the old file to the new one -----------------------------------------------


def test_the_new_file_says_the_same_with_every_comment(folder: Path) -> None:
    made = migrate(OLD)
    ini(folder, OLD)
    before = Settings()
    (folder / "pyros_agent_config.ini").unlink()
    (folder / "pyros.toml").write_text(made.text)
    after = Settings()
    assert (after.gateway, after.brokers) == (before.gateway, before.brokers)
    for comment in ("since 2015", "bytes", "dome pc", "who plans the night", "planner",
                    "since ever", "where they come", "the end"):  # fmt: skip
        assert comment in made.text


def test_a_key_that_is_none_of_a_socket_becomes_a_comment_and_is_told() -> None:
    made = migrate(OLD)
    assert "# voevent_folder = /data/voevents" in made.text
    (remark,) = made.remarks
    assert "voevent_folder" in remark


def test_comments_stand_where_they_stood() -> None:
    lines = migrate(OLD).text.splitlines()
    at = lines.index("[gateway.agents.scheduler] # planner")
    assert "# who plans the night" in lines[at - 2 : at]
    assert "receive_port = 10001 # since ever" in lines


def test_a_wrong_old_file_is_not_converted() -> None:
    with pytest.raises(SettingsError, match="line 2"):
        migrate("[dome]\nreceive_port = x")
    with pytest.raises(SettingsError, match=r"dome\.ip"):
        migrate("[dome]\nreceive_port = 1\nip = 300.1.1.1")


@pytest.mark.parametrize(
    "text", ["", "; nothing\n", "[broker]\nhost = b\n", '[a]\nreceive_port=1\nip = "x"']
)
def test_odd_old_files_become_valid_new_ones_or_are_refused(text: str) -> None:
    try:
        made = migrate(text)
    except SettingsError:
        return
    tomllib.loads(made.text)
