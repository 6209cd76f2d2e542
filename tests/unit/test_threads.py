"""Threads of an agent's own code: named, watched, joined."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pyros_mqtt import Agent, AgentError, State, on
from pyros_mqtt.agent import life
from pyros_mqtt.testing import Rehearsal


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal() as stage:
        yield stage


class Keeper(Agent):
    """Starts threads as its messages say."""

    def __init__(self, **options: Any) -> None:
        super().__init__("keeper", **options)
        self.heard: list[str] = []
        self.release = threading.Event()
        self.last: threading.Thread | None = None

    @on("watch")
    def watch(self) -> str:
        self.last = self.thread(self._watch, "north", name="watch")
        return self.last.name

    @on("die")
    def die(self) -> None:
        self.last = self.thread(self._die)

    @on("heal")
    def heal(self) -> None:
        self.thread(self.stopping.wait, name="die")

    @on("doze")
    def doze(self) -> None:
        self.last = self.thread(self._doze)

    @on("linger")
    def linger(self) -> None:
        self.last = self.thread(self.release.wait, name="linger")

    def _watch(self, where: str) -> None:
        self.stopping.wait()
        self.heard.append(where)

    def _die(self) -> None:
        raise OSError("the cable is out")

    def _doze(self) -> None:
        while True:
            self.sleep(60)


def end(keeper: Keeper) -> None:
    keeper.stop()
    assert keeper.join(10)


def test_a_thread_is_named_after_its_agent_and_does_not_block(stage: Rehearsal) -> None:
    keeper = stage.start(Keeper(bus=stage.bus))
    assert stage.ask("keeper", "watch") == "keeper watch"
    assert keeper.last is not None
    assert keeper.last.is_alive()


def test_a_thread_that_heeds_stopping_has_ended_when_the_agent_has(stage: Rehearsal) -> None:
    keeper = stage.start(Keeper(bus=stage.bus))
    stage.ask("keeper", "watch")
    end(keeper)
    assert keeper.heard == ["north"]
    assert keeper.last is not None
    assert not keeper.last.is_alive()
    assert stage.status("keeper").detail == ""


def test_a_thread_that_sleeps_is_ended_by_the_stop(
    stage: Rehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = stage.start(Keeper(bus=stage.bus))
    stage.ask("keeper", "doze")
    with caplog.at_level(logging.WARNING):
        end(keeper)
    assert keeper.last is not None
    assert not keeper.last.is_alive()
    assert "died" not in caplog.text


def test_a_shutdown_that_joins_a_sleeping_thread_does_not_wait_for_nothing(
    stage: Rehearsal,
) -> None:
    begun = threading.Event()
    ended: list[bool] = []

    class Classic(Keeper):
        def work(self) -> None:
            self.watcher = self.thread(self._late)

        def _late(self) -> None:
            begun.set()
            self.stopping.wait()
            self.sleep(60)

        def shutdown(self) -> None:
            self.watcher.join(5)
            ended.append(not self.watcher.is_alive())

    keeper = stage.start(Classic(bus=stage.bus))
    assert begun.wait(5)
    end(keeper)
    assert ended == [True]


def test_the_death_of_a_thread_is_seen_and_told(
    stage: Rehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    stage.start(Keeper(bus=stage.bus))
    stage.ask("keeper", "die")
    stage.wait_until(lambda: stage.status("keeper").state is State.DEGRADED)
    assert stage.status("keeper").detail == "the thread die has died: the cable is out"
    assert "Traceback" in caplog.text


def test_a_new_thread_of_the_same_name_ends_the_complaint(stage: Rehearsal) -> None:
    stage.start(Keeper(bus=stage.bus))
    stage.ask("keeper", "die")
    stage.wait_until(lambda: stage.status("keeper").state is State.DEGRADED)
    stage.ask("keeper", "heal")
    stage.wait_until(lambda: stage.status("keeper").state is State.READY)


def test_a_thread_that_does_not_end_is_named_and_not_waited_for_for_ever(
    stage: Rehearsal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(life, "THREADS_END", 0.1)
    keeper = stage.start(Keeper(bus=stage.bus))
    stage.ask("keeper", "linger")
    end(keeper)
    stage.wait_until(lambda: stage.status("keeper").state is State.STOPPED)
    assert stage.status("keeper").detail == "threads that have not ended: keeper linger"
    assert "keeper linger" in caplog.text
    keeper.release.set()
    assert keeper.last is not None
    keeper.last.join(5)


def test_a_thread_needs_an_agent_that_runs(stage: Rehearsal) -> None:
    with pytest.raises(AgentError, match="has not been started"):
        Keeper(bus=stage.bus).thread(print)
