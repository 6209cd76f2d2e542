"""What becomes of an alarm: latched, acknowledged, shelved, escalated, and over a restart."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pyros_mqtt.alarms import NoSuchAlarm
from pyros_mqtt.alarms.case import FOLLOW
from pyros_mqtt.alarms.engine import Engine
from pyros_mqtt.claims import Health
from pyros_mqtt.messages import State
from tests.unit.alarm_rules import Hand

LIMIT = {"above": 60}


def test_an_alarm_that_is_over_waits_for_somebody() -> None:
    hand = Hand(LIMIT)
    hand.measure(70, 50)
    assert hand.state == "cleared"
    hand.acknowledge("guide")
    assert hand.state == "normal"
    assert hand.events == ["raised", "cleared", "normal"]


def test_the_value_that_is_shown_follows_the_measurement_now_and_then() -> None:
    hand = Hand({**LIMIT, "dead_band": 2})
    hand.measure(70)
    raised = hand.shown
    assert raised is not None
    for _ in range(30):
        hand.measure(75)
        hand.measure(74)
    followed = hand.shown
    assert followed is not None
    assert (followed.value, followed.text) == (75, raised.text)
    assert hand.events == ["raised", "followed"]  # the rest is within the dead band
    hand.acknowledge("guide")
    hand.go_on(10)
    hand.measure(90)
    assert hand.events == ["raised", "followed", "acknowledged", "followed"]
    assert (hand.state, hand.shown and hand.shown.value) == ("acknowledged", 90)


def test_a_value_that_swings_without_end_is_no_storm() -> None:
    hand = Hand(LIMIT)
    began = hand.now
    for _ in range(100):
        hand.measure(70, 80)
    assert hand.events.count("followed") <= (hand.now - began) / FOLLOW + 1


def test_an_acknowledged_alarm_goes_when_it_is_over() -> None:
    hand = Hand(LIMIT)
    hand.measure(70)
    hand.acknowledge("guide")
    assert hand.shown is not None
    assert (hand.state, hand.shown.by) == ("acknowledged", "guide")
    hand.measure(50)
    assert hand.state == "normal"


def test_a_cleared_alarm_that_comes_back_is_raised_again() -> None:
    hand = Hand(LIMIT)
    hand.measure(70, 50, 80)
    assert hand.events == ["raised", "cleared", "raised"]


def test_there_is_nothing_to_acknowledge_twice() -> None:
    hand = Hand(LIMIT)
    hand.measure(70)
    hand.acknowledge()
    with pytest.raises(NoSuchAlarm, match="is acknowledged; there is nothing"):
        hand.acknowledge()
    with pytest.raises(NoSuchAlarm, match="did you mean 'it'"):
        hand.engine.acknowledge(hand.now, "itt", "ops")


def test_a_shelf_ends_by_itself_and_what_still_holds_is_raised_anew() -> None:
    hand = Hand(LIMIT)
    hand.measure(70)
    hand.shelve(60)
    hand.measure(50, 90)
    assert hand.events == ["raised", "shelved"]
    hand.go_on(60)
    assert hand.events == ["raised", "shelved", "raised"]
    assert hand.shown is not None
    assert "is 90" in hand.shown.text


def test_a_shelf_that_ends_over_nothing_leaves_nothing() -> None:
    hand = Hand(LIMIT)
    hand.shelve(60)
    assert hand.shown is not None
    assert hand.shown.raised_at is None
    hand.measure(70, 50)
    hand.unshelve()
    assert hand.events == ["shelved", "normal"]


def test_nobody_answers_so_it_is_escalated_again_and_again() -> None:
    hand = Hand({**LIMIT, "escalate_after": 300})
    hand.measure(70)
    hand.go_on(299)
    assert hand.events == ["raised"]
    hand.go_on(302)
    assert hand.events == ["raised", "escalated", "escalated"]
    assert hand.shown is not None
    assert hand.shown.escalated == 2
    hand.acknowledge()
    hand.go_on(1000)
    assert hand.events[3:] == ["acknowledged"]


def test_an_alarm_that_is_over_is_not_escalated() -> None:
    hand = Hand({**LIMIT, "escalate_after": 300})
    hand.measure(70, 50)
    hand.go_on(1000)
    assert hand.events == ["raised", "cleared"]


# -- gaps ---------------------------------------------------------------------------------------


def test_while_blind_nothing_is_raised_and_nothing_cleared() -> None:
    missing, silent = Hand({"missing": 10}), Hand({"about": "weather", "silent": 10})
    missing.measure(1.0)
    silent.see(Health.LIVE, State.READY)
    for hand in (missing, silent):
        hand.engine.blind()
        hand.go_on(600)
        hand.engine.sight(hand.now)
        hand.go_on(10)
        assert hand.events == []
        hand.go_on(1)
        assert hand.events == ["raised"]


@pytest.mark.parametrize("is_looked_at", [True, False])
def test_a_delay_does_not_run_while_nothing_is_heard(*, is_looked_at: bool) -> None:
    hand = Hand({**LIMIT, "delay": 30})
    hand.measure(70)
    hand.engine.blind()
    if is_looked_at:
        hand.go_on(100)
    else:
        hand.now += 100
    hand.engine.sight(hand.now)
    hand.go_on(29)
    assert hand.state == "normal"


@pytest.mark.parametrize("rule_", [LIMIT, {"missing": 10}, {"about": "weather", "silent": 10}])
def test_a_restart_raises_and_clears_nothing_by_itself(rule_: dict[str, object]) -> None:
    hand = Hand(rule_)
    hand.measure(70)
    hand.go_on(12)
    assert hand.events == ["raised"]
    for _ in range(3):
        hand.restart()
        hand.go_on(5)
    assert hand.events == ["raised"]
    hand.acknowledge()
    hand.restart()
    hand.go_on(60)
    assert hand.events == ["raised", "acknowledged"]


def test_after_a_restart_the_dead_band_still_holds() -> None:
    hand = Hand({**LIMIT, "dead_band": 10})
    hand.measure(70)
    hand.restart()
    hand.measure(55)
    assert hand.events == ["raised"]
    hand.measure(49)
    assert hand.events == ["raised", "cleared"]


def test_a_frozen_sensor_stays_so_over_a_restart_until_it_moves() -> None:
    hand = Hand({"frozen": 30})
    hand.measure(*[5.0] * 32)
    hand.restart()
    hand.measure(*[5.0] * 5)
    assert hand.events == ["raised"]
    hand.measure(5.1)
    assert hand.events == ["raised", "cleared"]


def test_a_rule_out_of_service_watches_nothing() -> None:
    hand = Hand({**LIMIT, "enabled": False})
    hand.measure(70)
    assert hand.events == []
    assert Engine(hand.table).channels == ()


def test_the_unit_is_the_agents_where_the_rule_names_none() -> None:
    hand = Hand(LIMIT)
    hand.engine.learn_unit("weather", "wind", "m/s")
    hand.measure(70)
    assert hand.shown is not None
    assert (hand.shown.unit, "70 m/s" in hand.shown.text) == ("m/s", True)


class Operated(RuleBasedStateMachine):
    """Whatever happens: an alarm goes away only after somebody has said that they know."""

    def __init__(self) -> None:
        super().__init__()
        self.hand = Hand({**LIMIT, "delay": 2, "clear_delay": 3, "escalate_after": 5})
        self.known = True
        self.seen = 0

    @rule(speed=st.floats(0, 120))
    def wind(self, speed: float) -> None:
        self.hand.measure(speed)

    @rule(seconds=st.integers(1, 20))
    def wait(self, seconds: int) -> None:
        self.hand.go_on(seconds)

    @rule()
    def lose_the_connection(self) -> None:
        self.hand.engine.blind()
        self.hand.go_on(3)
        self.hand.engine.sight(self.hand.now)

    @rule()
    def restart(self) -> None:
        before = self.hand.shown
        self.hand.restart()
        assert self.hand.shown == before

    @precondition(lambda self: self.hand.state in {"raised", "cleared"})
    @rule()
    def acknowledge(self) -> None:
        self.hand.acknowledge()
        self.known = True

    @rule(seconds=st.integers(1, 20))
    def shelve(self, seconds: int) -> None:
        self.hand.shelve(seconds)
        self.known = True

    @invariant()
    def nothing_is_forgotten(self) -> None:
        for event in self.hand.events[self.seen :]:
            if event == "raised":
                self.known = False
            elif event in {"acknowledged", "shelved"}:
                self.known = True
            assert event != "normal" or self.known
        self.seen = len(self.hand.events)
        if not self.known:
            assert self.hand.state in {"raised", "cleared"}


TestOperated = Operated.TestCase
TestOperated.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
