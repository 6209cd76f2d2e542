"""Moments as text: RFC 3339, UTC, with Z."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyros_mqtt.wire import from_rfc3339, to_rfc3339

FIRST_DAY, LAST_DAY = -62_135_596_800.0, 253_402_300_799.0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:00.000Z", 0.0),
        ("2026-11-22T20:14:03.120Z", 1795378443.12),
        ("2024-02-29T23:59:59.999Z", 1709251199.999),
        ("1969-12-31T23:59:59.500Z", -0.5),
    ],
)
def test_a_moment_is_written_and_read(text: str, moment: float) -> None:
    assert to_rfc3339(moment) == text
    assert from_rfc3339(text) == pytest.approx(moment, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T20:14:03Z", 1795378443.0),
        ("2026-11-22t20:14:03z", 1795378443.0),
        ("2026-11-22T20:14:03.1Z", 1795378443.1),
        ("2026-11-22T20:14:03.123456789Z", 1795378443.123456),
    ],
)
def test_other_forms_of_the_same_are_read(text: str, moment: float) -> None:
    assert from_rfc3339(text) == pytest.approx(moment, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-22",
        "2026-11-22 20:14:03Z",
        "2026-11-22T20:14:03",
        "2026-11-22T20:14:03+00:00",
        "2026-11-22T20:14:03+04:00",
        "2026-11-22T20:14:03.Z",
        "2026-11-22T20:14Z",
        "2026-13-22T20:14:03Z",
        "2026-02-29T20:14:03Z",
        "2026-11-22T24:00:01Z",
        "2026-11-22T20:14:61Z",
        "0000-11-22T20:14:03Z",
        "12026-11-22T20:14:03Z",
        "\uff12\uff10\uff12\uff16-11-22T20:14:03Z",
        " 2026-11-22T20:14:03Z",
        "2026-11-22T20:14:03Z\n",
        "1795378443.12",
    ],
)
def test_what_is_no_such_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_rfc3339(text)


@given(st.floats(-4e9, 8e9))
def test_each_moment_comes_back_to_the_millisecond(moment: float) -> None:
    assert from_rfc3339(to_rfc3339(moment)) == pytest.approx(moment, abs=0.001001)


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_a_value_error(text: str) -> None:
    try:
        moment = from_rfc3339(text)
    except ValueError:
        return
    assert FIRST_DAY <= moment <= LAST_DAY + 1
