"""The words of daily chores, and the moments that they mean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from pyros_mqtt.daily import DAY, EVENTS, Daily
from pyros_mqtt.dispatch import every


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


class Listed:
    """An almanac whose every event happens at the listed moments."""

    def __init__(self, *moments: str) -> None:
        self.moments = [utc(moment) for moment in moments]
        self.asked: list[str] = []

    def now(self) -> float:
        return 0.0

    def wall_seconds(self, sky_seconds: float) -> float:
        return sky_seconds

    def next(self, event: str, after: float) -> float | None:
        self.asked.append(event)
        return min((moment for moment in self.moments if moment > after), default=None)


@pytest.mark.parametrize(
    ("words", "event", "clock", "offset"),
    [
        ("daily at sunset", "sunset", 0, 0),
        ("daily at sunset-30m", "sunset", 0, -1800),
        ("daily at sunrise+10m", "sunrise", 0, 600),
        ("Daily at  Nautical Dusk + 1h 30m", "nautical dusk", 0, 5400),
        ("daily at civil dawn-45s", "civil dawn", 0, -45),
        ("daily at noon+23h59m59s", "noon", 0, 86_399),
        ("daily at 18:30", None, 66_600, 0),
        ("daily at 6:05:09 UTC", None, 21_909, 0),
        ("daily at 00:00-10m", None, 0, -600),
    ],
)
def test_words_are_read(words: str, event: str | None, clock: int, offset: int) -> None:
    assert Daily.of(words) == Daily(words, event, clock, offset)


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_its_word(event: str) -> None:
    assert Daily.of(f"daily at {event}").event == event


def test_dusk_and_dawn_alone_bound_the_dark_night() -> None:
    assert Daily.of("daily at dusk").event == "astronomical dusk"
    assert Daily.of("daily at dawn-5m").event == "astronomical dawn"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "say 'daily at' and a moment, as in 'daily at sunset-30m'"),
        ("10", r"a chore with a period is every\(seconds=60\)"),
        ("sunset", "say 'daily at'"),
        ("daily at", "say 'daily at'"),
        ("daily at -30m", "say 'daily at'"),
        ("daily at sunst-30m", "no moment 'sunst'. did you mean 'sunset'"),
        ("daily at nautic dusk", "did you mean 'nautical dusk'"),
        ("daily at 6pm", "a clock time of UTC, such as 18:30, or one of noon, sunset"),
        ("daily at 18:30 CEST", "a clock time of UTC"),
        ("daily at 18:5", "a clock time of UTC"),
        ("daily at 24:00", "no clock shows 24:00: a day goes from 00:00 to 23:59:59, UTC"),
        ("daily at 12:60", "no clock shows 12:60"),
        ("daily at sunset-30", "with their units, such as -30m, .* not '-30'"),
        ("daily at sunset-", "with their units"),
        ("daily at sunset--30m", "with their units"),
        ("daily at sunset-30m1h", "with their units"),
        ("daily at sunset-1.5h", "with their units"),
        ("daily at sunset+24h", "an offset is shorter than a day"),
        ("daily at 18:30 + sunset", "with their units"),
        ("daily at " + "x" * 10_000, "no moment 'xxx"),
    ],
)
def test_bad_words_are_refused_where_the_chore_is_marked(words: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"every\('") as caught:
        every(words)
    assert caught.match("(?i)" + told)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("words", "after", "moment"),
    [
        ("18:30", "2026-11-21T18:29:59", "2026-11-21T18:30"),
        ("18:30", "2026-11-21T18:30", "2026-11-22T18:30"),
        ("00:00", "2026-11-21T23:59:59", "2026-11-22T00:00"),
        ("00:00", "2026-11-22T00:00", "2026-11-23T00:00"),
        ("23:59:59", "2026-12-31T23:59:59", "2027-01-01T23:59:59"),
        # the offset leads into the day before or after
        ("00:10-20m", "2026-11-21T23:00", "2026-11-21T23:50"),
        ("00:10-20m", "2026-11-21T23:50", "2026-11-22T23:50"),
        ("23:50+20m", "2026-11-22T00:05", "2026-11-22T00:10"),
        ("23:50+20m", "2026-11-22T00:10", "2026-11-23T00:10"),
        ("12:00+23h", "2026-11-22T10:00", "2026-11-22T11:00"),
        # leap days, and a year that has none
        ("18:30", "2028-02-28T18:30", "2028-02-29T18:30"),
        ("18:30", "2028-02-29T18:30", "2028-03-01T18:30"),
        ("18:30", "2100-02-28T18:30", "2100-03-01T18:30"),
        # where others change their clocks, UTC goes on
        ("02:30", "2026-03-28T02:30", "2026-03-29T02:30"),
        ("02:30", "2026-10-24T02:30", "2026-10-25T02:30"),
        # and before all time
        ("18:30", "1969-12-31T18:30", "1970-01-01T18:30"),
    ],
)
def test_a_clock_time_comes_every_day(words: str, after: str, moment: str) -> None:
    almanac = Listed()
    assert Daily.of(f"daily at {words}").next(utc(after), almanac) == utc(moment)
    assert not almanac.asked


@pytest.mark.parametrize(
    ("words", "after", "moment"),
    [
        ("sunset", "2026-11-21T00:00", "2026-11-21T23:50"),
        ("sunset", "2026-11-21T23:50", "2026-11-22T23:51"),
        ("sunset-30m", "2026-11-21T23:19", "2026-11-21T23:20"),
        ("sunset-30m", "2026-11-21T23:20", "2026-11-22T23:21"),
        # over midnight: that of the event of the day before
        ("sunset+30m", "2026-11-22T00:19", "2026-11-22T00:20"),
        ("sunset+30m", "2026-11-22T00:20", "2026-11-23T00:21"),
        ("sunset-23h", "2026-11-21T00:49", "2026-11-21T00:50"),
    ],
)
def test_an_event_is_the_almanacs_with_the_offset(words: str, after: str, moment: str) -> None:
    almanac = Listed("2026-11-20T23:49", "2026-11-21T23:50", "2026-11-22T23:51")
    assert Daily.of(f"daily at {words}").next(utc(after), almanac) == utc(moment)
    assert almanac.asked == ["sunset"]


def test_an_event_that_does_not_come_has_no_moment() -> None:
    assert Daily.of("daily at sunset").next(utc("2026-06-01"), Listed()) is None


@pytest.mark.parametrize("answer", [lambda t: t, lambda t: t - DAY, lambda _: float("nan")])
def test_an_almanac_that_answers_with_the_past_is_not_believed(
    answer: Callable[[float], float],
) -> None:
    class Odd(Listed):
        def next(self, event: str, after: float) -> float | None:  # noqa: ARG002
            return answer(after)

    with pytest.raises(ValueError, match=r"the next sunset after .* cannot be at"):
        Daily.of("daily at sunset-30m").next(utc("2026-06-01"), Odd())
