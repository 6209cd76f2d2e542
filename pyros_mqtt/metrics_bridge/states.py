"""The states that an agent is shown in, each with a number for charts: the higher, the better."""

from __future__ import annotations

from pyros_mqtt.claims import Health
from pyros_mqtt.fleet import Member
from pyros_mqtt.messages import State

NUMBERS = {
    Health.UNKNOWN.value: 0,
    State.LOST.value: 1,
    Health.SILENT.value: 2,
    State.STOPPED.value: 3,
    State.STOPPING.value: 4,
    State.STARTING.value: 5,
    State.FAULT.value: 6,
    State.DEGRADED.value: 7,
    State.BUSY.value: 8,
    State.READY.value: 9,
}


def shown_state(member: Member) -> str:
    """What may be believed of an agent, in one word: a key of `NUMBERS`."""
    if member.health is not Health.LIVE or member.status is None:
        return member.health.value
    return member.status.state.value
