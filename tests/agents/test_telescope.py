"""The telescope's agent on a bus: slews, limits, stops, and a parking that is measured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyros_agents.astronomy.ephemeris import equatorial, sun
from pyros_agents.astronomy.sky import Site, SkyClock
from pyros_agents.devices.mount import MountState
from pyros_agents.devices.mount_simulator import SimulatedMount
from pyros_agents.telescope import Telescope
from pyros_mqtt import Failed, Rejected, State, WasCancelled
from pyros_mqtt.testing import Rehearsal
from tests.agents.night_clock import NIGHT, NOON
from tests.agents.observatory import fast_night

SITE = Site.of(None)


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal() as stage:
        yield stage


def start(
    stage: Rehearsal, clock: SkyClock | None = None, speed: float = 6.0, patience: float = 300.0
) -> SimulatedMount:
    clock = clock or fast_night()
    mount = SimulatedMount(SITE, clock, speed=speed)
    stage.start(Telescope(bus=stage.bus, sky=clock, driver=mount, patience=patience))
    return mount


def target(altitude: float, azimuth: float, when: float = NIGHT) -> dict[str, float]:
    ra, dec = equatorial(altitude, azimuth, when, SITE)
    return {"ra": ra, "dec": dec}


def test_it_goes_where_it_is_sent_and_tells_how_well(stage: Rehearsal) -> None:
    start(stage)
    stage.ask("telescope", "unpark")
    place = target(60.0, 240.0)
    result = stage.ask("telescope", "goto", **place)
    assert result["separation"] < 5.0
    assert 10.0 < result["seconds"] < 30.0
    assert result["ra"] == pytest.approx(place["ra"], abs=0.01)
    stage.wait_until(lambda: stage.latest("telescope", "pointing")["state"] == "tracking")
    pointing = stage.latest("telescope", "pointing")
    assert pointing["alt"] == pytest.approx(60.0, abs=1.0)
    assert pointing["airmass"] == pytest.approx(1.15, abs=0.02)


def test_when_it_has_arrived_nobody_hears_old_news_of_it(stage: Rehearsal) -> None:
    start(stage)
    stage.ask("telescope", "unpark")
    place = target(60.0, 240.0)
    stage.ask("telescope", "goto", **place)
    stage.wait_until(lambda: stage.latest("telescope", "pointing")["state"] == "tracking", 0.5)
    assert stage.latest("telescope", "pointing")["dec"] == pytest.approx(place["dec"], abs=0.01)


def test_a_slew_reports_its_progress(stage: Rehearsal) -> None:
    start(stage)
    stage.ask("telescope", "unpark")
    stage.ask("telescope", "goto", **target(60.0, 240.0))
    fractions = [r.progress.fraction for r in stage.reports if r.progress]
    assert fractions == sorted(fractions, key=lambda fraction: fraction or 0.0)
    assert len(fractions) >= 2


def test_parked_it_does_not_slew_until_it_is_unparked(stage: Rehearsal) -> None:
    start(stage)
    with pytest.raises(Failed, match="unpark"):
        stage.ask("telescope", "goto", **target(60.0, 240.0))


def test_below_the_horizon_it_does_not_go(stage: Rehearsal) -> None:
    mount = start(stage)
    stage.ask("telescope", "unpark")
    with pytest.raises(Failed, match="below the limit"):
        stage.ask("telescope", "goto", **target(5.0, 240.0))
    assert mount.read().state is MountState.STOPPED


def test_by_day_it_does_not_go_near_the_sun(stage: Rehearsal) -> None:
    start(stage, fast_night(NOON))
    stage.ask("telescope", "unpark")
    ra, dec = sun(NOON)
    with pytest.raises(Failed, match="from the Sun"):
        stage.ask("telescope", "goto", ra=ra, dec=dec + 10.0)


def test_coordinates_that_are_none_are_rejected(stage: Rehearsal) -> None:
    start(stage)
    with pytest.raises(Rejected):
        stage.send("telescope", "goto", ra=360.0, dec=0.0)
    with pytest.raises(Rejected):
        stage.send("telescope", "goto", ra=10.0, dec=-90.5)


@pytest.mark.parametrize("word", ["stop", "abort"])
def test_a_slew_is_stopped_at_any_moment(stage: Rehearsal, word: str) -> None:
    mount = start(stage, speed=0.1)
    stage.ask("telescope", "unpark")
    receipt = stage.send("telescope", "goto", **target(60.0, 240.0))
    stage.wait_until(lambda: mount.read().state is MountState.SLEWING)
    stage.ask("telescope", word)
    assert mount.read().state is MountState.STOPPED
    with pytest.raises(WasCancelled):
        receipt.result(5.0)
    assert mount.read().state is MountState.STOPPED


def test_park_overtakes_a_slew_and_is_not_stopped_by_its_end(stage: Rehearsal) -> None:
    mount = start(stage, speed=1.0)
    stage.ask("telescope", "unpark")
    receipt = stage.send("telescope", "goto", **target(60.0, 240.0))
    stage.wait_until(lambda: mount.read().altitude > 31.0)
    assert stage.ask("telescope", "park") == {"state": "parking"}
    with pytest.raises(WasCancelled):
        receipt.result(5.0)
    stage.wait_until(lambda: stage.latest("telescope", "pointing")["state"] == "parked")


def test_on_the_way_to_its_park_position_it_takes_no_other_way(stage: Rehearsal) -> None:
    mount = start(stage, speed=1.0)
    stage.ask("telescope", "unpark")
    stage.send("telescope", "goto", **target(60.0, 240.0))
    stage.wait_until(lambda: mount.read().altitude > 35.0)
    stage.ask("telescope", "park")
    for word, place in (("goto", target(60.0, 240.0)), ("unpark", {})):
        with pytest.raises(Failed, match="park"):
            stage.ask("telescope", word, **place)


def test_a_telescope_that_does_not_get_parked_calls_for_a_person(stage: Rehearsal) -> None:
    mount = start(stage, patience=30.0)
    stage.ask("telescope", "unpark")
    stage.ask("telescope", "goto", **target(60.0, 240.0))
    mount.jam()
    stage.ask("telescope", "park")
    stage.wait_until(lambda: stage.status("telescope").state is State.FAULT)
    assert "not parked" in stage.status("telescope").detail
    assert stage.latest("telescope", "pointing")["state"] == "parking"


def test_a_slew_that_never_arrives_fails_and_is_stopped(stage: Rehearsal) -> None:
    mount = start(stage, speed=0.001, patience=20.0)
    stage.ask("telescope", "unpark")
    with pytest.raises(Failed, match="no arrival"):
        stage.ask("telescope", "goto", **target(60.0, 240.0))
    assert mount.read().state is MountState.STOPPED


def test_it_stops_tracking_a_target_that_sets(stage: Rehearsal) -> None:
    mount = start(stage, fast_night(speed=400.0), patience=3000.0)
    stage.ask("telescope", "unpark")
    when = NIGHT + 60.0
    stage.ask("telescope", "goto", **target(18.0, 280.0, when))
    stage.wait_until(lambda: mount.read().state is MountState.STOPPED)
    assert mount.read().altitude < 15.0
    assert stage.status("telescope").state is State.READY
