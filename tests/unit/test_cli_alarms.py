"""Whether `pyros alarms` may say that all is well."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pyros_mqtt.claims import Health
from pyros_mqtt.cli.alarm_rules import _from_file
from pyros_mqtt.cli.alarms import nobody_watches
from pyros_mqtt.fleet import Member
from pyros_mqtt.messages import About, Channel, State, Status


def member(health: Health, state: State = State.READY, name: str = "alarms") -> Member:
    about = About(name, telemetry={"alarms": Channel("alarms")})
    return Member(name, Status(name, state), about, 12.0, health)


@pytest.mark.parametrize(
    ("health", "state", "told"),
    [
        (Health.LOST, State.READY, "nobody watches: alarms is lost"),
        (Health.SILENT, State.READY, "nobody watches: alarms is silent for 12 s"),
        (Health.STOPPED, State.STOPPED, "nobody watches: alarms is stopped"),
        (Health.LIVE, State.FAULT, "nobody watches: alarms is fault"),
    ],
)
def test_a_watchman_who_does_not_see_is_told(health: Health, state: State, told: str) -> None:
    assert nobody_watches([member(health, state)], is_expected=False).startswith(told)


def test_one_watchman_of_any_name_is_enough() -> None:
    gone, other = member(Health.LOST), member(Health.LIVE, name="night-watch")
    assert nobody_watches([gone, other], is_expected=True) == ""


def test_one_who_was_never_seen_is_missed_only_where_there_is_something_to_watch() -> None:
    dome = Member("dome", Status("dome", State.READY), None, 1.0, Health.LIVE)
    assert "no agent 'alarms' has been seen" in nobody_watches([dome], is_expected=True)
    assert nobody_watches([dome], is_expected=False) == ""


def test_a_night_may_come_by_the_pipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "night.jsonl"
    file.write_text('{"at": 1763841600, "agent": "weather", "channel": "wind", "payload": 70}')
    with file.open() as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        with _from_file(Path("-")) as piped, _from_file(file) as named:
            assert list(piped) == list(named) != []
        assert not pipe.closed
