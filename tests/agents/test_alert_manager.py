"""The alert manager: notices come in by message and by folder, the scheduler is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyros_agents.alert_manager import AlertManager
from pyros_agents.notices import Notice
from pyros_agents.notices.order_book import Order, OrderBook
from pyros_mqtt import Agent, Failed, State, on
from pyros_mqtt.testing import Rehearsal
from tests.agents.night_clock import NightClock
from tests.agents.notice_texts import fermi, gcn, swift


class StandInScheduler(Agent):
    """Remembers what it is told."""

    def __init__(self, **options: Any) -> None:
        super().__init__("scheduler", **options)
        self.told: list[tuple[str, dict[str, Any]]] = []

    @on("observe", urgent=True)
    def observe(self, **args: Any) -> None:
        """Observe."""
        self.told.append(("observe", args))

    @on("update", urgent=True)
    def update(self, **args: Any) -> None:
        """Update."""
        self.told.append(("update", args))

    @on("retract", urgent=True)
    def retract(self, **args: Any) -> None:
        """Retract."""
        self.told.append(("retract", args))


class Office:
    """A stage with an alert manager and somebody to tell."""

    def __init__(self, stage: Rehearsal, box: Path) -> None:
        self.stage, self.box, self.clock = stage, box, NightClock()
        self.scheduler = StandInScheduler(bus=stage.bus)

    def open(
        self, *, with_scheduler: bool = True, until: State = State.READY, **options: Any
    ) -> AlertManager:
        if with_scheduler:
            self.stage.start(self.scheduler)
        options.setdefault("watch", self.box)
        manager = AlertManager(bus=self.stage.bus, sky=self.clock, **options)
        return self.stage.start(manager, until=until)

    def ask(self, **how: Any) -> dict[str, Any]:
        before = len(self.scheduler.told)
        result = self.stage.ask("alert_manager", "notice", **how)
        assert isinstance(result, dict)
        if result.get("delivered"):  # that is: accepted; it is done a moment later
            self.stage.wait_until(lambda: len(self.scheduler.told) > before)
        return result

    @property
    def messages(self) -> list[str]:
        return [message for message, _ in self.scheduler.told]

    def alert(self) -> dict[str, Any]:
        found = self.stage.latest("alert_manager", "alert")
        return found if isinstance(found, dict) else {}

    def tray(self, name: str) -> list[str]:
        return sorted(path.name for path in (self.box / name).glob("*"))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Rehearsal() as stage:
        yield Office(stage, tmp_path / "notices")


def test_a_good_notice_is_observed(office: Office) -> None:
    office.open(exposures=5, seconds=20)
    result = office.ask(text=swift())
    assert (result["decision"], result["event"]) == ("observe", "Swift 700001")
    assert result["delivered"] is True
    ((message, args),) = office.scheduler.told
    assert message == "observe"
    assert args == {
        "event": "Swift 700001",
        "ivorn": "ivo://nasa.gsfc.gcn/SWIFT#Notice_61_700001",
        "ra": 83.6,
        "dec": -22.0,
        "error": 0.05,
        "exposures": 5,
        "seconds": 20,
        "reason": result["reason"],
    }
    office.stage.wait_until(lambda: office.alert().get("decision") == "observe")
    assert office.alert()["reason"] == result["reason"]


def test_a_chain_ends_with_its_retraction(office: Office) -> None:
    office.open()
    texts = (
        fermi(1, 111, where=(12, -61, 8.3)),
        fermi(2, 112, where=(14, -62, 1.0)),
        fermi(3, 112, where=(14, -62, 3.0)),
        fermi(4, 115, where=None, flags=("Retraction",)),
    )
    decisions = [office.ask(text=text)["decision"] for text in texts]
    assert decisions == ["observe", "update", "ignore", "stop"]
    assert office.messages == ["observe", "update", "retract"]
    assert office.scheduler.told[2][1]["event"] == "Fermi 800002"


def test_an_ignored_notice_is_published_with_its_reason_and_told_to_nobody(office: Office) -> None:
    office.open()
    result = office.ask(text=gcn(alert_tense="test"))
    assert result["decision"] == "ignore"
    assert office.scheduler.told == []
    office.stage.wait_until(lambda: "a test" in office.alert().get("reason", ""))


def test_limits_come_from_the_options_and_time_from_the_sky(office: Office) -> None:
    office.open(largest_error=0.01, oldest_age=3600)
    assert "known to 3.0' only" in office.ask(text=swift(trigger=1))["reason"]
    exact = (1, 1, 0.001)
    assert office.ask(text=swift(trigger=2, where=exact))["decision"] == "observe"
    office.clock.turn(7200)
    assert "2.0 h ago" in office.ask(text=swift(trigger=3, where=exact))["reason"]


def test_a_notice_is_read_from_a_path(office: Office, tmp_path: Path) -> None:
    office.open()
    (tmp_path / "n.json").write_text(gcn())
    assert office.ask(path=str(tmp_path / "n.json"))["decision"] == "observe"


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"text": "junk"}, "neither XML nor"),
        ({"text": swift()[:300]}, "well-formed"),
        ({"path": "/nowhere/at/all.xml"}, "no file"),
        ({"path": "/"}, "no file"),
        ({"path": "/dev/zero"}, "no file"),
        ({}, "either"),
        ({"text": "a", "path": "b"}, "either"),
    ],
)
def test_what_cannot_be_read_is_reported_and_does_no_harm(
    office: Office, how: dict[str, Any], why: str
) -> None:
    manager = office.open()
    with pytest.raises(Failed) as caught:
        office.ask(**how)
    assert why in str(caught.value)
    assert manager.is_alive
    assert office.ask(text=swift())["decision"] == "observe"


def test_an_unreadable_text_is_published_and_kept(office: Office) -> None:
    office.open()
    with pytest.raises(Failed):
        office.ask(text="junk")
    office.stage.wait_until(lambda: office.alert().get("decision") == "unreadable")
    kept = [name for name in office.tray("unreadable") if not name.endswith(".txt")]
    assert (office.box / "unreadable" / kept[0]).read_text() == "junk"


def test_files_in_the_watched_folder_are_read_and_moved(office: Office) -> None:
    office.open()
    (office.box / "a.xml").write_text(swift(trigger=1))
    (office.box / "b.json").write_text(gcn())
    office.stage.wait_until(lambda: office.tray("read") == ["a.xml", "b.json"])
    assert office.messages == ["observe", "observe"]


def test_a_half_written_file_is_left_to_its_writer(office: Office) -> None:
    office.open(settle=30)
    text = swift()
    with (office.box / "slow.xml").open("w") as file:
        file.write(text[:500])
        file.flush()
        (office.box / "other.xml").write_text(swift(trigger=2))
        office.stage.wait_until(lambda: office.tray("read") == ["other.xml"])
        office.stage.wait_until(lambda: office.messages == ["observe"])
        file.write(text[500:])
    office.stage.wait_until(lambda: office.tray("read") == ["other.xml", "slow.xml"])
    office.stage.wait_until(lambda: office.messages == ["observe", "observe"])
    assert office.tray("unreadable") == []


def test_an_unreadable_file_is_set_aside_with_its_reason(office: Office) -> None:
    office.open(settle=0.2)
    (office.box / "bad.xml").write_text(swift()[:500])
    (office.box / "huge.xml").write_bytes(b"<" * (17 * 2**20))
    names = ["bad.xml", "bad.xml.reason.txt", "huge.xml", "huge.xml.reason.txt"]
    office.stage.wait_until(lambda: office.tray("unreadable") == names)
    assert "well-formed" in (office.box / "unreadable" / names[1]).read_text()
    office.stage.wait_until(lambda: office.alert().get("decision") == "unreadable")


def test_unfinished_hidden_and_strange_files_are_not_touched(office: Office) -> None:
    office.open(settle=0.1)
    for name in (".hidden.xml", "n.xml.tmp", "n.xml.part"):
        (office.box / name).write_text(swift())
    (office.box / "folder").mkdir()
    (office.box / "link.xml").symlink_to(office.box / ".hidden.xml")
    (office.box / "last.xml").write_text(swift(trigger=2))
    office.stage.wait_until(lambda: office.tray("read") == ["last.xml"])
    office.stage.wait_until(lambda: office.messages == ["observe"])


def test_the_same_name_twice_overwrites_nothing(office: Office) -> None:
    office.open()
    for trigger in (1, 2):
        (office.box / "n.xml").write_text(swift(trigger=trigger))
        office.stage.wait_until(lambda: not (office.box / "n.xml").exists())
    assert len(office.tray("read")) == 2


def test_a_folder_that_is_away_is_told_and_comes_back(office: Office, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    office.open(watch=blocked, until=State.DEGRADED)
    assert office.ask(text=swift())["decision"] == "observe"
    blocked.unlink()
    office.stage.wait_until(lambda: office.stage.status("alert_manager").state is State.READY)
    (blocked / "a.xml").write_text(swift(trigger=2))
    office.stage.wait_until((blocked / "read" / "a.xml").exists)


def test_a_folder_that_vanishes_is_made_again(office: Office) -> None:
    office.open()
    office.box.rename(office.box.with_name("elsewhere"))
    office.stage.wait_until(office.box.is_dir)


def test_without_a_scheduler_the_order_waits_for_it(office: Office) -> None:
    office.open(with_scheduler=False)
    result = office.ask(text=swift())
    assert (result["decision"], result["delivered"]) == ("observe", False)
    office.stage.wait_until(lambda: "Swift 700001" in office.stage.status("alert_manager").detail)
    assert office.ask(text=swift(trigger=2))["delivered"] is False
    office.stage.start(office.scheduler)
    office.stage.wait_until(lambda: office.messages == ["observe", "observe"])
    office.stage.wait_until(lambda: office.stage.status("alert_manager").state is State.READY)


def test_an_order_that_waits_outlives_the_alert_manager(office: Office, tmp_path: Path) -> None:
    memory = tmp_path / "orders.json"
    manager = office.open(with_scheduler=False, memory=memory)
    told = office.stage.ask("alert_manager", "notice", text=swift())
    assert told["delivered"] is False
    manager.stop()
    manager.join(10)
    office.open(memory=memory)
    office.stage.wait_until(lambda: [word for word, _ in office.scheduler.told] == ["observe"])


def test_a_file_that_fails_unforeseen_is_set_aside_and_the_next_one_is_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = office.open()
    handle = manager._handle

    def stumble(notice: Notice) -> dict[str, Any]:
        if notice.event == "Swift 1":
            raise ValueError("nobody knows")
        return handle(notice)

    monkeypatch.setattr(manager, "_handle", stumble)
    (office.box / "bad.xml").write_text(swift(trigger=1))
    office.stage.wait_until(lambda: "bad.xml" in office.tray("unreadable"))
    (office.box / "good.xml").write_text(swift(trigger=2))
    office.stage.wait_until(lambda: office.messages == ["observe"])
    assert "nobody knows" in (office.box / "unreadable" / "bad.xml.reason.txt").read_text()


def test_half_a_character_in_a_notice_or_a_file_name_stands_in_no_alerts_way(
    office: Office,
) -> None:
    office.open(settle=0.1)
    (office.box / "1.json").write_text(gcn(id="\ud800x"))
    (office.box / os.fsdecode(b"2-\xff.json")).write_text("junk")
    office.stage.wait_until(lambda: len(office.tray("unreadable")) == 4)
    (office.box / "3.json").write_text(gcn())
    office.stage.wait_until(lambda: office.messages == ["observe"])
    assert "lone surrogate" in (office.box / "unreadable" / "1.json.reason.txt").read_text()


def test_an_order_that_cannot_be_written_is_struck_and_those_behind_it_are_given(
    office: Office, tmp_path: Path
) -> None:
    memory = tmp_path / "orders.json"
    before = OrderBook(memory)
    before.enter("\ud800x", Order("retract", {"event": "\ud800x"}))
    before.enter("Swift 1", Order("retract", {"event": "Swift 1"}))
    office.open(memory=memory)
    office.stage.wait_until(
        lambda: [args["event"] for _, args in office.scheduler.told] == ["Swift 1"]
    )
    office.stage.wait_until(lambda: memory.read_text() == "{}")
