"""What comes next in an observation, from what is so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyros_agents.scheduling.observing import Facts, Step, next_step

ALL_WELL = Facts(is_pointed=True)


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (ALL_WELL, Step.EXPOSE),
        (replace(ALL_WELL, is_pointed=False), Step.SLEW),
        (replace(ALL_WELL, is_pointed=False, is_parked=True), Step.UNPARK),
        (replace(ALL_WELL, is_open=False, is_parked=True), Step.OPEN),
        (replace(ALL_WELL, has_target=False), Step.IDLE),
        (replace(ALL_WELL, is_safe=False), Step.UNSAFE),
        (replace(ALL_WELL, is_night=False), Step.CLOSE_UP),
        (replace(ALL_WELL, is_night=False, is_closed_up=True), Step.DAY),
        (replace(ALL_WELL, is_on=False, is_night=False), Step.OFF),
        # by day nothing opens, whoever says that it is safe; in the rain nothing opens at all
        (Facts(is_night=False, is_open=False, is_closed_up=True), Step.DAY),
        (Facts(is_safe=False, is_open=False, is_parked=True), Step.UNSAFE),
        (Facts(has_target=False, is_open=False, is_parked=True), Step.IDLE),
    ],
)
def test_the_next_step_follows_from_what_is_so(facts: Facts, step: Step) -> None:
    assert next_step(facts) is step


def test_only_slews_and_exposures_belong_to_a_target() -> None:
    assert {step for step in Step if step.is_of_target} == {Step.SLEW, Step.EXPOSE}


def test_waiting_steps_send_nothing_to_anybody() -> None:
    assert {step for step in Step if step.is_waiting} == {
        Step.OFF,
        Step.DAY,
        Step.UNSAFE,
        Step.IDLE,
    }
