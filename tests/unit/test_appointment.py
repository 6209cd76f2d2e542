"""Daily chores, with a clock that the test sets: on time, once, and not made up for days later."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from pyros_mqtt import Agent, AgentError, every
from pyros_mqtt.agent.chores import Chores
from pyros_mqtt.condition import Condition
from pyros_mqtt.daily import Daily
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.messages import State
from pyros_mqtt.settings import Settings

DAY = 86_400.0


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


class HandSky:
    """A sky that is set by hand, whose Sun sets at 18:30 and two minutes later each day."""

    def __init__(self, now: str, speed: float = 1.0) -> None:
        self.hand = utc(now)
        self.speed = speed
        self.asked = 0
        self.broken = False
        self.jitter = 0.0
        self.blind = False

    def now(self) -> float:
        return self.hand

    def wall_seconds(self, sky_seconds: float) -> float:
        return sky_seconds / self.speed

    def next(self, event: str, after: float) -> float | None:
        assert event == "sunset"
        self.asked += 1
        if self.broken:
            raise OSError("the tables are lost")
        if self.blind:
            return None
        first = utc("2026-11-01T18:30") + self.jitter
        day = DAY + 120.0
        return first + day * ((after - first) // day + 1)


class Rig:
    """Chores with one daily chore, and what it did."""

    def __init__(self, words: str, now: str, speed: float = 1.0) -> None:
        self.sky = HandSky(now, speed)
        self.condition = Condition(0.0)
        self.condition.enter(State.READY)
        self.chores = Chores(self.condition)
        self.ran: list[str] = []
        self.chores.add("prepare", self.run, Daily.of(words), self.sky)
        self.chores.run_due(0.0)

    def run(self) -> None:
        self.ran.append(datetime.fromtimestamp(self.sky.hand, UTC).strftime("%dT%H:%M:%S"))

    def at(self, when: str) -> list[str]:
        """Set the sky's clock and look, twice; what has run so far."""
        self.sky.hand = utc(when)
        self.chores.run_due(0.0)
        self.chores.run_due(0.0)
        return self.ran

    @property
    def state(self) -> tuple[State, str]:
        shown = self.condition.snapshot(0.0)
        return shown.state, shown.detail


def test_it_runs_once_at_its_moment_and_again_the_next_day() -> None:
    rig = Rig("daily at 18:30", "2026-11-01T18:29")
    assert rig.at("2026-11-01T18:29:59") == []
    assert rig.at("2026-11-01T18:30:00") == ["01T18:30:00"]
    assert rig.at("2026-11-01T20:00") == ["01T18:30:00"]
    assert rig.at("2026-11-02T18:29:59") == ["01T18:30:00"]
    assert rig.at("2026-11-02T18:30:01")[1:] == ["02T18:30:01"]


def test_it_runs_at_the_skys_event_of_each_day() -> None:
    rig = Rig("daily at sunset-30m", "2026-11-01T12:00")
    assert rig.at("2026-11-01T17:59:59") == []
    assert rig.at("2026-11-01T18:00") == ["01T18:00:00"]
    assert rig.at("2026-11-02T18:01") == ["01T18:00:00"]
    assert rig.at("2026-11-02T18:02")[1:] == ["02T18:02:00"]


def test_a_moment_that_passed_before_the_start_is_not_made_up_for() -> None:
    rig = Rig("daily at 18:30", "2026-11-01T18:30:01")
    assert rig.at("2026-11-01T18:31") == []
    rig = Rig("daily at sunset", "2026-11-01T18:30")
    assert rig.at("2026-11-01T18:31") == [], "an agent that was restarted within the moment"


def test_a_moment_that_comes_while_the_agent_gets_ready_is_kept() -> None:
    sky, ran = HandSky("2026-11-01T18:29:58"), []
    chores = Chores(Condition(0.0))
    chores.add("prepare", lambda: ran.append(sky.hand), Daily.of("daily at 18:30"), sky)
    sky.hand += 5.0
    chores.run_due(0.0)
    assert ran == [utc("2026-11-01T18:30:03")]


def test_what_is_late_by_less_than_an_hour_runs_once() -> None:
    rig = Rig("daily at 18:30", "2026-11-01T18:00")
    assert rig.at("2026-11-01T19:29:59") == ["01T19:29:59"]
    assert rig.at("2026-11-01T19:31") == ["01T19:29:59"]


def test_what_is_later_is_told_and_waits_for_its_next_day(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig("daily at 18:30", "2026-11-01T18:00")
    assert rig.at("2026-11-01T19:30") == []
    assert "the chore prepare missed 2026-11-01T18:30:00Z" in caplog.text
    assert rig.at("2026-11-02T18:30") == ["02T18:30:00"]


def test_after_days_asleep_only_the_last_moment_counts_if_it_is_recent() -> None:
    rig = Rig("daily at 18:30", "2026-11-01T18:00")
    assert rig.at("2026-11-04T18:50") == ["04T18:50:00"]
    assert rig.at("2026-11-07T12:00") == ["04T18:50:00"]
    assert rig.at("2026-11-07T18:30")[1:] == ["07T18:30:00"]


@pytest.mark.parametrize("words", ["daily at 18:30", "daily at sunset"])
@pytest.mark.parametrize("back", ["01T18:29:59", "01T18:00", "01T03:00"])
def test_a_clock_set_back_does_not_run_it_twice(words: str, back: str) -> None:
    rig = Rig(words, "2026-11-01T18:00")
    assert rig.at("2026-11-01T18:30") == ["01T18:30:00"]
    rig.at(f"2026-11-{back}")
    assert rig.at("2026-11-01T18:31") == ["01T18:30:00"]
    assert rig.at("2026-11-02T18:33")[1:] == ["02T18:33:00"]


def test_a_clock_that_was_years_ahead_is_forgotten() -> None:
    rig = Rig("daily at 18:30", "2030-01-01T18:00")
    assert rig.at("2030-01-01T18:30") == ["01T18:30:00"]
    rig.at("2026-11-01T18:00")
    assert rig.at("2026-11-01T18:30")[1:] == ["01T18:30:00"]


def test_a_clock_that_started_in_1970_is_forgotten() -> None:
    rig = Rig("daily at 18:30", "1970-01-01T00:00:10")
    assert rig.at("2026-11-01T12:00") == []
    assert rig.at("2026-11-01T18:30") == ["01T18:30:00"]


def test_a_clock_set_back_and_forth_before_the_moment_does_no_harm() -> None:
    rig = Rig("daily at sunset", "2026-11-02T00:10")
    rig.at("2026-11-01T18:00")
    assert rig.at("2026-11-01T18:30") == ["01T18:30:00"]
    rig.at("2026-11-01T18:29")
    assert rig.at("2026-11-02T18:32")[1:] == ["02T18:32:00"]


def test_an_almanac_that_is_not_of_one_mind_does_not_run_it_twice() -> None:
    rig = Rig("daily at sunset", "2026-11-01T18:00")
    rig.sky.hand = utc("2026-11-01T18:30:00.01")
    rig.sky.jitter = 0.3  # from now on it says that the Sun sets a little later
    rig.chores.run_due(0.0)
    assert rig.at("2026-11-01T18:31") == ["01T18:30:00"]
    assert rig.at("2026-11-02T18:33")[1:] == ["02T18:33:00"]


# -- waking up in time --------------------------------------------------------------------------


def test_the_clock_is_looked_at_each_second_and_at_the_moment() -> None:
    rig = Rig("daily at 18:30", "2026-11-01T12:00")
    assert rig.chores.next_due(0.0) == 1.0
    rig.sky.hand = utc("2026-11-01T18:29:59.750")
    assert rig.chores.next_due(0.0) == pytest.approx(0.25)
    rig.sky.hand += 1.0
    assert rig.chores.next_due(0.0) == 0.0


def test_under_a_fast_sky_it_wakes_up_for_the_skys_moment() -> None:
    rig = Rig("daily at sunset", "2026-11-01T18:00", speed=3600.0)
    assert rig.chores.next_due(0.0) == pytest.approx(0.5)
    assert rig.at("2026-11-01T18:30") == ["01T18:30:00"]
    assert rig.chores.next_due(0.0) == 1.0


def test_the_almanac_is_not_asked_at_each_look() -> None:
    rig = Rig("daily at sunset", "2026-11-01T12:00")
    for second in range(59):
        rig.at(f"2026-11-01T12:00:{second:02}")
    assert rig.sky.asked == 1


def test_other_chores_go_on_beside_it() -> None:
    rig = Rig("daily at sunset", "2026-11-01T12:00")
    ran: list[int] = []
    rig.chores.add("look", lambda: ran.append(1), 1.0)
    rig.chores.run_due(time.monotonic())
    assert ran == [1]
    assert rig.ran == []


# -- trouble ------------------------------------------------------------------------------------


def test_a_chore_that_fails_is_shown_until_it_succeeds_and_told_when_that_may_be(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig, fails = Rig("daily at 23:00", "2026-11-01T12:00"), [True, False]

    def open_vents() -> None:
        if fails.pop(0):
            raise RuntimeError("the vents are stuck")

    rig.chores.add("vents", open_vents, Daily.of("daily at 18:30"), rig.sky)
    rig.at("2026-11-01T12:01")
    rig.at("2026-11-01T18:30")
    assert rig.state == (State.DEGRADED, "vents failed: the vents are stuck")
    assert "the chore vents failed; it is tried again at 2026-11-02T18:30:00Z" in caplog.text
    rig.at("2026-11-02T18:30")
    assert rig.state == (State.READY, "")


def test_an_almanac_that_fails_is_shown_and_asked_again_within_an_hour() -> None:
    rig = Rig("daily at sunset", "2026-11-01T12:00")
    rig.sky.broken = True
    assert rig.at("2026-11-01T18:30") == ["01T18:30:00"], "this moment was known"
    assert rig.state == (
        State.DEGRADED,
        "the almanac does not say when prepare runs next: the tables are lost",
    )
    asked = rig.sky.asked
    rig.at("2026-11-01T18:40")
    assert rig.sky.asked == asked
    rig.sky.broken = False
    rig.at("2026-11-01T19:30")
    assert rig.state == (State.READY, "")
    assert rig.at("2026-11-02T18:32")[1:] == ["02T18:32:00"]


def test_an_almanac_that_sees_no_event_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig("daily at sunset", "2026-11-01T11:59")
    rig.sky.blind = True
    rig.at("2026-11-01T18:30")
    assert "no moment in sight for the chore prepare, daily at sunset" in caplog.text
    assert rig.chores.next_due(0.0) == 1.0
    rig.sky.blind = False
    assert len(rig.at("2026-11-02T18:00")) == 1
    assert rig.at("2026-11-02T18:32")[1:] == ["02T18:32:00"]


def test_a_moment_beyond_the_calendar_is_trouble_and_not_the_end() -> None:
    rig = Rig("daily at sunset", "2026-11-01T12:00")
    rig.sky.jitter = float("inf")
    rig.at("2026-11-01T18:30")
    assert rig.state[0] is State.DEGRADED


# -- agents ---------------------------------------------------------------------------------------


class Watchman(Agent):
    """Has a chore of the sky."""

    def __init__(self, **options: Any) -> None:
        super().__init__("watchman", settings=Settings(brokers=()), **options)

    @every("daily at sunset-30m")
    def light(self) -> None: ...


def test_an_agent_without_an_almanac_is_told_so_when_it_starts() -> None:
    agent = Watchman(bus=Loopback())
    with pytest.raises(AgentError, match="watchman has a chore 'daily at sunset-30m', but no alm"):
        agent.start()
    assert not agent.is_alive
    agent.almanac = HandSky("2026-11-01T12:00")
    agent.start()
    agent.stop()
    assert agent.join(10.0)


def test_clock_times_need_no_almanac(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wall = SimpleNamespace(hand=utc("2026-11-01T18:29:59"))
    wall.time = lambda: wall.hand
    monkeypatch.setattr("pyros_mqtt.agent.appointment.time", wall)
    chores, ran = Chores(Condition(0.0)), []
    chores.add("prepare", lambda: ran.append(wall.hand), Daily.of("daily at 18:30"))
    chores.run_due(0.0)
    assert "the chore prepare, daily at 18:30, runs next at 2026-11-01T18:30:00Z" in caplog.text
    assert chores.next_due(0.0) == 1.0
    wall.hand += 1.5
    chores.run_due(0.0)
    assert ran == [utc("2026-11-01T18:30:00.500")]
