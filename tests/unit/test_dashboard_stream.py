"""One browser, without a browser: it gets the newest state at its own pace."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from starlette.requests import Request
from starlette.websockets import WebSocket

from pyros_mqtt.dashboard import live, measures, stream
from pyros_mqtt.dashboard.answers import as_text
from pyros_mqtt.dashboard.ear import ALARMS, POINTINGS
from pyros_mqtt.dashboard.queries import Queries
from pyros_mqtt.dashboard.stream import BadWish, Pages, Viewer
from pyros_mqtt.dashboard.watch import Watch
from pyros_mqtt.loopback import Loopback, LoopbackTransport
from pyros_mqtt.messages import State, Status
from pyros_mqtt.settings import Settings
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Parcel
from pyros_mqtt.wire import encode_status

TOPICS = Topics("test")


class Stage:
    """A bus, a watch on it, and a voice that says anything."""

    def __init__(self) -> None:
        self.bus = Loopback()
        self.watch = Watch(self.bus, Settings(root="test"))
        self.voice = self.bus.transport("voice")
        self.watch.open()
        self.voice.open()
        self.until(lambda: self.watch.broker()["up"])
        self.pages = Pages(self.watch)
        self.loop = asyncio.Runner()

    def viewer(self) -> Viewer:
        return Viewer(self.watch, self.pages, {"root": "test"})

    def frame(self, viewer: Viewer, *, ack: bool = True) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.loop.run(viewer.next_frame()))
        if ack:
            viewer.hear(json.dumps({"ack": told["n"]}))
        return told

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.voice.publish(Parcel(topic, payload, retain=retain))

    def claim(self, agent: str, state: str, seq: int = 1) -> None:
        status = Status(agent, State(state), session="s", boot=1, seq=seq, at=time.time())
        self.say(TOPICS.status(agent), encode_status(status), retain=True)

    def until(self, is_true: Any, timeout: float = 30.0) -> None:
        deadline = time.monotonic() + timeout
        while not is_true():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def shows(self, section: str, key: str) -> Any:
        return self.watch.board.get(section, key)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.watch.close()
    stage.voice.close()
    stage.loop.close()


def test_the_first_frame_says_everything_and_the_next_only_changes(stage: Stage) -> None:
    stage.claim("dome", "ready")
    stage.claim("camera", "ready")
    stage.until(lambda: stage.shows("agents", "dome") and stage.shows("agents", "camera"))
    viewer = stage.viewer()
    first = stage.frame(viewer)
    assert first["hello"] == {"root": "test"}
    assert first["broker"]["up"]
    assert set(first["board"]["sections"]["agents"]) == {"dome", "camera"}
    stage.claim("dome", "degraded", seq=2)
    stage.until(lambda: stage.shows("agents", "dome")["state"] == "degraded")
    second = stage.frame(viewer)
    assert "hello" not in second
    assert set(second["board"]["sections"]["agents"]) == {"dome"}


def test_nothing_is_made_for_a_browser_that_has_not_drawn_the_last_frame(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "DEAF", 0.2)
    viewer = stage.viewer()
    told = stage.frame(viewer, ack=False)
    with pytest.raises(TimeoutError):
        stage.frame(viewer)
    viewer.hear(json.dumps({"ack": told["n"] + 7}))  # of a frame that never was
    with pytest.raises(TimeoutError):
        stage.frame(viewer)


def test_a_browser_that_comes_back_late_gets_the_newest_state_once(stage: Stage) -> None:
    viewer = stage.viewer()
    told = stage.frame(viewer, ack=False)
    for seq in range(1, 60):
        stage.claim("dome", "degraded" if seq % 2 else "ready", seq=seq)
    stage.claim("dome", "fault", seq=99)
    stage.until(lambda: (stage.shows("agents", "dome") or {}).get("state") == "fault")
    viewer.hear(json.dumps({"ack": told["n"]}))
    assert stage.frame(viewer)["board"]["sections"]["agents"]["dome"]["state"] == "fault"


def test_a_quiet_bus_still_has_a_pulse(stage: Stage) -> None:
    viewer = stage.viewer()
    stage.frame(viewer)
    told = stage.frame(viewer)
    assert told["mono"] > 0


def test_plotted_series_and_the_values_of_one_agent_come_with_the_frames(stage: Stage) -> None:
    viewer = stage.viewer()
    viewer.hear('{"plots": ["weather/wind.gust"]}')
    viewer.hear('{"agent": "weather"}')
    stage.frame(viewer)
    now = time.time()
    stage.say(TOPICS.telemetry("weather", "wind"), b'{"t": %f, "v": {"gust": 3.5}}' % now)
    stage.say(TOPICS.telemetry("dome", "azimuth"), b"180")
    stage.until(lambda: len(stage.watch.ear.channels()) == 2)
    told = stage.frame(viewer)
    assert told["samples"]["weather/wind.gust"][1] == [3.5]
    assert told["values"]["agent"] == "weather"
    assert told["values"]["channels"]["wind"][1] == {"gust": 3.5}
    assert "samples" not in stage.frame(viewer)


def test_of_what_the_broker_has_kept_without_a_time_no_age_is_told(stage: Stage) -> None:
    stage.say(TOPICS.telemetry("weather", "wind"), b"12.3", retain=True)
    pointing = b'{"t": 5, "v": {"alt": 40.0, "az": 180.0}}'  # by no clock
    stage.say(TOPICS.telemetry("telescope", "pointing"), pointing, retain=True)
    stage.until(lambda: stage.bus.retained(TOPICS.telemetry("telescope", "pointing")))
    late = Watch(stage.bus, Settings(root="test"))  # to this one the broker has kept them
    late.open()
    try:
        stage.until(lambda: len(late.ear.channels()) == 2 and late.board.keys(POINTINGS))
        viewer = Viewer(late, Pages(late), {})
        viewer.hear('{"agent": "weather"}')
        told = stage.frame(viewer)
        assert told["values"]["channels"]["wind"] == [None, 12.3, "good"]
        assert told["board"]["sections"][POINTINGS]["telescope/pointing"]["news"] is None
        stage.say(TOPICS.telemetry("weather", "wind"), b"12.3")
        stage.until(lambda: late.ear.values("weather", 0)[1]["wind"][0] is not None)
        client = cast("LoopbackTransport", late.ear.transport)
        stage.bus.cut(client.client_id)
        stage.until(lambda: not late.broker()["up"])
        stage.bus.mend(client)
        stage.until(lambda: late.broker()["up"])
        assert late.ear.values("weather", 0)[1]["wind"][0] is not None, "said again, no news"
    finally:
        late.close()


def test_of_what_the_broker_has_kept_with_a_time_ahead_of_ours_no_age_is_told() -> None:
    ahead = measures.read(b'{"t": 1600.0, "v": 1}', 1000.0)[-1]
    assert (ahead.time, ahead.age) == (1600.0, math.inf)
    assert measures.read(b'{"t": 1600.0, "v": 1}', 1000.0, 700.0)[-1].age == 0.0
    assert measures.read(b'{"t": 900.0, "v": 1}', 1000.0)[-1].age == 100.0


def test_a_claim_without_a_time_and_text_that_is_none_are_shown_all_the_same(stage: Stage) -> None:
    stage.say(TOPICS.status("old"), b"ready", retain=True)
    stage.until(lambda: stage.shows("agents", "old"))
    late = Watch(stage.bus, Settings(root="test"))  # to this one the broker has kept it
    late.open()
    try:
        stage.until(lambda: late.board.get("agents", "old"))
        stage.say(TOPICS.status("odd"), b'{"state": "fault", "detail": "\\ud800"}', retain=True)
        stage.until(lambda: late.board.get("agents", "odd"))
        viewer = Viewer(late, Pages(late), {})
        text = as_text(stage.loop.run(viewer.next_frame()))
        told = json.loads(text.encode())
        assert told["board"]["sections"]["agents"]["odd"]["detail"] == "?"
        assert "old" not in told["board"]["sections"].get("news", {})
    finally:
        late.close()


def test_what_turns_a_text_around_is_seen_in_the_browser() -> None:
    said = json.loads(as_text(json.dumps(["a\u202eb\u200b \xa0\xe9"], ensure_ascii=False)))
    assert said == ["a\\u202eb\\u200b \xa0\xe9"]


class Socket:
    """A browser's connection, as far as it is turned away."""

    def __init__(self) -> None:
        self.told: list[object] = []

    async def accept(self) -> None:
        self.told.append("accepted")

    async def close(self, code: int, reason: str) -> None:
        self.told += [code, reason]


def test_one_browser_too_many_is_told_why(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_VIEWERS", 0)
    socket = Socket()
    stage.loop.run(
        live.Live(stage.watch, dict, lambda _socket: True).serve(cast("WebSocket", socket))
    )
    assert socket.told == ["accepted", 1013, live.FULL]
    assert len(live.FULL.encode()) <= 123


def test_what_the_house_tells_of_itself_is_not_plotted_first(stage: Stage) -> None:
    now = time.time()
    stage.say(TOPICS.telemetry("alarms", "alarms"), b'{"t": %f, "v": {"raised": 0}}' % now)
    stage.say(TOPICS.telemetry("recorder", "traffic"), b'{"t": %f, "v": {"heard": 5}}' % now)
    stage.say(TOPICS.telemetry("dome", "host-load"), b"0.5")
    stage.say(TOPICS.telemetry("dome", "azimuth"), b"180")
    stage.until(lambda: len(stage.watch.memory.series()) == 4)
    scope = {"type": "http", "method": "GET", "query_string": b"", "headers": []}
    answer = stage.loop.run(Queries(stage.watch).series(Request(scope)))
    told = json.loads(bytes(answer.body))
    assert (told["first"], told["count"]) == (["dome/azimuth"], 4)


TOO_MANY = json.dumps({"plots": ["a/b"] * 100})


@pytest.mark.parametrize(
    "wish",
    ["", "nonsense", "[]", "1", '{"plots": "all"}', '{"plots": ["no slash"]}', TOO_MANY],
)
def test_what_a_browser_must_not_say_is_refused(stage: Stage, wish: str) -> None:
    with pytest.raises(BadWish):
        stage.viewer().hear(wish)


def test_alarms_outlast_an_outage_and_those_that_nobody_repeats_go(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.hearsay.GRACE", 0.3)
    raised = b'{"state": "raised", "severity": "critical"}'
    for name in ("stays", "goes"):
        stage.say(TOPICS.alarm("dome", name), raised, retain=True)
    stage.until(lambda: stage.shows(ALARMS, "dome/stays") and stage.shows(ALARMS, "dome/goes"))
    ear = stage.watch.ear.transport
    stage.bus.cut(ear.client_id)  # type: ignore[attr-defined]
    stage.until(lambda: not ear.is_up)
    assert stage.shows(ALARMS, "dome/goes")
    stage.say(TOPICS.alarm("dome", "goes"), b"", retain=True)  # while nobody listens
    stage.bus.mend(ear)  # type: ignore[arg-type]
    stage.until(lambda: stage.shows(ALARMS, "dome/goes") is None)
    assert stage.shows(ALARMS, "dome/stays")
