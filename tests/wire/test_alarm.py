"""The alarm document: frozen payloads, and whatever else may stand on an alarm topic."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import Alarm, AlarmState, Severity
from pyros_mqtt.wire import decode_alarm, encode_alarm, unreadable_alarm

WIND = Alarm(
    "wind",
    "alarms",
    "weather/conditions.wind",
    AlarmState.SHELVED,
    Severity.SERIOUS,
    "weather/conditions.wind is 72.4 km/h, above 60 km/h, since 20:14:03 UTC",
    at=1763842500.5,
    raised_at=1763842443.0,
    value=72.4,
    limit=60.0,
    unit="km/h",
    by="guide",
    comment="anemometer in repair",
    until=1763849700.0,
    escalated=1,
)

PAYLOAD = (
    b'{"alarm":"wind","agent":"alarms","about":"weather/conditions.wind","state":"shelved",'
    b'"severity":"serious","text":"weather/conditions.wind is 72.4 km/h, above 60 km/h, since '
    b'20:14:03 UTC","value":72.4,"limit":60.0,"unit":"km/h","raised_at":"2025-11-22T20:14:03.000Z",'
    b'"at":"2025-11-22T20:15:00.500Z","by":"guide","comment":"anemometer in repair",'
    b'"until":"2025-11-22T22:15:00.000Z","escalated":1}'
)


def test_the_document_is_this_one() -> None:
    assert encode_alarm(WIND) == PAYLOAD
    assert decode_alarm(PAYLOAD, "alarms", "wind") == WIND


def test_a_small_device_may_say_little() -> None:
    alarm = decode_alarm(b'{"state": "raised"}', "dome", "stuck")
    assert (alarm.severity, alarm.text, alarm.about) == (Severity.SERIOUS, "stuck", "dome")
    assert (alarm.raised_at, alarm.at) == (None, 0.0)


def test_a_newer_neighbour_may_say_more() -> None:
    body = {**json.loads(PAYLOAD), "colour": "red"}
    assert decode_alarm(json.dumps(body).encode(), "alarms", "wind") == WIND


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"raised",
        b"[]",
        b"\xff",
        b'{"state": "sleeping"}',
        b"{}",
        b'{"state": "raised", "agent": "weather"}',
        b'{"state": "raised", "alarm": "rain"}',
    ],
)
def test_what_is_no_alarm_is_refused(payload: bytes) -> None:
    with pytest.raises(BadPayload, match="not an alarm"):
        decode_alarm(payload, "alarms", "wind")


@pytest.mark.parametrize(
    "rest",
    [
        b'"value": NaN',
        b'"value": 1e999, "limit": -Infinity',
        b'"severity": "awful"',
        b'"severity": ["critical"]',
        b'"raised_at": "yesterday", "at": 12, "until": "2025-13-01T00:00:00Z"',
        b'"escalated": "twice"',
        b'"escalated": 1e999',
        b'"value": ' + b"9" * 400,
    ],
)
def test_what_cannot_be_read_of_an_alarm_counts_as_left_out(rest: bytes) -> None:
    found = decode_alarm(b'{"state": "raised", ' + rest + b"}", "dome", "stuck", 7.0)
    assert found == decode_alarm(b'{"state": "raised"}', "dome", "stuck", 7.0)
    assert (found.severity, found.at, found.raised_at) == (Severity.SERIOUS, 7.0, None)


def test_what_stands_for_an_unreadable_alarm_is_the_worst() -> None:
    found = unreadable_alarm("dome", "stuck", "x" * 5000, 7.0)
    assert (found.state, found.severity, found.at) == (AlarmState.RAISED, Severity.CRITICAL, 7.0)
    assert found.text.startswith("it cannot be read: x")
    assert len(found.text) == 2000


def test_a_text_from_the_bus_is_cut() -> None:
    body = {"state": "raised", "text": "x" * 100_000}
    assert len(decode_alarm(json.dumps(body).encode(), "dome", "stuck").text) == 2000


@given(
    st.sampled_from(list(AlarmState)),
    st.sampled_from(list(Severity)),
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    st.integers(0, 4_000_000_000),
)
def test_an_alarm_crosses_the_wire_whole(
    state: AlarmState, severity: Severity, value: object, moment: int
) -> None:
    alarm = replace(WIND, state=state, severity=severity, value=value, at=float(moment))
    assert decode_alarm(encode_alarm(alarm), "alarms", "wind") == alarm
