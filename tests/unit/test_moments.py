"""Moments and spans as people say them; nights and their names."""

from __future__ import annotations

import math
import warnings
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from astropy.time import Time

from pyros_mqtt.archive.moments import Nights, posix, seconds
from pyros_mqtt.archive.place import shown
from pyros_mqtt.archive.readings import Readings
from pyros_mqtt.errors import ArchiveError

EVENING = 1763841600.0


@pytest.mark.parametrize(
    "said",
    [
        EVENING, "1763841600", "2025-11-22T20:00", "2025-11-22T20:00:00.000Z", "2025-11-22 20:00",
        "2025-11-22T21:00+01:00", "2h", "120min", "7200s", datetime(2025, 11, 22, 20, tzinfo=UTC),
        datetime(2025, 11, 22, 21, tzinfo=timezone(timedelta(hours=1))),
        Time("2025-11-22T20:00:00"),
    ],
    ids=str,
)  # fmt: skip
def test_a_moment_can_be_said_in_many_ways(said: object) -> None:
    assert posix(said, now=EVENING + 7200) == pytest.approx(EVENING)


@pytest.mark.parametrize("said", ["yesterday", "2025-13-01", "", None, Time(["2025-11-22"] * 2)])
def test_what_is_no_moment_is_refused(said: object) -> None:
    with pytest.raises(ArchiveError, match="no moment"):
        posix(said)


@pytest.mark.parametrize(
    "said",
    ["99999999999h", "nan", "-inf", "1e300", math.nan, math.inf, 10**400, -1e15,
     Time(8e12, format="unix")],
    ids=lambda said: str(said)[:20],
)  # fmt: skip
def test_a_moment_beyond_the_calendar_is_refused(said: object) -> None:
    with pytest.raises(ArchiveError, match="not within the years 1 to 9999"):
        posix(said)


@pytest.mark.parametrize("year", [1938, 2199])
def test_odd_years_are_told_without_a_warning(year: int) -> None:
    moment = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        times = Readings("a", "x", np.array([moment]), {}).time
        assert posix(times[0]) == pytest.approx(moment, abs=60)


def test_spans_have_units() -> None:
    assert [seconds(one) for one in (10, "10", "10s", "5min", "1.5h", "1d")] == [
        10, 10, 10, 300, 5400, 86_400,
    ]  # fmt: skip
    for wrong in ("often", "-5s", 0, "0", "1e30", 1e-9, "nan"):
        with pytest.raises(ArchiveError, match="no span"):
            seconds(wrong)


@pytest.mark.parametrize(
    ("longitude", "name"), [(0.0, "2025-11-22"), (149.0, "2025-11-22"), (-155.5, "2025-11-21")]
)
def test_a_night_is_named_after_its_evening(longitude: float, name: str) -> None:
    nights = Nights(longitude)
    assert nights.name(EVENING - 3600) == name
    start, stop = nights.span(name)
    assert start <= EVENING - 3600 < stop
    assert stop - start == 86_400
    assert nights.name(start) == name
    assert nights.name(stop) == nights.before(name, -1)


def test_the_place_comes_from_the_observatory() -> None:
    assert Nights.of({"site": {"longitude": 55.4}}) == Nights(55.4)
    for nothing in ({}, {"site": "somewhere"}, {"site": {"longitude": "east"}}):
        assert Nights.of(nothing) == Nights(0.0)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://me:secret@host:5/db", "postgresql://me@host:5/db"),
        ("postgresql://host/db?password=secret", "postgresql://host/db"),
        ("sqlite:///a/b.sqlite", "sqlite:///a/b.sqlite"),
        ("postgresql://me:secret@[host/db", "postgresql:..."),
    ],
)
def test_a_password_is_not_shown(url: str, told: str) -> None:
    assert shown(url) == told
