"""Messages -> rows: what is known again, and what only one recorder may write."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt.archive import Archive, Store, open_store
from pyros_mqtt.recorder.arrivals import Arrival
from pyros_mqtt.recorder.intake import Intake, Rows
from pyros_mqtt.topics import Topics

NOON = 1763841600.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path / 'archive.sqlite'}")
    yield made
    made.close()


def arrival(
    topic: str, payload: Any, *, retain: bool = False, heard: float | None = None
) -> Arrival:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    moment = time.time() if heard is None else heard
    return Arrival(f"pyros/{topic}", data, int(moment * 1e6), retain)


def written(store: Store, rows: Rows) -> tuple[int, int, int]:
    told = store.write(rows.samples, rows.events)
    return told.samples, told.events, told.known


def test_two_recorders_write_each_message_once(store: Store) -> None:
    messages = [
        arrival("dome/telemetry/azimuth", {"t": NOON, "v": 1.5, "seq": 1}),
        arrival("dome/telemetry/fast", {"t0": NOON, "dt": 0.1, "v": [1, 2, 3], "seq": 1}),
        arrival("dome/status", {"state": "ready", "at": "2025-11-22T20:00:00.000Z"}),
        arrival("dome/inbox", {"message": "open", "sent_at": "2025-11-22T20:00:00.000Z"}),
        arrival("dome/outbox/ops", {"id": "1", "at": "2025-11-22T20:00:00.000Z"}),
        arrival("dome/log/info", {"t": NOON, "text": "open"}),
        arrival("dome/inbox", b"close"),
        arrival("dome/telemetry/plain", b"12.5"),
    ]
    first, second = (Intake(Topics(), name) for name in ("recorder", "recorder-2"))
    assert written(store, first.rows(messages, store)) == (3, 5, 0)
    later = [one._replace(heard=one.heard + 100) for one in messages]
    rows = second.rows(later, store)
    assert rows.left == 2  # what tells no time of its own is the first one's
    assert written(store, rows) == (0, 0, 6)


def test_a_message_that_comes_late_once_more_is_known(store: Store) -> None:
    for session in ({}, {"session": "5f0c"}):
        body = {"t": NOON, "v": 1.5, "seq": 1, **session}
        text = json.dumps(body, separators=(",", ":"))
        messages = [
            arrival("dome/telemetry/azimuth", text.encode()),
            arrival("dome/telemetry/azimuth", text[:-1].encode() + b',"late":true}'),
        ]
        assert written(store, Intake(Topics(), "recorder").rows(messages, store)) == (1, 0, 1)


def test_the_same_number_in_another_life_is_another_message(store: Store) -> None:
    messages = [
        arrival("dome/telemetry/azimuth", {"t": NOON, "v": 1.5, "seq": 0, "session": life})
        for life in ("one", "two")
    ]
    assert written(store, Intake(Topics(), "recorder").rows(messages, store)) == (2, 0, 0)


def test_what_the_broker_kept_is_not_recorded_again(store: Store) -> None:
    intake = Intake(Topics(), "recorder")
    about = arrival("dome/about", {"agent": "dome"}, retain=True)
    assert written(store, intake.rows([about], store)) == (0, 1, 0)
    kept = [
        about._replace(heard=about.heard + 10**6),
        arrival("dome/telemetry/plain", b"12.5", retain=True),
    ]
    assert Intake(Topics(), "recorder").rows(kept, store).left == 2
    other = arrival("dome/about", {"agent": "dome", "version": "2"}, retain=True)
    assert written(store, intake.rows([other], store)) == (0, 1, 0)


def test_the_right_to_what_has_no_time_goes_over_when_its_holder_is_gone(store: Store) -> None:
    now = time.time()
    first, second = (Intake(Topics(), name) for name in ("recorder", "recorder-2"))
    assert first.rows([arrival("dome/inbox", b"close", heard=now)], store).events
    assert not second.rows([arrival("dome/inbox", b"close", heard=now)], store).events
    store.lease("pyros/dome", "recorder", int((now - 60) * 1e6), int((now - 1) * 1e6))
    third = Intake(Topics(), "recorder-3")
    assert third.rows([arrival("dome/inbox", b"park", heard=now)], store).events
    assert not third.rows([arrival("dome/inbox", b"park", heard=now - 2)], store).events


def test_a_recorder_that_comes_back_has_its_right_at_once(store: Store) -> None:
    for _ in range(2):
        intake = Intake(Topics(), "recorder")
        assert intake.rows([arrival("dome/inbox", b"close")], store).events


def test_a_recorder_keeps_its_right_where_the_clock_is_set_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    store.lease("pyros/dome", "another", int((now - 60) * 1e6), int((now - 10) * 1e6))
    first, second = (Intake(Topics(), name) for name in ("recorder", "recorder-2"))
    assert first.rows([arrival("dome/inbox", b"close", heard=now)], store).events
    assert second.rows([arrival("dome/inbox", b"close", heard=now)], store).left == 1
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    before, after = (arrival("dome/inbox", b"park", heard=one) for one in (now + 1, now - 3600))
    assert len(first.rows([before, after], store).events) == 2
    assert second.rows([after], store).left == 1


def test_a_measurement_that_cannot_be_read_is_kept_as_it_came(store: Store) -> None:
    rows = Intake(Topics(), "recorder").rows(
        [arrival("dome/telemetry/azimuth", b'{"t": 1, "v": [1, 2'), arrival("x/inbox/y/z", b"")],
        store,
    )
    assert (rows.unreadable, len(rows.events), len(rows.samples)) == (1, 2, 0)


def test_other_topics_are_left_alone(store: Store) -> None:
    others = [Arrival("other/dome/status", b"ready", 1, retain=False), arrival("dome/image", b"")]
    assert Intake(Topics(), "recorder").rows(others, store).left == 2


@pytest.mark.parametrize("ahead", [25 * 3600.0, 8e12, -7e10, -8e12])
@pytest.mark.parametrize("form", ["number", "fields", "times", "steady"])
def test_a_measurement_from_a_clock_far_ahead_is_from_when_it_came(
    store: Store, form: str, ahead: float
) -> None:
    wild = time.time() + ahead
    bodies: dict[str, dict[str, Any]] = {
        "number": {"t": wild, "v": 1.5},
        "fields": {"t": wild, "v": {"x": 1.5}},
        "times": {"t": [NOON, wild], "v": [1.5, 2.5]},
        "steady": {"t0": wild, "dt": 0.1, "v": [1.5, 2.5]},
    }
    came = arrival("dome/telemetry/azimuth", bodies[form] | {"seq": 3, "session": "5f0c"})
    first, second = (Intake(Topics(), name) for name in ("recorder", "recorder-2"))
    rows = first.rows([came], store).samples
    assert max(row.t + row.span for row in rows) == pytest.approx(came.heard, abs=10)
    assert {(row.flags, row.seq) for row in rows} == {(1, 3)}
    assert sum(row.n for row in rows) == (1 if form in {"number", "fields"} else 2)
    assert second.rows([came], store).left == 1


def test_a_clock_that_is_ahead_by_less_than_a_day_is_believed(store: Store) -> None:
    soon = time.time() + 23 * 3600
    came = arrival("dome/telemetry/azimuth", {"t": soon, "v": 1.5})
    (row,) = Intake(Topics(), "recorder").rows([came], store).samples
    assert (row.t, row.flags) == (round(soon * 1e6), 0)


def test_a_word_from_a_clock_far_ahead_is_from_when_it_came(store: Store) -> None:
    came = arrival("dome/status", {"state": "ready", "at": "2999-01-01T00:00:00.000Z"})
    (row,) = Intake(Topics(), "recorder").rows([came], store).events
    assert (row.t, row.heard) == (came.heard, came.heard)


def test_the_latest_night_is_not_after_the_present_one(store: Store, tmp_path: Path) -> None:
    past, now = time.time() - 3 * 86400.0, time.time()
    url = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    with Archive(url, root="pyros") as archive:
        for ahead in (25 * 3600.0, 50 * 3600.0):  # heard by a recorder whose clock was ahead, too
            moment = now + ahead
            came = arrival("dome/telemetry/azimuth", {"t": moment, "v": 1.5}, heard=moment)
            written(store, Intake(Topics(), "recorder").rows([came], store))
        assert archive.latest_night() is None
        came = arrival("weather/telemetry/wind", {"t": past, "v": 1.5})
        written(store, Intake(Topics(), "recorder").rows([came], store))
        assert archive.latest_night() == archive.nights.name(past)


def test_a_batch_over_hours_becomes_rows_that_are_not_longer_than_one(store: Store) -> None:
    times = [NOON + 1800.0 * i for i in range(10)]
    body = {"t": times[::-1], "v": list(range(10)), "seq": 4, "q": ["good"] * 9 + ["bad"]}
    rows = Intake(Topics(), "recorder").rows([arrival("dome/telemetry/slow", body)], store)
    assert sum(row.n for row in rows.samples) == 10
    assert all(row.span <= 3600 * 10**6 for row in rows.samples)
    assert {row.seq for row in rows.samples} == {4}
