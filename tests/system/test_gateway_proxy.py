"""Agents that still live on PyROS's own receiver, behind a proxy of the gateway."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from pyros_mqtt import Agent, Failed, Settings, State
from pyros_mqtt.broker.ports import any_free_port
from pyros_mqtt.gateway import Gateway, Proxy
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl, OldSocket
from pyros_mqtt.testing import Rehearsal
from tests.system.old_pyros import OldAgent

NAME = "majordome"


@contextlib.contextmanager
def a_stage(url: BrokerUrl, root: str, port: int, **section: Any) -> Iterator[Rehearsal]:
    agents = {NAME: {"receive_port": port, "proxy": True, "probe": 0.5, **section}}
    settings = Settings(brokers=(url,), root=root, beat=0.5, gateway={"agents": agents})
    with Rehearsal(bus=Brokers(settings), settings=settings) as stage:
        stage.start(Gateway(bus=stage.bus, settings=settings), until=None)
        yield stage


@contextlib.contextmanager
def an_old_agent(port: int, answer: str = "") -> Iterator[OldAgent]:
    old = OldAgent("127.0.0.1", port)
    old.answer = answer
    old.start()
    try:
        yield old
    finally:
        old.shutdown()


def until(stage: Rehearsal, state: State) -> None:
    def shows() -> bool:
        member = stage.fleet.get(NAME)
        return member is not None and member.status is not None and member.status.state is state

    stage.wait_until(shows, timeout=30)


def test_an_old_agent_gets_each_message_as_pyros_sent_it(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    port = any_free_port()
    with an_old_agent(port) as old, a_stage(mosquitto_url, topic_root, port) as stage:
        until(stage, State.READY)
        assert stage.ask(NAME, "Observation finished") is None
        assert old.received.get(timeout=5) == "Observation finished"
        stage.ask(NAME, "goto", ra=83.633, dec=22.0, target="M 1", fast=True)
        assert old.received.get(timeout=5) == "goto ra=83.633 dec=22.0 target='M 1' fast=true"


@pytest.mark.parametrize("message", ["abort", "stop", "close", "park"])
def test_urgent_messages_go_on_as_well(
    mosquitto_url: BrokerUrl, topic_root: str, message: str
) -> None:
    port = any_free_port()
    with an_old_agent(port) as old, a_stage(mosquitto_url, topic_root, port) as stage:
        until(stage, State.READY)
        stage.ask(NAME, message)
        assert old.received.get(timeout=5) == message


def test_an_answer_line_is_the_result(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    port = any_free_port()
    with (
        an_old_agent(port, answer="OK, parked\n"),
        a_stage(mosquitto_url, topic_root, port, answer="yes") as stage,
    ):
        until(stage, State.READY)
        assert stage.ask(NAME, "night over") == "OK, parked"


def test_an_answer_that_does_not_come_is_a_failure(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    port = any_free_port()
    with (
        an_old_agent(port),
        a_stage(mosquitto_url, topic_root, port, answer="yes") as stage,
    ):
        until(stage, State.READY)
        with pytest.raises(Failed, match="the connection was closed without an answer"):
            stage.ask(NAME, "night over")


def test_a_port_that_refuses_shows_in_the_status_and_in_each_failure(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    port = any_free_port()
    with a_stage(mosquitto_url, topic_root, port) as stage:
        until(stage, State.FAULT)
        detail = f"the old socket of {NAME} at 127.0.0.1:{port} does not answer: Connection refused"
        assert stage.status(NAME).detail == detail
        with pytest.raises(Failed, match=f"at 127.0.0.1:{port} does not answer: Connection refuse"):
            stage.ask(NAME, "Observation finished")
        with an_old_agent(port) as old:
            until(stage, State.READY)
            stage.ask(NAME, "Observation finished")
            assert old.received.get(timeout=5) == "Observation finished"
        until(stage, State.FAULT)


def test_a_message_longer_than_a_read_is_not_cut_but_refused(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    port = any_free_port()
    with an_old_agent(port) as old, a_stage(mosquitto_url, topic_root, port) as stage:
        until(stage, State.READY)
        with pytest.raises(Failed, match="more than the 1024 that majordome reads at once"):
            stage.ask(NAME, "note", text="x" * 2000)
        stage.ask(NAME, "note", text="short")
        assert old.received.get(timeout=5) == "note text=short"


def test_an_agent_that_has_moved_keeps_its_name(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    class Majordome(Agent):
        """Has moved already."""

    port = any_free_port()
    settings = Settings(brokers=(mosquitto_url,), root=topic_root, beat=0.5)
    with Rehearsal(bus=Brokers(settings), settings=settings) as first:
        first.start(Majordome(bus=first.bus, settings=settings))
        with a_stage(mosquitto_url, topic_root, port) as stage:
            stage.wait_until(lambda: "is held by a live agent" in _detail(stage), timeout=30)
            assert f"the name '{NAME}' is held" in _detail(stage)
            assert "if it has moved, take `proxy` out of its section" in _detail(stage)
            assert first.status(NAME).state is State.READY


def _detail(stage: Rehearsal) -> str:
    member = stage.fleet.get("gateway")
    return member.status.detail if member and member.status else ""


def test_a_proxy_can_be_an_agent_of_its_own(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    port = any_free_port()
    settings = Settings(brokers=(mosquitto_url,), root=topic_root)
    section = OldSocket(receive_port=port, proxy=True, probe=0)
    with an_old_agent(port) as old, Rehearsal(bus=Brokers(settings), settings=settings) as stage:
        stage.start(Proxy("dome", section, bus=stage.bus, settings=settings))
        stage.ask("dome", "open", side="west")
        assert old.received.get(timeout=5) == "open side=west"
