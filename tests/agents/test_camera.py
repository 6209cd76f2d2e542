"""The camera's agent on a bus: images on disk, progress, interruptions, silent peers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.camera import Camera
from pyros_agents.imaging.detector_simulator import SimulatedDetector
from pyros_mqtt import Failed, Rejected, WasCancelled
from pyros_mqtt.testing import Rehearsal
from tests.agents.observatory import Player, fast_night


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal() as stage:
        yield stage


def start(stage: Rehearsal, folder: Path, clock: SkyClock | None = None, **options: Any) -> Camera:
    clock = clock or fast_night()
    detector = SimulatedDetector(clock, size=512, seed=1)
    return stage.start(Camera(bus=stage.bus, sky=clock, driver=detector, images=folder, **options))


def test_an_exposure_becomes_an_image_of_the_night(stage: Rehearsal, tmp_path: Path) -> None:
    start(stage, tmp_path)
    result = stage.ask(
        "camera", "expose", seconds=30.0, filter="r", object="M 1", ra=83.633, dec=22.014
    )
    path = Path(result["path"])
    assert path.parent == tmp_path / "2026-11-21" == tmp_path / result["night"]
    assert result["seconds"] == 30.0
    header = fits.getheader(path)
    assert (header["OBJECT"], header["FILTER"], header["EXPTIME"]) == ("M 1", "r", 30.0)
    assert header["DATE-OBS"] + "Z" == result["date_obs"]
    assert header["CRVAL1"] == 83.633
    assert fits.getdata(path).shape == (512, 512)


def test_an_exposure_lasts_its_time_of_the_sky_and_tells_how_far_it_is(
    stage: Rehearsal, tmp_path: Path
) -> None:
    start(stage, tmp_path, fast_night(speed=20.0))
    begin = time.monotonic()
    stage.ask("camera", "expose", seconds=30.0)
    assert time.monotonic() - begin >= 1.5
    fractions = [r.progress.fraction for r in stage.reports if r.progress]
    assert len(fractions) >= 3
    assert all(fraction is None or 0 <= fraction <= 1 for fraction in fractions)


@pytest.mark.parametrize("word", ["stop", "abort"])
def test_an_exposure_is_interrupted_at_once_and_the_next_one_is_taken(
    stage: Rehearsal, tmp_path: Path, word: str
) -> None:
    start(stage, tmp_path)
    receipt = stage.send("camera", "expose", seconds=3600.0)
    stage.wait_until(lambda: (stage.latest("camera", "exposure") or {}).get("state") == "exposing")
    stage.ask("camera", word)
    with pytest.raises(WasCancelled):
        receipt.result(10.0)
    assert list(tmp_path.rglob("*.fits")) == []
    assert stage.ask("camera", "expose", seconds=1.0)["path"]


def test_a_peers_word_goes_into_the_header(stage: Rehearsal, tmp_path: Path) -> None:
    telescope = Player("telescope", "pointing", stage)
    camera = start(stage, tmp_path)
    telescope.say(ra=120.5, dec=-35.25, alt=60.0, az=40.0, state="tracking")
    pointing = camera.follow("telescope", "pointing")
    stage.wait_until(lambda: pointing.is_fresh(5.0))
    result = stage.ask("camera", "expose", seconds=5.0, ra=120.0, dec=-35.0)
    header = fits.getheader(result["path"])
    assert (header["RA"], header["DEC"], header["TELSTATE"]) == (120.5, -35.25, "tracking")
    assert header["OBJCTRA"] == "08:00:00.00"
    assert result["gaps"] == ["dome", "weather"]
    assert header["GAPS"] == "dome weather"


def test_a_pointing_that_is_no_place_costs_no_exposure(stage: Rehearsal, tmp_path: Path) -> None:
    telescope = Player("telescope", "pointing", stage)
    camera = start(stage, tmp_path)
    pointing = camera.follow("telescope", "pointing")
    for odd in ({"ra": "08:00:00", "dec": -35.0}, {"ra": 120.0, "dec": 91.0}):
        telescope.say(**odd, state="tracking")
        stage.wait_until(lambda odd=odd: (pointing.value or {}).items() >= odd.items())  # type: ignore[misc]
        result = stage.ask("camera", "expose", seconds=1.0, ra=120.0, dec=-35.0)
        assert result["gaps"] == ["telescope", "dome", "weather"]
        header = fits.getheader(result["path"])
        assert (header["RA"], header["CRVAL2"]) == (120.0, -35.0)


def test_a_peer_that_fell_silent_costs_its_words_and_not_the_exposure(
    stage: Rehearsal, tmp_path: Path
) -> None:
    weather = Player("weather", "conditions", stage)
    camera = start(stage, tmp_path, header_deadline=1.0)
    weather.telemetry("conditions", {"temperature": 12.0}, time=time.time() - 60)
    conditions = camera.follow("weather", "conditions")
    stage.wait_until(lambda: conditions.value)
    conditions._news = (conditions.sample, time.monotonic() - 60.0)
    begin = time.monotonic()
    result = stage.ask("camera", "expose", seconds=1.0)
    assert time.monotonic() - begin > 0.9, "it waited for the word"
    assert "weather" in result["gaps"]
    assert fits.getheader(result["path"])["AMBTEMP"] is None


def test_a_peer_that_is_only_slow_is_waited_for(stage: Rehearsal, tmp_path: Path) -> None:
    weather = Player("weather", "conditions", stage)
    camera = start(stage, tmp_path)
    weather.say(temperature=1.0)
    conditions = camera.follow("weather", "conditions")
    stage.wait_until(lambda: conditions.value)
    conditions._news = (conditions.sample, time.monotonic() - 60.0)
    receipt = stage.send("camera", "expose", seconds=0.0)
    stage.wait_until(
        lambda: any(r.progress and "waiting" in r.progress.text for r in stage.reports)
    )
    weather.say(temperature=2.0)
    assert fits.getheader(receipt.result(5.0)["path"])["AMBTEMP"] == 2.0


def test_a_filter_that_is_not_there_is_told(stage: Rehearsal, tmp_path: Path) -> None:
    start(stage, tmp_path)
    with pytest.raises(Failed, match="no filter 'Halpha', there are C, g, r, i, z"):
        stage.ask("camera", "expose", seconds=1.0, filter="Halpha")


def test_an_exposure_without_sense_is_rejected(stage: Rehearsal, tmp_path: Path) -> None:
    start(stage, tmp_path)
    for wrong in ({}, {"seconds": -1}, {"seconds": 1, "kind": "selfie"}, {"seconds": 1, "ra": 400}):
        with pytest.raises(Rejected):
            stage.send("camera", "expose", **wrong)


def test_a_disk_that_cannot_be_written_is_told(stage: Rehearsal, tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file, where a folder should be")
    start(stage, tmp_path / "images")
    with pytest.raises(Failed, match="cannot be written"):
        stage.ask("camera", "expose", seconds=0.0, kind="bias")


def test_the_chip_cools_down(stage: Rehearsal, tmp_path: Path) -> None:
    start(stage, tmp_path, fast_night(speed=2000.0))
    stage.wait_until(lambda: stage.latest("camera", "temperature") == -40.0)
