"""The next sunset, and chores that wait for it: against astropy, in polar days, on a fast sky."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import AltAz, EarthLocation, get_sun
from astropy.time import Time
from astropy.utils import iers

from pyros_agents.astronomy.almanac import SkyAlmanac
from pyros_agents.astronomy.sky import LES_MAKES, Site, SkyClock
from pyros_mqtt import Agent, Almanac, every
from pyros_mqtt.daily import EVENTS
from pyros_mqtt.settings import Settings
from pyros_mqtt.testing import Rehearsal

LES = Site(**LES_MAKES)
GREENWICH = Site(51.4769, 0.0)
HAWAII = Site(19.8261, -155.4747)
NORTH_CAPE = Site(71.17, 25.78)
SOUTH_POLE = Site(-90.0, 0.0)

ALTITUDES = {
    "sunset": -0.833,
    "civil dusk": -6.0,
    "nautical dusk": -12.0,
    "astronomical dusk": -18.0,
    "astronomical dawn": -18.0,
    "nautical dawn": -12.0,
    "civil dawn": -6.0,
    "sunrise": -0.833,
}
MINUTE, DAY = 60.0, 86_400.0


@pytest.fixture(scope="module", autouse=True)
def _astropy_stays_offline() -> None:
    iers.conf.auto_download = False
    iers.conf.auto_max_age = None


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def astropys(site: Site, event: str, after: float) -> float:
    """Find the first minute after which the Sun has crossed the event's altitude."""
    minutes = after + MINUTE * np.arange(1500)
    place = EarthLocation.from_geodetic(site.longitude, site.latitude, site.height)
    when = Time(minutes, format="unix")
    height = get_sun(when).transform_to(AltAz(obstime=when, location=place)).alt.to_value(u.deg)
    above = height > ALTITUDES[event]
    rises = event.endswith("dawn") or event == "sunrise"
    crossed = ~above[:-1] & above[1:] if rises else above[:-1] & ~above[1:]
    return float(minutes[np.flatnonzero(crossed)[0]])


@pytest.mark.parametrize("event", ALTITUDES)
@pytest.mark.parametrize(
    ("site", "after"),
    [
        (LES, "2026-11-21T12:00"),
        (LES, "2026-11-21T18:00"),
        (HAWAII, "2026-02-28T23:30"),
        (GREENWICH, "2024-02-29T04:00"),
    ],
)
def test_the_next_event_is_astropys(site: Site, after: str, event: str) -> None:
    ours = SkyAlmanac(site).next(event, utc(after))
    assert ours is not None
    assert 0.0 <= ours - astropys(site, event, utc(after)) <= MINUTE


@pytest.mark.parametrize(
    ("event", "after", "moment"),
    [
        # HM Nautical Almanac Office: 21:21 and 04:43 summer time.
        ("sunset", "2024-06-20T12:00", "2024-06-20T20:21"),
        ("sunset", "2024-06-20T20:25", "2024-06-21T20:21"),
        ("sunrise", "2024-06-20T12:00", "2024-06-21T03:43"),
        ("sunrise", "2024-12-22T08:00", "2024-12-22T08:04"),
    ],
)
def test_the_next_event_is_the_nautical_almanacs(event: str, after: str, moment: str) -> None:
    ours = SkyAlmanac(GREENWICH).next(event, utc(after))
    assert ours == pytest.approx(utc(moment), abs=MINUTE)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("site", [LES, HAWAII], ids=["Les Makes", "Hawaii"])
def test_each_event_of_the_words_comes_once_a_day(site: Site, event: str) -> None:
    almanac = SkyAlmanac(site)
    moment = almanac.next(event, utc("2027-12-28"))
    for _ in range(10):
        assert moment is not None
        later = almanac.next(event, moment)
        assert later is not None
        assert later - moment == pytest.approx(DAY, abs=2 * MINUTE)
        assert almanac.next(event, moment - 0.001) == moment
        moment = later


def test_noon_is_the_local_mean_one() -> None:
    assert SkyAlmanac(GREENWICH).next("noon", utc("2026-11-21T12:00")) == utc("2026-11-22T12:00")
    ours = SkyAlmanac(HAWAII).next("noon", utc("2026-11-21T00:00"))
    assert ours == pytest.approx(utc("2026-11-21T22:21:54"), abs=1.0)  # 12 h + 155.4747 deg / 15


def test_an_event_that_is_not_in_the_sky_is_refused() -> None:
    with pytest.raises(LookupError, match="no 'moonrise' in the sky, but noon, sunset"):
        SkyAlmanac(LES).next("moonrise", 0.0)


@pytest.mark.parametrize(
    ("event", "after", "day"),
    [
        # The midnight Sun of the North Cape: 14 May to 29 July; its polar night: 20 November to
        # 22 January (as the place itself tells its visitors).
        ("sunset", "2026-06-01", date(2026, 7, 30)),
        ("sunrise", "2026-06-01", date(2026, 7, 30)),
        ("sunrise", "2026-12-01", date(2027, 1, 21)),
        ("sunset", "2026-12-01", date(2027, 1, 21)),
    ],
)
def test_where_an_event_does_not_happen_it_is_that_of_the_next_day_on_which_it_does(
    event: str, after: str, day: date
) -> None:
    ours = SkyAlmanac(NORTH_CAPE).next(event, utc(after))
    assert ours is not None
    assert abs(datetime.fromtimestamp(ours, UTC).date() - day) <= timedelta(days=2)


def test_it_does_not_get_dark_over_greenwich_in_june_but_twilight_ends_all_the_same() -> None:
    almanac, june = SkyAlmanac(GREENWICH), utc("2026-06-10T12:00")
    nautical = almanac.next("nautical dusk", june)
    astronomical = almanac.next("astronomical dusk", june)
    assert nautical is not None
    assert nautical - june < DAY / 2
    assert astronomical is not None
    # no astronomical night over London from the end of May to the third week of July
    assert date(2026, 7, 15) < datetime.fromtimestamp(astronomical, UTC).date() < date(2026, 7, 25)


def test_at_the_pole_the_sun_sets_once_a_year() -> None:
    almanac = SkyAlmanac(SOUTH_POLE)
    first = almanac.next("sunset", utc("2026-06-01"))
    assert first is not None
    assert date(2027, 3, 20) <= datetime.fromtimestamp(first, UTC).date() <= date(2027, 3, 26)
    second = almanac.next("sunset", first)
    assert second is not None
    assert second - first == pytest.approx(365 * DAY, abs=2 * DAY)


def test_looking_months_ahead_holds_no_agent_up() -> None:
    almanac, began = SkyAlmanac(Site(78.22, 15.65)), time.thread_time()
    assert almanac.next("sunset", utc("2026-05-01")) is not None
    assert time.thread_time() - began < 2.0


def test_the_almanacs_clock_is_the_skys() -> None:
    clock = SkyClock(origin=utc("2026-11-21T12:00"), speed=60.0)
    almanac: Almanac = SkyAlmanac(LES, clock)
    assert almanac.now() == pytest.approx(clock.now(), abs=60.0)
    assert almanac.wall_seconds(60.0) == 1.0


class Vents(Agent):
    """Cools the dome before the night."""

    def __init__(self, *, site: Site, sky: SkyClock, **options: Any) -> None:
        super().__init__("vents", **options)
        self.almanac, self.sky = SkyAlmanac(site, sky), sky
        self.opened: list[float] = []
        self.lit: list[float] = []

    @every("daily at sunset-30m")
    def open_vents(self) -> None:
        """Open the vents."""
        self.opened.append(self.sky.now())

    @every("daily at 14:15")
    def light(self) -> None:
        """Light the lamps, by the sky's clock."""
        self.lit.append(self.sky.now())


def test_chores_keep_the_hours_of_a_fast_sky() -> None:
    speed, lag = 600.0, 1.0
    sunset = SkyAlmanac(LES).next("sunset", utc("2026-11-21T12:00"))
    assert sunset is not None
    assert utc("2026-11-21T14:00") < sunset - 1800.0 < utc("2026-11-21T14:15")
    sky = SkyClock(origin=sunset - 1800.0 - 2 * speed, speed=speed)
    with Rehearsal(settings=Settings(brokers=())) as stage:
        vents = stage.start(Vents(site=LES, sky=sky, bus=stage.bus))
        stage.wait_until(lambda: vents.opened and vents.lit)
        stage.wait_until(lambda: sky.now() > vents.lit[0] + 600.0)
        stage.wait_until(lambda: stage.status("vents").state == "ready")
    (opened,), (lit,) = vents.opened, vents.lit
    assert 0.0 <= opened - (sunset - 1800.0) < lag * speed
    assert 0.0 <= lit - utc("2026-11-21T14:15") < lag * speed
