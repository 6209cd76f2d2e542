"""Samples to topics, and a neighbour's samples to the latest value of a channel."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest

from pyros_mqtt import Agent, Settings
from pyros_mqtt.errors import AgentError, BadName
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.messages import Channel
from pyros_mqtt.telemetry import Channels, Follow
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Delivery, Fate
from tests.unit.hand_transport import HandTransport

TOPIC = "pyros/dome/telemetry/azimuth"


def channels(*declared: Channel) -> tuple[Channels, HandTransport]:
    transport = HandTransport()
    measured = Channels("dome", Topics(), declared)
    measured.connect(transport)
    return measured, transport


def publish(measured: Channels, value: Any, channel: str = "azimuth", **more: Any) -> None:
    given = {"unit": None, "moment": None, "quality": "good"} | more
    measured.publish(channel, value, given["unit"], given["moment"], given["quality"])


def test_a_sample_goes_out_at_qos_0_with_its_time_and_number() -> None:
    measured, transport = channels(Channel("azimuth", "deg"))
    publish(measured, 182.4, moment=5.0)
    publish(measured, 182.5, moment=6.0)
    parcel = transport.sent[0]
    assert (parcel.topic, parcel.qos, parcel.retain) == (TOPIC, 0, False)
    assert transport.bodies() == [
        {"t": 5.0, "v": 182.4, "seq": 0},
        {"t": 6.0, "v": 182.5, "seq": 1},
    ]


def test_a_sample_names_the_session_that_it_belongs_to() -> None:
    measured, transport = Channels("dome", Topics(), []), HandTransport()
    measured.connect(transport, "5f0c")
    publish(measured, 1, moment=5.0)
    assert transport.bodies() == [{"t": 5.0, "v": 1, "seq": 0, "session": "5f0c"}]


def test_without_a_time_it_is_now() -> None:
    measured, transport = channels()
    publish(measured, 1)
    assert transport.bodies()[0]["t"] == pytest.approx(time.time(), abs=5)


def test_a_channel_may_be_retained() -> None:
    measured, transport = channels(Channel("azimuth", retain=True))
    publish(measured, 1)
    assert transport.sent[0].retain


def test_a_new_channel_is_declared_by_its_first_sample() -> None:
    measured, _ = channels()
    publish(measured, 1, unit="deg")
    assert measured.declared == {"azimuth": Channel("azimuth", "deg")}


def test_a_channel_of_qos_1_is_sent_as_such() -> None:
    measured, transport = channels(Channel("azimuth", qos=1))
    publish(measured, 1)
    assert transport.sent[0].qos == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"qos": 2}, r"Channel\('azimuth', qos=2\): it must be 0 or 1"),
        ({"batch": 0}, "batch=0"),
        ({"batch": 1.5}, "batch=1.5"),
        ({"batch_age": -1}, "batch_age=-1"),
        ({"batch_bytes": 10}, "batch_bytes=10"),
        ({"deadband": -0.1}, "deadband=-0.1"),
        ({"deadband": math.nan}, "deadband=nan"),
        ({"refresh": math.inf}, "refresh=inf"),
        ({"rate": "fast"}, "rate='fast'"),
        ({"range": (1, 0)}, "range="),
        ({"range": (0,)}, "range="),
        ({"range": 5}, "range=5"),
        ({"unit": None}, "unit=None"),
        ({"description": 5}, "description=5"),
        ({"fields": "ra"}, r"fields='ra'\): it must be a tuple of names"),
        ({"fields": ("ra", "ra")}, "fields="),
        ({"fields": (1,)}, "fields="),
        ({"fields": None}, "fields=None"),
        ({"retain": "no"}, "retain='no'"),
        ({"retain": 1}, "retain=1"),
        ({"refresh": "1 min"}, "refresh='1 min'"),
        ({"refresh": 10**400}, "refresh=1000"),
        ({"qos": [1]}, "qos="),
        ({"qos": True}, "qos=True"),
    ],
)
def test_a_channel_that_makes_no_sense_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(AgentError, match=words):
        channels(Channel("azimuth", **wrong))


@pytest.mark.parametrize(
    ("value", "more", "words"),
    [
        (1.0, {"quality": "fine"}, "quality='fine'.*good, uncertain, bad"),
        (1.0, {"quality": None}, "quality=None"),
        (1.0, {"quality": ["good"]}, "quality="),
        (1.0, {"moment": math.nan}, "time=nan"),
        (1.0, {"moment": True}, "time=True"),
        (1.0, {"moment": 1e15}, "seconds since 1970"),
        (10**400, {}, "1329 bits is too large"),
        ({"a": -(10**400)}, {}, "too large"),
        (1j, {}, "1j is complex; send its parts"),
        ({"a": 1j}, {}, "complex"),
        ({"a": {"b": 1}}, {}, "the field 'a' has fields itself, 'b'"),
        ({}, {}, "no fields"),
        ({1, 2}, {}, "need times"),
    ],
)
def test_a_bad_measurement_is_refused_at_the_call(
    value: Any, more: dict[str, Any], words: str
) -> None:
    measured, transport = channels()
    with pytest.raises(AgentError, match=words):
        publish(measured, value, **more)
    assert not transport.sent
    publish(measured, 5.0)
    assert transport.bodies()[0]["v"] == 5.0


def test_a_missing_value_has_a_quality() -> None:
    measured, transport = channels()
    publish(measured, math.nan)
    publish(measured, None, quality="uncertain")
    assert [(b["v"], b["q"]) for b in transport.bodies()] == [(None, "bad"), (None, "uncertain")]


@pytest.mark.parametrize("name", ["", "+", "a/b", "Azimuth"])
def test_a_bad_name_is_refused(name: str) -> None:
    measured, _ = channels()
    with pytest.raises(BadName):
        publish(measured, 1, channel=name)
    with pytest.raises(BadName):
        Channels("dome", Topics(), [Channel(name)])
    with pytest.raises(BadName):
        Follow("dome", name)
    with pytest.raises(BadName):
        Follow(name, "azimuth")


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (("azimuth",), r"channels holds Channel\(...\), not 'azimuth': write Channel\('azimuth'\)"),
        ((5,), r"channels holds Channel\(...\), not 5"),
        ("azimuth", r"channels is a tuple, such as \(Channel\(...\),\), not 'azimuth'"),
        (Channel("azimuth"), "channels is a tuple"),
        (None, "channels is a tuple"),
        ((Channel("a"), Channel("b"), Channel("a", "deg")), r"two Channel\('a', ...\)"),
    ],
)
def test_what_is_no_row_of_channels_is_refused(declared: Any, words: str) -> None:
    with pytest.raises(AgentError, match=words):
        Channels("dome", Topics(), declared)


def test_what_the_broker_refuses_is_counted() -> None:
    measured, transport = channels()
    transport.fate = Fate.REFUSED
    publish(measured, 1)
    transport.fate = Fate.TOO_LARGE
    publish(measured, 2)
    transport.fate = Fate.TAKEN
    publish(measured, 3)
    assert measured.dropped == 2


def test_a_sample_that_nobody_listens_to_is_not_dropped() -> None:
    measured, transport = channels()
    transport.fate = Fate.NO_SUBSCRIBER
    publish(measured, 1)
    assert measured.dropped == 0


# -- following ------------------------------------------------------------------------------------


def hear(follow: Follow, payload: bytes | dict[str, Any], *, retain: bool = False) -> None:
    data = json.dumps(payload).encode() if isinstance(payload, dict) else payload
    follow.hear(Delivery(TOPIC, data, retain=retain))


def test_before_anything_came_there_is_nothing() -> None:
    follow = Follow("dome", "azimuth")
    assert (follow.sample, follow.value, follow.age) == (None, None, math.inf)
    assert not follow.is_fresh(1e9)


def test_the_latest_value_and_its_age_by_our_own_clock() -> None:
    follow = Follow("dome", "azimuth")
    hear(follow, {"t": 5.0, "v": 182.4})
    assert follow.value == 182.4
    assert follow.sample is not None
    assert follow.sample.time == 5.0
    assert follow.age < 5, "a neighbour's wrong clock makes nothing old"
    assert follow.is_fresh(5)


def test_a_kept_sample_is_as_old_as_it_says() -> None:
    follow = Follow("dome", "azimuth")
    hear(follow, {"t": time.time() - 60, "v": 1}, retain=True)
    assert follow.age == pytest.approx(60, abs=2)
    assert not follow.is_fresh(30)
    hear(follow, {"t": time.time() + 2, "v": 2}, retain=True)
    assert 0 <= follow.age < 5, "clocks may differ a little; never younger than its arrival"


@pytest.mark.parametrize("how", [{"retain": True}, {"late": True}])
def test_a_kept_sample_from_the_future_is_of_unknown_age(how: dict[str, bool]) -> None:
    """Its agent may be dead for an hour, if our clock is an hour behind."""
    follow = Follow("dome", "azimuth")
    sample = {"t": time.time() + 3600, "v": 2, "late": "late" in how}
    hear(follow, sample, retain="retain" in how)
    assert (follow.value, follow.age) == (2, math.inf)
    hear(follow, {"t": time.time() + 3600, "v": 2})
    assert follow.is_fresh(60), "what comes at once is of now, whatever its clock says"


def test_how_far_clocks_may_differ_is_a_setting() -> None:
    settings = Settings(brokers=(), journal="memory", max_clock_skew=7200.0)
    roof = Agent("roof", bus=Loopback(), settings=settings)
    follow = roof.follow("dome", "azimuth")
    hear(follow, {"t": time.time() + 3600, "v": 2}, retain=True)
    assert follow.is_fresh(60)


def test_a_kept_scalar_is_shown_and_never_fresh() -> None:
    follow = Follow("dome", "azimuth")
    hear(follow, b"12.3", retain=True)
    assert (follow.value, follow.age) == (12.3, math.inf)
    assert not follow.is_fresh(1e9)
    hear(follow, b"12.4")
    assert follow.is_fresh(60)


def test_a_scalar_that_the_broker_repeats_after_an_outage_is_no_news() -> None:
    follow = Follow("dome", "azimuth")
    hear(follow, b"12.3")
    hear(follow, b"12.3", retain=True)
    assert follow.is_fresh(60)
    hear(follow, b"12.4", retain=True)
    assert (follow.value, follow.age) == (12.4, math.inf), "said in the outage, nobody knows when"


def test_of_a_batch_the_last_one_counts() -> None:
    follow = Follow("dome", "azimuth")
    hear(follow, {"t": [1, 2, 3], "v": [10, 20, 30]})
    assert follow.value == 30


def test_a_late_sample_does_not_take_the_place_of_a_newer_one() -> None:
    follow = Follow("dome", "azimuth")
    hear(follow, {"t": 100, "v": 1, "late": True})
    assert follow.value == 1
    assert follow.age > 1000, "it is as old as it says"
    hear(follow, {"t": 200, "v": 2})
    hear(follow, {"t": 150, "v": 3, "late": True})
    assert (follow.value, follow.is_fresh(5)) == (2, True)


def test_what_did_not_come_is_counted_until_it_comes_late() -> None:
    follow = Follow("dome", "azimuth")
    hear(follow, {"t": 1, "v": 1, "seq": 3}, retain=True)
    hear(follow, {"t": 2, "v": 1, "seq": 8})
    assert follow.missed == 0, "what passed before we listened is not missed"
    hear(follow, {"t": 4, "v": 1, "seq": 10})
    assert follow.missed == 1
    hear(follow, {"t": 3, "v": 1, "seq": 9, "late": True})
    assert (follow.missed, follow.value) == (0, 1)


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{", b'{"t":[],"v":[]}', b"[" * 5000])
def test_what_cannot_be_read_is_passed_over(payload: bytes) -> None:
    follow = Follow("dome", "azimuth")
    hear(follow, b"5")
    hear(follow, payload)
    assert follow.value == 5
