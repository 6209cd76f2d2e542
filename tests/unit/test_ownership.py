"""What an agent does about claims on its own name, once it runs."""

from __future__ import annotations

import time

import pytest

from pyros_mqtt.agent.ownership import Watch
from pyros_mqtt.messages import State, Status
from pyros_mqtt.transport import Delivery
from pyros_mqtt.wire import encode_status, last_will

OURS = 100


class Holder:
    """Holds the name `dome` with boot 100, and notes what it is told to do."""

    def __init__(self, *, is_replaced: bool = False) -> None:
        self.did: list[str] = []
        self._watch = Watch(
            "dome",
            "ours",
            lambda: OURS,
            lambda boot: self.did.append(f"insists above {boot}"),
            lambda status: self.did.append(f"gives way to {status.session}"),
            lambda: is_replaced,
        )

    def hear(self, payload: bytes, *, retain: bool = False) -> list[str]:
        self._watch.hear(Delivery("t/dome/status", payload, retain=retain))
        return self.did


def _claim(boot: int, state: State = State.READY) -> bytes:
    return encode_status(Status("dome", state, session="theirs", boot=boot, seq=1, at=time.time()))


def test_a_later_life_is_given_way_to() -> None:
    assert Holder().hear(_claim(OURS + 1)) == ["gives way to theirs"]


@pytest.mark.parametrize("boot", [OURS - 1, OURS + 1])
def test_a_will_of_another_life_is_answered(boot: int) -> None:
    assert Holder().hear(last_will("dome", "theirs", boot)) == [f"insists above {boot}"]


@pytest.mark.parametrize(
    "last", [last_will("dome", "theirs", OURS + 1), _claim(OURS + 1, State.STOPPED)]
)
def test_one_whose_journal_is_a_later_lifes_does_not_take_the_name_back(last: bytes) -> None:
    assert Holder(is_replaced=True).hear(last) == ["gives way to theirs"]


def test_a_late_will_of_an_earlier_life_is_answered_whatever_the_journal_says() -> None:
    holder = Holder(is_replaced=True)
    assert holder.hear(last_will("dome", "theirs", OURS - 1)) == [f"insists above {OURS - 1}"]
