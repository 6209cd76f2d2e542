"""Moments and spans as people say them; nights and their names."""

from __future__ import annotations

import math
import re
import warnings
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from astropy.time import Time
from typer import Typer
from typer.testing import CliRunner

from pyros_mqtt.archive import Archive
from pyros_mqtt.archive.moments import Nights, posix, seconds
from pyros_mqtt.archive.place import shown
from pyros_mqtt.archive.readings import Readings
from pyros_mqtt.cli import config
from pyros_mqtt.cli.app import root
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.recorder import Recorder
from pyros_mqtt.settings import Settings

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
    for wrong in ("often", "-5s", 0, "0", 1e-9, "nan"):
        with pytest.raises(ArchiveError, match="no span"):
            seconds(wrong)
    for long in ("1000000h", "1e30", 1e9):
        with pytest.raises(ArchiveError, match="is too long: at most thirty years"):
            seconds(long)


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
    nowhere: list[dict[str, object]] = [{}, {"site": {}}, {"site": {"latitude": -90, "name": "S"}}]
    for nothing in nowhere:
        assert Nights.of(nothing) == Nights(0.0)


@pytest.mark.parametrize(
    ("site", "told"),
    [
        ("somewhere", "observatory.site = 'somewhere': must be a table"),
        ({"longitude": "east"}, "observatory.site.longitude = 'east': must be a number"),
        ({"longitude": 554.108}, "observatory.site.longitude = 554.108: must be a number"),
        ({"longitude": math.nan}, "from -180 to 180, east positive"),
        ({"longitude": True}, "observatory.site.longitude = True"),
        ({"latitude": -90.5, "longitude": 55}, "from -90 to 90, north positive"),
    ],
)
def test_a_place_that_is_none_is_told_wherever_the_night_is_reckoned(
    site: object, told: str, tmp_path: Path
) -> None:
    with pytest.raises(ArchiveError, match=re.escape(told)):
        Nights.of({"site": site})
    url = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    settings = Settings(observatory={"site": site}, archive=url)
    with pytest.raises(ArchiveError, match=re.escape(told)):
        Archive(settings=settings)
    recorder = Recorder(bus=Loopback(), settings=settings)
    assert recorder.url == url


def test_the_check_of_the_settings_tells_of_a_wrong_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyros.toml").write_text("[observatory.site]\nlatitude = 91\nlongitude = 181\n")
    app = Typer(rich_markup_mode=None)
    app.callback()(root)
    config.register(app)
    ended = CliRunner().invoke(app, ["config", "check"])
    assert ended.exit_code == 1
    assert "observatory.site.latitude = 91: must be" in ended.stderr
    assert "observatory.site.longitude = 181: must be" in ended.stderr


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
