"""What happens to samples while no broker takes them, and afterwards."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from pyros_mqtt.messages import Channel
from pyros_mqtt.telemetry import Channels, Room, conveyor
from pyros_mqtt.telemetry.conveyor import LATE_BYTES, LATE_MESSAGES, LIVE_MESSAGES, Conveyor
from pyros_mqtt.telemetry.shelf import Load, Shelf
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Fate, OnFate, Parcel
from tests.unit.hand_transport import HandTransport


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests are of what is sent, and not of when."""
    monkeypatch.setattr(conveyor, "HOLD", 0.0)


class Slow(HandTransport):
    """A broker whose answers the test gives by hand; it keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way: list[tuple[Parcel, OnFate]] = []
        self.taken: list[Parcel] = []

    def publish(self, parcel: Parcel, on_fate: OnFate | None = None) -> None:
        assert on_fate is not None
        if self.is_up:
            self.under_way.append((parcel, on_fate))
        else:
            on_fate(Fate.DROPPED)

    def answer(self, count: int = 1, fate: str = Fate.TAKEN) -> None:
        for _ in range(count):
            parcel, on_fate = self.under_way.pop(0)
            if fate in {Fate.TAKEN, Fate.NO_SUBSCRIBER}:
                self.taken.append(parcel)
            on_fate(fate)

    def answer_all(self) -> None:
        while self.under_way:
            self.answer()

    def break_off(self, *, arrived: int = 0, flying: int = 0) -> None:
        """Lose the connection: of those under way `arrived` have come without our hearing of it."""
        under_way, self.under_way = self.under_way, []
        self.is_up = False
        for number, (parcel, on_fate) in enumerate(under_way):
            if number < arrived:
                self.taken.append(parcel)
            on_fate(Fate.IN_DOUBT if number < max(flying, arrived) else Fate.DROPPED)
        self.go(up=False)

    def values(self) -> list[Any]:
        return [json.loads(parcel.payload)["v"] for parcel in self.taken]


def channels(transport: HandTransport, room: Room | None = None, **more: Any) -> Channels:
    measured = Channels("dome", Topics(), [Channel("azimuth", **more), Channel("wind")], room)
    measured.connect(transport)
    return measured


def bodies(transport: Slow) -> list[dict[str, Any]]:
    return [json.loads(parcel.payload) for parcel in transport.taken]


def test_what_was_measured_in_an_outage_comes_late_and_in_its_order() -> None:
    transport = HandTransport()
    measured = channels(transport)
    measured.publish("azimuth", 0, moment=0.0)
    transport.go(up=False)
    for number in range(1, 5):
        measured.publish("azimuth", number, moment=float(number))
    assert measured.counts().waiting == 4
    transport.go(up=True)
    measured.publish("azimuth", 5, moment=5.0)
    assert transport.bodies() == [
        {"t": 0.0, "v": 0, "seq": 0},
        {"t": 4.0, "v": 4, "seq": 4, "late": True},
        {"t": 1.0, "v": 1, "seq": 1, "late": True},
        {"t": 2.0, "v": 2, "seq": 2, "late": True},
        {"t": 3.0, "v": 3, "seq": 3, "late": True},
        {"t": 5.0, "v": 5, "seq": 5},
    ]
    assert [parcel.qos for parcel in transport.sent] == [0, 1, 1, 1, 1, 0]
    counts = measured.counts()
    assert (counts.published, counts.delivered, counts.dropped, counts.waiting) == (6, 6, 0, 0)


def test_the_newest_of_each_channel_comes_first() -> None:
    transport = HandTransport()
    measured = channels(transport)
    transport.go(up=False)
    for number in range(3):
        measured.publish("azimuth", number)
        measured.publish("wind", 10 + number)
    transport.go(up=True)
    assert [body["v"] for body in transport.bodies()] == [2, 12, 0, 10, 1, 11]


def test_only_the_newest_of_a_retained_channel_is_retained() -> None:
    transport = HandTransport()
    measured = channels(transport, retain=True)
    transport.go(up=False)
    for number in range(3):
        measured.publish("azimuth", number)
    transport.go(up=True)
    assert [
        (body["v"], parcel.retain)
        for body, parcel in zip(transport.bodies(), transport.sent, strict=True)
    ] == [
        (2, True),
        (0, False),
        (1, False),
    ]


def test_what_is_measured_before_the_first_connection_is_kept() -> None:
    measured = Channels("dome", Topics(), [])
    measured.publish("azimuth", 1, moment=1.0)
    transport = HandTransport()
    transport.is_up = False
    measured.connect(transport)
    transport.go(up=True)
    assert transport.bodies() == [{"t": 1.0, "v": 1, "seq": 0, "late": True}]


def test_a_full_buffer_drops_the_oldest_and_counts_them() -> None:
    transport = HandTransport()
    measured = channels(transport, Room(samples=3))
    transport.go(up=False)
    for number in range(10):
        measured.publish("azimuth", number)
    assert measured.dropped == 7
    transport.go(up=True)
    assert sorted(body["seq"] for body in transport.bodies()) == [7, 8, 9]
    counts = measured.counts()
    assert counts.published == counts.delivered + counts.dropped == 10


def test_the_buffer_is_bounded_by_bytes_too() -> None:
    transport = HandTransport()
    measured = channels(transport, Room(size=1000))
    transport.go(up=False)
    for _ in range(10):
        measured.publish("azimuth", "x" * 300)
    assert measured.counts().waiting == 2
    measured.publish("azimuth", "x" * 5000)
    assert measured.dropped == 11, "what is larger than all there is has no place"


def test_live_data_waits_behind_a_little_of_the_past_only() -> None:
    transport = Slow()
    measured = channels(transport)
    transport.go(up=False)
    for number in range(500):
        measured.publish("azimuth", number)
    transport.go(up=True)
    assert len(transport.under_way) == LATE_MESSAGES
    measured.publish("azimuth", "live")
    transport.answer(LATE_MESSAGES + 1)
    assert transport.values()[-1] == "live"
    assert len(transport.under_way) == LATE_MESSAGES, "the broker's pace is ours"
    transport.answer_all()
    assert measured.counts().delivered == 501


def test_large_messages_of_the_past_leave_one_by_one() -> None:
    transport = Slow()
    measured = channels(transport)
    transport.go(up=False)
    for _ in range(5):
        measured.publish("azimuth", "x" * LATE_BYTES)
    transport.go(up=True)
    assert len(transport.under_way) == 1


def test_more_than_a_slow_broker_takes_waits_here_and_not_in_the_link() -> None:
    transport = Slow()
    measured = channels(transport)
    for number in range(LIVE_MESSAGES + 10):
        measured.publish("azimuth", number)
    assert len(transport.under_way) == LIVE_MESSAGES
    transport.answer()
    transport.turn()
    assert len(transport.under_way) == LIVE_MESSAGES - 1 + 10
    transport.answer_all()
    assert measured.counts().delivered == LIVE_MESSAGES + 10


def test_what_was_under_way_is_sent_again_under_its_number() -> None:
    transport = Slow()
    measured = channels(transport, qos=1)
    for number in range(4):
        measured.publish("azimuth", number, moment=0.0)
    transport.answer()
    transport.break_off(arrived=1, flying=2)
    transport.go(up=True)
    transport.turn()
    transport.answer_all()
    assert [(body["seq"], body.get("late", False)) for body in bodies(transport)] == [
        (0, False),
        (1, False),
        (3, True),
        (1, True),
        (2, True),
    ]
    assert measured.counts().delivered == 4


def test_what_may_have_arrived_is_not_dropped_for_want_of_room() -> None:
    transport = Slow()
    measured = channels(transport, Room(samples=2), qos=1)
    for number in range(3):
        measured.publish("azimuth", number)
    transport.break_off(arrived=3)
    for number in range(3, 8):
        measured.publish("azimuth", number)
    assert (measured.counts().waiting, measured.dropped) == (3, 5)
    transport.go(up=True)
    transport.turn()
    transport.answer_all()
    got = {body["seq"] for body in bodies(transport)}
    assert got == {0, 1, 2}
    assert len(got) + measured.dropped == measured.counts().published


def test_a_link_that_has_no_room_is_tried_again_at_its_next_turn() -> None:
    transport = HandTransport(Fate.DROPPED)
    measured = channels(transport)
    measured.publish("azimuth", 1)
    assert measured.counts().waiting == 1
    transport.turn()
    assert measured.counts().waiting == 1
    transport.fate = Fate.TAKEN
    transport.turn()
    assert measured.counts().delivered == 1


def test_at_the_end_what_waits_is_dropped_and_counted() -> None:
    transport = Slow()
    measured = channels(transport, qos=1, batch=10, batch_age=3600)
    for number in range(15):
        measured.publish("azimuth", number)
    transport.break_off(arrived=1)
    measured.finish(timeout=5)
    counts = measured.counts()
    assert (counts.published, counts.dropped, counts.doubtful, counts.waiting) == (15, 15, 10, 0)
    measured.publish("azimuth", 15)
    measured.finish(timeout=5)
    assert measured.dropped == 16


def test_the_end_waits_until_the_broker_has_it_all() -> None:
    transport = HandTransport()
    measured = channels(transport, batch=10, batch_age=3600)
    measured.publish("azimuth", 1)
    measured.finish(timeout=5)
    assert (measured.counts().delivered, measured.dropped) == (1, 0)


def test_the_end_waits_no_longer_than_it_may() -> None:
    transport = Slow()
    measured = channels(transport)
    measured.publish("azimuth", 1)
    measured.finish(timeout=0.01)
    assert measured.counts().waiting == 1, "it is under way: its fate is told later"
    transport.break_off(flying=1)
    assert (measured.dropped, measured.counts().doubtful) == (1, 1)


class Holding:
    """A conveyor that has kept something over an outage, and a clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(conveyor, "HOLD", 3.0)
        self.now = 100.0
        self.transport = HandTransport()
        self.conveyor = Conveyor(Room(), lambda: self.now)
        self.conveyor.connect(self.transport)
        self.transport.go(up=False)
        for number in range(3):
            self.say(number)
        self.transport.go(up=True)

    def say(self, value: int) -> None:
        self.conveyor.send("t", b'{"v":%d}' % value, 1, qos=1, retain=False)

    def values(self) -> list[int]:
        return [body["v"] for body in self.transport.bodies()]


def test_the_past_waits_until_whoever_records_has_come_back_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Holding(monkeypatch)
    one.now += 2.9
    one.conveyor.pump()
    one.say(7)
    assert one.values() == [7], "what is measured now waits for nobody"
    one.now += 0.2
    one.conveyor.pump()
    assert one.values() == [7, 0, 1, 2]
    assert one.conveyor.counts().delivered == 4


def test_whoever_ends_does_not_wait_with_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Holding(monkeypatch)
    one.conveyor.finish(timeout=5)
    assert one.values() == [2, 0, 1]
    assert one.conveyor.dropped == 0


# -- the account ----------------------------------------------------------------------------------


class Trial:
    """Publishes, and lets outages befall it at random."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - no secret
        self.transport = Slow()
        self.measured = channels(self.transport, Room(samples=30), qos=1)

    def act(self) -> None:
        """Let something happen that can happen now."""
        under_way, is_up = len(self.transport.under_way), self.transport.is_up
        acts = [self.publish] * 6 + [self.transport.turn]
        acts += [self.break_off] if is_up else [self.come_back]
        acts += [self.answer] if under_way else []
        self.dice.choice(acts)()

    def publish(self) -> None:
        self.measured.publish("azimuth", self.dice.random())

    def answer(self) -> None:
        self.transport.answer(self.dice.randint(1, len(self.transport.under_way)))

    def break_off(self) -> None:
        under_way = len(self.transport.under_way)
        arrived = self.dice.randint(0, under_way)
        self.transport.break_off(arrived=arrived, flying=self.dice.randint(arrived, under_way))

    def come_back(self) -> None:
        self.transport.go(up=True)

    def come_to_rest(self) -> None:
        if not self.transport.is_up:
            self.come_back()
        while self.measured.counts().waiting:
            self.transport.turn()
            self.transport.answer_all()


@pytest.mark.parametrize("seed", range(40))
def test_published_is_delivered_and_dropped_whatever_happens(seed: int) -> None:
    """The broker's side, counted by what is in its messages, agrees with ours exactly."""
    trial = Trial(seed)
    for _ in range(800):
        trial.act()
        counts = trial.measured.counts()
        assert counts.published == counts.delivered + counts.dropped + counts.waiting
    trial.come_to_rest()
    had = {json.loads(parcel.payload)["seq"] for parcel in trial.transport.taken}
    counts = trial.measured.counts()
    assert counts.dropped > 0
    assert len(had) == counts.delivered
    assert counts.published == len(had) + counts.dropped


# -- the shelf ------------------------------------------------------------------------------------


def load(order: int, samples: int = 1, *, doubtful: bool = False) -> Load:
    return Load(order, "t", b"x" * 10, samples, is_doubtful=doubtful)


def test_a_shelf_gives_back_in_the_order_of_publication() -> None:
    shelf = Shelf(100, 1000)
    for order in (5, 2, 9, 1):
        shelf.put(load(order, doubtful=order == 2))
    taken = [shelf.take() for _ in range(5)]
    assert [one and one.order for one in taken] == [1, 2, 5, 9, None]
    assert (len(shelf), shelf.samples) == (0, 0)


def test_what_was_withdrawn_may_come_again() -> None:
    shelf = Shelf(100, 1000)
    one = load(1)
    shelf.put(one)
    shelf.withdraw(one)
    shelf.withdraw(one)
    shelf.put(one)
    assert len(shelf) == 1
    assert shelf.take() is one
    assert shelf.take() is None


def test_a_shelf_without_room_drops_all_but_the_doubtful() -> None:
    shelf = Shelf(0, 1000)
    assert shelf.put(load(1, 5)) == 5
    assert shelf.put(load(2, 5, doubtful=True)) == 0
    assert shelf.clear() == (0, 5)
