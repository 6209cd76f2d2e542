"""The scheduler among stand-ins for telescope, dome, camera and safety."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyros_agents.scheduler import Scheduler
from pyros_agents.scheduling import observer
from pyros_agents.scheduling.agenda import Agenda
from pyros_agents.scheduling.targets import Target
from pyros_mqtt import Agent, Failed, Rejected, State, WasCancelled
from pyros_mqtt.testing import Rehearsal
from tests.agents.night_clock import NIGHT, NOON, NightClock
from tests.agents.stand_ins import (
    MuteAgent,
    StandInCamera,
    StandInDome,
    StandInSafety,
    StandInTelescope,
)

# over Les Makes in that night: the first two are high up, the third is below the horizon
HIGH: dict[str, Any] = {"name": "high", "ra": 53.4, "dec": -36.1, "exposures": 2, "seconds": 1}
ALSO_HIGH: dict[str, Any] = {
    "name": "also high",
    "ra": 10.0,
    "dec": -25.0,
    "exposures": 2,
    "seconds": 1,
}
SET: dict[str, Any] = {"name": "set", "ra": 201.7, "dec": -47.5}

ALERT: dict[str, Any] = {
    "event": "Swift 1",
    "ra": 70.0,
    "dec": -30.0,
    "error": 0.05,
    "exposures": 3,
    "seconds": 1,
}


class Company:
    """A stage with everyone on it."""

    def __init__(self, stage: Rehearsal) -> None:
        self.stage = stage
        self.clock = NightClock()
        self.safety = StandInSafety("safety", bus=stage.bus)
        self.dome = StandInDome("dome", bus=stage.bus)
        self.telescope = StandInTelescope(bus=stage.bus)
        self.camera = StandInCamera(bus=stage.bus)
        self.crew: list[Agent] = [self.safety, self.dome, self.telescope, self.camera]

    def begin(self, now: float = NIGHT, **options: Any) -> Scheduler:
        """Start everyone, the scheduler last."""
        for agent in self.crew:
            self.stage.start(agent, until=None)
        self.stage.wait_until(lambda: all(self._is_ready(agent) for agent in self.crew))
        self.clock.turn(now - NIGHT)
        options.setdefault("survey", [HIGH, ALSO_HIGH, SET])
        return self.stage.start(Scheduler(bus=self.stage.bus, sky=self.clock, **options))

    def _is_ready(self, agent: Agent) -> bool:
        member = self.stage.fleet.get(agent.name)
        return bool(member and member.status and member.status.state is State.READY)

    @property
    def plan(self) -> dict[str, Any]:
        """What the scheduler says that it does."""
        found = self.stage.latest("scheduler", "plan")
        return found if isinstance(found, dict) else {}

    def wait_for_phase(self, phase: str) -> None:
        """Wait until the plan shows a phase."""
        self.stage.wait_until(lambda: self.plan.get("phase") == phase)


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setattr(observer, "PAUSE", 0.3)
    with Rehearsal() as stage:
        yield Company(stage)


def test_by_night_it_opens_unparks_slews_and_exposes_the_survey(company: Company) -> None:
    company.begin()
    company.stage.wait_until(lambda: len(company.camera.taken) >= 4)
    assert company.dome.state == "open"
    assert sorted(company.camera.taken[:4]) == ["also high", "also high", "high", "high"]
    assert len(company.telescope.asked) in {2, 3}
    assert "set" not in company.camera.asked


def test_an_alert_interrupts_a_running_exposure_of_the_survey(company: Company) -> None:
    company.camera.exposure = 30.0
    company.begin()
    company.stage.wait_until(company.camera.is_exposing.is_set)
    company.camera.exposure = 0.05
    told = company.stage.ask("scheduler", "observe", **ALERT)
    company.stage.wait_until(lambda: company.telescope.asked[-1] == (70.0, -30.0))
    assert told["observable"] is True
    company.stage.wait_until(lambda: company.camera.taken[:3] == ["Swift 1"] * 3)


def test_after_the_alert_the_survey_goes_on(company: Company) -> None:
    company.begin()
    company.stage.wait_until(lambda: company.camera.asked)
    company.stage.ask("scheduler", "observe", **ALERT)
    company.stage.wait_until(lambda: company.camera.taken.count("Swift 1") == 3)
    done = len(company.camera.taken)
    company.stage.wait_until(lambda: len(company.camera.taken) > done)
    assert company.camera.taken.count("Swift 1") == 3


def test_an_alert_stops_a_running_slew_of_the_survey(company: Company) -> None:
    company.telescope.slew = 30.0
    company.begin()
    company.stage.wait_until(lambda: company.telescope.state == "slewing")
    company.telescope.slew = 0.05
    company.stage.ask("scheduler", "observe", **ALERT)
    company.stage.wait_until(lambda: "Swift 1" in company.camera.taken)
    assert company.telescope.stops == 1


def test_the_latest_alert_comes_first_and_the_earlier_one_goes_on_after_it(
    company: Company,
) -> None:
    company.camera.exposure = 30.0
    company.begin(survey=[])
    company.stage.ask("scheduler", "observe", **ALERT)
    company.stage.wait_until(company.camera.is_exposing.is_set)
    company.camera.exposure = 0.05
    company.stage.ask("scheduler", "observe", **{**ALERT, "event": "Swift 2", "ra": 60.0})
    company.stage.wait_until(lambda: len(company.camera.taken) == 6)
    assert company.camera.taken == ["Swift 2"] * 3 + ["Swift 1"] * 3


def test_a_retraction_ends_the_running_observation(company: Company) -> None:
    company.camera.exposure = 30.0
    company.begin(survey=[])
    company.stage.ask("scheduler", "observe", **ALERT)
    company.stage.wait_until(company.camera.is_exposing.is_set)
    assert company.stage.ask("scheduler", "retract", event="Swift 1")["ended"] is True
    company.stage.wait_until(lambda: not company.camera.is_exposing.is_set(), timeout=2)
    company.wait_for_phase("idle")
    assert company.camera.taken == []
    assert company.stage.ask("scheduler", "retract", event="Swift 1")["ended"] is False


def test_an_update_that_leaves_the_field_points_the_telescope_again(company: Company) -> None:
    company.camera.exposure = 30.0
    company.begin(survey=[])
    company.stage.ask("scheduler", "observe", **ALERT)
    company.stage.wait_until(company.camera.is_exposing.is_set)
    company.camera.exposure = 0.05
    company.stage.ask("scheduler", "update", event="Swift 1", ra=71.0, dec=-30.0, error=0.001)
    company.stage.wait_until(lambda: len(company.camera.taken) == 3)
    assert company.telescope.asked == [(70.0, -30.0), (71.0, -30.0)]


def test_an_update_within_the_field_leaves_the_exposure_alone(company: Company) -> None:
    company.camera.exposure = 1.0
    company.begin(survey=[])
    company.stage.ask("scheduler", "observe", **ALERT)
    company.stage.wait_until(company.camera.is_exposing.is_set)
    company.stage.ask("scheduler", "update", event="Swift 1", ra=70.05, dec=-30.0, error=0.001)
    company.camera.exposure = 0.05
    company.stage.wait_until(lambda: len(company.camera.taken) == 3)
    assert len(company.camera.asked) == 3
    assert company.telescope.asked == [(70.0, -30.0)]


def test_an_update_of_an_unknown_event_is_observed(company: Company) -> None:
    company.begin(survey=[])
    company.stage.ask("scheduler", "update", event="Swift 1", ra=70.0, dec=-30.0, error=0.001)
    company.stage.wait_until(lambda: company.camera.taken == ["Swift 1"] * 3)


def test_an_alert_below_the_horizon_waits_and_says_so(company: Company) -> None:
    company.begin()
    below = {**ALERT, "ra": SET["ra"], "dec": SET["dec"]}
    told = company.stage.ask("scheduler", "observe", **below)
    assert told["observable"] is False
    assert "below the horizon" in told["reason"]
    company.stage.wait_until(lambda: "Swift 1 waits" in company.plan.get("reason", ""))
    company.stage.wait_until(lambda: "high" in company.camera.taken)


def test_a_bad_verdict_ends_the_exposure_and_a_good_one_resumes(company: Company) -> None:
    company.camera.exposure = 30.0
    company.begin(survey=[HIGH])
    company.stage.wait_until(company.camera.is_exposing.is_set)
    company.safety.safe = False
    company.stage.wait_until(lambda: not company.camera.is_exposing.is_set(), timeout=2)
    company.wait_for_phase("unsafe")
    assert "rain" in company.plan["reason"]
    company.stage.ask("dome", "close")
    company.stage.ask("telescope", "park")
    company.camera.exposure = 0.05
    company.safety.safe = True
    company.stage.wait_until(lambda: company.camera.taken[:2] == ["high", "high"])
    assert company.dome.state == "open"
    assert len(company.telescope.asked) >= 2


def test_while_it_is_not_safe_nothing_moves(company: Company) -> None:
    company.safety.safe = False
    company.begin()
    company.wait_for_phase("unsafe")
    company.stage.ask("scheduler", "observe", **ALERT)
    assert (company.dome.state, company.telescope.asked, company.camera.asked) == ("closed", [], [])


def test_without_a_verdict_it_is_not_safe(company: Company) -> None:
    company.safety.is_talking = False
    company.begin()
    company.wait_for_phase("unsafe")
    assert "no safety verdict" in company.plan["reason"]
    assert company.telescope.asked == []


def test_by_day_it_waits_for_the_evening(company: Company) -> None:
    company.begin(NOON)
    company.wait_for_phase("day")
    company.stage.ask("scheduler", "observe", **ALERT)
    assert company.telescope.asked == []
    assert company.stage.status("scheduler").state is State.READY


def test_morning_closes_up_and_the_next_evening_starts_by_itself(company: Company) -> None:
    company.begin()
    company.stage.wait_until(lambda: company.camera.taken)
    company.clock.turn(11 * 3600.0)
    company.wait_for_phase("day")
    assert (company.dome.state, company.telescope.state) == ("closed", "parked")
    done = len(company.camera.taken)
    company.clock.turn(13 * 3600.0)
    company.stage.wait_until(lambda: len(company.camera.taken) > done)
    assert company.stage.status("scheduler").detail == ""


def test_a_dome_that_is_away_at_dawn_keeps_no_telescope_from_its_park_and_closes_later(
    company: Company,
) -> None:
    company.begin()
    company.stage.wait_until(lambda: company.camera.taken)
    company.dome.stop()
    company.dome.join(10)
    company.clock.turn(11 * 3600.0)
    company.stage.wait_until(lambda: company.telescope.state == "parked")
    company.wait_for_phase("closing up")
    company.stage.wait_until(
        lambda: "closing up: 'close' to dome" in company.stage.status("scheduler").detail
    )
    company.telescope.state = "stopped"  # by hand, for work in the dome by day
    after = StandInDome("dome", bus=company.stage.bus)
    after.state = "open"
    company.stage.start(after)
    company.wait_for_phase("day")
    assert (after.state, company.telescope.state) == ("closed", "stopped")


def test_a_start_by_day_closes_up_what_an_earlier_life_has_left(company: Company) -> None:
    company.dome.state, company.telescope.state = "open", "tracking"
    company.begin(NOON)
    company.stage.wait_until(lambda: company.telescope.state == "parked")
    company.stage.wait_until(lambda: company.dome.state == "closed")
    company.wait_for_phase("day")


def test_switched_off_it_ends_what_runs_and_touches_nothing(company: Company) -> None:
    company.camera.exposure = 30.0
    company.begin()
    company.stage.wait_until(company.camera.is_exposing.is_set)
    assert company.stage.ask("scheduler", "night", on=False)["on"] is False
    company.stage.wait_until(lambda: not company.camera.is_exposing.is_set(), timeout=2)
    company.wait_for_phase("off")
    assert company.dome.state == "open"
    company.camera.exposure = 0.05
    company.stage.ask("scheduler", "night", on=True)
    company.stage.wait_until(lambda: company.camera.taken)


def test_a_failing_exposure_is_told_and_tried_again(company: Company) -> None:
    company.camera.fails = 1
    company.begin(survey=[HIGH])
    company.stage.wait_until(
        lambda: "the shutter hangs" in company.stage.status("scheduler").detail
    )
    company.stage.wait_until(lambda: len(company.camera.taken) >= 2)
    company.stage.wait_until(lambda: company.stage.status("scheduler").detail == "")


def test_a_target_that_fails_again_and_again_is_left_for_another(company: Company) -> None:
    company.camera.fails = 2
    company.begin()
    company.stage.wait_until(lambda: company.camera.taken)
    first, second, third = company.camera.asked[:3]
    assert first == second != third


def test_a_missing_camera_is_told_and_never_fatal(company: Company) -> None:
    company.crew.remove(company.camera)
    scheduler = company.begin()
    company.stage.wait_until(lambda: "camera" in company.stage.status("scheduler").detail, 20)
    assert scheduler.is_alive


def test_a_mute_camera_is_told_and_keeps_the_telescope_from_no_alert(company: Company) -> None:
    company.crew.remove(company.camera)
    camera = MuteAgent("camera", company.stage.bus)
    try:
        company.begin(survey=[HIGH])
        company.stage.wait_until(lambda: b'"expose"' in camera.heard)
        company.stage.ask("scheduler", "observe", **ALERT)
        company.stage.wait_until(lambda: company.telescope.asked[-1] == (70.0, -30.0))
        company.stage.wait_until(lambda: "from camera" in company.stage.status("scheduler").detail)
    finally:
        camera.close()


def test_a_dome_that_refuses_is_not_pestered(company: Company) -> None:
    company.dome.refuses = True
    company.begin()
    company.stage.wait_until(lambda: "may not be open" in company.stage.status("scheduler").detail)
    assert company.telescope.asked == []
    company.dome.refuses = False
    company.stage.wait_until(lambda: company.camera.taken)


def test_a_telescope_that_was_stopped_by_hand_is_pointed_again(company: Company) -> None:
    company.camera.exposure = 30.0
    company.begin(survey=[HIGH])
    company.stage.wait_until(company.camera.is_exposing.is_set)
    company.camera.exposure = 0.05
    company.telescope.state = "stopped"
    company.stage.wait_until(lambda: len(company.telescope.asked) >= 2)
    company.stage.wait_until(lambda: company.camera.taken)


def test_without_a_dome_there_is_nothing_to_open(company: Company) -> None:
    company.crew.remove(company.dome)
    company.begin(crew={"dome": ""})
    company.stage.wait_until(lambda: company.camera.taken)


def test_targets_are_listed_in_their_order_with_reasons(company: Company) -> None:
    company.begin(NOON)
    company.stage.ask("scheduler", "add", name="urgent", ra=60.0, dec=-25.0, priority=50)
    company.stage.ask("scheduler", "observe", **ALERT)
    lines = company.stage.ask("scheduler", "targets")
    assert {line["name"] for line in lines} == {"Swift 1", "urgent", "high", "also high", "set"}
    assert all(line["reason"] for line in lines)


def test_wrong_arguments_are_refused(company: Company) -> None:
    company.begin(NOON)
    for bad in ({"ra": 400.0}, {"dec": -91.0}, {"seconds": 0}, {"exposures": 0}, {"event": ""}):
        with pytest.raises(Rejected):
            company.stage.ask("scheduler", "observe", **{**ALERT, **bad})
    with pytest.raises((Rejected, Failed)):
        company.stage.ask("scheduler", "add", name="x", ra=1.0, dec=1.0, priority=100)


def test_an_alert_and_the_word_of_the_operator_outlive_the_scheduler(
    company: Company, tmp_path: Path
) -> None:
    memory = tmp_path / "scheduler.json"
    company.safety.safe = False
    scheduler = company.begin(memory=memory, on=False)
    company.stage.ask("scheduler", "night", on=True)
    company.stage.ask("scheduler", "observe", **ALERT)
    company.stage.ask("scheduler", "add", name="comet", ra=1.0, dec=2.0)
    known = memory.read_bytes()
    scheduler.stop()
    scheduler.join(10)
    memory.write_bytes(known)  # as kill -9 would have left it
    after = Scheduler(bus=company.stage.bus, sky=company.clock, memory=memory, on=False)
    company.safety.safe = True
    company.stage.start(after)
    company.stage.wait_until(lambda: company.plan.get("target") == "Swift 1")
    assert "comet" in [line["name"] for line in company.stage.ask("scheduler", "targets")]


def test_an_alert_that_comes_while_it_starts_is_not_forgotten(
    company: Company, tmp_path: Path
) -> None:
    memory = tmp_path / "scheduler.json"
    memory.write_text(json.dumps({"on": True, "agenda": Agenda().memory()}))
    scheduler = Scheduler(bus=company.stage.bus, sky=company.clock, memory=memory)
    scheduler.agenda.alert(Target("Swift 1", 70.0, -30.0, event="Swift 1"))  # urgent: taken at once
    scheduler.work()
    assert scheduler.agenda.find("Swift 1") is not None


def test_an_exposure_of_an_earlier_life_ends_before_the_telescope_moves(company: Company) -> None:
    company.camera.exposure = 30.0
    for agent in company.crew:
        company.stage.start(agent)
    left = company.stage.sender.post("camera", "expose", {"seconds": 1, "object": "before"})
    left.wait_accepted(10)
    company.stage.start(Scheduler(bus=company.stage.bus, sky=company.clock, survey=[HIGH]))
    with pytest.raises(WasCancelled):
        left.result(10)
    company.stage.wait_until(lambda: company.camera.asked == ["before", "high"])


def test_a_memory_that_cannot_be_read_is_no_end(company: Company, tmp_path: Path) -> None:
    memory = tmp_path / "scheduler.json"
    memory.write_text("[]")
    company.begin(memory=memory)
    company.wait_for_phase("exposing")
