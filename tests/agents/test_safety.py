"""The safety agent alone, with a clock that is set by hand: verdict, hold, restart."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.memory import Memory
from tests.agents.hand_clock import START, HandClock
from tests.agents.lone_safety import CLOSE, FINE, PARK, Alone


@pytest.fixture
def safety() -> Alone:
    return Alone(HandClock())


# -- the verdict ---------------------------------------------------------------------------------


def test_fine_weather_is_safe(safety: Alone) -> None:
    assert safety.look() == {"safe": True, "reasons": [], "since": START + 1}


def test_it_tells_since_when(safety: Alone) -> None:
    safety.look()
    assert safety.look(5)["since"] == START + 1
    assert safety.look(5, rain=True)["since"] == START + 11
    assert safety.look(5, rain=True)["since"] == START + 11


def test_reasons_are_told_in_words(safety: Alone) -> None:
    safety.look()
    safety.stay(100, humidity=82.1)
    verdict = safety.look(rain=True, humidity=82.1)
    assert verdict["safe"] is False
    assert verdict["reasons"] == ["rain", "humidity 82.1 % is over 75 %"]


def test_bad_at_once_and_good_slowly(safety: Alone) -> None:
    safety.look()
    assert not safety.look(rain=True)["safe"]
    safety.look()
    assert not safety.stay(290)["safe"]
    assert safety.stay(10)["safe"]


def test_at_its_start_it_wants_to_see_good_weather_for_a_while() -> None:
    safety = Alone(HandClock(), settle=600.0)
    safety.look()
    assert not safety.stay(590)["safe"]
    assert safety.stay(10)["safe"]


@pytest.mark.parametrize(("kept", "is_safe"), [(115.0, True), (125.0, False)])
def test_weather_that_the_broker_had_kept_for_two_minutes_is_no_weather(
    safety: Alone,
    kept: float,
    is_safe: bool,  # noqa: FBT001
) -> None:
    assert safety.look(kept=kept)["safe"] is is_safe


@pytest.mark.parametrize(("kept", "is_safe"), [(11.0, True), (13.0, False)])
def test_under_a_fast_sky_weather_ages_faster(kept: float, is_safe: bool) -> None:  # noqa: FBT001
    assert Alone(HandClock(speed=10.0)).look(kept=kept)["safe"] is is_safe


@pytest.mark.parametrize("step", [119.0, -119.0])
def test_a_clock_that_is_set_dries_no_rain(step: float) -> None:
    clock = HandClock()
    safety = Alone(clock)
    safety.look()
    safety.look(rain=True)
    safety.look()
    for seen in range(3):
        clock.step(step)
        assert f"rain is good again, {299 - seen} s to go" in safety.look()["reasons"]
    clock.step(100 * step)
    assert not safety.stay(290)["safe"]
    assert safety.stay(10)["safe"]


def test_the_skys_spans_are_measured_by_a_clock_that_nobody_sets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sky = SkyClock(speed=60.0)
    before = sky.elapsed()
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert 0.0 <= sky.elapsed() - before < 1e6


def test_what_was_kept_back_by_an_outage_is_as_old_as_it_says(safety: Alone) -> None:
    safety.hear("weather", "conditions", FINE, t=time.time() - 300.0, late=True)
    safety.judge()
    assert "300 s old" in safety.told[-1]["reasons"][0]


def test_what_comes_late_does_not_hide_what_is_known_since(safety: Alone) -> None:
    assert safety.look()["safe"] is True
    safety.hear("weather", "conditions", {}, t=time.time() - 300.0, late=True)
    safety.judge()
    assert safety.told[-1]["safe"] is True


@pytest.mark.parametrize("quality", ["uncertain", "bad"])
def test_weather_that_does_not_trust_itself_is_not_safe(safety: Alone, quality: str) -> None:
    safety.look()
    safety.hear("weather", "conditions", FINE, q=quality)
    safety.judge()
    assert not safety.told[-1]["safe"]


def test_a_new_life_waits_a_moment_for_its_first_weather_and_then_judges_without(
    safety: Alone,
) -> None:
    safety.judge()
    assert safety.told == []
    safety._began -= 6.0
    safety.judge()
    assert safety.told[-1]["reasons"] == ["no weather has been heard yet"]
    assert safety.orders() == [CLOSE, PARK]


def test_limits_can_be_set() -> None:
    safety = Alone(HandClock(), limits={"wind": {"above": 8.0, "bad_after": 0.0}})
    assert safety.look()["reasons"] == ["wind 9.01 km/h is over 8 km/h"]
    assert safety.limits()[2]["above"] == 8.0


def test_wrong_limits_are_refused_before_anything_starts() -> None:
    with pytest.raises(ValueError, match="wind"):
        Alone(HandClock(), limits={"wind": {"most": 8.0}})


def test_a_dome_that_opens_too_often_is_not_safe(safety: Alone) -> None:
    for _ in range(3):
        for state in ("opening", "open", "closing", "closed"):
            safety.shutter(state)
            verdict = safety.look(10)
            assert verdict["safe"] or state in {"closing", "closed"}
    assert verdict["reasons"] == ["3 openings in 600 s, the next is allowed in 490 s"]
    assert not safety.stay(480)["safe"]
    assert safety.stay(10)["safe"]


# -- a person's hold -----------------------------------------------------------------------------


def test_a_hold_is_unsafe_whatever_the_weather_until_it_is_released(safety: Alone) -> None:
    safety.look()
    safety.hold("Ana is at the mirror")
    assert safety.look()["reasons"] == ["held: Ana is at the mirror"]
    assert safety.orders() == [CLOSE, PARK]
    safety.stay(3600)
    assert not safety.told[-1]["safe"]
    safety.release()
    assert safety.look()["safe"]


# -- a restart -----------------------------------------------------------------------------------


def restarted(safety: Alone, memory: Path, gap: float = 5.0) -> Alone:
    return Alone(HandClock(hand=[safety.hand[0] + gap]), memory=memory, settle=600.0)


def test_a_quick_restart_in_fine_weather_closes_nothing(tmp_path: Path) -> None:
    memory = tmp_path / "new" / "safety.json"
    safety = Alone(HandClock(), memory=memory)
    safety.stay(600)
    after = restarted(safety, memory)
    assert after.look()["safe"]
    assert after.orders() == []


def test_a_delay_that_runs_outlives_a_restart(tmp_path: Path) -> None:
    memory = tmp_path / "safety.json"
    safety = Alone(HandClock(), memory=memory)
    safety.look()
    safety.look(rain=True)
    after = restarted(safety, memory)
    after.look()
    assert not after.stay(290)["safe"]
    assert after.stay(10)["safe"]


def test_a_hold_outlives_a_restart_from_the_moment_it_is_taken(tmp_path: Path) -> None:
    memory = tmp_path / "safety.json"
    safety = Alone(HandClock(), memory=memory)
    safety.stay(600)
    safety.hold("Ana is at the mirror")
    after = restarted(safety, memory, gap=86_400.0)
    assert "held: Ana is at the mirror" in after.look()["reasons"]


class HeldEarly(Alone):
    """Is told to hold before it has begun to work: urgent messages are taken in every state."""

    def work(self) -> None:
        self.hold("lightning")
        super().work()


def test_a_hold_that_comes_while_it_starts_costs_neither_hold_nor_delays(tmp_path: Path) -> None:
    memory = tmp_path / "safety.json"
    safety = Alone(HandClock(), memory=memory)
    safety.look()
    safety.look(rain=True)
    after = HeldEarly(HandClock(hand=[safety.hand[0] + 5]), memory=memory, settle=600.0)
    assert "held: lightning" in after.look()["reasons"]
    after.release()
    assert not after.stay(290)["safe"]
    assert after.stay(10)["safe"]


class HeldMeanwhile(Memory):
    """A person holds the dome just when a chore's table is about to be written."""

    safety: Alone
    person: threading.Thread | None = None

    def write(self, table: dict[str, Any]) -> None:
        if self.person is None:
            self.person = threading.Thread(target=self.safety.hold, args=("the wind",))
            self.person.start()
            self.person.join(0.5)  # it waits for this table, or has overtaken it
        super().write(table)


def test_a_hold_that_comes_while_a_chore_notes_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "safety.json"
    safety = Alone(HandClock())
    safety._memory = memory = HeldMeanwhile(path)
    memory.safety = safety
    safety.look()
    assert memory.person is not None
    memory.person.join(30)
    assert "held: the wind" in restarted(safety, path).look()["reasons"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}x", '{"at": 1}', '{"at": "x", "hold": ""}'])
def test_a_memory_that_cannot_be_read_starts_all_delays_anew(tmp_path: Path, text: str) -> None:
    memory = tmp_path / "safety.json"
    memory.write_text(text, encoding="utf-8")
    safety = Alone(HandClock(), memory=memory, settle=600.0)
    assert not safety.look()["safe"]
    assert safety.stay(610)["safe"]


def test_a_memory_that_cannot_be_written_is_shown_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    safety = Alone(HandClock(), memory=tmp_path / "file" / "safety.json")
    safety.look()
    assert safety.look()["safe"]
    assert "would not outlive a restart" in safety.troubles["memory"]
    safety.hold("by hand")
    assert not safety.look()["safe"]
