"""What others have said and may have taken back unheard."""

from __future__ import annotations

import pytest

from pyros_mqtt.hearsay import GRACE, Hearsay


@pytest.fixture
def hearsay() -> Hearsay[str]:
    """Has heard of rain and wind before an outage from 10 s to 20 s."""
    made: Hearsay[str] = Hearsay()
    made.hear("wind", 1.0)
    made.hear("rain", 2.0)
    made.lose(10.0)
    return made


def test_without_an_outage_nothing_is_doubted() -> None:
    hearsay: Hearsay[str] = Hearsay()
    hearsay.regain(0.0)
    hearsay.hear("wind", 1.0)
    assert not hearsay.doubts("wind")
    assert hearsay.over(1e9) == []


def test_what_nobody_says_again_is_over_after_the_grace(hearsay: Hearsay[str]) -> None:
    hearsay.hear("wind", 19.9)  # before it is known that the connection stands
    hearsay.regain(20.0)
    assert (hearsay.doubts("wind"), hearsay.doubts("rain")) == (False, True)
    assert hearsay.over(20.0 + GRACE) == []
    assert hearsay.over(20.1 + GRACE) == ["rain"]
    assert hearsay.over(1e9) == []
    assert not hearsay.doubts("rain")


def test_while_there_is_no_connection_nothing_is_over(hearsay: Hearsay[str]) -> None:
    assert hearsay.over(1e9) == []
    hearsay.regain(20.0)
    hearsay.lose(21.0)
    assert hearsay.over(1e9) == []


def test_an_outage_in_the_grace_doubts_everything_anew(hearsay: Hearsay[str]) -> None:
    hearsay.regain(20.0)
    hearsay.hear("wind", 20.0)
    hearsay.lose(21.0)
    hearsay.regain(22.0)
    hearsay.hear("rain", 22.0)
    assert hearsay.over(23.0 + GRACE) == ["wind"]


def test_what_was_heard_before_and_is_taken_in_after_is_doubted(hearsay: Hearsay[str]) -> None:
    hearsay.regain(20.0)
    hearsay.hear("snow", 9.0)
    assert hearsay.doubts("snow")


def test_what_was_taken_back_is_not_over_again(hearsay: Hearsay[str]) -> None:
    hearsay.regain(20.0)
    hearsay.forget("wind")
    assert hearsay.over(1e9) == ["rain"]
