"""What a reader sees of everyone, over a bus in the process."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pyros_mqtt.claims import Health
from pyros_mqtt.fleet import MAX_MEMBERS, MOST_UNREADABLE, Fleet, Member
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.messages import About, MessageInfo, State, Status, Task
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Parcel
from pyros_mqtt.wire import encode_about, encode_status, last_will

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPICS = Topics("test")


class Stage:
    """A bus, a fleet on it whose clock stands still, and a voice that says anything."""

    def __init__(self) -> None:
        self.bus = Loopback()
        self.now = 1000.0
        self.fleet = Fleet(self.bus, TOPICS, clock=lambda: self.now)
        self.voice = self.bus.transport("voice")
        self.voice.open()

    def say(self, topic: str, payload: bytes, *, retain: bool = True) -> None:
        self.voice.publish(Parcel(topic, payload, retain=retain))

    def claim(self, agent: str, state: str = "ready", **fields: Any) -> None:
        given: dict[str, Any] = {
            "session": "one",
            "boot": 100,
            "seq": 1,
            "at": time.time(),
        } | fields
        self.say(TOPICS.status(agent), encode_status(Status(agent, State(state), **given)))

    def bare(self, agent: str, word: str) -> None:
        self.say(TOPICS.status(agent), word.encode())

    def settle(self) -> None:
        """Wait until all that was said before has been heard."""
        marker = f"marker{time.monotonic_ns()}"
        self.bare(marker, "stopped")
        assert self.fleet.wait_until(lambda: self.fleet.get(marker), 5)
        self.say(TOPICS.status(marker), b"")
        assert self.fleet.wait_until(lambda: not self.fleet.get(marker), 5)

    def member(self, name: str) -> Member:
        self.settle()
        member = self.fleet.get(name)
        assert member is not None
        return member

    def health(self, name: str) -> Health:
        return self.member(name).health


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    with stage.fleet:
        assert stage.fleet.wait_until(lambda: stage.fleet.is_up, 5)
        yield stage
    stage.voice.close()


def test_everyone_is_seen_sorted_by_name(stage: Stage) -> None:
    for name in ("telescope", "camera", "dome"):
        stage.claim(name)
    stage.settle()
    assert [m.name for m in stage.fleet.members()] == ["camera", "dome", "telescope"]
    assert {m.health for m in stage.fleet.members()} == {Health.LIVE}


def test_nobody_of_that_name_is_none(stage: Stage) -> None:
    assert stage.fleet.get("dome") is None


def test_what_was_retained_before_is_seen_by_a_fleet_that_comes_later(stage: Stage) -> None:
    stage.claim("dome")
    stage.claim("camera", at=time.time() - 60)
    stage.bare("sensor", "ready")
    stage.settle()
    with Fleet(stage.bus, TOPICS) as later:
        assert later.wait_until(lambda: later.is_up and len(later.members()) == 3, 5)
        seen = {m.name: m.health for m in later.members()}
    assert seen == {"dome": Health.LIVE, "camera": Health.SILENT, "sensor": Health.SILENT}


def test_the_about_is_seen_and_survives_a_new_status(stage: Stage) -> None:
    about = About("dome", description="The dome.", messages={"open": MessageInfo(ttl=10.0)})
    stage.say(TOPICS.about("dome"), encode_about(about))
    assert stage.member("dome").about is not None
    assert stage.member("dome").health is Health.UNKNOWN
    stage.claim("dome")
    member = stage.member("dome")
    assert member.about is not None
    assert member.about.messages["open"].ttl == 10.0


def test_an_agent_falls_silent_and_comes_back(stage: Stage) -> None:
    stage.claim("dome", beat=1.0)
    assert stage.health("dome") is Health.LIVE
    stage.now += 3.5
    assert stage.health("dome") is Health.SILENT
    assert stage.member("dome").label == "silent for 4 s"
    stage.claim("dome", beat=1.0, seq=2)
    assert stage.health("dome") is Health.LIVE
    assert stage.member("dome").age == 0.0


def test_silence_is_told_without_any_news(stage: Stage) -> None:
    told: list[str] = []
    heard = threading.Event()
    stage.claim("dome", beat=1.0)
    stage.settle()
    stage.fleet.on_change(told.append)
    stage.fleet.on_change(lambda _: heard.set())
    stage.now += 3.5
    assert heard.wait(5)
    assert told == ["dome"]
    assert stage.fleet.wait_until(lambda: stage.health("dome") is Health.SILENT, 5)


def test_a_late_will_of_an_older_life_does_not_harm_the_new_one(stage: Stage) -> None:
    stage.claim("dome", session="one", boot=100)
    stage.claim("dome", session="two", boot=200)
    stage.say(TOPICS.status("dome"), last_will("dome", "one", 100))
    assert stage.health("dome") is Health.LIVE
    stage.say(TOPICS.status("dome"), last_will("dome", "two", 200))
    assert stage.health("dome") is Health.LOST


def test_a_bare_word_and_its_will_are_understood(stage: Stage) -> None:
    stage.bare("sensor", "ready")
    assert stage.health("sensor") is Health.LIVE
    stage.bare("sensor", "lost")
    assert stage.health("sensor") is Health.LOST
    stage.bare("sensor", "ready")
    assert stage.health("sensor") is Health.LIVE


def test_an_empty_payload_removes_the_agent_with_its_about(stage: Stage) -> None:
    stage.claim("dome")
    stage.say(TOPICS.about("dome"), encode_about(About("dome")))
    stage.settle()
    stage.say(TOPICS.status("dome"), b"")
    stage.settle()
    assert stage.fleet.members() == ()


def test_an_about_without_a_status_is_removed_by_an_empty_payload(stage: Stage) -> None:
    stage.say(TOPICS.about("dome"), encode_about(About("dome")))
    stage.settle()
    stage.say(TOPICS.about("dome"), b"")
    stage.settle()
    assert stage.fleet.members() == ()


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"[]",
        b"sleepy",
        b"\xff",
        b"{}",
        b'{"state": 3}',
        b'{"agent": "camera", "state": "ready"}',
    ],
)
def test_a_malformed_status_is_counted_and_changes_nothing(stage: Stage, payload: bytes) -> None:
    stage.claim("dome")
    stage.settle()
    before = stage.fleet.malformed
    stage.say(TOPICS.status("dome"), payload)
    assert stage.health("dome") is Health.LIVE
    assert stage.fleet.malformed == before + 1
    stage.claim("dome", "busy", seq=2)
    assert stage.member("dome").label == "busy"


@pytest.mark.parametrize(
    "payload",
    [
        b'{"state": "ready", "boot": 11111111111111111111111}',
        b'{"state": "ready", "seq": 1e400}',
        b'{"state": "ready", "agent": "camera"}',
    ],
)
def test_whose_status_cannot_be_read_is_known_until_it_can(stage: Stage, payload: bytes) -> None:
    stage.say(TOPICS.status("evil"), payload)
    stage.settle()
    assert list(stage.fleet.unreadable()) == ["evil"]
    stage.claim("evil")
    stage.settle()
    assert stage.fleet.unreadable() == {}
    stage.say(TOPICS.status("evil"), payload)
    stage.say(TOPICS.status("evil"), b"")
    stage.settle()
    assert stage.fleet.unreadable() == {}


def test_a_flood_of_what_cannot_be_read_does_not_grow_the_reader(stage: Stage) -> None:
    for i in range(MOST_UNREADABLE + 5):
        stage.say(TOPICS.status(f"flood{i}"), b"\xff")
    stage.settle()
    assert len(stage.fleet.unreadable()) == MOST_UNREADABLE


def test_a_malformed_about_leaves_the_one_before(stage: Stage) -> None:
    stage.say(TOPICS.about("dome"), encode_about(About("dome", version="1.2")))
    stage.say(TOPICS.about("dome"), b'{"messages": 3}')
    about = stage.member("dome").about
    assert about is not None
    assert about.version == "1.2"
    assert stage.fleet.malformed == 1


def test_a_field_from_a_newer_version_is_passed_over(stage: Stage) -> None:
    stage.say(TOPICS.status("dome"), b'{"state": "ready", "boot": 1, "seq": 1, "mood": {"x": []}}')
    assert stage.health("dome") is Health.LIVE
    assert stage.fleet.malformed == 0


def test_a_topic_that_is_no_agents_is_counted_and_passed_over(stage: Stage) -> None:
    stage.say("test/DOME/status", b"ready")
    stage.settle()
    assert stage.fleet.members() == ()
    assert stage.fleet.malformed == 1


def test_a_flood_of_names_does_not_grow_the_reader(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_MEMBERS >= 1000
    monkeypatch.setattr("pyros_mqtt.fleet.MAX_MEMBERS", 5)
    for i in range(20):
        stage.bare(f"flood{i}", "ready")
    assert stage.fleet.wait_until(lambda: stage.fleet.malformed == 15, 5)
    assert len(stage.fleet.members()) == 5


def test_all_is_unknown_while_the_connection_is_cut_and_known_again_afterwards(
    stage: Stage,
) -> None:
    stage.claim("dome")
    assert stage.health("dome") is Health.LIVE
    told: list[str] = []
    stage.fleet.on_change(told.append)
    transport: Any = stage.fleet._transport
    stage.bus.cut(transport.client_id)
    assert stage.fleet.wait_until(lambda: not stage.fleet.is_up and told == ["dome"], 5)
    member = stage.fleet.get("dome")
    assert member is not None
    assert (member.health, member.label) == (Health.UNKNOWN, "unknown")
    assert stage.fleet.trouble
    stage.now += 60.0
    stage.bus.mend(transport)
    assert stage.fleet.wait_until(lambda: stage.fleet.is_up, 5)
    stage.claim("dome", seq=2)
    assert stage.health("dome") is Health.LIVE


def test_news_of_a_cut_are_told_to_those_who_wait(stage: Stage) -> None:
    answers: list[bool] = []
    waiting = threading.Event()

    def is_down() -> bool:
        waiting.set()
        return not stage.fleet.is_up

    waiter = threading.Thread(target=lambda: answers.append(stage.fleet.wait_until(is_down, 5)))
    waiter.start()
    assert waiting.wait(5)
    transport: Any = stage.fleet._transport
    stage.bus.cut(transport.client_id)
    waiter.join(5)
    assert answers == [True]


def test_waiting_ends_with_false_at_the_deadline(stage: Stage) -> None:
    assert stage.fleet.wait_until(lambda: stage.fleet.get("dome"), 0.05) is False


def test_a_callback_that_raises_is_logged_and_harms_nobody(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    told = threading.Event()

    def broken(name: str) -> None:
        raise KeyError(name)

    stage.fleet.on_change(broken)
    stage.fleet.on_change(lambda _: told.set())
    stage.claim("dome")
    assert told.wait(5)
    assert stage.health("dome") is Health.LIVE
    assert "a callback for changes of the fleet failed" in caplog.text


def test_after_closing_everything_is_unknown(stage: Stage) -> None:
    stage.claim("dome")
    stage.settle()
    stage.fleet.close()
    assert [m.health for m in stage.fleet.members()] == [Health.UNKNOWN]
    assert not stage.fleet.is_up


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"state": "ready"}, "ready"),
        ({"state": "degraded", "detail": "no rain sensor"}, "degraded: no rain sensor"),
        ({"state": "busy", "task": Task("goto", "1", "ops", 0.0)}, "busy: goto"),
        ({"state": "stopped", "detail": "x"}, "stopped"),
    ],
)
def test_the_label_says_it_in_words(stage: Stage, fields: dict[str, Any], label: str) -> None:
    stage.claim("dome", **fields)
    assert stage.member("dome").label == label


def test_a_thousand_agents_beat_without_a_scan_for_each_message(stage: Stage) -> None:
    """A scan of all for each message would take a thousand times the look at one."""
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return stage.now

    stage.fleet._clock = clock
    for i in range(1000):
        stage.bare(f"agent{i}", "ready")
    stage.settle()
    assert len(stage.fleet.members()) == 1000
    looks = 0
    for i in range(1000):
        stage.bare(f"agent{i}", "ready")
    stage.settle()
    assert looks < 20_000


def test_everyone_is_unknown_while_the_line_to_their_site_is_cut(stage: Stage) -> None:
    stage.claim("dome")
    assert stage.member("dome").health is Health.LIVE
    stage.say(TOPICS.line, b"0")
    assert stage.fleet.wait_until(lambda: _health(stage) is Health.UNKNOWN, 5)
    stage.now += 60
    stage.say(TOPICS.line, b"1")
    assert stage.fleet.wait_until(lambda: not stage.fleet._line.is_cut, 5)
    assert _health(stage) is Health.UNKNOWN, "nobody could have told us yet"
    stage.claim("dome", seq=2)
    assert stage.fleet.wait_until(lambda: _health(stage) is Health.LIVE, 5)


def test_who_says_nothing_after_the_line_has_come_back_is_silent(stage: Stage) -> None:
    stage.claim("dome")
    stage.say(TOPICS.line, b"0")
    stage.say(TOPICS.line, b"1")
    assert stage.member("dome").health is Health.UNKNOWN or not stage.fleet._line.is_cut
    stage.now += 60
    assert stage.member("dome").health is Health.SILENT


def _health(stage: Stage) -> Health | None:
    member = stage.fleet.get("dome")
    return member.health if member else None
