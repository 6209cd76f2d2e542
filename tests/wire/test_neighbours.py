"""What a neighbour one version older or newer says, frozen, and read by everyone who reads (G16).

The older one knows none of the optional fields. The newer one adds fields, of every form, and has
states that nobody knows yet.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator

import pytest

from pyros_mqtt import wire
from pyros_mqtt.alarm_board import AlarmBoard
from pyros_mqtt.archive.event import Event
from pyros_mqtt.errors import BadPayload, Refusal
from pyros_mqtt.fleet import Fleet
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.messages import AlarmState, Outcome, Severity, State
from pyros_mqtt.nightly.lives import lives
from pyros_mqtt.sender import Sender
from pyros_mqtt.settings import Settings
from pyros_mqtt.topics import Topics
from pyros_mqtt.traffic import Kind, Passing, Traffic
from pyros_mqtt.transport import Delivery, Parcel

NEW = b',"mood":"fine","nested":{"a":[1,{"b":null}]}'
"""What the newer one adds."""

AT = b'"at":"2026-11-22T20:14:31.400Z"'

OLDER = {
    "status": b'{"agent":"dome","state":"ready","session":"s1","boot":5,"seq":1,' + AT + b"}",
    "about": b'{"agent":"dome","messages":{"open":{}},"telemetry":{"azimuth":{}}}',
    "report": b'{"id":"1","message":"open","agent":"dome","state":"done",' + AT + b',"result":1}',
    "alarm": b'{"state":"raised"}',
    "log": b'{"text":"stuck"}',
    "telemetry": b'{"t":1763841600.0,"v":12.5}',
    "command": b'{"message":"open"}',
}

NEWER = {
    "status": b'{"agent":"dome","state":"calibrating","session":"s1","boot":5,"seq":1,"beat":5.0,'
    + AT
    + b',"version":"0.2.0","protocol":1,"detail":"lamp 2","task":{"message":"x","id":"1","from":"y"'
    + NEW
    + b'},"waiting":1,"idle":0.5'
    + NEW
    + b"}",
    "about": b'{"agent":"dome","version":"0.2.0","protocol":1,"messages":{"open":{"args":{}'
    + NEW
    + b'}},"telemetry":{"azimuth":{"unit":"deg"'
    + NEW
    + b"}}"
    + NEW
    + b"}",
    "report": b'{"id":"1","message":"open","agent":"dome","state":"completed",'
    + AT
    + b',"result":1'
    + NEW
    + b"}",
    "alarm": b'{"state":"raised","severity":"catastrophic"' + NEW + b"}",
    "log": b'{"t":1763841600.0,"level":"warning","logger":"dome","text":"stuck"' + NEW + b"}",
    "telemetry": b'{"t":1763841600.0,"v":12.5,"q":"estimated","seq":3,"session":"s1"' + NEW + b"}",
    "command": b'{"message":"open","x-mood":{"a":[1]}}',
}

BOTH = pytest.mark.parametrize("said", [OLDER, NEWER], ids=["older", "newer"])

TOPICS = Topics("g16")


# -- shape by shape ------------------------------------------------------------------------------


@BOTH
def test_every_shape_is_read(said: dict[str, bytes]) -> None:
    assert wire.decode_status(said["status"], "dome").session == "s1"
    about = wire.decode_about(said["about"], "dome")
    assert (list(about.messages), list(about.telemetry)) == (["open"], ["azimuth"])
    report = wire.decode_report(said["report"])
    assert (report.id, report.state, report.result) == ("1", Outcome.DONE, 1)
    alarm = wire.decode_alarm(said["alarm"], "dome", "stuck")
    assert (alarm.state, alarm.severity) == (AlarmState.RAISED, Severity.SERIOUS)
    assert wire.decode_log(said["log"], "warning", 0.0).text == "stuck"
    (sample,) = wire.decode_samples(said["telemetry"], 0.0)
    assert sample.value == 12.5
    command = wire.decode_command(said["command"], "dome", arrived=0.0)
    assert command is not None
    assert command.message == "open"


def test_who_is_in_a_state_of_a_newer_version_lives_and_shows_it() -> None:
    status = wire.decode_status(NEWER["status"], "dome")
    assert status.state is State.DEGRADED
    assert status.detail == ("its state is 'calibrating', which this version does not know: lamp 2")


@pytest.mark.parametrize(
    ("carried", "state"),
    [
        (b',"error":{"code":"unsafe","text":"rain"}', Outcome.FAILED),
        (b',"result":null', Outcome.DONE),
        (b',"progress":{"fraction":0.5}', Outcome.RUNNING),
        (b"", Outcome.RUNNING),
    ],
)
def test_a_report_in_a_state_of_a_newer_version_is_read_by_what_it_carries(
    carried: bytes, state: Outcome
) -> None:
    payload = b'{"id":"1","message":"open","agent":"dome","state":"paused"' + carried + b"}"
    assert wire.decode_report(payload).state is state


@pytest.mark.parametrize(
    "state", [b'"Ready"', b'"a b"', b"3", b"null", b"[]", b'"' + b"x" * 33 + b'"']
)
def test_what_is_no_word_is_no_state(state: bytes) -> None:
    with pytest.raises(BadPayload):
        wire.decode_status(b'{"state":' + state + b"}", "dome")


def test_a_command_with_a_field_of_a_newer_version_is_refused() -> None:
    with pytest.raises(Refusal, match="mood"):
        wire.decode_command(b'{"message":"open","mood":"fine"}', "dome", arrived=0.0)


# -- reader by reader ----------------------------------------------------------------------------


class Bus:
    """A loopback on which a neighbour speaks."""

    def __init__(self) -> None:
        self.bus = Loopback()
        self._voice = self.bus.transport("voice")
        self._voice.open()

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._voice.publish(Parcel(topic, payload, retain=retain))

    def close(self) -> None:
        self._voice.close()


@pytest.fixture
def bus() -> Iterator[Bus]:
    bus = Bus()
    yield bus
    bus.close()


@BOTH
def test_the_fleet_shows_the_neighbour(bus: Bus, said: dict[str, bytes]) -> None:
    bus.say(TOPICS.status("dome"), said["status"], retain=True)
    bus.say(TOPICS.about("dome"), said["about"], retain=True)
    with Fleet(bus.bus, TOPICS) as fleet:

        def is_known() -> bool:
            member = fleet.get("dome")
            return member is not None and bool(member.status and member.about)

        assert fleet.wait_until(is_known, 10)
        assert fleet.malformed == 0


@BOTH
def test_the_alarm_board_shows_its_alarm(bus: Bus, said: dict[str, bytes]) -> None:
    bus.say(TOPICS.alarm("dome", "stuck"), said["alarm"], retain=True)
    with AlarmBoard(bus.bus, TOPICS) as board:
        assert board.wait_until(lambda: board.alarms, 10)
        (alarm,) = board.alarms
    assert (alarm.agent, alarm.alarm, alarm.state) == ("dome", "stuck", AlarmState.RAISED)


@BOTH
def test_listeners_hear_what_passes(bus: Bus, said: dict[str, bytes]) -> None:
    heard: list[Passing] = []
    news = threading.Semaphore(0)

    def hear(passing: Passing) -> None:
        heard.append(passing)
        news.release()

    with contextlib.ExitStack() as ears:
        for kind in Kind:
            ears.enter_context(Traffic(bus.bus, TOPICS, hear, kind=kind))
        for topic, shape in (
            (TOPICS.inbox("dome"), "command"),
            (TOPICS.outbox("dome", "ops"), "report"),
            (TOPICS.log("dome", "warning"), "log"),
            (TOPICS.telemetry("dome", "azimuth"), "telemetry"),
        ):
            bus.say(topic, said[shape])
            assert news.acquire(timeout=10)
    assert [one.what for one in heard if isinstance(one.what, str)] == []


def test_a_sender_has_its_answer_from_a_newer_agent(bus: Bus) -> None:
    """Accepted, then something that is new, then an end that is new."""
    agent = bus.bus.transport("newer")
    ids: list[str] = []

    def answer(delivery: Delivery) -> None:
        command = wire.decode_command(delivery.payload, "dome", arrived=0.0)
        if command is None or command.id in ids:
            return
        ids.append(command.id)
        start = b'{"id":"' + command.id.encode() + b'","message":"open","agent":"dome","state":'
        for end in (b'"accepted"}', b'"warming-up"' + NEW + b"}", b'"completed","result":7}'):
            agent.publish(Parcel(TOPICS.outbox("dome", command.sender), start + end))

    agent.subscribe(TOPICS.inbox("dome"), answer)
    agent.open()
    bus.say(TOPICS.status("dome"), NEWER["status"], retain=True)
    with Sender("ops", bus=bus.bus, settings=Settings(root="g16", state_dir="unused")) as sender:
        assert sender.send_to("dome", "open").result(10) == 7
    agent.close()


def test_the_nights_page_shows_the_lives_of_both() -> None:
    times = itertools.count(100.0)
    events = [
        Event("dome", "status", "", at, at, one["status"])
        for at, one in zip(times, (OLDER, NEWER), strict=False)
    ]
    spans = lives(events, 90.0, 102.0)["dome"]
    assert [one.state for one in spans] == ["ready", "degraded"]
