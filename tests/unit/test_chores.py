"""What an agent does again and again; the clock is the test's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pyros_mqtt.agent.chores import Chores
from pyros_mqtt.condition import Condition
from pyros_mqtt.messages import State


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("pyros_mqtt.agent.chores.time", clock)
    return clock


@pytest.fixture
def condition() -> Condition:
    condition = Condition(100.0)
    condition.enter(State.READY)
    return condition


def test_a_chore_runs_at_once_and_then_each_period(
    clock: SimpleNamespace, condition: Condition
) -> None:
    chores, ran = Chores(condition), []
    chores.add("look", lambda: ran.append(clock.now), 2.0)
    for _ in range(9):
        chores.run_due(clock.now)
        clock.now += 1.0
    assert ran == [100.0, 102.0, 104.0, 106.0, 108.0]


def test_missed_periods_are_not_made_up_for(clock: SimpleNamespace, condition: Condition) -> None:
    chores, ran = Chores(condition), []
    chores.add("look", lambda: ran.append(clock.now), 1.0)
    chores.run_due(clock.now)
    clock.now += 60.5
    chores.run_due(clock.now)
    chores.run_due(clock.now)
    assert ran == [100.0, 160.5]
    assert chores.next_due(clock.now) == pytest.approx(0.5)


def test_the_next_one_is_told(clock: SimpleNamespace, condition: Condition) -> None:
    chores = Chores(condition)
    assert chores.next_due(clock.now) == 1.0
    chores.add("slow", int, 60.0)
    chores.add("fast", int, 3.0)
    chores.run_due(clock.now)
    assert chores.next_due(clock.now) == 3.0
    assert chores.next_due(clock.now + 10) == 0.0


def test_a_chore_that_raises_is_shown_kept_and_forgiven(
    clock: SimpleNamespace, condition: Condition, caplog: pytest.LogCaptureFixture
) -> None:
    chores, fails = Chores(condition), [True, True, False]

    def look() -> None:
        if fails.pop(0):
            raise RuntimeError("no sensor")

    chores.add("look", look, 1.0)
    for expected in (State.DEGRADED, State.DEGRADED, State.READY):
        chores.run_due(clock.now)
        assert condition.snapshot(clock.now).state is expected
        clock.now += 1.0
    assert "the chore look failed; it is tried again in 1 s" in caplog.text


def test_a_failing_chore_keeps_no_other_from_running(
    clock: SimpleNamespace, condition: Condition
) -> None:
    chores, ran = Chores(condition), []

    def broken() -> None:
        raise ValueError("broken")

    chores.add("broken", broken, 1.0)
    chores.add("look", lambda: ran.append(1), 1.0)
    chores.run_due(clock.now)
    assert ran == [1]
    assert condition.snapshot(clock.now).detail == "broken failed: broken"


def test_chores_do_not_run_within_each_other(clock: SimpleNamespace, condition: Condition) -> None:
    chores, ran = Chores(condition), []

    def look() -> None:
        assert chores.is_busy
        ran.append("look")
        chores.run_due(clock.now + 100)

    chores.add("look", look, 1.0)
    chores.add("other", lambda: ran.append("other"), 1.0)
    chores.run_due(clock.now)
    assert ran == ["look", "other"]
    assert not chores.is_busy


def test_a_chore_shows_life(clock: SimpleNamespace, condition: Condition) -> None:
    chores = Chores(condition)
    chores.add("look", int, 1.0)
    clock.now = 200.0
    chores.run_due(clock.now)
    assert condition.snapshot(200.0).idle == 0.0
