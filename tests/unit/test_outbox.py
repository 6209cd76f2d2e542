"""What an agent says: reports in order, status on each change and beat, about."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest

from pyros_mqtt.condition import Condition
from pyros_mqtt.errors import JournalError
from pyros_mqtt.journal import Key, MemoryJournal
from pyros_mqtt.messages import (
    About,
    Command,
    Outcome,
    Progress,
    Report,
    State,
    Status,
    Task,
    report_on,
)
from pyros_mqtt.outbox import QUICK, Outbox
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Fate
from tests.unit.hand_transport import HandTransport

COMMAND = Command("dome", "open", id="1", sender="ops")
OUTBOX, STATUS, ABOUT = "pyros/dome/outbox/ops", "pyros/dome/status", "pyros/dome/about"


class FullDisk(MemoryJournal):
    """A journal whose disk is full for a while."""

    is_full = False

    def commit(self) -> Collection[Key]:
        if self.is_full:
            raise JournalError("the journal cannot be written: disk full")
        return super().commit()


class Desk:
    """An outbox on a transport by hand, under a clock by hand."""

    def __init__(self, clock: SimpleNamespace) -> None:
        self.clock = clock
        self.transport = HandTransport()
        self.condition = Condition(clock.now)
        self.journal = FullDisk()
        claim = Status("dome", State.STARTING, session="one", boot=100, beat=5.0)
        self.outbox = Outbox(self.transport, Topics(), claim, self.condition, self.journal)
        self.condition.enter(State.READY)

    def said(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(p.payload) for p in self.transport.sent if p.topic == topic]

    def states(self) -> list[str]:
        return [body["state"] for body in self.said(OUTBOX)]

    def tick(self, seconds: float = 0.0) -> None:
        self.clock.now += seconds
        self.outbox.tick()

    def begin(self) -> None:
        task = Task("open", "1", "ops", time.time())
        self.condition.begin(task, 10.0, self.clock.now)
        self.outbox.began(COMMAND)

    def end(self, **more: Any) -> None:
        self.outbox.ended(COMMAND, report_on(COMMAND, Outcome.DONE, time.time(), **more))
        self.condition.end(self.clock.now)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    clock = SimpleNamespace(now=100.0, time=time.time)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("pyros_mqtt.outbox.time", clock)
    return Desk(clock)


# -- reports --------------------------------------------------------------------------------------


def test_a_report_goes_to_its_sender_and_is_kept_through_an_outage(desk: Desk) -> None:
    desk.outbox.send(COMMAND, Report("1", "open", "dome", Outcome.ACCEPTED, 0.0))
    parcel = desk.transport.sent[0]
    assert (parcel.topic, parcel.qos, parcel.retain, parcel.keep) == (OUTBOX, 1, False, True)


def test_the_response_topic_gets_a_copy_with_its_correlation(desk: Desk) -> None:
    asked = Command("dome", "open", id="c-1", sender="ops", reply_to="answers/here")
    desk.outbox.send(asked, Report("c-1", "open", "dome", Outcome.ACCEPTED, 0.0))
    report, copy = desk.transport.sent
    assert (copy.topic, copy.payload) == ("answers/here", report.payload)
    assert copy.correlation == b"c-1"


def test_a_quick_command_is_not_reported_as_running(desk: Desk) -> None:
    desk.begin()
    desk.tick(QUICK / 2)
    desk.end()
    desk.tick(QUICK)
    assert desk.states() == ["done"]


def test_a_longer_one_is_reported_as_running_once_and_never_after_its_end(desk: Desk) -> None:
    desk.begin()
    desk.tick(QUICK)
    desk.tick(QUICK)
    desk.end()
    desk.tick(QUICK)
    assert desk.states() == ["running", "done"]


def test_what_cannot_be_noted_is_not_begun(desk: Desk) -> None:
    desk.journal.is_full = True
    with pytest.raises(JournalError):
        desk.begin()


def test_an_end_that_the_disk_does_not_take_is_told_and_noted_once_there_is_room(
    desk: Desk,
) -> None:
    desk.begin()
    desk.journal.is_full = True
    desk.end()
    assert desk.states() == ["done"]
    desk.tick()
    assert desk.said(STATUS)[-1]["state"] == "degraded"
    assert "disk full" in desk.said(STATUS)[-1]["detail"]
    desk.tick(6.0)
    assert desk.said(STATUS)[-1]["state"] == "degraded"
    desk.journal.is_full = False
    desk.tick(6.0)
    desk.condition.sign(desk.clock.now)
    desk.tick()
    assert desk.said(STATUS)[-1]["state"] == "ready"
    entry = desk.journal.find("ops", "1")
    assert entry is not None
    assert entry.report.state is Outcome.DONE


def test_progress_is_a_running_report(desk: Desk) -> None:
    desk.begin()
    desk.outbox.advanced(COMMAND, Progress(0.5, "half"), 60.0)
    desk.tick(1.0)
    report = desk.said(OUTBOX)[0]
    assert report["progress"] == {"fraction": 0.5, "text": "half"}
    assert report["patience"] == 60.0
    assert desk.states() == ["running"]


def test_progress_of_an_urgent_command_does_not_hide_that_another_one_runs(desk: Desk) -> None:
    urgent = Command("dome", "close", id="2", sender="ops")
    desk.begin()
    desk.outbox.advanced(urgent, Progress(0.5), None)
    desk.tick(2 * QUICK)
    assert [(r["message"], r["state"]) for r in desk.said(OUTBOX)] == [
        ("close", "running"),
        ("open", "running"),
    ]


def test_the_journal_knows_each_step_before_the_sender_does(desk: Desk) -> None:
    def state() -> Outcome | None:
        entry = desk.journal.find("ops", "1")
        return entry.report.state if entry else None

    desk.begin()
    assert (state(), desk.states()) == (Outcome.RUNNING, [])
    desk.end(result=5)
    assert state() is Outcome.DONE


def test_a_result_that_no_broker_takes_is_replaced_by_saying_so(desk: Desk) -> None:
    fates = iter([Fate.TOO_LARGE, Fate.TAKEN])
    publish = desk.transport.publish

    def refuse(parcel: Any, on_fate: Any = None) -> None:
        desk.transport.fate = next(fates, Fate.TAKEN)
        publish(parcel, on_fate)

    desk.transport.publish = refuse  # type: ignore[method-assign]
    desk.outbox.send(COMMAND, report_on(COMMAND, Outcome.DONE, 0.0, result="x" * 100_000))
    large, small = desk.said(OUTBOX)
    assert len(large["result"]) == 100_000
    assert small.get("result") is None
    assert small["error"]["code"] == "too-large"
    assert small["id"] == "1"


# -- status ---------------------------------------------------------------------------------------


def test_the_status_is_retained_and_counts(desk: Desk) -> None:
    desk.tick()
    desk.tick(5.0)
    first, second = (p for p in desk.transport.sent if p.topic == STATUS)
    assert (first.retain, first.qos, first.keep) == (True, 1, False)
    one, two = desk.said(STATUS)
    assert two["seq"] == one["seq"] + 1
    assert (one["boot"], one["session"], one["state"]) == (100, "one", "ready")
    assert one["host"]
    assert one["pid"]
    del second


def test_without_news_it_is_said_each_beat_and_not_more_often(desk: Desk) -> None:
    for _ in range(110):
        desk.tick(0.1)
    assert len(desk.said(STATUS)) == 3


def test_a_change_is_said_at_the_next_turn(desk: Desk) -> None:
    desk.tick()
    desk.condition.degrade("slow", "")
    desk.tick(0.1)
    assert [body["state"] for body in desk.said(STATUS)] == ["ready", "degraded"]


def test_a_hung_action_is_said_though_nothing_changes_but_the_time(desk: Desk) -> None:
    desk.tick()
    desk.begin()
    for _ in range(120):
        desk.tick(0.1)
    states = [body["state"] for body in desk.said(STATUS)]
    assert states[-1] == "fault"
    assert "open has shown no sign of life" in desk.said(STATUS)[-1]["detail"]


def test_a_quick_command_does_not_flood_the_status(desk: Desk) -> None:
    desk.tick()
    for _ in range(50):
        desk.begin()
        desk.tick(0.001)
    assert len(desk.said(STATUS)) == 1


def test_since_moves_only_with_the_state(desk: Desk) -> None:
    desk.tick()
    desk.tick(5.0)
    one, two = desk.said(STATUS)
    assert one["since"] == two["since"]


def test_a_claim_comes_after_what_others_may_have_seen(desk: Desk) -> None:
    desk.outbox.rebase(99)
    assert desk.outbox.boot == 100
    desk.outbox.rebase(100)
    assert desk.outbox.boot == 101
    desk.outbox.rebase(5000)
    assert desk.outbox.boot == 5001


def test_a_new_connection_is_greeted_with_status_and_about(desk: Desk) -> None:
    desk.outbox.introduce(About("dome"))
    desk.transport.sent.clear()
    desk.outbox.greet()
    assert [parcel.topic for parcel in desk.transport.sent] == [STATUS, ABOUT]
    assert all(parcel.retain for parcel in desk.transport.sent)


def test_the_last_status_is_waited_for(desk: Desk) -> None:
    desk.condition.enter(State.STOPPED)
    assert desk.outbox.wait_until_told(0.01)
    assert desk.said(STATUS)[-1]["state"] == "stopped"
