"""The order of an observation, pure: what is so -> what to do next.

The step is found anew at every look from what is measured, not from what was commanded: a dome
that closed meanwhile is opened again, a parked telescope unparked, a moved target pointed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """What to do next. The values are the phases that the channel `plan` shows."""

    OFF = "off"
    DAY = "day"
    CLOSE_UP = "closing up"
    UNSAFE = "unsafe"
    IDLE = "idle"
    OPEN = "opening"
    UNPARK = "unparking"
    SLEW = "slewing"
    EXPOSE = "exposing"

    @property
    def is_waiting(self) -> bool:
        """Nothing is to be sent to anybody."""
        return self in {Step.OFF, Step.DAY, Step.UNSAFE, Step.IDLE}

    @property
    def is_of_target(self) -> bool:
        """It is done for one target, and pointless for another one."""
        return self in {Step.SLEW, Step.EXPOSE}


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides about the next step.

    Attributes:
        is_on: the operator lets the scheduler observe.
        is_night: the Sun is low enough.
        is_safe: the safety agent says so, and said it just now.
        is_closed_up: shutter and telescope have closed and parked as ordered, or were found so.
        is_open: the shutter is seen to be open.
        is_parked: the telescope is seen to be parked.
        has_target: something can be observed.
        is_pointed: the telescope was sent to the target's position and arrived.
    """

    is_on: bool = True
    is_night: bool = True
    is_safe: bool = True
    is_closed_up: bool = False
    is_open: bool = True
    is_parked: bool = False
    has_target: bool = True
    is_pointed: bool = False


def next_step(facts: Facts) -> Step:
    """Say what to do next."""
    if not facts.is_on:
        return Step.OFF
    if not facts.is_night:
        return Step.DAY if facts.is_closed_up else Step.CLOSE_UP
    if not facts.is_safe:
        return Step.UNSAFE
    if not facts.has_target:
        return Step.IDLE
    return _preparation(facts) or Step.EXPOSE


def _preparation(facts: Facts) -> Step | None:
    """Name what is still missing before the first exposure."""
    if not facts.is_open:
        return Step.OPEN
    if facts.is_parked:
        return Step.UNPARK
    return None if facts.is_pointed else Step.SLEW
