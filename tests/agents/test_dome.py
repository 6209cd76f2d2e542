"""The dome's agent on a bus: opens when it may, closes whatever happens, says when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyros_agents.devices.enclosure import ShutterState
from pyros_agents.devices.enclosure_simulator import SimulatedEnclosure
from pyros_agents.dome import Dome
from pyros_mqtt import Agent, Failed, State, WasCancelled, every
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics
from tests.agents.night_clock import NIGHT, NOON
from tests.agents.observatory import Player, fast_night


class SafetyPlayer(Agent):
    """Says what the test wants, ten times a second, as long as it is not silenced."""

    def __init__(self, stage: Rehearsal) -> None:
        super().__init__("safety", bus=stage.bus)
        self.verdict: dict[str, Any] | None = {"safe": True, "reasons": [], "since": NIGHT}
        stage.start(self, until=None)

    @every(seconds=0.1)
    def speak(self) -> None:
        if self.verdict is not None:
            self.telemetry("verdict", self.verdict)


class Measurements:
    """Counts how many times the dome has measured itself since."""

    def __init__(self, stage: Rehearsal) -> None:
        self.count = 0
        ear = stage.bus.transport("counter")
        ear.subscribe(Topics(stage.settings.root).telemetry("dome", "azimuth"), self._hear)
        ear.open()

    def _hear(self, _: object) -> None:
        self.count += 1


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal() as stage:
        yield stage


def start(
    stage: Rehearsal, start: float = NIGHT, *, hears: Agent | None = None, **options: Any
) -> SimulatedEnclosure:
    """Start the dome; with a safety agent, wait until its verdict has been heard."""
    clock = fast_night(start)
    enclosure = SimulatedEnclosure(clock, travel=8.0)
    dome = stage.start(Dome(bus=stage.bus, sky=clock, driver=enclosure, **options))
    verdict = dome.follow("safety", "verdict")
    stage.wait_until(lambda: hears is None or verdict.value)
    return enclosure


def opened(stage: Rehearsal, **options: Any) -> tuple[SimulatedEnclosure, SafetyPlayer]:
    safety = SafetyPlayer(stage)
    enclosure = start(stage, hears=safety, **options)
    stage.ask("dome", "open")
    return enclosure, safety


def is_(enclosure: SimulatedEnclosure, state: ShutterState) -> Callable[[], bool]:
    return lambda: enclosure.read().shutter is state


def test_it_opens_at_night_under_a_good_verdict(stage: Rehearsal) -> None:
    start(stage, hears=SafetyPlayer(stage))
    assert stage.ask("dome", "open") == {"state": "open", "fraction": 1.0}
    stage.wait_until(lambda: stage.latest("dome", "shutter") == {"state": "open", "fraction": 1.0})
    assert any(report.progress for report in stage.reports)


def test_without_a_verdict_it_stays_closed(stage: Rehearsal) -> None:
    enclosure = start(stage)
    with pytest.raises(Failed, match="no fresh safety verdict"):
        stage.ask("dome", "open")
    assert enclosure.movements == 0


def test_a_bad_verdict_keeps_it_closed_and_says_why(stage: Rehearsal) -> None:
    safety = SafetyPlayer(stage)
    safety.verdict = {"safe": False, "reasons": ["rain"]}
    start(stage, hears=safety)
    with pytest.raises(Failed, match="rain"):
        stage.ask("dome", "open")


def test_by_day_it_opens_only_in_engineering_mode(stage: Rehearsal) -> None:
    enclosure = start(stage, NOON, hears=SafetyPlayer(stage))
    with pytest.raises(Failed, match="Sun is up"):
        stage.ask("dome", "open")
    stage.ask("dome", "engineering", on=True, seconds=60.0)
    stage.ask("dome", "open")
    # Engineering mode expires by itself, and then the dome closes by itself.
    stage.wait_until(is_(enclosure, ShutterState.CLOSED))
    with pytest.raises(Failed, match="Sun is up"):
        stage.ask("dome", "open")


def test_it_closes_by_itself_when_the_verdict_turns_bad(stage: Rehearsal) -> None:
    enclosure, safety = opened(stage)
    safety.verdict = {"safe": False, "reasons": ["wind"]}
    stage.wait_until(is_(enclosure, ShutterState.CLOSED))


def test_it_closes_by_itself_when_no_verdict_comes_any_more(stage: Rehearsal) -> None:
    enclosure, safety = opened(stage, verdict_age=1.5)
    safety.verdict = None
    stage.wait_until(is_(enclosure, ShutterState.CLOSED))
    assert enclosure.movements == 2


def test_it_closes_by_itself_when_it_loses_the_broker(stage: Rehearsal) -> None:
    enclosure, _ = opened(stage, verdict_age=1.5)
    assert isinstance(stage.bus, Loopback)
    stage.bus.cut(Topics(stage.settings.root).client_id("dome"))
    stage.wait_until(is_(enclosure, ShutterState.CLOSED))


def test_it_closes_by_itself_when_it_is_opened_by_another_hand(stage: Rehearsal) -> None:
    enclosure = start(stage)
    enclosure.open()
    stage.wait_until(lambda: is_(enclosure, ShutterState.CLOSED)() and enclosure.movements == 2)


def test_a_close_overtakes_an_opening(stage: Rehearsal) -> None:
    enclosure = start(stage, hears=SafetyPlayer(stage))
    receipt = stage.send("dome", "open")
    stage.wait_until(is_(enclosure, ShutterState.OPENING))
    assert stage.ask("dome", "close")["state"] in {"closing", "closed"}
    with pytest.raises(WasCancelled):
        receipt.result(5.0)
    stage.wait_until(is_(enclosure, ShutterState.CLOSED))


def test_twenty_closes_close_once_and_each_is_reported(stage: Rehearsal) -> None:
    enclosure, _ = opened(stage)
    receipts = [stage.send("dome", "close") for _ in range(20)]
    for receipt in receipts:
        assert receipt.result(5.0)["state"] in {"closing", "closed"}
    stage.wait_until(is_(enclosure, ShutterState.CLOSED))
    assert enclosure.movements == 2


def test_an_emergency_stop_holds_it_against_everything(stage: Rehearsal) -> None:
    enclosure, safety = opened(stage)
    stage.ask("dome", "emergency_stop")
    with pytest.raises(Failed, match="emergency stop"):
        stage.ask("dome", "close")
    safety.verdict = {"safe": False, "reasons": ["rain"]}
    stage.wait_until(lambda: stage.status("dome").state is State.DEGRADED)
    assert "emergency stop" in stage.status("dome").detail
    assert enclosure.read().shutter is ShutterState.OPEN
    assert enclosure.movements == 1
    stage.ask("dome", "release")
    stage.wait_until(is_(enclosure, ShutterState.CLOSED))
    stage.wait_until(lambda: stage.status("dome").state is State.READY)


def test_an_emergency_stop_ends_an_opening_where_it_is(stage: Rehearsal) -> None:
    enclosure = start(stage, hears=SafetyPlayer(stage))
    receipt = stage.send("dome", "open")
    stage.wait_until(lambda: enclosure.read().fraction > 0.1)
    stage.ask("dome", "emergency_stop")
    with pytest.raises(WasCancelled):
        receipt.result(5.0)
    assert enclosure.read().shutter is ShutterState.STOPPED
    with pytest.raises(Failed, match="emergency stop"):
        stage.ask("dome", "open")


def test_a_shutter_that_does_not_close_calls_for_a_person_and_is_not_tried_again(
    stage: Rehearsal,
) -> None:
    enclosure, safety = opened(stage, close_patience=16.0)
    enclosure.jam()
    safety.verdict = {"safe": False, "reasons": ["rain"]}
    stage.wait_until(lambda: stage.status("dome").state is State.FAULT)
    assert "does not close" in stage.status("dome").detail
    seen = Measurements(stage)
    stage.wait_until(lambda: seen.count > 2)
    assert enclosure.movements == 2
    enclosure.mend()
    stage.ask("dome", "close")
    stage.wait_until(is_(enclosure, ShutterState.CLOSED))
    stage.wait_until(lambda: stage.status("dome").state is State.READY)


def test_four_openings_in_ten_minutes_are_one_too_many(stage: Rehearsal) -> None:
    enclosure, _ = opened(stage)
    for _ in range(2):
        stage.ask("dome", "close")
        stage.wait_until(is_(enclosure, ShutterState.CLOSED))
        stage.ask("dome", "open")
    stage.ask("dome", "close")
    stage.wait_until(is_(enclosure, ShutterState.CLOSED))
    with pytest.raises(Failed, match="3 times"):
        stage.ask("dome", "open")


def test_a_stop_stops_and_leaves_an_open_dome_open_under_a_good_verdict(stage: Rehearsal) -> None:
    enclosure = start(stage, hears=SafetyPlayer(stage))
    receipt = stage.send("dome", "open")
    stage.wait_until(lambda: enclosure.read().fraction > 0.1)
    assert stage.ask("dome", "stop") == {"state": "stopped"}
    with pytest.raises(WasCancelled):
        receipt.result(5.0)
    assert stage.ask("dome", "open")["state"] == "open"


def test_the_slit_follows_the_telescope(stage: Rehearsal) -> None:
    enclosure, _ = opened(stage)
    telescope = Player("telescope", "pointing", stage)
    telescope.say(az=250.0, alt=50.0, state="tracking")
    stage.wait_until(lambda: enclosure.read().azimuth == 250.0)
    telescope.say(az=251.5, alt=50.0, state="tracking")
    stage.wait_until(lambda: stage.latest("telescope", "pointing")["az"] == 251.5)
    seen = Measurements(stage)
    stage.wait_until(lambda: seen.count >= 2)
    assert enclosure.read().azimuth == 250.0


def test_the_slit_does_not_follow_a_telescope_that_is_parked(stage: Rehearsal) -> None:
    enclosure, _ = opened(stage)
    telescope = Player("telescope", "pointing", stage)
    telescope.say(az=20.0, alt=30.0, state="parked")
    seen = Measurements(stage)
    stage.wait_until(lambda: seen.count >= 2)
    assert enclosure.read().azimuth == 180.0


def test_its_agent_does_not_end_before_it_is_closed(stage: Rehearsal) -> None:
    enclosure, _ = opened(stage)
    stage.ask("dome", "shutdown")
    stage.wait_until(lambda: stage.status("dome").state is State.STOPPED)
    assert enclosure.read().shutter is ShutterState.CLOSED
