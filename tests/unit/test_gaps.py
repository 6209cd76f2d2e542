"""What a reader has missed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyros_mqtt.messages import Columns
from pyros_mqtt.telemetry import Gaps
from pyros_mqtt.telemetry.gaps import MOST


def message(
    seq: int | None,
    count: int = 1,
    first: int | None = None,
    session: str = "a",
    *,
    late: bool = False,
) -> Columns:
    return Columns([0.0] * count, [0] * count, "good", seq, first, session, late)


def test_a_number_that_was_left_out_is_missing() -> None:
    gaps = Gaps()
    assert [gaps.take(message(seq)) for seq in (5, 6, 9)] == [True] * 3
    assert (gaps.messages, gaps.samples) == (2, 2)


def test_late_ones_fill_their_gap_in_any_order() -> None:
    gaps = Gaps()
    for seq in (0, 5):
        gaps.take(message(seq))
    assert [gaps.take(message(seq, late=True)) for seq in (3, 1, 4, 2)] == [True] * 4
    assert (gaps.messages, gaps.samples) == (0, 0)


def test_what_comes_twice_is_told_and_not_counted() -> None:
    gaps = Gaps()
    assert [gaps.take(message(seq)) for seq in (0, 1, 3)] == [True] * 3
    assert [gaps.take(message(seq, late=True)) for seq in (1, 3, 0)] == [False] * 3
    assert gaps.messages == 1
    assert [gaps.take(message(2, late=True)) for _ in range(2)] == [True, False]


def test_samples_of_missing_batches_are_known() -> None:
    gaps = Gaps()
    gaps.take(message(0, 10, 0))
    gaps.take(message(3, 10, 250))
    assert (gaps.messages, gaps.samples) == (2, 240)
    gaps.take(message(1, 200, 10, late=True))
    assert (gaps.messages, gaps.samples) == (1, 40)


def test_another_session_begins_at_its_first_number() -> None:
    gaps = Gaps()
    gaps.take(message(100))
    gaps.take(message(103))
    gaps.take(message(2, session="b"))
    assert (gaps.messages, gaps.samples) == (4, 4)
    gaps.take(message(0, session="b", late=True))
    assert (gaps.messages, gaps.samples) == (3, 3)


def test_who_comes_late_waits_only_for_what_is_still_sent() -> None:
    gaps = Gaps()
    gaps.take(message(900))
    gaps.take(message(50, late=True))
    assert gaps.messages == 849
    for seq in range(51, 900):
        assert gaps.take(message(seq, late=True))
    assert (gaps.messages, gaps.samples) == (0, 0)


def test_without_a_session_a_number_that_goes_back_is_another_life() -> None:
    gaps = Gaps()
    for seq in (7, 8, 0, 1, 3):
        assert gaps.take(message(seq, session=""))
    assert gaps.messages == 1


def test_what_has_no_number_is_not_counted() -> None:
    gaps = Gaps()
    assert all(gaps.take(message(None)) for _ in range(3))
    assert (gaps.messages, gaps.samples) == (0, 0)


def test_an_outage_of_any_length_is_remembered_and_many_small_ones_are_bounded() -> None:
    gaps = Gaps()
    gaps.take(message(0))
    gaps.take(message(10**9))
    assert gaps.take(message(5, late=True))
    for number in range(1, MOST + 100):
        gaps.take(message(10**9 + 2 * number))
    assert gaps.messages == 10**9 - 2 + MOST + 99


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_it_counts_as_a_set_would(numbers: list[int]) -> None:
    gaps, had = Gaps(), set[int]()
    for seq in numbers:
        assert gaps.take(message(seq)) is (seq not in had)
        had.add(seq)
    missing = max(had) - min(had) + 1 - len(had)
    assert (gaps.messages, gaps.samples) == (missing, missing)
