"""Who has still to close or park, and how often it is told."""

from __future__ import annotations

from pyros_agents.scheduling.closing_up import LONGEST, ClosingUp


def test_who_has_obeyed_is_left_alone_until_the_next_evening() -> None:
    closing = ClosingUp(["dome", "telescope"])
    closing.evening()
    closing.obeyed(["telescope"])
    assert (closing.left, closing.is_done) == (frozenset({"dome"}), False)
    closing.obeyed(["dome"])
    assert (closing.left, closing.is_done) == (frozenset[str](), True)
    closing.evening()
    assert closing.left == {"dome", "telescope"}


def test_a_life_that_begins_by_day_leaves_alone_what_is_in_order() -> None:
    closing = ClosingUp(["dome", "telescope"])
    assert (closing.left, closing.is_new) == (frozenset({"dome", "telescope"}), True)
    closing.look_around(["dome"])
    assert (closing.left, closing.is_new) == (frozenset({"telescope"}), False)


def test_pauses_grow_and_never_end() -> None:
    closing = ClosingUp(["dome"])
    pauses = [closing.failed() for _ in range(100)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert set(pauses[6:]) == {LONGEST}
    closing.evening()
    assert closing.failed() == 1
