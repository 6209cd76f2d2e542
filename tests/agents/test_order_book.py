"""Orders for a scheduler that is away, over the death of who gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyros_agents.notices.order_book import Order, OrderBook

OBSERVE = Order("observe", {"event": "one", "ra": 1.5})
UPDATE = Order("update", {"event": "one", "ra": 2.5})
OTHER = Order("retract", {"event": "other"})


def test_an_event_has_one_order_and_a_later_one_goes_to_the_end() -> None:
    book = OrderBook()
    assert not book
    book.enter("one", OBSERVE)
    book.enter("other", OTHER)
    book.enter("one", UPDATE)
    assert [event for event, _ in book.waiting()] == ["other", "one"]
    book.strike("other")
    book.strike("stranger")
    assert [event for event, _ in book.waiting()] == ["one"]


def test_an_update_of_what_waits_to_be_observed_keeps_the_visit() -> None:
    book = OrderBook()
    book.enter("one", Order("observe", {"event": "one", "ra": 1.5, "exposures": 7}))
    book.enter("one", UPDATE)
    moved = Order("observe", {"event": "one", "ra": 2.5, "exposures": 7})
    assert book.waiting() == [("one", moved)]
    book.enter("one", OTHER)
    assert book.waiting() == [("one", OTHER)]
    book.enter("one", UPDATE)
    assert book.waiting() == [("one", UPDATE)]


def test_what_waits_outlives_the_book_and_what_was_taken_does_not_come_back(tmp_path: Path) -> None:
    book = OrderBook(tmp_path / "orders.json")
    book.enter("other", OTHER)
    book.enter("one", OBSERVE)
    book.strike("other")
    after = OrderBook(tmp_path / "orders.json")
    after.recall()
    assert after.waiting() == [("one", OBSERVE)]


def test_a_disk_that_takes_nothing_is_told_and_the_orders_wait(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    book = OrderBook(tmp_path / "file" / "orders.json")
    book.enter("one", OBSERVE)
    assert "would not outlive a restart" in book.trouble
    assert book


def test_a_file_that_is_no_book_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "orders.json").write_text('{"one": {"colour": "red"}}')
    with pytest.raises(TypeError):
        OrderBook(tmp_path / "orders.json").recall()
