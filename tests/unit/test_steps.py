"""Steps of time of numbers as large as a double holds, without a word of numpy."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest

from pyros_mqtt.archive import steps
from pyros_mqtt.archive.assembly import bins, merged
from pyros_mqtt.archive.curves import Curve, in_blocks
from pyros_mqtt.archive.rows import MICRO
from pyros_mqtt.archive.steps import _told
from pyros_mqtt.archive.store import Store
from pyros_mqtt.nightly.drawing import Axis, curve_lines

LARGEST = sys.float_info.max

pytestmark = pytest.mark.filterwarnings("error")


def test_a_mean_lies_between_its_extremes_where_the_sum_is_beyond_all_numbers() -> None:
    parts = [bins(np.arange(60.0) + 60 * i, np.full(60, 1e308), 60.0) for i in range(2)]
    told = _told({"": [merged(parts, 120.0)]}, 120.0)
    assert told["mean"].tolist() == [1e308]
    assert told["count"].tolist() == [120]


def test_sums_that_are_beyond_all_numbers_on_both_sides_are_added_up() -> None:
    parts = [bins(np.arange(4.0), np.full(4, sign * LARGEST), 10.0) for sign in (1, -1)]
    assert _told({"": parts}, 10.0)["mean"].tolist() == [0.0]


@pytest.mark.parametrize("ends", [(-LARGEST, LARGEST), (LARGEST, LARGEST), (-1e308, 0.0)])
def test_the_largest_numbers_are_drawn(ends: tuple[float, float]) -> None:
    values = np.array(ends)
    curve = Curve("x", "", np.array([0.0, 3600.0]), values, values, values)
    assert len(in_blocks(curve, 8, 4)) == 4
    drawn = curve_lines([curve], Axis(0.0, 3600.0))
    assert "nan" not in drawn
    assert "inf" not in drawn


class FastChannel:
    """A store's `samples`: ten minutes of a hundred a second, made while they are read."""

    def samples(self, *_: int) -> Iterator[tuple[object, ...]]:
        for number in range(60_000):
            yield number * MICRO // 100, number, 1, 0, float(number % 50), None


def test_a_fast_channel_is_summed_up_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "AT_ONCE", 2_000)
    tracemalloc.start()
    try:
        told = steps.stepped(cast("Store", FastChannel()), 1, (0.0, 600.0), 7.5, [])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told["count"].tolist() == [750] * 80
    assert set(told["mean"]) == {24.5}
    assert (set(told["min"]), set(told["max"])) == ({0.0}, {49.0})
    assert most < 500_000  # all at once are 3 MB
