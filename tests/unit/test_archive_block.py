"""Samples as compact bytes, and back."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyros_mqtt.archive.block import Column, pack, unpack

NUMBERS = st.floats(allow_nan=False)
TEXTS = st.text(st.characters(codec="utf-8"))


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, st.one_of(st.none(), st.booleans(), TEXTS)), min_size=1)
)
def test_what_is_packed_comes_back(rows: list[tuple[float, float, object]]) -> None:
    times, numbers, others = (list(column) for column in zip(*rows, strict=True))
    given_columns: dict[str, Column] = {"ra": array("d", numbers), "side": others}
    block = unpack(pack(array("d", times), None, given_columns), len(rows))
    assert block.times == array("d", times)
    assert block.columns == given_columns


def test_a_steady_rate_needs_no_times() -> None:
    body = pack(array("d", [5.0]), 0.5, {"": array("d", range(100))})
    assert len(body) < 100 * 8 + 50
    assert unpack(body, 100).times[99] == 5.0 + 99 * 0.5


def test_qualities_that_differ_are_kept() -> None:
    body = pack(array("d", [1, 2]), None, {"": array("d", [3, 4])}, [0, 2])
    assert unpack(body, 2).qualities == [0, 2]


def test_a_block_of_another_length_is_refused() -> None:
    body = pack(array("d", [1, 2]), None, {"": array("d", [3, 4])})
    with pytest.raises(ValueError, match="length"):
        unpack(body, 3)
