"""Alarms with a real broker and real processes: `pyros up`, `pyros alarms`, mail and web."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.topics import Topics
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.pyros_command import Pyros, until
from tests.system.sinks import MailSink, WebSink
from tests.system.test_cli_views import publish

RULES = """
[alarms]
notify = ["night", "all"]
escalate_after = {escalate_after}

[alarms.groups]
all = ["night", "chat"]

[alarms.email.night]
to = "night@observatory.example"
server = "127.0.0.1"
port = {mail}
timeout = 5

[alarms.webhook.chat]
url = "http://127.0.0.1:{web}/hook"

[alarms.rules.wind]
about = "weather/wind"
severity = "serious"
above = 60
dead_band = 5
unit = "km/h"
text = "Close the dome"

[alarms.rules.weather_silent]
about = "weather"
severity = "critical"
silent = 600
"""

AGENT = """
[agents.barebones]
class = "pyros_agents.barebones:Barebones"
"""


class Watch:
    """A folder with rules, and what the sinks have got."""

    def __init__(
        self, pyros: Pyros, url: BrokerUrl, root: str, mail: MailSink, web: WebSink
    ) -> None:
        self.pyros = pyros
        self.url = url
        self.topics = Topics(root)
        self.mail = mail
        self.web = web

    def write(self, escalate_after: float = 0, more: str = "") -> None:
        rules = RULES.format(mail=self.mail.port, web=self.web.port, escalate_after=escalate_after)
        (self.pyros.folder / "pyros.toml").write_text(rules + more)

    def blow(self, speed: float) -> None:
        publish(
            self.url, self.topics.telemetry("weather", "wind"), str(speed).encode(), retain=False
        )

    def alarms(self) -> dict[str, dict[str, Any]]:
        return {one["alarm"]: one for one in json.loads(self.pyros("alarms", "--json").out)}

    def state(self, name: str = "wind") -> str:
        return str(self.alarms().get(name, {}).get("state", "normal"))


@pytest.fixture
def watch(pyros: Pyros, mosquitto_url: BrokerUrl, topic_root: str) -> Iterator[Watch]:
    with MailSink() as mail, WebSink() as web:
        one = Watch(pyros, mosquitto_url, topic_root, mail, web)
        one.write()
        yield one


@contextlib.contextmanager
def running(pyros: Pyros) -> Iterator[Any]:
    with pyros.running("alarms", "run") as agent:
        agent.until("ready")
        yield agent


def test_from_the_first_gust_to_the_last_word(watch: Watch) -> None:
    pyros = watch.pyros
    with running(pyros) as agent:
        assert pyros("alarms").out.startswith("No alarm under ")
        watch.blow(72.4)
        agent.until("wind raised")
        until(lambda: watch.mail.received)
        mail = watch.mail.received[0]
        assert mail["Subject"].startswith("[serious] wind: Close the dome: weather/wind is 72.4")
        shown = pyros("alarms")
        assert (shown.code, shown.is_plain()) == (1, True)
        header, row = shown.out.splitlines()
        assert header.split() == ["ALARM", "STATE", "SEVERITY", "AGE", "TEXT"]
        assert row.split()[:3] == ["wind", "raised", "serious"]
        assert "is 72.4 km/h, above 60 km/h, since " in row
        done = pyros("alarms", "ack", "wind", "--by", "guide", "-m", "closed it")
        assert (done.code, done.out) == (0, "wind: acknowledged\n")
        shown = pyros("alarms")
        assert shown.code == 0
        assert "(by guide, closed it)" in shown.out
        watch.blow(57)
        watch.blow(40)
        agent.until("wind normal")
        assert pyros("alarms", "--json").out == "[]\n"
        assert len(watch.mail.received) == 1
        assert agent.end(signal.SIGTERM) == 0
    unwatched = pyros("alarms")
    assert unwatched.code == 1
    assert "nobody watches: alarms is stopped" in unwatched.err


def test_what_is_put_aside_is_shown_with_its_reason(watch: Watch) -> None:
    pyros = watch.pyros
    with running(pyros):
        done = pyros("alarms", "shelve", "wind", "--for", "2h", "--reason", "in repair")
        assert (done.code, done.out, done.err) == (0, "wind: shelved\n", "")
        row = pyros("alarms").out.splitlines()[1]
        assert "shelved until " in row
        assert "in repair" in row
        assert pyros("alarms", "unshelve", "wind").out == "wind: normal\n"


def test_what_cannot_be_done_is_told(watch: Watch) -> None:
    pyros = watch.pyros
    for time in ("soon", "2"):
        assert pyros("alarms", "shelve", "wind", "--for", time).code == 2
    assert pyros("alarms", "ack").code == 2
    nobody = pyros("alarms", "shelve", "wind", "--for", "5m")
    assert (nobody.code, "nobody listens" in nobody.err) == (3, True)
    with running(pyros):
        unknown = pyros("alarms", "shelve", "wnd", "--for", "5m")
        assert unknown.code == 1
        assert "did you mean 'wind'?" in unknown.err
        long = pyros("alarms", "shelve", "wind", "--for", "3d")
        assert "at most 86400 s" in long.err
        nothing = pyros("alarms", "ack", "wind")
        assert (nothing.code, "there is no alarm 'wind' now" in nothing.err) == (3, True)


def test_kill_minus_9_forgets_no_acknowledgement(watch: Watch) -> None:
    with running(watch.pyros) as agent:
        watch.blow(72.4)
        agent.until("wind raised")
        assert watch.pyros("alarms", "ack", "--all", "--by", "guide").code == 0
        before = watch.alarms()["wind"]
        assert (before["state"], before["by"]) == ("acknowledged", "guide")
        agent.end(signal.SIGKILL)
    with running(watch.pyros) as agent:
        watch.blow(71)
        assert watch.alarms()["wind"] == before
        watch.blow(20)
        agent.until("wind normal")
    assert len(watch.mail.received) == 1


def test_a_broker_that_forgets_everything_is_told_again(tmp_path: Path, watch: Watch) -> None:
    with OwnMosquitto(tmp_path) as broker:
        watch.url = broker.url
        watch.pyros.variables["PYROS_BROKERS"] = str(broker.url)
        with running(watch.pyros) as agent:
            watch.blow(72.4)
            agent.until("wind raised")
            broker.kill()
            agent.until("connection is lost")
            broker.start()
            agent.until("connected")
            until(lambda: watch.state() == "raised")
            assert watch.state("weather_silent") == "normal"
        assert len(watch.mail.received) == 1


def test_nobody_answers_so_more_are_told(watch: Watch) -> None:
    watch.write(escalate_after=0.5)
    with running(watch.pyros) as agent:
        watch.blow(72.4)
        agent.until("wind escalated")
        until(lambda: watch.web.received)
        _, body = watch.web.received[0]
        assert (body["alarm"], body["event"], body["escalated"]) == ("wind", "escalated", 1)
        assert watch.pyros("alarms", "ack", "wind").code == 0


def test_pyros_up_runs_the_watchman_where_there_are_rules(watch: Watch) -> None:
    watch.write(more=AGENT)
    with watch.pyros.running("up") as everyone:
        everyone.until("Starting barebones, alarms")
        everyone.until("All are ready", timeout=40)
        watch.blow(72.4)
        everyone.until("alarms .*wind raised")
        assert everyone.end() == 0


def test_rules_are_checked_before_they_run(watch: Watch) -> None:
    pyros, file = watch.pyros, watch.pyros.folder / "pyros.toml"
    assert pyros("alarms", "check").out == "All is well with 2 rules, 2 notifiers\n"
    file.write_text('[alarms.rules.wind]\nabout = "weather/wind"\nseverity = "serious"\nabov = 6\n')
    done = pyros("alarms", "check")
    assert done.code == 1
    assert f"{file}: alarms.rules.wind.abov: unknown key; did you mean 'above'?" in done.err
    assert pyros("alarms", "run").code == 2
    file.write_text(
        '[alarms.rules.wind]\nabout = "weather/wind"\nseverity = "serious"\nabove = 6\n'
        '[alarms.command.siren]\ncommand = ["/bin/nonexistent"]\n'
        '[alarms]\nnotify = "siren"\n'
    )
    done = pyros("alarms", "check")
    assert done.code == 1
    assert "alarms.command.siren.command: '/bin/nonexistent' is no program" in done.err


def test_rules_are_compared_with_what_the_agents_measure(watch: Watch, barebones: str) -> None:
    rules = f"""
[alarms.rules.a]
about = "{barebones}/uptim"
severity = "warning"
above = 1
[alarms.rules.b]
about = "bearbones"
severity = "warning"
silent = 60
"""
    (watch.pyros.folder / "pyros.toml").write_text(rules)
    assert watch.pyros("alarms", "check").code == 0
    done = watch.pyros("alarms", "check", "--live")
    assert done.code == 1
    assert f"alarms.rules.a: {barebones} has no channel 'uptim'; " in done.err
    assert f"alarms.rules.b: no agent 'bearbones' is on the bus; did you mean {barebones!r}" in (
        done.err
    )


def test_a_recorded_night_is_judged_faster_than_it_went(watch: Watch) -> None:
    watch.write(escalate_after=300)
    lines: list[dict[str, Any]] = []
    for second in range(0, 36_000, 10):
        speed = 70 if 7200 <= second < 7800 or second == 20_000 else 30
        at = 1_763_841_600 + second
        lines.append({"at": at, "agent": "weather", "channel": "wind", "payload": speed})
    beat = {"state": "ready", "session": "s", "boot": 1, "beat": 5}
    words = [
        {"at": one["at"], "agent": "weather", "payload": {**beat, "seq": i + 1}}
        for i, one in enumerate(lines)
        if one["at"] < 1_763_841_600 + 30_000
    ]
    night = sorted([*lines, *words], key=lambda one: one["at"])
    text = "\n".join(json.dumps(one) for one in night)
    (watch.pyros.folder / "night.jsonl").write_text(text)
    done = watch.pyros("alarms", "test", "--from", "night.jsonl")
    assert done.code == 0
    said = done.out.splitlines()
    assert said[0].startswith("22:00:00Z wind raised (serious): Close the dome: weather/wind is 70")
    assert said[1] == "22:10:00Z wind cleared after 10 min"
    assert said[2].startswith("01:33:20Z wind raised")
    assert "weather_silent raised (critical)" in said[4]
    table = json.loads(watch.pyros("alarms", "test", "--from", "night.jsonl", "--json").out)
    assert table["alarms"]["wind"]["raised"] == 2
    assert table["alarms"]["wind"]["up_for"] == 610
    assert table["heard"] == len(night)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nonsense", "line 2: "),
        ('{"at": 3, "agent": "weather"}', "line 2: 'payload'"),
        ('{"at": 1, "agent": "weather", "channel": "wind", "payload": 3}', "is before that"),
    ],
)
def test_a_night_that_cannot_be_read_names_its_line(watch: Watch, line: str, told: str) -> None:
    first = '{"at": 2, "agent": "weather", "channel": "wind", "payload": 3}'
    (watch.pyros.folder / "night.jsonl").write_text(f"{first}\n{line}\n")
    done = watch.pyros("alarms", "test", "--from", "night.jsonl")
    assert (done.code, told in done.err) == (2, True)


def test_a_night_has_to_be_named(watch: Watch) -> None:
    assert watch.pyros("alarms", "test", "--from", "nowhere").code == 2
    assert watch.pyros("alarms", "test").code == 2
