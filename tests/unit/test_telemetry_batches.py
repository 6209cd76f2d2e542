"""Batches, arrays, and what is worth a message."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest

from pyros_mqtt.errors import AgentError
from pyros_mqtt.messages import Channel
from pyros_mqtt.telemetry import Channels
from pyros_mqtt.telemetry.batch import Batch
from pyros_mqtt.telemetry.deadband import Deadband
from pyros_mqtt.topics import Topics
from tests.unit.hand_transport import HandTransport


def channels(**more: Any) -> tuple[Channels, HandTransport]:
    transport = HandTransport()
    measured = Channels("camera", Topics(), [Channel("trace", **more)])
    measured.connect(transport)
    return measured, transport


# -- collecting -----------------------------------------------------------------------------------


def test_a_batch_leaves_when_it_is_full() -> None:
    measured, transport = channels(batch=3, batch_age=3600)
    for number in range(7):
        measured.publish("trace", number, moment=float(number))
    assert transport.bodies() == [
        {"t": [0.0, 1.0, 2.0], "v": [0, 1, 2], "seq": 0},
        {"t": [3.0, 4.0, 5.0], "v": [3, 4, 5], "seq": 1, "n": 3},
    ]
    assert measured.counts().waiting == 1
    measured.finish(1)
    assert transport.bodies()[2:] == [{"t": [6.0], "v": [6], "seq": 2, "n": 6}]


def test_a_batch_leaves_when_it_is_old() -> None:
    measured, transport = channels(batch=1000, batch_age=0.001)
    measured.publish("trace", 1.5, moment=1.0)
    end = time.monotonic() + 5
    while not transport.sent and time.monotonic() < end:
        transport.turn()
    assert transport.bodies() == [{"t": [1.0], "v": [1.5], "seq": 0}]


def test_a_young_batch_waits() -> None:
    measured, transport = channels(batch=1000, batch_age=3600)
    measured.publish("trace", 1.5)
    transport.turn()
    assert not transport.sent


def test_a_batch_leaves_when_it_has_many_bytes() -> None:
    measured, transport = channels(batch=1000, batch_age=3600, batch_bytes=300)
    for _ in range(10):
        measured.publish("trace", "x" * 60)
    assert [len(body["v"]) for body in transport.bodies()] == [2, 2, 2, 2]
    assert all(len(parcel.payload) <= 300 for parcel in transport.sent)


def test_a_batch_goes_by_columns_of_its_fields() -> None:
    measured, transport = channels(batch=2)
    measured.publish("trace", {"ra": 1, "dec": 2}, moment=1.0)
    measured.publish("trace", {"dec": 4, "ra": 3}, moment=2.0)
    assert transport.bodies()[0]["v"] == {"dec": [2, 4], "ra": [1, 3]}


def test_other_fields_begin_another_batch() -> None:
    measured, transport = channels(batch=10, batch_age=3600)
    measured.publish("trace", {"ra": 1})
    measured.publish("trace", {"dec": 1})
    measured.publish("trace", 5)
    measured.finish(1)
    assert [body["v"] for body in transport.bodies()] == [{"ra": [1]}, {"dec": [1]}, [5]]


def test_what_cannot_share_a_message_goes_alone_and_in_its_order() -> None:
    measured, transport = channels(batch=10, batch_age=3600)
    measured.publish("trace", {"a": 1})
    measured.publish("trace", {"a": [1, 2]})
    assert [body["v"] for body in transport.bodies()] == [{"a": [1]}, {"a": [1, 2]}]
    assert [(body["seq"], body.get("n")) for body in transport.bodies()] == [(0, None), (1, None)]


def test_each_sample_of_a_batch_keeps_its_quality() -> None:
    measured, transport = channels(batch=3)
    measured.publish("trace", 1)
    measured.publish("trace", 2, quality="uncertain")
    measured.publish("trace", math.nan)
    assert (transport.bodies()[0]["v"], transport.bodies()[0]["q"]) == (
        [1, 2, None],
        ["good", "uncertain", "bad"],
    )


def test_a_batch_is_pure() -> None:
    batch = Batch(Channel("trace", batch=2, batch_age=5))
    assert not batch.is_due(1e9)
    batch.add(1.0, 10, "good", now=100.0)
    assert (batch.is_due(104.9), batch.is_due(105.0)) == (False, True)
    batch.add(2.0, 11, "good", now=100.0)
    assert batch.is_due(100.0)
    assert batch.take() == ([1.0, 2.0], [10, 11], "good")
    assert len(batch) == 0


# -- many at once ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [[1.5, 2.5, 3.5], (1.5, 2.5, 3.5), np.array([1.5, 2.5, 3.5]), np.array([1.5, 2.5, 3.5], "f4")],
)
def test_a_list_or_an_array_is_one_message(values: Any) -> None:
    measured, transport = channels()
    measured.publish_batch("trace", values, start=100.0, step=0.5)
    assert transport.bodies() == [{"t0": 100.0, "dt": 0.5, "v": [1.5, 2.5, 3.5], "seq": 0}]


def test_each_of_many_may_have_its_time() -> None:
    measured, transport = channels()
    measured.publish_batch("trace", [1, 2], times=np.array([5.0, 6.0]))
    assert transport.bodies() == [{"t": [5.0, 6.0], "v": [1, 2], "seq": 0}]


def test_columns_of_fields_may_be_arrays() -> None:
    measured, transport = channels()
    measured.publish_batch("trace", {"x": np.arange(2), "y": [0.5, None]}, start=1.0, step=1.0)
    assert transport.bodies()[0]["v"] == {"x": [0, 1], "y": [0.5, None]}


def test_without_a_beginning_the_last_of_many_is_now() -> None:
    measured, transport = channels()
    measured.publish_batch("trace", [1, 2, 3], step=10.0)
    assert transport.bodies()[0]["t0"] == pytest.approx(time.time() - 20, abs=5)


def test_many_are_cut_into_messages_and_numbered_on() -> None:
    measured, transport = channels(batch=4)
    measured.publish_batch("trace", range(10), start=0.0, step=1.0)
    measured.publish("trace", 10, moment=10.0)
    measured.finish(1)
    bodies = transport.bodies()
    assert [(b.get("t0"), b["v"], b["seq"], b.get("n", b["seq"])) for b in bodies] == [
        (0.0, [0, 1, 2, 3], 0, 0),
        (4.0, [4, 5, 6, 7], 1, 4),
        (8.0, [8, 9], 2, 8),
        (None, [10], 3, 10),
    ]
    assert measured.counts().published == measured.counts().delivered == 11


def test_no_message_is_larger_than_the_channel_allows() -> None:
    measured, transport = channels(batch_bytes=2_000)
    measured.publish_batch("trace", ["text" * 10] * 500, start=0.0, step=1.0)
    assert all(len(parcel.payload) <= 2_000 for parcel in transport.sent)
    assert sum(len(body["v"]) for body in transport.bodies()) == 500
    starts = [body["t0"] for body in transport.bodies()]
    assert starts == [float(body.get("n", 0)) for body in transport.bodies()]


def test_what_is_not_finite_in_an_array_is_null() -> None:
    measured, transport = channels()
    measured.publish_batch("trace", np.array([1.0, math.nan, math.inf]), start=0.0, step=1.0)
    measured.publish_batch("trace", {"x": [1.0, math.nan], "y": [1, 2]}, start=0.0, step=1.0)
    assert transport.bodies()[0]["v"] == [1.0, None, None]
    assert transport.bodies()[1]["v"] == {"x": [1.0, None], "y": [1, 2]}
    assert transport.bodies()[1]["q"] == ["good", "bad"]


def test_numbers_of_numpy_are_numbers() -> None:
    measured, transport = channels()
    measured.publish("trace", np.float32(1.5))
    measured.publish("trace", {"n": np.int64(3), "is": np.bool_(True)})  # noqa: FBT003 - a value
    measured.publish_batch("trace", [np.float64(1), np.int8(2)], start=0.0, step=1.0)
    assert [body["v"] for body in transport.bodies()] == [1.5, {"n": 3, "is": True}, [1.0, 2]]


@pytest.mark.parametrize(
    ("values", "times", "words"),
    [
        ([1, 2], {"times": [1.0]}, "1 times, 2 values"),
        ([1, 2], {"start": 5.0}, "t0= needs dt="),
        ("text", {"step": 1.0}, "not 'text'"),
        (5, {"step": 1.0}, "not 5"),
        (np.zeros((2, 2)), {"step": 1.0}, "one-dimensional"),
        (np.array(5.0), {"step": 1.0}, "one-dimensional"),
        ([[1], [2]], {"step": 1.0}, "scalars only"),
        ([object()], {"step": 1.0}, "trace"),
        ({"a": [1], "b": []}, {"step": 1.0}, "differ in length"),
        ({}, {"step": 1.0}, "differ in length"),
        ([1, 2], {"step": 0}, "dt=0"),
        ([1, 2], {"step": -1.0}, "dt=-1.0.*more than 0"),
        ([1, 2], {"step": math.nan}, "dt=nan"),
        ([1, 2], {"step": "1"}, "dt='1'"),
        ([1, 2], {"step": True}, "dt=True"),
        ([1, 2], {"step": 1e13}, "dt="),
        ([1, 2], {"start": math.nan, "step": 1.0}, "t0=nan"),
        ([1, 2], {"times": [1.0, math.inf]}, "time=inf"),
        ([1, 2], {"times": ["now", 1.0]}, "time='now'"),
        ([1, 2], {"times": "ab"}, "not 'ab'"),
        ([1, 2], {"times": object()}, "time=<object"),
        ([1, 2], {"step": 1.0, "quality": "fine"}, "quality='fine'"),
        ([1, 10**400], {"step": 1.0}, "too large"),
        ([1.0, 1j], {"step": 1.0}, "complex"),
        (np.array([1j, 2j]), {"step": 1.0}, "complex"),
    ],
)
def test_what_is_no_batch_is_refused(values: Any, times: Any, words: str) -> None:
    measured, transport = channels()
    with pytest.raises(AgentError, match=words):
        measured.publish_batch("trace", values, **times)
    assert not transport.sent
    assert measured.counts().published == 0


@pytest.mark.parametrize("value", [[1, 2], (1, 2), np.zeros(2)])
def test_many_without_times_are_refused(value: Any) -> None:
    measured, _ = channels()
    with pytest.raises(AgentError, match="2 values need times"):
        measured.publish("trace", value)


def test_none_at_all_are_no_message() -> None:
    measured, transport = channels()
    measured.publish_batch("trace", [], step=1.0)
    assert not transport.sent


# -- report by exception --------------------------------------------------------------------------


def passed(deadband: Deadband, *values: Any, quality: str = "good") -> list[Any]:
    return [value for value in values if deadband.passes(value, quality, now=0.0)]


def test_without_a_deadband_everything_passes() -> None:
    measured, transport = channels()
    for _ in range(3):
        measured.publish("trace", 1)
    assert len(transport.sent) == 3


def test_only_what_differs_enough_from_what_passed_last_passes() -> None:
    assert passed(Deadband(0.5, 60), 1.0, 1.4, 1.5, 1.6, 1.2, 2.2) == [1.0, 1.6, 2.2]


def test_a_deadband_of_0_lets_changes_pass() -> None:
    values = ["open", "open", "closed", True, True, 1]
    assert passed(Deadband(0, 60), *values) == ["open", "closed", True, 1]


def test_a_value_that_goes_missing_or_comes_back_passes() -> None:
    assert passed(Deadband(10, 60), 1, None, None, 1) == [1, None, 1]
    assert len(passed(Deadband(10, 60), math.nan, math.nan, 1.0, math.nan)) == 3
    assert len(passed(Deadband(10, 60), math.inf, math.inf, -math.inf)) == 2


def test_one_field_that_differs_is_enough() -> None:
    band = Deadband(1, 60)
    assert passed(band, {"a": 1, "b": "x"}, {"a": 2, "b": "x"}) == [{"a": 1, "b": "x"}]
    assert passed(band, {"a": 2, "b": "y"}) == [{"a": 2, "b": "y"}]
    assert passed(band, {"a": 2}) == [{"a": 2}]


def test_another_quality_passes() -> None:
    band = Deadband(1, 60)
    assert passed(band, 1) == [1]
    assert passed(band, 1, quality="uncertain") == [1]


def test_after_the_refresh_time_the_same_value_passes_once() -> None:
    band = Deadband(1, 60)
    times = [0.0, 30.0, 59.9, 60.0, 119.0, 120.0]
    assert [now for now in times if band.passes(5, "good", now)] == [0.0, 60.0, 120.0]


def test_a_channel_publishes_by_exception() -> None:
    measured, transport = channels(deadband=0.1)
    for value in (20.0, 20.05, 20.2):
        measured.publish("trace", value)
    assert [body["v"] for body in transport.bodies()] == [20.0, 20.2]
    assert [body["seq"] for body in transport.bodies()] == [0, 1], "no gap in the numbers"
    assert measured.counts().published == 2
