"""What waits for the broker, and the lesson about its packet limit."""

from __future__ import annotations

from pyros_mqtt.link import backoff
from pyros_mqtt.link.backlog import Backlog, Item, SizeLesson
from pyros_mqtt.transport import Fate, Parcel


def item(payload: bytes = b"x", fates: list[str] | None = None, *, keep: bool = False) -> Item:
    told = None if fates is None else fates.append
    return Item(Parcel("t", payload, keep=keep), told)


def fly_all(backlog: Backlog) -> list[bytes]:
    """Send what may be sent; the payloads in order."""
    sent = []
    while (one := backlog.take()) is not None:
        sent.append(one.parcel.payload)
        backlog.fly(len(sent), one)
    return sent


def test_parcels_leave_in_order_and_no_more_than_the_window_fly() -> None:
    backlog = Backlog(window=3)
    for number in range(5):
        assert backlog.put(item(bytes([number])))
    assert fly_all(backlog) == [b"\0", b"\1", b"\2"]
    assert len(backlog) == 5
    backlog.land(1, Fate.TAKEN)
    assert backlog.take() is not None


def test_no_more_fly_than_the_broker_takes_at_once() -> None:
    backlog = Backlog(window=3)
    for most, flown in ((2, 2), (None, 3), (65_535, 3)):
        backlog.lose()
        backlog.narrow(most)
        for number in range(5):
            backlog.put(item(bytes([number])))
        backlog.land(0, Fate.TAKEN)
        assert len(fly_all(backlog)) == flown


def test_an_owner_is_told_once() -> None:
    fates: list[str] = []
    backlog = Backlog()
    backlog.put(item(fates=fates))
    fly_all(backlog)
    backlog.land(1, Fate.NO_SUBSCRIBER)
    backlog.land(1, Fate.TAKEN)
    assert fates == [Fate.NO_SUBSCRIBER]


def test_a_full_backlog_takes_nothing_more() -> None:
    backlog = Backlog(limit=2)
    assert [backlog.put(item()) for _ in range(3)] == [True, True, False]


def test_after_a_loss_what_is_kept_stays_in_its_order_and_goes_one_at_a_time() -> None:
    backlog = Backlog()
    for number in range(6):
        backlog.put(item(bytes([number]), keep=number % 2 == 0))
    flown = backlog.take(), backlog.take(), backlog.take()
    for mid, one in enumerate(flown):
        assert one is not None
        backlog.fly(mid, one)
    dropped = backlog.lose()
    assert [(one.parcel.payload, fate) for one, fate in dropped] == [
        (b"\1", Fate.IN_DOUBT),
        (b"\3", Fate.DROPPED),
        (b"\5", Fate.DROPPED),
    ]
    first = backlog.take()
    assert first is not None
    assert first.parcel.payload == b"\0"
    backlog.fly(1, first)
    assert backlog.take() is None, "until the broker has taken it"
    backlog.land(1, Fate.TAKEN)
    assert fly_all(backlog) == [b"\2", b"\4"]


def test_a_loss_with_nothing_in_flight_asks_for_no_caution() -> None:
    backlog = Backlog()
    for number in range(3):
        backlog.put(item(bytes([number]), keep=True))
    backlog.lose()
    assert len(fly_all(backlog)) == 3


def test_the_end_tells_everybody() -> None:
    fates: list[str] = []
    backlog = Backlog()
    for _ in range(2):
        backlog.put(item(fates=fates))
    fly_all(backlog)
    backlog.put(item(fates=fates))
    backlog.clear()
    assert fates == [Fate.IN_DOUBT] * 2 + [Fate.DROPPED]


# -- the lesson -----------------------------------------------------------------------------------


def test_a_limit_that_was_told_is_kept() -> None:
    lesson = SizeLesson()
    assert lesson.allows(10**9)
    lesson.told(None)
    assert lesson.allows(10**9)
    lesson.told(2000)
    assert (lesson.allows(2000), lesson.allows(2001)) == (True, False)


def test_the_next_broker_has_its_own_limit() -> None:
    lesson = SizeLesson()
    lesson.told(2000)
    lesson.told(None)
    assert lesson.allows(2001)


def test_the_same_suspect_three_times_in_a_row_is_refused() -> None:
    lesson = SizeLesson()
    for _ in range(2):
        lesson.lost(5000)
        assert lesson.allows(5000)
    lesson.lost(5000)
    assert (lesson.allows(4999), lesson.allows(5000)) == (True, False)


def test_what_has_been_acknowledged_once_is_no_suspect() -> None:
    lesson = SizeLesson()
    lesson.lost(5000)
    lesson.lost(5000)
    lesson.heard(5000)
    lesson.lost(5000)
    assert lesson.allows(5000)


def test_acknowledgements_of_small_ones_clear_no_large_one() -> None:
    lesson = SizeLesson()
    for _ in range(3):
        lesson.heard(400)
        lesson.lost(5000)
    assert not lesson.allows(5000)


def test_a_broken_network_makes_no_suspect_of_small_ones() -> None:
    lesson = SizeLesson()
    for _ in range(100):
        lesson.lost(900)
        lesson.lost(0)
    assert lesson.allows(10**6)


def test_a_large_one_that_is_never_acknowledged_is_a_suspect_too() -> None:
    lesson = SizeLesson()
    for _ in range(3):
        lesson.wrote_loose(5000)
        lesson.lost(0)
    assert not lesson.allows(5000)


def test_what_was_written_before_an_acknowledged_one_has_passed() -> None:
    lesson = SizeLesson()
    for _ in range(5):
        lesson.wrote_loose(5000)
        lesson.wrote()
        lesson.heard(300)
        lesson.wrote_loose(5000)
        lesson.lost(0)
    assert lesson.allows(5000)


def test_what_was_written_after_an_acknowledged_one_stays_a_suspect() -> None:
    lesson = SizeLesson()
    for _ in range(3):
        lesson.wrote()
        lesson.wrote_loose(5000)
        lesson.wrote()
        lesson.heard(300)
        lesson.lost(300)
    assert not lesson.allows(5000)


def test_losses_that_are_days_apart_teach_nothing() -> None:
    now = iter(range(0, 10**6, 86_400))
    lesson = SizeLesson(lambda: float(next(now)))
    for _ in range(5):
        lesson.lost(5000)
    assert lesson.allows(5000)


def test_a_lesson_is_put_to_the_test_again() -> None:
    now = 0.0
    lesson = SizeLesson(lambda: now)
    for _ in range(3):
        lesson.lost(5000)
    assert not lesson.allows(5000)
    now = SizeLesson.HEEDED + 1
    assert lesson.allows(5000)
    for _ in range(3):
        lesson.lost(5000)
    assert not lesson.allows(5000)


# -- pauses ---------------------------------------------------------------------------------------


def test_pauses_grow_to_a_cap_and_are_spread() -> None:
    for attempt in (0, 1, 5, 10, 10_000):
        top = min(backoff.CAP, backoff.BASE * 2 ** min(attempt, 16))
        pauses = [backoff.delay(attempt) for _ in range(200)]
        assert 0 <= min(pauses) < max(pauses) <= top
        assert max(pauses) > top / 2, "full jitter"
