"""Agents and brokers that are away, full or slow: what the gateway has taken, it answers for."""

from __future__ import annotations

import contextlib
import threading

import pytest

from pyros_mqtt import Settings, State
from pyros_mqtt.broker import find_or_start
from pyros_mqtt.broker.ports import answers, any_free_port
from pyros_mqtt.gateway import Gateway
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.testing import Rehearsal
from tests.need import need
from tests.system.gateway_place import Scheduler, a_place, reads
from tests.system.old_pyros import OldSender


def test_what_is_for_an_agent_that_starts_later_waits_for_it(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, with_agent=False) as place:
        for number in range(20):
            place.old.send_to(f"Observation finished number={number}")
        place.until_counted("messages", 20)
        place.stage.wait_until(lambda: "nobody listens" in place.detail)
        place.stage.start(place.scheduler)
        place.stage.wait_until(lambda: len(place.scheduler.heard) == 20, timeout=20)
        assert {one.args["number"] for one in place.scheduler.heard} == set(range(20))


def test_what_nobody_takes_in_time_is_answered_and_counted(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, with_agent=False, answer="ended", ttl=0.8) as place:
        answer = place.old.ask(Scheduler.MSG_OBS_FINISHED)
        assert answer.startswith("undelivered: ")
        assert "nobody listens" in answer
        place.until_counted("undelivered", 1)


def test_while_too_many_wait_nothing_is_accepted_and_nothing_is_lost(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, table={"max_waiting": 30}) as place:
        place.old.send_to("wait")
        for number in range(100):
            place.old.send_to(f"Observation finished number={number}")
        place.stage.wait_until(lambda: "nothing is accepted until they go on" in place.detail)
        assert place.counted("messages") <= 35
        place.scheduler.gate.set()
        place.stage.wait_until(lambda: len(place.scheduler.heard) == 100)
        assert [one.args["number"] for one in place.scheduler.heard] == list(range(100))


def test_an_urgent_message_overtakes_all_that_wait(
    mosquitto_url: BrokerUrl, topic_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.gateway.desk.WINDOW", 3)
    with (
        a_place(mosquitto_url, topic_root, answer="ended") as place,
        contextlib.ExitStack() as all_,
    ):
        socks = [all_.enter_context(place.connected()) for _ in range(20)]
        socks[0].send(b"wait")
        place.until_counted("messages", 1)
        for sock in socks[1:]:
            sock.send(b"Observation finished")
        place.until_counted("messages", 20)
        assert place.old.ask("stop") == 'done "stopped"\n'
        assert not place.scheduler.heard
        assert place.old.ask("abort") == "done\n"
        assert reads(socks[0]) == b"cancelled: aborted (cancelled)\n"


def test_at_its_end_the_gateway_tells_those_whom_it_still_owes_an_answer(
    mosquitto_url: BrokerUrl, topic_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.gateway.desk.WINDOW", 1)
    with (
        a_place(mosquitto_url, topic_root, answer="ended") as place,
        contextlib.ExitStack() as all_,
    ):
        runs, waits = (all_.enter_context(place.connected()) for _ in range(2))
        runs.send(b"wait")
        place.until_counted("delivered", 1)
        waits.send(b"Observation finished")
        place.until_counted("messages", 2)
        place.stage.send("gateway", "shutdown")
        assert reads(runs) == b"unknown: the gateway ends; the agent has accepted it\n"
        assert reads(waits) == b"undelivered: the gateway ends\n"
        place.stage.wait_until(lambda: place.stage.status("gateway").state is State.STOPPED)
        with pytest.raises(ConnectionRefusedError):
            place.comes()


def test_an_address_of_another_machine_is_left_to_that_one(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    agents = {
        "scheduler": {"receive_port": any_free_port()},
        "dome": {"ip": "192.0.2.1", "receive_port": 10001},
    }
    settings = Settings(brokers=(mosquitto_url,), root=topic_root, gateway={"agents": agents})
    with Rehearsal(bus=Brokers(settings), settings=settings) as stage:
        stage.start(Gateway(bus=stage.bus, settings=settings))
        listed = stage.ask("gateway", "ports")
        assert isinstance(listed, list)
        troubles = {one["agent"]: one["trouble"] for one in listed if isinstance(one, dict)}
        assert troubles["scheduler"] == ""
        assert "192.0.2.1:10001: Cannot assign requested address" in str(troubles["dome"])
        assert stage.status("gateway").state is State.READY


# -- a broker that is away ------------------------------------------------------------------


def test_what_was_accepted_while_the_broker_was_away_is_delivered(topic_root: str) -> None:
    need("mosquitto")
    port = any_free_port()
    with contextlib.ExitStack() as first:
        url = first.enter_context(
            find_or_start(Settings(brokers=()), port=port, kind="mosquitto")
        ).url
        with a_place(url, topic_root) as place:
            first.close()
            gateway = place.stage.sender  # anyone's connection tells
            place.stage.wait_until(lambda: not gateway._transport.is_up)
            for number in range(50):
                place.old.send_to(f"Observation finished number={number}")
            with find_or_start(Settings(brokers=()), port=port, kind="mosquitto"):
                place.stage.wait_until(lambda: len(place.scheduler.heard) == 50, timeout=30)
                numbers = [one.args["number"] for one in place.scheduler.heard]
                assert sorted(map(int, map(str, numbers))) == list(range(50))
                place.until_counted("delivered", 50)


def test_without_any_broker_each_sender_is_answered_in_the_end(topic_root: str) -> None:
    url = BrokerUrl("mqtt", "127.0.0.1", any_free_port())
    port = any_free_port()
    agents = {"scheduler": {"receive_port": port, "answer": "accepted", "ttl": 0.5}}
    settings = Settings(brokers=(url,), root=topic_root, gateway={"agents": agents})
    gateway = Gateway(settings=settings)
    gateway.start()
    try:
        old = OldSender("127.0.0.1", port)
        _until_open(port)
        answer = old.ask("Observation finished")
        assert answer.startswith("undelivered: its time was over while it waited; the broker is")
    finally:
        gateway.stop()
        assert gateway.join(10)


def _until_open(port: int) -> None:
    pause = threading.Event()
    for _ in range(200):
        if answers(port):
            return
        pause.wait(0.05)
    raise TimeoutError("the gateway did not open its door")
