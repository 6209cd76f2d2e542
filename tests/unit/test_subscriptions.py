"""What a link asks a broker for, and what it does about a refusal."""

from __future__ import annotations

from typing import cast

from pyros_mqtt.link.connection import Connection
from pyros_mqtt.link.subscriptions import FIRST_PAUSE, LONGEST_PAUSE, Subscriptions


class Asked:
    """A connection that only notes what it is asked for."""

    def __init__(self) -> None:
        self.patterns: list[str] = []

    def subscribe(self, pattern: str) -> int:
        self.patterns.append(pattern)
        return len(self.patterns)

    def unsubscribe(self, pattern: str) -> None:
        del pattern


class Bench:
    """Subscriptions whose clock stands still, and the connection that they ask."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = Asked()
        self.subscriptions = Subscriptions(lambda: self.now)
        self.subscriptions.add("t/dome/inbox", lambda _: None)

    def ask_after(self, seconds: float) -> int:
        """How often the broker has been asked, so much later."""
        self.now += seconds
        self.subscriptions.ask(cast("Connection", self.asked))
        return len(self.asked.patterns)

    def refuse(self) -> None:
        self.subscriptions.confirm(len(self.asked.patterns), refused=True)


def test_a_refused_subscription_is_asked_for_again_after_a_pause() -> None:
    bench = Bench()
    assert bench.ask_after(0) == 1
    bench.refuse()
    assert bench.subscriptions.are_confirmed
    assert bench.ask_after(FIRST_PAUSE / 2) == 1
    assert bench.ask_after(FIRST_PAUSE) == 2
    assert bench.ask_after(LONGEST_PAUSE) == 2, "the broker has not answered yet"


def test_it_is_asked_for_ever_less_often() -> None:
    bench = Bench()
    bench.ask_after(0)
    for _ in range(10):
        bench.refuse()
        bench.ask_after(LONGEST_PAUSE)
    bench.refuse()
    count = len(bench.asked.patterns)
    assert bench.ask_after(LONGEST_PAUSE / 2) == count
    assert bench.ask_after(LONGEST_PAUSE) == count + 1


def test_one_that_was_granted_at_last_is_not_asked_for_again() -> None:
    bench = Bench()
    bench.ask_after(0)
    bench.refuse()
    assert bench.ask_after(FIRST_PAUSE) == 2
    bench.subscriptions.confirm(2, refused=False)
    assert bench.ask_after(LONGEST_PAUSE) == 2


def test_one_that_nobody_wants_any_more_is_not_asked_for_again() -> None:
    bench = Bench()
    bench.ask_after(0)
    bench.refuse()
    bench.subscriptions.remove("t/dome/inbox")
    assert bench.ask_after(LONGEST_PAUSE) == 1
