"""Noticing that somebody else uses our client id."""

from __future__ import annotations

from collections.abc import Iterator

from pyros_mqtt.link.eviction import TIMES, WITHIN, Evictions


def at(*moments: float) -> Evictions:
    hands: Iterator[float] = iter(moments)
    return Evictions("pyros-dome", lambda: next(hands))


def test_a_lost_connection_or_two_is_no_theft() -> None:
    evictions = at(0, 1)
    assert [evictions.happened() for _ in range(TIMES - 1)] == [None, None]


def test_who_is_thrown_out_again_and_again_goes_on_under_an_id_that_nobody_knows() -> None:
    evictions = at(*range(2 * TIMES))
    given = [evictions.happened() for _ in range(2 * TIMES)]
    found = [one for one in given if one]
    assert given[TIMES - 1] == found[0]
    assert found[0].startswith("pyros-dome-")
    assert len(set(found)) == 2
    assert "pyros-dome," in evictions.in_words()


def test_brokers_that_are_restarted_now_and_then_raise_no_suspicion() -> None:
    evictions = at(0, WITHIN, 2 * WITHIN, 3 * WITHIN)
    assert [evictions.happened() for _ in range(4)] == [None] * 4
