"""Old PyROS senders on real sockets, through the gateway and a real broker, to agents of today."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pyros_mqtt import Agent, Command, Settings, State, on
from pyros_mqtt.broker import find_or_start
from pyros_mqtt.broker.ports import answers, any_free_port
from pyros_mqtt.gateway import Gateway
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.testing import Rehearsal
from tests.need import need
from tests.system.old_pyros import OldSender


class Scheduler(Agent):
    """Keeps what it is told; the classic style."""

    MSG_OBS_FINISHED = "Observation finished"

    def __init__(self, **options: Any) -> None:
        super().__init__(Agent.SCHEDULER, **options)
        self.heard: list[Command] = []
        self.gate = threading.Event()
        self.actions_by_message[self.MSG_OBS_FINISHED] = self.observation_finished
        self.actions_by_message["wait"] = self.wait

    def observation_finished(self, message: Command) -> int:
        self.heard.append(message)
        return len(self.heard)

    def wait(self) -> None:
        while not self.gate.is_set():
            self.sleep(0.01)

    @on("goto")
    def goto(self, ra: float, dec: float) -> list[float]:
        return [ra, dec]

    @on("stop")
    def stop_all(self) -> str:
        return "stopped"


class Place:
    """A stage with a gateway and the scheduler, whose old socket is at `port`."""

    def __init__(self, stage: Rehearsal, port: int) -> None:
        self.stage = stage
        self.port = port
        self.old = OldSender("127.0.0.1", port)
        self.scheduler = Scheduler(bus=stage.bus, settings=stage.settings)

    @property
    def texts(self) -> list[str]:
        return [str(one) for one in self.scheduler.heard]

    def counted(self, kind: str) -> int:
        traffic = self.stage.latest("gateway", "traffic")
        found = traffic.get(kind, 0) if isinstance(traffic, dict) else 0
        assert isinstance(found, int)
        return found

    def until_counted(self, kind: str, count: int) -> None:
        self.stage.wait_until(lambda: self.counted(kind) >= count)

    @property
    def detail(self) -> str:
        return self.stage.status("gateway").detail

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


@contextlib.contextmanager
def a_place(
    url: BrokerUrl, root: str, *, with_agent: bool = True, table: dict[str, Any] | None = None,
    **section: Any,
) -> Iterator[Place]:  # fmt: skip
    port = any_free_port()
    agents = {"scheduler": {"receive_port": port, **section}}
    settings = Settings(
        brokers=(url,), root=root, beat=0.5, gateway={**(table or {}), "agents": agents}
    )
    with Rehearsal(bus=Brokers(settings), settings=settings) as stage:
        place = Place(stage, port)
        if with_agent:
            stage.start(place.scheduler)
        stage.start(Gateway(bus=stage.bus, settings=settings))
        yield place


def reads(sock: socket.socket) -> bytes:
    """Everything until the other side closes."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(4096):
            data += piece
    return data


# -- what PyROS did -------------------------------------------------------------------------


def test_an_old_senders_message_becomes_a_command(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root) as place:
        place.old.send_to(Scheduler.MSG_OBS_FINISHED)
        place.stage.wait_until(lambda: place.scheduler.heard)
        (command,) = place.scheduler.heard
        assert (command.message, command.sender) == ("Observation finished", "tcp-127-0-0-1")


def test_a_senders_configured_name_is_its_from(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    with a_place(mosquitto_url, topic_root, sends_from="127.0.0.1") as place:
        place.old.send_to(Scheduler.MSG_OBS_FINISHED)
        place.stage.wait_until(lambda: place.scheduler.heard)
        assert place.scheduler.heard[0].sender == "scheduler"


def test_an_old_sender_gets_no_answer_unless_one_is_configured(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root) as place:
        assert place.old.ask(Scheduler.MSG_OBS_FINISHED) == ""


@pytest.mark.parametrize(
    ("answer", "line"), [("accepted", "accepted\n"), ("ended", "done [83.5,22]\n")]
)
def test_one_who_reads_gets_an_answer_line(
    mosquitto_url: BrokerUrl, topic_root: str, answer: str, line: str
) -> None:
    with a_place(mosquitto_url, topic_root, answer=answer) as place:
        assert place.old.ask("goto ra=83.5 dec=22.0").replace("22.0", "22") == line
        refused = place.old.ask("gotoo")
        assert refused.startswith("rejected: there is no message 'gotoo'; did you mean 'goto'")
        assert refused.endswith("(unknown-message)\n")
        assert place.old.ask("goto ra=x dec=1").startswith("rejected: ra: must be")


def test_several_messages_in_one_segment_are_one_message_as_they_were(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, answer="accepted") as place:
        answer = place.old.ask("Observation finished\nObservation finished")
        assert "there is no message 'Observation finished\\nObservation" in answer.replace("\n", "")


def test_the_first_segment_of_a_message_is_the_message_as_it_was(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, answer="accepted") as place, place.connected() as sock:
        sock.send(b"Observation")
        assert reads(sock).startswith(b"rejected: there is no message 'Observation'")


def test_a_read_takes_buffer_size_bytes_and_what_is_left_is_told(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root, buffer_size=20) as place:
        place.old.send_to("Observation finished and then some")
        place.stage.wait_until(lambda: place.scheduler.heard)
        place.until_counted("cut", 1)
        assert place.texts == ["Observation finished"]
        place.stage.wait_until(lambda: "14 bytes or more were not read" in place.detail)


def test_line_by_line_segments_do_not_matter(mosquitto_url: BrokerUrl, topic_root: str) -> None:
    with (
        a_place(mosquitto_url, topic_root, framing="line", answer="ended") as place,
        place.connected() as sock,
    ):
        lines = sock.makefile("r")
        sock.send(b"Observation finished\nObserva")
        assert lines.readline() == "done 1\n"
        sock.send(b"tion finished\r\ngoto ra=1 dec=2\nnonsense")
        assert lines.readline() == "done 2\n"
        assert lines.readline().startswith("done [1")
        sock.shutdown(socket.SHUT_WR)
        assert lines.readline().startswith("rejected: there is no message 'nonsense'")
        assert lines.readline() == ""


def test_messages_of_one_sender_come_in_their_order(
    mosquitto_url: BrokerUrl, topic_root: str
) -> None:
    with a_place(mosquitto_url, topic_root) as place:
        for number in range(200):
            place.old.send_to(f"Observation finished number={number}")
        place.stage.wait_until(lambda: len(place.scheduler.heard) == 200)
        assert [one.args["number"] for one in place.scheduler.heard] == list(range(200))


# -- bad input ------------------------------------------------------------------------------


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


# -- agents that are away, full or slow -----------------------------------------------------


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
            place.connected()


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
