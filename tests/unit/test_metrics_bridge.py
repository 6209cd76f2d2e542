"""What the bridge makes of what passes on the bus."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Self

import pytest

from pyros_mqtt import Agent, Alarm, AlarmState, Channel, Failed, Severity, on
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.messages import Command, Outcome, Report, State, Status
from pyros_mqtt.metrics import Registry, Server
from pyros_mqtt.metrics_bridge import Bridge, agents, channels, commands
from pyros_mqtt.metrics_bridge.channels import Channels
from pyros_mqtt.metrics_bridge.commands import Commands
from pyros_mqtt.metrics_bridge.states import NUMBERS
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics
from pyros_mqtt.traffic import Passing
from pyros_mqtt.transport import Delivery, Parcel
from pyros_mqtt.wire import encode_alarm, encode_status
from tests.unit.scrape import Look

TOPICS = Topics("pyros")


class Weather(Agent):
    channels = (Channel("wind", "km.h**-1"), Channel("sky", fields=("clouds", "rain", "note")))

    @on("measure")
    def measure(self, wind: float) -> None:
        self.telemetry("wind", wind)
        self.telemetry("sky", {"clouds": 0.25, "rain": True, "note": "text"})

    @on("fail")
    def fail(self) -> None:
        raise RuntimeError("no light")


class Seen:
    """A bridge, and a look at it whenever one is wanted."""

    def __init__(self, stage: Rehearsal, *patterns: str) -> None:
        self.stage = stage
        self.bridge = Bridge(stage.bus, TOPICS, patterns)
        self.server = Server(self.bridge.registry, "127.0.0.1", 0)

    def __enter__(self) -> Self:
        self.bridge.__enter__()
        self.until("pyros_bridge_up", 1)
        return self

    def __exit__(self, *_: object) -> None:
        self.bridge.__exit__()
        self.server.close()

    @property
    def look(self) -> Look:
        return Look(self.server.url)

    def until(self, name: str, value: float, **labels: str) -> None:
        self.stage.wait_until(lambda: self.look.value(name, **labels) == value)


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal() as stage:
        yield stage


def test_each_agent_is_shown_with_its_state(stage: Rehearsal) -> None:
    stage.start(Weather("weather", bus=stage.bus, settings=stage.settings))
    with Seen(stage) as seen:
        seen.until("pyros_agent_state_number", NUMBERS["ready"], agent="weather")
        look = seen.look
        shown = {one["state"] for one in look.labels("pyros_agent_state")}
        assert shown == set(NUMBERS)
        assert look.value("pyros_agent_state", agent="weather", state="ready") == 1
        assert look.value("pyros_agent_state", agent="weather", state="lost") == 0
        assert look.value("pyros_agents") == 1
        assert look.value("pyros_agent_beat_seconds", agent="weather") == 5
        assert 0 <= (look.value("pyros_agent_age_seconds") or 0) < 60
        (info,) = look.labels("pyros_agent_info")
        assert info["protocol"] == "1"
        assert info["journal"] == "memory"


def test_every_state_has_a_number() -> None:
    assert {state.value for state in State} <= set(NUMBERS)
    assert sorted(NUMBERS.values()) == list(range(len(NUMBERS)))


def test_a_new_life_is_a_restart_and_a_beat_is_none(stage: Rehearsal) -> None:
    numbers = itertools.count(1)

    def beat(session: str, boot: int) -> None:
        status = Status("dome", State.READY, session, boot, next(numbers), at=1.0, dropped=7)
        stage.bus.route(Parcel(TOPICS.status("dome"), encode_status(status), retain=True))  # type: ignore[attr-defined]

    beat("one", 1)
    with Seen(stage) as seen:
        seen.until("pyros_agent_beats_total", 1, agent="dome")
        beat("one", 1)
        seen.until("pyros_agent_beats_total", 2, agent="dome")
        assert seen.look.value("pyros_agent_restarts_total", agent="dome") == 0
        beat("two", 2000)
        seen.until("pyros_agent_restarts_total", 1, agent="dome")
        assert seen.look.value("pyros_agent_dropped_samples_total", agent="dome") == 7
        assert seen.look.value("pyros_agent_start_timestamp_seconds", agent="dome") == 2


def test_what_an_agent_understands_is_shown_before_anybody_asks_for_it(stage: Rehearsal) -> None:
    stage.start(Weather("weather", bus=stage.bus, settings=stage.settings))
    with Seen(stage) as seen:
        ended = "pyros_commands_ended_total"
        seen.until(ended, 0, agent="weather", message="fail", outcome="failed")
        assert seen.look.value(ended, agent="weather", message="-", outcome="rejected") == 0
        assert seen.look.value("pyros_commands_total", agent="weather") == 0


def test_commands_are_counted_by_their_ends(stage: Rehearsal) -> None:
    stage.start(Weather("weather", bus=stage.bus, settings=stage.settings))
    with Seen(stage) as seen:
        stage.ask("weather", "measure", wind=1.0)
        with pytest.raises(Failed):
            stage.ask("weather", "fail")
        ended = "pyros_commands_ended_total"
        seen.until(ended, 1, agent="weather", message="measure", outcome="done")
        seen.until(ended, 1, agent="weather", message="fail", outcome="failed")
        look = seen.look
        assert look.value("pyros_commands_total", agent="weather") == 2
        assert look.value("pyros_commands_accepted_total", agent="weather") == 2
        assert look.value("pyros_command_answer_seconds_count", agent="weather") == 2
        assert look.value("pyros_command_seconds_count", message="measure") == 1


def test_values_of_chosen_channels_are_shown_with_their_units(stage: Rehearsal) -> None:
    stage.start(Weather("weather", bus=stage.bus, settings=stage.settings))
    with Seen(stage, "weather/*") as seen:
        stage.ask("weather", "measure", wind=12.5)
        seen.until("pyros_channel_value", 12.5, channel="wind", field="", unit="km.h**-1")
        seen.until("pyros_channel_value", 0.25, channel="sky", field="clouds")
        look = seen.look
        assert look.value("pyros_channel_value", channel="sky", field="rain") == 1
        assert look.value("pyros_channel_value", channel="sky", field="note") is None
        assert look.value("pyros_channel_values_without_series_total") == 1
        assert look.value("pyros_channel_samples_total", channel="wind") == 1


def test_alarms_are_counted_and_named(stage: Rehearsal) -> None:
    wind = Alarm("wind", "alarms", "weather", AlarmState.RAISED, Severity.SERIOUS, "it blows", 2.0)
    with Seen(stage) as seen:
        assert seen.look.value("pyros_alarms", severity="serious", state="raised") == 0
        parcel = Parcel(TOPICS.alarm("alarms", "wind"), encode_alarm(wind), retain=True)
        stage.bus.route(parcel)  # type: ignore[attr-defined]
        seen.until("pyros_alarms", 1, severity="serious", state="raised")
        assert seen.look.value("pyros_alarm", alarm="wind", agent="alarms", state="raised") == 1


def test_a_bridge_says_nothing_on_the_bus(stage: Rehearsal) -> None:
    heard: list[str] = []
    ear = stage.bus.transport("ear")
    ear.subscribe("#", lambda delivery: heard.append(delivery.topic))
    up = threading.Event()
    ear.on_state(lambda _up: up.set())
    ear.open()
    assert up.wait(10)
    with Seen(stage, "weather/*"):
        pass
    ear.close()
    assert heard == []


def test_one_who_writes_nonsense_does_not_spoil_the_numbers_of_the_others(
    stage: Rehearsal,
) -> None:
    huge = b"9" * 309
    bad = b"\\ud800\\u0000"
    at = b'"at":"2026-11-22T20:14:31.400Z"'
    start = b'{"agent":"a","state":"ready","session":"x","host":"%b","version":"%b\\n",' % (
        bad,
        bad,
    )
    hostile = {
        "a/status": start + b'"boot":1,"seq":1,"waiting":%b,"dropped":%b}' % (huge, huge),
        "a/about": b'{"agent":"a","messages":{"m%b":{}},"telemetry":{"w":{"unit":"u%b"}}}'
        % (bad, bad),
        "a/telemetry/w": b'{"t":1e9,"v":{"f\\ud800":1,"f\\ud801":2}}',
        "a/telemetry/not a channel": b"1",
        "a/outbox/ops": b'{"id":"1","message":"q%b","agent":"a","state":"done",%b}' % (bad, at),
        f"a/outbox/{'x' * 99}": b'{"id":"1","message":"q","agent":"a","state":"done",%b}' % at,
        "a/alarm/w\n": b'{"state":"raised","severity":"serious","text":"%b",%b}' % (bad, at),
        "b/status": b"ready",
    }
    with Seen(stage, "*/*") as seen:
        for topic, payload in hostile.items():
            stage.bus.route(Parcel(f"pyros/{topic}", payload))  # type: ignore[attr-defined]
        seen.until("pyros_agent_state_number", NUMBERS["ready"], agent="b")
        seen.until("pyros_agent_state_number", NUMBERS["ready"], agent="a")
        seen.until("pyros_commands_ended_total", 1, agent="a", message="q??", outcome="done")
        seen.until("pyros_unreadable_total", 1, agent="a")
        seen.until("pyros_channel_value", 2, agent="a", field="f?", unit="u??")
        look = seen.look
        assert look.value("pyros_agent_waiting", agent="a") is None
        assert look.value("pyros_agent_waiting", agent="b") == 0
        assert {one["channel"] for one in look.labels("pyros_channel_value")} == {"w"}


# -- the parts, by hand -----------------------------------------------------------------------


class Ledger:
    """Commands by hand, and what was counted of them."""

    def __init__(self) -> None:
        self.now = 100.0
        self.registry = Registry()
        self.commands = Commands(self.registry, lambda: self.now)

    def send(self, number: str = "1", agent: str = "dome") -> None:
        command = Command(agent, "open", id=number, sender="ops")
        self.commands.hear(Passing(0.0, agent, "ops", command))

    def tell(
        self, state: Outcome, at: float = 0.0, agent: str = "dome", message: str = "open"
    ) -> None:
        report = Report("1", message, agent, state, at)
        self.commands.hear(Passing(0.0, agent, "ops", report))

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


def test_what_comes_twice_counts_once() -> None:
    ledger = Ledger()
    for _ in range(2):
        ledger.send()
        ledger.tell(Outcome.ACCEPTED)
    for _ in range(2):
        ledger.tell(Outcome.DONE)
        ledger.send()
    assert ledger.value("pyros_commands_total", agent="dome") == 1
    assert ledger.value("pyros_commands_accepted_total", agent="dome") == 1
    ended = {"agent": "dome", "message": "open", "outcome": "done"}
    assert ledger.value("pyros_commands_ended_total", **ended) == 1


def test_commands_without_an_id_all_count() -> None:
    ledger = Ledger()
    ledger.send("")
    ledger.send("")
    assert ledger.value("pyros_commands_total", agent="dome") == 2


def test_an_answer_is_timed_here_and_a_command_by_its_agent() -> None:
    ledger = Ledger()
    ledger.send()
    ledger.now += 0.3
    ledger.tell(Outcome.ACCEPTED, 5000.0)
    ledger.now += 100
    ledger.tell(Outcome.RUNNING, 5001.0)
    ledger.tell(Outcome.DONE, 5007.0)
    answer = ledger.value("pyros_command_answer_seconds_sum", agent="dome")
    assert answer == pytest.approx(0.3)
    assert ledger.value("pyros_command_seconds_sum", agent="dome", message="open") == 7.0


def test_words_that_were_never_accepted_make_no_series() -> None:
    ledger = Ledger()
    ledger.tell(Outcome.REJECTED, message="whatever somebody has typed")
    ended = {"agent": "dome", "message": "-", "outcome": "rejected"}
    assert ledger.value("pyros_commands_ended_total", **ended) == 1


def test_what_cannot_be_read_is_counted() -> None:
    ledger = Ledger()
    ledger.commands.hear(Passing(0.0, "dome", "ops", "no JSON"))
    assert ledger.value("pyros_unreadable_total", agent="dome") == 1


def test_agents_beyond_the_bound_share_a_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_AGENTS", 2)
    ledger = Ledger()
    for agent in ("a", "b", "c", "d", "a"):
        ledger.send(agent, agent)
    assert ledger.value("pyros_commands_total", agent="other") == 2
    (family,) = ledger.commands.collect()
    assert family.samples[0].value == 2


def test_messages_beyond_the_bound_share_a_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_MESSAGES", 1)
    ledger = Ledger()
    ledger.tell(Outcome.DONE, agent="a")
    ledger.tell(Outcome.DONE, agent="b")
    ended = {"agent": "b", "message": "other", "outcome": "done"}
    assert ledger.value("pyros_commands_ended_total", **ended) == 1


def test_agents_without_series_are_counted(
    stage: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "MOST_AGENTS", 1)
    for name in ("a", "b", "c"):
        stage.bus.route(Parcel(TOPICS.status(name), b"ready", retain=True))  # type: ignore[attr-defined]
    with Seen(stage) as seen:
        seen.until("pyros_agents", 3)
        assert seen.look.value("pyros_agents_without_series") == 2
        assert [one["agent"] for one in seen.look.labels("pyros_agent_silent")] == ["a"]


class Ear:
    """Channels by hand."""

    def __init__(self, *patterns: str) -> None:
        self.now = 100.0
        self.bus = Loopback()
        self.channels = Channels(
            self.bus, TOPICS, patterns, lambda _agent: {}, clock=lambda: self.now
        )

    def hear(self, agent: str, channel: str, payload: bytes, *, retain: bool = False) -> None:
        self.channels.hear(Delivery(TOPICS.telemetry(agent, channel), payload, retain))

    def values(self) -> dict[tuple[str, str, str], float]:
        value = next(iter(self.channels.collect()))
        return {
            (one.labels["agent"], one.labels["channel"], one.labels["field"]): one.value
            for one in value.samples
        }

    @property
    def left_out(self) -> float:
        return list(self.channels.collect())[-1].samples[0].value


def test_the_latest_row_of_a_batch_is_shown() -> None:
    ear = Ear("*/*")
    ear.hear("dome", "azimuth", b'{"t": [1, 2], "v": [10, 20]}')
    assert ear.values() == {("dome", "azimuth", ""): 20.0}


def test_a_channel_that_was_not_chosen_is_passed_over() -> None:
    ear = Ear("weather/w*")
    ear.hear("weather", "wind", b"1")
    ear.hear("weather", "rain", b"1")
    ear.hear("dome", "wind", b"1")
    assert set(ear.values()) == {("weather", "wind", "")}


def test_a_missing_value_is_not_shown() -> None:
    ear = Ear("*/*")
    ear.hear("weather", "wind", b"1")
    ear.hear("weather", "wind", b'{"t": 2, "v": null, "q": "bad"}')
    assert ear.values() == {}
    assert ear.left_out == 0


def test_what_is_no_number_or_no_message_is_left_out() -> None:
    ear = Ear("*/*")
    for payload in (
        b'{"t": 1, "v": "windy"}',
        b"{nonsense",
        b'{"t": 1, "v": 1' + b"0" * 400 + b"}",
    ):
        ear.hear("weather", "wind", payload)
    assert ear.values() == {}
    assert ear.left_out == 1


def test_an_old_value_is_shown_no_more_and_leaves_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "MOST_SERIES", 2)
    ear = Ear("*/*")
    ear.hear("a", "wind", b"1")
    ear.hear("b", "wind", b"2")
    ear.hear("c", "wind", b"3")
    assert set(ear.values()) == {("a", "wind", ""), ("b", "wind", "")}
    assert ear.left_out == 1
    ear.now += channels.STALE + 1
    assert ear.values() == {}
    ear.hear("c", "wind", b"3")
    assert ear.values() == {("c", "wind", ""): 3.0}


def test_what_the_broker_has_kept_is_as_old_as_it_says() -> None:
    ear = Ear("*/*")
    ear.hear("weather", "wind", b'{"t": 1, "v": 1}', retain=True)
    assert ear.values() == {}


def test_what_was_kept_with_a_time_ahead_of_ours_is_no_value_of_now() -> None:
    ear = Ear("*/*")
    ear.hear("weather", "wind", b'{"t": 1e10, "v": 1}', retain=True)
    assert ear.values() == {}


def test_a_kept_scalar_is_no_value_of_now() -> None:
    ear = Ear("*/*")
    ear.hear("weather", "wind", b"1", retain=True)
    assert ear.values() == {}
    ear.hear("weather", "wind", b"2")
    ear.hear("weather", "wind", b"2", retain=True)
    assert ear.values() == {("weather", "wind", ""): 2.0}


def test_a_late_sample_does_not_hide_a_newer_one() -> None:
    ear = Ear("*/*")
    ear.hear("weather", "wind", b'{"t": 20, "v": 2}')
    ear.hear("weather", "wind", b'{"t": 10, "v": 1, "late": true}')
    assert ear.values() == {("weather", "wind", ""): 2.0}


def test_only_the_named_agents_are_listened_to() -> None:
    found = channels._subscriptions(TOPICS, ("weather/*", "weather/wind", "dome/azimuth"))
    assert found == {"pyros/weather/telemetry/+", "pyros/dome/telemetry/+"}
    assert channels._subscriptions(TOPICS, ("weather/*", "d?me/azimuth")) == {"pyros/+/telemetry/+"}
