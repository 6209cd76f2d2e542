"""Connections to the database that an agent's work has opened do not stay open."""

from __future__ import annotations

from typing import Any

from pyros_mqtt import Agent, every, on
from pyros_mqtt.testing import Rehearsal


class Reader(Agent):
    """Keeps what its work has seen of Django's connection of its thread."""

    def __init__(self, stage: Rehearsal) -> None:
        super().__init__(bus=stage.bus, settings=stage.settings)
        self.by_chore: Any = None
        self.by_action: Any = None
        self.by_urgent: Any = None
        self.looks = 0

    @every(seconds=0.05)
    def look(self) -> None:
        self.by_chore = _ask_database()
        self.looks += 1

    @on("read")
    def read(self) -> bool:
        self.by_action = _ask_database()
        before, looks = self.by_action.connection, self.looks
        while self.looks < looks + 2:
            self.sleep(0.05)
        return self.by_action.connection is before

    @on("fail")
    def fail(self) -> None:
        self.by_action = _ask_database()
        raise ValueError("on purpose")

    @on("stop", urgent=True)
    def halt(self) -> None:
        self.by_urgent = _ask_database()


def _ask_database() -> Any:
    """Use the connection of this thread, and give it."""
    from django.db import connections

    one = connections["default"]
    with one.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert one.connection is not None
    return one


def test_it_is_closed_after_each_action_and_chore(pyros: dict[str, Any]) -> None:
    del pyros
    with Rehearsal() as stage:
        agent = stage.start(Reader(stage))
        stage.wait_until(lambda: agent.by_chore and agent.by_chore.connection is None)
        stage.ask("reader", "stop")
        assert agent.by_urgent.connection is None
        receipt = stage.send("reader", "fail")
        stage.wait_until(lambda: receipt.is_ended)
        stage.wait_until(lambda: agent.by_action.connection is None)


def test_a_chore_does_not_close_it_while_an_action_waits(pyros: dict[str, Any]) -> None:
    del pyros
    with Rehearsal() as stage:
        agent = stage.start(Reader(stage))
        assert stage.ask("reader", "read") is True
        stage.wait_until(lambda: agent.by_action.connection is None)
