"""Headers and files: everything that is known, gaps marked, nothing half-written or lost."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from pyros_agents.astronomy.ephemeris import equatorial
from pyros_agents.astronomy.sky import Site
from pyros_agents.imaging.detector import Exposure, Image, Instrument
from pyros_agents.imaging.exposure_header import Record, gaps_of, header_of, pointing_of
from pyros_agents.imaging.fits_file import file_name, write_image
from pyros_agents.imaging.peers import PeerWords
from tests.agents.night_clock import NIGHT

SITE = Site.of(None)
RA, DEC = equatorial(60.0, 40.0, NIGHT, SITE)
RECORD = Record(
    exposure=Exposure(30.0, "r", "light", RA, DEC),
    begun=NIGHT + 0.12,
    target="GRB 261121A",
    ra=RA,
    dec=DEC,
    temperature=-39.98,
    instrument=Instrument("test CCD", "test 0.6 m", 64, 48, 1.0, 1.5, 6.0, ("r",)),
    site=SITE,
)
PEERS: dict[str, dict[str, Any]] = {
    "telescope": {"ra": RA, "dec": DEC, "alt": 60.0, "az": 40.0, "state": "tracking"},
    "dome": {"state": "open", "fraction": 1.0},
    "weather": {"temperature": 12.5, "humidity": 40.0, "wind": None, "pressure": 905.0},
}
IMAGE: Image = np.arange(64 * 48, dtype=np.uint16).reshape(48, 64) * 21


def read_back(path: Path) -> tuple[fits.Header, Any]:
    with fits.open(path) as units:
        units.verify("exception")
        return units[0].header, units[0].data


# -- headers -------------------------------------------------------------------------------------


def test_the_header_has_all_that_an_archive_wants() -> None:
    header = header_of(RECORD, PEERS)
    assert header["DATE-OBS"] == "2026-11-21T18:00:00.120"
    assert header["DAY-OBS"] == "2026-11-21"
    assert header["EXPTIME"] == 30.0
    assert (header["RA"], header["DEC"]) == (RA, DEC)
    assert header["OBJECT"] == "GRB 261121A"
    assert header["IMAGETYP"] == "LIGHT"
    assert header["FILTER"] == "r"
    assert header["TELESCOP"] == "test 0.6 m"
    assert header["INSTRUME"] == "test CCD"
    assert header["AIRMASS"] == pytest.approx(1.154, abs=0.003)
    assert header["MJD-OBS"] == pytest.approx(61365.75, abs=1e-5)
    assert (header["CTYPE1"], header["CTYPE2"]) == ("RA---TAN", "DEC--TAN")
    assert header["GAPS"] == ""


def test_what_the_peers_said_is_written_down() -> None:
    header = header_of(RECORD, PEERS)
    assert (header["SHUTTER"], header["AMBTEMP"], header["TELSTATE"]) == ("open", 12.5, "tracking")
    assert header["WINDSPD"] is None
    assert "gap" in header.comments["WINDSPD"]


def test_a_silent_peer_leaves_a_gap_that_is_marked() -> None:
    header = header_of(RECORD, {"weather": PEERS["weather"]})
    assert header["GAPS"] == "telescope dome"
    assert header["SHUTTER"] is None
    assert "gap" in header.comments["SHUTTER"]
    assert header["RA"] == RA
    assert "requested" in header.comments["RA"]


@pytest.mark.parametrize(
    "odd",
    [
        {"ra": "05:34:31"},
        {"dec": 91.0},
        {"ra": 360.0},
        {"ra": math.nan},
        {"dec": None},
        {"ra": True},
        {"ra": [1.0]},
        {"dec": 10**400},
    ],
)
def test_a_telescope_that_says_no_place_is_a_gap(odd: dict[str, Any]) -> None:
    peers = PEERS | {"telescope": PEERS["telescope"] | odd}
    assert pointing_of(peers) is None
    assert gaps_of(peers) == ("telescope",)
    header = header_of(RECORD, peers)
    assert header["GAPS"] == "telescope"
    assert "requested" in header.comments["RA"]
    assert header["ALTITUDE"] == 60.0, "what else it says is written"


def test_what_fits_does_not_take_is_a_gap_and_costs_no_image(tmp_path: Path) -> None:
    odd = {"temperature": math.nan, "humidity": -math.inf, "wind": 10**400, "pressure": 9.0}
    header = header_of(replace(RECORD, temperature=math.nan), PEERS | {"weather": odd})
    read = read_back(write_image(tmp_path, "odd", IMAGE, header))[0]
    assert [read[key] for key in ("AMBTEMP", "HUMIDITY", "WINDSPD", "CCD-TEMP")] == [None] * 4
    assert "gap" in read.comments["CCD-TEMP"]
    assert read["PRESSURE"] == 9.0


def test_where_no_place_is_known_it_says_so_and_claims_no_wcs() -> None:
    exposure = replace(RECORD.exposure, ra=None, dec=None)
    header = header_of(replace(RECORD, exposure=exposure, ra=None, dec=None), {})
    assert header["RA"] is None
    assert header["AIRMASS"] is None
    assert "CTYPE1" not in header


def test_a_dark_has_no_wcs() -> None:
    header = header_of(replace(RECORD, exposure=replace(RECORD.exposure, kind="dark")), PEERS)
    assert header["IMAGETYP"] == "DARK"
    assert "CTYPE1" not in header


def test_any_name_of_an_object_fits_into_the_header(tmp_path: Path) -> None:
    for name in ("N\u00e9buleuse d'Orion\n\x00", "x" * 500, "", "'quoted' / & slashed"):
        header = header_of(replace(RECORD, target=name), PEERS)
        path = write_image(tmp_path, file_name("2026", name), IMAGE, header)
        assert len(read_back(path)[0]["OBJECT"]) <= 68


# -- files ---------------------------------------------------------------------------------------


def test_an_image_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write_image(tmp_path / "2026-11-21", "one", IMAGE, header_of(RECORD, PEERS))
    header, data = read_back(path)
    assert np.array_equal(data, IMAGE)
    assert data.dtype == np.uint16
    assert (header["BITPIX"], fits.getheader(path)["NAXIS1"]) == (16, 64)
    assert b"BZERO   =                32768" in path.read_bytes()


def test_an_earlier_image_is_never_overwritten(tmp_path: Path) -> None:
    header = header_of(RECORD, PEERS)
    paths = [write_image(tmp_path, "same", IMAGE + number, header) for number in range(3)]
    assert [path.name for path in paths] == ["same.fits", "same-2.fits", "same-3.fits"]
    for number, path in enumerate(paths):
        assert np.array_equal(read_back(path)[1], IMAGE + number)


def test_nothing_but_whole_images_lies_in_the_folder(tmp_path: Path) -> None:
    write_image(tmp_path, "one", IMAGE, header_of(RECORD, PEERS))
    with pytest.raises(OSError, match="No such file"):
        write_image(tmp_path, "no/such/folder", IMAGE, header_of(RECORD, PEERS))
    assert [path.name for path in tmp_path.iterdir()] == ["one.fits"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("M 31", "r"), "2026-11-21T180000120_M_31_r"),
        (("../../etc/passwd", "r"), "2026-11-21T180000120_etc_passwd_r"),
        (("", "r"), "2026-11-21T180000120_r"),
        (("/\u00e9/", "C"), "2026-11-21T180000120_C"),
    ],
)
def test_a_file_name_is_safe_whatever_the_object_is_called(
    words: tuple[str, ...], name: str
) -> None:
    assert file_name("2026-11-21T18:00:00.120", *words) == name


# -- peers ---------------------------------------------------------------------------------------


@dataclass
class Peer:
    value: Any = None
    age: float = math.inf


def test_fresh_words_are_taken_at_once_and_stale_ones_are_not() -> None:
    words = PeerWords({"dome": Peer({"state": "open"}, 1.0), "weather": Peer({"wind": 3}, 60.0)})
    assert words.words == {"dome": {"state": "open"}}
    assert words.gaps == ("weather",)


def test_the_first_word_after_the_start_counts() -> None:
    dome = Peer({"state": "open"}, 1.0)
    words = PeerWords({"dome": dome})
    dome.value = {"state": "closing"}
    words.look()
    assert words.words["dome"]["state"] == "open"


def test_one_that_has_spoken_before_is_waited_for_until_the_deadline() -> None:
    weather = Peer({"wind": 3}, 60.0)
    assert PeerWords({"weather": weather}, deadline=15.0).is_worth_waiting
    assert not PeerWords({"weather": weather}, deadline=0.0).is_worth_waiting


def test_one_that_has_never_spoken_is_not_waited_for() -> None:
    assert not PeerWords({"weather": Peer()}, deadline=15.0).is_worth_waiting


def test_nobody_is_waited_for_when_all_have_spoken() -> None:
    weather = Peer({"wind": 3}, 60.0)
    words = PeerWords({"weather": weather}, deadline=15.0)
    weather.age = 0.1
    words.look()
    assert not words.is_worth_waiting
    assert words.gaps == ()
