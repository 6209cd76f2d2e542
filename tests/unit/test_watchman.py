"""The watchman on a bus in the process: from a measurement to a call, and over a restart."""

from __future__ import annotations

import contextlib
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from pyros_mqtt import Agent, Channel, Failed, State
from pyros_mqtt.alarms import Event, Memory, Notice
from pyros_mqtt.alarms.engine import Engine
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.messages import Alarm, AlarmState, Severity
from pyros_mqtt.settings import AlarmsTable, Settings
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Parcel
from pyros_mqtt.watchman import Watchman
from pyros_mqtt.watchman.line import Line
from pyros_mqtt.watchman.sending import NotToAll
from pyros_mqtt.watchman.showcase import Clock, Showcase
from pyros_mqtt.wire import decode_alarm, encode_alarm

WIND = {"about": "weather/wind", "severity": "serious", "above": 60, "dead_band": 5}
TOPICS = Topics("stage")


class Telephone:
    """A notifier of one's own, as `[alarms.notifier.NAME]` names it."""

    rung: list[Notice]
    lines: dict[str, Telephone]
    is_broken = False

    def __init__(self, number: str) -> None:
        Telephone.lines[number] = self
        self.rung = []
        self.on_ring: Callable[[], None] = lambda: None

    def send(self, notice: Notice) -> None:
        if self.is_broken:
            raise OSError("no dial tone")
        self.rung.append(notice)
        self.on_ring()


Telephone.lines = {}


class Weather(Agent):
    """Measures what it is told to."""

    channels = (Channel("wind", unit="km/h"),)

    def wind(self, speed: float) -> None:
        self.telemetry("wind", speed, "km/h")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyros_mqtt.watchman.watchman.SETTLE", 0.1)
    monkeypatch.setattr("pyros_mqtt.watchman.watchman.LOOK", 0.1)
    Telephone.lines.clear()


def settings(tmp_path: Path, rules: dict[str, Any], **alarms: Any) -> Settings:
    table = AlarmsTable.model_validate(
        {
            "rules": rules,
            "notify": ["phone"],
            "notifier": {
                "phone": {"class": "tests.unit.test_watchman:Telephone", "options": {"number": "1"}}
            },
            **alarms,
        }
    )
    return Settings(
        brokers=(), beat=0.2, root="stage", journal="memory", state_dir=tmp_path, alarms=table
    )


class Scene:
    """A stage with a weather station and a watchman."""

    def __init__(self, stage: Rehearsal, bus: Loopback) -> None:
        self.stage = stage
        self.bus = bus
        self.weather = stage.start(Weather(bus=bus, settings=stage.settings))
        self.watchman = self.begin()

    def begin(self) -> Watchman:
        self.watchman = self.stage.start(Watchman(bus=self.bus, settings=self.stage.settings))
        self.until(lambda: self.watchman._has_settled and self._knows_the_unit())
        return self.watchman

    def _knows_the_unit(self) -> bool:
        one = self.watchman._engine._watched.get("wind")
        return one is None or one.rule.unit == "km/h"

    def forget_alarms(self) -> None:
        """As a broker without a disk does that was started again."""
        for topic in [one for one in self.bus._retained if "/alarm/" in one]:
            del self.bus._retained[topic]

    def end(self) -> None:
        self.watchman.stop()
        assert self.watchman.join(10)

    def shown(self, name: str = "wind", agent: str = "alarms") -> Alarm | None:
        payload = self.bus.retained(TOPICS.alarm(agent, name))
        return decode_alarm(payload, agent, name) if payload else None

    def state(self, name: str = "wind") -> str:
        alarm = self.shown(name)
        return alarm.state.value if alarm else "normal"

    def blow(self, speed: float, until: str) -> None:
        self.weather.wind(speed)
        self.until(lambda: self.state() == until)

    def until(self, true: Callable[[], object]) -> None:
        self.stage.wait_until(true)

    @property
    def phone(self) -> Telephone:
        return Telephone.lines["1"]


@contextlib.contextmanager
def scene(tmp_path: Path, rules: dict[str, Any], **alarms: Any) -> Iterator[Scene]:
    bus = Loopback()
    with Rehearsal(bus, settings(tmp_path, rules, **alarms)) as stage:
        yield Scene(stage, bus)


def test_a_gust_is_shown_told_acknowledged_and_over(tmp_path: Path) -> None:
    with scene(tmp_path, {"wind": WIND}) as on:
        on.blow(72.4, until="raised")
        alarm = on.shown()
        assert alarm is not None
        assert (alarm.agent, alarm.about, alarm.unit) == ("alarms", "weather/wind", "km/h")
        on.until(lambda: on.phone.rung)
        assert on.phone.rung[0].subject.startswith("[serious] wind: weather/wind is 72.4 km/h")
        assert on.stage.ask("alarms", "acknowledge", alarm="wind", by="guide") == "acknowledged"
        assert on.stage.ask("alarms", "acknowledge", alarm="wind", by="guide") == "acknowledged"
        on.blow(30, until="normal")
        assert len(on.phone.rung) == 1


def test_who_acknowledges_is_the_sender_if_nobody_else_is_named(tmp_path: Path) -> None:
    with scene(tmp_path, {"wind": WIND}) as on:
        on.blow(70, until="raised")
        on.stage.ask("alarms", "acknowledge", alarm="wind")
        on.until(lambda: on.state() == "acknowledged")
        alarm = on.shown()
        assert alarm is not None
        assert alarm.by == "rehearsal"


def test_a_shelf_takes_an_alarm_away_for_its_time(tmp_path: Path) -> None:
    with scene(tmp_path, {"wind": WIND}, longest_shelf=3600) as on:
        with pytest.raises(Failed, match="at most 3600 s"):
            on.stage.ask("alarms", "shelve", alarm="wind", minutes=61)
        assert on.stage.ask("alarms", "shelve", alarm="wind", minutes=30, by="guide") == "shelved"
        on.weather.wind(80)
        on.until(lambda: on.watchman._engine._watched["wind"].case.is_up)
        alarm = on.shown()
        assert alarm is not None
        assert (alarm.state.value, alarm.by) == ("shelved", "guide")
        assert on.stage.ask("alarms", "unshelve", alarm="wind") == "raised"


def test_an_unknown_alarm_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with scene(tmp_path, {"wind": WIND}) as on, pytest.raises(Failed, match="did you mean 'wind'"):
        on.stage.ask("alarms", "acknowledge", alarm="winds")


@pytest.mark.parametrize("broker_forgets", [False, True])
def test_a_restart_forgets_no_acknowledgement(tmp_path: Path, *, broker_forgets: bool) -> None:
    rules = {"wind": WIND, "gust": {**WIND, "above": 65}}
    with scene(tmp_path, rules) as on:
        on.blow(72, until="raised")
        on.stage.ask("alarms", "acknowledge", alarm="wind", by="guide")
        on.until(lambda: on.state() == "acknowledged" and on.phone.rung)
        before = on.shown()
        on.end()
        if broker_forgets:
            on.forget_alarms()
        on.begin()
        on.until(lambda: on.shown() == before)
        assert on.state("gust") == "raised"
        assert on.phone.rung == []
        on.blow(71, until="acknowledged")
        on.blow(20, until="normal")
        on.until(lambda: on.state("gust") == "cleared")


def test_alarms_that_cannot_be_read_are_told_and_keep_no_rule_from_being_watched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Alarm("gust", "alarms", "x", AlarmState.RAISED, Severity.WARNING, "it was", 1.0, 1.0)
    bus = Loopback()
    bus.route(Parcel(TOPICS.alarm("alarms", "gust"), encode_alarm(kept), retain=True))
    file = tmp_path / "alarms" / f"{TOPICS.client_id('alarms')}.jsonl"
    file.mkdir(parents=True)
    with Rehearsal(bus, settings(tmp_path, {"wind": WIND, "gust": WIND})) as stage:
        on = Scene(stage, bus)
        assert "the alarms of before cannot be read from the disk" in caplog.text
        on.until(lambda: stage.status("alarms").state is State.DEGRADED)
        assert str(file) in stage.status("alarms").detail
        assert on.state("gust") == "raised", "the broker has kept it"
        on.blow(90, until="raised")
        file.rmdir()
        stage.ask("alarms", "acknowledge", alarm="wind")
        on.until(lambda: stage.status("alarms").state is State.READY)


def test_what_fails_as_the_connection_comes_is_tried_again_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [KeyError("nobody has foreseen it")]
    remember = Showcase.remember

    def fail_once(self: Showcase, kept: dict[str, Alarm | None]) -> None:
        if failures:
            raise failures.pop()
        remember(self, kept)

    monkeypatch.setattr(Showcase, "remember", fail_once)
    kept = Alarm("wind", "alarms", "x", AlarmState.ACKNOWLEDGED, Severity.WARNING, "", 1.0, 1.0)
    bus = Loopback()
    bus.route(Parcel(TOPICS.alarm("alarms", "wind"), encode_alarm(kept), retain=True))
    with Rehearsal(bus, settings(tmp_path, {"wind": WIND, "gust": WIND})) as stage:
        on = Scene(stage, bus)
        on.weather.wind(90)
        on.until(lambda: on.state("gust") == "raised")
        assert on.state("wind") == "acknowledged"


@pytest.mark.parametrize("is_set_meanwhile", [False, True])
def test_a_clock_hours_behind_at_the_start_puts_off_no_escalation_and_no_end_of_a_shelf(
    tmp_path: Path, *, is_set_meanwhile: bool
) -> None:
    table = AlarmsTable.model_validate(
        {"rules": {"wind": WIND, "gust": WIND}, "escalate_after": 300}
    )
    engine, clock, hours = Engine(table), Clock(), 7200.0
    true_time = time.time() + (0 if is_set_meanwhile else hours)
    clock._epoch = true_time - hours - time.monotonic()
    memory = Memory(tmp_path / "alarms.jsonl", "alarms")
    raised = Alarm(
        "wind", "alarms", "x", AlarmState.RAISED, Severity.SERIOUS, "", true_time - 100,
        raised_at=true_time - 100,
    )  # fmt: skip
    shelf = replace(raised, alarm="gust", state=AlarmState.SHELVED, until=true_time + 200)
    memory.save([raised, shelf])
    Showcase(engine, memory, lambda *_: None, clock, lambda _: None).remember({})
    assert engine.tick(clock.now() + 150) == []
    events = {one.alarm.alarm: one.event for one in engine.tick(clock.now() + 310)}
    assert events == {"wind": Event.ESCALATED, "gust": Event.NORMAL}


def test_an_alarm_whose_rule_has_gone_is_taken_away(tmp_path: Path) -> None:
    bus = Loopback()
    topic = TOPICS.alarm("alarms", "old")
    old = Alarm("old", "alarms", "x", AlarmState.RAISED, Severity.WARNING, "it was", 1.0, 1.0)
    bus.route(Parcel(topic, encode_alarm(old), retain=True))
    with Rehearsal(bus, settings(tmp_path, {"wind": WIND})) as stage:
        on = Scene(stage, bus)
        on.until(lambda: not bus.retained(topic))


@pytest.mark.parametrize("which", ["_ear", "_fleet"])
def test_a_lost_connection_is_no_missing_news(tmp_path: Path, which: str) -> None:
    rules = {
        "missing": {"about": "weather/wind", "severity": "warning", "missing": 1.0},
        "silent": {"about": "weather", "severity": "warning", "silent": 1.0},
        "wind": {**WIND, "above": 0},
    }
    with scene(tmp_path, rules) as on:
        on.blow(72, until="raised")
        before = {name: on.state(name) for name in rules}
        client = getattr(on.watchman, which)._transport
        on.bus.cut(client.client_id)
        on.until(lambda: on.stage.status("alarms").state is State.DEGRADED)
        assert "no rule can be judged" in on.stage.status("alarms").detail
        assert {name: on.state(name) for name in rules} == before
        on.forget_alarms()
        mended = on.watchman._clock.now()
        on.bus.mend(client)
        on.until(lambda: on.state() == "raised")  # it is said again
        assert (on.watchman._engine._sighted or 0.0) >= mended - 0.5
        on.until(lambda: on.stage.status("alarms").state is State.READY)
        on.until(lambda: on.state("missing") == "raised")  # now it is


def test_a_scalar_that_the_broker_has_kept_clears_no_missing_alarm(tmp_path: Path) -> None:
    bus = Loopback()
    bus.route(Parcel(TOPICS.telemetry("weather", "rain"), b"12.3", retain=True))
    rule = {"about": "weather/rain", "severity": "warning", "missing": 0.5}
    with Rehearsal(bus, settings(tmp_path, {"missing": rule})) as stage:
        on = Scene(stage, bus)
        on.until(lambda: on.state("missing") == "raised")
        alarm = on.shown("missing")
        assert alarm is not None
        assert "it was 12.3" in alarm.text
        client = on.watchman._ear._transport
        on.bus.cut(client.client_id)  # type: ignore[attr-defined]
        on.until(lambda: on.watchman._ear.up_since is None)
        on.bus.mend(client)  # type: ignore[arg-type]
        on.until(lambda: on.watchman._connections == 2)
        said = on.stage.ask("alarms", "acknowledge", alarm="missing")
        assert said == "acknowledged", "and not over"


def test_nobody_answers_so_the_next_group_is_called(tmp_path: Path) -> None:
    with scene(tmp_path, {"wind": {**WIND, "escalate_after": 0.3}}) as on:
        on.weather.wind(70)
        on.until(lambda: len(on.phone.rung) >= 3)
        assert [one.alarm.escalated for one in on.phone.rung[:3]] == [0, 1, 2]


def test_an_alarm_of_another_agent_is_told_too(tmp_path: Path) -> None:
    stuck = Alarm("stuck", "dome", "dome", AlarmState.RAISED, Severity.CRITICAL, "stuck", 5.0, 5.0)
    with scene(tmp_path, {"wind": WIND}) as on:
        on.bus.route(Parcel(TOPICS.alarm("dome", "stuck"), encode_alarm(stuck), retain=True))
        on.until(lambda: on.phone.rung)
        assert on.phone.rung[0].alarm == stuck


def test_nobody_is_called_for_an_alarm_that_ended_while_the_watchman_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.hearsay.GRACE", 0.3)
    stuck = Alarm("stuck", "dome", "dome", AlarmState.RAISED, Severity.CRITICAL, "stuck", 5.0, 5.0)
    topic = TOPICS.alarm("dome", "stuck")
    with scene(tmp_path, {"wind": WIND}, escalate_after=0.2) as on:
        on.bus.route(Parcel(topic, encode_alarm(stuck), retain=True))
        on.until(lambda: len(on.phone.rung) >= 2)
        client = on.watchman._ear._transport
        on.bus.cut(client.client_id)  # type: ignore[attr-defined]
        on.until(lambda: on.watchman._ear.up_since is None)
        on.bus.route(Parcel(topic, b"", retain=True))
        on.bus.mend(client)  # type: ignore[arg-type]
        others = on.watchman._calls._others
        assert others is not None
        on.until(lambda: not others._followed)


@pytest.mark.parametrize(
    ("payload", "severity"),
    [
        (b"raised", Severity.CRITICAL),
        (b'{"state": "raised", "value": NaN}', Severity.SERIOUS),
        (b'{"state": "raised", "severity": "awful", "raised_at": 5}', Severity.SERIOUS),
    ],
)
def test_people_are_called_for_an_alarm_that_cannot_be_read_in_full(
    tmp_path: Path, payload: bytes, severity: Severity
) -> None:
    with scene(tmp_path, {"wind": WIND}) as on:
        on.bus.route(Parcel(TOPICS.alarm("dome", "stuck"), payload, retain=True))
        on.until(lambda: on.phone.rung)
        told = on.phone.rung[0].alarm
        assert (told.alarm, told.severity) == ("stuck", severity)
        assert abs(time.time() - told.at) < 60


def test_what_cannot_be_sent_is_shown_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.watchman.line.PAUSES", (0.05,))
    with scene(tmp_path, {"wind": WIND}) as on:
        on.phone.is_broken = True
        on.blow(70, until="raised")
        on.until(lambda: on.stage.status("alarms").state is State.DEGRADED)
        assert "phone: not sent: no dial tone" in on.stage.status("alarms").detail
        on.stage.ask("alarms", "acknowledge", alarm="wind")
        on.phone.is_broken = False
        on.until(lambda: on.phone.rung)
        on.until(lambda: on.stage.status("alarms").state is State.READY)


def test_nonsense_on_the_bus_stops_nothing(tmp_path: Path) -> None:
    with scene(tmp_path, {"wind": WIND}) as on:
        for payload in (b"\xff", b"{}", b'{"state": "raised", "agent": "other"}', b"[1]"):
            on.bus.route(Parcel(TOPICS.telemetry("weather", "wind"), payload))
            on.bus.route(Parcel(TOPICS.alarm("dome", "stuck"), payload))
        on.blow(70, until="raised")
        assert on.stage.status("alarms").state is State.READY


def test_without_rules_there_is_nothing_to_watch(tmp_path: Path) -> None:
    plain = Settings(brokers=(), root="stage", state_dir=tmp_path)
    with pytest.raises(SettingsError, match="write a table such as"):
        Watchman(bus=Loopback(), settings=plain)


def test_a_notifier_that_is_not_there_is_told_with_its_place(tmp_path: Path) -> None:
    bad = {"phone": {"class": "nowhere:Nobody"}}
    with pytest.raises(SettingsError, match=r"alarms\.notifier\.phone: class = 'nowhere:Nobody'"):
        Watchman(bus=Loopback(), settings=settings(tmp_path, {"wind": WIND}, notifier=bad))


def test_a_program_that_is_not_there_is_told_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    siren = {"siren": {"command": ["/bin/nonexistent", "now"]}}
    with scene(tmp_path, {"wind": WIND}, command=siren):
        told = [one.getMessage() for one in caplog.records if "no program" in one.getMessage()]
    (problem,) = told
    assert problem.startswith("alarms.command.siren.command: '/bin/nonexistent' is no program")


class OnALine:
    """A notifier at the end of a line, which fails for some alarms; and what was told of it."""

    def __init__(self, failures: dict[str, list[Exception]]) -> None:
        self.tried: list[str] = []
        self.trouble: list[str] = []
        self._failures = failures
        self._news = threading.Condition()
        self.line = Line("mail", self, self.trouble.append)
        self._thread = threading.Thread(target=self.line.run)

    def send(self, notice: Notice) -> None:
        name = notice.alarm.alarm
        with self._news:
            self.tried.append(name)
            self._news.notify_all()
        if self._failures.get(name):
            raise self._failures[name].pop(0)

    def put(self, *names: str) -> None:
        for name in names:
            alarm = Alarm(name, "x", "x", AlarmState.RAISED, Severity.WARNING, "", 1.0)
            self.line.put(Notice(Event.RAISED, alarm, ("mail",)))

    def until_tried(self, *names: str) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.tried == [*names], 30), self.tried

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.line.end()
        self._thread.join(30)
        assert not self._thread.is_alive()


def test_what_waits_for_its_repetition_holds_up_nothing_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pyros_mqtt.watchman.line.PAUSES", (600.0,))
    with OnALine({"first": [OSError("no route")]}) as on:
        on.put("first", "second", "third")
        on.until_tried("first", "second", "third")
    assert (on.line.sent, on.line.dropped) == (2, 1)
    assert on.trouble == ["mail: not sent: no route"], "one still waits"


def test_what_is_refused_for_good_is_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyros_mqtt.watchman.line.PAUSES", (0.01,))
    dead = smtplib.SMTPRecipientsRefused({"a@x.example": (550, b"nobody here")})
    with OnALine({"first": [dead] * 9, "second": [OSError("no route")]}) as on:
        on.put("first")
        on.until_tried("first")
        on.put("second")
        on.until_tried("first", "second", "second")
    assert (on.line.sent, on.line.dropped) == (1, 1)
    assert on.trouble == [
        "mail: not sent: a@x.example was refused: 550 nobody here",
        "mail: not sent: no route",
        "",
    ]


def test_who_has_got_a_notice_does_not_get_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyros_mqtt.watchman.line.PAUSES", (0.01,))
    others = Telephone("2")
    some = NotToAll("a has gone, b is away", lasting="a has gone", rest=others)
    with OnALine({"first": [some], "second": [NotToAll("a has gone", lasting="a has gone")]}) as on:
        others.on_ring = lambda: on.put("second")
        on.put("first")
        on.until_tried("first", "second")
    assert [one.alarm.alarm for one in others.rung] == ["first"]
    assert (on.line.sent, on.line.dropped) == (2, 0)
    assert on.trouble == [
        "mail: not sent to everybody: a has gone, b is away",
        "mail: not sent to everybody: a has gone",
        "mail: not sent to everybody: a has gone",
    ]


def test_a_full_line_drops_the_oldest_and_never_waits() -> None:
    gate, sent = threading.Event(), list[str]()

    class Slow:
        def send(self, notice: Notice) -> None:
            gate.wait(10)
            sent.append(notice.alarm.alarm)

    line = Line("slow", Slow(), lambda _: None)
    thread = threading.Thread(target=line.run)
    thread.start()
    for i in range(150):
        alarm = Alarm(f"a{i}", "x", "x", AlarmState.RAISED, Severity.WARNING, "", 1.0)
        line.put(Notice(Event.RAISED, alarm, ("slow",)))
    gate.set()
    line.end()
    thread.join(10)
    assert not thread.is_alive()
    assert (sent[-1], line.dropped) == ("a149", 150 - len(sent))
    assert 99 <= len(sent) <= 101
