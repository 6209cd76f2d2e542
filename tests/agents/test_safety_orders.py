"""Whom the safety agent orders what, and how often."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pyros_mqtt import NobodyListens
from pyros_mqtt.messages import Command
from tests.agents.hand_clock import HandClock
from tests.agents.lone_safety import CLOSE, PARK, Alone


@pytest.fixture
def safety() -> Alone:
    return Alone(HandClock())


def test_fine_weather_orders_nothing(safety: Alone) -> None:
    safety.stay(600)
    assert safety.orders() == []


def test_on_turning_unsafe_the_dome_is_closed_and_the_telescope_parked_once(
    safety: Alone,
) -> None:
    safety.look()
    safety.look(rain=True)
    assert safety.orders() == [CLOSE, PARK]
    safety.shutter("closed")
    safety.pointing("parked")
    safety.stay(3600, rain=True)
    assert safety.orders() == []


def test_the_order_is_repeated_while_the_shutter_is_not_closed_and_not_for_ever(
    safety: Alone,
) -> None:
    safety.look()
    safety.pointing("parked")
    counts = []
    for _ in range(10):
        safety.shutter("open")
        safety.stay(60, rain=True)
        counts.append(safety.orders().count(CLOSE))
    assert counts == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert (
        safety.troubles["dome"] == "fault: the dome is told to close and is not closed: look at it"
    )
    safety.shutter("closed")
    safety.look(rain=True)
    assert safety.troubles == {}


def test_a_telescope_that_does_not_park_is_shown(safety: Alone) -> None:
    safety.shutter("closed")
    safety.pointing("tracking")
    safety.look()
    safety.stay(400, rain=True)
    assert safety.troubles == {
        "telescope": "degraded: the telescope is told to park and is not parked"
    }


def test_a_shutter_that_was_closed_a_while_ago_is_not_known_to_be(safety: Alone) -> None:
    safety.look()
    safety.hear("dome", "shutter", {"state": "closed"}, kept=20.0)
    safety.pointing("parked")
    safety.stay(180, rain=True)
    assert safety.orders() == [CLOSE, CLOSE, CLOSE, PARK]


def test_each_new_turn_orders_anew(safety: Alone) -> None:
    safety.shutter("closed")
    safety.pointing("parked")
    safety.look()
    for _ in range(2):
        safety.look(rain=True)
        assert safety.orders() == [CLOSE, PARK]
        safety.look()
        safety.stay(300)
        assert safety.told[-1]["safe"]


def test_a_peer_who_is_not_there_does_not_stop_the_judging(safety: Alone) -> None:
    safety.refusal = NobodyListens(Command("dome", "close"), "nobody listens")
    safety.look()
    safety.look(rain=True)
    assert safety.orders() == [CLOSE, PARK]
    assert not safety.look(rain=True)["safe"]


def test_a_peer_who_does_not_answer_does_not_stop_the_judging(safety: Alone) -> None:
    answer = threading.Event()
    answered: list[str] = []

    def wait(agent: str, *_: Any, **__: Any) -> None:
        assert answer.wait(60)
        answered.append(agent)

    safety.send_to = wait  # type: ignore[assignment, method-assign]
    safety.look()
    safety.stay(600, rain=True)
    assert not answered, "it judged while both were waited for"
    answer.set()
    safety.orders()
    assert sorted(answered) == ["dome", "telescope"]
