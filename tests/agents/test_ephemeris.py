"""Places in the sky, against astropy, against almanacs, and offline."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import astropy.units as u
import pytest
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_sun
from astropy.time import Time
from astropy.utils import iers
from hypothesis import given
from hypothesis import strategies as st

from pyros_agents.astronomy import ephemeris
from pyros_agents.astronomy.earth import orientation
from pyros_agents.astronomy.sky import LES_MAKES, Site

SITE = Site(**LES_MAKES)
PARANAL = Site(-24.6276, -70.4043, 2635.0)
MOMENT = datetime(2026, 11, 22, 20, 14, 3, tzinfo=UTC).timestamp()
ARCSECOND = 1 / 3600


@pytest.fixture(scope="module", autouse=True)
def _astropy_stays_offline() -> None:
    iers.conf.auto_download = False
    iers.conf.auto_max_age = None


def frame_of(site: Site, when: float, pressure: float = 0.0) -> AltAz:
    place = EarthLocation.from_geodetic(site.longitude, site.latitude, site.height)
    return AltAz(
        obstime=Time(when, format="unix"), location=place, pressure=pressure * u.hPa,
        temperature=10 * u.deg_C, relative_humidity=0.0, obswl=0.55 * u.micron,
    )  # fmt: skip


@pytest.mark.parametrize("site", [SITE, PARANAL], ids=["Les Makes", "Paranal"])
@pytest.mark.parametrize(("ra", "dec"), [(83.633, 22.014), (10.0, -75.0), (250.0, -21.0)])
@pytest.mark.parametrize("year", [2016, 2021, 2026])
def test_altitude_and_azimuth_are_astropys(site: Site, ra: float, dec: float, year: int) -> None:
    when = datetime(year, 7, 3, 22, 10, tzinfo=UTC).timestamp()
    theirs = SkyCoord(ra * u.deg, dec * u.deg).transform_to(frame_of(site, when))
    ours = ephemeris.horizontal(ra, dec, when, site)
    apart = ephemeris.separation((ours.azimuth, ours.altitude), (theirs.az.deg, theirs.alt.deg))
    assert apart < 0.1 * ARCSECOND


def test_refraction_is_off_unless_a_pressure_is_stated() -> None:
    place = ephemeris.equatorial(20.0, 100.0, MOMENT, SITE)
    assert ephemeris.horizontal(*place, MOMENT, SITE).altitude == pytest.approx(20.0, abs=1e-6)
    theirs = SkyCoord(*place * u.deg).transform_to(frame_of(SITE, MOMENT, 900.0))
    refracted = ephemeris.horizontal(*place, MOMENT, SITE, pressure=900.0).altitude
    assert refracted == pytest.approx(theirs.alt.deg, abs=ARCSECOND)
    assert 120 * ARCSECOND < refracted - 20.0 < 160 * ARCSECOND


@given(
    altitude=st.floats(1, 89),
    azimuth=st.floats(0, 360, exclude_max=True),
    days=st.floats(0, 700),
)
def test_there_and_back_again(altitude: float, azimuth: float, days: float) -> None:
    when = MOMENT - days * 86_400
    place = ephemeris.equatorial(altitude, azimuth, when, SITE)
    back = ephemeris.horizontal(*place, when, SITE)
    apart = ephemeris.separation((azimuth, altitude), (back.azimuth, back.altitude))
    assert apart < 0.01 * ARCSECOND


def test_the_sun_is_where_astropy_sees_it() -> None:
    for month in range(1, 13):
        when = datetime(2026, month, 21, 8, tzinfo=UTC).timestamp()
        theirs = get_sun(Time(when, format="unix")).transform_to(frame_of(SITE, when))
        ours = ephemeris.sun_altitude(when, SITE)
        # Seen from the Earth's centre, so without the Sun's parallax of 9 arcseconds.
        assert ours == pytest.approx(theirs.alt.deg, abs=10 * ARCSECOND)


def test_the_sun_stands_at_the_first_point_of_aries_at_the_equinox() -> None:
    """March equinox of 2026: 20 March, 14:46 UTC (US Naval Observatory)."""
    place = ephemeris.sun(datetime(2026, 3, 20, 14, 46, tzinfo=UTC).timestamp())
    # The equator of date has moved by precession since 2000, 20 arcseconds of declination a year.
    assert place.dec == pytest.approx(-26.2 * 20.04 * ARCSECOND, abs=0.01)


@pytest.mark.parametrize(
    ("altitude", "mass"), [(90.0, 1.0), (30.0, 1.995), (10.0, 5.59), (0.0, 38.75)]
)
def test_airmass_down_to_the_horizon(altitude: float, mass: float) -> None:
    """Values for the standard atmosphere; at the horizon Pickering's own."""
    assert ephemeris.airmass(altitude) == pytest.approx(mass, rel=0.01)


def test_there_is_no_airmass_below_the_horizon() -> None:
    assert ephemeris.airmass(-0.1) is None


def test_separation_is_exact_for_the_smallest_angles_and_across_zero() -> None:
    assert ephemeris.separation((10, 20), (10, 20)) == 0.0
    assert ephemeris.separation((10, 20), (10, 20 + 1e-9)) == pytest.approx(1e-9, rel=1e-5)
    assert ephemeris.separation((359.5, 0), (0.5, 0)) == pytest.approx(1.0)
    assert ephemeris.separation((0, 90), (123, -90)) == pytest.approx(180.0)


def test_earth_orientation_is_that_of_the_bulletin() -> None:
    table = iers.IERS_Auto.open()
    noon = MOMENT // 86_400 * 86_400 + 43_200
    expected = table.ut1_utc(Time(noon, format="unix")).to_value(u.s)
    assert orientation(MOMENT).ut1_utc == pytest.approx(expected, abs=1e-4)


def test_beyond_the_bulletin_the_earth_is_taken_for_even() -> None:
    assert orientation(datetime(2070, 1, 1, tzinfo=UTC).timestamp()) == (0.0, 0.0, 0.0)


def test_it_needs_no_network_and_warns_of_nothing() -> None:
    """In a fresh process where every socket is an error, and for a year that is far away."""
    program = (
        "import socket\n"
        "def refuse(*args, **kwargs): raise AssertionError('network!')\n"
        "socket.socket = socket.create_connection = refuse\n"
        "from pyros_agents.astronomy.ephemeris import horizontal, sun_altitude\n"
        "from pyros_agents.astronomy.sky import Site\n"
        "site = Site.of(None)\n"
        "print(horizontal(1, 2, 1.8e9, site), sun_altitude(3.0e9, site))\n"
    )
    agents = Path(ephemeris.__file__).parent.parent
    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": str(agents)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
