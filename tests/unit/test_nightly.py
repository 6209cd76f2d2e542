"""A recorded night as a page: what is told of states, commands, alarms, alerts and gaps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyros_mqtt.archive import Archive, Event, open_store
from pyros_mqtt.archive.curves import Curve, in_blocks
from pyros_mqtt.archive.rows import EventRow, Source, micros
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.nightly import look_at, page
from pyros_mqtt.nightly.drawing import CURVE, Axis, curve_lines
from pyros_mqtt.nightly.lives import lives
from pyros_mqtt.nightly.orders import orders
from pyros_mqtt.wire import to_rfc3339
from tests.system.archive_filling import EVENING, fill

NAME = "2025-11-22"
FORGED = "<script>alert(1)</script>"


def at(seconds: float) -> str:
    return to_rfc3339(EVENING + seconds)


def event(topic: str, seconds: float, body: Any) -> Event:
    agent, branch, *leaf = topic.split("/")
    moment = EVENING + seconds
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Event(agent, branch, "".join(leaf), moment, moment, payload)


def spans(*claims: tuple[float, str], stop: float = 100, beat: float = 5) -> list[tuple[Any, ...]]:
    events = [event("dome/status", when, {"state": word, "beat": beat}) for when, word in claims]
    told = lives(events, EVENING, EVENING + stop)["dome"]
    return [(one.state, one.start - EVENING, one.stop - EVENING) for one in told]


def test_a_state_lasts_until_the_next_one() -> None:
    told = spans((0, "ready"), (5, "ready"), (10, "busy"), (15, "busy"), (20, "stopped"))
    assert told == [("ready", 0, 10), ("busy", 10, 20), ("stopped", 20, 100)]


def test_who_says_nothing_for_three_beats_is_silent() -> None:
    told = spans((0, "ready"), (50, "ready"), (55, "ready"), stop=60)
    assert told == [("ready", 0, 15), ("silent", 15, 50), ("ready", 50, 60)]


def test_a_state_is_one_span_with_its_last_detail_whatever_is_told_meanwhile() -> None:
    details = ["", *(f"{left} s left" for left in range(50, 0, -1)), ""]
    claims = [
        event("dome/status", moment, {"state": "busy", "detail": detail, "beat": 5})
        for moment, detail in enumerate(details)
    ]
    (span,) = lives(claims, EVENING, EVENING + len(details))["dome"]
    assert (span.state, span.start, span.stop) == ("busy", EVENING, EVENING + len(details))
    assert span.detail == "1 s left"


def test_what_was_before_the_night_tells_how_it_began() -> None:
    assert spans((-10, "busy"), (3, "ready"), stop=10) == [("busy", 0, 3), ("ready", 3, 10)]


def test_a_command_is_joined_with_its_reports() -> None:
    command = {"message": "open", "args": {"side": "east"}, "id": "1", "from": "ops"}
    report = {"id": "1", "message": "open", "agent": "dome"}
    problem = {"code": "c", "text": "t"}
    (order,) = orders([
        event("dome/inbox", 0, command | {"sent_at": at(0)}),
        event("dome/outbox/ops", 0.2, report | {"state": "accepted"}),
        event("dome/outbox/ops", 1, report | {"state": "running"}),
        event("dome/outbox/ops", 9, report | {"state": "failed", "error": problem}),
    ])  # fmt: skip
    assert (order.sender, order.message, order.args) == ("ops", "open", {"side": "east"})
    assert (order.end, order.error) == ("failed", "t (c)")
    assert order.latency == pytest.approx(0.2)
    assert order.lasted == pytest.approx(8)


def test_a_command_without_an_answer_and_a_report_without_a_command_are_told() -> None:
    asked = {"message": "open", "id": "1", "from": "ops"}
    done = {"id": "9", "message": "close", "agent": "dome", "state": "done", "echo": "close"}
    told = orders([
        event("dome/inbox", 0, asked),
        event("dome/inbox", 1, b"close"),
        event("dome/outbox/anonymous", 2, done),
        event("dome/outbox/ops", 3, b"nonsense"),
    ])  # fmt: skip
    assert [(one.message, one.end) for one in told] == [("open", ""), ("close", "done")]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    url = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    store = open_store(url)
    reported = {"message": "expose", "agent": "camera", "id": "7", "state": "done"}
    image = {"path": "/data/<m31>.fits", "object": "M31", "seconds": 30, "filter": "r"}
    observe = {"message": "observe", "args": {"event": "GRB"}, "id": "8", "from": "alert_manager"}
    fill(
        store,
        ("weather/status", {"state": "ready", "at": at(0), "beat": 3600}),
        ("weather/status", {"state": "fault", "at": at(600), "detail": FORGED}),
        *(
            ("weather/telemetry/conditions",
             {"t": EVENING + i, "v": {"wind": i * 0.1, "rain": i > 50}, "seq": i, "session": "a"})
            for i in range(100) if not 20 <= i < 25
        ),
        ("camera/outbox/scheduler", reported | {"at": at(70), "result": image}),
        ("scheduler/inbox", observe | {"sent_at": at(31)}),
        ("scheduler/outbox/alert_manager",
         {"id": "8", "message": "observe", "agent": "scheduler", "state": "done", "at": at(32)}),
        ("alert_manager/telemetry/alert",
         {"t": EVENING + 30, "v": {"event": "GRB", "decision": "observe", "reason": "near"}}),
        ("weather/alarm/rain", {"state": "raised", "severity": "critical", "text": "it rains",
                                "at": at(50)}),
        ("weather/alarm/rain", {"state": "cleared", "at": at(90)}),
    )  # fmt: skip
    store.close()
    with Archive(url) as made:
        yield made


def test_the_night_tells_everything(archive: Archive) -> None:
    night = look_at(archive, NAME)
    assert [one.state for one in night.lives["weather"]] == ["ready", "fault", "silent"]
    assert [(one.alarm, one.stop) for one in night.alarms] == [("rain", EVENING + 90)]
    (alert,) = night.alerts
    assert [one.end for one in alert.orders] == ["done"]
    assert [one.message for one in night.images] == ["expose"]
    assert [one.account.missing for one in night.gaps] == [5]
    (strip,) = night.strips
    assert [truth for *_, truth in strip.spans] == [False, True]
    assert [[curve.name for curve in panel] for panel in night.curves] == [
        ["weather conditions wind"]
    ]
    assert night.away[-1].start == EVENING + 600


def test_alarms_are_read_as_everybody_reads_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    store = open_store(url)
    store.write([], [
        EventRow(
            Source("pyros", "dome", "alarm", name), micros(EVENING + second), second, 0, body
        )
        for second, (name, body) in enumerate([
            ("cut", b'{"state": "rai'),
            ("odd", b'{"state": "on fire"}'),
            ("bare", b'{"state": "raised"}'),
            ("new", b'{"state": "raised", "severity": "dreadful"}'),
            ("soft", b'{"state": "raised", "severity": "warning", "text": "a \xe2\x80\xae b"}'),
            ("soft", b""),
        ])
    ])  # fmt: skip
    store.close()
    with Archive(url, root="pyros") as archive:
        night = look_at(archive, NAME)
    assert {one.alarm: (one.severity.value, one.stop is None) for one in night.alarms} == {
        "cut": ("critical", True),
        "odd": ("critical", True),
        "bare": ("serious", True),
        "new": ("serious", True),
        "soft": ("warning", False),
    }
    text = page(night)
    assert "it cannot be read" in text
    assert "a \\u202e b" in text
    assert "\u202e" not in text


def test_the_page_stands_alone_and_trusts_nobody(archive: Archive) -> None:
    text = page(look_at(archive, NAME))
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;m31&gt;.fits" in text
    assert not re.search(r"""(src|href)\s*=""", text)
    for title in ("Agents", "Alarms", "Alerts", "Images", "Commands", "Gaps in the record"):
        assert f"<h2>{title}</h2>" in text
    assert "goes on" not in text


def test_other_channels_can_be_drawn(archive: Archive) -> None:
    night = look_at(archive, NAME, ["scheduler", "weather/wind"])
    assert night.curves == []


@pytest.mark.parametrize(
    "later",
    [{"east": 2.5, "side": "up"}, "calibrating", {"side": "up"}, True],
    ids=["fields", "text", "words", "truth"],
)
@pytest.mark.parametrize("turn", [1, -1])
def test_a_channel_that_changes_its_form_loses_no_number(
    tmp_path: Path, later: Any, turn: int
) -> None:
    url = f"sqlite:///{tmp_path / 'changing.sqlite'}"
    store = open_store(url)
    values = [*[1.5] * 70, *[later] * 70][::turn]
    fill(
        store,
        *(("dome/telemetry/x", {"t": EVENING + i, "v": one}) for i, one in enumerate(values)),
    )
    store.close()
    with Archive(url) as archive:
        read = archive.read("dome", "x", every=10.0)
        assert read.columns["count"].sum() == 70
        assert set(read.columns["mean"][read.columns["count"] > 0]) == {1.5}
        night = look_at(archive, NAME, ["dome"])
        drawn = {one.name for panel in night.curves for one in panel}
        assert drawn - {"dome x east"} == {"dome x"}
        assert [one.name for one in night.strips] == (["dome x"] if later is True else [])


def drawn(*values: float) -> str:
    times = np.array([EVENING + 60 * i for i in range(len(values))])
    column = np.array(values)
    curve = Curve("dome x", "deg", times, column, column, column)
    return curve_lines([curve], Axis(EVENING - 3600, EVENING + 3600))


def test_a_single_sample_is_a_dot_with_its_value_and_moment() -> None:
    text = drawn(5.0)
    assert '<circle class="dot"' in text
    assert "5 at 20:00:00" in text
    assert "polyline" not in text


def test_what_never_changed_goes_through_the_middle_and_is_told_once() -> None:
    text = drawn(5.0, 5.0, 5.0)
    (points,) = re.findall(r'<polyline class="mean" points="([^"]*)"', text)
    assert {float(one.split(",")[1]) for one in points.split()} == {CURVE / 2}
    assert text.count(">5</text>") == 1
    curve = Curve("x", "", np.array([0.0, 1.0]), *[np.array([5.0, 5.0])] * 3)
    lines = in_blocks(curve, 8, 4)
    assert [set(line) != {chr(0x2800)} for line in lines].index(True) in {1, 2}


def test_a_night_without_anything_is_told(archive: Archive) -> None:
    text = page(look_at(archive, "2025-01-01"))
    assert "No agent has said anything" in text
    with pytest.raises(ArchiveError, match="no night"):
        look_at(archive, "yesterday")
