"""Nights, sunsets and sunrises, against almanacs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from pyros_agents.astronomy.ephemeris import sun_altitude
from pyros_agents.astronomy.night import night_of, noon, sunrise, sunset
from pyros_agents.astronomy.sky import LES_MAKES, Site

SITE = Site(**LES_MAKES)
GREENWICH = Site(51.4769, 0.0)
HAWAII = Site(19.8261, -155.4747)
NORTH_CAPE = Site(71.17, 25.78)


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("site", "night", "sets", "rises"),
    [
        # HM Nautical Almanac Office: 21:21 and 04:43 summer time.
        (GREENWICH, date(2024, 6, 20), "2024-06-20T20:21", "2024-06-21T03:43"),
        (GREENWICH, date(2024, 12, 21), "2024-12-21T15:53", "2024-12-22T08:04"),
    ],
)
def test_sunset_and_sunrise_are_the_almanacs(
    site: Site, night: date, sets: str, rises: str
) -> None:
    assert sunset(night, site) == pytest.approx(utc(sets), abs=60)
    assert sunrise(night, site) == pytest.approx(utc(rises), abs=60)


def test_the_sun_has_the_asked_altitude_at_dusk_and_dawn() -> None:
    night = date(2026, 11, 22)
    for altitude in (-0.833, -12.0, -18.0):
        for moment in (sunset(night, SITE, altitude), sunrise(night, SITE, altitude)):
            assert moment is not None
            assert sun_altitude(moment, SITE) == pytest.approx(altitude, abs=0.001)


def test_a_night_lasts_from_local_noon_to_local_noon() -> None:
    begin = noon(date(2026, 11, 22), SITE)
    assert datetime.fromtimestamp(begin, UTC).hour == 8  # 12 h - 55.4 deg / 15
    assert night_of(begin + 1, SITE) == date(2026, 11, 22)
    assert night_of(begin + 86_399, SITE) == date(2026, 11, 22)
    assert night_of(begin - 1, SITE) == date(2026, 11, 21)


def test_the_night_has_the_local_date_of_its_sunset_and_not_that_of_utc() -> None:
    night = date(2026, 11, 22)
    sets = sunset(night, HAWAII)
    assert sets is not None
    assert datetime.fromtimestamp(sets, UTC).date() == night + timedelta(days=1)
    assert night_of(sets + 60, HAWAII) == night
    assert night_of(sets + 8 * 3600, HAWAII) == night


def test_where_the_sun_does_not_set_a_night_has_its_name_all_the_same() -> None:
    for day in (date(2026, 6, 21), date(2026, 12, 21)):
        assert sunset(day, NORTH_CAPE) is None
        assert sunrise(day, NORTH_CAPE) is None
        assert night_of(noon(day, NORTH_CAPE) + 43_200, NORTH_CAPE) == day


def test_sunset_lies_within_its_night_and_before_sunrise() -> None:
    for number in range(0, 365, 7):
        night = date(2026, 1, 1) + timedelta(days=number)
        sets, rises = sunset(night, SITE), sunrise(night, SITE)
        assert sets is not None
        assert rises is not None
        assert noon(night, SITE) < sets < rises < noon(night + timedelta(days=1), SITE)
