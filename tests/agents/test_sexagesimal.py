"""Angles as people write them: signs, carries and wraps."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyros_agents.astronomy.sexagesimal import read_dec, read_ra, show_dec, show_ra


@pytest.mark.parametrize(
    "text",
    ["05:34:31.97", "05 34 31.97", "5h34m31.97s", " +5h 34m 31.97s ", "5:34:31.97"],
)
def test_hours_of_right_ascension_become_degrees(text: str) -> None:
    assert read_ra(text) == pytest.approx(83.6332083, abs=1e-6)


@pytest.mark.parametrize("text", ["83.6332083", "83d37m59.55s", "83\u00b037\u203259.55\u2033"])
def test_degrees_of_right_ascension_stay_degrees(text: str) -> None:
    assert read_ra(text) == pytest.approx(83.6332083, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("-00:30:00", -0.5),
        ("\u221200:30:00", -0.5),
        ("+22:00:52.2", 22.0145),
        ("22d00m52.2s", 22.0145),
        ("-75 30", -75.5),
        ("-21.5", -21.5),
        ("+90:00:00", 90.0),
    ],
)
def test_declinations_are_read_with_their_sign(text: str, degrees: float) -> None:
    assert read_dec(text) == pytest.approx(degrees, abs=1e-6)


def test_minus_zero_degrees_stays_negative_both_ways() -> None:
    assert show_dec(-0.5) == "-00:30:00.0"
    assert show_dec(read_dec("-00:00:01")) == "-00:00:01.0"
    assert show_dec(-1e-9) == "+00:00:00.0"


def test_seconds_that_round_up_to_sixty_carry_into_the_minute() -> None:
    assert show_dec(10 + 59 / 60 + 59.9999 / 3600) == "+11:00:00.0"
    assert show_ra(15 * (1 + 2 / 60 + 59.9999 / 3600)) == "01:03:00.00"
    assert show_dec(-(4 + 29 / 60 + 59.6 / 3600), places=0) == "-04:30:00"


def test_right_ascension_wraps_at_360_degrees() -> None:
    assert read_ra("24:00:00") == 0.0
    assert read_ra(360.0) == 0.0
    assert read_ra(-10.0) == 350.0
    assert show_ra(359.9999999) == "00:00:00.00"
    assert show_ra(-15.0) == "23:00:00.00"


@pytest.mark.parametrize(
    "text", ["", "north", "25:00:00", "05:60:00", "05:34:60", "-1:00:00", "nan"]
)
def test_what_is_no_right_ascension_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=" is no "):
        read_ra(text)


@pytest.mark.parametrize("text", ["91", "-90:00:01", "5h34m31s", "+-3:00:00", "1:2:3:4", math.nan])
def test_what_is_no_declination_is_refused(text: str | float) -> None:
    with pytest.raises(ValueError, match=" is no "):
        read_dec(text)


@given(st.floats(-90, 90))
def test_a_declination_survives_being_written(dec: float) -> None:
    assert read_dec(show_dec(dec, places=3)) == pytest.approx(dec, abs=0.0005 / 3600 * 1.01)


@given(st.floats(0, 360))
def test_a_right_ascension_survives_being_written(ra: float) -> None:
    apart = (read_ra(show_ra(ra, places=4)) - ra + 180) % 360 - 180
    assert abs(apart) < 0.00005 / 240 * 1.01 + 1e-12
