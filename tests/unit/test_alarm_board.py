"""Everyone's alarms as seen from outside."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from pyros_mqtt import Alarm, AlarmBoard, AlarmState, Severity
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Parcel
from pyros_mqtt.wire import encode_alarm
from tests.unit.hand_transport import HandTransport

TOPICS = Topics("stage")
WIND = Alarm("wind", "alarms", "weather/wind", AlarmState.RAISED, Severity.SERIOUS, "it blows", 2.0)


class HandBus:
    """Gives the one transport that a test moves by hand."""

    def __init__(self) -> None:
        self.hand = HandTransport()

    def transport(self, client_id: str) -> HandTransport:
        del client_id
        return self.hand


def show(bus: Loopback, alarm: Alarm, payload: bytes | None = None) -> None:
    topic = TOPICS.alarm(alarm.agent, alarm.alarm)
    bus.route(Parcel(topic, encode_alarm(alarm) if payload is None else payload, retain=True))


def test_the_worst_comes_first_and_then_the_oldest() -> None:
    bus = Loopback()
    older = replace(WIND, alarm="rain", raised_at=1.0)
    worst = replace(WIND, alarm="fire", agent="dome", severity=Severity.CRITICAL)
    for one in (WIND, older, worst):
        show(bus, one)
    with AlarmBoard(bus, TOPICS) as board:
        assert board.wait_until(lambda: len(board.alarms) == 3, 10)
        assert board.alarms == (worst, older, WIND)


def test_an_empty_payload_takes_an_alarm_away() -> None:
    bus = Loopback()
    show(bus, WIND)
    with AlarmBoard(bus, TOPICS) as board:
        news: list[int] = []
        board.on_change(lambda: news.append(len(board.alarms)))
        assert board.wait_until(lambda: board.alarms, 10)
        show(bus, WIND, b"")
        assert board.wait_until(lambda: not board.alarms, 10)
        assert board.wait_until(lambda: news and news[-1] == 0, 10)


def test_an_alarm_without_a_time_is_as_old_as_its_hearing() -> None:
    bus = Loopback()
    show(bus, WIND, b'{"state": "raised", "value": NaN, "raised_at": "soon"}')
    with AlarmBoard(bus, TOPICS) as board:
        assert board.wait_until(lambda: board.alarms, 10)
        assert abs(time.time() - board.alarms[0].at) < 60
        assert board.malformed == 0


def test_what_cannot_be_read_is_shown_as_the_worst_and_counted() -> None:
    bus = Loopback()
    with AlarmBoard(bus, TOPICS) as board:
        assert board.wait_until(lambda: board.is_up, 10)
        show(bus, WIND, b"raised")
        assert board.wait_until(lambda: board.alarms, 10)
        (found,) = board.alarms
        assert (found.state, found.severity) == (AlarmState.RAISED, Severity.CRITICAL)
        assert found.text.startswith("it cannot be read: ")
        assert abs(time.time() - found.at) < 60
        show(bus, WIND)
        assert board.wait_until(lambda: board.alarms == (WIND,), 10)
        assert board.malformed == 1


def test_what_became_normal_in_an_outage_is_taken_away_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus = HandBus()
    transport, board = bus.hand, AlarmBoard(bus, TOPICS)
    rain = replace(WIND, alarm="rain")
    for one in (WIND, rain):
        transport.come(TOPICS.alarm("alarms", one.alarm), encode_alarm(one))
    transport.go(up=False)
    transport.turn()
    transport.go(up=True)
    transport.come(TOPICS.alarm("alarms", "rain"), encode_alarm(rain), retain=True)
    transport.turn()
    assert set(board.alarms) == {WIND, rain}
    monkeypatch.setattr("pyros_mqtt.hearsay.GRACE", -1.0)
    news: list[int] = []
    board.on_change(lambda: news.append(len(board.alarms)))
    transport.turn()
    assert (board.alarms, news) == ((rain,), [1])
