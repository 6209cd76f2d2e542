"""What strangers and slips do to the old sockets, and that nobody else suffers."""

from __future__ import annotations

import contextlib
import socket
import struct

import pytest

from pyros_mqtt import Settings, State
from pyros_mqtt.broker.ports import answers
from pyros_mqtt.gateway import Gateway
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.testing import Rehearsal
from tests.system.gateway_place import Scheduler, a_place, reads


def test_one_who_connects_and_says_nothing_is_let_go(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, timeout=0.3) as place, place.connected() as sock:
        assert reads(sock) == b""
        place.until_counted("silent", 1)
        place.stage.wait_until(lambda: "said nothing to scheduler" in place.detail)
        place.old.send_to(Scheduler.MSG_OBS_FINISHED)
        place.stage.wait_until(lambda: place.scheduler.heard)


@pytest.mark.parametrize("framing", ["read", "line"])
def test_ten_megabytes_are_neither_kept_nor_obeyed(
    mosquitto_url: BrokerUrl, topic_root: str, framing: str
) -> None:
    with a_place(mosquitto_url, topic_root, framing=framing) as place:
        with place.connected() as sock, contextlib.suppress(ConnectionError):
            sock.sendall(b"x" * 10_000_000)
            reads(sock)
        place.until_counted("cut", 1)
        place.old.send_to(Scheduler.MSG_OBS_FINISHED)
        place.stage.wait_until(lambda: place.scheduler.heard)
        assert len(place.scheduler.heard) == 1


def test_bytes_that_are_not_utf8_are_told_and_harm_nobody(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, answer="accepted") as place:
        with place.connected() as sock:
            sock.send(b"Observation \xff\xfe")
            assert reads(sock) == b"rejected: not UTF-8 at byte 12 (bad-encoding)\n"
        place.until_counted("unreadable", 1)
        place.stage.wait_until(lambda: "not UTF-8 at byte 12" in place.detail)
        assert place.stage.status("gateway").state is State.DEGRADED
        assert place.old.ask(Scheduler.MSG_OBS_FINISHED) == "accepted\n"


def test_a_reset_in_the_middle_is_told(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    with a_place(mosquitto_url, topic_root, framing="line") as place:
        sock = place.connected()
        sock.send(b"Observation finished\nObserv")
        place.stage.wait_until(lambda: place.scheduler.heard)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        place.until_counted("broken", 1)
        assert place.texts == ["Observation finished"]


def test_a_look_at_the_port_is_no_message(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    with a_place(mosquitto_url, topic_root) as place:
        place.connected().close()
        place.until_counted("empty", 1)
        assert place.counted("messages") == 0


def test_an_address_that_is_not_allowed_is_turned_away(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, allow="10.0.0.0/8", answer="ended") as place:
        with place.connected() as sock, contextlib.suppress(ConnectionError):
            sock.send(b"Observation finished")
            assert reads(sock) == b""
        place.until_counted("refused", 1)
        place.stage.wait_until(lambda: "127.0.0.1 may not write to scheduler" in place.detail)
        assert not place.scheduler.heard


def test_silent_ones_do_not_keep_others_out(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    table = {"max_connections": 5, "timeout": 60}
    with a_place(mosquitto_url, topic_root, table=table) as place, contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(place.connected())
        place.old.send_to(Scheduler.MSG_OBS_FINISHED)
        place.stage.wait_until(lambda: place.scheduler.heard)
        place.until_counted("silent", 5)


def test_a_port_in_use_is_told_and_taken_once_it_is_free(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        agents = {"scheduler": {"receive_port": port}}
        settings = Settings(brokers=(mosquitto_url,), root=topic_root, gateway={"agents": agents})
        with Rehearsal(bus=Brokers(settings), settings=settings) as stage:
            stage.start(Gateway(bus=stage.bus, settings=settings), until=State.DEGRADED)
            place = f"127.0.0.1:{port}"
            wanted = f"scheduler: cannot listen at {place}: Address already in use"
            assert wanted in stage.status("gateway").detail
            other.close()
            stage.wait_until(lambda: answers(port), timeout=60)
            stage.wait_until(lambda: stage.status("gateway").state is State.READY)
            listed = [{"agent": "scheduler", "listens": place, "trouble": "", "held": 0}]
            assert stage.ask("gateway", "ports") == listed
