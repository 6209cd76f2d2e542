"""Which state an agent is in, from what befalls it; the clock is the test's."""

from __future__ import annotations

import pytest

from pyros_mqtt.condition import LOOP_PATIENCE, OBEDIENCE, Condition
from pyros_mqtt.messages import Command, Progress, State, Task

GOTO = Command("telescope", "goto", id="1", sender="ops")
TASK = Task("goto", "1", "ops", 0.0)


def ready(now: float = 0.0) -> Condition:
    condition = Condition(now)
    condition.enter(State.READY)
    condition.sign(now)
    return condition


def state(condition: Condition, now: float = 0.0) -> State:
    return condition.snapshot(now).state


def test_an_agent_begins_by_starting() -> None:
    assert state(Condition(0.0)) is State.STARTING


def test_a_command_makes_it_busy_and_its_end_ready_again() -> None:
    condition = ready()
    condition.begin(TASK, 10.0, 1.0)
    shown = condition.snapshot(1.5)
    assert (shown.state, shown.task) == (State.BUSY, TASK)
    condition.end(2.0)
    assert (state(condition, 2.0), condition.task) == (State.READY, None)


def test_idle_is_the_time_since_the_last_sign_of_life() -> None:
    condition = ready()
    condition.sign(5.0)
    assert condition.snapshot(7.5).idle == 2.5
    assert condition.snapshot(4.0).idle == 0.0


def test_an_action_past_its_patience_is_a_fault_with_its_name_and_recovers() -> None:
    condition = ready()
    condition.begin(TASK, 10.0, 0.0)
    assert state(condition, 10.0) is State.BUSY
    shown = condition.snapshot(10.5)
    assert shown.state is State.FAULT
    assert "goto" in shown.detail
    condition.sign(11.0)
    assert state(condition, 11.5) is State.BUSY


def test_progress_shows_life_and_may_prolong_the_patience() -> None:
    condition = ready()
    condition.begin(TASK, 1.0, 0.0)
    condition.advance(Progress(0.5, "half"), 0.9, patience=60.0)
    shown = condition.snapshot(50.0)
    assert shown.state is State.BUSY
    assert shown.task is not None
    assert shown.task.progress == Progress(0.5, "half")


def test_a_hung_chore_is_a_fault_too() -> None:
    condition = ready()
    assert state(condition, LOOP_PATIENCE) is State.READY
    assert state(condition, LOOP_PATIENCE + 0.1) is State.FAULT
    condition.sign(LOOP_PATIENCE + 1)
    assert state(condition, LOOP_PATIENCE + 1) is State.READY


def test_a_slow_start_is_no_fault() -> None:
    assert state(Condition(0.0), 100.0) is State.STARTING


def test_degraded_gives_its_reason_until_it_recovers() -> None:
    condition = ready()
    condition.degrade("no filter wheel", "")
    shown = condition.snapshot(0.0)
    assert (shown.state, shown.detail) == (State.DEGRADED, "no filter wheel")
    condition.recover("")
    assert state(condition) is State.READY


def test_a_fault_outweighs_degraded_and_busy() -> None:
    condition = ready()
    condition.degrade("slow", "")
    condition.fault("stuck", "")
    condition.begin(TASK, 10.0, 0.0)
    shown = condition.snapshot(0.0)
    assert (shown.state, shown.detail) == (State.FAULT, "stuck; slow")


def test_busy_shows_what_is_degraded() -> None:
    condition = ready()
    condition.degrade("slow", "")
    condition.begin(TASK, 10.0, 0.0)
    shown = condition.snapshot(0.0)
    assert (shown.state, shown.detail) == (State.BUSY, "slow")


def test_each_source_recovers_for_itself() -> None:
    condition = ready()
    condition.degrade("chore broke", source="chore")
    condition.degrade("by hand", "")
    condition.recover(source="chore")
    assert condition.snapshot(0.0).detail == "by hand"


@pytest.mark.parametrize("life", [State.STARTING, State.STOPPING, State.STOPPED])
def test_the_ends_of_life_outweigh_everything(life: State) -> None:
    condition = ready()
    condition.fault("stuck", "")
    condition.enter(life, "as told")
    shown = condition.snapshot(1000.0)
    assert (shown.state, shown.detail) == (life, "as told")


def test_only_news_count_as_changes() -> None:
    condition = ready()
    condition.degrade("slow", "")
    before = condition.changes
    condition.degrade("slow", "")
    condition.recover(source="nobody")
    condition.sign(1.0)
    assert condition.changes == before
    condition.degrade("slower", "")
    assert condition.changes == before + 1


def test_running_for_is_nothing_without_a_task() -> None:
    condition = ready()
    assert condition.running_for(5.0) == 0.0
    condition.begin(TASK, 10.0, 1.0)
    assert condition.running_for(5.0) == 4.0


def test_a_cancelled_action_that_goes_on_is_shown_as_such() -> None:
    condition = ready()
    condition.begin(TASK, 60.0, 0.0)
    condition.cancel(GOTO, 1.0)
    assert state(condition, 1.0 + OBEDIENCE) is State.BUSY
    shown = condition.snapshot(1.5 + OBEDIENCE)
    assert shown.state is State.FAULT
    assert "goto ignores its cancellation" in shown.detail


def test_an_agent_that_stops_says_what_it_waits_for() -> None:
    condition = ready()
    condition.begin(TASK, 60.0, 0.0)
    condition.cancel(GOTO, 1.0)
    condition.enter(State.STOPPING, "waits for goto")
    assert condition.snapshot(2.0).detail == "waits for goto"
    shown = condition.snapshot(20.0)
    assert (shown.state, "ignores its cancellation" in shown.detail) == (State.STOPPING, True)


def test_the_next_command_is_not_the_one_that_was_cancelled() -> None:
    condition = ready()
    condition.cancel(GOTO, 0.0)
    assert condition.defiant_for(9.0) == 0.0
    condition.begin(TASK, 60.0, 1.0)
    condition.cancel(GOTO, 2.0)
    condition.cancel(GOTO, 5.0)
    assert condition.defiant_for(9.0) == 7.0
    condition.end(9.0)
    condition.begin(TASK, 60.0, 10.0)
    assert state(condition, 30.0) is State.BUSY


def test_a_cancellation_that_comes_late_is_not_the_next_commands() -> None:
    condition = ready()
    condition.begin(Task("track", "2", "ops", 0.0), 60.0, 1.0)
    condition.cancel(GOTO, 2.0)
    assert condition.defiant_for(30.0) == 0.0


def test_a_remark_that_comes_late_takes_nothing_back() -> None:
    condition = ready()
    assert not condition.enter(State.STARTING, "slow", coming_from={State.STARTING})
    assert state(condition) is State.READY


def test_an_exception_may_be_handed_in_as_the_reason() -> None:
    condition = ready()
    condition.degrade(OSError("no answer"), "mount")  # type: ignore[arg-type]
    assert condition.snapshot(0.0).detail == "no answer"
