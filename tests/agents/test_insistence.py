"""An order is given at once, repeated while it is not obeyed, and not for ever."""

from __future__ import annotations

import pytest

from pyros_agents.safeguards.insistence import Insistence

START = 1.7e9


def wanted() -> Insistence:
    order = Insistence(pause=60.0, most=3)
    order.begin()
    return order


def given(order: Insistence, seconds: int, *, is_obeyed: bool = False) -> list[int]:
    """When the order is given, looking once a second."""
    return [s for s in range(seconds) if order.step(START + s, is_obeyed=is_obeyed)]


def test_nobody_is_ordered_anything_before_it_is_wanted() -> None:
    assert given(Insistence(), 500) == []


def test_an_order_that_is_obeyed_is_given_once() -> None:
    order = wanted()
    assert order.step(START, is_obeyed=False)
    assert given(order, 500, is_obeyed=True) == []


def test_the_first_order_is_given_even_if_it_seems_needless() -> None:
    assert given(wanted(), 500, is_obeyed=True) == [0]


def test_an_order_that_is_not_obeyed_is_repeated_and_then_given_up() -> None:
    order = wanted()
    assert (given(order, 180), order.has_given_up) == ([0, 60, 120], False)
    assert not order.step(START + 180, is_obeyed=False)
    assert order.has_given_up
    assert given(order, 9000) == []


def test_one_that_is_obeyed_after_all_is_no_trouble_any_more() -> None:
    order = wanted()
    given(order, 200)
    assert not order.step(START + 201, is_obeyed=True)
    assert not order.has_given_up


def test_once_obeyed_it_is_not_ordered_again_by_what_happens_later() -> None:
    order = wanted()
    order.step(START, is_obeyed=False)
    order.step(START + 1, is_obeyed=True)
    assert given(order, 500) == []


@pytest.mark.parametrize("jump", [-86400, 86400])
def test_a_clock_that_jumps_costs_one_order_and_stops_nothing(jump: int) -> None:
    order = wanted()
    order.step(START, is_obeyed=False)
    assert order.step(START + jump, is_obeyed=False)
    assert not order.step(START + jump + 59, is_obeyed=False)
    assert order.step(START + jump + 60, is_obeyed=False)


def test_what_is_wanted_no_more_is_not_ordered() -> None:
    order = wanted()
    given(order, 500)
    order.end()
    assert not order.has_given_up
    assert given(order, 500) == []


def test_what_is_wanted_anew_starts_from_the_first_order() -> None:
    order = wanted()
    given(order, 500)
    order.begin()
    assert given(order, 200) == [0, 60, 120]
