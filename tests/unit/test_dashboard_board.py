"""What browsers are told: only what has changed, and everything after a while away."""

from __future__ import annotations

import time

from pyros_mqtt.dashboard import alarms
from pyros_mqtt.dashboard import board as rooms
from pyros_mqtt.dashboard.board import NEWS_KEPT, Board


def test_a_browser_is_told_only_what_has_changed_since() -> None:
    board = Board()
    board.put("agents", "dome", {"state": "ready"})
    board.put("agents", "camera", {"state": "ready"})
    first = board.since(0)
    assert first.is_whole
    assert set(first.sections["agents"]) == {"dome", "camera"}
    board.put("agents", "dome", {"state": "busy"})
    second = board.since(first.version)
    assert not second.is_whole
    assert second.sections == {"agents": {"dome": {"state": "busy"}}}
    assert board.since(second.version).is_empty


def test_saying_the_same_again_is_no_change() -> None:
    board = Board()
    board.put("agents", "dome", {"state": "ready"})
    version = board.since(0).version
    board.put("agents", "dome", {"state": "ready"})
    assert board.since(version).is_empty


def test_however_often_something_changes_a_slow_browser_gets_its_newest_state_once() -> None:
    board = Board()
    board.put("agents", "dome", 0)
    version = board.since(0).version
    for i in range(1000):
        board.put("agents", "dome", i)
    assert board.since(version).sections == {"agents": {"dome": 999}}


def test_what_is_gone_is_told_as_none_and_is_not_in_a_whole() -> None:
    board = Board()
    board.put("alarms", "dome/shutter", {"text": "open"})
    version = board.since(0).version
    board.drop("alarms", "dome/shutter")
    board.drop("alarms", "never/there")
    assert board.since(version).sections == {"alarms": {"dome/shutter": None}}
    assert board.since(0).sections == {}
    assert board.keys("alarms") == []


def test_whoever_has_missed_forgotten_removals_gets_everything() -> None:
    board = Board()
    board.put("agents", "stays", 1)
    version = board.since(0).version
    for i in range(rooms.MOST_GRAVES + 1):
        board.put("agents", f"a{i}", 1)
        board.drop("agents", f"a{i}")
    late = board.since(version)
    assert late.is_whole
    assert late.sections == {"agents": {"stays": 1}}
    assert not board.since(late.version).is_whole


def test_a_version_of_another_life_of_the_server_is_answered_with_everything() -> None:
    board = Board()
    board.put("agents", "dome", 1)
    assert board.since(987_654).is_whole


def test_a_flood_of_names_does_not_grow_it() -> None:
    board = Board()
    for i in range(rooms.MOST_ENTRIES + 50):
        board.put("agents", f"a{i}", 1)
    assert len(board.since(0).sections["agents"]) == rooms.MOST_ENTRIES
    assert board.refused == 50


def test_passings_are_numbered_kept_for_newcomers_and_missed_ones_counted() -> None:
    board = Board()
    board.tell({"text": "one"})
    version = board.since(0).version
    board.tell({"text": "two"})
    assert [row["n"] for row in board.since(version).passings] == [2]
    for _ in range(NEWS_KEPT + 10):
        board.tell({"text": "more"})
    late = board.since(version)
    assert len(late.passings) == NEWS_KEPT
    assert late.missed == late.passings[0]["n"] - 1
    assert len(board.since(0).passings) == NEWS_KEPT


def test_an_alarm_that_cannot_be_read_is_shown_as_elsewhere() -> None:
    shown = alarms.read(b"raised", "dome", "stuck")
    assert (shown["state"], shown["severity"]) == ("raised", "critical")
    assert shown["text"].startswith("it cannot be read: ")
    assert abs(time.time() - shown["at"]) < 60
    partly = alarms.read(b'{"state": "raised", "value": NaN}', "dome", "stuck")
    assert (partly["severity"], partly["text"], partly["value"]) == ("serious", "stuck", None)
